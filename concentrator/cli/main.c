/* main.c - prepay: the CLI, and the operators' login shell.
 *
 * As a login shell (argv[0] begins with '-', or --login, or -c from sshd) the command line is split by our
 * own words_split() and nothing else: no shell and no other program is ever run. sshd starts a forced
 * command as `SHELL -c "/usr/bin/prepay --login"`, with what the user asked for in SSH_ORIGINAL_COMMAND.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/prompt.h"
#include "concentrator/cli/words.h"

static bool is_ourselves(const char *word)
{
	const char *name = strrchr(word, '/');

	return strcmp(name != NULL ? name + 1 : word, "prepay") == 0;
}

static int run_words(struct session *session, const char *line, bool forced);

/* --login: what the user asked sshd for, else the prompt. */
static int run_login(struct session *session)
{
	const char *line = getenv("SSH_ORIGINAL_COMMAND");

	session->login = true;
	if (line != NULL && *line != '\0')
		return run_words(session, line, true);
	return prompt_run(session, 0, NULL);
}

/* forced: the line is SSH_ORIGINAL_COMMAND already, and cannot ask for it again. */
static int run_words(struct session *session, const char *line, bool forced)
{
	struct words words;
	size_t first = 0;
	int r = words_split(&words, line);

	session->login = true;
	session->out = screen_open(stdout, COLOUR_AUTO);
	session->error = screen_open(stderr, COLOUR_AUTO);
	if (r < 0)
		return session_problem(session, PROBLEM_USAGE, NULL, "%s", words_error(r));
	if (words.count > 0 && is_ourselves(words.word[0]))
		first = 1;
	if (!forced && words.count == first + 1 && strcmp(words.word[first], "--login") == 0)
		return run_login(session);
	return prompt_run(session, words.count - first, words.word + first);
}

int main(int argc, char *argv[])
{
	struct session session = {0};
	int exit_code;

	(void)setlocale(LC_CTYPE, "");
	if (argc >= 1 && argv[0][0] == '-')
		session.login = true;
	if (argc == 2 && strcmp(argv[1], "--login") == 0)
		exit_code = run_login(&session);
	else if (argc == 3 && strcmp(argv[1], "-c") == 0)
		exit_code = run_words(&session, argv[2], false);
	else
		exit_code = prompt_run(&session, (size_t)(argc > 1 ? argc - 1 : 0), argv + 1);
	session_close(&session);
	return exit_code;
}
