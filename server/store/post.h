/**
 * store/post, inside: from a row of `posts` to a struct post, shared by pages and threads.
 */
#ifndef STORE_POST_H
#define STORE_POST_H

#include "store/reader_inside.h"
#include "store/timeline.h"

/* The columns that post_from() reads, from `posts p` joined with `messages m` and `feeds f`. */
#define POST_COLUMNS "p.message, p.at, m.sequence, m.key_head, m.key_tail, f.id, m.body, m.received"
#define POST_TABLES                                                                              \
	"posts p CROSS JOIN messages m ON m.message = p.message CROSS JOIN feeds f ON f.feed = " \
	"p.feed"

/** An empty page with room for `room` posts. */
MUST_USE enum err post_page_init(struct posts *posts, size_t room);
/** Copy bytes into the page's memory. NULL without memory. */
MUST_USE const uint8_t *post_keep(struct posts *posts, struct span bytes);

/** Fill `*out` from the present row, texts copied into the page. With `doc` not NULL the parsed
 * message is left there, the caller's. ERR_IO: the row is damaged. */
MUST_USE enum err post_from(
	struct posts *posts, sqlite3_stmt *stmt, struct post *out, struct json_doc **doc);
/** Replies and likes of every post of the page. */
MUST_USE enum err post_count_all(struct reader *reader, struct posts *posts);
/** The row of one post by its key, as POST_COLUMNS; ERR_NOT_FOUND when we hold no such post. Reset
 * the statement after use. */
MUST_USE enum err post_find(struct reader *reader, const struct message_id *id, sqlite3_stmt **out);

#endif
