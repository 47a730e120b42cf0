/**
 * store/reader: a read-only connection of its own. One thread at a time uses one; open one per
 * thread or job. Every query sees one consistent state.
 *
 * ERR_TIMEOUT from any query: it ran over LIMIT_QUERY_MS and was stopped. ERR_IO: the database is
 * damaged or gone.
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "base/limits.h"
#include "feed/chain.h"
#include "store/store.h"

struct reader;

MUST_USE enum err reader_open(struct store *store, struct reader **out);
void reader_close(struct reader *reader);
/** A reader of the calling thread, opened at first use and closed when the thread ends or at
 * reader_close_thread(). NULL on failure. */
struct reader *reader_of_thread(struct store *store);
void reader_close_thread(void);

/** Head of a feed; ERR_NOT_FOUND when nothing of it is stored. */
MUST_USE enum err reader_head(
	struct reader *reader, const struct feed_id *feed, struct chain_head *out);
/** Heads of all stored feeds. */
MUST_USE enum err reader_heads(struct reader *reader,
	void (*on_head)(void *ctx, const struct feed_id *feed, const struct chain_head *head),
	void *ctx);

struct stored {
	struct feed_id author;
	struct message_id key;
	uint64_t sequence;
	double received_ms;
	struct span compact; /* exactly what was stored: send it unchanged */
};
/** One message by key: `*out`'s compact text is appended to `text` and points into it.
 * ERR_NOT_FOUND. */
MUST_USE enum err reader_message(
	struct reader *reader, const struct message_id *key, struct buf *text, struct stored *out);
/**
 * Messages of a feed from `sequence` on (inclusive), in order, until `on_message` returns false,
 * `count_max` were given or the feed ends. The text is borrowed for the call.
 */
MUST_USE enum err reader_feed(struct reader *reader, const struct feed_id *feed, uint64_t sequence,
	size_t count_max, bool (*on_message)(void *ctx, const struct stored *message), void *ctx);

/** What a peer told or proved to have (CHANGE_CLOCKS). */
MUST_USE enum err reader_clocks(struct reader *reader, const struct feed_id *peer,
	void (*on_clock)(void *ctx, const struct feed_id *feed, int64_t note), void *ctx);

/* What a feed two hops away or further has sent (CHANGE_SHARE); days since 1970, UTC. */
struct share_row {
	struct feed_id feed;
	int64_t since, day;
	int64_t messages, bytes; /* on `day` */
};
MUST_USE enum err reader_shares(
	struct reader *reader, void (*on_share)(void *ctx, const struct share_row *row), void *ctx);

struct address_row {
	struct feed_id feed;
	char text[LIMIT_ADDRESS_BYTES + 1];
	int64_t added_ms, tried_ms, reached_ms; /* wall; 0: never */
	unsigned failures;                      /* in a row */
};
MUST_USE enum err reader_addresses(struct reader *reader,
	void (*on_address)(void *ctx, const struct address_row *row), void *ctx);
MUST_USE enum err reader_sessions(struct reader *reader,
	void (*on_session)(void *ctx, struct span name, struct span text, int64_t expires_ms),
	void *ctx);
/** ERR_NOT_FOUND when it was never set. */
MUST_USE enum err reader_setting(struct reader *reader, const char *name, struct buf *out);

struct store_figures {
	uint64_t feeds, messages, posts, forks;
	uint64_t database_bytes;
	int64_t disk_free_bytes;
};
MUST_USE enum err reader_figures(struct reader *reader, struct store_figures *out);

#endif
