/* ledger_section.c - see ledger_section.h. Amounts of money are texts: many readers of JSON lose integers
 * past 2^53. */
#include "concentrator/ledger_section.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_store.h"
#include "concentrator/platform/encoding.h"

#define SETTLED_S                                                                                  \
	"coalesce((SELECT to_s FROM entry WHERE life_id = l.id ORDER BY seq DESC LIMIT 1), "       \
	"l.started_s)"
#define OPEN_ACCOUNT "(SELECT id FROM account WHERE closed_s IS NULL)"
#define STILL_PRICING                                                                              \
	"activation_s >= coalesce((SELECT max(activation_s) FROM tariff WHERE activation_s <= "    \
	"(SELECT min(" SETTLED_S ") - 31622400 FROM life l WHERE ended_s IS NULL)), 0)"
#define OPEN_SUPPLY "(SELECT id FROM supply WHERE closed_s IS NULL)"

static const struct section sections[] = {
	{"rooms", SECTION_STATE, "id,name,opened_s",
	 "SELECT id, name, opened_s FROM room WHERE closed_s IS NULL ORDER BY id",
	 "INSERT INTO room(id, name, opened_s) VALUES (?1, ?2, ?3)", false},
	/* The balance comes back as an entry. */
	{"accounts", SECTION_STATE, "id,room_id,opened_s,balance_nano",
	 "SELECT id, room_id, opened_s, CAST(coalesce((SELECT balance_nano FROM entry "
	 "WHERE account_id = a.id ORDER BY seq DESC LIMIT 1), 0) AS TEXT) FROM account a "
	 "WHERE closed_s IS NULL ORDER BY id",
	 "INSERT INTO account(id, room_id, opened_s) VALUES (?1, ?2, ?3)", false},
	/* The latest of each account: one that has ended makes the room a vacant one. */
	{"tenancies", SECTION_STATE, "id,name,account_id,from_s,to_s",
	 "SELECT id, name, account_id, from_s, to_s FROM tenancy WHERE id IN "
	 "(SELECT max(id) FROM tenancy WHERE account_id IN " OPEN_ACCOUNT " GROUP BY account_id) "
	 "ORDER BY id",
	 "INSERT INTO tenancy(id, name, account_id, from_s, to_s) VALUES (?1, ?2, ?3, ?4, ?5)",
	 false},
	{"points", SECTION_STATE, "id,line,address,channel,model",
	 "SELECT id, line, address, channel, model FROM point WHERE closed_s IS NULL ORDER BY id",
	 "INSERT INTO point(id, line, address, channel, model) VALUES (?1, ?2, ?3, ?4, ?5)", false},
	{"supplies", SECTION_STATE,
	 "id,room_id,circuit,point_id,relay_line,relay_address,relay_channel,relay_model,"
	 "normally_closed,may_cut,cut_order,breaker_a",
	 "SELECT id, room_id, circuit, point_id, relay_line, relay_address, relay_channel, "
	 "relay_model, normally_closed, may_cut, cut_order, breaker_a FROM supply "
	 "WHERE closed_s IS NULL ORDER BY id",
	 "INSERT INTO supply(id, room_id, circuit, point_id, relay_line, relay_address, "
	 "relay_channel, relay_model, normally_closed, may_cut, cut_order, breaker_a) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	 false},
	/* M2: a life goes on where its energy is settled; registers are unwrapped. */
	{"lives", SECTION_STATE, "id,point_id,serial,settled_wh,offset_wh,settled_s",
	 "SELECT id, point_id, serial, coalesce((SELECT to_wh FROM entry WHERE life_id = l.id "
	 "ORDER BY seq DESC LIMIT 1), first_wh), offset_wh, " SETTLED_S " FROM life l "
	 "WHERE ended_s IS NULL ORDER BY id",
	 "INSERT INTO life(id, point_id, serial, first_wh, offset_wh, started_s) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	 false},
	/* M7: where that is not known, what is known of it. */
	{"floors", SECTION_STATE, "life_id,not_before_s",
	 "SELECT l.id, " LIFE_FLOOR_S
	 " AS floor_s FROM life l LEFT JOIN entry e ON e.seq = (SELECT max(seq) FROM entry WHERE "
	 "life_id = l.id) WHERE ended_s IS NULL AND coalesce(e.to_s, l.started_s) = 0 AND floor_s "
	 "> 0 ORDER BY l.id",
	 "INSERT INTO life_floor(life_id, not_before_s) VALUES (?1, ?2)", false},
	/* What a life counts where it is not electricity. */
	{"media", SECTION_STATE, "life_id,medium",
	 "SELECT id, medium FROM life WHERE ended_s IS NULL AND medium <> 0 ORDER BY id",
	 "UPDATE life SET medium = ?2 WHERE id = ?1", false},
	/* What tenants took along from another room; what was used is in "use". */
	{"stays", SECTION_STATE, "tenancy_id,opened_s,minimum_from_s,minimum_nano",
	 "SELECT tenancy_id, opened_s, minimum_from_s, CAST(minimum_nano AS TEXT) FROM stay s JOIN "
	 "tenancy t ON t.id = s.tenancy_id WHERE t.to_s IS NULL AND t.account_id IN " OPEN_ACCOUNT
	 " ORDER BY tenancy_id",
	 "INSERT INTO stay(tenancy_id, opened_s, minimum_from_s, minimum_nano) VALUES (?1, ?2, ?3, "
	 "?4)",
	 false},
	/* M2: those that were not read since the tenancy began. */
	{"unread", SECTION_STATE, "tenancy_id,life_id",
	 "SELECT DISTINCT u.tenancy_id, u.life_id FROM unread u JOIN life l ON l.id = u.life_id "
	 "JOIN "
	 "tenancy t ON t.id = u.tenancy_id WHERE l.ended_s IS NULL AND t.to_s IS NULL AND NOT "
	 "EXISTS "
	 "(SELECT 1 FROM entry WHERE life_id = u.life_id AND seq > coalesce(u.after_seq, 0)) ORDER "
	 "BY "
	 "u.life_id",
	 "INSERT INTO unread(tenancy_id, life_id) VALUES (?1, ?2)", false},
	/* Those that price what is not settled yet, and a year before: blocks count that long. Their texts
	 * go before them, in pieces that fit a message. */
	{"tariff_texts", SECTION_STATE, "tariff_id,piece,text",
	 "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 8) "
	 "SELECT id, n, substr(text, n * 4096 + 1, 4096) FROM tariff JOIN c "
	 "ON n * 4096 < length(text) WHERE " STILL_PRICING " ORDER BY id, n",
	 "INSERT INTO temp.piece(tariff_id, n, text) VALUES (?1, ?2, ?3)", false},
	{"tariffs", SECTION_STATE, "id,name,activation_s,sha256,applied_by,applied_s",
	 "SELECT id, name, activation_s, sha256, applied_by, applied_s FROM tariff "
	 "WHERE " STILL_PRICING " ORDER BY id",
	 "INSERT INTO tariff(id, name, activation_s, text, sha256, applied_by, applied_s) "
	 "VALUES (?1, ?2, ?3, (SELECT group_concat(text, '') FROM (SELECT text FROM temp.piece "
	 "WHERE tariff_id = ?1 ORDER BY n)), ?4, ?5, ?6)",
	 false},
	{"keysets", SECTION_STATE, "version,accepted_s",
	 "SELECT version, accepted_s FROM keyset ORDER BY version DESC LIMIT 1",
	 "INSERT INTO keyset(version, accepted_s) VALUES (?1, ?2)", false},
	{"keys", SECTION_STATE,
	 "version,kid,public_key,use,from_s,to_s,order_max_nano,room_day_max_nano,day_max_nano",
	 "SELECT version, kid, public_key, use, from_s, to_s, CAST(order_max_nano AS TEXT), "
	 "CAST(room_day_max_nano AS TEXT), CAST(day_max_nano AS TEXT) FROM key "
	 "WHERE version = (SELECT max(version) FROM keyset) ORDER BY kid",
	 "INSERT INTO key(version, kid, public_key, use, from_s, to_s, order_max_nano, "
	 "room_day_max_nano, day_max_nano) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	 false},
	{"use", SECTION_GIVEN, "account_id,since_s,wh,flags", NULL,
	 "INSERT INTO use_known(account_id, since_s, wh, flags) VALUES (?1, ?2, ?3, ?4)", false},
	/* M9: the last day of each rule. */
	{"dated", SECTION_STATE, "account_id,rule,day,opened_s,by",
	 "SELECT account_id, rule, max(day), opened_s, by FROM dated "
	 "WHERE account_id IN " OPEN_ACCOUNT " GROUP BY account_id, rule, opened_s "
	 "ORDER BY account_id, rule, opened_s",
	 "INSERT INTO dated(account_id, rule, day, opened_s, by) VALUES (?1, ?2, ?3, ?4, ?5)",
	 false},
	{"persons", SECTION_STATE, "id,account_id,from_s,persons,by",
	 "SELECT id, account_id, from_s, persons, by FROM persons WHERE account_id IN " OPEN_ACCOUNT
	 " ORDER BY id",
	 "INSERT INTO persons(id, account_id, from_s, persons, by) VALUES (?1, ?2, ?3, ?4, ?5)",
	 false},
	{"tax", SECTION_STATE, "account_id,rest",
	 "SELECT account_id, rest FROM tax WHERE rest <> 0 AND account_id IN " OPEN_ACCOUNT
	 " AND entry_seq IN (SELECT max(entry_seq) FROM tax GROUP BY account_id) "
	 "ORDER BY account_id",
	 "INSERT INTO tax(entry_seq, account_id, rest) VALUES ((SELECT max(seq) FROM entry "
	 "WHERE account_id = ?1), ?1, ?2)",
	 true},
	{"credits", SECTION_GIVEN,
	 "account_id,allowance_nano,subsidy_nano,overdraft_nano,emergency,emergency_used,"
	 "emergency_s,warned",
	 NULL,
	 "INSERT INTO credit(account_id, through_seq, allowance_nano, subsidy_nano, "
	 "overdraft_nano, emergency, emergency_used, emergency_s, warned) VALUES (?1, "
	 "coalesce((SELECT max(seq) FROM entry), 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	 true},
	{"debts", SECTION_STATE,
	 "id,account_id,name,way,total_nano,share_ppm,week_max_nano,rate_nano,from_s,from_period,"
	 "owner,reason,left_nano,due_nano,week,week_nano",
	 "SELECT id, account_id, name, way, CAST(total_nano AS TEXT), share_ppm, "
	 "CAST(week_max_nano AS TEXT), CAST(rate_nano AS TEXT), from_s, from_period, owner, "
	 "reason, CAST(left_nano AS TEXT), CAST(due_nano AS TEXT), week, CAST(week_nano AS TEXT) "
	 "FROM debt WHERE ended_s IS NULL AND account_id IN " OPEN_ACCOUNT " ORDER BY id",
	 "INSERT INTO debt(id, account_id, name, way, total_nano, share_ppm, week_max_nano, "
	 "rate_nano, from_s, from_period, owner, reason, left_nano, due_nano, week, week_nano) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	 false},
	{"debt_periods", SECTION_STATE, "debt_id,period",
	 "SELECT debt_id, period FROM debt_period WHERE debt_id IN (SELECT id FROM debt "
	 "WHERE ended_s IS NULL AND account_id IN " OPEN_ACCOUNT ") ORDER BY debt_id, period",
	 "INSERT INTO debt_period(debt_id, period) VALUES (?1, ?2)", false},
	{"debt_payments", SECTION_STATE, "id,recharge,by,debt_id,nano,week",
	 "SELECT id, recharge, by, debt_id, CAST(nano AS TEXT), week FROM debt_payment WHERE "
	 "debt_id IN (SELECT id FROM debt WHERE ended_s IS NULL AND account_id IN " OPEN_ACCOUNT
	 ") ORDER BY id",
	 "INSERT INTO debt_payment(id, recharge, by, debt_id, nano, week) VALUES (?1, ?2, ?3, ?4, "
	 "?5, ?6)",
	 false},
	{"quarantines", SECTION_STATE,
	 "id,supply_id,life_id,reason,baseline_wh,reading_wh,opened_s,opened_trusted",
	 "SELECT id, supply_id, life_id, reason, baseline_wh, reading_wh, opened_s, "
	 "opened_trusted FROM quarantine WHERE state = 0 AND supply_id IN " OPEN_SUPPLY
	 " AND life_id IN (SELECT id FROM life WHERE ended_s IS NULL) ORDER BY id",
	 "INSERT INTO quarantine(id, supply_id, life_id, reason, baseline_wh, reading_wh, "
	 "opened_s, opened_trusted, state, decided_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, "
	 "'')",
	 false},
	{"wishes", SECTION_STATE, "supply_id,layer,position,uid,owner,reason,at_s,trusted,until_s",
	 "SELECT supply_id, layer, position, uid, owner, reason, at_s, trusted, until_s FROM wish "
	 "WHERE supply_id IN " OPEN_SUPPLY " ORDER BY supply_id, layer",
	 "INSERT INTO wish(supply_id, layer, position, uid, owner, reason, at_s, trusted, "
	 "until_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	 false},
	{"relays", SECTION_STATE, "supply_id,commanded,layer,at_s,trusted,armed,proven",
	 "SELECT supply_id, commanded, layer, at_s, trusted, armed, proven FROM relay "
	 "WHERE supply_id IN " OPEN_SUPPLY " ORDER BY supply_id",
	 "INSERT INTO relay(supply_id, commanded, layer, at_s, trusted, armed, proven) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	 false},
	{"money", SECTION_STATE,
	 "account_id,low,noticed,notice_run_us,notice_wait_us,notice_nano,hold,hold_run_us,"
	 "hold_from_nano,hold_begun,hold_spent,cut,cut_run_us",
	 "SELECT account_id, low, noticed, notice_run_us, notice_wait_us, CAST(notice_nano AS "
	 "TEXT), hold, hold_run_us, CAST(hold_from_nano AS TEXT), hold_begun, hold_spent, cut, "
	 "cut_run_us FROM money WHERE account_id IN " OPEN_ACCOUNT " ORDER BY account_id",
	 "INSERT INTO money(account_id, low, noticed, notice_run_us, notice_wait_us, notice_nano, "
	 "hold, hold_run_us, hold_from_nano, hold_begun, hold_spent, cut, cut_run_us) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	 false},
	{"holds", SECTION_STATE, "id,account_id,uid,owner,reason,from_s,until_s",
	 "SELECT id, account_id, uid, owner, reason, from_s, until_s FROM hold "
	 "WHERE ended_s IS NULL AND account_id IN " OPEN_ACCOUNT " ORDER BY id",
	 "INSERT INTO hold(id, account_id, uid, owner, reason, from_s, until_s) "
	 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	 false},
	/* The bytes of an order are needed where it may be decided yet, or takes another one back. */
	{"orders", SECTION_HISTORY,
	 "mRID,type,kid,sha256,result,detail,account_id,amount_nano,day,received_s,"
	 "received_trusted,payload",
	 "SELECT id, mrid, type, kid, sha256, result, detail, account_id, CAST(coalesce((SELECT "
	 "amount_nano FROM entry WHERE seq = o.entry_seq), amount_nano) AS TEXT), day, "
	 "received_s, received_trusted, CASE WHEN amount_nano < 0 OR result = 'quarantined' THEN "
	 "payload END FROM orders o WHERE id > ?1 ORDER BY id",
	 "INSERT INTO orders(mrid, type, kid, sha256, result, detail, account_id, amount_nano, "
	 "day, received_s, received_trusted, payload, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
	 "(SELECT id FROM account WHERE id = ?7), ?8, ?9, ?10, ?11, coalesce(?12, x''), x'')",
	 false},
	{"decisions", SECTION_HISTORY, "mRID,result,detail,account_id",
	 "SELECT d.id, mrid, result, detail, account_id FROM order_decided d "
	 "JOIN orders o ON o.id = d.order_id WHERE d.id > ?1 ORDER BY d.id",
	 "UPDATE orders SET result = ?2, detail = ?3, account_id = (SELECT id FROM account "
	 "WHERE id = ?4) WHERE mrid = ?1 AND result = 'quarantined'",
	 false},
	{"grants", SECTION_HISTORY, "order",
	 "SELECT id, order_id FROM (SELECT id, order_id FROM grant_known UNION ALL SELECT seq, "
	 "order_id FROM entry WHERE kind IN (2, 3, 4) AND order_id >= 'subsidy:' AND order_id < "
	 "'subsidy;') WHERE id > ?1 ORDER BY id",
	 "INSERT INTO grant_known(id, order_id) VALUES ((SELECT coalesce(max(id), -1000000000) + 1 "
	 "FROM grant_known), ?1)",
	 false},
	{"receipts", SECTION_HISTORY, "receipt,account_id,amount_nano,day,at_s,uid,who",
	 "SELECT id, receipt, account_id, CAST(amount_nano AS TEXT), day, at_s, uid, who FROM "
	 "(SELECT id, receipt, account_id, amount_nano, day, at_s, uid, who FROM cash_known "
	 "UNION ALL SELECT id, receipt, account_id, amount_nano, day, at_s, uid, who FROM cash) "
	 "WHERE id > ?1 ORDER BY id",
	 "INSERT INTO cash_known(id, receipt, account_id, amount_nano, day, at_s, uid, who) "
	 "VALUES ((SELECT coalesce(max(id), -1000000000) + 1 FROM cash_known), ?1, ?2, ?3, ?4, ?5, "
	 "?6, ?7)",
	 false},
};

const struct section *section_list(size_t *ret_count)
{
	*ret_count = sizeof(sections) / sizeof(sections[0]);
	return sections;
}

const struct section *section_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

static json_t *bytes_value(const void *bytes, size_t size)
{
	char *text = malloc(BASE64URL_LEN(size) + 1);
	json_t *value;

	if (!text)
		return NULL;
	base64url_encode(bytes, size, text, BASE64URL_LEN(size) + 1);
	value = json_pack("{s:s}", "b64", text);
	free(text);
	return value;
}

json_t *section_value(sqlite3_stmt *stmt, int column)
{
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(stmt, column));
	case SQLITE_TEXT:
		return json_string((const char *)sqlite3_column_text(stmt, column));
	case SQLITE_BLOB:
		return bytes_value(sqlite3_column_blob(stmt, column),
				   (size_t)sqlite3_column_bytes(stmt, column));
	default:
		return json_null();
	}
}

static int bind_bytes(sqlite3_stmt *stmt, int parameter, const json_t *value)
{
	const char *text = json_string_value(json_object_get(value, "b64"));
	size_t size = text ? strlen(text) : 0;
	uint8_t *bytes;
	int code;

	if (!text || json_object_size(value) != 1)
		return -EINVAL;
	bytes = malloc(size + 1);
	if (!bytes)
		return -ENOMEM;
	if (base64url_decode(text, size, bytes, size, &size) < 0) {
		free(bytes);
		return -EINVAL;
	}
	code = sqlite3_bind_blob64(stmt, parameter, bytes, size, free);
	return code == SQLITE_OK ? 0 : code == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
}

int section_bind(sqlite3_stmt *stmt, int parameter, const json_t *value)
{
	int code;

	if (json_is_object(value))
		return bind_bytes(stmt, parameter, value);
	if (json_is_integer(value))
		code = sqlite3_bind_int64(stmt, parameter, json_integer_value(value));
	else if (json_is_string(value))
		code = sqlite3_bind_text(stmt, parameter, json_string_value(value),
					 (int)json_string_length(value), SQLITE_TRANSIENT);
	else if (json_is_null(value))
		code = sqlite3_bind_null(stmt, parameter);
	else
		return -EINVAL;
	return code == SQLITE_OK ? 0 : code == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
}

int section_digest(uint8_t digest[static DIGEST_SIZE], const json_t *row)
{
	size_t size = json_dumpb(row, NULL, 0, JSON_COMPACT | JSON_ENSURE_ASCII);
	char *bytes = malloc(DIGEST_SIZE + size);
	int error;

	if (!bytes || size == 0) {
		free(bytes);
		return -ENOMEM;
	}
	memcpy(bytes, digest, DIGEST_SIZE);
	(void)json_dumpb(row, bytes + DIGEST_SIZE, size, JSON_COMPACT | JSON_ENSURE_ASCII);
	error = digest_bytes(bytes, DIGEST_SIZE + size, digest);
	free(bytes);
	return error < 0 ? -ENOMEM : 0;
}
