/**
 * api/gate: refuses requests before anything looks at what they want. Pure: bytes in, verdict out.
 *
 * libmicrohttpd 0.9.75 lets nearly all of what is refused here through (duplicate headers, blanks
 * before a colon, any target), so it is given an identity unescape callback and everything is
 * judged again. Source: security.md §1 (HTTP rows) and §5.
 */
#ifndef API_GATE_H
#define API_GATE_H

#include "base/limits.h"
#include "base/span.h"

struct gate_header {
	struct span name, value;
};

/* A request's head as it arrived. Everything is borrowed. */
struct gate_request {
	struct span method;
	struct span target; /* raw: neither unescaped nor split */
	struct span version;
	const struct gate_header *headers;
	size_t header_count;
};

enum { GATE_HOSTS_MAX = 8, GATE_HOST_BYTES = 272 };

/* Who may be asked for. */
struct gate_rules {
	char hosts[GATE_HOSTS_MAX][GATE_HOST_BYTES]; /* whole strings, lower case */
	size_t host_count;
};

enum gate_method { GATE_GET, GATE_HEAD, GATE_POST, GATE_DELETE, GATE_PUT, GATE_OTHER };

/* What is known of a request that passed; spans point into the request. */
struct gate_head {
	enum gate_method method;
	struct span path;  /* before '?' */
	struct span query; /* behind it */
	struct span host, origin, cookie, token, content_type;
	struct span range, if_range, if_none_match;
	/* What a proxy says; worth nothing until api/place knows the proxy. */
	struct span forwarded_for, forwarded_host, forwarded_proto;
	bool is_forwarded;  /* some proxy says anything at all */
	bool is_believed;   /* … and it is a trusted one; this and the next are of api/place */
	bool is_secure;     /* asked by https, as the browser sees it */
	struct span bearer; /* Authorization, whole; for what machines ask (api/metrics) */
	bool is_foreign;    /* the browser says that a page of another origin asks */
	bool has_length;
	uint64_t length;           /* of the body; 0 when there is none */
	bool is_upgrade;           /* a well-formed WebSocket upgrade */
	struct span websocket_key; /* 24 characters, when is_upgrade */
	bool accepts_gzip;
	bool is_keep_alive;
};

/** NULL: it passes and `*out` is filled. Otherwise a static sentence that says what is wrong:
 * answer 400 and close. */
const char *gate_judge(
	const struct gate_rules *rules, const struct gate_request *request, struct gate_head *out);

/** The part of gate_judge() about the target alone; for requests that come without a head. */
const char *gate_judge_target(struct span target, struct gate_head *out);

/** Is it one of the allowed hosts, as a whole string? */
bool gate_host_fits(const struct gate_rules *rules, struct span host);
/** Is it this one? Never when `host` is "". */
bool gate_is_host(struct span given, const char *host);
/** Without blanks and tabs at both ends. */
struct span gate_trim(struct span text);

/** Is `origin` exactly "http://" ("https://" when `is_secure`) and `host`, one of the allowed? */
bool gate_origin_fits(const struct gate_head *head);
/** Is the content type that of plain bytes (application/octet-stream)? */
bool gate_is_bytes(const struct gate_head *head);
/** Is the content type JSON (application/json, perhaps with charset=utf-8)? */
bool gate_is_json(const struct gate_head *head);
/** The value of cookie `name`; false when there is none, or more than one. */
bool gate_cookie(const struct gate_head *head, const char *name, struct span *out);

#endif
