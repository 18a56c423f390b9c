/* main.c - prepay-uplinkd: options, settings, loop, end. See prepay-uplinkd(8). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "concentrator/platform/journal.h"
#include "concentrator/platform/problem.h"
#include "uplink/messenger.h"

#define CONFIG_FILE "/etc/prepay/prepay.conf"

static const char usage[] = "Usage: prepay-uplinkd [--config FILE]\n"
			    "       prepay-uplinkd --help | --version\n"
			    "\n"
			    "The messenger between prepayd and the property manager's cloud.\n"
			    "  --config FILE   instead of " CONFIG_FILE "\n";

/* libcurl and OpenSSL read these; none may turn the way to the cloud, or write its keys to a file. */
static const char *const environment[] = {
	"http_proxy",    "HTTP_PROXY",     "https_proxy",   "HTTPS_PROXY",
	"all_proxy",     "ALL_PROXY",      "no_proxy",      "NO_PROXY",
	"SSLKEYLOGFILE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
};

static void clear_environment(void)
{
	char found[256] = "";

	for (size_t i = 0; i < sizeof(environment) / sizeof(environment[0]); i++) {
		if (getenv(environment[i]) == NULL)
			continue;
		size_t len = strlen(found);
		(void)snprintf(found + len, sizeof(found) - len, "%s%s", len > 0 ? ", " : "",
			       environment[i]);
		(void)unsetenv(environment[i]);
	}
	if (*found != '\0')
		journal_log(LOG_WARNING, NULL, NULL,
			    "ignored in the environment: %s; the cloud is reached directly, by the "
			    "configured CA",
			    found);
}

/* FILE and FILE's neighbour folder FILE.d, e.g. prepay.conf.d */
static int read_settings(const char *file, struct settings *settings, struct uplink_settings *ret)
{
	char *folder = NULL;

	if (asprintf(&folder, "%s.d", file) < 0)
		return -ENOMEM;
	int r = settings_read_file(settings, file);
	if (r == 0)
		r = settings_read_folder(settings, folder);
	free(folder);
	uplink_settings_read(settings, ret);
	if (settings_error_count(settings) == 0)
		return r;
	for (size_t i = 0; i < settings_error_count(settings); i++) {
		struct settings_error error = settings_error(settings, i);

		if (error.line > 0)
			journal_log(LOG_ERR, MESSAGE_ID_CONFIG_WRONG, NULL, "%s:%d: %s", error.file,
				    error.line, error.message);
		else
			journal_log(LOG_ERR, MESSAGE_ID_CONFIG_WRONG, NULL, "%s: %s", error.file,
				    error.message);
	}
	return -EINVAL;
}

static int watch_signals(sd_event *event)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	/* Without a handler the signal ends the loop with exit code 0. */
	int r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int run(const struct uplink_settings *settings)
{
	struct messenger *messenger = NULL;
	sd_event *event = NULL;
	int r = sd_event_new(&event);

	if (r >= 0)
		r = watch_signals(event);
	/* The loop feeds the watchdog where systemd asks for it: nothing in it blocks. */
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r >= 0)
		r = messenger_open(&messenger, event, settings);
	if (r >= 0) {
		journal_log(LOG_INFO, MESSAGE_ID_START, NULL, "prepay-uplinkd %s: ready; %s%s",
			    PREPAY_VERSION,
			    *settings->url != '\0' ? "cloud " : "no cloud is configured",
			    settings->url);
		(void)sd_notify(false, "READY=1");
		r = sd_event_loop(event);
	}
	(void)sd_notify(false, "STOPPING=1");
	(void)messenger_close(messenger);
	(void)sd_event_unref(event);
	if (r < 0)
		journal_log(LOG_ERR, NULL, NULL, "prepay-uplinkd: %s; stopping", strerror(-r));
	else
		journal_log(LOG_INFO, MESSAGE_ID_STOP, NULL, "prepay-uplinkd: stopped");
	return r;
}

/* 0: go on; 1: done, exit with 0; -EINVAL: usage */
static int read_options(int argc, char *argv[], const char **ret_config)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*ret_config = optarg;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return 1;
		case 'v':
			(void)puts("prepay-uplinkd " PREPAY_VERSION);
			return 1;
		default:
			(void)fputs(usage, stderr);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "prepay-uplinkd: %s: not an option\n%s", argv[optind], usage);
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char *argv[])
{
	const char *config = CONFIG_FILE;
	struct settings *settings = NULL;
	struct uplink_settings uplink;
	int r = read_options(argc, argv, &config);

	if (r != 0)
		return r < 0 ? problem_exit(PROBLEM_USAGE) : 0;

	clear_environment();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || settings_new(&settings) < 0) {
		(void)fputs("prepay-uplinkd: out of memory\n", stderr);
		return problem_exit(PROBLEM_FAILED);
	}
	enum problem problem = PROBLEM_USAGE;
	if (read_settings(config, settings, &uplink) == 0)
		problem = run(&uplink) < 0 ? PROBLEM_FAILED : PROBLEM_NONE;
	(void)settings_free(settings);
	curl_global_cleanup();
	return problem_exit(problem);
}
