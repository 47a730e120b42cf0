/**
 * feed/chain: is this the next message of that feed? (protocol/01 §6 step 3)
 */
#ifndef FEED_CHAIN_H
#define FEED_CHAIN_H

#include "feed/message.h"

struct chain_head {
	uint64_t sequence; /* of the newest message; 0: the feed is empty */
	struct message_id key;
	double timestamp; /* of the newest message */
};

enum chain_verdict {
	CHAIN_NEXT,  /* append it */
	CHAIN_KNOWN, /* its number is at or below the head: ignore (the caller may compare keys to
			find a fork) */
	CHAIN_GAP,   /* its number is above head + 1: ignore, ask again */
	CHAIN_FORK,  /* the right number, but `previous` is not our head: its author signed two
			histories */
};

enum chain_verdict chain_judge(const struct chain_head *head, const struct message *message);
/** A static sentence for what is not CHAIN_NEXT. */
const char *chain_text(enum chain_verdict verdict);

#endif
