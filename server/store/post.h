/**
 * store/post, inside: from a row of `posts` to a struct post, shared by pages and threads.
 */
#ifndef STORE_POST_H
#define STORE_POST_H

#include "store/reader_inside.h"
#include "store/timeline.h"

/* The columns that post_from() reads, from `posts p` joined with `feeds f` and with either
 * `messages m` or `ahead a`, whichever holds it. */
#define POST_COLUMNS                                                                      \
	"p.message, p.at, m.sequence, m.key_head, m.key_tail, f.id, m.body, m.received, " \
	"a.sequence, a.key_head, a.key_tail, a.body, a.received, a.is_checked, f.sequence"
#define POST_HOLDERS                                                                       \
	" LEFT JOIN messages m ON m.message = p.message LEFT JOIN ahead a ON a.message = " \
	"p.message"
#define POST_TABLES "posts p CROSS JOIN feeds f ON f.feed = p.feed" POST_HOLDERS
/* The same columns from `strays s` joined with `feeds f`: like something held ahead and checked. */
#define POST_STRAY_COLUMNS                                                                  \
	"s.stray + 562949953421312, s.at, NULL, NULL, NULL, f.id, NULL, NULL, s.sequence, " \
	"s.key_head, s.key_tail, s.body, s.received, 1, f.sequence"
#define POST_STRAY_TABLES "strays s CROSS JOIN feeds f ON f.feed = s.feed"
/* Whom we block has none. */
#define POST_STRAY_IS_SHOWN \
	"s.is_post = 1 AND NOT EXISTS (SELECT 1 FROM mutes u WHERE u.feed = s.feed)"
/* A row whose message is not there is kith check's finding, and on no page. */
#define POST_IS_HELD "(m.message IS NOT NULL OR a.message IS NOT NULL)"

/** An empty page with room for `room` posts. */
MUST_USE enum err post_page_init(struct posts *posts, size_t room);
/** The memory of another page becomes this one's too. */
void post_arena_join(struct arena **to, struct arena **from);
/** Copy bytes into the page's memory. NULL without memory. */
MUST_USE const uint8_t *post_keep(struct posts *posts, struct span bytes);

/** The part of `*out` that a content says, texts copied into the page. ERR_IO: it is no post. */
MUST_USE enum err post_content(struct posts *posts, const struct json *content, struct post *out);
/** Fill `*out` from the present row, texts copied into the page. With `doc` not NULL the parsed
 * message is left there, the caller's. ERR_IO: the row is damaged. */
MUST_USE enum err post_from(
	struct posts *posts, sqlite3_stmt *stmt, struct post *out, struct json_doc **doc);
/** When the message of the present row came, ms. */
double post_received_ms(sqlite3_stmt *stmt);
/** Replies and likes of every post of the page, and out of it what is hidden (store/veil). */
MUST_USE enum err post_count_all(struct reader *reader, struct posts *posts);
/** The row of one post by its key, as POST_COLUMNS; ERR_NOT_FOUND when we hold no such post. Reset
 * the statement after use. */
MUST_USE enum err post_find(struct reader *reader, const struct message_id *id, sqlite3_stmt **out);

#endif
