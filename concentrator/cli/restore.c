/* restore.c - checkpoints, and a ledger for another card. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/change.h"
#include "concentrator/cli/figure.h"

int run_ledger_checkpoint(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	int exit_code = session_ask(session, "ledger.checkpoint",
				    json_pack("{s:s}", "reason", call_get(call, "--reason")),
				    &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else if (!session->manners.quiet) {
		screen_say(&session->out, TONE_PLAIN,
			   "checkpoint %" PRId64 " as of entry %" PRId64 ": %" PRId64
			   " rows in %" PRId64 " events for the cloud",
			   field_count(data, "checkpoint"), field_count(data, "entries"),
			   field_count(data, "rows"), field_count(data, "events"));
		screen_end_line(&session->out);
	}
	json_decref(data);
	return exit_code;
}

static void say_restored(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	char buf[FIGURE_SIZE];

	screen_fact(out, "as of", TONE_BOLD, "%s, entry %" PRId64 " of epoch %" PRId64,
		    figure_field_time(data, "at_s", buf), field_count(data, "entries"),
		    field_count(data, "old_epoch"));
	screen_fact(out, "rooms", TONE_PLAIN, "%" PRId64 ", balances %s",
		    field_count(data, "rooms"), figure_money(data, "balance", buf));
	screen_fact(out, "known", TONE_PLAIN, "%" PRId64 " orders, %" PRId64 " cash receipts",
		    field_count(data, "orders"), field_count(data, "receipts"));
	screen_fact(out, "goes on in", TONE_PLAIN, "epoch %" PRId64, field_count(data, "epoch"));
	if (!field_true(data, "dry_run")) {
		screen_put(out, TONE_BOLD,
			   "It is the ledger from the next start on: restart prepayd.");
		screen_end_line(out);
	}
}

int run_ledger_restore(struct call *call)
{
	static const struct change change = {.verb = "ledger.restore",
					     .question = "Put it in the place of the ledger?",
					     .say = say_restored};
	struct session *session = call->session;
	const char *epoch = call_get(call, "--epoch");
	char path[PATH_MAX], *end = NULL;
	long long number = epoch != NULL ? strtoll(epoch, &end, 10) : 0;
	json_t *args;

	if (epoch != NULL && (end == epoch || *end != '\0' || number < 1))
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "--epoch is a number of 1 or more, not %s", epoch);
	if (realpath(call_get(call, "FILE"), path) == NULL)
		return session_problem(session, PROBLEM_NOT_FOUND, NULL,
				       "%s: there is no such file", call_get(call, "FILE"));
	args = json_pack("{s:s,s:s}", "file", path, "reason", call_get(call, "--reason"));
	if (args == NULL)
		return session_no_memory(session);
	if (call_has(call, "--backup"))
		(void)json_object_set_new(args, "backup", json_true());
	if (call_has(call, "--replace"))
		(void)json_object_set_new(args, "replace", json_true());
	if (epoch != NULL)
		(void)json_object_set_new(args, "epoch", json_integer(number));
	return change_run(call, &change, args);
}
