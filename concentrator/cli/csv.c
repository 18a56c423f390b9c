/* csv.c - see csv.h. */
#include "concentrator/cli/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "concentrator/cli/text.h"

struct csv csv_open(char *text)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	return (struct csv){.next = text, .line = 1};
}

static bool ends_line(const char *p)
{
	return *p == '\0' || *p == '\n' || (*p == '\r' && (p[1] == '\n' || p[1] == '\0'));
}

/* After an error: goes on with the next line. */
static int fail_line(struct csv *csv, char *p, int error)
{
	p += strcspn(p, "\n");
	if (*p == '\n')
		p++;
	csv->next = p;
	csv->line++;
	return error;
}

static bool is_clean(const char *field)
{
	for (const char *p = field; *p != '\0'; p += text_character(p)) {
		unsigned char byte = (unsigned char)*p;

		if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && text_character(p) == 1))
			return false;
	}
	return true;
}

/* A quoted field at *p (behind its quote). *p ends at the separator. An unclosed quote leaves the text
 * as it is, so that the lines behind it can still be read. */
static int take_quoted(struct csv *csv, char **p, char **ret_field)
{
	char *end = *p;
	char *out = *p;

	while (*end != '"' || end[1] == '"') {
		if (*end == '\0')
			return -EBADMSG;
		end += *end == '"' ? 2 : 1;
	}
	if (end[1] != ',' && !ends_line(end + 1))
		return -EBADMSG;
	*ret_field = out;
	for (char *in = *p; in < end; in++) {
		csv->line += *in == '\n';
		in += *in == '"';
		*out++ = *in;
	}
	*out = '\0';
	*p = end + 1;
	return 0;
}

static int take_plain(char **p, char **ret_field)
{
	char *start = *p + strspn(*p, " \t");
	char *end = start;
	bool quote = false;

	for (; *end != ',' && !ends_line(end); end++)
		quote |= *end == '"';
	*p = end;
	if (quote)
		return -EINVAL;
	*ret_field = start;
	return 0;
}

/* Ends the field that stopped at p, now that the separator there has been looked at. */
static void trim_end(char *field, char *p)
{
	while (p > field && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	*p = '\0';
}

/* The separator at p is stepped over; true when it ended the record. */
static bool step_over(struct csv *csv, char **p)
{
	char *in = *p;

	if (*in == ',') {
		*p = in + 1;
		return false;
	}
	if (*in == '\r')
		in++;
	if (*in == '\n') {
		in++;
		csv->line++;
	}
	*p = in;
	return true;
}

static bool skip_blank_lines(struct csv *csv)
{
	for (;;) {
		char *p = csv->next + strspn(csv->next, " \t");

		if (*p == '\0' || (*p == '\r' && p[1] == '\0'))
			return false;
		if (!ends_line(p))
			return true;
		(void)step_over(csv, &p);
		csv->next = p;
	}
}

int csv_next(struct csv *csv, struct csv_record *ret)
{
	bool done = false;
	char *p;

	if (!skip_blank_lines(csv))
		return 0;
	*ret = (struct csv_record){.line = csv->line};
	for (p = csv->next; !done; csv->next = p) {
		char *field = NULL;
		char *end;
		bool quoted = *p == '"';
		int r;

		ret->column = ret->count + 1;
		if (ret->count == CSV_FIELDS_MAX)
			return fail_line(csv, p, -E2BIG);
		if (quoted)
			p++;
		r = quoted ? take_quoted(csv, &p, &field) : take_plain(&p, &field);
		if (r < 0)
			return fail_line(csv, p, r);
		end = p;
		done = step_over(csv, &p);
		if (!quoted)
			trim_end(field, end);
		ret->field[ret->count++] = field;
		if (!is_clean(field)) {
			csv->next = p;
			return done ? -EILSEQ : fail_line(csv, p, -EILSEQ);
		}
	}
	return 1;
}

const char *csv_error(int error)
{
	switch (-error) {
	case EBADMSG:
		return "a quote is not closed, or text follows the closing quote";
	case EINVAL:
		return "a quote in the middle of a field; put the whole field in quotes and double "
		       "it";
	case E2BIG:
		return "more fields than any header has";
	default:
		return "a control character, or bytes that are not UTF-8; save the file as UTF-8";
	}
}

void csv_put(FILE *file, const char *text)
{
	bool formula = *text != '\0' && strchr("=+-@", *text) != NULL;

	(void)fputs(formula ? "\"'" : "\"", file);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)fputc('"', file);
		(void)fputc((unsigned char)*text < 0x20 ? ' ' : *text, file);
	}
	(void)fputc('"', file);
}
