/* prepayd.c - the meter, money and relay daemon; see prepayd(8). */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/config.h"
#include "concentrator/daemon.h"
#include "concentrator/platform/journal.h"
#include "concentrator/platform/problem.h"

static void usage(FILE *stream)
{
	fputs("usage: prepayd [--config FILE] [--version] [--help]\n"
	      "Meters, charges and supplies a building; see prepayd(8).\n",
	      stream);
}

/* One line of the journal for each finding. */
static void tell_errors(const char *errors)
{
	while (*errors != '\0') {
		size_t len = strcspn(errors, "\n");
		if (len > 0)
			journal_log(LOG_ERR, MESSAGE_ID_CONFIG_WRONG, NULL, "%.*s", (int)len,
				    errors);
		errors += len + (errors[len] == '\n');
	}
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"version", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	const char *file = CONFIG_FILE;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'v':
			puts("prepayd " PREPAY_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return problem_exit(PROBLEM_USAGE);
		}
	}
	if (optind != argc) {
		fprintf(stderr, "prepayd: unexpected argument %s\n", argv[optind]);
		usage(stderr);
		return problem_exit(PROBLEM_USAGE);
	}

	static struct config config;
	char *errors = NULL;
	if (config_read(&config, file, &errors) < 0) {
		tell_errors(errors == NULL ? "out of memory" : errors);
		free(errors);
		return problem_exit(PROBLEM_USAGE);
	}
	struct daemon *daemon = NULL;
	int code = daemon_open(&daemon, &config);
	if (code == 0)
		code = daemon_run(daemon);
	daemon_close(daemon);
	return code;
}
