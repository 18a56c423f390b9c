/* room_import.c - a building's rooms from a CSV file: all of them, or none and every error. */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/commissioning.h"
#include "concentrator/cli/csv.h"
#include "concentrator/cli/figure.h"

static json_t *import_args(const struct commissioning *commissioning, const char *reason,
			   bool dry_run)
{
	return json_pack("{s:O,s:s*,s:b}", "rows", commissioning->rows, "reason", reason, "dry_run",
			 dry_run ? 1 : 0);
}

static int tell_errors(struct session *session, const struct commissioning *commissioning,
		       enum problem problem, const char *file)
{
	json_t *errors = commissioning_errors(commissioning);
	size_t count = json_array_size(errors);
	int exit_code;

	session->reading = file;
	exit_code = session_problem(session, problem, errors,
				    "%s: %zu error%s; nothing was imported", file, count,
				    count == 1 ? "" : "s");
	session->reading = NULL;
	json_decref(errors);
	return exit_code;
}

/* Sends the clean rows for a check, so that what the daemon finds stands beside what was found here. */
static int check_rows(struct session *session, struct commissioning *commissioning,
		      const char *file)
{
	bool clean = json_array_size(commissioning->errors) == 0;
	struct message_problem problem = {0};
	json_t *data = NULL;
	enum problem kind = PROBLEM_USAGE;
	int exit_code;
	int r = 0;

	if (json_array_size(commissioning->rows) > 0)
		r = session_try(session, "room.import", import_args(commissioning, NULL, true),
				&data, &problem);
	json_decref(data);
	if (r == -EMSGSIZE && clean) {
		message_problem_clear(&problem);
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "%s: %zu rows are too many for one import; split the file",
				       file, json_array_size(commissioning->rows));
	}
	if (r < 0 && json_is_array(problem.errors)) {
		kind = clean ? problem.problem : PROBLEM_USAGE;
		r = commissioning_add_errors(commissioning, problem.errors) < 0 ? -ENOMEM : 0;
	}
	if (r < 0 && clean)
		exit_code = session_tell(session, &problem);
	else if (json_array_size(commissioning->errors) > 0)
		exit_code = tell_errors(session, commissioning, kind, file);
	else
		exit_code = 0;
	message_problem_clear(&problem);
	return exit_code;
}

static int import_rows(struct session *session, struct commissioning *commissioning,
		       const char *file, const char *reason, bool dry_run)
{
	size_t rows = json_array_size(commissioning->rows);
	int exit_code = check_rows(session, commissioning, file);

	if (exit_code != 0)
		return exit_code;
	return session_do(session, "room.import", import_args(commissioning, reason, dry_run),
			  dry_run ? "%s: %zu row%s would be imported; nothing was changed"
				  : "%s: %zu row%s imported",
			  file, rows, rows == 1 ? "" : "s");
}

/* Said of the whole file; a row that says otherwise keeps its word. */
static void allow_experimental(const struct commissioning *commissioning)
{
	json_t *row;
	size_t i;

	json_array_foreach(commissioning->rows, i, row)
	{
		if (json_object_get(row, "experimental") == NULL)
			(void)json_object_set_new(row, "experimental", json_string("yes"));
	}
}

int run_room_import(struct call *call)
{
	const char *file = call_get(call, "FILE");
	struct commissioning commissioning = {0};
	char *text = NULL;
	int exit_code = session_read(call->session, file, CSV_BYTES_MAX, &text);

	if (exit_code != 0)
		return exit_code;
	if (strcmp(file, "-") == 0)
		file = "standard input";
	if (commissioning_read(&commissioning, text) < 0) {
		exit_code = session_no_memory(call->session);
	} else {
		if (call_has(call, "--experimental"))
			allow_experimental(&commissioning);
		exit_code = import_rows(call->session, &commissioning, file,
					call_get(call, "--reason"), call_has(call, "--dry-run"));
	}
	commissioning_clear(&commissioning);
	free(text);
	return exit_code;
}
