#include "concentrator/cli/change.h"

static int ask(struct session *session, const struct change *change, const json_t *args,
	       bool dry_run, json_t **ret_data)
{
	json_t *copy = json_deep_copy(args);

	if (copy == NULL)
		return session_no_memory(session);
	if (dry_run)
		(void)json_object_set_new(copy, "dry_run", json_true());
	return session_ask(session, change->verb, copy, ret_data);
}

static int show(struct session *session, const struct change *change, const json_t *data,
		bool dry_run)
{
	if (session->manners.json)
		return session_json(session, data);
	if (session->manners.quiet)
		return 0;
	change->say(session, data);
	if (dry_run) {
		screen_put(&session->out, TONE_DIM, "dry run: nothing was changed");
		screen_end_line(&session->out);
	}
	return 0;
}

/* What it would come to, before the question. */
static int confirm(struct session *session, const struct change *change, const json_t *args)
{
	json_t *data = NULL;
	int exit_code = ask(session, change, args, true, &data);

	if (exit_code != 0)
		return exit_code;
	change->say(session, data);
	json_decref(data);
	return session_confirm(session, "%s", change->question) ? 0 : problem_exit(PROBLEM_FAILED);
}

int change_run(struct call *call, const struct change *change, json_t *args)
{
	struct session *session = call->session;
	bool dry_run = call_has(call, "--dry-run");
	json_t *data = NULL;
	int exit_code = 0;

	if (!dry_run && !session->manners.yes && session_has_person(session))
		exit_code = confirm(session, change, args);
	if (exit_code == 0)
		exit_code = ask(session, change, args, dry_run, &data);
	if (exit_code == 0)
		exit_code = show(session, change, data, dry_run);
	json_decref(data);
	json_decref(args);
	return exit_code;
}
