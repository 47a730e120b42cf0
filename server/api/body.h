/**
 * api/body: what a client sends: JSON bodies and query strings, read strictly.
 */
#ifndef API_BODY_H
#define API_BODY_H

#include "base/buf.h"

#include <jansson.h>

/**
 * From here on jansson wipes all memory that it frees, in the whole process: passphrases and words
 * pass through its trees. Any number of times; any thread.
 */
void body_wipe_json(void);

/** An object, or NULL: not JSON, not an object, a key twice, deeper than LIMIT_HTTP_BODY_DEPTH.
 * json_decref() it. */
MUST_USE json_t *body_parse(struct span text);
/** Is `text` nested at most `depth_max` deep? (Counts brackets outside strings; knows nothing
 * else.) */
bool body_is_shallow(struct span text, unsigned depth_max);

/** Member `name` as text. False: it is absent (or null), or no text. */
bool body_text(const json_t *body, const char *name, struct span *out);
/** Is member `name` there, and not null? */
bool body_has(const json_t *body, const char *name);

/** The value of query parameter `name`, decoded, appended to `out`. ERR_NOT_FOUND; ERR_REFUSED: it
 * is there twice or is not UTF-8; ERR_LIMIT. */
MUST_USE enum err body_query(struct span query, const char *name, struct buf *out);

/** Append `text` (a stranger's: WTF-8 or worse) as UTF-8: what is not becomes U+FFFD. */
MUST_USE enum err body_clean(struct span text, struct buf *out);
/** `text` as a JSON string, cleaned; NULL without memory. */
MUST_USE json_t *body_string(struct span text);

#endif
