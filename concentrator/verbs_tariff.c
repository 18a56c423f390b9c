/* verbs_tariff.c - tariffs: shown, checked, applied. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_tariff.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_state.h"
#include "concentrator/station_tariff.h"
#include "concentrator/tariff_file.h"

struct tariffs {
	const struct station *station;
	json_t *rows;
	size_t bytes;
	int64_t from; /* tariffs before this one were on earlier pages */
	int64_t at;
};

static const char *state_of(const struct station *station, int64_t id, int64_t activation_s)
{
	const struct tariff *current = tariff_at(&station->book, station->now.s);
	if (current != NULL && current->id == id)
		return "current";
	return activation_s > station->now.s ? "staged" : "past";
}

/* [{name, price_micro_per_kwh: a price for each block}]; a flat price is one band without a name. */
static json_t *band_rows(const struct tariff *tariff)
{
	json_t *rows = json_array();
	for (uint32_t band = 0; band < tariff_bands(tariff); band++) {
		json_t *prices = json_array();
		for (uint32_t block = 0; block < tariff_block_count(tariff); block++)
			json_array_append_new(
				prices,
				json_integer((json_int_t)tariff->price_micro_per_kwh[band][block]));
		json_array_append_new(rows, json_pack("{s:s,s:o}", "name", tariff->band_name[band],
						      "price_micro_per_kwh", prices));
	}
	return rows;
}

static json_t *edge_rows(const struct tariff *tariff)
{
	json_t *rows = json_array();
	for (uint32_t block = 0; block + 1 < tariff_block_count(tariff); block++)
		json_array_append_new(rows,
				      json_integer((json_int_t)tariff->blocks.edge_wh[block]));
	return rows;
}

static json_t *allowance(const struct tariff *tariff)
{
	if (!tariff_has_allowance(tariff))
		return json_null();
	return json_pack("{s:I,s:o,s:b}", "energy_wh", (json_int_t)tariff->allowance.wh,
			 "amount_nano", message_nano(tariff->allowance.nano), "per_person",
			 tariff->allowance.per_person);
}

static json_t *standing(const struct tariff *tariff)
{
	const struct tariff_standing *value = &tariff->standing;
	if (value->day_nano == 0 && value->month_nano == 0)
		return json_null();
	return json_pack("{s:o,s:o,s:b,s:b}", "day_nano", message_nano(value->day_nano),
			 "month_nano", message_nano(value->month_nano), "while_cut",
			 !value->not_cut, "while_unread", !value->not_unread);
}

static json_t *tax(const struct tariff *tariff)
{
	if (tariff->tax.rate_ppm == 0)
		return json_null();
	return json_pack("{s:i,s:b}", "rate_ppm", (int)tariff->tax.rate_ppm, "added",
			 tariff->tax.added);
}

/* null: it is counted and costs nothing. */
static json_t *water(const struct tariff *tariff)
{
	return tariff->water.priced ? json_pack("{s:I}", "price_micro_per_m3",
						(json_int_t)tariff->water.price_micro_per_m3)
				    : json_null();
}

static json_t *row_of(const struct tariff *tariff, const char *state, const char *text)
{
	int64_t least, most;
	tariff_price_range(tariff, &least, &most);
	return json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "id",
			 (json_int_t)tariff->id, "name", tariff->name, "state", state,
			 "activation_s", (json_int_t)tariff->activation_s, "price_micro_per_kwh",
			 (json_int_t)least, "most_micro_per_kwh", (json_int_t)most, "bands",
			 band_rows(tariff), "edges_wh", edge_rows(tariff), "allowance",
			 allowance(tariff), "standing", standing(tariff), "minimum_nano",
			 tariff->minimum.nano == 0 ? json_null()
						   : message_nano(tariff->minimum.nano),
			 "tax", tax(tariff), "water", water(tariff), "text", text);
}

static int tariff_row(const struct ledger_tariff *record, void *userdata)
{
	struct tariffs *tariffs = userdata;
	const struct station *station = tariffs->station;
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	if (tariffs->at < tariffs->from) {
		tariffs->at++;
		return 0;
	}
	if (tariff_file_parse(record->text, strlen(record->text), &station->settings.zone, &tariff,
			      &from_receipt, &errors) < 0) {
		json_decref(errors);
		tariffs->at++;
		return 0;
	}
	tariff.id = record->id;
	tariff.activation_s = record->activation_s;
	json_t *row = row_of(&tariff, state_of(station, tariff.id, tariff.activation_s),
			     record->text);
	if (!verbs_fits(row, &tariffs->bytes, tariffs->rows)) {
		json_decref(row);
		return 1;
	}
	json_array_append_new(tariffs->rows, row);
	tariffs->at++;
	return 0;
}

int verb_tariff_show(void *userdata, struct control_call *call)
{
	struct tariffs tariffs = {.station = verbs_station(userdata), .from = verbs_cursor(call)};
	if (tariffs.from < 0)
		return -EINVAL;
	tariffs.rows = json_array();
	int r = ledger_tariffs_each(tariffs.station->ledger, tariff_row, &tariffs);
	if (r < 0) {
		json_decref(tariffs.rows);
		return r;
	}
	verbs_page(call, tariffs.rows, r == 1 ? tariffs.at : -1);
	return 0;
}

static bool read_text(struct station *station, struct control_call *call, struct tariff *ret,
		      bool *ret_from_receipt)
{
	const char *text = json_string_value(json_object_get(call->args, "text"));
	json_t *errors = NULL;
	int r = tariff_file_parse(text, strlen(text), &station->settings.zone, ret,
				  ret_from_receipt, &errors);
	if (r == -EINVAL) {
		const json_t *first = json_array_get(errors, 0);
		control_fail_rows(call, PROBLEM_USAGE, errors, "line %lld: %s",
				  (long long)json_integer_value(json_object_get(first, "line")),
				  json_string_value(json_object_get(first, "message")));
		return false;
	}
	json_decref(errors);
	if (r < 0) {
		control_fail(call, problem_from_errno(r), "the tariff cannot be read: %s",
			     strerror(-r));
		return false;
	}
	if (station->config->site.account == CONFIG_ACCOUNT_ENERGY) {
		control_fail(
			call, PROBLEM_REFUSED,
			"accounts count energy here: the price is 1 per kWh and no tariff applies");
		return false;
	}
	return true;
}

bool verbs_read_tariff(struct station *station, struct control_call *call, struct tariff *ret)
{
	bool from_receipt;
	return read_text(station, call, ret, &from_receipt);
}

/* Parses the text of a call and decides its activation. false: the call is answered. */
static bool parse(struct station *station, struct control_call *call, struct tariff *ret)
{
	bool from_receipt;
	if (!read_text(station, call, ret, &from_receipt))
		return false;
	if (from_receipt || message_arg_bool(call->args, "from_receipt", false))
		ret->activation_s = station->now.s;
	else if (ret->activation_s < station->now.s) {
		control_fail(call, PROBLEM_REFUSED,
			     "the activation is past; past use is never priced again. Choose a "
			     "later one, or "
			     "let it take effect from receipt");
		return false;
	}
	if (!station->now.trusted) {
		control_fail(call, PROBLEM_DEGRADED,
			     "the clock is not trusted; a tariff needs the time");
		return false;
	}
	return true;
}

int verb_tariff_check(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct tariff tariff;
	bool from_receipt;
	if (!read_text(station, call, &tariff, &from_receipt))
		return 0;
	/* When it may begin is for those who apply it: the one in force can be checked too. */
	if (from_receipt)
		tariff.activation_s = station->now.s;
	control_reply(
		call,
		row_of(&tariff, "checked", json_string_value(json_object_get(call->args, "text"))),
		NULL);
	return 0;
}

int verb_tariff_apply(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct tariff tariff;
	if (!parse(station, call, &tariff))
		return 0;
	if (!station_tariff_room(station)) {
		control_fail(
			call, PROBLEM_REFUSED,
			"%d tariffs are staged already; apply this one when the first of them is "
			"in force",
			TARIFF_BOOK_MAX);
		return 0;
	}
	struct ledger_tariff record = {
		.activation_s = tariff.activation_s,
		.text = json_string_value(json_object_get(call->args, "text")),
		.applied_s = station->now.s,
	};
	snprintf(record.name, sizeof(record.name), "%.*s", LEDGER_NAME_MAX, tariff.name);
	snprintf(record.applied_by, sizeof(record.applied_by), "%s", call->peer.user);
	/* What was used so far is settled at the old price, in the same transaction. */
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < station->room_count; i++) {
		r = station_settle_room(station, station->rooms[i], "tariff");
		if (r == -ERANGE || r == -EINVAL)
			r = 0;
	}
	if (r == 0)
		r = ledger_tariff_add(station->ledger, &record);
	if (r < 0) {
		station_rollback(station);
		if (r == -EEXIST) {
			control_fail(call, PROBLEM_CONFLICT, "this tariff is there already");
			return 0;
		}
		return r;
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	r = station_load_tariffs(station);
	if (r < 0)
		return r;
	for (size_t i = 0; i < station->room_count; i++)
		station_balance(station, station->rooms[i]);
	tariff.id = record.id;
	journal_log(LOG_NOTICE, MESSAGE_ID_TARIFF_APPLIED, NULL, "tariff %s applied by %s",
		    tariff.name, call->peer.user);
	control_reply(
		call,
		row_of(&tariff, state_of(station, tariff.id, tariff.activation_s), record.text),
		NULL);
	return 0;
}
