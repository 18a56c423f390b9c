/* prompt.c - see prompt.h. */
#include "concentrator/cli/prompt.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/completion.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/handlers.h"
#include "concentrator/cli/line_reader.h"
#include "concentrator/cli/words.h"

#define REASON_SIZE 130

/* A reason that was forgotten is asked for where somebody sits; everything else must be on the line. */
static int ask_reason(struct session *session, struct call *call, char reason[static REASON_SIZE])
{
	const struct part *missing = call_missing(call);

	if (missing == NULL)
		return 0;
	if (strcmp(missing->name, "--reason") == 0 && session_has_person(session) &&
	    !session->manners.yes) {
		screen_put(&session->out, TONE_BOLD, "Reason: ");
		(void)fflush(session->out.file);
		if (fgets(reason, REASON_SIZE, stdin) == NULL) {
			clearerr(stdin);
			*reason = '\0';
		}
		reason[strcspn(reason, "\n")] = '\0';
		if (*reason != '\0') {
			call->value[missing - call->grammar.part] = reason;
			return ask_reason(session, call, reason);
		}
	}
	return session_problem(session, PROBLEM_USAGE, NULL, "%s %s is missing\nUsage: prepay %s",
			       missing->name, missing->value, call->verb->usage);
}

/* Where the daemon is and how lines look is settled when the program starts. */
static int check_place(struct session *session, const struct manners *before)
{
	const struct manners *now = &session->manners;

	if (now->config == before->config && now->socket == before->socket)
		return 0;
	if (session->login)
		return session_problem(session, PROBLEM_REFUSED, NULL,
				       "--config and --socket are not for login sessions");
	if (session->interactive)
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "--config and --socket are given when prepay starts");
	return 0;
}

static int run_call(struct session *session, struct call *call)
{
	char reason[REASON_SIZE] = "";
	int exit_code;

	if (session->manners.version)
		return run_version(call);
	if (session->manners.help || call->verb == NULL)
		return help_verb(session, call->words, call->word);
	exit_code = ask_reason(session, call, reason);
	if (exit_code == 0 && call->verb->role != ROLE_LOCAL)
		exit_code = session_settle(session);
	if (exit_code == 0)
		exit_code = call->verb->run(call);
	return exit_code;
}

int prompt_run(struct session *session, size_t count, char *const word[])
{
	struct manners before = session->manners;
	char why[CALL_WHY_SIZE] = "";
	struct call call = {0};
	int r = call_parse(&call, &session->manners, count, word, why);
	int exit_code;

	call.session = session;
	session->out = screen_open(stdout, session->manners.colour);
	session->error = screen_open(stderr, session->manners.colour);
	exit_code = check_place(session, &before);
	if (exit_code == 0 && r < 0)
		exit_code = session_problem(session, PROBLEM_USAGE, NULL, "%s", why);
	else if (exit_code == 0 && call.words == 0 && !session->manners.help &&
		 !session->manners.version)
		exit_code = session->interactive ? 0 : prompt_loop(session);
	else if (exit_code == 0)
		exit_code = run_call(session, &call);
	json_decref(session->warnings);
	session->warnings = NULL;
	if (session->interactive)
		session->manners = before;
	if (fflush(stdout) != 0 && exit_code == 0)
		exit_code = problem_exit(PROBLEM_FAILED);
	return exit_code;
}

/* The words before the one at the cursor, and that one ("" behind a blank). Returns false in the middle of
 * quotes. */
static bool split_for_help(struct words *words, const char *line, const char **ret_partial)
{
	size_t len = strlen(line);

	if (words_split(words, line) < 0)
		return false;
	*ret_partial = "";
	if (words->count > 0 && len > 0 && line[len - 1] != ' ')
		*ret_partial = words->word[--words->count];
	return true;
}

/* Names that the daemon knows, for the arguments that are one. */
static json_t *ask_names(struct session *session, const char *argument, const char **ret_field)
{
	struct message_problem problem = {0};
	json_t *data = NULL;
	const char *verb;

	if (strcmp(argument, "ROOM") == 0) {
		verb = "room.list";
		*ret_field = "room";
	} else if (strcmp(argument, "LINE") == 0) {
		verb = "line.list";
		*ret_field = "line";
	} else {
		return NULL;
	}
	if (session_try(session, verb, NULL, &data, &problem) < 0)
		message_problem_clear(&problem);
	return data;
}

/* What all candidates that begin with partial have in common behind it. */
struct common {
	const char *partial;
	char text[128];
	size_t count;
};

static void add_candidate(struct common *common, const char *text)
{
	size_t same = 0;

	if (strncmp(text, common->partial, strlen(common->partial)) != 0)
		return;
	if (common->count++ == 0) {
		(void)snprintf(common->text, sizeof(common->text), "%s", text);
		return;
	}
	while (common->text[same] != '\0' && common->text[same] == text[same])
		same++;
	common->text[same] = '\0';
}

static void complete_line(void *context, const char *line, char *add, size_t size)
{
	struct session *session = context;
	struct completion found[COMPLETIONS_MAX];
	struct common common = {0};
	struct words words;
	size_t count;

	if (!split_for_help(&words, line, &common.partial))
		return;
	count = completion_find(words.count, words.word, found);
	for (size_t i = 0; i < count; i++) {
		const char *field = NULL;
		json_t *names = NULL;
		const json_t *row;
		size_t k;

		if (!found[i].argument) {
			if (*found[i].text != '-' || *common.partial == '-')
				add_candidate(&common, found[i].text);
			continue;
		}
		names = ask_names(session, found[i].text, &field);
		json_array_foreach(field_rows(names, "rows"), k, row)
			add_candidate(&common, field_text(row, field));
		json_decref(names);
	}
	if (common.count > 0 && strlen(common.text) >= strlen(common.partial))
		(void)snprintf(add, size, "%s%s", common.text + strlen(common.partial),
			       common.count == 1 ? " " : "");
}

static void show_candidates(void *context, const char *line)
{
	struct session *session = context;
	const struct screen *out = &session->out;
	struct completion found[COMPLETIONS_MAX];
	const char *partial = "";
	struct words words;
	size_t shown = 0;
	size_t count = 0;

	if (split_for_help(&words, line, &partial))
		count = completion_find(words.count, words.word, found);
	for (size_t i = 0; i < count; i++) {
		if (!found[i].argument && strncmp(found[i].text, partial, strlen(partial)) != 0)
			continue;
		screen_say(out, TONE_PLAIN, "  %-18s", found[i].text);
		screen_say(out, TONE_DIM, " %s", found[i].help != NULL ? found[i].help : "");
		screen_end_line(out);
		shown++;
	}
	if (shown == 0) {
		if (*partial != '\0')
			screen_say(out, TONE_DIM, "  nothing begins with %s", partial);
		else
			screen_put(out, TONE_DIM, "  nothing more; Enter runs the line");
		screen_end_line(out);
	}
	(void)fflush(out->file);
}

static int run_typed(struct session *session, const char *line, int last)
{
	struct words words;
	size_t first = 0;
	int r = words_split(&words, line);

	if (r < 0)
		return session_problem(session, PROBLEM_USAGE, NULL, "%s", words_error(r));
	/* People type what they type in a shell. */
	if (words.count > 0 && strcmp(words.word[0], "prepay") == 0)
		first = 1;
	if (words.count == first)
		return last;
	return prompt_run(session, words.count - first, words.word + first);
}

static bool is_quit(const char *line)
{
	return strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0 || strcmp(line, "q") == 0;
}

static void wake(int signal_number)
{
	(void)signal_number;
}

/* Ctrl-C ends what is running, not the session; nothing can be put in the background where there is no shell
 * to bring it back. */
static void set_signals(const struct session *session)
{
	struct sigaction interrupt = {.sa_handler = wake};

	(void)sigaction(SIGINT, &interrupt, NULL);
	(void)signal(SIGQUIT, SIG_IGN);
	if (session->login)
		(void)signal(SIGTSTP, SIG_IGN);
}

int prompt_loop(struct session *session)
{
	struct line_helper helper = {
		.complete = complete_line,
		.show = show_candidates,
		.context = session,
	};
	struct line_reader *reader = NULL;
	const char *line;
	char prompt[SESSION_SITE_SIZE + 16];
	int exit_code = 0;
	int r = line_reader_open(&reader, &helper);

	if (r == -ENOTTY)
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "no verb, and no terminal to ask for one; see prepay help");
	if (r < 0)
		return session_no_memory(session);
	set_signals(session);
	session->interactive = true;
	exit_code = session_settle(session);
	if (exit_code == 0) {
		status_greet(session);
		screen_put(&session->out, TONE_DIM,
			   "? or help shows what there is, Tab completes, quit leaves.");
		screen_end_line(&session->out);
		(void)fflush(session->out.file);
	}
	while (exit_code == 0 || session->settled) {
		(void)snprintf(prompt, sizeof(prompt), "prepay%s%s> ",
			       *session->site != '\0' ? " " : "", session->site);
		r = line_reader_read(reader, prompt, &line);
		if (r <= 0 || is_quit(line))
			break;
		exit_code = run_typed(session, line, exit_code);
	}
	line_reader_close(reader);
	return r < 0 ? session_problem(session, PROBLEM_FAILED, NULL, "the terminal: %s",
				       strerror(-r))
		     : exit_code;
}
