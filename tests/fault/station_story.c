#include "tests/fault/station_story.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/station_order.h"
#include "concentrator/station_snapshot.h"
#include "tests/fault/raw_ledger.h"

struct step {
	int minute;
	const char *verb;                     /* NULL: nothing is asked */
	const char *args;                     /* JSON with ' for "; the reason is the step's own */
	void (*outside)(struct story *story); /* what happens where nothing is asked */
	const char *trace; /* SQL that counts what it leaves: once it has happened, 1 for ever */
	bool look;         /* in doubt its trace is looked for; else a conflict says so */
	int meter;         /* whose relay it decides about, from 1; 0: none */
	enum stand stand;  /* afterwards */
	json_t *(*more)(
		struct story *story); /* arguments that are not known before; NULL: not yet */
	bool over; /* a conflict says that there is nothing to ask for any more */
};

static struct played_meter *meter(struct story *story, int number)
{
	return &story->site->building.meter[number - 1];
}

static void open_by_hand(struct story *story)
{
	meter(story, 6)->closed = false;
	story->by_hand[5] = true;
}

static void leap(struct story *story)
{
	meter(story, STORY_LEAPING)->energy_uwh += INT64_C(500000) * 1000000;
}

static void fall(struct story *story)
{
	meter(story, STORY_LEAPING)->energy_uwh -= INT64_C(5000) * 1000000;
}

static void take_away(struct story *story)
{
	story->old_final_wh = played_register_wh(meter(story, STORY_EXCHANGED));
	meter(story, STORY_EXCHANGED)->energy_uwh = 0;
}

static void restart(struct story *story)
{
	site_close(story->site);
	(void)site_try_open(story->site, &story->why);
}

static json_t *final_reading(struct story *story)
{
	return json_pack("{s:I}", "final_wh", (json_int_t)story->old_final_wh);
}

/* The oldest alarm that stands. Alarms are in memory: after a start they have other numbers. */
static json_t *an_alarm(struct story *story)
{
	const struct alarm *alarm = alarms_next(&story->site->building.station->alarms, 0, false);

	return alarm == NULL ? NULL : json_pack("{s:I}", "id", (json_int_t)alarm->id);
}

static void take_snapshot(struct story *story)
{
	/* The station takes one in 1,024 entries; here one is to be there, and to be believed. */
	(void)station_snapshot_take(story->site->building.station);
}

#define MONEY(minor) "{'value':" #minor ",'multiplier':-2,'monetaryUnit':156}"
/* What all tariffs have beside the prices of energy and water. */
#define TERMS                                                                                      \
	"[standing]\\nper-day = 0.12\\n[tax]\\nrate = 13.3333\\nis = added\\n[allowance]\\nmoney " \
	"= "                                                                                       \
	"0.2\\n"                                                                                   \
	"every = day\\nper = person\\n[minimum]\\namount = 0.3\\nevery = day\\n"
#define WATER(price)   "[water]\\nprice = " price "\\n"
#define COUNT(where)   "SELECT count(*) FROM " where
#define BEGUN(name)    COUNT("tenancy WHERE name = '" name "'")
#define ENDED(name)    COUNT("tenancy WHERE name = '" name "' AND to_s IS NOT NULL")
#define WHY(text)      COUNT("entry WHERE why = '" text "'")
#define DEBT(name)     COUNT("debt WHERE name = '" name "'")
#define OWNED_BY(text) COUNT("hold WHERE reason = '" text "'")

/* In the order of their minutes. */
static const struct step steps[] = {
	{.minute = 2,
	 .verb = "tenancy.begin",
	 .args = "{'room':'107','tenancy':'T-0','reason':'for a moment'}",
	 .trace = BEGUN("T-0")},
	{.minute = 3,
	 .verb = "tenancy.begin",
	 .args = "{'room':'103','tenancy':'T-1','reason':'moves in'}",
	 .trace = BEGUN("T-1")},
	{.minute = 5,
	 .verb = "tenancy.end",
	 .args = "{'room':'107','reason':'did not stay'}",
	 .trace = ENDED("T-0")},
	{.minute = 6,
	 .verb = "credit.add",
	 .args = "{'room':'104','receipt':'c-1','reason':'at the desk','amount':" MONEY(1000) "}",
	 .trace = COUNT("cash c JOIN entry e ON e.seq = c.entry_seq WHERE c.receipt = 'c-1' AND "
			"e.amount_nano = 10000000000 AND e.order_id = 'cash:c-1'")},
	{.minute = 9,
	 .verb = "tariff.apply",
	 .args = "{'text':'[tariff]\\nname = evening\\nactivation = 2026-05-31 22:50\\n[energy]\\n"
		 "price = 0.600007\\n" TERMS WATER("3.600005") "','reason':'evening'}",
	 .trace = COUNT("tariff WHERE name = 'evening'"),
	 .look = true},
	{.minute = 12,
	 .verb = "relay.set",
	 .args = "{'room':'105','position':'off','reason':'test'}",
	 .meter = 6,
	 .stand = STAND_OFF},
	{.minute = 14,
	 .verb = "relay.set",
	 .args = "{'room':'101','circuit':'water','position':'off','reason':'a tap is mended'}",
	 .meter = 11,
	 .stand = STAND_OFF},
	{.minute = 17,
	 .verb = "relay.set",
	 .args = "{'room':'101','circuit':'water','position':'auto','reason':'it is mended'}",
	 .meter = 11,
	 .stand = STAND_FREE},
	{.minute = 18,
	 .verb = "relay.set",
	 .args = "{'room':'105','position':'auto','reason':'test over'}",
	 .meter = 6,
	 .stand = STAND_FREE},
	{.minute = 20,
	 .verb = "room.persons",
	 .args = "{'room':'102','persons':2,'reason':'a couple'}",
	 .trace = COUNT("persons WHERE persons = 2"),
	 .look = true},
	{.minute = 22,
	 .verb = "debt.add",
	 .args = "{'room':'102','name':'deposit','way':'share','share_ppm':250000,'week_max'"
		 ":" MONEY(9000) ",'amount':" MONEY(30000) ",'reason':'agreed'}",
	 .trace = DEBT("deposit"),
	 .look = true},
	{.minute = 24,
	 .verb = "hold.set",
	 .args = "{'room':'101','until_s':1780329600,'reason':'disputed'}",
	 .trace = OWNED_BY("disputed"),
	 .look = true},
	{.minute = 28,
	 .verb = "relay.lockout",
	 .args = "{'room':'105','reason':'at work'}",
	 .meter = 6,
	 .stand = STAND_OFF},
	{.minute = 30,
	 .verb = "debt.add",
	 .args = "{'room':'104','name':'heater','way':'daily','rate':" MONEY(
		 150) ",'amount':" MONEY(1000) ",'reason':'agreed'}",
	 .trace = DEBT("heater"),
	 .look = true},
	{.minute = 31,
	 .verb = "debt.add",
	 .args = "{'room':'106','name':'loan','way':'weekly','rate':" MONEY(200) ",'amount':" MONEY(
		 1000) ",'reason':'agreed'}",
	 .trace = DEBT("loan"),
	 .look = true},
	{.minute = 32,
	 .verb = "debt.add",
	 .args = "{'room':'106','name':'stove','way':'monthly','rate':" MONEY(
		 300) ",'amount':" MONEY(300) ",'reason':'agreed'}",
	 .trace = DEBT("stove"),
	 .look = true},
	{.minute = 33,
	 .verb = "debt.add",
	 .args = "{'room':'106','name':'course','way':'instalments','instalments':3,'amount'"
		 ":" MONEY(1000) ",'reason':'agreed'}",
	 .trace = DEBT("course"),
	 .look = true},
	{.minute = 34,
	 .verb = "debt.add",
	 .args = "{'room':'105','name':'key','way':'at-once','amount':" MONEY(
		 700) ",'reason':'lost'}",
	 .trace = DEBT("key"),
	 .look = true},
	{.minute = 35,
	 .verb = "debt.add",
	 .args = "{'room':'105','name':'mistake','way':'at-once','amount':" MONEY(
		 400) ",'reason':'of another room'}",
	 .trace = DEBT("mistake"),
	 .look = true},
	{.minute = 36,
	 .verb = "relay.release",
	 .args = "{'room':'105','reason':'work is done'}",
	 .meter = 6,
	 .stand = STAND_FREE},
	{.minute = 37,
	 .verb = "debt.add",
	 .args = "{'room':'110','name':'fine','way':'daily','rate':" MONEY(50) ",'amount':" MONEY(
		 200) ",'reason':'agreed'}",
	 .trace = DEBT("fine"),
	 .look = true},
	{.minute = 38,
	 .verb = "debt.forgive",
	 .args = "{'id':7,'reason':'not theirs'}",
	 .trace = COUNT("debt WHERE name = 'mistake' AND ended_by = 'li'"),
	 .look = true},
	{.minute = 41,
	 .verb = "credit.add",
	 .args = "{'room':'103','receipt':'s-1','type':'subsidy','reason':'a "
		 "grant','amount':" MONEY(200) "}",
	 .trace = COUNT("entry WHERE order_id = 'subsidy:s-1' AND kind = 2 AND flags = 4 AND "
			"amount_nano = 2000000000")},
	{.minute = 43, .outside = open_by_hand},
	{.minute = 45,
	 .verb = "hold.release",
	 .args = "{'room':'101','reason':'settled'}",
	 .trace = COUNT("hold WHERE ended_by = 'li'"),
	 .look = true},
	{.minute = 52,
	 .verb = "relay.connect",
	 .args = "{'room':'105','reason':'looked at it'}",
	 .meter = 6,
	 .stand = STAND_FREE},
	{.minute = 60, .outside = leap},
	{.minute = 68,
	 .verb = "quarantine.accept",
	 .args = "{'id':1,'as':'charge','reason':'it is true'}",
	 .trace = COUNT("quarantine WHERE id = 1 AND state = 2")},
	{.minute = 78, .outside = fall},
	{.minute = 79,
	 .verb = "alarm.acknowledge",
	 .args = "{'reason':'seen'}",
	 .more = an_alarm,
	 .trace = "SELECT count(*) > 0 FROM audit WHERE verb = 'alarm.acknowledge'"},
	{.minute = 82,
	 .verb = "credit.accept",
	 .args = "{'mRID':'r-6','room':'104','reason':'it was for them'}",
	 .trace = COUNT("orders o JOIN entry e ON e.seq = o.entry_seq WHERE o.mrid = 'r-6' AND "
			"o.result = 'applied' AND e.order_id = 'r-6'")},
	{.minute = 84,
	 .verb = "credit.reject",
	 .args = "{'mRID':'r-7','reason':'unknown'}",
	 .trace = COUNT("orders WHERE mrid = 'r-7' AND result = 'rejected'")},
	{.minute = 86,
	 .verb = "quarantine.reject",
	 .args = "{'id':2,'reason':'it is not'}",
	 .trace = COUNT("quarantine WHERE id = 2 AND state = 3")},
	/* The first one is the night's before, as the building has had none; it may be told twice, where its commit
	 * failed and is there. */
	{.minute = 88,
	 .verb = "ledger.checkpoint",
	 .args = "{'reason':'before the exchange'}",
	 .trace = COUNT("event WHERE type = 'checkpoint' AND body ->> 'section' = 'head' AND body "
			"->> 'checkpoint' > 1 AND at_s BETWEEN 1780241280 AND 1780243199"),
	 .look = true},
	{.minute = 92, .outside = take_away},
	{.minute = 95,
	 .verb = "meter.exchange",
	 .args = "{'room':'104','initial_wh':0,'serial':'N-2','reason':'display dead'}",
	 .more = final_reading,
	 .trace = COUNT("life WHERE serial = 'N-2'"),
	 .look = true},
	{.minute = 98, .outside = take_snapshot},
	{.minute = 100,
	 .verb = "adjust",
	 .args = "{'room':'102','reason':'counted twice','amount':" MONEY(-123) "}",
	 .trace = WHY("counted twice"),
	 .look = true},
	{.minute = 104,
	 .verb = "credit.emergency",
	 .args = "{'room':'110','reason':'asks for it'}",
	 .trace = COUNT("event WHERE type = 'notice' AND body LIKE "
			"'%\"110\",\"level\":\"emergency\",\"state\":\"active\"%'"),
	 .look = true},
	{.minute = 105,
	 .verb = "tariff.apply",
	 .args = "{'text':'[tariff]\\nname = winter\\nactivation = receipt\\n[energy]\\n"
		 "price = 0.55\\n" TERMS WATER("3.5") "','reason':'winter'}",
	 .trace = COUNT("tariff WHERE name = 'winter'"),
	 .look = true},
	{.minute = 109,
	 .verb = "cuts.confirm",
	 .args = "{'reason':'the price is right'}",
	 .trace = "SELECT count(*) > 0 FROM audit WHERE verb = 'cuts.confirm'",
	 .over = true},
	{.minute = 112,
	 .verb = "room.import",
	 .args = "{'rows':[{'room':'108','circuit':'sockets','line':'A','address':'12','model':"
		 "'hiking-dds238-sr','relay':'meter','breaker_a':'16','opening_minor':'500',"
		 "'cut_order':'1','may_cut':'yes'}]}",
	 .trace = COUNT("room r JOIN account a ON a.room_id = r.id JOIN entry e ON e.account_id = "
			"a.id WHERE r.name = '108' AND e.kind = 1 AND e.amount_nano = 5000000000"),
	 .look = true},
	{.minute = 116, .outside = restart},
	{.minute = 119,
	 .verb = "relay.set",
	 .args = "{'room':'102','circuit':'cooling','position':'off','reason':'filter'}",
	 .meter = 3,
	 .stand = STAND_OFF},
	{.minute = 123,
	 .verb = "relay.set",
	 .args = "{'room':'102','circuit':'cooling','position':'auto','reason':'clean'}",
	 .meter = 3,
	 .stand = STAND_FREE},
	{.minute = 125,
	 .verb = "tenancy.end",
	 .args = "{'room':'103','reason':'moves out'}",
	 .trace = ENDED("T-1")},
	{.minute = 135,
	 .verb = "tenancy.begin",
	 .args = "{'room':'103','tenancy':'T-2','reason':'moves in again'}",
	 .trace = COUNT("tenancy t JOIN account a ON a.id = t.account_id JOIN room r ON r.id = "
			"a.room_id WHERE t.name = 'T-2' AND r.name = '103'")},
	{.minute = 150,
	 .verb = "tenancy.transfer",
	 .args = "{'room':'103','to':'107','reason':'another room'}",
	 .trace = COUNT("tenancy t JOIN account a ON a.id = t.account_id JOIN room r ON r.id = "
			"a.room_id WHERE t.name = 'T-2' AND r.name = '107'")},
	{.minute = 165,
	 .verb = "write_off",
	 .args = "{'room':'109','reason':'given up'}",
	 .trace = WHY("given up"),
	 .look = true},
	{.minute = 175,
	 .verb = "room.remove",
	 .args = "{'room':'108','reason':'closed','write_off':true}",
	 .trace = COUNT("room WHERE name = '108' AND closed_s IS NOT NULL"),
	 .look = true},
	{.minute = 180,
	 .verb = "adjust",
	 .args = "{'room':'106','reason':'half of it','amount':" MONEY(10000) "}",
	 .trace = WHY("half of it"),
	 .look = true},
	{.minute = 190, .verb = "ledger.settle", .args = "{'reason':'for the month'}"},
	{.minute = 192,
	 .verb = "credit.overdraft",
	 .args = "{'room':'101','limit':" MONEY(300) ",'reason':'agreed'}",
	 .trace = COUNT("credit WHERE overdraft_nano = 3000000000")},
	{.minute = 205,
	 .verb = "tenancy.end",
	 .args = "{'room':'107','reason':'leaves'}",
	 .trace = COUNT("tenancy t JOIN account a ON a.id = t.account_id JOIN room r ON r.id = "
			"a.room_id WHERE t.name = 'T-2' AND r.name = '107' AND t.to_s NOT NULL")},
	{.minute = 210,
	 .verb = "room.remove",
	 .args = "{'room':'107','reason':'rebuilt','write_off':true}",
	 .trace = COUNT("room WHERE name = '107' AND closed_s IS NOT NULL"),
	 .look = true},
};

#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

static const struct story_order orders[] = {
	{11, "r-1", "102", "", 500, NULL, "applied", STORY_PAID},
	{14, "r-2", "102", "", 700, NULL, "applied", STORY_PAID},
	{14, "r-1", "102", "", 500, NULL, "duplicate", STORY_PAID},
	{40, "r-3", "103", "T-1", 1000, NULL, "applied", STORY_PAID},
	{65, "r-4", "101", "", 56, NULL, "applied", STORY_PAID},
	{70, "r-5", "102", "", -200, "r-1", "applied", STORY_PAID},
	{72, "r-6", "999", "", 300, NULL, "quarantined", STORY_ACCEPTED},
	{75, "r-7", "101", "T-9", 300, NULL, "quarantined", STORY_PAID},
	{90, "r-20", "102", "", 500, NULL, "applied", STORY_SUBSIDY},
	{130, "r-8", "103", "T-1", 100, NULL, "quarantined", STORY_PAID},
	{142, "r-9", "103", "T-2", 800, NULL, "applied", STORY_PAID},
	{145, "r-10", "101", "", 400, NULL, "applied", STORY_PAID},
	{160, "r-11", "107", "T-2", 100, NULL, "applied", STORY_PAID},
	{168, "r-12", "110", "", 500, NULL, "applied", STORY_PAID},
	{168, "r-3", "103", "T-1", 1000, NULL, "duplicate", STORY_PAID},
	{185, "r-13", "102", "", 1100, NULL, "applied", STORY_PAID},
	{188, "r-14", "104", "", 1200, NULL, "applied", STORY_PAID},
	{195, "r-15", "105", "", 1300, NULL, "applied", STORY_PAID},
	{200, "r-16", "101", "", 1400, NULL, "applied", STORY_PAID},
	{215, "r-17", "101", "", -100, "r-16", "applied", STORY_PAID},
	{220, "r-18", "110", "", 1500, NULL, "applied", STORY_PAID},
	{225, "r-19", "106", "", 1600, NULL, "applied", STORY_PAID},
};

#define ORDER_COUNT (sizeof(orders) / sizeof(orders[0]))

/* Meters 1 to 12 are at the addresses of that number; behind these are the water of 101, and the sockets of 108. */
static const struct {
	int room;
	const char *circuit;
	int load_w;
	int opening_minor;
	bool may_cut;
	int cut_order;
} rooms[] = {
	{101, "sockets", 1000, 30, true, 1},   {102, "sockets", 500, 2000, true, 1},
	{102, "cooling", 300, 0, true, 2},     {103, "sockets", 700, 0, true, 1},
	{104, "sockets", 800, 2000, true, 1},  {105, "sockets", 400, 2000, true, 1},
	{106, "sockets", 600, 40000, true, 1}, {107, "sockets", 100, 0, true, 1},
	{109, "sockets", 300, 0, false, 1},    {110, "sockets", 700, 60, true, 1},
};

#define ROOM_COUNT (sizeof(rooms) / sizeof(rooms[0]))

const struct story_order *story_orders(size_t *ret_count)
{
	*ret_count = ORDER_COUNT;
	return orders;
}

static bool is_offered(const struct story *story, size_t order)
{
	/* The cloud keeps what people ask for and what is paid in the order of time. */
	return orders[order].minute <= story->minute &&
	       (story->next == STEP_COUNT || orders[order].minute <= steps[story->next].minute);
}

static int64_t wall_us(const struct story *story)
{
	return story->site->building.base_s * 1000000 + story->site->building.now_us;
}

static json_t *sign(struct story *story, const struct story_order *order)
{
	if (order->kind == STORY_SUBSIDY)
		return site_credit_typed(story->site, order->mrid, order->room, order->minor,
					 "subsidy");
	return order->reverses != NULL ? site_reversal(story->site, order->mrid, order->room,
						       order->minor, order->reverses)
				       : site_credit_of(story->site, order->mrid, order->room,
							order->tenancy, order->minor);
}

/* The first tariff's terms, as a text of its own. */
static const char *base_terms(void)
{
	static char text[256];
	char *to = text;

	for (const char *from = TERMS WATER("3.45"); *from != '\0'; from++) {
		bool newline = from[0] == '\\' && from[1] == 'n';

		*to++ = newline ? '\n' : *from;
		from += newline;
	}
	*to = '\0';
	return text;
}

void story_open(struct story *story)
{
	void *state = NULL;

	*story = (struct story){.world = world_open(STORY_SEED)};
	assert_int_equal(site_setup_on(&state, "crash"), 0);
	story->site = state;
	struct site *site = story->site;
	struct config_policy *policy = &site->config.policy;
	site_close(site);
	/* Shorter than in life: more of everything in four hours. */
	policy->notice_s = 120;
	policy->change_hold_s = 300;
	policy->settle_s = 1800;
	policy->cash = true;
	policy->cash_day_max_minor = 100000;
	policy->emergency = CONFIG_EMERGENCY_REQUEST;
	policy->emergency_minor = STORY_EMERGENCY_MINOR;
	policy->emergency_at_minor = 50;
	/* What falls due in emergency credit waits for the next recharge. */
	policy->standing_in_emergency = false;
	policy->debt_in_emergency = false;
	(void)snprintf(site->config.store.ledger, sizeof(site->config.store.ledger), "/ledger.db");
	site->config.store.profile_days = 30;
	site->building.base_s = STORY_START_S - 1;
	site->building.now_us = site->building.moved_us = 1000000;
	site_open(site);
	raw_read(&site->ledger);
	site_tariff(site, base_terms());
	for (size_t i = 0; i < ROOM_COUNT; i++) {
		site_add_meter(site, rooms[i].load_w);
		site_add_room(site, rooms[i].room, rooms[i].opening_minor, rooms[i].circuit,
			      rooms[i].may_cut, rooms[i].cut_order);
	}
	site_add_water_meter(site, 30);
	site_add_water(site, 101, "yes", 2);
	site_add_meter(site, 200);
	_Static_assert(ORDER_COUNT <= STORY_ORDERS_MAX, "room for all orders");
	for (size_t i = 0; i < ORDER_COUNT; i++)
		story->order[i] = sign(story, &orders[i]);
}

void story_close(struct story *story)
{
	void *state = story->site;

	story_watch(story, NULL, NULL);
	raw_read(NULL);
	for (size_t i = 0; i < ORDER_COUNT; i++)
		json_decref(story->order[i]);
	site_teardown(&state);
	story->world = world_close(story->world);
}

/* NULL: they are not known yet. */
static json_t *parse_args(const struct step *step, struct story *story)
{
	char text[1024];
	size_t size = strlen(step->args) + 1;
	json_error_t error;
	json_t *args;

	assert_true(size <= sizeof(text));
	for (size_t i = 0; i < size; i++)
		text[i] = (char)(step->args[i] == '\'' ? '"' : step->args[i]);
	args = json_loads(text, 0, &error);
	if (args == NULL)
		fail_msg("%s: %s", step->args, error.text);
	if (step->more != NULL) {
		json_t *more = step->more(story);

		if (more == NULL) {
			json_decref(args);
			return NULL;
		}
		json_object_update(args, more);
		json_decref(more);
	}
	return args;
}

#define REFUSALS_MAX 10

/* false: not now, it is to be asked again. */
static bool ask(struct story *story, const struct step *step)
{
	bool doubt = story->doubt;
	struct site_answer answer;

	/* Whoever would look first is told that the store fails. */
	if (doubt && story->site->building.station->store_failing)
		return false;
	int64_t traces = 0;

	if (doubt && step->look && !raw_try(step->trace, &traces))
		return false;
	if (traces > 0)
		return true;
	json_t *args = parse_args(step, story);
	if (args == NULL)
		return false;
	story->doubt = true;
	if (step->meter != 0)
		story->stand[step->meter - 1] = STAND_MAYBE;
	answer = site_ask(story->site, step->verb, args);
	/* Just after a start a register may not be known yet. */
	if (answer.problem == PROBLEM_DEGRADED ||
	    (answer.problem == PROBLEM_REFUSED && story->refusals++ < REFUSALS_MAX))
		return false;
	if (answer.problem != PROBLEM_NONE && story->damaged)
		return false;
	if (answer.problem != PROBLEM_NONE &&
	    !((doubt || step->over) && answer.problem == PROBLEM_CONFLICT))
		fail_msg("%s: %s", step->args, answer.detail);
	if (answer.problem == PROBLEM_NONE && strcmp(step->verb, "cuts.confirm") == 0)
		story->let_go = true;
	site_forget(&answer);
	return true;
}

/* The next step that is due; false: there is none, or it could not be taken. */
static bool take_step(struct story *story)
{
	const struct step *step = &steps[story->next];

	if (story->next == STEP_COUNT || step->minute > story->minute)
		return false;
	if (step->outside != NULL)
		step->outside(story);
	if (step->verb != NULL && !ask(story, step))
		return false;
	if (step->meter != 0) {
		story->stand[step->meter - 1] = step->stand;
		if (strcmp(step->verb, "relay.connect") == 0)
			story->by_hand[step->meter - 1] = false;
	}
	story->answered += step->verb != NULL;
	story->doubt = false;
	story->refusals = 0;
	story->next++;
	return true;
}

/* The messenger hands over what the cloud has behind the station's cursor, all at once. */
static void send_orders(struct story *story)
{
	struct site_answer answer;
	json_t *items, *args;
	char cursor[16];
	size_t end = story->sent, row = 0;

	while (end < ORDER_COUNT && is_offered(story, end))
		end++;
	if (end == story->sent)
		return;
	items = json_array();
	for (size_t i = story->sent; i < end; i++)
		json_array_append(items, story->order[i]);
	(void)snprintf(cursor, sizeof(cursor), "%zu", end);
	args = json_pack("{s:s,s:o}", "cursor", cursor, "items", items);
	bool again = story->sending;
	story->sending = true;
	answer = site_ask(story->site, "order.deliver", args);
	if (answer.problem == PROBLEM_DEGRADED ||
	    (answer.problem != PROBLEM_NONE && story->damaged))
		return;
	if (answer.problem != PROBLEM_NONE)
		fail_msg("order.deliver: %s", answer.detail);
	for (size_t i = story->sent; i < end; i++, row++) {
		const char *result = json_string_value(json_object_get(
			json_array_get(json_object_get(answer.data, "results"), row), "result"));

		if (strcmp(result, orders[i].result) != 0 &&
		    !(again && strcmp(result, "duplicate") == 0))
			fail_msg("order %s: %s, expected %s", orders[i].mrid, result,
				 orders[i].result);
	}
	site_forget(&answer);
	story->sent = end;
	story->sending = false;
}

int64_t story_bring_again(struct story *story)
{
	json_t *items = json_array(), *results = NULL, *row;
	int64_t taken = 0;
	size_t index;

	for (size_t i = 0; i < story->sent; i++)
		json_array_append(items, story->order[i]);
	story->site->building.station->now = played_now(&story->site->building);
	assert_int_equal(station_deliver(story->site->building.station, items, NULL, &results), 0);
	json_array_foreach(results, index, row)
		taken += strcmp(json_string_value(json_object_get(row, "result")), "duplicate") !=
			 0;
	json_decref(items);
	json_decref(results);
	return taken;
}

/* What the meters show at a quarter of an hour. */
static void note_registers(struct story *story)
{
	int64_t slot = story->minute / 15;

	if (story->minute % 15 != 0 || slot >= STORY_SLOTS)
		return;
	story->shown[slot] = true;
	for (int i = 0; i < STORY_METERS; i++)
		story->shown_wh[slot][i] = played_register_wh(meter(story, i + 1));
}

/* What the reader's thread does; its answer waits for the loop. */
static void write_profile(struct story *story)
{
	struct played_building *building = &story->site->building;

	story->profiling = true;
	reader_run(&building->read, "/ledger.db", "crash", NULL, NULL);
	story->profiling = false;
	story->profiled = true;
}

static void finish_profile(struct story *story)
{
	struct played_building *building = &story->site->building;
	struct instant at = played_now(building);

	if (!building->reading || building->read.kind != READER_PROFILE_WRITE)
		return;
	if (!story->profiled)
		write_profile(story);
	const struct profile_batch *batch = building->read.batch;
	for (size_t i = 0; building->read.result == 0 && i < batch->count; i++)
		if (batch->rows[i].at_s > story->profile_s)
			story->profile_s = batch->rows[i].at_s;
	if (building->read.result == 0)
		story->profile_rows += (int64_t)batch->count;
	building->reading = story->profiled = false;
	station_read_ledger(building->station, &building->read, &at);
	reader_job_clear(&building->read);
}

/* The other thread is in the middle of it when the ledger syncs: a cut finds both files half written. */
static void watch(enum operation operation, void *userdata)
{
	struct story *story = userdata;
	const struct played_building *building = &story->site->building;

	if (story->watch != NULL)
		story->watch(operation, story->watch_userdata);
	if (operation == OPERATION_SYNC && building->reading && !story->profiling &&
	    !story->profiled && building->read.kind == READER_PROFILE_WRITE)
		write_profile(story);
}

void story_watch(struct story *story, world_watch_fn see, void *userdata)
{
	story->watch = see;
	story->watch_userdata = userdata;
	world_watch(story->world, see == NULL ? NULL : watch, story);
}

static void fetch_events(struct story *story)
{
	struct site_answer answer = site_ask(story->site, "outbox.fetch",
					     json_pack("{s:I,s:i,s:i}", "after",
						       (json_int_t)story->through, "limit", 256,
						       "wait_ms", 0));
	const json_t *rows = json_object_get(answer.data, "rows");
	size_t count = json_array_size(rows);
	int64_t through = json_integer_value(
		json_object_get(json_array_get(rows, count == 0 ? 0 : count - 1), "seq"));
	int64_t epoch = json_integer_value(json_object_get(answer.data, "epoch"));

	if (answer.problem == PROBLEM_NONE)
		site_forget(&answer);
	else if (answer.problem != PROBLEM_DEGRADED)
		fail_msg("outbox.fetch: %s", answer.detail);
	if (through == 0)
		return;
	answer = site_ask(
		story->site, "outbox.acknowledge",
		json_pack("{s:I,s:I}", "epoch", (json_int_t)epoch, "through", (json_int_t)through));
	if (answer.problem == PROBLEM_NONE) {
		site_forget(&answer);
		story->through = through;
	} else if (answer.problem != PROBLEM_DEGRADED) {
		fail_msg("outbox.acknowledge: %s", answer.detail);
	}
}

int64_t story_now(const struct story *story)
{
	return (wall_us(story) / 1000000 - STORY_START_S) / 60;
}

void story_run(struct story *story, int64_t until_minute)
{
	struct played_building *building = &story->site->building;

	while (story->minute < until_minute) {
		int64_t now = story_now(story);

		/* After an outage it is later than anybody thought. */
		story->minute = now > story->minute ? now : story->minute;
		story->minute++;
		int64_t until_us = (STORY_START_S + 60 * story->minute - building->base_s) *
				   INT64_C(1000000);
		if (!story_runs(story))
			(void)site_try_open(story->site, &story->why);
		if (!story_runs(story)) {
			building->now_us = until_us;
			continue;
		}
		played_run(building, until_us);
		note_registers(story);
		finish_profile(story);
		do
			send_orders(story);
		while (take_step(story) && story_runs(story));
		if (story->minute % 10 == 5 && story_runs(story))
			fetch_events(story);
	}
}

void story_power_off(struct story *story, int64_t off_s)
{
	struct site *site = story->site;
	struct played_building *building = &site->building;

	building->station = NULL;
	site->ledger = NULL;
	building->held = 0;
	building->done_us = 0;
	building->resting = 0;
	building->reading = false;
	story->profiling = story->profiled = false;
	for (size_t i = 0; i < building->meters; i++)
		if (building->meter[i].closed)
			building->meter[i].energy_uwh += building->meter[i].load_w *
							 (off_s * 1000000) / 3600;
	building->base_s = wall_us(story) / 1000000 + off_s - 1;
	building->now_us = building->moved_us = 1000000;
	site->boot = "fedcba9876543210fedcba9876543210";
}

void story_start(struct story *story)
{
	/* The minute under way is not over. */
	story->minute = story_now(story);
	(void)site_try_open(story->site, &story->why);
}

bool story_runs(const struct story *story)
{
	return story->site->building.station != NULL;
}

int64_t story_price(const char *tariff, enum medium medium)
{
	static const struct {
		const char *name;
		int64_t price[MEDIUM_COUNT];
	} prices[] = {{"test", {500000, 0}},
		      {"t", {500000, 3450000}},
		      {"evening", {600007, 3600005}},
		      {"winter", {550000, 3500000}}};

	for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++)
		if (strcmp(prices[i].name, tariff) == 0)
			return prices[i].price[medium];
	return 0;
}

size_t story_steps(void)
{
	return STEP_COUNT;
}

struct story_trace story_trace(const struct story *story, size_t step)
{
	return (struct story_trace){.sql = steps[step].trace,
				    .args = steps[step].args,
				    .answered = step < story->next,
				    .doubt = step == story->next && story->doubt};
}
