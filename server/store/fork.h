/**
 * store/fork: a fork of our own feed (restore.md §4 F): its two sides, and the owner's choice
 * between them.
 *
 * "Ours" is what this node's feed holds, "theirs" the longest chain of the other messages that were
 * found under our key (table `branch`) and that follows a message of our feed. What is decided is
 * settled: it is kept for ever, and met again it alarms nobody.
 */
#ifndef STORE_FORK_H
#define STORE_FORK_H

#include "feed/message.h"
#include "store/reader.h"

struct fork_sides {
	bool is_forked;    /* as the database says: publishing has stopped for it */
	uint64_t sequence; /* the first number with two messages; 0: not known */
	bool has_ours, has_theirs;
	struct message_id ours, theirs; /* under that number */
	uint64_t ours_count, theirs_count;
	uint64_t missing; /* the other side is not here from this number on, or not without a gap:
			     it can not be adopted; 0: it is whole */
};

struct fork_message {
	bool is_theirs;
	int64_t at_ms; /* the time it is shown by */
	const struct message *message;
	char type[264]; /* one clean line, like `words`: "post", …; "private" when it is encrypted
			 */
	char words[264]; /* the first words of a post, the name of a profile, whom or what it is
			    about; "" */
};

/** What is known of a fork of ours; `*out` alone says whether there is one. `on_message` (may be
 * NULL) is given ours, then theirs, by number, of each at most `count_max`; borrowed. */
MUST_USE enum err reader_fork(struct reader *reader, size_t count_max, struct fork_sides *out,
	void (*on_message)(void *ctx, const struct fork_message *message), void *ctx);

enum fork_choice {
	FORK_ADOPT, /* theirs takes the place of ours */
	FORK_KEEP,  /* ours stays */
};

/* What was done, or why not. */
struct fork_done {
	uint64_t sequence;     /* where they part; 0: not known (only with FORK_KEEP) */
	uint64_t head;         /* our feed ends there now */
	size_t given_up;       /* messages of the side that was given up */
	size_t drafts;         /* … whose content is a draft now */
	size_t drafts_no_room; /* … for which there was no room among the drafts: kept all the same
				*/
	size_t private;        /* … whose content is encrypted: kept, and no draft */
	char why[256];
};

/**
 * Decide, with the node stopped: `store` is open for writing and has no writer. The other side is
 * verified again; the messages given up are kept in `branch` and their contents become drafts;
 * everything that follows from the messages is made again; the state is SUSPECT, so that those who
 * hold our feed are asked before anything is published. First the fence is written, then all of it
 * in one transaction: a kill at any instant leaves FORKED as before or SUSPECT as after, for of
 * two states the worse one counts. ERR_REFUSED (`why` says it), ERR_DISK_FULL, ERR_IO, ERR_NOMEM.
 */
MUST_USE enum err fork_choose(struct store *store, const uint8_t *hmac_key, enum fork_choice choice,
	struct fork_done *out);

#endif
