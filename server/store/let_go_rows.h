/**
 * store/let_go_rows, inside: how messages go, in a transaction of the writer.
 */
#ifndef STORE_LET_GO_ROWS_H
#define STORE_LET_GO_ROWS_H

#include "store/index.h"
#include "store/let_go.h"

struct let_go_turn {
	uint64_t below;     /* what is lower goes, but what is kept for the owner */
	int64_t rows_below; /* rows of `messages` from here on are left: views of them are due */
	size_t at_least;    /* messages that are looked at whoever waits */
	size_t at_most;
	bool is_again;  /* the owner wants it again: its head goes too when all of it is gone */
	bool is_person; /* the owner removes all of it, also while it comes again */
	int64_t now_ms;
	bool (*must_stop)(void *ctx);
	void *ctx;
	/* Out. */
	uint64_t first; /* what is still here begins with this number */
	size_t gone, kept;
	int64_t bytes; /* of their bodies */
};

/** Some messages of a feed, the oldest first. Moves `let_go`. ERR_BUSY: views of the next one are
 * still to be made, or the feed comes again just now; `gone` of them went. */
MUST_USE enum err let_go_some(
	struct index *index, struct feed_entry *author, struct let_go_turn *turn);
/** The rest of what is known from somebody's messages: whom they follow, what they say of
 * themselves, what came alone or ahead. */
MUST_USE enum err let_go_rest(struct index *index, struct feed_entry *author);
/** All of it is gone, and the owner wants it again: the head goes too. What was kept stays, and is
 * replaced as the feed comes up to it. */
MUST_USE enum err let_go_begin_again(
	struct index *index, struct feed_entry *author, int64_t now_ms);
/** The next message of a feed that comes again: a copy that was kept makes room for it. */
MUST_USE enum err let_go_arrives(struct index *index, struct feed_entry *author, uint64_t sequence);
/** May messages of this feed go without the owner's asking for it again? Not our own, nobody's whom
 * the owner follows or wants. */
MUST_USE enum err let_go_may(struct db *db, const struct feed_entry *author, bool *out);

#endif
