/**
 * store/index, inside: the rows of schema/002-views.sql that follow from one message, in the
 * transaction that stores it.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "store/feeds.h"
#include "store/writer.h"

/* What a transaction adds to the table `figures`. */
struct index_delta {
	int64_t edges, feeds, forks, messages, posts;
};

struct index {
	struct db *db;
	struct feeds *feeds;
	struct index_delta delta;
	int64_t edges;       /* in all, delta included */
	int64_t edges_kept;  /* as of the last commit */
	struct store *store; /* of a writer: for what is told of a message; else NULL */
	struct feed_id self; /* store/activity_rows reads it at first need */
	bool has_self;
	/* Blobs that come with people we follow are wanted (or not any more, when a profile has
	 * another picture). NULL: not now. */
	enum err (*want_blob)(void *ctx, const struct blob_id *id, bool is_on);
	void *want_ctx;
	const struct env *env; /* of want_blob */
};

/** The time a message is shown and sorted by: min(claimed, received), never before 1970; a claim
 * that is no time counts as received. */
int64_t index_at_ms(double claimed, int64_t received_ms);

struct index_row {
	int64_t message; /* its row */
	int64_t at_ms;
	int64_t received_ms; /* for `activity`; not of what is held ahead */
	struct feed_entry *author;
};
/**
 * Rows for a message just inserted. Fills the part of `*out` that comes from the content. With
 * `out->is_behind` a post or a vote is only told of: its rows are made later (store/behind); of
 * anything else it is set to false. A contact of ours also moves the other's posts into or out of
 * home, takes the posts and likes of somebody we block away, and brings them back from the log when
 * we end the block.
 */
MUST_USE enum err index_message(struct index *index, const struct message *message,
	const struct index_row *row, struct committed *out);

/* A post as its rows have it. */
struct index_post {
	int64_t message, feed, at_ms;
	bool is_home, has_root, has_fork;
	struct message_id root, fork;
	struct span text; /* index_post_of() leaves it to the caller who keeps the row for later */
	struct span tags; /* … and these: as tag_set_next() takes them */
};
struct tags;
struct index_post index_post_of(
	const struct content_post *post, const struct index_row *row, struct tags *tags);
/** Rows of a post and its words, unless they are there; `*is_new`: they were not. */
MUST_USE enum err index_put_post(struct index *index, const struct index_post *post, bool *is_new);
/** A vote of `feed` about the message whose key begins with `link`; `message` is negative when it
 * withdraws. The latest one counts, in whatever order they come. */
MUST_USE enum err index_put_vote_row(
	struct index *index, int64_t link, int64_t feed, int64_t message);

/** The numbers of the messages that a profile is from (`profiles_from`), when this one is later. A
 * profile of an older kith has none until store/behind reads its messages. */
MUST_USE enum err index_put_from(struct index *index, const struct content_about *about,
	const struct index_row *row, uint64_t sequence);

/**
 * The row of `posts` for a message that is held ahead of its feed's history (store/ahead); nothing
 * else follows from it, and no figure counts it.
 */
MUST_USE enum err index_ahead(struct index *index, const struct message *message,
	const struct index_row *row, struct committed *out);

/**
 * Contacts and profiles of a message that was stored long ago, when all rows are made again
 * (store/repair; posts, votes and words are store/behind's). First come our own contact messages
 * alone (`is_edges`), then every message in the order of its arrival; as our word about everybody
 * is known then, nothing moves.
 */
MUST_USE enum err index_again(struct index *index, const struct message *message,
	const struct index_row *row, bool is_edges);

/**
 * Rows of `blob_links` for a message with this compact text, unless its author is not shown. What
 * recent messages of ours and of people we follow name is wanted, LIMIT_BLOBS_PER_POST of it.
 */
MUST_USE enum err index_put_links(
	struct index *index, struct span text, const struct index_row *row);

/** A profile is about to have another picture, which is wanted instead of the one before when it is
 * of somebody we follow. */
MUST_USE enum err index_want_picture(
	struct index *index, const struct content_about *about, const struct index_row *row);
/** The picture of a profile as it is kept, when there is one. */
MUST_USE enum err index_want_image(struct index *index, const struct feed_entry *of, bool is_on);

/** Ours, or of somebody we follow? */
bool index_is_home(const struct feed_entry *author);
/** Has this author rows in `posts` and `votes`? Nobody whom we block or mute has. */
bool index_is_shown(const struct feed_entry *author);
/** The owner mutes somebody or ends it: their posts and likes go, or come back from the log. The
 * row of `mutes` is the caller's. */
MUST_USE enum err index_mute(struct index *index, struct feed_entry *of, bool is_muted);

/** Our latest word about somebody whom we block for all to see is one that only we can read, and
 * ends that: their posts and likes come back, as long as `is_lifted`. */
MUST_USE enum err index_lift(struct index *index, struct feed_entry *of, bool is_lifted);

/** For people: is a post of this author news at home, as far as we alone know (store/layer)? No row
 * says so. */
bool index_is_home_news(const struct index *index, const struct feed_entry *author);

/** Read and write the table `figures`. */
MUST_USE enum err index_load(struct index *index);
MUST_USE enum err index_flush(struct index *index);

/** `in` (WTF-8) as one clean line of at most 64 characters with a NUL; bidi and control characters
 * are gone. */
void index_clean_name(struct span in, char out[static 264]);
/** `in` (WTF-8) as UTF-8 without control characters but newline and tab, cut between characters to
 * fit `room` with its NUL. */
void index_clean_text(struct span in, char *out, size_t room);

#endif
