/* The money store: what it accepts, what it refuses for ever, and what a rollback takes back. */
#include "tests/unit/ledger_house.h"

#include <errno.h>
#include <sys/stat.h>

static int set_up(void **state)
{
	static struct house house;

	house_make(&house);
	house_open(&house);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	house_remove(*state);
	return 0;
}

static void a_new_ledger_says_whose_it_is_and_can_be_opened_again(void **state)
{
	struct house *house = *state;
	struct ledger_meta meta;
	struct ledger_stats stats;
	struct stat status;

	house_close(house);
	house_open(house);
	ledger_meta_get(house->ledger, &meta);
	assert_string_equal(meta.site, "S-0001");
	assert_int_equal(meta.epoch, 1);
	assert_int_equal(meta.created_s, HOUSE_NOW_S);
	assert_int_equal(meta.schema, LEDGER_SCHEMA);
	assert_int_equal(ledger_floor_s(house->ledger), HOUSE_NOW_S - 86400);
	ledger_stats_get(house->ledger, &stats);
	assert_int_equal(stats.entries, 0);
	assert_true(stats.ledger_bytes > 0);
	assert_int_equal(stat(house->path, &status), 0);
	assert_int_equal(status.st_mode & 07, 0);
}

static void a_second_instance_is_refused_while_the_first_lives(void **state)
{
	struct house *house = *state;
	struct ledger *second = NULL;

	assert_int_equal(ledger_open(&second, &house->settings, &house->failure), -EBUSY);
	assert_non_null(strstr(house->failure.text, "another instance"));
	assert_non_null(strstr(house->failure.text, house->path));
	assert_null(second);
	house_close(house);
	house_open(house);
}

static void files_that_are_no_ledger_of_ours_are_refused_and_left_alone(void **state)
{
	struct house *house = *state;
	char path[160], before[64] = "";
	FILE *file;
	struct ledger_settings settings = house->settings;
	struct ledger *other = NULL;
	sqlite3 *db;

	settings.path = path;
	(void)snprintf(path, sizeof(path), "%s/text", house->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 100; i++)
		assert_true(fputs("this is a shopping list\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(ledger_open(&other, &settings, &house->failure), -EMEDIUMTYPE);
	assert_non_null(strstr(house->failure.text, "no ledger"));
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(before, sizeof(before), file));
	assert_int_equal(fclose(file), 0);
	assert_string_equal(before, "this is a shopping list\n");

	(void)snprintf(path, sizeof(path), "%s/other.db", house->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(ledger_open(&other, &settings, &house->failure), -EMEDIUMTYPE);

	(void)snprintf(path, sizeof(path), "%s/no/such/folder/ledger.db", house->folder);
	assert_int_equal(ledger_open(&other, &settings, &house->failure), -ENOENT);

	house_close(house);
	settings.path = house->path;
	settings.site = "S-0002";
	assert_int_equal(ledger_open(&other, &settings, &house->failure), -EMEDIUMTYPE);
	assert_non_null(strstr(house->failure.text, "S-0001"));
	house_open(house);
}

static void a_newer_schema_is_refused(void **state)
{
	struct house *house = *state;

	house_close(house);
	assert_int_equal(house_sql(house, "PRAGMA user_version = 99"), SQLITE_OK);
	assert_int_equal(ledger_open(&house->ledger, &house->settings, &house->failure),
			 -EPROTONOSUPPORT);
	assert_non_null(strstr(house->failure.text, "99"));
	assert_null(house->ledger);
}

static void strange_paths_are_paths(void **state)
{
	struct house *house = *state;
	char path[160];
	struct ledger_settings settings = house->settings;
	struct ledger *odd = NULL;

	settings.path = path;
	(void)snprintf(path, sizeof(path), "%s/a?b#c%%41 d.db", house->folder);
	assert_int_equal(ledger_open(&odd, &settings, &house->failure), 0);
	assert_int_equal(access(path, F_OK), 0);
	odd = ledger_close(odd);
}

static void m1_the_balance_is_the_sum_and_a_rollback_takes_everything_back(void **state)
{
	struct house *house = *state;
	struct house_room room, other;
	struct ledger_meta before, after;
	struct ledger_totals totals;
	struct ledger_outbox outbox;
	int64_t balance;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 1000);
	house_append(house, house_credit(&room, "O-1", 50000000000));
	house_append(house, house_charge(&room, 2760));
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(house_balance(house, &room), 50000000000 - 1484880000);

	ledger_meta_get(house->ledger, &before);
	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &other, 2, 0);
	house_append(house, house_credit(&room, "O-2", 7));
	house_append(house, house_credit(&other, "O-3", 9));
	house_append(house, house_charge(&room, 10));
	assert_int_equal(
		ledger_event_put(house->ledger, 0, "receipt", HOUSE_NOW_S + 999, true, "{}", NULL),
		0);
	assert_int_equal(ledger_cursor_set(house->ledger, "feed", "17"), 0);
	ledger_rollback(house->ledger);

	assert_int_equal(house_balance(house, &room), 50000000000 - 1484880000);
	assert_int_equal(ledger_balance_nano(house->ledger, other.room.account_id, &balance),
			 -ENOENT);
	ledger_meta_get(house->ledger, &after);
	assert_memory_equal(before.head, after.head, 32);
	assert_int_equal(ledger_totals_get(house->ledger, 0, &totals), 0);
	assert_int_equal(totals.entries, 2);
	assert_int_equal(totals.charged_wh, 2760);
	assert_int_equal(totals.balance_nano, 50000000000 - 1484880000);
	assert_int_equal(ledger_outbox_get(house->ledger, &outbox), 0);
	assert_int_equal(outbox.last, 0);
	assert_int_equal(outbox.waiting[0], 0);
	assert_int_equal(ledger_floor_s(house->ledger), HOUSE_NOW_S + 120);
	assert_int_equal(ledger_check(house->ledger, &house->failure), 0);
	house_close(house);
	house_open(house);
	assert_int_equal(house_balance(house, &room), 50000000000 - 1484880000);
}

static void m2_entries_that_do_not_join_are_refused(void **state)
{
	struct house *house = *state;
	struct house_room room, other;
	struct ledger_totals totals;
	enum { KIND, ENERGY, FROM, TO, NO_LIFE, POINT, LIFE, ACCOUNT, REFERS, TARIFF, ORDER };
	static const struct {
		const char *what;
		int field;
		int64_t value;
		int error;
	} cases[] = {
		{"a gap before it", FROM, 1101, -EINVAL},
		{"an overlap with what is settled", FROM, 1099, -EINVAL},
		{"the end is not the start plus the energy", TO, 1111, -EINVAL},
		{"negative energy", ENERGY, -1, -EINVAL},
		{"energy without a meter life", NO_LIFE, 0, -EINVAL},
		{"the meter life of another point", POINT, 2, -EINVAL},
		{"a meter life that is not there", LIFE, 99, -ENOENT},
		{"an account that is not there", ACCOUNT, 99, -ENOENT},
		{"an older entry that is not there", REFERS, 99, -ENOENT},
		{"a tariff that is not there", TARIFF, 99, -ENOENT},
		{"a kind that is not there", KIND, 12, -EINVAL},
		{"a kind that carries no energy", KIND, ENTRY_ADJUSTMENT, -EINVAL},
		{"a recharge without an order", ORDER, 0, -EINVAL},
	};

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 1000);
	house_room(house, &other, 2, 1000);
	house_append(house, house_charge(&room, 100));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct house_room copy = room;
		struct entry entry = house_charge(&copy, 10);
		int error;

		switch (cases[i].field) {
		case KIND:
			entry.kind = (enum entry_kind)cases[i].value;
			break;
		case ENERGY:
			entry.energy_wh = cases[i].value;
			entry.to_wh = entry.from_wh + entry.energy_wh;
			break;
		case FROM:
			entry.from_wh = cases[i].value;
			entry.to_wh = entry.from_wh + entry.energy_wh;
			break;
		case TO:
			entry.to_wh = cases[i].value;
			break;
		case NO_LIFE:
			entry.life_id = 0;
			break;
		case POINT:
			entry.point_id = cases[i].value;
			break;
		case LIFE:
			entry.life_id = cases[i].value;
			break;
		case ACCOUNT:
			entry.account_id = cases[i].value;
			break;
		case REFERS:
			entry.refers = cases[i].value;
			break;
		case TARIFF:
			entry.tariff_id = cases[i].value;
			break;
		default:
			entry = house_credit(&room, "", 1);
		}
		error = ledger_entry_append(house->ledger, &entry);
		if (error != cases[i].error)
			fail_msg("%s: %d, wanted %d", cases[i].what, error, cases[i].error);
	}
	house_append(house, house_charge(&room, 10));
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_totals_get(house->ledger, room.supply.point_id, &totals), 0);
	assert_int_equal(totals.charged_wh, 110);
	assert_int_equal(ledger_totals_get(house->ledger, other.supply.point_id, &totals), 0);
	assert_int_equal(totals.charged_wh, 0);
	assert_int_equal(ledger_check(house->ledger, &house->failure), 0);
}

static void texts_that_do_not_fit_or_are_not_utf8_are_refused(void **state)
{
	struct house *house = *state;
	struct house_room room;
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"Zähler 房间", 0},        {"\xff", -EINVAL},         {"\xc0\xaf", -EINVAL},
		{"\xed\xa0\x80", -EINVAL}, {"cut \xe6\x88", -EINVAL}, {"\xf4\x90\x80\x80", -EINVAL},
		{"\xf0\x9f\x94\x8c", 0},
	};

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry entry = house_charge(&room, 0);

		(void)snprintf(entry.why, sizeof(entry.why), "%s", cases[i].text);
		assert_int_equal(ledger_entry_append(house->ledger, &entry), cases[i].error);
	}
	assert_int_equal(
		ledger_cursor_set(house->ledger, "a name of more than thirty-two bytes", "1"),
		-EINVAL);
	assert_int_equal(ledger_commit(house->ledger), 0);
}

static void m3_an_order_and_a_receipt_are_taken_once(void **state)
{
	struct house *house = *state;
	struct house_room room;
	struct ledger_totals totals;
	struct ledger_order order = {
		.mrid = "O-1",
		.type = "CreditRegister",
		.kid = "k1",
		.payload = "{\"v\":1}",
		.payload_size = 7,
		.signature = "sig",
		.signature_size = 3,
		.result = "applied",
		.receipt = "{\"result\":\"applied\"}",
		.day = 20260101,
	};
	struct ledger_cash cash = {
		.receipt = "R-1", .amount_nano = 100, .day = 20260101, .who = "root"};
	struct entry entry;
	int64_t sum = -1;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 0);
	entry = house_credit(&room, "O-1", 5000);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
	order.account_id = room.room.account_id;
	order.amount_nano = 5000;
	order.entry_seq = entry.seq;
	assert_int_equal(ledger_order_check(house->ledger, "O-1", order.type, order.payload, 7), 0);
	assert_int_equal(ledger_order_put(house->ledger, &order), 0);
	entry = house_credit(&room, "cash:R-1", 100);
	entry.kind = ENTRY_CASH;
	assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
	cash.account_id = room.room.account_id;
	cash.entry_seq = entry.seq;
	assert_int_equal(ledger_cash_put(house->ledger, &cash), 0);
	assert_int_equal(ledger_commit(house->ledger), 0);

	house_close(house);
	house_open(house);
	assert_int_equal(ledger_order_check(house->ledger, "O-1", order.type, "{\"v\":1}", 7),
			 -EEXIST);
	assert_int_equal(ledger_order_check(house->ledger, "O-1", order.type, "{\"v\":2}", 7),
			 -EPROTO);
	assert_int_equal(ledger_order_check(house->ledger, "O-1", "ServiceChange", "{\"v\":1}", 7),
			 -EPROTO);
	assert_int_equal(ledger_begin(house->ledger), 0);
	entry = house_credit(&room, "O-1", 5000);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), -EEXIST);
	assert_int_equal(ledger_order_put(house->ledger, &order), -EEXIST);
	order.payload = "{\"v\":2}";
	assert_int_equal(ledger_order_put(house->ledger, &order), -EPROTO);
	assert_int_equal(ledger_cash_put(house->ledger, &cash), -EEXIST);
	ledger_rollback(house->ledger);

	assert_int_equal(house_balance(house, &room), 5100);
	assert_int_equal(ledger_orders_day_sum(house->ledger, 0, 20260101, &sum), 0);
	assert_int_equal(sum, 5000);
	assert_int_equal(ledger_orders_day_sum(house->ledger, room.room.account_id, 20260102, &sum),
			 0);
	assert_int_equal(sum, 0);
	assert_int_equal(ledger_cash_day_sum(house->ledger, 20260101, &sum), 0);
	assert_int_equal(sum, 100);
	assert_int_equal(ledger_totals_get(house->ledger, 0, &totals), 0);
	assert_int_equal(totals.cash_nano, 100);
}

/* A copy of entry 1 behind a gap, under an order of its own. */
#define COPIED_ENTRY                                                                               \
	"INSERT INTO entry SELECT seq + 2, format, kind, account_id, point_id, life_id, at_s, "    \
	"at_trusted, at_us, boot, amount_nano, energy_wh, from_wh, to_wh, from_s, to_s, "          \
	"price_micro_per_kwh, tariff_id, flags, refers, 'new', who, why, balance_nano, "           \
	"previous, hash FROM entry WHERE seq = 1"

static void m5_what_is_written_cannot_be_changed_deleted_or_replaced(void **state)
{
	struct house *house = *state;
	struct house_room room;
	struct ledger_order order = {.mrid = "O-1",
				     .type = "t",
				     .kid = "k",
				     .payload = "p",
				     .payload_size = 1,
				     .result = "applied"};
	struct ledger_audit audit = {
		.who = "root", .verb = "relay.set", .what = "{}", .why = "test"};
	static const char *const attempts[] = {
		"UPDATE entry SET amount_nano = amount_nano + 1 WHERE seq = 1",
		"UPDATE entry SET why = 'other'",
		"DELETE FROM entry WHERE seq = 2",
		"DELETE FROM entry",
		"INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 1",
		"REPLACE INTO entry SELECT * FROM entry WHERE seq = 2",
		COPIED_ENTRY,
		"UPDATE orders SET result = 'quarantined'",
		"UPDATE orders SET amount_nano = 1",
		"DELETE FROM orders",
		"REPLACE INTO orders SELECT * FROM orders",
		"UPDATE event SET body = ''",
		"DELETE FROM event",
		"REPLACE INTO event SELECT * FROM event",
		"INSERT INTO event SELECT seq + 2, epoch, lane, type, 0, 0, body FROM event",
		"UPDATE audit SET why = ''",
		"DELETE FROM audit",
		"REPLACE INTO audit SELECT * FROM audit",
		"DELETE FROM room",
		"DELETE FROM account",
		"DELETE FROM supply",
		"DELETE FROM point",
		"DELETE FROM life",
		"UPDATE life SET first_wh = 0",
		"UPDATE life SET offset_wh = offset_wh - 1",
		"DELETE FROM meta",
		"UPDATE meta SET site = 'S-0002'",
		"UPDATE meta SET epoch = 0",
	};

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 1000);
	house_append(house, house_credit(&room, "O-1", 5000));
	house_append(house, house_charge(&room, 10));
	assert_int_equal(ledger_order_put(house->ledger, &order), 0);
	assert_int_equal(
		ledger_event_put(house->ledger, 0, "receipt", HOUSE_NOW_S, true, "{}", NULL), 0);
	assert_int_equal(ledger_audit_put(house->ledger, &audit), 0);
	assert_int_equal(ledger_commit(house->ledger), 0);
	house_close(house);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if ((house_sql(house, attempts[i]) & 0xff) != SQLITE_CONSTRAINT)
			fail_msg("went through: %s", attempts[i]);
	house_open(house);
	assert_int_equal(house_balance(house, &room), 5000 - 5380000);
}

static void overflows_are_refused_for_the_account_and_for_the_building(void **state)
{
	struct house *house = *state;
	struct house_room rooms[3];
	struct entry entry;

	assert_int_equal(ledger_begin(house->ledger), 0);
	for (int i = 0; i < 3; i++)
		house_room(house, &rooms[i], i + 1, INT64_MAX - 5);
	house_append(house, house_credit(&rooms[0], "O-1", INT64_MAX - 10));
	entry = house_credit(&rooms[0], "O-2", 11);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), -ERANGE);
	entry = house_credit(&rooms[1], "O-3", 11);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), -ERANGE);
	house_append(house, house_credit(&rooms[1], "O-3", 10));
	entry = house_charge(&rooms[2], 0);
	entry.energy_wh = 6;
	assert_int_equal(ledger_entry_append(house->ledger, &entry), -ERANGE);
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(house_balance(house, &rooms[0]), INT64_MAX - 10);
	house_close(house);
	house_open(house);
	assert_int_equal(house_balance(house, &rooms[1]), 10);
}

static int count_rooms(const struct ledger_room *room, void *userdata)
{
	*(int *)userdata += room->closed_s == 0 ? 1 : 100;
	return 0;
}

static int keep_supply(const struct ledger_supply *supply, void *userdata)
{
	*(struct ledger_supply *)userdata = *supply;
	return 0;
}

static int keep_life(const struct ledger_life *life, void *userdata)
{
	*(struct ledger_life *)userdata = *life;
	return 0;
}

/* M7: the ledger's own order proves it, over restarts. */
static void a_life_begun_without_the_time_began_no_earlier_than_was_known(void **state)
{
	struct house *house = *state;
	struct house_room room;
	struct ledger_life life;
	struct entry entry;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 1000);
	entry = house_charge(&room, 10);
	entry.at_s = HOUSE_NOW_S + 500;
	house_append(house, entry);
	entry = house_charge(&room, 10);
	entry.at_s = HOUSE_NOW_S + 999999;
	entry.at_trusted = false;
	house_append(house, entry);
	assert_int_equal(ledger_life_end(house->ledger, room.life.id, HOUSE_NOW_S), 0);
	life = (struct ledger_life){.point_id = room.supply.point_id, .first_wh = 7};
	assert_int_equal(ledger_life_begin(house->ledger, &life), 0);
	assert_int_equal(life.floor_s, HOUSE_NOW_S + 500);
	/* What comes later says nothing about it. */
	entry = house_credit(&room, "O-1", 1);
	entry.at_s = HOUSE_NOW_S + 700;
	house_append(house, entry);
	assert_int_equal(ledger_commit(house->ledger), 0);
	house_close(house);
	house_open(house);
	assert_int_equal(ledger_lives_each(house->ledger, false, keep_life, &life), 0);
	assert_int_equal(life.settled_s, 0);
	assert_int_equal(life.floor_s, HOUSE_NOW_S + 500);

	/* An entry whose end is not known says where it began. */
	room.life = life;
	assert_int_equal(ledger_begin(house->ledger), 0);
	entry = house_charge(&room, 10);
	entry.at_trusted = false;
	entry.from_s = HOUSE_NOW_S + 600;
	entry.to_s = 0;
	house_append(house, entry);
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_lives_each(house->ledger, false, keep_life, &life), 0);
	assert_int_equal(life.floor_s, HOUSE_NOW_S + 600);
	/* One whose end is known needs no more. */
	assert_int_equal(ledger_begin(house->ledger), 0);
	house_append(house, house_charge(&room, 10));
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_lives_each(house->ledger, false, keep_life, &life), 0);
	assert_int_equal(life.settled_s, HOUSE_NOW_S + 120);
	assert_int_equal(life.floor_s, 0);
	assert_int_equal(house_sql(house, "UPDATE life_floor SET not_before_s = 1"),
			 SQLITE_CONSTRAINT_TRIGGER);
	assert_int_equal(house_sql(house, "DELETE FROM life_floor"), SQLITE_CONSTRAINT_TRIGGER);
}

static void rooms_close_only_at_zero_and_free_their_name_point_and_relay(void **state)
{
	struct house *house = *state;
	struct house_room room, again;
	struct ledger_room twin = {.name = "301"};
	struct ledger_supply supply;
	struct ledger_life life;
	struct entry entry;
	int rooms = 0;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 1000);
	assert_int_equal(ledger_room_add(house->ledger, &twin), -EEXIST);
	supply = room.supply;
	assert_int_equal(ledger_supply_add(house->ledger, &supply), -EEXIST);
	(void)snprintf(supply.circuit, sizeof(supply.circuit), "light");
	assert_int_equal(ledger_supply_add(house->ledger, &supply), -EEXIST);
	supply.has_point = false;
	assert_int_equal(ledger_supply_add(house->ledger, &supply), -EEXIST);
	supply.has_relay = false;
	supply.breaker_a = 0;
	assert_int_equal(ledger_supply_add(house->ledger, &supply), -EINVAL);
	life = room.life;
	assert_int_equal(ledger_life_begin(house->ledger, &life), -EEXIST);
	house_append(house, house_credit(&room, "O-1", 538000));
	assert_int_equal(ledger_room_close(house->ledger, room.room.id, HOUSE_NOW_S + 1),
			 -ENOTEMPTY);
	house_append(house, house_charge(&room, 1));
	assert_int_equal(ledger_life_unwrap(house->ledger, room.life.id, 1000000), 0);
	assert_int_equal(ledger_life_unwrap(house->ledger, room.life.id, 999999), -ERANGE);
	assert_int_equal(ledger_life_unwrap(house->ledger, 99, 1), -ENOENT);
	assert_int_equal(ledger_lives_each(house->ledger, false, keep_life, &life), 0);
	assert_int_equal(life.settled_wh, 1001);
	assert_int_equal(life.offset_wh, 1000000);
	assert_int_equal(life.settled_s, HOUSE_NOW_S + 120);
	assert_int_equal(ledger_room_close(house->ledger, room.room.id, HOUSE_NOW_S + 1), 0);
	assert_int_equal(ledger_room_close(house->ledger, room.room.id, HOUSE_NOW_S + 2),
			 -EALREADY);
	assert_int_equal(ledger_room_close(house->ledger, 99, HOUSE_NOW_S), -ENOENT);
	entry = house_credit(&room, "O-2", 1);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), -EPERM);
	assert_int_equal(ledger_life_end(house->ledger, room.life.id, HOUSE_NOW_S), -EALREADY);
	house_room(house, &again, 1, 1001);
	/* It has one that began in that second. */
	assert_int_equal(
		ledger_tenancy_set(house->ledger, again.room.account_id, "T-9", HOUSE_NOW_S),
		-EAGAIN);
	assert_int_equal(
		ledger_tenancy_set(house->ledger, again.room.account_id, "T-9", HOUSE_NOW_S + 1),
		0);
	assert_int_equal(ledger_commit(house->ledger), 0);

	house_close(house);
	house_open(house);
	assert_int_equal(ledger_rooms_each(house->ledger, true, count_rooms, &rooms), 0);
	assert_int_equal(rooms, 101);
	assert_int_equal(ledger_supplies_each(house->ledger, false, keep_supply, &supply), 0);
	assert_int_equal(supply.id, again.supply.id);
	assert_int_equal(supply.account_id, again.room.account_id);
	assert_string_equal(supply.circuit, "sockets");
	assert_true(supply.has_point && supply.has_relay && supply.may_cut &&
		    !supply.normally_closed);
	assert_string_equal(supply.point.line, "A");
	assert_string_equal(supply.point.model, "eastron_sdm120");
	assert_int_equal(supply.point.address, 1);
	assert_string_equal(supply.relay.model, "waveshare_8ch");
	assert_int_equal(supply.relay.channel, 1);
	assert_int_equal(supply.breaker_a, 16);
	assert_int_equal(ledger_begin(house->ledger), 0);
	entry = house_credit(&room, "O-2", 1);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), -EPERM);
	ledger_rollback(house->ledger);
}

struct page {
	int64_t last;
	int rows;
	int64_t account_id;
};

static int page_entry(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct page *page = userdata;

	assert_true(page->last == 0 || entry->seq < page->last);
	assert_true(page->account_id == 0 || entry->account_id == page->account_id);
	assert_int_not_equal(balance_nano, 0);
	page->last = entry->seq;
	page->rows++;
	return 0;
}

static int page_order(const struct ledger_order *order, void *userdata)
{
	struct page *page = userdata;

	assert_true(page->last == 0 || order->id < page->last);
	page->last = order->id;
	page->rows++;
	return 0;
}

static int stop_at_once(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	(void)entry;
	(void)balance_nano;
	(void)userdata;
	return 77;
}

static void pages_by_cursor_show_every_row_once(void **state)
{
	struct house *house = *state;
	struct house_room rooms[2];
	struct page page = {0};
	int total = 0;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &rooms[0], 1, 0);
	house_room(house, &rooms[1], 2, 0);
	for (int i = 0; i < 25; i++) {
		char mrid[16];
		struct ledger_order order = {.mrid = "",
					     .type = "t",
					     .kid = "k",
					     .payload = "p",
					     .payload_size = 1,
					     .result = "rejected"};

		(void)snprintf(mrid, sizeof(mrid), "O-%d", i);
		(void)snprintf(order.mrid, sizeof(order.mrid), "%s", mrid);
		house_append(house, house_credit(&rooms[i % 2], mrid, 1));
		assert_int_equal(ledger_order_put(house->ledger, &order), 0);
	}
	assert_int_equal(ledger_commit(house->ledger), 0);
	do {
		page.rows = 0;
		assert_int_equal(
			ledger_entries_tail(house->ledger, 0, page.last, 10, page_entry, &page), 0);
		total += page.rows;
	} while (page.rows > 0);
	assert_int_equal(total, 25);
	page = (struct page){.account_id = rooms[1].room.account_id};
	assert_int_equal(
		ledger_entries_tail(house->ledger, page.account_id, 0, 256, page_entry, &page), 0);
	assert_int_equal(page.rows, 12);
	page = (struct page){0};
	for (total = 0;; total += page.rows) {
		page.rows = 0;
		assert_int_equal(
			ledger_orders_tail(house->ledger, 0, page.last, 10, page_order, &page), 0);
		if (page.rows == 0)
			break;
	}
	assert_int_equal(total, 25);
	assert_int_equal(ledger_entry_find(house->ledger, 3, stop_at_once, NULL), 77);
	assert_int_equal(ledger_entry_find(house->ledger, 26, stop_at_once, NULL), -ENOENT);
	assert_int_equal(ledger_entries_tail(house->ledger, 0, 0, 10, stop_at_once, NULL), 77);
}

static void a_commit_is_timed(void **state)
{
	struct house *house = *state;
	struct ledger_stats stats;

	for (int i = 0; i < 600; i++) {
		assert_int_equal(ledger_begin(house->ledger), 0);
		assert_int_equal(ledger_cursor_set(house->ledger, "feed", "1"), 0);
		assert_int_equal(ledger_commit(house->ledger), 0);
	}
	ledger_stats_get(house->ledger, &stats);
	assert_int_equal(stats.commits, 600);
	assert_int_equal(stats.commit_p50_us, 1000);
	assert_int_equal(stats.commit_p99_us, 1000);
	assert_int_equal(stats.commit_max_us, 1000);
	assert_int_equal(ledger_commit_us(house->ledger), 1000);
}

static void a_cursor_keeps_its_text(void **state)
{
	struct house *house = *state;
	char text[8];

	assert_int_equal(ledger_cursor_get(house->ledger, "feed", text, sizeof(text)), -ENODATA);
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_cursor_set(house->ledger, "feed", "abc"), 0);
	assert_int_equal(ledger_cursor_set(house->ledger, "feed", "abcdefg"), 0);
	assert_int_equal(ledger_commit(house->ledger), 0);
	house_close(house);
	house_open(house);
	assert_int_equal(ledger_cursor_get(house->ledger, "feed", text, sizeof(text)), 0);
	assert_string_equal(text, "abcdefg");
	assert_int_equal(ledger_cursor_get(house->ledger, "feed", text, 7), -ENOBUFS);
}

static void sums_that_do_not_agree_are_seen_at_open(void **state)
{
	struct house *house = *state;
	struct house_room room;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &room, 1, 0);
	house_append(house, house_credit(&room, "O-1", 5000));
	assert_int_equal(ledger_commit(house->ledger), 0);
	house_close(house);
	assert_int_equal(
		house_sql(house, "DROP TRIGGER entry_fixed; UPDATE entry SET balance_nano = 6000"),
		SQLITE_OK);
	assert_int_equal(ledger_open(&house->ledger, &house->settings, &house->failure), -EUCLEAN);
	assert_non_null(strstr(house->failure.text, "5000"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void a_life_keeps_what_it_counts(void **state)
{
	struct house *house = *state;
	struct house_room rooms[2];
	struct ledger_totals totals;
	enum medium medium;

	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &rooms[0], 1, 1000);
	house_room(house, &rooms[1], 2, 0);
	assert_int_equal(ledger_life_end(house->ledger, rooms[1].life.id, HOUSE_NOW_S), 0);
	rooms[1].life = (struct ledger_life){.point_id = rooms[1].supply.point_id,
					     .medium = MEDIUM_WATER,
					     .first_wh = 345678,
					     .started_s = HOUSE_NOW_S};
	assert_int_equal(ledger_life_begin(house->ledger, &rooms[1].life), 0);
	for (int i = 0; i < 2; i++) {
		struct entry entry = {.kind = i == 0 ? ENTRY_CHARGE : ENTRY_QUARANTINE,
				      .account_id = rooms[i].room.account_id,
				      .point_id = rooms[i].supply.point_id,
				      .life_id = rooms[i].life.id,
				      .energy_wh = 10 + i,
				      .from_wh = rooms[i].life.first_wh,
				      .to_wh = rooms[i].life.first_wh + 10 + i};
		assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
	}
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_life_medium(house->ledger, rooms[0].life.id, &medium), 0);
	assert_int_equal(medium, MEDIUM_ELECTRICITY);
	assert_int_equal(ledger_life_medium(house->ledger, rooms[1].life.id, &medium), 0);
	assert_int_equal(medium, MEDIUM_WATER);
	assert_int_equal(ledger_life_medium(house->ledger, 99, &medium), -ENOENT);
	/* From memory, from the file, and of one point. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ledger_totals_get(house->ledger, 0, &totals), 0);
		assert_int_equal(totals.charged_wh, 10);
		assert_int_equal(totals.quarantined_wh, 0);
		assert_int_equal(totals.charged_l, 0);
		assert_int_equal(totals.quarantined_l, 11);
		house_close(house);
		house_open(house);
	}
	assert_int_equal(ledger_totals_get(house->ledger, rooms[1].supply.point_id, &totals), 0);
	assert_int_equal(totals.quarantined_l, 11);
	assert_int_equal(totals.quarantined_wh, 0);
	house_close(house);
	assert_int_equal(house_sql(house, "UPDATE life SET medium = 0 WHERE medium = 1") & 0xff,
			 SQLITE_CONSTRAINT);
	assert_int_equal(house_sql(house, "UPDATE life SET medium = 2 WHERE id = 2") & 0xff,
			 SQLITE_CONSTRAINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_life_keeps_what_it_counts),
		CASE(a_new_ledger_says_whose_it_is_and_can_be_opened_again),
		CASE(a_second_instance_is_refused_while_the_first_lives),
		CASE(files_that_are_no_ledger_of_ours_are_refused_and_left_alone),
		CASE(a_newer_schema_is_refused),
		CASE(strange_paths_are_paths),
		CASE(m1_the_balance_is_the_sum_and_a_rollback_takes_everything_back),
		CASE(m2_entries_that_do_not_join_are_refused),
		CASE(texts_that_do_not_fit_or_are_not_utf8_are_refused),
		CASE(m3_an_order_and_a_receipt_are_taken_once),
		CASE(m5_what_is_written_cannot_be_changed_deleted_or_replaced),
		CASE(overflows_are_refused_for_the_account_and_for_the_building),
		CASE(a_life_begun_without_the_time_began_no_earlier_than_was_known),
		CASE(rooms_close_only_at_zero_and_free_their_name_point_and_relay),
		CASE(pages_by_cursor_show_every_row_once),
		CASE(a_commit_is_timed),
		CASE(a_cursor_keeps_its_text),
		CASE(sums_that_do_not_agree_are_seen_at_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
