/* ledger_room.c - rooms, accounts, tenancies, supplies and meter lives in their tables.
 *
 * What takes several rows is one savepoint: a failure leaves none of them.
 */
#include "concentrator/ledger_room.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

static int add_tenancy(struct ledger *ledger, int64_t account_id, const char *tenancy, int64_t at_s)
{
	QUERY query = query_begin(ledger, STATEMENT_TENANCY_ADD,
				  "INSERT INTO tenancy(name, account_id, from_s, after_seq) "
				  "VALUES (?, ?, ?, ?)");

	query_text(&query, tenancy, LEDGER_ID_MAX);
	query_integer(&query, account_id);
	query_integer(&query, at_s);
	query_reference(&query, ledger->tally.totals.entries);
	return query_run(&query);
}

/* M9: dated events are keyed by the second in which a tenancy began. */
static int began_at(struct ledger *ledger, int64_t account_id, int64_t at_s)
{
	QUERY query = query_begin(ledger, STATEMENT_TENANCY_BEGAN,
				  "SELECT 1 FROM tenancy WHERE account_id = ? AND from_s = ?");

	query_integer(&query, account_id);
	query_integer(&query, at_s);
	return query_row(&query);
}

static int add_room_rows(struct ledger *ledger, struct ledger_room *room)
{
	int error;
	{
		QUERY query = query_begin(ledger, STATEMENT_ROOM_ADD,
					  "INSERT INTO room(name, opened_s) VALUES (?, ?)");

		query_text(&query, room->name, LEDGER_NAME_MAX);
		query_integer(&query, room->opened_s);
		error = query_run(&query);
		if (error < 0)
			return error;
		room->id = store_inserted(ledger);
	}
	{
		QUERY query = query_begin(ledger, STATEMENT_ACCOUNT_ADD,
					  "INSERT INTO account(room_id, opened_s) VALUES (?, ?)");

		query_integer(&query, room->id);
		query_integer(&query, room->opened_s);
		error = query_run(&query);
		if (error < 0)
			return error;
		room->account_id = store_inserted(ledger);
	}
	if (room->tenancy[0] != '\0')
		error = add_tenancy(ledger, room->account_id, room->tenancy, room->opened_s);
	/* Last, as the only one that has no savepoint. */
	return error < 0 ? error : store_account_add(ledger, room->account_id, false, 0);
}

int ledger_room_add(struct ledger *ledger, struct ledger_room *room)
{
	struct ledger_room next = *room;
	int error;

	assert(ledger->in_transaction);
	next.closed_s = 0;
	next.vacant = false;
	next.tenancy_s = next.tenancy[0] != '\0' ? next.opened_s : 0;
	next.stay = (struct ledger_stay){.opened_s = next.tenancy_s};
	next.after_seq = next.tenancy[0] != '\0' ? ledger->tally.totals.entries : 0;
	error = store_savepoint(ledger);
	if (error == 0)
		error = store_savepoint_end(ledger, add_room_rows(ledger, &next));
	if (error == 0)
		*room = next;
	return error;
}

static int touch_room(struct ledger *ledger, enum statement slot, const char *sql, int64_t room_id,
		      int64_t at_s)
{
	QUERY query = query_begin(ledger, slot, sql);

	query_integer(&query, room_id);
	query_integer(&query, at_s);
	return query_run(&query);
}

static int close_rows(struct ledger *ledger, int64_t room_id, int64_t at_s)
{
	static const struct {
		enum statement slot;
		const char *sql;
	} steps[] = {
		{STATEMENT_LIFE_END_ROOM,
		 "UPDATE life SET ended_s = ?2 WHERE ended_s IS NULL AND point_id IN "
		 "(SELECT point_id FROM supply WHERE room_id = ?1)"},
		{STATEMENT_POINT_CLOSE,
		 "UPDATE point SET closed_s = ?2 WHERE closed_s IS NULL AND id IN "
		 "(SELECT point_id FROM supply WHERE room_id = ?1)"},
		{STATEMENT_SUPPLY_CLOSE,
		 "UPDATE supply SET closed_s = ?2 WHERE room_id = ?1 AND closed_s IS NULL"},
		{STATEMENT_ACCOUNT_CLOSE,
		 "UPDATE account SET closed_s = ?2 WHERE room_id = ?1 AND closed_s IS NULL"},
		{STATEMENT_ROOM_CLOSE,
		 "UPDATE room SET closed_s = ?2 WHERE id = ?1 AND closed_s IS NULL"},
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		error = touch_room(ledger, steps[i].slot, steps[i].sql, room_id, at_s);
	return error;
}

static int end_tenancy(struct ledger *ledger, int64_t account_id, int64_t at_s)
{
	QUERY query = query_begin(
		ledger, STATEMENT_TENANCY_END,
		"UPDATE tenancy SET to_s = ? WHERE account_id = ? AND to_s IS NULL");

	query_integer(&query, at_s);
	query_integer(&query, account_id);
	return query_run(&query);
}

static int find_account(struct ledger *ledger, int64_t room_id, int64_t *ret_account_id)
{
	QUERY query = query_begin(
		ledger, STATEMENT_ROOM_FIND,
		"SELECT max(id), closed_s IS NOT NULL FROM account WHERE room_id = ?");
	int row;

	query_integer(&query, room_id);
	row = query_row(&query);
	if (row < 0)
		return row;
	if (row_integer(&query, 0) == 0)
		return -ENOENT;
	*ret_account_id = row_integer(&query, 0);
	return row_integer(&query, 1) != 0 ? -EALREADY : 0;
}

int ledger_room_close(struct ledger *ledger, int64_t room_id, int64_t at_s)
{
	struct cached_account *account;
	int64_t account_id;
	int error;

	assert(ledger->in_transaction);
	error = find_account(ledger, room_id, &account_id);
	if (error < 0)
		return error;
	account = store_account(ledger, account_id);
	assert(account);
	if (account->balance_nano != 0)
		return -ENOTEMPTY;
	error = store_savepoint(ledger);
	if (error < 0)
		return error;
	error = end_tenancy(ledger, account_id, at_s);
	if (error == 0)
		error = close_rows(ledger, room_id, at_s);
	error = store_savepoint_end(ledger, error);
	if (error == 0)
		account->closed = true;
	return error;
}

int ledger_tenancy_set(struct ledger *ledger, int64_t account_id, const char *tenancy, int64_t at_s)
{
	int error;

	assert(ledger->in_transaction);
	error = store_savepoint(ledger);
	if (error < 0)
		return error;
	error = end_tenancy(ledger, account_id, at_s);
	if (error == 0 && tenancy[0] != '\0') {
		error = began_at(ledger, account_id, at_s);
		error = error > 0 ? -EAGAIN : error;
	}
	if (error == 0 && tenancy[0] != '\0')
		error = add_tenancy(ledger, account_id, tenancy, at_s);
	return store_savepoint_end(ledger, error);
}

static int add_point(struct ledger *ledger, struct ledger_supply *supply)
{
	QUERY query = query_begin(
		ledger, STATEMENT_POINT_ADD,
		"INSERT INTO point(line, address, channel, model) VALUES (?, ?, ?, ?)");
	int error;

	query_text(&query, supply->point.line, LEDGER_NAME_MAX);
	query_integer(&query, supply->point.address);
	query_integer(&query, supply->point.channel);
	query_text(&query, supply->point.model, LEDGER_NAME_MAX);
	error = query_run(&query);
	if (error == 0)
		supply->point_id = store_inserted(ledger);
	return error;
}

static int add_supply_rows(struct ledger *ledger, struct ledger_supply *supply)
{
	int error = supply->has_point ? add_point(ledger, supply) : 0;

	if (error < 0)
		return error;
	QUERY query = query_begin(
		ledger, STATEMENT_SUPPLY_ADD,
		"INSERT INTO supply(room_id, circuit, point_id, normally_closed, may_cut, "
		"cut_order, breaker_a, relay_address, relay_channel, relay_line, "
		"relay_model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, supply->room_id);
	query_text(&query, supply->circuit, LEDGER_NAME_MAX);
	query_reference(&query, supply->point_id);
	query_integer(&query, supply->normally_closed);
	query_integer(&query, supply->may_cut);
	query_integer(&query, supply->cut_order);
	query_integer(&query, supply->breaker_a);
	if (supply->has_relay) {
		query_integer(&query, supply->relay.address);
		query_integer(&query, supply->relay.channel);
		query_text(&query, supply->relay.line, LEDGER_NAME_MAX);
		query_text(&query, supply->relay.model, LEDGER_NAME_MAX);
	}
	error = query_run(&query);
	if (error == 0)
		supply->id = store_inserted(ledger);
	return error;
}

int ledger_supply_add(struct ledger *ledger, struct ledger_supply *supply)
{
	struct ledger_supply next = *supply;
	int error;

	assert(ledger->in_transaction);
	next.point_id = 0;
	next.closed_s = 0;
	error = find_account(ledger, supply->room_id, &next.account_id);
	if (error < 0)
		return error == -EALREADY ? -ENOENT : error;
	error = store_savepoint(ledger);
	if (error == 0)
		error = store_savepoint_end(ledger, add_supply_rows(ledger, &next));
	if (error == 0)
		*supply = next;
	return error;
}

/* M7: its beginning is not known, but not before what the clock has said already. */
static int add_floor(struct ledger *ledger, int64_t life_id, int64_t floor_s)
{
	QUERY query = query_begin(ledger, STATEMENT_LIFE_FLOOR,
				  "INSERT INTO life_floor(life_id, not_before_s) VALUES (?, ?)");

	query_integer(&query, life_id);
	query_integer(&query, floor_s);
	return query_run(&query);
}

static int add_life(struct ledger *ledger, const struct ledger_life *life)
{
	QUERY query = query_begin(
		ledger, STATEMENT_LIFE_ADD,
		"INSERT INTO life(point_id, medium, first_wh, offset_wh, started_s, serial) "
		"VALUES (?, ?, ?, ?, ?, ?)");

	query_integer(&query, life->point_id);
	query_integer(&query, life->medium);
	query_integer(&query, life->first_wh);
	query_integer(&query, life->offset_wh);
	query_integer(&query, life->started_s);
	query_text_or_null(&query, life->serial, LEDGER_ID_MAX);
	return query_run(&query);
}

int ledger_life_begin(struct ledger *ledger, struct ledger_life *life)
{
	int64_t floor_s = life->started_s == 0 ? ledger_floor_s(ledger) : 0;
	int64_t id;
	int error;

	assert(ledger->in_transaction);
	error = add_life(ledger, life);
	if (error < 0)
		return error;
	id = store_inserted(ledger);
	if (floor_s > 0)
		error = add_floor(ledger, id, floor_s);
	if (error < 0)
		return error;
	life->id = id;
	life->ended_s = 0;
	life->settled_wh = life->first_wh;
	life->settled_s = life->started_s;
	life->floor_s = floor_s;
	return 0;
}

int ledger_life_medium(struct ledger *ledger, int64_t life_id, enum medium *ret)
{
	QUERY query = query_begin(ledger, STATEMENT_LIFE_MEDIUM,
				  "SELECT medium FROM life WHERE id = ?");
	int row;

	query_integer(&query, life_id);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	*ret = (enum medium)row_integer(&query, 0);
	return 0;
}

int ledger_life_end(struct ledger *ledger, int64_t life_id, int64_t at_s)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_LIFE_END,
				  "UPDATE life SET ended_s = ? WHERE id = ?");

	query_integer(&query, at_s);
	query_integer(&query, life_id);
	error = query_change(&query);
	return error == -EPERM ? -EALREADY : error;
}

int ledger_life_unwrap(struct ledger *ledger, int64_t life_id, int64_t offset_wh)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_LIFE_UNWRAP,
				  "UPDATE life SET offset_wh = ? WHERE id = ?");

	query_integer(&query, offset_wh);
	query_integer(&query, life_id);
	error = query_change(&query);
	return error == -EPERM ? -ERANGE : error;
}

int ledger_life_bind(struct ledger *ledger, int64_t life_id, const char *serial)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_LIFE_BIND,
				  "UPDATE life SET serial = ? WHERE id = ? AND serial IS NULL");

	query_text(&query, serial, LEDGER_ID_MAX);
	query_integer(&query, life_id);
	error = query_change(&query);
	return error == -ENOENT ? -EALREADY : error;
}

int ledger_rooms_each(struct ledger *ledger, bool all, ledger_room_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_ROOM_EACH,
		"SELECT r.id, a.id, r.name, t.name, r.opened_s, r.closed_s, t.from_s, t.id IS NULL "
		"AND EXISTS (SELECT 1 FROM tenancy WHERE account_id = a.id), t.after_seq, "
		"coalesce(y.opened_s, t.from_s), y.minimum_from_s, y.minimum_nano FROM room "
		"r "
		"JOIN account a ON a.id = (SELECT max(id) FROM account WHERE room_id = r.id) "
		"LEFT JOIN tenancy t ON t.account_id = a.id AND t.to_s IS NULL "
		"LEFT JOIN stay y ON y.tenancy_id = t.id "
		"WHERE ? OR r.closed_s IS NULL ORDER BY r.id");
	int more, stop;

	query_integer(&query, all);
	while ((more = query_row(&query)) == 1) {
		struct ledger_room room = {
			.id = row_integer(&query, 0),
			.account_id = row_integer(&query, 1),
			.opened_s = row_integer(&query, 4),
			.closed_s = row_integer(&query, 5),
			.tenancy_s = row_integer(&query, 6),
			.vacant = row_integer(&query, 7) != 0,
			.stay.opened_s = row_integer(&query, 9),
			.stay.minimum_from_s = row_integer(&query, 10),
			.stay.minimum_nano = row_integer(&query, 11),
			.after_seq = row_integer(&query, 7) != 0 ? INT64_MAX
								 : row_integer(&query, 8),
		};

		row_text(&query, 2, room.name, sizeof(room.name));
		row_text(&query, 3, room.tenancy, sizeof(room.tenancy));
		stop = row(&room, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_supplies_each(struct ledger *ledger, bool all, ledger_supply_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_SUPPLY_EACH,
		"SELECT s.id, s.room_id, (SELECT max(id) FROM account WHERE room_id = s.room_id), "
		"s.circuit, "
		"s.point_id, p.line, p.address, p.channel, p.model, s.relay_line, s.relay_address, "
		"s.relay_channel, s.relay_model, s.normally_closed, s.may_cut, s.cut_order, "
		"s.breaker_a, "
		"s.closed_s FROM supply s LEFT JOIN point p ON p.id = s.point_id "
		"WHERE ? OR s.closed_s IS NULL ORDER BY s.id");
	int more, stop;

	query_integer(&query, all);
	while ((more = query_row(&query)) == 1) {
		struct ledger_supply supply = {
			.id = row_integer(&query, 0),
			.room_id = row_integer(&query, 1),
			.account_id = row_integer(&query, 2),
			.point_id = row_integer(&query, 4),
			.has_point = row_integer(&query, 4) != 0,
			.point.address = (int32_t)row_integer(&query, 6),
			.point.channel = (int32_t)row_integer(&query, 7),
			.has_relay = row_integer(&query, 10) != 0,
			.relay.address = (int32_t)row_integer(&query, 10),
			.relay.channel = (int32_t)row_integer(&query, 11),
			.normally_closed = row_integer(&query, 13) != 0,
			.may_cut = row_integer(&query, 14) != 0,
			.cut_order = (int32_t)row_integer(&query, 15),
			.breaker_a = (int32_t)row_integer(&query, 16),
			.closed_s = row_integer(&query, 17),
		};

		row_text(&query, 3, supply.circuit, sizeof(supply.circuit));
		row_text(&query, 5, supply.point.line, sizeof(supply.point.line));
		row_text(&query, 8, supply.point.model, sizeof(supply.point.model));
		row_text(&query, 9, supply.relay.line, sizeof(supply.relay.line));
		row_text(&query, 12, supply.relay.model, sizeof(supply.relay.model));
		stop = row(&supply, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_lives_each(struct ledger *ledger, bool all, ledger_life_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_LIFE_EACH,
		"SELECT l.id, l.point_id, l.serial, l.first_wh, l.offset_wh, l.started_s, "
		"l.ended_s, "
		"coalesce(e.to_wh, l.first_wh), coalesce(e.to_s, l.started_s), " LIFE_FLOOR_S
		", l.medium FROM life l "
		"LEFT JOIN entry e ON e.seq = (SELECT max(seq) FROM entry WHERE life_id = l.id) "
		"WHERE ? OR l.ended_s IS NULL ORDER BY l.id");
	int more, stop;

	query_integer(&query, all);
	while ((more = query_row(&query)) == 1) {
		struct ledger_life life = {
			.id = row_integer(&query, 0),
			.point_id = row_integer(&query, 1),
			.first_wh = row_integer(&query, 3),
			.offset_wh = row_integer(&query, 4),
			.started_s = row_integer(&query, 5),
			.ended_s = row_integer(&query, 6),
			.settled_wh = row_integer(&query, 7),
			.settled_s = row_integer(&query, 8),
			.floor_s = row_integer(&query, 9),
			.medium = (enum medium)row_integer(&query, 10),
		};

		if (life.settled_s != 0)
			life.floor_s = 0;

		row_text(&query, 2, life.serial, sizeof(life.serial));
		stop = row(&life, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
