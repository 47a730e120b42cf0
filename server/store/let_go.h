/**
 * store/let_go: old messages of feeds that are not the owner's concern go, and with them all that
 * follows from them; their feeds' heads stay, so that what is new still follows. What a reader asks
 * is here; how they go is the writer's (writer_let_go()).
 *
 * Below `below` a feed has only what is kept for the owner (bookmarked, private): nothing of that
 * is ever sent to a peer, as there is a hole around it.
 */
#ifndef STORE_LET_GO_H
#define STORE_LET_GO_H

#include "store/reader.h"
#include "store/writer.h"

enum let_go_again { LET_GO_GONE = 0, LET_GO_LEAVING = 1, LET_GO_COMING = 2 };

struct let_go_row {
	struct feed_id feed;
	uint64_t below;
	int64_t at_ms;
	enum let_go_again again;
};
/** ERR_NOT_FOUND: all of this feed is here, as far as it ever came. */
MUST_USE enum err reader_let_go(
	struct reader *reader, const struct feed_id *feed, struct let_go_row *out);
/** All of them. */
MUST_USE enum err reader_let_go_all(
	struct reader *reader, void (*on_row)(void *ctx, const struct let_go_row *row), void *ctx);
/** The first sequence from which on `feed` is here without a hole; 1: all of it. */
MUST_USE enum err reader_first(struct reader *reader, const struct feed_id *feed, uint64_t *out);

#endif
