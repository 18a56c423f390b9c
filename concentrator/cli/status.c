/* status.c - the whole box on one screen, the line for the greeting, and the check for a monitor. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"

/* Exit codes of `status --check`: 0, PROBLEM_DEGRADED's for a warning, and this. */
#define EXIT_CRITICAL 10

#define FINDINGS_MAX 24
#define FINDING_SIZE 160

/* What is not as it should be, worst of all in worst. */
struct verdict {
	enum tone worst; /* TONE_GOOD, TONE_WARN or TONE_BAD */
	size_t count;
	char finding[FINDINGS_MAX][FINDING_SIZE];
};

__attribute__((format(printf, 3, 4))) static void find(struct verdict *verdict, enum tone tone,
						       const char *format, ...)
{
	va_list arguments;

	if (tone == TONE_BAD || verdict->worst == TONE_GOOD)
		verdict->worst = tone;
	if (verdict->count == FINDINGS_MAX)
		return;
	va_start(arguments, format);
	(void)vsnprintf(verdict->finding[verdict->count++], FINDING_SIZE, format, arguments);
	va_end(arguments);
}

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

static void judge_lines(struct verdict *verdict, const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		const char *state = field_text(line, "state");
		int64_t silent = field_count(line, "meters") - field_count(line, "alive") -
				 field_count(line, "unknown");

		if (strcmp(state, "ok") != 0)
			find(verdict, TONE_BAD, "line %s %s", field_text(line, "line"), state);
		else if (silent > 0)
			find(verdict, TONE_WARN, "line %s: %" PRId64 " meter%s silent",
			     field_text(line, "line"), silent, plural(silent));
	}
}

static void judge_sensors(struct verdict *verdict, const json_t *sensors)
{
	const json_t *sensor;
	size_t i;

	json_array_foreach(sensors, i, sensor)
	{
		if (field_true(sensor, "stale"))
			find(verdict, TONE_WARN, "sensor %s stale", field_text(sensor, "name"));
	}
}

static struct verdict judge(const json_t *data)
{
	const json_t *alarms = field_object(data, "alarms");
	const json_t *uplink = field_object(data, "uplink");
	const json_t *store = field_object(data, "store");
	int64_t critical = field_count(alarms, "critical");
	int64_t warning = field_count(alarms, "warning");
	int64_t stale = field_count(field_object(data, "rooms"), "stale");
	int64_t quarantined = field_count(data, "quarantine_open");
	struct verdict verdict = {.worst = TONE_GOOD};

	if (strcmp(field_text(store, "state"), "ok") != 0)
		find(&verdict, TONE_BAD, "store %s", field_text(store, "state"));
	if (critical > 0)
		find(&verdict, TONE_BAD, "%" PRId64 " critical alarm%s", critical,
		     plural(critical));
	if (field_true(data, "cuts_held"))
		find(&verdict, TONE_BAD, "cuts held until a person confirms");
	judge_lines(&verdict, field_rows(data, "lines"));
	if (!field_true(field_object(data, "clock"), "trusted"))
		find(&verdict, TONE_WARN, "clock not trusted");
	if (stale > 0)
		find(&verdict, TONE_WARN, "%" PRId64 " room%s stale", stale, plural(stale));
	judge_sensors(&verdict, field_rows(data, "sensors"));
	if (field_true(uplink, "configured") && strcmp(field_text(uplink, "state"), "online") != 0)
		find(&verdict, TONE_WARN, "cloud %s", field_text(uplink, "state"));
	if (quarantined > 0)
		find(&verdict, TONE_WARN, "%" PRId64 " reading%s in quarantine", quarantined,
		     plural(quarantined));
	if (warning > 0)
		find(&verdict, TONE_WARN, "%" PRId64 " alarm%s", warning, plural(warning));
	return verdict;
}

static void say_rooms(const json_t *data, char *buf, size_t size)
{
	static const struct {
		const char *field;
		const char *words;
	} parts[] = {
		{"connected", "on"}, {"disconnected", "off"},        {"armed", "armed"},
		{"low", "low"},      {"exhausted", "out of credit"}, {"stale", "stale"},
	};
	const json_t *rooms = field_object(data, "rooms");
	int64_t total = field_count(rooms, "total");
	size_t len = (size_t)snprintf(buf, size, "%" PRId64 " room%s", total, plural(total));

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && len < size; i++) {
		int64_t count = field_count(rooms, parts[i].field);

		if (count > 0)
			len += (size_t)snprintf(buf + len, size - len, ", %" PRId64 " %s", count,
						parts[i].words);
	}
}

static void say_findings(const struct verdict *verdict, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < verdict->count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i > 0 ? "; " : "",
					verdict->finding[i]);
}

static void show_brief(struct session *session, const json_t *data, const struct verdict *verdict)
{
	const struct screen *out = &session->out;
	char rooms[FINDING_SIZE];
	char findings[1024];

	say_rooms(data, rooms, sizeof(rooms));
	say_findings(verdict, findings, sizeof(findings));
	screen_say(out, verdict->worst, "%s ", screen_mark(out, verdict->worst));
	screen_say(out, TONE_BOLD, "%s", field_text(data, "site"));
	screen_say(out, TONE_PLAIN, ": %s; %s", rooms,
		   verdict->count == 0 ? "all is well" : findings);
	screen_end_line(out);
}

static int show_check(struct session *session, const json_t *data, const struct verdict *verdict)
{
	const struct screen *out = &session->out;
	char text[1024];

	if (verdict->count == 0)
		say_rooms(data, text, sizeof(text));
	else
		say_findings(verdict, text, sizeof(text));
	if (session->manners.json)
		(void)session_json(session, data);
	else if (!session->manners.quiet) {
		screen_say(out, TONE_PLAIN, "%s - %s",
			   verdict->worst == TONE_BAD    ? "CRITICAL"
			   : verdict->worst == TONE_WARN ? "WARNING"
							 : "OK",
			   text);
		screen_end_line(out);
	}
	if (verdict->worst == TONE_BAD)
		return EXIT_CRITICAL;
	return verdict->worst == TONE_WARN ? problem_exit(PROBLEM_DEGRADED) : 0;
}

static void show_lines(const struct screen *out, const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		const char *state = field_text(line, "state");
		int64_t meters = field_count(line, "meters");
		int64_t alive = field_count(line, "alive");
		char polls[FIGURE_SIZE];
		char share[FIGURE_SIZE];

		(void)figure_milli(field_count(line, "polls_per_s_milli"), polls);
		(void)figure_milli(field_count(line, "share_ppm") / 10, share);
		screen_fact(out, i == 0 ? "lines" : "",
			    strcmp(state, "ok") != 0 ? TONE_BAD
			    : alive < meters         ? TONE_WARN
						     : TONE_PLAIN,
			    "%s %s, %" PRId64 " of %" PRId64
			    " meters alive, %s polls/s, %s %% of the wire",
			    field_text(line, "line"), state, alive, meters, polls, share);
	}
}

static void show_sensors(const struct screen *out, const json_t *sensors)
{
	const json_t *sensor;
	size_t i;

	json_array_foreach(sensors, i, sensor)
	{
		const char *detail = field_text(sensor, "detail");
		const char *unit = field_text(sensor, "unit");
		bool stale = field_true(sensor, "stale");
		char value_text[FIGURE_SIZE] = FIGURE_UNKNOWN;
		char age_text[FIGURE_SIZE] = "never read";
		int64_t value;
		int64_t age;

		/* The value is in thousandths of the unit's letter: mV, mA, mC. */
		if (*unit == 'm')
			unit++;
		if (field_int(sensor, "value_milli", &value))
			(void)figure_milli(value, value_text);
		if (field_int(sensor, "age_s", &age)) {
			(void)figure_age(age, age_text);
			(void)strncat(age_text, " ago", sizeof(age_text) - strlen(age_text) - 1);
		}
		screen_fact(out, i == 0 ? "sensors" : "", stale ? TONE_WARN : TONE_PLAIN,
			    "%s %s %s, %s%s%s%s", field_text(sensor, "name"), value_text, unit,
			    stale ? "STALE, " : "", age_text, *detail != '\0' ? ": " : "", detail);
	}
}

static void show_money(const struct screen *out, const json_t *data)
{
	const json_t *totals = field_object(data, "totals");
	const json_t *money = field_object(data, "money");
	unsigned digits = field_digits(data, "money");
	const char *letters = amount_currency(field_count(money, "monetaryUnit"));
	char balance[FIGURE_SIZE];
	char cash[FIGURE_SIZE];
	char charged[FIGURE_SIZE];
	char quarantined[FIGURE_SIZE];

	if (strcmp(field_text(money, "account"), "energy") == 0)
		letters = "kWh";
	screen_fact(out, "money", TONE_PLAIN, "balances %s%s%s, cash taken here %s",
		    figure_nano(totals, "balance_nano", digits, balance),
		    letters != NULL ? " " : "", letters != NULL ? letters : "",
		    figure_nano(totals, "cash_nano", digits, cash));
	screen_fact(out, "energy", TONE_PLAIN, "charged %s, in quarantine %s",
		    figure_energy(totals, "charged_wh", charged),
		    figure_energy(totals, "quarantined_wh", quarantined));
	if (field_count(totals, "charged_l") == 0 && field_count(totals, "quarantined_l") == 0)
		return;
	amount_format(field_count(totals, "charged_l"), -3, charged);
	amount_format(field_count(totals, "quarantined_l"), -3, quarantined);
	screen_fact(out, "water", TONE_PLAIN, "charged %s m3, in quarantine %s m3", charged,
		    quarantined);
}

static void show_store(const struct screen *out, const json_t *store)
{
	const char *detail = field_text(store, "detail");
	const char *state = field_text(store, "state");
	char bytes[FIGURE_SIZE];
	char commit[FIGURE_SIZE];

	(void)figure_bytes(field_count(store, "ledger_bytes"), bytes);
	(void)figure_milli(field_count(store, "commit_p99_us"), commit);
	screen_fact(out, "store", strcmp(state, "ok") == 0 ? TONE_PLAIN : TONE_BAD,
		    "%s, %" PRId64 " entries, %s, slow commits %s ms%s%s", state,
		    field_count(store, "entries"), bytes, commit, *detail != '\0' ? "; " : "",
		    detail);
}

static void show_screen(struct session *session, const json_t *data, const struct verdict *verdict)
{
	const struct screen *out = &session->out;
	const json_t *clock = field_object(data, "clock");
	const json_t *uplink = field_object(data, "uplink");
	const json_t *alarms = field_object(data, "alarms");
	bool trusted = field_true(clock, "trusted");
	int64_t critical = field_count(alarms, "critical");
	int64_t warning = field_count(alarms, "warning");
	char text[512];
	char buf[FIGURE_SIZE];

	screen_say(out, verdict->worst, "%s ", screen_mark(out, verdict->worst));
	screen_say(out, TONE_BOLD, "%s", field_text(data, "site"));
	screen_say(out, TONE_DIM, "  prepayd %s, up %s", field_text(data, "version"),
		   figure_duration(field_count(data, "uptime_s"), buf));
	screen_end_line(out);
	screen_fact(out, "clock", trusted ? TONE_PLAIN : TONE_WARN, "%s %s, %s (%s)",
		    figure_field_time(clock, "now_s", buf), field_text(data, "zone"),
		    trusted ? "trusted" : "NOT trusted: nobody is cut for money",
		    field_text(clock, "source"));
	say_rooms(data, text, sizeof(text));
	screen_fact(out, "rooms", TONE_PLAIN, "%s", text);
	show_lines(out, field_rows(data, "lines"));
	show_sensors(out, field_rows(data, "sensors"));
	uplink_say(uplink, text, sizeof(text));
	screen_fact(out, "cloud", uplink_tone(uplink), "%s", text);
	show_store(out, field_object(data, "store"));
	show_money(out, data);
	if (field_count(data, "quarantine_open") > 0)
		screen_fact(out, "quarantine", TONE_WARN,
			    "%" PRId64 " open: prepay quarantine list",
			    field_count(data, "quarantine_open"));
	if (field_true(data, "cuts_held"))
		screen_fact(out, "cuts", TONE_BAD,
			    "HELD until a person confirms: prepay cuts list");
	if (critical + warning == 0)
		screen_fact(out, "alarms", TONE_PLAIN, "none");
	else
		screen_fact(out, "alarms", critical > 0 ? TONE_BAD : TONE_WARN,
			    "%" PRId64 " critical, %" PRId64 " warning: prepay alarm list",
			    critical, warning);
}

int run_status(struct call *call)
{
	struct session *session = call->session;
	struct verdict verdict;
	json_t *data = NULL;
	int exit_code = session_ask(session, "status", NULL, &data);

	if (exit_code != 0)
		return exit_code;
	verdict = judge(data);
	if (session->manners.json) {
		for (size_t i = 0; i < verdict.count; i++)
			session_warn(session, "%s", verdict.finding[i]);
	}
	if (call_has(call, "--check"))
		exit_code = show_check(session, data, &verdict);
	else if (session->manners.json)
		exit_code = session_json(session, data);
	else if (call_has(call, "--brief") || session->manners.quiet)
		show_brief(session, data, &verdict);
	else
		show_screen(session, data, &verdict);
	json_decref(data);
	return exit_code;
}

void status_greet(struct session *session)
{
	struct message_problem problem = {0};
	struct verdict verdict;
	json_t *data = NULL;

	if (session_try(session, "status", NULL, &data, &problem) < 0) {
		(void)session_tell(session, &problem);
		message_problem_clear(&problem);
		return;
	}
	(void)snprintf(session->site, sizeof(session->site), "%s", field_text(data, "site"));
	verdict = judge(data);
	show_brief(session, data, &verdict);
	json_decref(data);
}

int run_version(struct call *call)
{
	struct session *session = call->session;
	const struct screen *out = &session->out;
	struct message_problem problem = {0};
	json_t *daemon = NULL;
	json_t *data;
	int exit_code = session_settle(session);

	if (exit_code != 0)
		return exit_code;
	/* Its own version is the answer; the daemon's is told where there is one. */
	if (session_try(session, "version", NULL, &daemon, &problem) < 0)
		message_problem_clear(&problem);
	if (session->manners.json) {
		data = json_pack("{s:s,s:O?}", "client", PREPAY_VERSION, "daemon", daemon);
		exit_code = data == NULL ? session_no_memory(session) : session_json(session, data);
		json_decref(data);
	} else {
		screen_say(out, TONE_PLAIN, "prepay %s", PREPAY_VERSION);
		screen_end_line(out);
		if (daemon != NULL && !session->manners.quiet) {
			screen_say(out, TONE_PLAIN,
				   "prepayd %s, protocol %" PRId64 ", ledger schema %" PRId64,
				   field_text(daemon, "version"), field_count(daemon, "protocol"),
				   field_count(daemon, "schema"));
			screen_end_line(out);
		}
	}
	json_decref(daemon);
	return exit_code;
}
