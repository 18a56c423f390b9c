/* ledger_years.c - writes the ledger that a building has after years, and times what people do with it.
 *
 *     ledger_years write FILE ROOMS DAYS END_S    commissions ROOMS rooms, half on line A and half on line B,
 *                                                 and appends DAYS of entries that end at END_S; prints
 *                                                 "line/address register" of every meter
 *     ledger_years measure FILE                   prints "figure value", one a line
 *
 * The entries go through the ledger's own functions: 8 settlements a day and room, at three prices, and a
 * recharge a week with its order and its receipt's event. Beside them what a daemon keeps: what a balance is
 * made of, as often as it writes that, and the freezes that are not dropped yet. Each transaction holds thirty
 * days, for speed; a snapshot is taken at its end, as the daemon takes one a day.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "concentrator/ledger_credit.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_freeze.h"
#include "concentrator/ledger_order.h"
#include "concentrator/ledger_read.h"
#include "concentrator/ledger_statement.h"
#include "concentrator/ledger_room.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/rules/calendar.h"

#define DAY_S         INT64_C(86400)
#define SETTLES       8
#define BATCH_DAYS    30
#define CREDIT_BEHIND 64 /* as of station_credit.c */
#define ROOMS_MAX     1024
#define COMMITS       64
#define STATEMENTS    24
#define FIRST_WH      INT64_C(1000000)
#define SITE          "S-0001"
#define BOOT          "0123456789abcdef0123456789abcdef"
#define TARIFF_TEXT                                                                                \
	"[tariff]\nname = years\nactivation = receipt\n[energy]\nblocks = 2000 4000\n"             \
	"reset = year 01-01\nprice = 0.5 0.6 0.9\n"

struct years {
	struct ledger *ledger;
	int rooms;
	int64_t account_id[ROOMS_MAX];
	int64_t supply_id[ROOMS_MAX];
	int64_t point_id[ROOMS_MAX];
	int64_t life_id[ROOMS_MAX];
	int64_t settled_wh[ROOMS_MAX];
	int uncounted[ROOMS_MAX]; /* entries since the account's credits were written */
	int64_t tariff_id;
	uint32_t random;
};

static void must(int error, const char *what)
{
	if (error < 0) {
		(void)fprintf(stderr, "ledger_years: %s: %s\n", what, strerror(-error));
		exit(1);
	}
}

static int64_t clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Of all threads. */
static int64_t cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t clock_us(void)
{
	return clock_ns() / 1000;
}

static struct ledger *open_ledger(const char *path, int64_t now_s)
{
	const struct ledger_settings settings = {
		.path = path, .site = SITE, .now_s = now_s, .clock_us = clock_us};
	struct ledger_failure failure;
	struct ledger *ledger;

	if (ledger_open(&ledger, &settings, &failure) < 0) {
		(void)fprintf(stderr, "ledger_years: %s\n", failure.text);
		exit(1);
	}
	return ledger;
}

static void commission(struct years *years, int64_t at_s)
{
	struct ledger_tariff tariff = {.name = "years",
				       .activation_s = at_s,
				       .text = TARIFF_TEXT,
				       .applied_by = "bench",
				       .applied_s = at_s};

	must(ledger_tariff_add(years->ledger, &tariff), "tariff");
	years->tariff_id = tariff.id;
	for (int i = 0; i < years->rooms; i++) {
		int half = (years->rooms + 1) / 2;
		struct ledger_room room = {.opened_s = at_s};
		struct ledger_supply supply = {
			.circuit = "sockets",
			.has_point = true,
			.point = {.address = i % half + 1, .channel = 1, .model = "eastron-sdm120"},
			.may_cut = true,
			.cut_order = 1,
			.breaker_a = 16};
		struct ledger_life life = {.first_wh = FIRST_WH, .started_s = at_s};

		(void)snprintf(room.name, sizeof(room.name), "%d", 101 + i);
		(void)snprintf(room.tenancy, sizeof(room.tenancy), "T-%d", i);
		(void)snprintf(supply.point.line, sizeof(supply.point.line), "%s",
			       i < half ? "A" : "B");
		must(ledger_room_add(years->ledger, &room), "room");
		supply.room_id = room.id;
		must(ledger_supply_add(years->ledger, &supply), "supply");
		life.point_id = supply.point_id;
		must(ledger_life_begin(years->ledger, &life), "life");
		years->account_id[i] = room.account_id;
		years->supply_id[i] = supply.id;
		years->point_id[i] = supply.point_id;
		years->life_id[i] = life.id;
		years->settled_wh[i] = FIRST_WH;
	}
}

static uint32_t draw(struct years *years)
{
	years->random = years->random * 1664525 + 1013904223;
	return years->random >> 8;
}

static void append(struct years *years, struct entry *entry, int64_t at_s)
{
	entry->at_s = at_s;
	entry->at_trusted = true;
	entry->at_us = at_s * 1000000;
	(void)snprintf(entry->boot, sizeof(entry->boot), "%s", BOOT);
	must(ledger_entry_append(years->ledger, entry), "entry");
}

static void settle(struct years *years, int room, int64_t at_s, int settle)
{
	static const int64_t price[] = {500000, 600000, 900000};
	struct entry entry = {
		.kind = ENTRY_CHARGE,
		.account_id = years->account_id[room],
		.point_id = years->point_id[room],
		.life_id = years->life_id[room],
		.energy_wh = 100 + draw(years) % 900,
		.from_wh = years->settled_wh[room],
		.from_s = at_s - DAY_S / SETTLES,
		.to_s = at_s,
		.price_micro_per_kwh = price[settle % 3],
		.tariff_id = years->tariff_id,
		.who = "prepayd",
	};

	entry.to_wh = entry.from_wh + entry.energy_wh;
	entry.amount_nano = -entry.energy_wh * entry.price_micro_per_kwh;
	(void)snprintf(entry.why, sizeof(entry.why), "%s",
		       settle == SETTLES - 1 ? "midnight" : "price boundary");
	years->settled_wh[room] = entry.to_wh;
	years->uncounted[room]++;
	append(years, &entry, at_s);
}

static void recharge(struct years *years, int room, int64_t day, int64_t at_s)
{
	struct entry entry = {.kind = ENTRY_RECHARGE,
			      .account_id = years->account_id[room],
			      .amount_nano = INT64_C(20000000000),
			      .who = "cloud",
			      .why = "CreditRegister"};
	struct ledger_order order = {.type = "CreditRegister",
				     .kid = "pay-1",
				     .result = "applied",
				     .account_id = years->account_id[room],
				     .amount_nano = INT64_C(20000000000),
				     .day = 20260101,
				     .received_s = at_s,
				     .received_trusted = true};
	char payload[320], receipt[192];
	const uint8_t signature[64] = {1};

	(void)snprintf(order.mrid, sizeof(order.mrid), "%08" PRIx64 "-0000-4000-8000-%012x",
		       (uint64_t)day, (unsigned)room);
	(void)snprintf(entry.order, sizeof(entry.order), "%s", order.mrid);
	append(years, &entry, at_s);
	years->uncounted[room]++;
	(void)snprintf(
		payload, sizeof(payload),
		"{\"mRID\":\"%s\",\"type\":\"CreditRegister\",\"site\":\"%s\",\"room\":\"%d\","
		"\"creditAmount\":{\"value\":2000,\"multiplier\":-2,\"monetaryUnit\":156},"
		"\"creationTime\":%" PRId64 "}",
		order.mrid, SITE, 101 + room, at_s);
	(void)snprintf(receipt, sizeof(receipt),
		       "{\"mRID\":\"%s\",\"result\":\"applied\",\"entry\":%" PRId64 "}", order.mrid,
		       entry.seq);
	order.payload = payload;
	order.payload_size = strlen(payload);
	order.signature = signature;
	order.signature_size = sizeof(signature);
	order.receipt = receipt;
	order.entry_seq = entry.seq;
	must(ledger_order_put(years->ledger, &order), "order");
	must(ledger_event_put(years->ledger, 0, "receipt", at_s, true, receipt, NULL), "event");
}

/* Before a settlement, as the station does it. All of the money is paid. */
static void keep_credit(struct years *years, int room)
{
	struct ledger_totals totals;
	struct ledger_credit credit = {.account_id = years->account_id[room]};

	if (years->uncounted[room] < CREDIT_BEHIND)
		return;
	must(ledger_totals_get(years->ledger, 0, &totals), "totals");
	credit.through_seq = totals.entries;
	must(ledger_credit_set(years->ledger, &credit), "credit");
	years->uncounted[room] = 0;
}

static void freeze(struct years *years, int room, bool monthly, int64_t day)
{
	struct ledger_freeze freeze = {.supply_id = years->supply_id[room],
				       .monthly = monthly,
				       .day = day,
				       .at_s = (day + 1) * DAY_S,
				       .read_s = (day + 1) * DAY_S,
				       .register_wh = years->settled_wh[room]};

	must(ledger_balance_nano(years->ledger, years->account_id[room], &freeze.balance_nano),
	     "balance");
	must(ledger_freeze_put(years->ledger, &freeze), "freeze");
}

/* Days that the last one leaves, and months. */
static void freeze_rooms(struct years *years, int64_t day, int64_t last_day)
{
	bool ends_month = calendar_date(day + 1).day == 1;

	for (int room = 0; room < years->rooms; room++) {
		if (last_day - day <= LEDGER_FREEZE_DAYS)
			freeze(years, room, false, day);
		if (ends_month && last_day - day <= LEDGER_FREEZE_MONTH_DAYS)
			freeze(years, room, true, day);
	}
}

static void live_a_day(struct years *years, int64_t day, int64_t from_s)
{
	for (int i = 0; i < SETTLES; i++) {
		int64_t at_s = from_s + (i + 1) * (DAY_S / SETTLES);

		for (int room = 0; room < years->rooms; room++) {
			if (i == 3 && (day + room) % 7 == 0)
				recharge(years, room, day, at_s);
			keep_credit(years, room);
			settle(years, room, at_s, i);
		}
	}
}

static void take_snapshot(struct years *years, int64_t at_s)
{
	static const uint8_t key[32] = "bench";

	must(ledger_snapshot_write(years->ledger, at_s, key, NULL, 0), "snapshot");
}

static int write_years(const char *path, int rooms, int64_t days, int64_t end_s)
{
	static struct years years = {.random = 1};
	int64_t begin_s = end_s - days * DAY_S;

	years.rooms = rooms;
	years.ledger = open_ledger(path, begin_s);
	must(ledger_begin(years.ledger), "begin");
	commission(&years, begin_s);
	for (int64_t day = 0; day < days; day++) {
		live_a_day(&years, day, begin_s + day * DAY_S);
		freeze_rooms(&years, begin_s / DAY_S + day, begin_s / DAY_S + days - 1);
		if (day % BATCH_DAYS == BATCH_DAYS - 1) {
			take_snapshot(&years, begin_s + (day + 1) * DAY_S);
			must(ledger_commit(years.ledger), "commit");
			must(ledger_begin(years.ledger), "begin");
		}
	}
	must(ledger_commit(years.ledger), "commit");
	for (int i = 0; i < rooms; i++) {
		int half = (rooms + 1) / 2;

		(void)printf("%s/%d %" PRId64 "\n", i < half ? "A" : "B", i % half + 1,
			     years.settled_wh[i]);
	}
	years.ledger = ledger_close(years.ledger);
	return 0;
}

static int compare(const void *a, const void *b)
{
	int64_t one, other;

	memcpy(&one, a, sizeof(one));
	memcpy(&other, b, sizeof(other));
	return (one > other) - (one < other);
}

/* Out of the kernel's cache, as after a cold start. */
static void forget(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		must(-errno, path);
	(void)close(fd);
}

/* Into the kernel's cache: what verify costs is its work, not this machine's disk. */
static void remember(const char *path)
{
	static char buffer[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0) {
	}
	if (fd >= 0)
		(void)close(fd);
}

static int take_life(const struct ledger_life *life, void *userdata)
{
	struct years *years = userdata;

	if (years->rooms < ROOMS_MAX) {
		years->life_id[years->rooms] = life->id;
		years->point_id[years->rooms] = life->point_id;
		years->settled_wh[years->rooms] = life->settled_wh;
		years->rooms++;
	}
	return 0;
}

static int take_supply(const struct ledger_supply *supply, void *userdata)
{
	struct years *years = userdata;

	for (int i = 0; i < years->rooms; i++)
		if (years->point_id[i] == supply->point_id)
			years->account_id[i] = supply->account_id;
	return 0;
}

/* One room's settlement, begun and committed: what everything in the loop waits for. */
static void measure_commits(struct years *years, int64_t at_s)
{
	int64_t ns[COMMITS];

	for (int i = 0; i < COMMITS; i++) {
		int64_t begin_ns = clock_ns();

		must(ledger_begin(years->ledger), "begin");
		settle(years, i % years->rooms, at_s + i, 0);
		must(ledger_commit(years->ledger), "commit");
		ns[i] = clock_ns() - begin_ns;
	}
	qsort(ns, COMMITS, sizeof(ns[0]), compare);
	(void)printf("settlement_commit_ms %.3f\n", (double)ns[COMMITS / 2] / 1e6);
	(void)printf("settlement_commit_p99_ms %.3f\n", (double)ns[COMMITS * 99 / 100] / 1e6);
	/* All rooms in one transaction, as at midnight. */
	int64_t begin_ns = clock_ns();

	must(ledger_begin(years->ledger), "begin");
	for (int i = 0; i < years->rooms; i++)
		settle(years, i, at_s + COMMITS, 0);
	must(ledger_commit(years->ledger), "commit");
	(void)printf("settlement_commit_all_ms %.3f\n", (double)(clock_ns() - begin_ns) / 1e6);
}

static void measure_statements(const char *path, const struct years *years, int64_t end_s)
{
	int64_t ns[STATEMENTS];

	for (int i = 0; i < STATEMENTS; i++) {
		int64_t from_s = end_s - (int64_t)(i + 1) * 30 * DAY_S * 4;
		struct ledger_statement *statement;
		int64_t begin_ns = clock_ns();

		must(ledger_statement(path, NULL, years->account_id[i * 5 % years->rooms], from_s,
				      from_s + 30 * DAY_S, NULL, NULL, &statement),
		     "statement");
		ns[i] = clock_ns() - begin_ns;
		if (statement->count < 3)
			must(-ENODATA, "a month without lines");
		free(statement);
	}
	qsort(ns, STATEMENTS, sizeof(ns[0]), compare);
	(void)printf("statement_month_ms %.3f\n", (double)ns[STATEMENTS / 2] / 1e6);
}

static void measure_verify(const char *path)
{
	struct ledger_verdict verdict;
	int64_t begin_ns = clock_ns(), begin_cpu_ns = cpu_ns(), took_ns;

	must(ledger_verify(path, NULL, NULL, NULL, &verdict), "verify");
	took_ns = clock_ns() - begin_ns;
	(void)printf("verify_cpu_s %.2f\n", (double)(cpu_ns() - begin_cpu_ns) / 1e9);
	if (!verdict.ok) {
		(void)fprintf(stderr, "ledger_years: verify: %s\n", verdict.detail);
		exit(1);
	}
	(void)printf("entries %" PRId64 "\n", verdict.entries);
	(void)printf("verify_entries_per_s %.0f\n",
		     (double)verdict.entries / ((double)took_ns / 1e9));
}

static int measure(const char *path)
{
	static struct years years = {.random = 7};
	int64_t begin_ns, end_s;
	struct ledger *ledger;

	forget(path);
	begin_ns = clock_ns();
	ledger = open_ledger(path, 0);
	(void)printf("ledger_open_cold_s %.3f\n", (double)(clock_ns() - begin_ns) / 1e9);
	ledger = ledger_close(ledger);
	begin_ns = clock_ns();
	years.ledger = open_ledger(path, 0);
	(void)printf("ledger_open_s %.3f\n", (double)(clock_ns() - begin_ns) / 1e9);
	end_s = ledger_floor_s(years.ledger);
	must(ledger_lives_each(years.ledger, false, take_life, &years), "lives");
	must(ledger_supplies_each(years.ledger, false, take_supply, &years), "supplies");
	remember(path);
	measure_statements(path, &years, end_s);
	measure_verify(path);
	years.tariff_id = 1;
	measure_commits(&years, end_s + DAY_S / SETTLES);
	years.ledger = ledger_close(years.ledger);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "write") == 0 && atoi(argv[3]) <= ROOMS_MAX)
		return write_years(argv[2], atoi(argv[3]), atoll(argv[4]), atoll(argv[5]));
	if (argc == 3 && strcmp(argv[1], "measure") == 0)
		return measure(argv[2]);
	(void)fprintf(stderr, "usage: ledger_years write FILE ROOMS DAYS END_S | measure FILE\n");
	return 2;
}
