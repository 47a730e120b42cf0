/**
 * api/answer: what goes back: a status, bytes and a handful of headers, and the ways to fill it.
 * Knows no socket.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "base/buf.h"

#include <jansson.h>
#include <stdatomic.h>

enum {
	ANSWER_BODY_BYTES_MAX = 8 * 1024 * 1024,
	ANSWER_COOKIE_BYTES = 256,
	ANSWER_NAME_BYTES = 96,
	ANSWER_RANGE_BYTES = 80,
	ANSWER_ETAG_BYTES = 48,
	ANSWER_HEADERS_MAX = 20
};

enum answer_kind {
	ANSWER_JSON,     /* no-store */
	ANSWER_PAGE,     /* HTML with all of security.md §5; no-store */
	ANSWER_FILE,     /* part of the page; immutable when `is_immutable`, else no-store */
	ANSWER_TEXT,     /* plain, no-store */
	ANSWER_METRICS,  /* OpenMetrics, no-store */
	ANSWER_DOWNLOAD, /* bytes of `fd`, to be saved under a name; no-store */
	ANSWER_BLOB,     /* a blob, or a part of it: bytes of `fd`, or `fixed` */
};

struct answer {
	unsigned status; /* 0: nothing was said yet */
	enum answer_kind kind;
	struct buf body;
	struct span fixed; /* when not empty: the body, in memory that outlives the server; `body`
			      is empty then */
	int fd;            /* ANSWER_DOWNLOAD, ANSWER_BLOB: the body, ours to close; −1 else */
	uint64_t fd_at, fd_bytes;
	char disposition[ANSWER_NAME_BYTES]; /* both: the header; "" none */
	const char *mime;                    /* ANSWER_FILE, ANSWER_BLOB; static */
	char range[ANSWER_RANGE_BYTES];      /* ANSWER_BLOB: Content-Range; "" none */
	char etag[ANSWER_ETAG_BYTES];        /* ANSWER_BLOB: ETag, and it may be kept; "" none */
	bool is_gzip;
	bool is_immutable;
	atomic_uint *held;                /* counted down when the answer is over; NULL normally */
	bool is_secret;                   /* the body is wiped when it has been sent */
	bool is_last;                     /* close the connection behind it */
	unsigned retry_after_s;           /* 0: no such header */
	char cookie[ANSWER_COOKIE_BYTES]; /* Set-Cookie; "" none */
};

void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);

/** Takes `tree` over; NULL (no memory) becomes an error. */
void answer_json(struct answer *answer, unsigned status, json_t *tree);

/** The `bytes` of the regular file `fd`, which is taken over, to be saved as `name` (letters,
 * digits,
 * `-` and `.` only, checked by the caller). */
void answer_download(struct answer *answer, int fd, uint64_t bytes, struct span name);

/* The headers of an answer; values are static, or the answer's, or `retry_after`. */
struct answer_headers {
	struct {
		const char *name, *value;
	} at[ANSWER_HEADERS_MAX];
	size_t count;
	char retry_after[16];
};
/** All of security.md §5 for its kind. */
void answer_list_headers(const struct answer *answer, struct answer_headers *out);

/** Append the body, wherever it is: for who has no socket. ERR_LIMIT, ERR_NOMEM (of `out`), ERR_IO.
 */
MUST_USE enum err answer_read(const struct answer *answer, struct buf *out);

/* The errors of API.md. */
enum said {
	SAID_BAD_REQUEST,
	SAID_LOGIN,
	SAID_DENIED,
	SAID_READ_ONLY,
	SAID_NOT_FOUND,
	SAID_METHOD,
	SAID_TOO_LARGE,
	SAID_SLOW_DOWN,
	SAID_PAUSED,
	SAID_REFUSED,
	SAID_CONFLICT, /* refused, 409: not now */
	SAID_LOCKED,
	SAID_BUSY,
	SAID_STARTING,
	SAID_DISK_FULL,
	SAID_UNREACHABLE,
	SAID_NOT_RUNNING,
	SAID_INTERNAL,
};
/** Whatever was in `answer` is replaced. `sentence` is for people; NULL takes the usual one. */
void answer_error(struct answer *answer, enum said what, const char *sentence);
/** Publishing is paused; what was to be published is kept as `draft`, or not at all when it is 0.
 */
void answer_paused(struct answer *answer, const char *sentence, int64_t draft);
/** The node is on its way; `done` of `of` parts of it are (0 of 0: nobody knows). */
void answer_starting(struct answer *answer, const char *sentence, int64_t done, int64_t of);
void answer_slow_down(struct answer *answer, int64_t retry_s);
/** What a failing call below us means for the one who asked. */
void answer_err(struct answer *answer, enum err err);

#endif
