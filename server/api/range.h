/**
 * api/range: which part of a file a request wants (RFC 9110 §14): one range of bytes; and whether
 * it has the file already. Pure.
 */
#ifndef API_RANGE_H
#define API_RANGE_H

#include "base/span.h"

enum range_what {
	RANGE_ALL,     /* nothing was asked that is understood: 200 with all of it */
	RANGE_PART,    /* 206 with `count` bytes from `first` on; at least one */
	RANGE_OUTSIDE, /* 416: none of it is in the file */
};
struct range {
	enum range_what what;
	uint64_t first, count;
};

/** `header`: the value of Range, empty when there is none; several ranges are as none. */
struct range range_read(struct span header, uint64_t bytes);

/** Does `header`, the value of If-None-Match, name `etag` (with its quotes), weak or not, or any?
 */
bool range_has_etag(struct span header, const char *etag);

#endif
