/* What a checkpoint tells comes back: a ledger made from one tells the same again, section by section; and every
 * table of the schema is told, or it is said here why not. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_checkpoint.h"
#include "concentrator/ledger_dated.h"
#include "concentrator/ledger_debt.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_restore.h"
#include "concentrator/ledger_section.h"
#include "concentrator/ledger_tax.h"
#include "concentrator/ledger_verify.h"

#define GIVEN                                                                                      \
	"{\"use\":[[1,1767225600,500,0]],\"credits\":[[1,\"4000000\",\"50\",\"700\",1,0,"          \
	"1767225600,3]]}"

static void add_more(struct house *house, const struct house_room *room)
{
	struct ledger_debt debt = {.account_id = room->room.account_id,
				   .name = "deposit",
				   .total_nano = 1000,
				   .owner = "admin",
				   .reason = "agreed",
				   .debt = {.way = DEBT_DAILY, .left_nano = 940, .rate_nano = 30}};
	const struct ledger_dated dated = {.account_id = room->room.account_id,
					   .rule = 1,
					   .day = 20454,
					   .opened_s = HOUSE_NOW_S,
					   .by = "prepayd"};
	struct ledger_quarantine quarantine = {.supply_id = room->supply.id,
					       .life_id = room->life.id,
					       .reason = "leap",
					       .baseline_wh = 1,
					       .reading_wh = 2,
					       .opened_s = HOUSE_NOW_S};
	struct ledger_order waiting = {.mrid = "O-3",
				       .type = "CreditRegister",
				       .kid = "k1",
				       .payload = "{}",
				       .payload_size = 2,
				       .result = "quarantined",
				       .amount_nano = 5};
	struct entry taken = house_credit(room, "debt:1", -60),
		     cash = house_credit(room, "cash:R-1", 9);
	struct ledger_cash receipt = {.receipt = "R-1",
				      .account_id = room->room.account_id,
				      .amount_nano = 9,
				      .day = 20260101,
				      .who = "admin"};

	taken.kind = ENTRY_DEBT;
	cash.kind = ENTRY_CASH;
	assert_int_equal(ledger_debt_add(house->ledger, &debt), 0);
	assert_int_equal(ledger_debt_period_add(house->ledger, debt.id, 20455), 0);
	assert_int_equal(ledger_entry_append(house->ledger, &taken), 0);
	assert_int_equal(ledger_tax_add(house->ledger, room->room.account_id, taken.seq, 17), 0);
	assert_int_equal(ledger_dated_add(house->ledger, &dated), 0);
	assert_int_equal(ledger_quarantine_open(house->ledger, &quarantine), 0);
	assert_int_equal(ledger_order_put(house->ledger, &waiting), 0);
	assert_int_equal(ledger_entry_append(house->ledger, &cash), 0);
	receipt.entry_seq = cash.seq;
	assert_int_equal(ledger_cash_put(house->ledger, &receipt), 0);
	house_append(house, house_credit(room, "subsidy:G-1", 50));
}

/* What the ledger's functions write one by one elsewhere. */
static const char others[] =
	/* A water meter that was put in while the time was not known. */
	"INSERT INTO point(id, line, address, channel, model) VALUES (3, 'B', 3, 1, 'm');"
	"INSERT INTO supply(id, room_id, circuit, point_id, normally_closed, may_cut, cut_order, "
	"breaker_a) VALUES (3, 1, 'water', 3, 0, 1, 1, 16);"
	"INSERT INTO life(id, point_id, first_wh, offset_wh, started_s, medium) VALUES "
	"(3, 3, 0, 0, 0, 1);"
	"INSERT INTO life_floor VALUES (3, 5);"
	"INSERT INTO stay VALUES (1, 5, 6, 7);"
	"INSERT INTO unread(tenancy_id, life_id) VALUES (1, 3);"
	"INSERT INTO keyset VALUES (3, 1767225600);"
	"INSERT INTO key VALUES (3, 'k1', zeroblob(32), 'pay', 1, 2, 3, 4, 5);"
	"INSERT INTO tariff VALUES (1, 'flat', 1767225600, 'price = 1', "
	"x'f0eb85a1f10fcb1abd7cf0c1988c82fb010807c5ff82fdd0fcf474f483114ca8', 'root', 1);"
	"INSERT INTO persons VALUES (1, 1, 1767225600, 2, 'root');"
	"INSERT INTO hold(id, account_id, uid, owner, reason, from_s, until_s) VALUES "
	"(1, 2, 0, 'root', 'dispute', 1, 2);"
	"INSERT INTO wish VALUES (1, 1, 2, 0, 'root', 'work', 1, 1, NULL);"
	"INSERT INTO relay VALUES (1, 2, 1, 5, 1, 0, 1);"
	"INSERT INTO money VALUES (2, 1, 1, 5, 6, 7, 1, 8, 9, 1, 0, 0, 4);"
	"INSERT INTO debt_payment(recharge, by, debt_id, nano, week) VALUES ('O-1', 'O-1', 1, 7, "
	"3);";

static int set_up(void **state)
{
	static struct house house;
	struct house_room first, second;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &first, 1, 1000);
	house_room(&house, &second, 2, 5);
	house_recharge(&house, &first, "O-1", 7000000);
	house_append(&house, house_charge(&first, 3));
	house_append(&house, house_charge(&second, 100));
	add_more(&house, &first);
	assert_int_equal(ledger_commit(house.ledger), 0);
	assert_int_equal(house_sql(&house, others), SQLITE_OK);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	house_remove(*state);
	return 0;
}

struct cloud {
	json_t *head;
	json_t *sections;
};

static int hear(const struct ledger_event *event, void *userdata)
{
	struct cloud *cloud = userdata;
	json_t *body;
	const char *section;

	if (strcmp(event->type, "checkpoint") != 0)
		return 0;
	body = json_loads(event->body, 0, NULL);
	section = json_string_value(json_object_get(body, "section"));
	if (strcmp(section, "head") == 0) {
		cloud->head = json_incref(body);
	} else {
		if (!json_object_get(cloud->sections, section))
			json_object_set_new(cloud->sections, section, json_array());
		json_array_extend(json_object_get(cloud->sections, section),
				  json_object_get(body, "rows"));
	}
	json_decref(body);
	return 0;
}

static struct cloud tell(struct house *house)
{
	struct cloud cloud = {.sections = json_object()};
	json_t *given = json_loads(GIVEN, 0, NULL), *about;
	const struct ledger_checkpoint checkpoint = {
		.at_s = HOUSE_NOW_S + 200, .trusted = true, .given = given};
	struct ledger_checkpoint_told told;
	size_t i;

	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_checkpoint_write(house->ledger, &checkpoint, &told), 0);
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_events_each(house->ledger, 0, -1, INT32_MAX, hear, &cloud), 0);
	assert_non_null(cloud.head);
	json_array_foreach(json_object_get(cloud.head, "sections"), i, about)
	{
		const char *name = json_string_value(json_object_get(about, "name"));

		if (!json_object_get(cloud.sections, name))
			json_object_set_new(cloud.sections, name, json_array());
	}
	json_decref(given);
	return cloud;
}

static void every_section_comes_back_as_it_was_told(void **state)
{
	struct house *house = *state;
	struct cloud before = tell(house), after;
	struct ledger_restored restored;
	struct ledger_verdict verdict;
	const struct ledger_restore wish = {.path = house->path,
					    .site = "S-0001",
					    .now_s = HOUSE_NOW_S + 300,
					    .trusted = true,
					    .boot = "0123456789abcdef0123456789abcdef",
					    .who = "root",
					    .why = "the card is lost"};
	size_t count;
	const struct section *list = section_list(&count);

	house_close(house);
	assert_int_equal(unlink(house->path), 0);
	if (ledger_restore_checkpoint(&wish, before.head, before.sections, &restored,
				      &house->failure) < 0)
		fail_msg("%s", house->failure.text);
	house_open(house);
	after = tell(house);
	for (size_t i = 0; i < count; i++) {
		json_t *was = json_object_get(before.sections, list[i].name),
		       *is = json_object_get(after.sections, list[i].name);

		/* But for decisions of orders that were told as waiting, there is a row of everything. */
		if (strcmp(list[i].name, "decisions") != 0 && json_array_size(was) == 0)
			fail_msg("section %s is empty", list[i].name);
		if (!json_equal(was, is))
			fail_msg("section %s: told was %s, and is %s", list[i].name,
				 json_dumps(was, JSON_COMPACT), json_dumps(is, JSON_COMPACT));
	}
	assert_int_equal(ledger_verify(house->path, NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
	json_decref(before.head);
	json_decref(before.sections);
	json_decref(after.head);
	json_decref(after.sections);
}

/* Tables that no section seeds. */
static const char *const untold[][2] = {
	{"meta", "made new: the site is known, the epoch is another"},
	{"cursor", "the feed begins at 0, and everything that was told is told again"},
	{"entry", "each account begins with its balance"},
	{"cash", "its receipts are in cash_known"},
	{"refused", "they moved nothing, and are refused again"},
	{"event", "the cloud has them"},
	{"outbox", "of the events of the new epoch"},
	{"event_refused", "the cloud has them"},
	{"audit", "it begins with the restore; the cloud has the rest"},
	{"snapshot", "follows from the entries"},
	{"stay_use", "is in the section use"},
	{"order_decided", "what was decided is in the orders"},
	{"band_register", "of use again from the next settlement on"},
	{"freeze", "history, which the cloud has; it begins anew"},
};

static void every_table_is_told_or_not_for_a_reason(void **state)
{
	struct house *house = *state;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	size_t count;
	const struct section *list = section_list(&count);

	assert_int_equal(sqlite3_open(house->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT name FROM sqlite_schema WHERE type = 'table'",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *table = (const char *)sqlite3_column_text(stmt, 0);
		char into[80];
		int found = 0;

		(void)snprintf(into, sizeof(into), "INTO %s(", table);
		for (size_t i = 0; i < count; i++)
			found += strstr(list[i].seed, into) != NULL;
		for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++)
			found += strcmp(untold[i][0], table) == 0;
		if (found != 1)
			fail_msg("table %s: told by %d sections or reasons", table, found);
	}
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_section_comes_back_as_it_was_told),
		CASE(every_table_is_told_or_not_for_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
