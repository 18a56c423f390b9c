/* Outbox, audit, wishes, relays, money states, tariffs, keys, quarantines: each row comes back as it
 * was written, after closing and opening the file. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_bands.h"
#include "concentrator/ledger_credit.h"
#include "concentrator/ledger_key.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_supply.h"
#include "concentrator/ledger_tariff.h"

#include <errno.h>

static struct house_room room;

static int set_up(void **state)
{
	static struct house house;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &room, 1, 1000);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	house_remove(*state);
	return 0;
}

static void commit_and_open_again(struct house *house)
{
	assert_int_equal(ledger_commit(house->ledger), 0);
	house_close(house);
	house_open(house);
}

struct walked {
	int rows;
	int64_t last;
	char text[512];
};

static int walk_event(const struct ledger_event *event, void *userdata)
{
	struct walked *walked = userdata;

	assert_true(event->seq > walked->last);
	walked->last = event->seq;
	walked->rows++;
	(void)snprintf(walked->text, sizeof(walked->text), "%s %s", event->type, event->body);
	return 0;
}

static void events_have_no_gap_and_the_cursor_never_goes_back(void **state)
{
	struct house *house = *state;
	struct ledger_outbox outbox;
	struct walked walked = {0};
	int64_t seq;

	for (int i = 0; i < 8; i++)
		assert_int_equal(ledger_event_put(house->ledger, i % 4, "entry", HOUSE_NOW_S, true,
						  "{\"n\":1}", NULL),
				 0);
	assert_int_equal(ledger_event_put(house->ledger, 4, "entry", HOUSE_NOW_S, true, "{}", NULL),
			 -EINVAL);
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_event_put(house->ledger, 0, "lost", HOUSE_NOW_S, true, "{}", &seq),
			 0);
	assert_int_equal(seq, 9);
	ledger_rollback(house->ledger);
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_event_put(house->ledger, 0, "kept", HOUSE_NOW_S, true, "{}", &seq),
			 0);
	assert_int_equal(seq, 9);
	assert_int_equal(ledger_outbox_acknowledge(house->ledger, 1, 5), 0);
	assert_int_equal(ledger_outbox_acknowledge(house->ledger, 1, 3), 0);
	assert_int_equal(ledger_outbox_acknowledge(house->ledger, 1, 10), -ERANGE);
	assert_int_equal(ledger_outbox_acknowledge(house->ledger, 2, 6), -ESTALE);
	assert_int_equal(ledger_outbox_refuse(house->ledger, 2, 422, "not understood", HOUSE_NOW_S),
			 0);
	assert_int_equal(ledger_outbox_refuse(house->ledger, 2, 422, "again", HOUSE_NOW_S),
			 -EEXIST);
	assert_int_equal(ledger_outbox_refuse(house->ledger, 10, 422, "nothing", HOUSE_NOW_S),
			 -ENOENT);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(ledger_outbox_get(house->ledger, &outbox), 0);
		assert_int_equal(outbox.last, 9);
		assert_int_equal(outbox.through, 5);
		assert_int_equal(outbox.refused, 1);
		assert_int_equal(outbox.waiting[0], 1);
		assert_int_equal(outbox.waiting[1], 1);
		assert_int_equal(outbox.waiting[2], 1);
		assert_int_equal(outbox.waiting[3], 1);
		if (again == 0)
			commit_and_open_again(house);
	}
	assert_int_equal(
		ledger_events_each(house->ledger, outbox.through, -1, 256, walk_event, &walked), 0);
	assert_int_equal(walked.rows, 4);
	assert_string_equal(walked.text, "kept {}");
	walked = (struct walked){0};
	assert_int_equal(ledger_events_each(house->ledger, 0, 2, 256, walk_event, &walked), 0);
	assert_int_equal(walked.rows, 2);
	assert_int_equal(walked.last, 7);
}

static int walk_audit(const struct ledger_audit *audit, void *userdata)
{
	struct walked *walked = userdata;

	walked->rows++;
	walked->last = audit->id;
	(void)snprintf(walked->text, sizeof(walked->text), "%s %lld %s %s %s", audit->who,
		       (long long)audit->uid, audit->verb, audit->what, audit->why);
	return 0;
}

static void who_did_what_and_why_is_kept(void **state)
{
	struct house *house = *state;
	struct ledger_audit audit = {.at_s = HOUSE_NOW_S,
				     .trusted = true,
				     .uid = 1000,
				     .who = "li",
				     .verb = "relay.set",
				     .what = "{\"room\":\"301\"}",
				     .why = "asked for it"};
	struct walked walked = {0};

	assert_int_equal(ledger_audit_put(house->ledger, &audit), 0);
	assert_int_equal(audit.id, 1);
	commit_and_open_again(house);
	assert_int_equal(ledger_audits_tail(house->ledger, 0, 10, walk_audit, &walked), 0);
	assert_string_equal(walked.text, "li 1000 relay.set {\"room\":\"301\"} asked for it");
	assert_int_equal(ledger_audits_tail(house->ledger, walked.last, 10, walk_audit, &walked),
			 0);
	assert_int_equal(walked.rows, 1);
}

static int keep_wish(const struct ledger_wish *wish, void *userdata)
{
	*(struct ledger_wish *)userdata = *wish;
	return 0;
}

static int keep_relay(const struct ledger_relay *relay, void *userdata)
{
	*(struct ledger_relay *)userdata = *relay;
	return 0;
}

static int keep_money(const struct ledger_money *money, void *userdata)
{
	*(struct ledger_money *)userdata = *money;
	return 0;
}

static int keep_credit(const struct ledger_credit *credit, void *userdata)
{
	struct ledger_credit *kept = userdata;

	*kept = *credit;
	return 0;
}

static void m1_the_credits_of_an_account_survive_a_restart(void **state)
{
	struct house *house = *state;
	struct ledger_credit credit = {.account_id = room.room.account_id,
				       .allowance_nano = 4,
				       .subsidy_nano = 5,
				       .own_overdraft = true,
				       .overdraft_nano = 0,
				       .emergency = 2,
				       .emergency_used = true,
				       .emergency_s = 6};
	struct ledger_credit got = {0};

	credit.through_seq = 2;
	assert_int_equal(ledger_credit_set(house->ledger, &credit), 0);
	credit.through_seq = 3;
	assert_int_equal(ledger_credit_set(house->ledger, &credit), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_credits_each(house->ledger, keep_credit, &got), 0);
	assert_int_equal(got.account_id, credit.account_id);
	assert_int_equal(got.through_seq, 3);
	assert_int_equal(got.allowance_nano, 4);
	assert_int_equal(got.subsidy_nano, 5);
	assert_int_equal(got.emergency, 2);
	assert_int_equal(got.emergency_s, 6);
	assert_true(got.emergency_used && got.own_overdraft);
	assert_int_equal(got.overdraft_nano, 0);
	/* No limit of its own is not a limit of nothing. */
	credit.own_overdraft = false;
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_credit_set(house->ledger, &credit), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_credits_each(house->ledger, keep_credit, &got), 0);
	assert_false(got.own_overdraft);
}

static void s3_a_wish_a_relay_and_a_notice_survive_a_restart(void **state)
{
	struct house *house = *state;
	struct ledger_wish wish = {.supply_id = room.supply.id,
				   .layer = 0,
				   .position = 2,
				   .uid = 1000,
				   .owner = "li",
				   .reason = "at work",
				   .at_s = HOUSE_NOW_S,
				   .trusted = true};
	struct ledger_relay relay = {.supply_id = room.supply.id,
				     .commanded = 1,
				     .layer = 5,
				     .at_s = HOUSE_NOW_S,
				     .trusted = true,
				     .armed = true,
				     .proven = true};
	struct ledger_money money = {.account_id = room.room.account_id,
				     .low = true,
				     .noticed = true,
				     .notice_run_us = 1,
				     .notice_wait_us = 2,
				     .notice_nano = -3,
				     .hold = 4,
				     .hold_run_us = 5,
				     .hold_from_nano = -6,
				     .hold_begun = true,
				     .hold_spent = false,
				     .cut = true,
				     .cut_run_us = 7};
	struct ledger_wish wish_read;
	struct ledger_relay relay_read;
	struct ledger_money money_read;

	memset(&wish_read, 0, sizeof(wish_read));
	memset(&relay_read, 0, sizeof(relay_read));
	memset(&money_read, 0, sizeof(money_read));
	wish.position = 1;
	assert_int_equal(ledger_wish_set(house->ledger, &wish), 0);
	wish.position = 2;
	assert_int_equal(ledger_wish_set(house->ledger, &wish), 0);
	assert_int_equal(ledger_relay_set(house->ledger, &relay), 0);
	assert_int_equal(ledger_relay_set(house->ledger, &relay), 0);
	assert_int_equal(ledger_money_set(house->ledger, &money), 0);
	assert_int_equal(ledger_money_set(house->ledger, &money), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_wishes_each(house->ledger, keep_wish, &wish_read), 0);
	assert_int_equal(wish_read.position, 2);
	assert_int_equal(wish_read.uid, 1000);
	assert_string_equal(wish_read.owner, "li");
	assert_string_equal(wish_read.reason, "at work");
	assert_int_equal(ledger_relays_each(house->ledger, keep_relay, &relay_read), 0);
	assert_true(relay_read.armed);
	assert_int_equal(relay_read.commanded, 1);
	assert_int_equal(relay_read.layer, 5);
	assert_true(relay_read.proven);
	assert_int_equal(ledger_money_each(house->ledger, keep_money, &money_read), 0);
	assert_true(money_read.low && money_read.noticed && money_read.hold_begun &&
		    money_read.cut);
	assert_false(money_read.hold_spent);
	assert_int_equal(money_read.notice_run_us, 1);
	assert_int_equal(money_read.notice_wait_us, 2);
	assert_int_equal(money_read.notice_nano, -3);
	assert_int_equal(money_read.hold, 4);
	assert_int_equal(money_read.hold_run_us, 5);
	assert_int_equal(money_read.hold_from_nano, -6);
	assert_int_equal(money_read.cut_run_us, 7);

	wish_read.supply_id = 0;
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_wish_clear(house->ledger, wish.supply_id, wish.layer), 0);
	assert_int_equal(ledger_wish_clear(house->ledger, wish.supply_id, wish.layer), 0);
	wish.supply_id = 99;
	assert_int_equal(ledger_wish_set(house->ledger, &wish), -ENOENT);
	commit_and_open_again(house);
	assert_int_equal(ledger_wishes_each(house->ledger, keep_wish, &wish_read), 0);
	assert_int_equal(wish_read.supply_id, 0);
}

static int walk_tariff(const struct ledger_tariff *tariff, void *userdata)
{
	struct walked *walked = userdata;

	walked->rows++;
	assert_true(tariff->activation_s >= walked->last);
	walked->last = tariff->activation_s;
	(void)snprintf(walked->text, sizeof(walked->text), "%s %s %s", tariff->name, tariff->text,
		       tariff->applied_by);
	return 0;
}

static void tariffs_come_in_the_order_of_their_activation(void **state)
{
	struct house *house = *state;
	struct ledger_tariff late = {
		.name = "late", .activation_s = 200, .text = "price = 2", .applied_by = "li"};
	struct ledger_tariff early = {
		.name = "early", .activation_s = 100, .text = "price = 1", .applied_by = "li"};
	struct walked walked = {0};

	assert_int_equal(ledger_tariff_add(house->ledger, &late), 0);
	assert_int_equal(ledger_tariff_add(house->ledger, &early), 0);
	assert_int_equal(ledger_tariff_add(house->ledger, &early), -EEXIST);
	commit_and_open_again(house);
	assert_int_equal(ledger_tariffs_each(house->ledger, walk_tariff, &walked), 0);
	assert_int_equal(walked.rows, 2);
	assert_string_equal(walked.text, "late price = 2 li");
}

static int walk_key(int64_t version, const struct ledger_key *key, void *userdata)
{
	struct walked *walked = userdata;

	walked->rows++;
	walked->last = version;
	assert_int_equal(key->public_key[31], 0x77);
	assert_int_equal(key->day_max_nano, 3);
	(void)snprintf(walked->text, sizeof(walked->text), "%s %s", key->kid, key->use);
	return 0;
}

static void a_key_set_is_never_replaced_by_an_older_one(void **state)
{
	struct house *house = *state;
	struct ledger_key keys[2] = {
		{.kid = "k1",
		 .use = "credit",
		 .order_max_nano = 1,
		 .room_day_max_nano = 2,
		 .day_max_nano = 3},
		{.kid = "k2",
		 .use = "command",
		 .order_max_nano = 1,
		 .room_day_max_nano = 2,
		 .day_max_nano = 3},
	};
	struct walked walked = {0};
	int64_t version = -1;

	keys[0].public_key[31] = keys[1].public_key[31] = 0x77;
	assert_int_equal(ledger_keyset_version(house->ledger, &version), 0);
	assert_int_equal(version, 0);
	assert_int_equal(ledger_keyset_replace(house->ledger, 5, keys, 2, HOUSE_NOW_S), 0);
	assert_int_equal(ledger_keyset_replace(house->ledger, 5, keys, 1, HOUSE_NOW_S), -EEXIST);
	assert_int_equal(ledger_keyset_replace(house->ledger, 4, keys, 1, HOUSE_NOW_S), -ESTALE);
	keys[0] = keys[1];
	assert_int_equal(ledger_keyset_replace(house->ledger, 6, keys, 2, HOUSE_NOW_S), -EINVAL);
	assert_int_equal(ledger_keyset_version(house->ledger, &version), 0);
	assert_int_equal(version, 5);
	assert_int_equal(ledger_keyset_replace(house->ledger, 7, keys, 1, HOUSE_NOW_S), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_keys_each(house->ledger, walk_key, &walked), 0);
	assert_int_equal(walked.rows, 1);
	assert_int_equal(walked.last, 7);
	assert_string_equal(walked.text, "k2 command");
}

static int keep_quarantine(const struct ledger_quarantine *quarantine, void *userdata)
{
	*(struct ledger_quarantine *)userdata = *quarantine;
	return 0;
}

static void a_quarantine_is_open_once_and_decided_once(void **state)
{
	struct house *house = *state;
	struct ledger_quarantine quarantine = {.supply_id = room.supply.id,
					       .life_id = room.life.id,
					       .reason = "register fell",
					       .baseline_wh = 1000,
					       .opened_s = HOUSE_NOW_S,
					       .opened_trusted = true};
	struct ledger_quarantine read = {0}, second = quarantine;
	int64_t open = -1;

	assert_int_equal(ledger_quarantine_open(house->ledger, &quarantine), 0);
	assert_int_equal(ledger_quarantine_open(house->ledger, &second), -EEXIST);
	assert_int_equal(ledger_quarantines_open_count(house->ledger, &open), 0);
	assert_int_equal(open, 1);
	assert_int_equal(ledger_quarantine_close(house->ledger, quarantine.id,
						 LEDGER_QUARANTINE_RETURNED, "the meter",
						 HOUSE_NOW_S + 60),
			 0);
	assert_int_equal(ledger_quarantine_close(house->ledger, quarantine.id,
						 LEDGER_QUARANTINE_ACCEPTED, "li",
						 HOUSE_NOW_S + 61),
			 -EALREADY);
	assert_int_equal(ledger_quarantine_close(house->ledger, 99, LEDGER_QUARANTINE_ACCEPTED,
						 "li", HOUSE_NOW_S),
			 -ENOENT);
	assert_int_equal(ledger_quarantine_open(house->ledger, &second), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_quarantines_tail(house->ledger, false, second.id, 10,
						 keep_quarantine, &read),
			 0);
	assert_int_equal(read.id, quarantine.id);
	assert_int_equal(read.state, LEDGER_QUARANTINE_RETURNED);
	assert_int_equal(read.closed_s, HOUSE_NOW_S + 60);
	assert_int_equal(read.baseline_wh, 1000);
	assert_string_equal(read.reason, "register fell");
	assert_string_equal(read.decided_by, "the meter");
	assert_int_equal(
		ledger_quarantines_tail(house->ledger, true, 0, 10, keep_quarantine, &read), 0);
	assert_int_equal(read.id, second.id);
}

static int keep_order(const struct ledger_order *order, void *userdata)
{
	struct walked *walked = userdata;

	walked->rows++;
	(void)snprintf(walked->text, sizeof(walked->text), "%s %s %.*s %s", order->mrid,
		       order->result, (int)order->payload_size, (const char *)order->payload,
		       order->receipt ? order->receipt : "none");
	return 0;
}

static int walk_refused(const struct ledger_refused *refused, void *userdata)
{
	struct walked *walked = userdata;

	walked->rows++;
	(void)snprintf(walked->text, sizeof(walked->text), "%s %s", refused->mrid, refused->reason);
	return 0;
}

static void a_quarantined_order_is_decided_once_and_refused_attempts_are_kept_apart(void **state)
{
	struct house *house = *state;
	struct ledger_order order = {.mrid = "O-1",
				     .type = "CreditRegister",
				     .kid = "k",
				     .payload = "abc",
				     .payload_size = 3,
				     .result = "quarantined",
				     .detail = "unknown room"};
	struct ledger_refused refused = {.mrid = "O-1",
					 .type = "CreditRegister",
					 .kid = "k",
					 .payload = "abd",
					 .payload_size = 3,
					 .signature = "s",
					 .signature_size = 1,
					 .reason = "other bytes"};
	struct walked walked = {0};

	assert_int_equal(ledger_order_put(house->ledger, &order), 0);
	assert_int_equal(ledger_order_refuse(house->ledger, &refused), 0);
	assert_int_equal(ledger_order_refuse(house->ledger, &refused), -EEXIST);
	refused.signature = "t";
	assert_int_equal(ledger_order_refuse(house->ledger, &refused), 0);
	assert_int_equal(ledger_order_resolve(house->ledger, "O-1", "quarantined", "", NULL, 0, 0),
			 -EINVAL);
	assert_int_equal(ledger_order_resolve(house->ledger, "O-2", "rejected", "", NULL, 0, 0),
			 -ENOENT);
	assert_int_equal(
		ledger_order_resolve(house->ledger, "O-1", "rejected", "by li", "{}", 0, 0), 0);
	assert_int_equal(ledger_order_resolve(house->ledger, "O-1", "applied", "", NULL, 0, 0),
			 -EPERM);
	commit_and_open_again(house);
	assert_int_equal(ledger_order_find(house->ledger, "O-2", keep_order, &walked), -ENOENT);
	assert_int_equal(ledger_order_find(house->ledger, "O-1", keep_order, &walked), 0);
	assert_string_equal(walked.text, "O-1 rejected abc {}");
	walked = (struct walked){0};
	assert_int_equal(ledger_refused_tail(house->ledger, 0, 10, walk_refused, &walked), 0);
	assert_int_equal(walked.rows, 2);
	assert_string_equal(walked.text, "O-1 other bytes");
}

static void m7_band_registers_survive_a_restart_in_the_place_of_those_before(void **state)
{
	struct house *house = *state;
	const struct ledger_bands first = {.settled_wh = 1000, .wh = {600, 400}},
				  second = {.settled_wh = 1000,
					    .wh = {1, 2, 3, INT64_MAX},
					    .doubted_s = HOUSE_NOW_S};
	struct ledger_bands got;

	assert_int_equal(ledger_bands_get(house->ledger, room.life.id, &got), -ENOENT);
	assert_int_equal(ledger_bands_set(house->ledger, room.life.id, &first), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_bands_get(house->ledger, room.life.id, &got), 0);
	assert_memory_equal(&got, &first, sizeof(got));
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_int_equal(ledger_bands_set(house->ledger, room.life.id, &second), 0);
	commit_and_open_again(house);
	assert_int_equal(ledger_bands_get(house->ledger, room.life.id, &got), 0);
	assert_memory_equal(&got, &second, sizeof(got));
	assert_int_equal(ledger_begin(house->ledger), 0);
	assert_true(ledger_bands_set(house->ledger, 99, &second) < 0);
	ledger_rollback(house->ledger);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(events_have_no_gap_and_the_cursor_never_goes_back),
		CASE(who_did_what_and_why_is_kept),
		CASE(m1_the_credits_of_an_account_survive_a_restart),
		CASE(s3_a_wish_a_relay_and_a_notice_survive_a_restart),
		CASE(tariffs_come_in_the_order_of_their_activation),
		CASE(a_key_set_is_never_replaced_by_an_older_one),
		CASE(a_quarantine_is_open_once_and_decided_once),
		CASE(m7_band_registers_survive_a_restart_in_the_place_of_those_before),
		CASE(a_quarantined_order_is_decided_once_and_refused_attempts_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
