/**
 * store/people: what this node knows of a person: profile, edges, lists; and the follow graph that
 * decides what is replicated.
 */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "feed/content.h"
#include "store/reader.h"
#include "store/writer.h"

enum { PERSON_NAME_BYTES = 264, PERSON_BIO_BYTES = 8 * 1024 };

struct person {
	struct feed_id id;
	char name[PERSON_NAME_BYTES]; /* self-assigned, one line, ≤ 64 characters, bidi and control
					 characters removed; "" when unknown */
	char bio[PERSON_BIO_BYTES];   /* person_read only; UTF-8 */
	bool has_image;
	struct blob_id image;
	enum contact_edge mine;   /* what we said of them */
	enum contact_edge theirs; /* what they said of us */
	int hops;          /* 0 us, 1 followed, 2 …; −1 blocked by us; −2 out of reach */
	uint64_t sequence; /* of their newest stored message; 0: nothing arrived yet */
	int64_t newest_ms; /* time of it, or of the newest post that is shown ahead of it */
	uint32_t follows, followers; /* as far as this node knows; person_read only */
	bool is_forked;
	uint64_t ahead_first, ahead_newest; /* numbers of what is shown before their history
					       (store/ahead); 0: nothing */
};

/** Fills everything; a person never heard of is ERR_OK with empty fields. */
MUST_USE enum err person_read(struct reader *reader, const struct feed_id *id, struct person *out);
/** The short form (no bio, no counts) for many. `out` has room for `count`. */
MUST_USE enum err people_read(
	struct reader *reader, const struct feed_id *ids, size_t count, struct person *out);

enum people_list { PEOPLE_FOLLOWED_BY, PEOPLE_FOLLOWERS_OF, PEOPLE_BLOCKED_BY };
/** Ids in a list, at most `room`; ordered by name, then id. `*total` counts all. */
MUST_USE enum err people_list(struct reader *reader, enum people_list list,
	const struct feed_id *of, struct feed_id *out, size_t room, size_t *count, size_t *total);

/** Distances from ourselves as ssb-friends computes them (protocol/04 §4), feeds with hops ≥ 0
 * only; nearest first, at most `room`. */
MUST_USE enum err graph_reach(
	struct reader *reader, int hops_max, struct reach_entry *out, size_t room, size_t *count);
/** Every block edge of the graph: who blocks whom. */
MUST_USE enum err graph_blocks(struct reader *reader,
	void (*on_block)(void *ctx, const struct feed_id *from, const struct feed_id *to),
	void *ctx);

#endif
