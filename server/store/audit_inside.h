/**
 * store/audit, inside: what its files share. audit.c: the walk along the feeds. audit_views.c: what
 * follows from one feed's messages. audit_activity.c: what of it concerns the owner. audit_rows.c:
 * everything else in the database, and the fence.
 */
#ifndef STORE_AUDIT_INSIDE_H
#define STORE_AUDIT_INSIDE_H

#include "base/table.h"
#include "feed/content.h"
#include "store/audit.h"
#include "store/index.h"
#include "store/reader_inside.h"

struct audit_activity {
	int64_t at_ms, message, kind, link;
	bool is_gone; /* a withdrawal */
};

/* What a feed's messages say, to be compared with its rows. */
struct audit_views {
	struct table *edges; /* by whom it is about: the last contact message's edge, plus one */
	struct table *likes; /* by the first 8 bytes of what is liked */
	bool has_profile, has_image;
	char name[264];
	char bio[8 * KIB];
	struct blob_id image;
	/* Rows of `activity` that must be there (audit_activity.c). */
	struct audit_activity *activity;
	size_t activity_count, activity_room;
};

struct audit_subject {
	struct audit *audit;
	struct reader *reader;
	const uint8_t *hmac_key;
	int64_t feed;
	struct feed_id id;
	char text[FEED_ID_TEXT_BYTES];
	struct chain_head claimed; /* what the table of feeds says */
	int64_t claimed_at_ms, claimed_edges;
	struct chain_head head; /* what the messages say so far */
	int64_t head_at_ms;
	struct audit_views views;
	struct buf body; /* the message that is looked at */
	enum contact_edge mine;
	bool is_muted;
	uint64_t first;      /* the history that must be whole begins with it (store/let_go) */
	bool is_once_more;   /* some of its messages were let go: what they said may still count */
	bool is_behind;      /* rows of some of its messages are still to be made */
	bool is_broken;      /* one sentence per broken chain is enough */
	uint64_t log_faults; /* of its messages and its row, without those of its views */
	struct {
		size_t missing; /* in the list of words */
		size_t tags_missing;
		int64_t tags; /* that are there */
	} words;
	struct {
		size_t expected, missing; /* rows of `blob_links` */
	} blobs;
	int64_t *tags_total;  /* rows of `tags` that must be there; −1: it cannot be told */
	int64_t *likes_total; /* rows of `votes` that must be there; −1: it cannot be told */
};

void audit_fault(struct audit *audit, enum audit_kind kind, const char *format, ...)
	PRINTF_LIKE(3, 4);
/** The same about a feed. */
void audit_fault_about(struct audit *audit, enum audit_kind kind, int64_t feed, const char *format,
	...) PRINTF_LIKE(4, 5);
/** A fault of the feed itself, at `sequence` or from there on. */
void audit_feed_fault(struct audit_subject *subject, uint64_t sequence, const char *format, ...)
	PRINTF_LIKE(3, 4);
/** Run a query of one number; 0 when it gives no row. */
MUST_USE enum err audit_number(struct reader *reader, const struct query *query, int64_t *out);

MUST_USE enum err audit_views_init(struct audit_subject *subject);
void audit_views_fini(struct audit_subject *subject);
/** Is the row of `posts` in columns 6 … of `stmt` what the message says? It may be missing when
 * column 11 says that it is still to be made. */
void audit_post(struct audit_subject *subject, sqlite3_stmt *stmt, const struct message *message,
	const struct content *content);
/** Remember what a message says of edges, likes and profile, as store/index does. */
MUST_USE enum err audit_views_note(struct audit_subject *subject, const struct content *content);
/** The same of what concerns the owner; the row of the message is the first column of `stmt`, the
 * time it came column 4. */
MUST_USE enum err audit_activity_note(struct audit_subject *subject, sqlite3_stmt *stmt,
	const struct message *message, const struct content *content);
/** How many rows of `activity` are missing or wrong. */
MUST_USE enum err audit_activity_count(struct audit_subject *subject, size_t *wrong);
/** Compare, after the feed's last message. */
MUST_USE enum err audit_views_check(struct audit_subject *subject);

/** The same of blobs: the message with this text in the row of `stmt`, and the comparison. */
MUST_USE enum err audit_blobs_note(
	struct audit_subject *subject, sqlite3_stmt *stmt, struct span text);
MUST_USE enum err audit_blobs_check(struct audit_subject *subject);

/** The same of words and tags (audit_words.c): a message in the row of `stmt` that audit_post()
 * gets, and the comparison after the last one. */
MUST_USE enum err audit_words_note(struct audit_subject *subject, sqlite3_stmt *stmt,
	const struct message *message, const struct content *content);
MUST_USE enum err audit_words_check(struct audit_subject *subject);
/** Of all feeds; `expected` tags of stored posts, −1: it cannot be told. */
MUST_USE enum err audit_tags(struct reader *reader, struct audit *audit, int64_t expected);

/** Rows that hang on nothing, the file, the proofs, the fence. */
MUST_USE enum err audit_file(struct reader *reader, struct audit *audit);
/** The statement that drops the rows of kind `i`, NULL when they are a view; `*what` NULL at the
 * end. */
const struct query *audit_stray_drop(size_t i, const char **what);
MUST_USE enum err audit_strays(struct reader *reader, struct audit *audit);
MUST_USE enum err audit_figures(struct reader *reader, struct audit *audit);
MUST_USE enum err audit_proofs(struct reader *reader, const uint8_t *hmac_key, struct audit *audit);
MUST_USE enum err audit_fence(struct reader *reader, struct audit *audit);

#endif
