#include "tests/fault/branch.h"

#include "concentrator/platform/journal.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVES_S  120 /* a child that hangs is killed */
#define TOLD_MAX 20

struct report {
	bool ended;
	enum verdict verdict;
	char text[240];
};

static struct report *report;
static int nowhere = -1; /* /dev/null */
static bool is_quiet;

/* Takes the place of platform/journal.c: most lines of ten thousand children are for nobody. */
void journal_log(int priority, const char *message_id, const struct journal_field *fields,
		 const char *format, ...)
{
	va_list args;

	(void)priority;
	(void)message_id;
	(void)fields;
	if (is_quiet)
		return;
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
}

void branch_end(enum verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(report->text, sizeof(report->text), format, args);
	va_end(args);
	report->verdict = verdict;
	report->ended = true;
	_exit(0);
}

static void be_child(bool quiet)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(LIVES_S);
	/* A failed assertion of cmocka would go on with the next test. */
	(void)setenv("CMOCKA_TEST_ABORT", "1", 1);
	is_quiet = quiet;
	if (quiet && (dup2(nowhere, STDERR_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0))
		abort();
}

bool branch_here(struct tally_of_branches *tally, const char *name, bool quiet)
{
	static const char *const names[] = {"good", "lost", "doubled", "corrupt"};
	int status;
	pid_t child;

	if (!report) {
		report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		assert(report != MAP_FAILED && nowhere >= 0);
	}
	memset(report, 0, sizeof(*report));
	(void)fflush(NULL);
	child = fork();
	assert(child >= 0);
	if (child == 0) {
		be_child(quiet);
		return true;
	}
	while (waitpid(child, &status, 0) < 0)
		;
	if (!report->ended) {
		report->verdict = VERDICT_CORRUPT;
		(void)snprintf(report->text, sizeof(report->text), "it ended with %s %d",
			       WIFSIGNALED(status) ? "signal" : "status",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	tally->runs++;
	tally->of[report->verdict]++;
	if (report->verdict != VERDICT_GOOD && tally->told++ < TOLD_MAX)
		printf("%s: %s: %s\n", name, names[report->verdict], report->text);
	return false;
}

void branch_run(struct tally_of_branches *tally, const char *name, bool quiet,
		void (*live)(void *userdata), void *userdata)
{
	if (!branch_here(tally, name, quiet))
		return;
	live(userdata);
	branch_end(VERDICT_CORRUPT, "it came to no end");
}

void branch_show(const char *what, const struct tally_of_branches *tally)
{
	printf("%s: %" PRIu64 " runs, %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64 " corrupt\n",
	       what, tally->runs, tally->of[VERDICT_LOST], tally->of[VERDICT_DOUBLED],
	       tally->of[VERDICT_CORRUPT]);
}
