/**
 * store/people: what this node knows of a person: profile, edges, lists; and the follow graph that
 * decides what is replicated.
 */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "feed/content.h"
#include "store/reader.h"
#include "store/writer.h"

enum { PERSON_NAME_BYTES = 264, PERSON_BIO_BYTES = 8 * 1024, PEOPLE_BETWEEN_MAX = 5 };

struct person {
	struct feed_id id;
	char name[PERSON_NAME_BYTES]; /* self-assigned, one line, ≤ 64 characters, bidi and control
					 characters removed; "" when unknown */
	char petname[PERSON_NAME_BYTES]; /* what the owner calls them, one such line; "": nothing */
	char bio[PERSON_BIO_BYTES];      /* person_read only; UTF-8 */
	bool has_image;
	bool is_image_here; /* this node has the blob */
	struct blob_id image;
	enum contact_edge mine;   /* what we said of them */
	bool is_mine_private;     /* … in a message that only we can read */
	enum contact_edge theirs; /* what they said of us */
	int hops;          /* 0 us, 1 followed, 2 …; −1 blocked by us; −2 out of reach */
	uint64_t sequence; /* of their newest stored message; 0: nothing arrived yet */
	int64_t newest_ms; /* time of it, or of the newest post that is shown ahead of it */
	uint32_t follows, followers; /* as far as this node knows; person_read only */
	int64_t since_ms; /* of their message 1, when it is here; −1; person_read only */
	bool is_forked;
	bool is_muted;
	uint64_t ahead_first, ahead_newest; /* numbers of what is shown before their history
					       (store/ahead); 0: nothing */
};

/** Fills everything; a person never heard of is ERR_OK with empty fields. */
MUST_USE enum err person_read(struct reader *reader, const struct feed_id *id, struct person *out);
/** The short form (no bio, no counts) for many. `out` has room for `count`. */
MUST_USE enum err people_read(
	struct reader *reader, const struct feed_id *ids, size_t count, struct person *out);

/** What somebody is called here: the owner's name for them, else their own; "" when there is none.
 */
const char *person_called(const struct person *person);

/* The mutes are the owner's, whoever is asked for. */
enum people_list { PEOPLE_FOLLOWED_BY, PEOPLE_FOLLOWERS_OF, PEOPLE_BLOCKED_BY, PEOPLE_MUTED };
/** Ids in a list, at most `room`; ordered by name (the owner's before their own), then id. `*total`
 * counts all. */
MUST_USE enum err people_list(struct reader *reader, enum people_list list,
	const struct feed_id *of, struct feed_id *out, size_t room, size_t *count, size_t *total);

/* Whom we follow that follow somebody. */
struct people_between {
	struct feed_id at[PEOPLE_BETWEEN_MAX];
	size_t count, total;
};
MUST_USE enum err people_between(
	struct reader *reader, const struct feed_id *id, struct people_between *out);

struct people_suggestion {
	struct feed_id id;
	struct people_between through;
};
/**
 * Whom people we follow follow, and of whom we have said nothing ourselves: neither followed, left
 * nor blocked, nor muted. Not who blocks us. Who wrote most recently first, whoever they are; at
 * most `room`.
 */
MUST_USE enum err people_suggestions(
	struct reader *reader, struct people_suggestion *out, size_t room, size_t *count);

/** Distances from ourselves as ssb-friends computes them (protocol/04 §4), feeds with hops ≥ 0
 * only; nearest first, at most `room`. */
MUST_USE enum err graph_reach(
	struct reader *reader, int hops_max, struct reach_entry *out, size_t room, size_t *count);
/** Every block edge of the graph: who blocks whom. */
MUST_USE enum err graph_blocks(struct reader *reader,
	void (*on_block)(void *ctx, const struct feed_id *from, const struct feed_id *to),
	void *ctx);

#endif
