#include "tests/system/station_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_key.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/platform/encoding.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_order.h"
#include "concentrator/station_room.h"
#include "concentrator/station_tariff.h"

void site_open(struct site *site)
{
	struct ledger_failure failure;
	if (site_try_open(site, &failure) < 0)
		fail_msg("%s", failure.text);
}

int site_try_open(struct site *site, struct ledger_failure *ret_failure)
{
	char path[128], error[STATION_ERROR_SIZE] = "";
	ret_failure->text[0] = '\0';
	snprintf(path, sizeof(path), "%s/ledger.db", site->vfs == NULL ? site->folder : "");
	const struct ledger_settings settings = {
		.path = path, .vfs = site->vfs, .site = site->config.site.id, .now_s = START_S};
	int r = ledger_open(&site->ledger, &settings, ret_failure);
	if (r < 0)
		return r;
	struct station_settings station = {
		.config = &site->config,
		.models = site->models,
		.ledger = site->ledger,
		.zone = {.count = 1, .transition = {{.from_s = 0, .offset_s = 28800}}},
		.ports = played_ports(),
		.userdata = &site->building,
		.seed = 1,
		.version = "test",
		.read_period_us = site->read_period_us != 0 ? site->read_period_us : MINUTE_US,
	};
	if (site->zone != NULL)
		station.zone = *site->zone;
	snprintf(station.boot, sizeof(station.boot), "%s", site->boot);
	struct instant now = played_now(&site->building);
	r = station_open(&site->building.station, &station, &now, error);
	if (r < 0) {
		snprintf(ret_failure->text, sizeof(ret_failure->text), "%s", error);
		site->ledger = ledger_close(site->ledger);
		return r;
	}
	station_line_state(site->building.station, 0, LINE_OK, 0, &now);
	return 0;
}

void site_close(struct site *site)
{
	site->building.station = station_close(site->building.station);
	site->ledger = ledger_close(site->ledger);
	/* What was on its way is lost with the daemon. */
	site->building.held = 0;
	site->building.done_us = 0;
}

static void no_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)userdata;
	fail_msg("row %zu: %s %s", row, column, detail);
}

void site_add_room(struct site *site, int number, int opening_minor, const char *circuit,
		   bool may_cut, int order)
{
	char address[16], opening[16], room[16], cut_order[4];
	snprintf(address, sizeof(address), "%d", (int)site->building.meters);
	snprintf(opening, sizeof(opening), "%d", opening_minor);
	snprintf(room, sizeof(room), "%d", number);
	snprintf(cut_order, sizeof(cut_order), "%d", order);
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", room,
				 "circuit", circuit, "line", "A", "address", address, "model",
				 "hiking-dds238-sr", "relay", "meter", "breaker_a", "16",
				 "opening_minor", opening, "cut_order", cut_order, "may_cut",
				 may_cut ? "yes" : "no");
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
}

struct played_meter *site_add_meter(struct site *site, int64_t load_w)
{
	struct played_meter *meter = &site->building.meter[site->building.meters++];
	*meter = (struct played_meter){
		.energy_uwh = INT64_C(1234560) * 1000000, .load_w = load_w, .closed = true};
	return meter;
}

struct played_meter *site_add_water_meter(struct site *site, int64_t flow_l_h)
{
	struct played_meter *meter = site_add_meter(site, flow_l_h);
	meter->energy_uwh = INT64_C(345678) * 1000000;
	meter->water = meter->coil[0] = true;
	meter->weight = 10;
	return meter;
}

void site_add_water(struct site *site, int number, const char *may_cut, int order)
{
	char address[16], room[16], cut_order[4];
	snprintf(address, sizeof(address), "%d", (int)site->building.meters);
	snprintf(room, sizeof(room), "%d", number);
	snprintf(cut_order, sizeof(cut_order), "%d", order);
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s*}]", "room", room, "circuit",
				 "water", "line", "A", "address", address, "model", "wb-mwac-v2",
				 "relay", "meter", "cut_order", cut_order, "may_cut", may_cut);
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
}

int site_setup(void **state)
{
	return site_setup_on(state, NULL);
}

int site_setup_on(void **state, const char *vfs)
{
	/* The same in each run: signatures are part of what a ledger keeps. */
	static const uint8_t secret[32] = {1};
	struct site *site = calloc(1, sizeof(*site));
	char error[256];
	const char *const dirs[] = {PREPAY_SOURCE "/meters/models"};
	assert_non_null(site);
	site->vfs = vfs;
	site->boot = "0123456789abcdef0123456789abcdef";
	snprintf(site->folder, sizeof(site->folder), "/tmp/station-XXXXXX");
	assert_non_null(mkdtemp(site->folder));
	struct config *config = &site->config;
	snprintf(config->site.id, sizeof(config->site.id), "S-1");
	config->site.currency = 156;
	config->site.minor_digits = 2;
	config->line_count = 1;
	snprintf(config->lines[0].name, sizeof(config->lines[0].name), "A");
	snprintf(config->lines[0].port, sizeof(config->lines[0].port), "/dev/null");
	config->lines[0].baud = 9600;
	config->lines[0].stop_bits = 1;
	config->policy = (struct config_policy){
		.restore_min_minor = 1,
		.low_minor = 100,
		.notice_s = 600,
		.stage_s = 60,
		.settle_s = 21600,
		.stale_s = 300,
		.hold_max_s = 86400,
		.hold_max_minor = 1500,
		.mass_cut_percent = 10,
		.mass_cut_min = 3,
		.mass_cut_window_s = 600,
		.change_hold_s = 3600,
		.close_stagger_ms = 200,
		.plausibility_factor = 1,
		.nominal_voltage = 230,
		.water_flow_l_h = 5000,
		.order_max_minor = 1000000,
		.order_room_day_max_minor = 1000000,
		.order_day_max_minor = 10000000,
		.suspect_age_s = 259200,
		.standing_in_emergency = true,
		.debt_halted = true,
	};
	int r = models_read(&site->models, dirs, 1, error, sizeof(error));
	if (r < 0)
		fail_msg("%s", error);
	site->building.base_s = START_S - 1;
	site->building.now_us = 1000000;
	site->building.moved_us = 1000000;
	site->building.trusted = true;
	site_open(site);

	struct ledger_tariff tariff = {.name = "test",
				       .activation_s = START_S - 86400,
				       .text = "[tariff]\nname = test\nactivation = receipt\n"
					       "[energy]\nprice = 0.5\n"};
	site->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
	assert_non_null(site->key);
	struct ledger_key key = {.kid = "pay-1", .use = "credit", .to_s = INT64_MAX};
	size_t size = sizeof(key.public_key);
	assert_int_equal(EVP_PKEY_get_raw_public_key(site->key, key.public_key, &size), 1);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_keyset_replace(site->ledger, 1, &key, 1, START_S), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load(site->building.station), 0);
	*state = site;
	return 0;
}

/* Whatever a test did to the building: what it left on the disk is a ledger. */
static void prove_ledger(const struct site *site)
{
	struct ledger_verdict verdict;
	char path[128];

	if (site->vfs != NULL)
		return;
	(void)snprintf(path, sizeof(path), "%s/ledger.db", site->folder);
	assert_int_equal(ledger_verify(path, NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

int site_teardown(void **state)
{
	struct site *site = *state;
	char command[128];
	site_close(site);
	prove_ledger(site);
	models_close(site->models);
	EVP_PKEY_free(site->key);
	snprintf(command, sizeof(command), "rm -rf %s", site->folder);
	assert_int_equal(system(command), 0);
	free(site);
	return 0;
}

json_t *site_credit(struct site *site, const char *mrid, const char *room, int64_t minor)
{
	return site_credit_of(site, mrid, room, "", minor);
}

json_t *site_signed(struct site *site, const char *type, const char *mrid, const char *prefix,
		    const char *payload)
{
	char bytes[1024], p[1400], sig[128];
	uint8_t signature[64];
	size_t size = sizeof(signature);
	int n = snprintf(bytes, sizeof(bytes), "%s%s", prefix, payload);
	assert_in_range(n, 1, sizeof(bytes) - 1);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, site->key), 1);
	assert_int_equal(
		EVP_DigestSign(context, signature, &size, (const uint8_t *)bytes, (size_t)n), 1);
	EVP_MD_CTX_free(context);
	base64url_encode(payload, strlen(payload), p, sizeof(p));
	base64url_encode(signature, sizeof(signature), sig, sizeof(sig));
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", type, "mRID", mrid, "kid", "pay-1", "p",
			 p, "sig", sig);
}

static json_t *sign(struct site *site, const char *mrid, const char *room, const char *tenancy,
		    int64_t minor, const char *credit_type, const char *reverses)
{
	char payload[512];
	snprintf(payload, sizeof(payload),
		 "{\"v\":1,\"aud\":\"S-1\",\"seq\":0,\"mRID\":\"%s\","
		 "\"usagePoint\":\"%s\",\"tenancy\":\"%s\",\"creditAmount\":{\"value\":%lld,"
		 "\"multiplier\":-2,\"monetaryUnit\":156},\"creditType\":\"%s\","
		 "\"effectiveTime\":1,\"iat\":1,\"exp\":9999999999%s%s%s}",
		 mrid, room, tenancy, (long long)minor, credit_type,
		 reverses == NULL ? "" : ",\"reverses\":\"", reverses == NULL ? "" : reverses,
		 reverses == NULL ? "" : "\"");
	return site_signed(site, "CreditRegister", mrid, ORDER_CREDIT_PREFIX, payload);
}

json_t *site_credit_typed(struct site *site, const char *mrid, const char *room, int64_t minor,
			  const char *credit_type)
{
	return sign(site, mrid, room, "", minor, credit_type, NULL);
}

json_t *site_credit_of(struct site *site, const char *mrid, const char *room, const char *tenancy,
		       int64_t minor)
{
	return sign(site, mrid, room, tenancy, minor, "paid", NULL);
}

json_t *site_reversal(struct site *site, const char *mrid, const char *room, int64_t minor,
		      const char *reverses)
{
	return sign(site, mrid, room, "", minor, "paid", reverses);
}

const char *site_deliver(struct site *site, json_t *item, const char *cursor)
{
	static char result[32];
	json_t *items = json_pack("[o]", item), *results = NULL;
	site->building.station->now = played_now(&site->building);
	assert_int_equal(station_deliver(site->building.station, items, cursor, &results), 0);
	snprintf(result, sizeof(result), "%s",
		 json_string_value(json_object_get(json_array_get(results, 0), "result")));
	json_decref(items);
	json_decref(results);
	return result;
}

struct station_room *site_room(struct site *site, const char *name)
{
	struct station_room *found = station_room_find(site->building.station, name);
	assert_non_null(found);
	return found;
}

/* Everything settled: charged equals the change of the registers, money is energy x price exactly. */
void site_assert_conserved(struct site *site, const int64_t first_wh[], int64_t credited_nano)
{
	struct station *station = site->building.station;
	struct ledger_totals totals;
	int64_t moved_wh = 0;
	for (size_t i = 0; i < site->building.meters; i++)
		site->building.meter[i].load_w = 0;
	played_run(&site->building, site->building.now_us + 2 * MINUTE_US);
	assert_int_equal(station_begin(station), 0);
	for (size_t i = 0; i < station->room_count; i++)
		assert_int_equal(station_settle_room(station, station->rooms[i], "test"), 0);
	assert_int_equal(station_commit(station), 0);
	for (size_t i = 0; i < site->building.meters; i++)
		moved_wh += played_register_wh(&site->building.meter[i]) - first_wh[i];
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_int_equal(totals.charged_wh, moved_wh);
	assert_int_equal(totals.balance_nano, credited_nano - moved_wh * PRICE_MICRO);
}

void site_tariff(struct site *site, const char *more)
{
	char text[512];
	struct ledger_tariff tariff = {.name = "t", .activation_s = START_S - 1, .text = text};
	snprintf(text, sizeof(text),
		 "[tariff]\nname = t\nactivation = receipt\n[energy]\nprice = 0.5\n%s", more);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

void site_pass_days(struct site *site, int days)
{
	struct played_building *building = &site->building;
	for (int i = 0; i < days; i++) {
		int64_t now_s = building->base_s + building->now_us / 1000000 - START_S;
		building->base_s += CALENDAR_DAY_S - now_s % CALENDAR_DAY_S - 60;
		played_run(building, building->now_us + 3 * MINUTE_US);
	}
}
