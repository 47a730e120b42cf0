/**
 * store/private_marks: how far the owner has read each conversation, and what the owner decided
 * about it (table `private_marks`): sealed, so that the disk tells only how many there are.
 */
#ifndef STORE_PRIVATE_MARKS_H
#define STORE_PRIVATE_MARKS_H

#include "store/private.h"

struct private_decision {
	struct private_name name;
	bool is_read; /* up to `read`; else nothing was ever marked */
	struct private_place read;
	bool is_accepted; /* no request any more */
	bool is_hidden;   /* until something comes after `hidden` */
	struct private_place hidden;
	/* Who takes part, of a conversation that the owner began without a word so far. */
	struct feed_id with[LIMIT_BOX_RECIPIENTS];
	size_t with_count;
};

/** The mark of a conversation; all empty when there is none, or it is of another key. */
MUST_USE enum err private_mark_read(struct private_book *book, struct reader *reader,
	const struct private_name *name, struct private_decision *out);
/** All of them. */
MUST_USE enum err private_marks_each(struct private_book *book, struct reader *reader,
	void (*on_mark)(void *ctx, const struct private_decision *mark), void *ctx);
/** Write it; it is stored when this returns (a power cut may take the last ones back, to what they
 * were before). Over LIMIT_PRIVATE_MARKS a new one is not kept. */
MUST_USE enum err private_mark_put(
	struct private_book *book, struct writer *writer, const struct private_decision *mark);

#endif
