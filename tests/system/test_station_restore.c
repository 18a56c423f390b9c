/* The card is lost: a ledger made from the checkpoints that the cloud has, or from an older backup, goes on
 * with every balance, gives no order's money twice, and charges what the meters moved in between once. */
#include "tests/system/station_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "concentrator/ledger_checkpoint.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_restore.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_epoch.h"
#include "concentrator/station_event.h"
#include "concentrator/station_tariff.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define DAY_US     (24 * HOUR_US)

/* What a cloud has of the box, put together as the contract says. */
struct cloud {
	json_t *heads;    /* by arrival */
	json_t *sections; /* name: rows */
	json_t *orders;   /* all that it ever sent */
};

static bool grows(const char *section)
{
	return strcmp(section, "orders") == 0 || strcmp(section, "decisions") == 0 ||
	       strcmp(section, "receipts") == 0 || strcmp(section, "grants") == 0;
}

static int hear(const struct ledger_event *event, void *userdata)
{
	struct cloud *cloud = userdata;
	if (strcmp(event->type, "checkpoint") != 0)
		return 0;
	json_t *body = json_loads(event->body, 0, NULL);
	const char *section = json_string_value(json_object_get(body, "section"));
	if (strcmp(section, "head") == 0) {
		/* A section of which nothing was ever told is empty. */
		size_t i;
		json_t *about;
		json_array_foreach(json_object_get(body, "sections"), i, about)
		{
			const char *name = json_string_value(json_object_get(about, "name"));
			if (json_object_get(cloud->sections, name) == NULL ||
			    json_integer_value(json_object_get(about, "rows")) == 0)
				json_object_set_new(cloud->sections, name, json_array());
		}
		json_array_append(cloud->heads, body);
	} else {
		if (json_integer_value(json_object_get(body, "part")) == 0 &&
		    (!grows(section) ||
		     json_integer_value(json_object_get(body, "checkpoint")) == 1))
			json_object_set_new(cloud->sections, section, json_array());
		json_array_extend(json_object_get(cloud->sections, section),
				  json_object_get(body, "rows"));
	}
	json_decref(body);
	return 0;
}

static struct cloud listen_to(struct site *site)
{
	struct cloud cloud = {.heads = json_array(), .sections = json_object()};
	assert_int_equal(ledger_events_each(site->ledger, 0, -1, INT32_MAX, hear, &cloud), 0);
	assert_true(json_array_size(cloud.heads) > 0);
	return cloud;
}

static const json_t *last_head(const struct cloud *cloud)
{
	return json_array_get(cloud->heads, json_array_size(cloud->heads) - 1);
}

static void forget(struct cloud *cloud)
{
	json_decref(cloud->heads);
	json_decref(cloud->sections);
}

static void path_of(const struct site *site, const char *suffix, char ret[static 160])
{
	snprintf(ret, 160, "%s/ledger.db%s", site->folder, suffix);
}

static struct ledger_restore asking(const struct site *site, const char *path)
{
	return (struct ledger_restore){
		.path = path,
		.site = site->config.site.id,
		.now_s = site->building.base_s + site->building.now_us / 1000000,
		.trusted = true,
		.now_us = site->building.now_us,
		.boot = "0123456789abcdef0123456789abcdef",
		.who = "root",
		.why = "the card is lost",
	};
}

/* The box is off, the card gone; another one is put in at until_us. */
static struct ledger_restored restore(struct site *site, const struct cloud *cloud,
				      int64_t until_us)
{
	struct ledger_failure failure;
	struct ledger_restored restored;
	char path[160];
	site_close(site);
	path_of(site, "", path);
	assert_int_equal(unlink(path), 0);
	site->building.now_us = site->building.moved_us = until_us;
	const struct ledger_restore wish = asking(site, path);
	if (ledger_restore_checkpoint(&wish, last_head(cloud), cloud->sections, &restored,
				      &failure) < 0)
		fail_msg("%s", failure.text);
	site_open(site);
	return restored;
}

static int64_t checkpoint(struct site *site)
{
	return site_ask_int(site, "ledger.checkpoint", json_pack("{s:s}", "reason", "test"),
			    "checkpoint");
}

static int64_t settled_nano(struct site *site, const char *room)
{
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");
	return site_room(site, room)->settled_nano;
}

static void assert_verified(struct site *site)
{
	struct ledger_verdict verdict;
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
	assert_true(verdict.ok);
}

static struct site_answer cash(struct site *site, const char *room, const char *receipt,
			       const char *type)
{
	return site_ask(site, "credit.add",
			json_pack("{s:s,s:{s:i,s:i,s:i},s:s,s:s,s:s}", "room", room, "amount",
				  "value", 500, "multiplier", -2, "monetaryUnit", 156, "receipt",
				  receipt, "type", type, "reason", "test"));
}

static void a_lost_card_costs_nobody_anything(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 700);
	site->config.policy.cash = true;
	site->config.policy.cash_day_max_minor = 100000;
	site_add_room(site, 101, 5000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	json_t *orders[] = {
		site_credit(site, "r-1", "101", 2500), site_credit(site, "r-2", "101", 1000),
		site_reversal(site, "r-3", "101", -300, "r-1"),
		site_credit(site, "r-4", "101", 777), site_credit(site, "r-5", "500", 99)};
	played_run(building, DAY_US);
	for (int i = 0; i < 3; i++)
		assert_string_equal(site_deliver(site, json_incref(orders[i]), "1"), "applied");
	assert_string_equal(site_deliver(site, json_incref(orders[4]), "2"), "quarantined");
	static const char *const types[] = {"paid", "subsidy"};
	for (int i = 0; i < 2; i++) {
		struct site_answer paid = cash(site, "101", "K-7", types[i]);
		assert_int_equal(paid.problem, PROBLEM_NONE);
		site_forget(&paid);
	}
	played_run(building, building->now_us + HOUR_US);
	(void)checkpoint(site);
	int64_t subsidy_nano = site_room(site, "101")->credit.subsidy_nano;
	assert_in_range(subsidy_nano, 1, INT64_C(5000000000));
	struct cloud cloud = listen_to(site);
	/* Behind the checkpoint: energy, and an order. */
	played_run(building, building->now_us + 5 * HOUR_US);
	assert_string_equal(site_deliver(site, json_incref(orders[3]), "3"), "applied");
	played_run(building, building->now_us + 5 * HOUR_US);

	struct ledger_restored restored = restore(site, &cloud, building->now_us + 3 * HOUR_US);
	assert_int_equal(restored.epoch, 2);
	assert_int_equal(restored.orders, 4);
	assert_int_equal(restored.receipts, 1);
	assert_int_equal(site_room(site, "101")->credit.subsidy_nano, subsidy_nano);
	played_run(building, building->now_us + HOUR_US);
	/* U3: everything that was ever sent. */
	static const char *const answers[] = {"duplicate", "duplicate", "duplicate", "applied",
					      "duplicate"};
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5; i++)
			assert_string_equal(site_deliver(site, json_incref(orders[i]), "4"),
					    round == 1 ? "duplicate" : answers[i]);
	for (int i = 0; i < 2; i++) {
		struct site_answer again = cash(site, "101", "K-7", types[i]);
		assert_int_equal(again.problem, PROBLEM_CONFLICT);
	}
	/* Another order under a known id, and more taken back than is left of an order from before. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2501), "5"),
			    "rejected");
	assert_string_equal(
		site_deliver(site, site_reversal(site, "r-6", "101", -2201, "r-1"), "6"),
		"quarantined");
	assert_string_equal(
		site_deliver(site, site_reversal(site, "r-7", "101", -2200, "r-1"), "7"),
		"applied");
	assert_string_equal(site_deliver(site, site_reversal(site, "r-8", "101", -1, "r-1"), "8"),
			    "quarantined");
	meter->load_w = 0;
	played_run(building, building->now_us + 2 * MINUTE_US);
	int64_t moved_wh = played_register_wh(meter) - first_wh;
	assert_int_equal(settled_nano(site, "101"),
			 INT64_C(10000000) * (5000 + 2500 + 1000 - 300 + 777 + 500 + 500 - 2200) -
				 moved_wh * PRICE_MICRO);
	assert_verified(site);
	for (int i = 0; i < 5; i++)
		json_decref(orders[i]);
	forget(&cloud);
}

static void a_restored_ledger_is_restored_from_its_own_checkpoint(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 500);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	site_add_meter(site, 300);
	site_add_room(site, 102, 7000, "sockets", true, 1);
	played_run(building, HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "102", 100), "1"),
			    "applied");
	assert_int_equal(checkpoint(site), 2); /* the first day's came by itself */
	struct cloud first = listen_to(site);
	(void)restore(site, &first, building->now_us + HOUR_US);
	played_run(building, building->now_us + HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 100), "1"),
			    "applied");
	int64_t before[] = {settled_nano(site, "101"), settled_nano(site, "102")};
	(void)checkpoint(site);
	struct cloud second = listen_to(site);
	assert_int_equal(json_integer_value(json_object_get(last_head(&second), "epoch")), 2);
	struct ledger_restored restored = restore(site, &second, building->now_us);
	assert_int_equal(restored.epoch, 3);
	assert_int_equal(restored.orders, 2);
	assert_int_equal(site_room(site, "101")->settled_nano, before[0]);
	assert_int_equal(site_room(site, "102")->settled_nano, before[1]);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "102", 100), "1"),
			    "duplicate");
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 100), "1"),
			    "duplicate");
	forget(&first);
	forget(&second);
}

static void blocks_wishes_and_disputes_outlive_the_card(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct ledger_tariff tariff = {
		.name = "blocks",
		.activation_s = START_S,
		.text = "[tariff]\nname = t\nactivation = receipt\n[energy]\n"
			"blocks = 20 41\nreset = month 1\nprice = 0.5 0.6 0.9\n"};
	site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	site_add_meter(site, 10);
	site_add_room(site, 102, 100000, "sockets", true, 1);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(building->station), 0);
	played_run(building, DAY_US + 4 * HOUR_US);
	struct site_answer answer = site_ask(
		site, "relay.lockout", json_pack("{s:s,s:s}", "room", "102", "reason", "at work"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	answer = site_ask(site, "hold.set",
			  json_pack("{s:s,s:I,s:s}", "room", "101", "until_s",
				    (json_int_t)(START_S + 20 * 86400), "reason", "disputed"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	played_run(building, building->now_us + 2 * MINUTE_US);
	(void)settled_nano(site, "101");
	struct tariff_use use = site_room(site, "101")->use;
	assert_in_range(use.now.wh, 27000, 29000);
	(void)checkpoint(site);
	struct cloud cloud = listen_to(site);
	(void)restore(site, &cloud, building->now_us);
	assert_int_equal(site_room(site, "101")->use.now.wh, use.now.wh);
	assert_int_equal(site_room(site, "101")->use.now.since_s, use.now.since_s);
	assert_true(site_room(site, "101")->hold.id != 0);
	assert_int_equal(site_room(site, "102")->supplies[0]->layers.wish[LAYER_LOCKOUT],
			 SUPPLY_OFF);
	/* The dearest block is reached where it would have been without the loss. */
	played_run(building, building->now_us + 20 * HOUR_US);
	int64_t wh = site_room(site, "101")->use.now.wh;
	int64_t paid = INT64_C(1000000000000) - settled_nano(site, "101");
	wh = site_room(site, "101")->use.now.wh;
	assert_true(wh > 41000);
	assert_int_equal(paid, 20000 * INT64_C(500000) + 21000 * INT64_C(600000) +
				       (wh - 41000) * INT64_C(900000));
	forget(&cloud);
}

static void litres_stay_litres(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct ledger_totals totals;
	site_tariff(site, "[water]\nprice = 4\n");
	struct played_meter *meter = site_add_water_meter(site, 0);
	site_add_water(site, 101, NULL, 1);
	played_run(building, 5 * MINUTE_US); /* what the counter says of itself is read first */
	meter->load_w = 100;
	played_run(building, 7 * HOUR_US + 5 * MINUTE_US);
	int64_t first_l = 345678;
	(void)checkpoint(site);
	struct cloud cloud = listen_to(site);
	(void)restore(site, &cloud, building->now_us + HOUR_US);
	/* What ran while the box was off is charged, too. */
	meter->energy_uwh += INT64_C(100) * 1000000;
	played_run(building, building->now_us + HOUR_US);
	meter->load_w = 0;
	played_run(building, building->now_us + 3 * MINUTE_US);
	int64_t moved_l = played_register_wh(meter) - first_l;
	assert_in_range(moved_l, 895, 905);
	assert_int_equal(settled_nano(site, "101"), -moved_l * 4000000);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	/* The rest is in the balance that it opened with. */
	assert_in_range(totals.charged_l, 195, moved_l);
	assert_int_equal(totals.charged_wh, 0);
	assert_verified(site);
	forget(&cloud);
}

/* What a recharge of before the loss paid of a debt goes back with it behind the loss, once. */
static void a_recharge_from_before_takes_back_what_it_paid_of_debts(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 0);
	site_add_room(site, 101, 1000, "sockets", true, 1);
	played_run(&site->building, HOUR_US);
	int64_t id = site_ask_int(site, "debt.add",
				  json_pack("{s:s,s:s,s:s,s:{s:i,s:i,s:i},s:s,s:i}", "room", "101",
					    "name", "fee", "reason", "x", "amount", "value", 5000,
					    "multiplier", -2, "monetaryUnit", 156, "way", "share",
					    "share_ppm", 500000),
				  "id");
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2000), "1"),
			    "applied");
	assert_int_equal(site_room(site, "101")->settled_nano, INT64_C(20000000000));
	(void)checkpoint(site);
	struct cloud cloud = listen_to(site);
	(void)restore(site, &cloud, site->building.now_us);
	played_run(&site->building, site->building.now_us + HOUR_US);
	for (int i = 0; i < 2; i++)
		assert_string_equal(
			site_deliver(site, site_reversal(site, "v-1", "101", -2000, "r-1"), "2"),
			i == 0 ? "applied" : "duplicate");
	assert_int_equal(site_room(site, "101")->settled_nano, INT64_C(10000000000));
	assert_int_equal(site_ask_int(site, "debt.show", json_pack("{s:I}", "id", (json_int_t)id),
				      "left_nano"),
			 INT64_C(50000000000));
	assert_verified(site);
	forget(&cloud);
}

/* A meter that began while the time was not known: another card knows as well that it was not before. */
static void what_time_cannot_have_been_outlives_the_card(void **state)
{
	struct site *site = *state;
	struct ledger_tariff dearer = {
		.name = "dearer",
		.activation_s = START_S + 3600,
		.text = "[tariff]\nname = t\nactivation = receipt\n[energy]\n"
			"price = 0.8\n"};
	site_add_meter(site, 100);
	site_add_room(site, 101, 1000, "sockets", true, 1);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &dearer), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
	played_run(&site->building, 2 * HOUR_US);
	site->building.trusted = false;
	struct played_meter *meter = site_add_meter(site, 2000);
	site_add_room(site, 102, 5000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	played_run(&site->building, 3 * HOUR_US);
	(void)checkpoint(site);
	struct cloud cloud = listen_to(site);
	(void)restore(site, &cloud, site->building.now_us);
	site->building.trusted = true;
	meter->load_w = 0;
	played_run(&site->building, site->building.now_us + 10 * MINUTE_US);
	int64_t moved_wh = played_register_wh(meter) - first_wh;
	assert_in_range(moved_wh, 1900, 2100);
	/* Its first register is read within a step of the beginning. */
	assert_in_range(INT64_C(50000000000) - settled_nano(site, "102"), (moved_wh - 100) * 800000,
			moved_wh * 800000);
	forget(&cloud);
}

static void what_was_not_signed_for_is_refused(void **state)
{
	struct site *site = *state;
	struct ledger_failure failure;
	struct ledger_restored restored;
	char path[160], made[200];
	site_add_meter(site, 500);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(&site->building, HOUR_US);
	(void)checkpoint(site);
	struct cloud cloud = listen_to(site);
	path_of(site, "", path);
	const struct ledger_restore wish = asking(site, path);
	static const struct {
		const char *sentence;
		int error;
	} cases[] = {
		{"a balance is another", -EBADMSG},
		{"a row is missing", -EBADMSG},
		{"a row is there twice", -EBADMSG},
		{"a section is missing", -EPROTONOSUPPORT},
		{"a section is there that the head does not name", -EBADMSG},
		{"a section that this version does not know", -EPROTONOSUPPORT},
		{"columns that this version does not know", -EPROTONOSUPPORT},
		{"another site", -EBADMSG},
		{"balances that do not come to the sum", -EBADMSG},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *head = json_deep_copy(last_head(&cloud));
		json_t *sections = json_deep_copy(cloud.sections);
		json_t *accounts = json_object_get(sections, "accounts");
		json_t *abouts = json_object_get(head, "sections");
		switch (i) {
		case 0:
			json_array_set_new(json_array_get(accounts, 0), 3,
					   json_string("5000000000000"));
			break;
		case 1:
			json_array_remove(accounts, 0);
			break;
		case 2:
			json_array_append(accounts, json_array_get(accounts, 0));
			break;
		case 3:
			json_object_set_new(json_array_get(abouts, 0), "name",
					    json_string("allowances of tomorrow"));
			break;
		case 4:
			json_object_set_new(sections, "more", json_array());
			break;
		case 5:
			json_array_append_new(abouts,
					      json_pack("{s:s,s:s,s:i,s:s}", "name", "magic",
							"columns", "id", "rows", 0, "sha256", ""));
			json_object_set_new(sections, "magic", json_array());
			break;
		case 6:
			json_object_set_new(json_array_get(abouts, 0), "columns",
					    json_string("id,name,colour"));
			break;
		case 7:
			json_object_set_new(head, "site", json_string("S-2"));
			break;
		default:
			json_object_set_new(head, "balance_nano", json_string("1"));
			break;
		}
		int r = ledger_restore_checkpoint(&wish, head, sections, &restored, &failure);
		if (r != cases[i].error || failure.text[0] == '\0')
			fail_msg("%s: %d (%s)", cases[i].sentence, r, failure.text);
		json_decref(head);
		json_decref(sections);
	}
	/* A dry run says what would be, and leaves nothing. */
	struct ledger_restore dry = wish;
	dry.dry_run = true;
	assert_int_equal(ledger_restore_checkpoint(&dry, last_head(&cloud), cloud.sections,
						   &restored, &failure),
			 0);
	assert_int_equal(restored.rooms, 1);
	static const char *const names[] = {".restored", ".restored.partial",
					    ".restored.partial.lock"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(made, sizeof(made), "%s%s", path, names[i]);
		assert_int_equal(access(made, F_OK), -1);
	}
	forget(&cloud);
}

static void an_older_backup_goes_on_in_the_next_epoch(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct ledger_failure failure;
	struct ledger_restored restored;
	struct ledger_copy copy;
	struct ledger_meta meta;
	char path[160], backup[160];
	struct played_meter *meter = site_add_meter(site, 700);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	played_run(building, 2 * HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 500), "1"),
			    "applied");
	path_of(site, "", path);
	path_of(site, ".old", backup);
	assert_int_equal(ledger_backup(path, NULL, backup, NULL, NULL, &copy), 0);
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 600), "2"),
			    "applied");
	played_run(building, building->now_us + 7 * HOUR_US);

	const struct ledger_restore wish = asking(site, path);
	if (ledger_restore_backup(&wish, backup, &restored, &failure) < 0)
		fail_msg("%s", failure.text);
	assert_int_equal(restored.epoch, 2);
	assert_int_equal(restored.rooms, 1);
	site_close(site);
	site_open(site);
	ledger_meta_get(site->ledger, &meta);
	assert_int_equal(meta.epoch, 2);
	played_run(building, building->now_us + HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 500), "1"),
			    "duplicate");
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 600), "2"),
			    "applied");
	meter->load_w = 0;
	played_run(building, building->now_us + 2 * MINUTE_US);
	assert_int_equal(settled_nano(site, "101"),
			 INT64_C(10000000) * (5000 + 500 + 600) -
				 (played_register_wh(meter) - first_wh) * PRICE_MICRO);
	assert_verified(site);

	FILE *file = fopen(backup, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	long size = ftell(file);
	for (long at = 4096 + 200; at < size; at += 4096) {
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		assert_int_equal(fwrite("forged", 1, 6, file), 6);
	}
	assert_int_equal(fclose(file), 0);
	assert_true(ledger_restore_backup(&wish, backup, &restored, &failure) < 0);
}

static void a_ledger_that_the_cloud_knows_better_goes_on_in_another_epoch(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct ledger_outbox outbox;
	struct ledger_meta meta;
	site_add_meter(site, 500);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	struct station *station = building->station;
	assert_int_equal(ledger_outbox_get(site->ledger, &outbox), 0);
	int64_t last = outbox.last;
	assert_true(last > 3);
	static const struct {
		const char *sentence;
		int64_t epoch, more;
		int again;
		int64_t epoch_after;
	} cases[] = {
		{"the cloud has less", 1, -1, 0, 1},
		{"the cloud has all", 1, 0, 0, 1},
		{"the cloud has a later event", 1, 1, 1, 2},
		{"the cloud told of the epoch before", 1, 1000, 0, 2},
		{"the cloud has a later epoch", 5, -1000, 1, 6},
	};
	/* What was acknowledged since the start may have been another ledger's. */
	assert_int_equal(station_begin(station), 0);
	assert_int_equal(ledger_outbox_acknowledge(site->ledger, 1, 3), 0);
	assert_int_equal(station_commit(station), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t through = last + cases[i].more > 0 ? last + cases[i].more : 0;
		int again = station_epoch_known(station, cases[i].epoch, through);
		ledger_meta_get(site->ledger, &meta);
		if (again != cases[i].again || meta.epoch != cases[i].epoch_after)
			fail_msg("%s: %d, epoch %lld", cases[i].sentence, again,
				 (long long)meta.epoch);
		assert_int_equal(ledger_outbox_get(site->ledger, &outbox), 0);
		assert_int_equal(outbox.through, i < 2 ? 3 : 0);
	}
	assert_non_null(alarms_find(&station->alarms, ALARM_LEDGER_OLD, "ledger"));
	/* Events and checkpoints are those of the new epoch. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 500), "1"),
			    "applied");
	assert_int_equal(checkpoint(site), 1);
	site_close(site);
	site_open(site);
	ledger_meta_get(site->ledger, &meta);
	assert_int_equal(meta.epoch, 6);
}

static void the_days_checkpoint_comes_by_itself(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 500);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, 3 * DAY_US);
	struct cloud cloud = listen_to(site);
	assert_int_equal(json_array_size(cloud.heads), 3);
	const json_t *head = last_head(&cloud);
	assert_int_equal(json_integer_value(json_object_get(head, "checkpoint")), 3);
	int64_t at_s = json_integer_value(json_object_get(head, "at_s"));
	assert_in_range(at_s, START_S + 2 * 86400 + 600, START_S + 2 * 86400 + 605);
	/* Rooms did not change: they were told once. */
	assert_int_equal(json_array_size(json_object_get(cloud.sections, "rooms")), 1);
	forget(&cloud);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_lost_card_costs_nobody_anything),
		CASE(a_restored_ledger_is_restored_from_its_own_checkpoint),
		CASE(blocks_wishes_and_disputes_outlive_the_card),
		CASE(litres_stay_litres),
		CASE(a_recharge_from_before_takes_back_what_it_paid_of_debts),
		CASE(what_time_cannot_have_been_outlives_the_card),
		CASE(what_was_not_signed_for_is_refused),
		CASE(an_older_backup_goes_on_in_the_next_epoch),
		CASE(a_ledger_that_the_cloud_knows_better_goes_on_in_another_epoch),
		CASE(the_days_checkpoint_comes_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
