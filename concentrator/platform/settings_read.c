/* settings_read.c - from text to sections, through inih; see settings.h.
 *
 * inih is fed line by line. Each line is looked at before inih sees it, and handed on only when inih cannot
 * get it wrong: it would split a long line in two, cut a long title, keep the value of a second section of one
 * name, and report only the first bad line.
 */
#include "concentrator/platform/settings_tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ini.h>

#define FILE_SIZE_MAX (1024 * 1024)
#define LINE_LEN_MAX  198 /* with newline and terminator that is inih's buffer of 200 */
#define TITLE_LEN_MAX 49  /* of its section buffer of 50 */
#define KEY_LEN_MAX   49

struct settings_feed {
	struct settings *settings;
	const char *file;
	const char *rest; /* not yet fed */
	size_t rest_len;
	int line;
	struct settings_section *section; /* NULL: before the first, or a bad title */
	bool begun;                       /* some title was there */
	bool offered;                     /* the line in hand should be a key */
	bool out_of_memory;
};

static bool title_is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL)
			return false;
	}
	return len > 0;
}

/* Between the brackets: "kind" or "kind name". */
static bool title_split(const char *title, size_t len, char kind[static TITLE_LEN_MAX + 1],
			char name[static TITLE_LEN_MAX + 1])
{
	size_t kind_len = 0;
	size_t name_at;

	if (len > TITLE_LEN_MAX)
		return false;
	while (kind_len < len && strchr(BLANKS, title[kind_len]) == NULL)
		kind_len++;
	name_at = kind_len;
	while (name_at < len && strchr(BLANKS, title[name_at]) != NULL)
		name_at++;
	if (!title_is_name(title, kind_len))
		return false;
	if (name_at < len && !title_is_name(title + name_at, len - name_at))
		return false;
	memcpy(kind, title, kind_len);
	kind[kind_len] = '\0';
	memcpy(name, title + name_at, len - name_at);
	name[len - name_at] = '\0';
	return true;
}

static void feed_begin_section(struct settings_feed *feed, const char *line, size_t len)
{
	char kind[TITLE_LEN_MAX + 1];
	char name[TITLE_LEN_MAX + 1];
	const char *title = line + 1;
	size_t title_len = len - 1;

	feed->begun = true;
	feed->section = NULL;
	if (title_len == 0 || title[title_len - 1] != ']') {
		settings_fault_at(
			feed->settings, feed->file, feed->line,
			"the section title does not end; write `[kind]` or `[kind name]`");
		return;
	}
	title_len--;
	while (title_len > 0 && strchr(BLANKS, title[0]) != NULL) {
		title++;
		title_len--;
	}
	while (title_len > 0 && strchr(BLANKS, title[title_len - 1]) != NULL)
		title_len--;
	if (!title_split(title, title_len, kind, name)) {
		settings_fault_at(
			feed->settings, feed->file, feed->line,
			"bad section title; write `[kind]` or `[kind name]` with letters, "
			"digits, '.', '_' and '-', at most %d in all",
			TITLE_LEN_MAX);
		return;
	}
	feed->section = settings_look_up(feed->settings, kind, name);
	if (feed->section == NULL) {
		feed->section = settings_add_section(feed->settings, kind, name);
		if (feed->section == NULL) {
			feed->out_of_memory = true;
			return;
		}
	} else if (feed->section->file == feed->file) {
		settings_fault_at(feed->settings, feed->file, feed->line,
				  "section [%s%s%s] was begun in line %d already; merge the two",
				  kind, name[0] == '\0' ? "" : " ", name, feed->section->line);
		return;
	}
	feed->section->file = feed->file;
	feed->section->line = feed->line;
}

/* The guard before inih: what comes out is empty, or a line that should be a key. */
static size_t feed_check(struct settings_feed *feed, const char **line, size_t len)
{
	bool comment;

	if (!settings_line_is_plain(*line, len)) {
		settings_fault_at(
			feed->settings, feed->file, feed->line,
			"control characters or no UTF-8; save the file as plain UTF-8 text");
		return 0;
	}
	for (size_t i = 0; i < len && strchr(BLANKS "#;", (*line)[i]) != NULL; i++) {
		comment = (*line)[i] == '#' || (*line)[i] == ';';
		if (comment)
			return 0;
	}
	if (len > LINE_LEN_MAX) {
		settings_fault_at(feed->settings, feed->file, feed->line,
				  "the line has %zu bytes; shorten it to %d", len, LINE_LEN_MAX);
		return 0;
	}
	settings_line_trim(line, &len);
	if (len > 0 && (*line)[0] == '[') {
		feed_begin_section(feed, *line, len);
		return 0;
	}
	return len;
}

/* A line that inih took for no key. */
static void feed_finish_line(struct settings_feed *feed)
{
	if (!feed->offered)
		return;
	feed->offered = false;
	settings_fault_at(feed->settings, feed->file, feed->line,
			  "neither a section nor a key; write `key = value`");
}

/* The reader of ini_parse_stream(), as fgets(3). */
static char *feed_line(char *ret, int size, void *stream)
{
	struct settings_feed *feed = stream;
	const char *line = feed->rest;
	const char *newline;
	size_t len;

	feed_finish_line(feed);
	if (feed->rest_len == 0 || feed->out_of_memory || size < LINE_LEN_MAX + 2)
		return NULL;
	newline = memchr(line, '\n', feed->rest_len);
	len = newline == NULL ? feed->rest_len : (size_t)(newline - line);
	feed->rest += newline == NULL ? len : len + 1;
	feed->rest_len -= newline == NULL ? len : len + 1;
	feed->line++;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (feed->line == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	len = feed_check(feed, &line, len);
	feed->offered = len > 0;
	memcpy(ret, line, len);
	ret[len] = '\n';
	ret[len + 1] = '\0';
	return ret;
}

static bool key_is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > KEY_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
			return false;
	}
	return true;
}

/* The handler of ini_parse_stream(). The sections are known from the feed; inih's is not used. */
static int feed_key(void *user, const char *section, const char *name, const char *value)
{
	struct settings_feed *feed = user;
	struct settings_key *key;
	char *copy;

	(void)section;
	feed->offered = false;
	if (!key_is_name(name)) {
		settings_fault_at(feed->settings, feed->file, feed->line,
				  "bad key; use letters, digits, '.', '_' and '-', at most %d",
				  KEY_LEN_MAX);
		return 1;
	}
	if (feed->section == NULL) {
		if (!feed->begun)
			settings_fault_at(feed->settings, feed->file, feed->line,
					  "`%s` stands before the first section; move it into one",
					  name);
		return 1;
	}
	key = settings_look_up_key(feed->section, name);
	if (key != NULL && key->file == feed->file) {
		settings_fault_at(feed->settings, feed->file, feed->line,
				  "`%s` was set in line %d already; remove one of the two", name,
				  key->line);
		return 1;
	}
	if (key == NULL)
		key = settings_add_key(feed->section, name);
	copy = strdup(value);
	if (key == NULL || copy == NULL) {
		free(copy);
		feed->out_of_memory = true;
		return 0;
	}
	free(key->value);
	key->value = copy;
	key->file = feed->file;
	key->line = feed->line;
	return 1;
}

static int settings_feed(struct settings *settings, const char *file, const char *text, size_t len)
{
	struct settings_feed feed = {
		.settings = settings, .file = file, .rest = text, .rest_len = len};

	/* Its result is the first bad line; ours have all been recorded by now. */
	(void)ini_parse_stream(feed_line, &feed, feed_key, &feed);
	if (feed.out_of_memory) {
		settings->out_of_memory = true;
		return -ENOMEM;
	}
	return 0;
}

int settings_read_text(struct settings *settings, const char *name, const char *text, size_t len)
{
	const char *file = settings_keep_file(settings, name);

	if (file == NULL) {
		settings->out_of_memory = true;
		return -ENOMEM;
	}
	if (len > FILE_SIZE_MAX) {
		settings_fault_at(settings, file, 0, "longer than 1 MiB; this is no settings file");
		return -EFBIG;
	}
	return settings_feed(settings, file, text, len);
}

static int settings_load(const char *file, char **ret, size_t *ret_len)
{
	struct stat about;
	char *text = NULL;
	size_t len = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) < 0) {
		r = -errno;
		goto end;
	}
	if (!S_ISREG(about.st_mode)) {
		r = S_ISDIR(about.st_mode) ? -EISDIR : -EINVAL;
		goto end;
	}
	text = malloc(FILE_SIZE_MAX + 1);
	if (text == NULL) {
		r = -ENOMEM;
		goto end;
	}
	while (len <= FILE_SIZE_MAX) {
		ssize_t got = read(fd, text + len, FILE_SIZE_MAX + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			r = -errno;
			goto end;
		}
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*ret = text;
	*ret_len = len;
	text = NULL;
end:
	free(text);
	(void)close(fd);
	return r;
}

int settings_read_file(struct settings *settings, const char *file)
{
	char *text = NULL;
	size_t len = 0;
	int r = settings_load(file, &text, &len);

	if (r < 0) {
		settings_fault_file(settings, file,
				    "cannot be read (%s); check path and permissions",
				    strerror(-r));
		return r;
	}
	r = settings_read_text(settings, file, text, len);
	free(text);
	return r;
}

static int folder_select(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int folder_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int settings_read_folder(struct settings *settings, const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, folder_select, folder_order);
	int r = 0;

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		r = -errno;
		settings_fault_file(settings, folder,
				    "cannot be listed (%s); check its permissions", strerror(-r));
		return r;
	}
	for (int i = 0; i < count; i++) {
		char *file = NULL;

		if (r < 0)
			goto next;
		if (asprintf(&file, "%s/%s", folder, entries[i]->d_name) < 0) {
			settings->out_of_memory = true;
			r = -ENOMEM;
			goto next;
		}
		r = settings_read_file(settings, file);
		free(file);
	next:
		free(entries[i]);
	}
	free(entries);
	return r;
}
