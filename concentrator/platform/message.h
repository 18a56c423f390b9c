/* message.h - one line of the control protocol (concentrator/control.md), parsed and written.
 *
 * Strict where it reads: duplicate keys, reals, integers past 64 bits, nesting deeper than 8, bad UTF-8
 * and lines past 64 KiB are refused. Pure but for the memory that jansson takes. json_t parameters are
 * borrowed unless marked "takes"; a json_t that is returned or put into a ret_ is the caller's to free
 * with json_decref().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "concentrator/platform/problem.h"

#define MESSAGE_VERSION     1
#define MESSAGE_SIZE_MAX    (64 * 1024) /* a line with its newline */
#define MESSAGE_DEPTH_MAX   8           /* the message itself is depth 1 */
#define MESSAGE_ROWS_MAX    256         /* rows of one page */
#define MESSAGE_VERB_SIZE   64
#define MESSAGE_DETAIL_SIZE 512
#define MESSAGE_NO_ID       (-1) /* answers a line whose id could not be read; null on the wire */

struct message_request {
	int64_t id; /* 0 or more, chosen by the client */
	char verb[MESSAGE_VERB_SIZE];
	json_t *args; /* an object, never NULL */
};

/* A problem as it was received, or as the client side found it. */
struct message_problem {
	enum problem problem;
	char *detail;   /* may be NULL */
	json_t *errors; /* array of rows, or NULL */
};

/* Exactly one of data and problem.problem is set. */
struct message_reply {
	int64_t id;
	json_t *data;
	char *more; /* cursor of the next page, or NULL */
	struct message_problem problem;
};

/* Any JSON object under the rules above. detail says what is wrong and where. -EBADMSG: it is not that,
 * -EMSGSIZE: too long, -ENOMEM. Also used for what travels inside a message as text (order payloads). */
int message_parse(const char *text, size_t len, json_t **ret,
		  char ret_detail[static MESSAGE_DETAIL_SIZE]);

/* A request line without its newline. -EBADMSG: not JSON or not a request, -EPROTO: another protocol
 * version, -EMSGSIZE, -ENOMEM; detail is set on each. The id is set, or MESSAGE_NO_ID, on error also, so
 * that the problem can be answered. Free with message_request_clear(). */
int message_parse_request(const char *line, size_t len, struct message_request *ret,
			  char ret_detail[static MESSAGE_DETAIL_SIZE]);
void message_request_clear(struct message_request *request);

/* A reply line without its newline. -EPROTO when it is not one, -ENOMEM. Free with
 * message_reply_clear(). */
int message_parse_reply(const char *line, size_t len, struct message_reply *ret);
void message_reply_clear(struct message_reply *reply);
void message_problem_clear(struct message_problem *problem);

/* The lines, with their newline, as text the caller frees. args and data may be NULL: an empty object;
 * more, detail and errors may be NULL: left out. -EMSGSIZE when it does not fit a line, -ENOMEM. */
int message_write_request(int64_t id, const char *verb, const json_t *args, char **ret,
			  size_t *ret_len);
int message_write_reply(int64_t id, const json_t *data, const char *more, char **ret,
			size_t *ret_len);
int message_write_problem(int64_t id, enum problem problem, const char *detail,
			  const json_t *errors, char **ret, size_t *ret_len);

/* Holds args against a list of what a verb takes, words of name[?]:type; '?' is optional, type is one of
 *     s  string of 1 to 128 bytes without control characters
 *     t  text of any length (a tariff)
 *     i  integer, 0 or more
 *     b  boolean
 *     a  array
 *     o  object
 *     m  money
 * for example "room:s circuit?:s position:s reason:s". -EINVAL with detail for a missing argument, a
 * wrong type, or a name not in the list. */
int message_check_args(const json_t *args, const char *spec,
		       char ret_detail[static MESSAGE_DETAIL_SIZE]);

/* Arguments by name: the string, or NULL; the integer or boolean, or fallback. */
const char *message_arg_string(const json_t *args, const char *name);
int64_t message_arg_int64(const json_t *args, const char *name, int64_t fallback);
bool message_arg_bool(const json_t *args, const char *name, bool fallback);

/* {"value":int,"multiplier":-digits,"monetaryUnit":currency}, rounded toward minus infinity. digits is
 * 0 to 9, currency the ISO 4217 number. NULL without memory. */
json_t *message_money(int64_t amount_nano, int digits, int currency);

/* The exact amount of a money object in billionths. -EINVAL: not an object of exactly those three
 * integers, a multiplier outside -9 to 9 or a currency outside 1 to 999; -ERANGE: past int64. */
int message_parse_money(const json_t *money, int64_t *ret_nano, int *ret_currency);

/* Billionths as a string, since many readers lose integers past 2^53. NULL without memory. */
json_t *message_nano(int64_t amount_nano);

/* -EINVAL: not a string of a decimal integer, -ERANGE. */
int message_parse_nano(const json_t *text, int64_t *ret_nano);
