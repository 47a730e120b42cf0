/**
 * store/timeline: pages of posts, threads and single posts, ready to be shown. Blocked authors
 * appear nowhere.
 */
#ifndef STORE_TIMELINE_H
#define STORE_TIMELINE_H

#include "feed/content.h"
#include "store/reader.h"

enum { POST_LIKERS_MAX = 3 };

/* Why a post is missing, as far as this node can know. */
enum gap_why {
	GAP_UNKNOWN,  /* nobody near has it so far, or its author is not known */
	GAP_ARRIVING, /* who seems to have written it is replicated, and the history not all here */
	GAP_BLOCKED,
	GAP_MUTED,
	GAP_LET_GO,  /* old messages of who seems to have written it were let go */
	GAP_TOO_FAR, /* who seems to have written it is not replicated */
};

struct post {
	struct message_id key;
	struct feed_id author;
	uint64_t sequence;
	int64_t at_ms; /* min(claimed, received) */
	int64_t order; /* with at_ms the cursor: rows are sorted by (at_ms, order), newest first */
	struct span text; /* WTF-8 */
	struct span warning, channel;
	bool has_root, has_fork;
	struct message_id root, fork;
	struct message_id branches[CONTENT_BRANCHES_MAX];
	size_t branch_count;
	struct span mentions; /* compact JSON of content.mentions, or empty */
	uint32_t replies;     /* stored posts whose root or fork is this */
	uint32_t likes;
	uint32_t hidden; /* words of people we block that were taken out (store/veil) */
	bool is_liked;   /* by us */
	int64_t kept_ms; /* when the owner bookmarked it; 0: not */
	struct feed_id likers[POST_LIKERS_MAX];
	size_t liker_count;
	bool is_ahead;     /* its author's history below it is still to come (store/ahead) … */
	bool is_unchecked; /* … and its own signature is still to be checked */
	bool is_veiled;    /* store/veil has seen it */
	/* Private words (store/private_posts): who can read it, as its author claims, ourselves
	 * among them, and their conversation's name. Empty: it is public. */
	const struct feed_id *readers; /* in the page's memory */
	size_t reader_count;
	bool is_readers_proven; /* by us, and sealed for just as many keys */
	unsigned sealed_for;    /* so many keys; 0: it cannot be told */
	uint8_t conversation[ID_BYTES];
	/* Thread pages: we know of this id but do not show it. Only `key`, `gap` and perhaps
	 * `author` are set. */
	bool is_missing;
	enum gap_why gap;
	bool has_author; /* of what is missing */
};

/* A page owns its posts and their texts. */
struct posts {
	struct post *at;
	size_t count;
	bool has_more;
	struct arena *arena;
};
void posts_free(struct posts *posts);

enum timeline_kind {
	TIMELINE_HOME,     /* us and whom we follow */
	TIMELINE_WIDE,     /* everybody we hold and have not blocked */
	TIMELINE_PERSON,   /* one feed */
	TIMELINE_ROOTS,    /* … without its replies */
	TIMELINE_PICTURES, /* … what names pictures, sound or files */
	TIMELINE_TAG,      /* everybody's with a tag */
	TIMELINE_KEPT, /* what the owner bookmarked and is here, latest kept first: the cursor is
			  (kept_ms, 0) */
};
struct timeline_query {
	enum timeline_kind kind;
	struct feed_id person;      /* TIMELINE_PERSON, TIMELINE_ROOTS */
	const char *tag;            /* TIMELINE_TAG: as tag_normal() makes it */
	bool has_before, has_after; /* at most one */
	int64_t at_ms, order; /* the cursor: strictly older (before) or newer (after); after gives
				 the oldest newer ones, newest first */
	size_t limit;         /* 1 … LIMIT_PAGE_ROWS */
};
MUST_USE enum err timeline_page(
	struct reader *reader, const struct timeline_query *query, struct posts *out);

struct thread_query {
	struct message_id id;
	bool is_own; /* the conversation that begins with `id`, also when `id` is itself a reply */
};
struct thread_facts {
	struct message_id root; /* may be missing: its post has is_missing */
	bool has_above; /* the root is itself a reply, in the conversation that begins with: */
	struct message_id above;
	size_t here;  /* posts of it that this node shows, also those beyond LIMIT_THREAD_POSTS */
	size_t total; /* with those that are missing */
};
/**
 * The conversation `id` belongs to: its root first, then the replies in causal order (protocol/07
 * §4), those of LIMIT_THREAD_POSTS that came first, and the one that was asked for. What they
 * refer to and is not here stands in as missing, before the first that needs it. Replies that have
 * a reply of theirs as root are a conversation of their own: `replies` of that post counts them.
 * ERR_NOT_FOUND: nothing is held of this id nor of a thread with that root.
 */
MUST_USE enum err thread_read(struct reader *reader, const struct thread_query *query,
	struct thread_facts *facts, struct posts *out);
/** Is this message held, and if not or not shown, why? `*why` is only set then. */
MUST_USE enum err post_gap(
	struct reader *reader, const struct message_id *id, bool *is_gap, struct post *out);
/** Who likes a post, at most `max` of them, and how many do in all. ERR_OK also when it is not
 * here. */
MUST_USE enum err post_likers_read(struct reader *reader, const struct message_id *id,
	struct feed_id *out, size_t max, size_t *count, size_t *total);
/** When the owner bookmarked a message; 0: not. */
MUST_USE enum err post_bookmark_read(
	struct reader *reader, const struct message_id *id, int64_t *at_ms);
/** The given posts, for events that name ids; unknown ids are left out. */
MUST_USE enum err posts_read(
	struct reader *reader, const struct message_id *ids, size_t count, struct posts *out);

#endif
