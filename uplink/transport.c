/* transport.c - libcurl multi on sd-event: libcurl names the descriptors and one time-out, the loop
 * wakes it, and finished requests are handed out from one place. */
#include "uplink/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <curl/curl.h>

#include "concentrator/platform/clock.h"

#define CONNECT_TIMEOUT_MS 20000L
#define UNACKNOWLEDGED_MS                                                                          \
	30000u /* the kernel gives a connection up whose bytes are not acknowledged */
#define HEADERS_MAX       (32 * 1024)
#define HEADER_VALUE_MAX  64
#define CONNECTIONS_MAX   2L /* without HTTP/2: the long poll, and what is sent meanwhile */
#define IDLE_CONNECTION_S 120L
#define USER_AGENT        "prepay-uplinkd/" PREPAY_VERSION

struct transport {
	sd_event *event;
	struct transport_settings settings;
	CURLM *multi;
	sd_event_source *timer;
	struct request *requests;
};

/* One watched descriptor; libcurl keeps it for us with curl_multi_assign(). */
struct watch {
	sd_event_source *source;
};

struct request {
	struct request *next;
	CURL *easy;
	struct curl_slist *headers;
	char *sent;
	char *body;
	size_t len, size, header_len;
	bool oversized, any_byte;
	char retry_after[HEADER_VALUE_MAX + 1], date[HEADER_VALUE_MAX + 1];
	char detail[CURL_ERROR_SIZE];
	int64_t started_us;
	transport_done done;
	void *user;
};

static struct request *request_free(struct request *request)
{
	if (request == NULL)
		return NULL;
	if (request->easy != NULL)
		curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	free(request->sent);
	free(request->body);
	free(request);
	return NULL;
}

static void unlink_request(struct transport *transport, const struct request *request)
{
	struct request **at = &transport->requests;

	while (*at != NULL && *at != request)
		at = &(*at)->next;
	if (*at != NULL)
		*at = request->next;
}

struct request *transport_cancel(struct transport *transport, struct request *request)
{
	if (request == NULL)
		return NULL;
	(void)curl_multi_remove_handle(transport->multi, request->easy);
	unlink_request(transport, request);
	return request_free(request);
}

/* --- what libcurl calls while a request runs --- */

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
	struct request *request = user;
	size_t len = size * n;

	if (len > TRANSPORT_ANSWER_MAX - request->len) {
		request->oversized = true;
		return 0;
	}
	if (request->len + len + 1 > request->size) {
		size_t wanted = request->size * 2 > request->len + len + 1 ? request->size * 2
									   : request->len + len + 1;
		char *larger = realloc(request->body, wanted);
		if (larger == NULL)
			return 0;
		request->body = larger;
		request->size = wanted;
	}
	memcpy(request->body + request->len, bytes, len);
	request->len += len;
	request->body[request->len] = '\0';
	return len;
}

/* Copies the value of a header line when it has that name and its value fits. */
static void keep_header(const char *line, size_t len, const char *name, char *ret, size_t size)
{
	size_t name_len = strlen(name);

	if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return;
	line += name_len + 1;
	len -= name_len + 1;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len < size) {
		memcpy(ret, line, len);
		ret[len] = '\0';
	}
}

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
	struct request *request = user;
	size_t len = size * n;

	request->any_byte = true;
	request->header_len += len;
	if (request->header_len > HEADERS_MAX) {
		request->oversized = true;
		return 0;
	}
	keep_header(bytes, len, "Retry-After", request->retry_after, sizeof(request->retry_after));
	keep_header(bytes, len, "Date", request->date, sizeof(request->date));
	return len;
}

/* A carrier drops idle flows without a word; then only the kernel's own patience ends the connection. */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	unsigned unacknowledged_ms = UNACKNOWLEDGED_MS;

	(void)user;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
			 sizeof(unacknowledged_ms));
	return CURL_SOCKOPT_OK;
}

/* --- finished requests --- */

static bool is_json(CURL *easy)
{
	static const char type[] = "application/json";
	const char *value = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &value) != CURLE_OK || value == NULL)
		return false;
	if (strncasecmp(value, type, strlen(type)) != 0)
		return false;
	value += strlen(type);
	return *value == '\0' || *value == ';' || *value == ' ';
}

static uint64_t counted(CURL *easy, CURLINFO sized, CURLINFO framed)
{
	curl_off_t body = 0;
	long frame = 0;

	(void)curl_easy_getinfo(easy, sized, &body);
	(void)curl_easy_getinfo(easy, framed, &frame);
	return (body > 0 ? (uint64_t)body : 0) + (frame > 0 ? (uint64_t)frame : 0);
}

static int64_t rtt_of(CURL *easy, bool *ret_new_connection)
{
	curl_off_t name = 0, connect = 0, sent = 0, first = 0;
	long connections = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	(void)curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &name);
	(void)curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect);
	(void)curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
	(void)curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	*ret_new_connection = connections > 0;
	if (connections > 0)
		return connect > name ? connect - name : 0;
	return first > sent ? first - sent : 0;
}

static void finish(struct request *request, CURLcode code)
{
	CURL *easy = request->easy;
	curl_off_t sent_us = 0;
	struct answer answer = {
		.ending = {.curl_code = (int)code, .oversized = request->oversized},
		.body = request->body,
		.len = request->len,
		.retry_after = request->retry_after[0] != '\0' ? request->retry_after : NULL,
		.date = request->date[0] != '\0' ? request->date : NULL,
		.detail = request->detail,
		.any_byte = request->any_byte,
		.took_us = clock_boottime_us() - request->started_us,
		.bytes_up = counted(easy, CURLINFO_SIZE_UPLOAD_T, CURLINFO_REQUEST_SIZE),
		.bytes_down = counted(easy, CURLINFO_SIZE_DOWNLOAD_T, CURLINFO_HEADER_SIZE),
	};

	answer.rtt_us = rtt_of(easy, &answer.new_connection);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.ending.status);
	(void)curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	answer.connected = sent_us > 0;
	answer.ending.json = is_json(easy);
	request->done(request->user, &answer);
}

/* done() may start and cancel other requests, so the next message is asked for anew each time. */
static void finish_all(struct transport *transport)
{
	CURLMsg *message;
	int waiting;

	while ((message = curl_multi_info_read(transport->multi, &waiting)) != NULL) {
		struct request *request = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
		(void)curl_multi_remove_handle(transport->multi, request->easy);
		unlink_request(transport, request);
		finish(request, code);
		(void)request_free(request);
	}
}

/* --- the loop --- */

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct transport *transport = user;
	int running, mask = 0;

	(void)source;
	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(transport->multi, fd, mask, &running);
	finish_all(transport);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *user)
{
	struct transport *transport = user;
	int running;

	(void)source;
	(void)at_us;
	(void)curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_all(transport);
	return 0;
}

/* libcurl must not be entered from here, not even for 0 ms: the timer goes through the loop. */
static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *user)
{
	struct transport *transport = user;

	(void)multi;
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(transport->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(transport->timer, (uint64_t)timeout_ms * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(transport->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static void watch_free(struct watch *watch)
{
	(void)sd_event_source_disable_unref(watch->source);
	free(watch);
}

static int on_watch_wanted(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	struct transport *transport = user;
	struct watch *watch = socket_user;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL)
			watch_free(watch);
		(void)curl_multi_assign(transport->multi, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (watch != NULL)
		return sd_event_source_set_io_events(watch->source, events) < 0 ? -1 : 0;

	watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		return -1;
	if (sd_event_add_io(transport->event, &watch->source, fd, events, on_io, transport) < 0) {
		free(watch);
		return -1;
	}
	(void)curl_multi_assign(transport->multi, fd, watch);
	return 0;
}

int transport_open(struct transport **ret, sd_event *event,
		   const struct transport_settings *settings)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	if ((curl->features & CURL_VERSION_SSL) == 0 ||
	    (curl->features & CURL_VERSION_ASYNCHDNS) == 0 ||
	    (curl->features & CURL_VERSION_LIBZ) == 0)
		return -EINVAL;

	struct transport *transport = calloc(1, sizeof(*transport));
	if (transport == NULL)
		return -ENOMEM;
	transport->event = sd_event_ref(event);
	transport->settings = *settings;
	transport->multi = curl_multi_init();
	if (transport->multi == NULL ||
	    sd_event_add_time_relative(event, &transport->timer, CLOCK_BOOTTIME, 0, 1000, on_timer,
				       transport) < 0 ||
	    sd_event_source_set_enabled(transport->timer, SD_EVENT_OFF) < 0) {
		(void)transport_close(transport);
		return -ENOMEM;
	}
	(void)curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, on_watch_wanted);
	(void)curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
	(void)curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	(void)curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
	(void)curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	(void)curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	*ret = transport;
	return 0;
}

struct transport *transport_close(struct transport *transport)
{
	if (transport == NULL)
		return NULL;
	while (transport->requests != NULL)
		(void)transport_cancel(transport, transport->requests);
	if (transport->multi != NULL)
		(void)curl_multi_cleanup(transport->multi);
	(void)sd_event_source_disable_unref(transport->timer);
	(void)sd_event_unref(transport->event);
	free(transport);
	return NULL;
}

/* --- starting --- */

static int add_header(struct request *request, const char *name, const char *value)
{
	char line[256];

	if (snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line))
		return -EINVAL;
	struct curl_slist *longer = curl_slist_append(request->headers, line);
	if (longer == NULL)
		return -ENOMEM;
	request->headers = longer;
	return 0;
}

static int set_headers(struct request *request, const struct transport_ask *ask)
{
	int r = add_header(request, "Accept", "application/json, application/problem+json");

	if (r == 0)
		r = add_header(request, "Prepay-Clock", ask->clock);
	if (r == 0 && ask->boot != NULL)
		r = add_header(request, "Prepay-Boot", ask->boot);
	if (r == 0 && ask->body != NULL)
		r = add_header(request, "Content-Type", "application/json");
	if (r == 0 && ask->body != NULL && ask->gzip)
		r = add_header(request, "Content-Encoding", "gzip");
	/* Never ask first whether a body is welcome: the answer would cost a round trip. */
	if (r == 0 && ask->body != NULL)
		r = add_header(request, "Expect", "");
	return r;
}

/* The first error sticks. */
#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (code == CURLE_OK)                                                              \
			code = curl_easy_setopt(easy, option, value);                              \
	} while (0)

static CURLcode set_trust(CURL *easy, const struct transport_settings *settings)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO, settings->ca);
	/* Debian's libcurl would also believe every CA of /etc/ssl/certs. */
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSLCERT, settings->certificate);
	SET(CURLOPT_SSLKEY, settings->key);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	return code;
}

static CURLcode set_options(struct request *request, const struct transport *transport,
			    const struct transport_ask *ask)
{
	CURL *easy = request->easy;
	CURLcode code = set_trust(easy, &transport->settings);

	SET(CURLOPT_URL, ask->url);
	SET(CURLOPT_HTTPHEADER, request->headers);
	SET(CURLOPT_USERAGENT, USER_AGENT);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_PIPEWAIT, 1L);
	SET(CURLOPT_FRESH_CONNECT, ask->fresh ? 1L : 0L);
	SET(CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)(ask->timeout_us / 1000));
	SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, request);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, request);
	SET(CURLOPT_ERRORBUFFER, request->detail);
	SET(CURLOPT_PRIVATE, request);
	if (ask->body != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_len);
		SET(CURLOPT_POSTFIELDS, ask->body);
	}
	return code;
}

int transport_start(struct transport *transport, const struct transport_ask *ask,
		    transport_done done, void *user, struct request **ret)
{
	struct request *request = calloc(1, sizeof(*request));
	int r;

	if (request == NULL)
		return -ENOMEM;
	request->size = 4096;
	request->body = calloc(1, request->size);
	request->easy = curl_easy_init();
	request->done = done;
	request->user = user;
	request->started_us = clock_boottime_us();
	r = request->body == NULL || request->easy == NULL ? -ENOMEM : set_headers(request, ask);
	if (r == 0 && set_options(request, transport, ask) != CURLE_OK)
		r = -EINVAL;
	if (r == 0 && curl_multi_add_handle(transport->multi, request->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0) {
		(void)request_free(request);
		return r;
	}
	request->sent = ask->body;
	request->next = transport->requests;
	transport->requests = request;
	*ret = request;
	return 0;
}
