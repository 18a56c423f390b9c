/* What the messenger does after each way a request can end: the table of openapi.yaml, section Failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "uplink/outcome.h"

#define ANY (-1) /* the same on every path */

struct row {
	const char *sentence;
	struct uplink_ending ending;
	int path;
	enum uplink_action action;
	bool transport;
};

static const struct row rows[] = {
	{"a complete JSON answer is taken", {CURLE_OK, 200, true, false}, ANY, ACTION_TAKE, false},
	{"a captive portal's page is no answer",
	 {CURLE_OK, 200, false, false},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"no content is no answer", {CURLE_OK, 204, true, false}, ANY, ACTION_RETRY, true},
	{"created is no answer", {CURLE_OK, 201, true, false}, ANY, ACTION_RETRY, true},
	{"an answer cut off at the limit is no answer",
	 {CURLE_WRITE_ERROR, 200, true, true},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"half an answer is no answer",
	 {CURLE_PARTIAL_FILE, 200, true, false},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"no name service", {CURLE_COULDNT_RESOLVE_HOST, 0, false, false}, ANY, ACTION_RETRY, true},
	{"nobody listens", {CURLE_COULDNT_CONNECT, 0, false, false}, ANY, ACTION_RETRY, true},
	{"a wrong server certificate only waits",
	 {CURLE_PEER_FAILED_VERIFICATION, 0, false, false},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"our key file is missing",
	 {CURLE_SSL_CERTPROBLEM, 0, false, false},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"time-out", {CURLE_OPERATION_TIMEDOUT, 0, false, false}, ANY, ACTION_RETRY, true},
	{"a code that the table does not name",
	 {CURLE_TELNET_OPTION_SYNTAX, 0, false, false},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"a 413 that broke off is a broken connection",
	 {CURLE_RECV_ERROR, 413, false, false},
	 ANY,
	 ACTION_RETRY,
	 true},
	{"a redirect is not followed", {CURLE_OK, 302, false, false}, ANY, ACTION_RETRY, false},
	{"permanently moved is not followed",
	 {CURLE_OK, 308, true, false},
	 ANY,
	 ACTION_RETRY,
	 false},
	{"a bad request on the feed has nothing to halve",
	 {CURLE_OK, 400, false, false},
	 PATH_FEED,
	 ACTION_RETRY,
	 false},
	{"a bad receipt is isolated",
	 {CURLE_OK, 400, false, false},
	 PATH_RECEIPTS,
	 ACTION_SPLIT,
	 false},
	{"a bad event is isolated",
	 {CURLE_OK, 422, false, false},
	 PATH_EVENTS,
	 ACTION_SPLIT,
	 false},
	{"content not understood is isolated",
	 {CURLE_OK, 415, false, false},
	 PATH_EVENTS,
	 ACTION_SPLIT,
	 false},
	{"too large is halved", {CURLE_OK, 413, false, false}, PATH_EVENTS, ACTION_SHRINK, false},
	{"no certificate accepted: slowly", {CURLE_OK, 401, false, false}, ANY, ACTION_SLOW, false},
	{"forbidden: slowly", {CURLE_OK, 403, false, false}, ANY, ACTION_SLOW, false},
	{"unknown site: slowly", {CURLE_OK, 404, false, false}, ANY, ACTION_SLOW, false},
	{"an unknown cursor starts the feed again",
	 {CURLE_OK, 410, false, false},
	 PATH_FEED,
	 ACTION_REPLAY,
	 false},
	{"gone drops no event", {CURLE_OK, 410, false, false}, PATH_EVENTS, ACTION_SLOW, false},
	{"time-out at the cloud", {CURLE_OK, 408, false, false}, ANY, ACTION_RETRY, false},
	{"too early", {CURLE_OK, 425, false, false}, ANY, ACTION_RETRY, false},
	{"too often", {CURLE_OK, 429, false, false}, ANY, ACTION_RETRY, false},
	{"the cloud failed over events",
	 {CURLE_OK, 500, false, false},
	 PATH_EVENTS,
	 ACTION_SUSPECT,
	 false},
	{"the cloud failed on the feed",
	 {CURLE_OK, 500, false, false},
	 PATH_FEED,
	 ACTION_RETRY,
	 false},
	{"not available", {CURLE_OK, 503, false, false}, ANY, ACTION_RETRY, false},
	{"an unknown client error", {CURLE_OK, 418, false, false}, ANY, ACTION_RETRY, false},
	{"no status at all", {CURLE_OK, 0, false, false}, ANY, ACTION_RETRY, false},
	{"a status out of range", {CURLE_OK, 999, true, false}, ANY, ACTION_RETRY, false},
};

static void each_ending_has_its_action(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int path = PATH_FEED; path <= PATH_EVENTS; path++) {
			if (rows[i].path != ANY && rows[i].path != path)
				continue;
			struct uplink_outcome outcome = outcome_decide((enum uplink_path)path,
								       &rows[i].ending);
			if (outcome.action != rows[i].action ||
			    outcome.transport != rows[i].transport || outcome.why == NULL)
				fail_msg("%s: action %d, transport %d", rows[i].sentence,
					 (int)outcome.action, outcome.transport);
		}
	}
}

/* U1: nothing but a refusal of the content itself may end in an item being set aside. */
static void only_a_refusal_of_the_content_splits(void **state)
{
	(void)state;
	for (long status = 0; status < 1000; status++) {
		struct uplink_ending ending = {.status = status, .json = true};
		enum uplink_action action = outcome_decide(PATH_EVENTS, &ending).action;
		bool content = status == 400 || status == 415 || status == 422;

		assert_int_equal(action == ACTION_SPLIT, content);
		assert_int_equal(action == ACTION_TAKE, status == 200);
	}
}

static void each_item_has_its_action(void **state)
{
	static const struct {
		long status;
		enum uplink_action action;
	} items[] = {
		{200, ACTION_TAKE},  {208, ACTION_TAKE},  {400, ACTION_SPLIT}, {409, ACTION_SPLIT},
		{422, ACTION_SPLIT}, {408, ACTION_RETRY}, {425, ACTION_RETRY}, {429, ACTION_RETRY},
		{500, ACTION_RETRY}, {302, ACTION_RETRY}, {100, ACTION_RETRY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		assert_int_equal(outcome_of_item(items[i].status), items[i].action);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_ending_has_its_action),
		cmocka_unit_test(only_a_refusal_of_the_content_splits),
		cmocka_unit_test(each_item_has_its_action),
	};

	return cmocka_run_group_tests_name("uplink_outcome", tests, NULL, NULL);
}
