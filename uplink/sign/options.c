/* options.c - see options.h */
#include "uplink/sign/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("prepay-sign: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
	return EXIT_USAGE;
}

bool integer_read(const char *text, int64_t least, int64_t most, int64_t *ret)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || isspace((unsigned char)*text) ||
	    value < least || value > most)
		return false;
	*ret = value;
	return true;
}

bool is_name(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len >= 1 && len <= NAME_MAX_LEN;
}

bool is_text(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return len >= 1 && len <= NAME_MAX_LEN;
}

int64_t now_s(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec : 0;
}

int options_read(int argc, char *argv[], const struct option options[],
		 const char *values[static OPTION_COUNT], char *keys[], size_t *keys_n)
{
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return wrong("%s: unknown option, or its value is missing; see prepay-sign "
				     "--help",
				     argv[optind - 1]);
		values[option] = optarg;
		if (keys != NULL && option == OPTION_KEY) {
			if (*keys_n == KEYS_MAX)
				return wrong("more than %d keys", KEYS_MAX);
			keys[(*keys_n)++] = optarg;
		}
	}
	if (optind < argc)
		return wrong("%s: not an option", argv[optind]);
	return 0;
}
