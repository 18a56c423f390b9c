/* transport.h - HTTPS requests on the event loop, over kept connections.
 *
 * libcurl's multi interface driven by sd-event; nothing here blocks (names are resolved in libcurl's
 * own thread). It moves bytes and says how a request ended; what that means is outcome.h's.
 *
 * The server is believed only with a certificate of the one configured CA and with its host name in
 * it; there is no switch to believe less. Redirects and proxies are never used, whatever the
 * environment says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "uplink/outcome.h"

#define TRANSPORT_ANSWER_MAX (256 * 1024) /* bytes after decompression */
#define TRANSPORT_DETAIL_MAX 255

struct transport;
struct request;

/* The strings are borrowed for the life of the transport. */
struct transport_settings {
	const char *ca;          /* file: the only CA that counts */
	const char *certificate; /* file: ours */
	const char *key;         /* file: its key */
};

struct answer {
	struct uplink_ending ending;
	const char *body; /* ends in a NUL that does not count; never NULL */
	size_t len;
	const char *retry_after; /* header values, or NULL */
	const char *date;
	const char *detail; /* what libcurl says about a failure; "" without */
	bool any_byte;      /* at least one byte of an answer came */
	bool connected;     /* the request was sent: connection and TLS stood */
	bool new_connection;
	int64_t took_us;
	int64_t rtt_us; /* of a new connection's TCP handshake, else of the answer's first byte; 0: none */
	uint64_t bytes_up, bytes_down; /* HTTP with its headers, without TLS and TCP */
};

/* Called from the loop, once; everything in answer is borrowed until it returns. Within it the request is
 * over: new ones may be started, this one must not be cancelled. */
typedef void (*transport_done)(void *user, const struct answer *answer);

struct transport_ask {
	const char *url;   /* copied */
	const char *clock; /* value of Prepay-Clock; copied */
	const char *boot;  /* value of Prepay-Boot, or NULL; copied */
	char *body;        /* NULL: GET. Taken when the request starts */
	size_t body_len;
	bool gzip; /* body is compressed */
	int64_t timeout_us;
	bool fresh; /* not over a kept connection: the last one died */
};

/* -ENOMEM, -EINVAL: this libcurl lacks TLS, a resolver thread or gzip. */
int transport_open(struct transport **ret, sd_event *event,
		   const struct transport_settings *settings);
struct transport *transport_close(struct transport *transport);

/* -ENOMEM; -EINVAL: libcurl refuses the URL or an option. On error the body is still the caller's. */
int transport_start(struct transport *transport, const struct transport_ask *ask,
		    transport_done done, void *user, struct request **ret);

/* Ends it without calling done. Accepts NULL. Returns NULL. */
struct request *transport_cancel(struct transport *transport, struct request *request);
