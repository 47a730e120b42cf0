/**
 * api/conversations: every conversation as lists and counts need it: which are requests, which are
 * hidden, how far they were read. Made afresh for each answer.
 */
#ifndef API_CONVERSATIONS_H
#define API_CONVERSATIONS_H

#include "api/inside.h"
#include "store/private_marks.h"

struct conversation_row {
	struct private_name name;
	struct feed_id first_author;
	struct private_place last;
	uint32_t own;
	bool is_pair; /* somebody and we */
	bool is_request, is_hidden;
	bool has_mark;
	struct private_decision mark;
};

enum { CONVERSATIONS_AUTHORS = 64 };
struct conversations_author {
	bool is_set, is_followed;
	struct feed_id id;
};
struct conversations {
	struct conversations_author authors[CONVERSATIONS_AUTHORS];
	struct conversation_row *at;
	size_t count, room;
	struct feed_id *known; /* people we wrote to, sorted */
	size_t known_count, known_room;
	enum err err;
};

/** The latest first. ERR_OK: conversations_fini() it. */
MUST_USE enum err conversations_read(
	struct private_book *book, struct reader *reader, struct conversations *out);
void conversations_fini(struct conversations *rows);
/** Where reading goes on: the mark, or behind the newest of our own words, which we wrote after
 * reading, perhaps in another program. */
MUST_USE enum err conversations_place(struct private_book *book, struct reader *reader,
	const struct conversation_row *row, struct private_place *out);
/** Posts by others behind that, counted up to UNREAD_MAX. */
MUST_USE enum err conversations_unread(struct private_book *book, struct reader *reader,
	const struct conversation_row *row, uint32_t *out);
bool conversations_is_after(const struct private_place *a, const struct private_place *b);

#endif
