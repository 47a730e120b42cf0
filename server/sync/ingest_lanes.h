/**
 * sync/ingest_lanes: messages that wait, in one lane per connection. A lane keeps its order; the
 * lanes give one message each in turn, so that what somebody sends waits for one of everybody
 * else's, however many another has sent. For ingest.c only.
 *
 * The messages of a feed stay in order though they come over several connections: while some wait
 * in one lane the next ones join it. What a failure doomed holds nobody up: with feed->epoch the
 * feed is free for another lane.
 */
#ifndef SYNC_INGEST_LANES_H
#define SYNC_INGEST_LANES_H

#include "sync/reach.h"

struct item {
	struct item *next;
	struct feed *feed;
	uint64_t sequence;
	uint32_t epoch;
	uint64_t serial; /* of the partner it came from */
	struct message *message;
	const char *why;
	enum err err;
	size_t len;
	uint8_t raw[];
};

struct lane {
	struct lane *next;
	uint64_t serial; /* of the partner whose lane it is; 0: of nobody */
	struct item *items, *last;
};

struct lanes {
	struct sync *sync;
	enum lane_stage stage;
	struct lane *first, *last; /* those with items, the next in turn first */
	struct lane common;        /* of those who are gone, and without memory */
	size_t count;              /* items */
};

void lanes_put(struct lanes *lanes, struct item *item);
/** The next in turn, or NULL. */
struct item *lanes_take(struct lanes *lanes);
/** feed->epoch counted up: what waits of it is doomed, and what comes now is another's. */
void lanes_feed_failed(struct feed *feed);

#endif
