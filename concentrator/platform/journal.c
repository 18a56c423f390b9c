/* journal.c - see journal.h. */
#include "concentrator/platform/journal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define TEXT_SIZE  1024
#define FIELD_SIZE 512
#define OWN_FIELDS 3 /* MESSAGE, PRIORITY, MESSAGE_ID */

static bool journal_flag(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && strcmp(value, "1") == 0;
}

/* systemd.exec(5): the variable names the stream that was made for standard error, which may have been
 * redirected since. */
static bool journal_listens(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat about;
	uintmax_t device, inode;

	if (stream == NULL || sscanf(stream, "%ju:%ju", &device, &inode) != 2)
		return false;
	if (fstat(STDERR_FILENO, &about) < 0)
		return false;
	return about.st_dev == device && about.st_ino == inode;
}

/* Text from outside must neither forge a second line nor steer a terminal. */
static void journal_make_plain(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || (unsigned char)*text == 0x7f)
			*text = '?';
	}
}

static struct iovec journal_vector(char *text)
{
	return (struct iovec){.iov_base = text, .iov_len = strlen(text)};
}

static int journal_send(int priority, const char *message_id, const struct journal_field *fields,
			const char *text)
{
	char own[OWN_FIELDS][TEXT_SIZE + 16];
	char given[JOURNAL_FIELDS_MAX][FIELD_SIZE];
	struct iovec vectors[OWN_FIELDS + JOURNAL_FIELDS_MAX];
	size_t count = 0;
	int given_count = 0;

	(void)snprintf(own[0], sizeof(own[0]), "MESSAGE=%s", text);
	vectors[count++] = journal_vector(own[0]);
	(void)snprintf(own[1], sizeof(own[1]), "PRIORITY=%d", priority);
	vectors[count++] = journal_vector(own[1]);
	if (message_id != NULL) {
		(void)snprintf(own[2], sizeof(own[2]), "MESSAGE_ID=%s", message_id);
		vectors[count++] = journal_vector(own[2]);
	}
	for (; fields != NULL && fields->name != NULL && given_count < JOURNAL_FIELDS_MAX;
	     fields++) {
		char *field = given[given_count];

		if (fields->value == NULL)
			continue;
		(void)snprintf(field, FIELD_SIZE, "%s=%s", fields->name, fields->value);
		vectors[count++] = journal_vector(field);
		given_count++;
	}
	return sd_journal_sendv(vectors, (int)count);
}

void journal_log(int priority, const char *message_id, const struct journal_field *fields,
		 const char *format, ...)
{
	char text[TEXT_SIZE];
	char line[TEXT_SIZE + 16];
	va_list args;
	int len;

	if (priority >= LOG_DEBUG && !journal_flag("PREPAY_DEBUG"))
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	journal_make_plain(text);

	if (journal_listens() && journal_send(priority, message_id, fields, text) >= 0)
		return;
	if (journal_flag("PREPAY_LOG_PREFIX"))
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "%s\n", text);
	/* One write, so that lines of threads do not mix. Nobody is left to tell when it fails. */
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}
