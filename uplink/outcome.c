/* outcome.c - two tables: libcurl's codes and HTTP's statuses, each to an action and its reason. */
#include "uplink/outcome.h"

#include <stddef.h>

#include <curl/curl.h>

struct curl_row {
	CURLcode code;
	const char *why;
};

/* Every failure below HTTP means the same for the queue; only what people read differs. */
static const struct curl_row curl_rows[] = {
	{CURLE_COULDNT_RESOLVE_HOST, "the cloud's name cannot be resolved"},
	{CURLE_COULDNT_CONNECT, "no connection to the cloud"},
	{CURLE_OPERATION_TIMEDOUT, "the cloud did not answer in time"},
	{CURLE_PEER_FAILED_VERIFICATION, "the cloud's certificate is not accepted"},
	{CURLE_SSL_CONNECT_ERROR, "the TLS handshake failed"},
	{CURLE_SSL_CERTPROBLEM, "our client certificate or key cannot be used"},
	{CURLE_SSL_CACERT_BADFILE, "the cloud's CA file cannot be used"},
	{CURLE_SSL_ISSUER_ERROR, "the cloud's certificate is not accepted"},
	{CURLE_SSL_SHUTDOWN_FAILED, "the TLS connection broke"},
	{CURLE_GOT_NOTHING, "the cloud closed the connection without an answer"},
	{CURLE_SEND_ERROR, "the connection broke while sending"},
	{CURLE_RECV_ERROR, "the connection broke while receiving"},
	{CURLE_PARTIAL_FILE, "the answer is not complete"},
	{CURLE_HTTP2, "the HTTP/2 connection broke"},
	{CURLE_HTTP2_STREAM, "the HTTP/2 stream broke"},
	{CURLE_WEIRD_SERVER_REPLY, "the answer is not HTTP"},
	{CURLE_BAD_CONTENT_ENCODING, "the answer cannot be decompressed"},
	{CURLE_WRITE_ERROR, "the answer could not be kept"},
};

struct status_row {
	long first, last;
	enum uplink_action feed, post;
	const char *why;
};

/* The first row that holds the status counts. */
static const struct status_row status_rows[] = {
	{300, 399, ACTION_RETRY, ACTION_RETRY, "a redirect, which is never followed"},
	{400, 400, ACTION_RETRY, ACTION_SPLIT, "the cloud refuses the request"},
	{401, 401, ACTION_SLOW, ACTION_SLOW, "the cloud does not accept our certificate"},
	{403, 403, ACTION_SLOW, ACTION_SLOW, "the cloud forbids us the site"},
	{404, 404, ACTION_SLOW, ACTION_SLOW, "the cloud does not know the site or the path"},
	{408, 408, ACTION_RETRY, ACTION_RETRY, "the cloud gave up waiting for the request"},
	{410, 410, ACTION_REPLAY, ACTION_SLOW, "the cloud does not know it any more"},
	{413, 413, ACTION_RETRY, ACTION_SHRINK, "the cloud finds the request too large"},
	{415, 415, ACTION_RETRY, ACTION_SPLIT, "the cloud does not understand the content"},
	{422, 422, ACTION_RETRY, ACTION_SPLIT, "the cloud finds the content wrong"},
	{425, 425, ACTION_RETRY, ACTION_RETRY, "the cloud asks to come again"},
	{429, 429, ACTION_RETRY, ACTION_RETRY, "the cloud asks to come less often"},
	{500, 500, ACTION_RETRY, ACTION_SUSPECT, "the cloud failed"},
	{501, 599, ACTION_RETRY, ACTION_RETRY, "the cloud is not available"},
};

static struct uplink_outcome transport_failure(const char *why)
{
	return (struct uplink_outcome){.action = ACTION_RETRY, .transport = true, .why = why};
}

struct uplink_outcome outcome_decide(enum uplink_path path, const struct uplink_ending *ending)
{
	if (ending->oversized)
		return transport_failure("the answer is larger than 256 KiB");
	if (ending->curl_code != CURLE_OK) {
		for (size_t i = 0; i < sizeof(curl_rows) / sizeof(curl_rows[0]); i++)
			if ((int)curl_rows[i].code == ending->curl_code)
				return transport_failure(curl_rows[i].why);
		return transport_failure("the request failed");
	}
	if (ending->status >= 200 && ending->status <= 299) {
		if (ending->status != 200 || !ending->json)
			return transport_failure(
				"the answer is not the cloud's (a captive portal?)");
		return (struct uplink_outcome){.action = ACTION_TAKE, .why = "answered"};
	}
	for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
		const struct status_row *row = &status_rows[i];
		if (ending->status >= row->first && ending->status <= row->last)
			return (struct uplink_outcome){
				.action = path == PATH_FEED ? row->feed : row->post,
				.why = row->why,
			};
	}
	return (struct uplink_outcome){.action = ACTION_RETRY, .why = "an unexpected answer"};
}

enum uplink_action outcome_of_item(long status)
{
	if (status >= 200 && status <= 299)
		return ACTION_TAKE;
	if (status >= 400 && status <= 499 && status != 408 && status != 425 && status != 429)
		return ACTION_SPLIT;
	return ACTION_RETRY;
}
