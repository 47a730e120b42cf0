/**
 * store/writer: the one thread that writes, and the one that signs. Everything that changes the
 * database is a job in its inbox; jobs that wait together are committed together. An own message is
 * committed with synchronous=FULL before anybody hears of it.
 *
 * A job's memory is handed over with it. Callbacks run on the writer thread: they must be short and
 * may not wait (post to another thread instead).
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "feed/content.h"
#include "feed/signer.h"
#include "store/guard.h"
#include "store/store.h"

struct writer;

/* One committed message, as announced. */
struct committed {
	struct feed_id author;
	struct message_id key;
	uint64_t sequence;
	int64_t at_ms; /* the time it is shown and sorted by: min(claimed, received) */
	enum content_type type;
	bool has_root;
	struct message_id root; /* of a post that is a reply; the link of a vote */
	bool has_subject;
	struct feed_id subject; /* of a contact or an about-feed */
	bool is_edge; /* a contact that counts: `edge` is what the author says of it now */
	enum contact_edge edge;
	bool was_block; /* ours, and it ends a block */
	bool is_home;   /* belongs to the home timeline: a post by us or somebody we follow */
	bool is_shown;  /* a post by somebody we neither block nor mute */
	bool was_shown; /* it was held ahead before: no news for people */
	bool is_behind; /* a post or a vote of a bulk: it is news for people later, in `late` */
};

/* Why a blob is kept: as in the table. Only what is BLOB_FAR or BLOB_READ is ever evicted. */
enum blob_keep {
	BLOB_FAR = 0,  /* held for others */
	BLOB_READ = 1, /* for the owner's reading */
	BLOB_OWN = 2,  /* the owner's own, or of a private message */
};

/* What became of a blob (store/blobs). */
enum blob_event {
	BLOB_CAME,     /* it is here; `was_wanted` by the owner, who wants it no longer; `is_added`:
			  the owner put it here, perhaps once more */
	BLOB_GONE,     /* it is not here any more */
	BLOB_WANTED,   /* the owner wants it from now on */
	BLOB_UNWANTED, /* … no longer, and it has not come */
	BLOB_OFFERED,  /* an own message names it: it is offered until enough peers have it */
};
struct blob_news {
	enum blob_event event;
	struct blob_id id;
	uint64_t bytes; /* CAME */
	bool was_wanted, is_added;
};

/* Old messages of a feed went (store/let_go). */
struct let_go_news {
	struct feed_id feed;
	uint64_t below; /* what is here without a hole begins with this number */
	bool is_again;  /* all of it went, and it is to come again from its first message */
};

struct commit {
	const struct committed *messages;
	size_t count;
	bool is_graph_changed; /* at least one contact message among them */
	/* Posts shown before their history is here (store/ahead): news for people, not for peers.
	 * With `was_shown` they are shown already, and are checked now. One about for the author
	 * when there is something new. */
	const struct committed *ahead;
	size_t ahead_count;
	bool is_ahead_gone; /* something that was shown ahead is no more */
	/* Posts and votes that a bulk stored earlier and that people can see from now on: news for
	 * people, not for peers. */
	const struct committed *late;
	size_t late_count;
	bool is_late_cut; /* there are more of them than these */
	const struct blob_news *blobs;
	size_t blob_count;
	const struct let_go_news *let_go; /* NULL: none */
};

/* Where publishing may be cut (restore.md §4 P). */
enum writer_step {
	WRITER_BEGUN,
	WRITER_SIGNED,
	WRITER_FENCED,
	WRITER_INSERTED,
	WRITER_COMMITTED,
	WRITER_ANNOUNCED
};

/* What became of a post that may be taken back (writer_hold()). */
enum outbox_state {
	OUTBOX_HELD,
	OUTBOX_STORED,     /* `key`, `sequence` */
	OUTBOX_TAKEN_BACK, /* nothing was signed */
	OUTBOX_DRAFT,      /* nothing was signed, and it is `draft` now: `why` */
	OUTBOX_FAILED,     /* it is still held, and tried again: `why` */
};
struct outbox_news {
	enum outbox_state state;
	struct span nonce;
	struct message_id key;
	uint64_t sequence;
	int64_t draft;
	const char *why; /* a sentence, or "" */
};

struct writer_opts {
	struct store *store;
	struct signer *signer; /* NULL: nothing is ever published (check, import into a foreign
				  directory) */
	/* After each COMMIT that stored messages, or (then none are told) changed whom we
	 * replicate. Borrowed for the call. */
	void (*on_commit)(void *ctx, const struct commit *commit);
	/* The state, its cause or what it waits for changed: ask writer_guard(). May be NULL. */
	void (*on_state)(void *ctx);
	/* Writer thread; may be NULL. */
	void (*on_outbox)(void *ctx, const struct outbox_news *news);
	void *ctx;
	/* No thread: writer_step() runs the jobs, and the functions that wait run it themselves.
	 * For the simulator; all calls then come from one thread. */
	bool is_stepped;
	/* Nobody else reads and nothing is told (kith import): many jobs share one COMMIT, and are
	 * told done before it. writer_flush() says whether all of it is stored. Without on_commit.
	 */
	bool is_import;
	/* Tests only: so many messages in large transactions are a bulk; 0: as usual. */
	size_t bulk_begins;
	/* Tests only (NULL else): called between the steps of publishing, to die there. */
	void (*on_step)(void *ctx, enum writer_step step);
};

MUST_USE enum err writer_start(
	const struct writer_opts *opts, struct writer **out, char *why, size_t why_bytes);
/** Finishes what is queued, then ends the thread. */
void writer_stop(struct writer *writer);
/** Any thread: have `fn(ctx)` called on the writer's thread when its turn comes, which shows that
 * it lives. ERR_BUSY, ERR_CLOSED, ERR_NOMEM. */
MUST_USE enum err writer_ping(struct writer *writer, void (*fn)(void *ctx), void *ctx);
/** Any thread: jobs that wait for it. */
size_t writer_waiting(struct writer *writer);
/** COMMIT what was told done and is not yet, after all that is queued. The error is also that of an
 * earlier COMMIT that failed. */
MUST_USE enum err writer_flush(struct writer *writer);
/** Of a stepped writer: run what waits and what is due; false when nothing was to be done. */
bool writer_step(struct writer *writer);
/** … monotonic ms when writer_step() has something to do without a new job; INT64_MAX: never. */
int64_t writer_due_ms(const struct writer *writer);
/** Are there messages of a bulk that have no rows in timelines, threads and full text yet? Any
 * thread. */
enum writer_behind { WRITER_BEHIND_DONE, WRITER_BEHIND_WORKS, WRITER_BEHIND_STUCK };
enum writer_behind writer_behind(const struct writer *writer);
/**
 * May this node publish? "CLEAN" when it may, else "SUSPECT" or "FORKED" and `why` a sentence. The
 * settings `state` and `state_why` say what it was at the last start. Any thread.
 */
const char *writer_state(struct writer *writer, char *why, size_t why_bytes);

/** Did a run end without writer_stop() since the database file was last found sound
 * (CHANGE_CHECKED)? Before other threads run. */
bool writer_was_cut(const struct writer *writer);

/* What the owner is told about a pause; whom it waits for is in store/safety. */
struct guard_report {
	enum fence_state state;
	enum guard_cause cause;
	char why[256];     /* sentences for people; "" when CLEAN */
	int64_t since_ms;  /* wall */
	uint64_t spell;    /* number of this pause; holders' answers belong to one */
	uint64_t sequence; /* our head */
	struct message_id head;
	uint64_t start_sequence; /* our head when the pause began */
	uint64_t fork_sequence;  /* FORKED: where the branches part; 0: not known */
	struct message_id fork_ours, fork_theirs;
	struct guard_verdict verdict; /* as of now */
};
/** Any thread. */
void writer_guard(struct writer *writer, struct guard_report *out);
/**
 * U5, the owner's word: publishing goes on. `last` is the number of the newest message the owner
 * remembers, or 0 for "I accept what is lost". ERR_REFUSED with `why`: FORKED, RETIRED, or `last`
 * is above our head and not accepted. Logged for ever. Any thread but loop and writer.
 */
MUST_USE enum err writer_resume(
	struct writer *writer, uint64_t last, bool is_accepted, char *why, size_t why_bytes);
/** M: RETIRED, in fence and database, synced, before this returns. ERR_PAUSED unless CLEAN. */
MUST_USE enum err writer_retire(struct writer *writer, char *why, size_t why_bytes);

/* Appending foreign (or our own returning) messages, already verified one by one. */
enum append_result {
	APPEND_STORED = 0,
	APPEND_KNOWN,
	APPEND_GAP,
	APPEND_FORKED,
	APPEND_FAILED,
	APPEND_NOT_WANTED
};

struct append_job {
	struct message **messages; /* in order per feed; owned by the job */
	size_t count;
	enum append_result *results; /* `count` of them, filled before on_done */
	enum err err; /* ERR_OK, or why all of it failed (ERR_IO, ERR_DISK_FULL): then nothing was
			 stored */
	void (*on_done)(
		void *ctx, struct append_job *job); /* the callee frees by append_job_free() */
	void *ctx;
};
MUST_USE struct append_job *append_job_new(size_t count_max);
void append_job_free(struct append_job *job);
/** ERR_BUSY when LIMIT_WRITER_JOBS wait: the job stays the caller's. Never blocks. */
MUST_USE enum err writer_append(struct writer *writer, struct append_job *job);

/*
 * The newest messages of a feed, to be held ahead of its history: shown to people, in no count,
 * sent to nobody, and gone when the chain has come up to them. A job replaces what was held ahead
 * of that feed, unless that is newer. What the chain has reached already is left out; when nothing
 * is left, nothing is done.
 */
struct ahead_job {
	struct window *window; /* owned by the job; feed/window.h */
	enum err err; /* ERR_REFUSED: the feed is ours, blocked, forked, not wanted, does not end
			 where the window begins, or LIMIT_AHEAD_FEEDS are held that are as near;
			 ERR_IO, ERR_DISK_FULL */
	bool is_kept; /* out: the window is what is held now */
	void (*on_done)(
		void *ctx, struct ahead_job *job); /* the callee frees by ahead_job_free() */
	void *ctx;
};
MUST_USE struct ahead_job *ahead_job_new(void);
void ahead_job_free(struct ahead_job *job);
/** ERR_BUSY: the job stays the caller's. Never blocks. A job whose window is_checked, for messages
 * that are held ahead with the same keys, marks them as checked. */
MUST_USE enum err writer_ahead(struct writer *writer, struct ahead_job *job);

/* Publishing: the only way to append to our own feed. */
struct publish_request {
	struct span content; /* JSON text of an object with a type, or of an encrypted string */
	uint64_t if_head;    /* newest own sequence the caller has seen; 0: does not know */
	const struct message_id *if_head_key; /* … and its key; NULL: does not know */
	struct span nonce; /* idempotency id, ≤ 64 bytes; empty: none. The same nonce again gets the
			      first answer */
};
struct publish_result {
	struct message_id key;
	uint64_t sequence;
	int64_t draft; /* ERR_PAUSED: kept under this number in `drafts`; 0: it was not kept */
	char why[256]; /* a sentence when the answer is not ERR_OK */
};
/**
 * Sign, store and commit one message; returns after the commit. Any thread but the loop and the
 * writer; waits at most LIMIT_PUBLISH_WAIT_MS. ERR_REFUSED, ERR_LIMIT (content no peer would take),
 * ERR_PAUSED, ERR_DISK_FULL, ERR_IO, ERR_BUSY, ERR_TIMEOUT (it may still be published: ask again
 * with the same nonce).
 */
MUST_USE enum err writer_publish(struct writer *writer, const struct publish_request *request,
	struct publish_result *result);

/*
 * A post that may be taken back waits in the outbox: nothing of it is signed before its time has
 * come, and then it goes the way of writer_publish(), with its nonce. It survives the end of the
 * process: what is due then is signed after the start, in order. A pause makes drafts of all.
 */
struct hold_request {
	struct publish_request publish; /* with a nonce, and content that was measured */
	struct span body;    /* what the owner sees again: at most LIMIT_HTTP_BODY_BYTES */
	struct span writing; /* becomes empty by this; empty: none */
	int64_t hold_ms;     /* at most LIMIT_OUTBOX_HOLD_MS */
};
/**
 * ERR_OK: held until `*due_ms` (wall), or, with `result->sequence`, published before under this
 * nonce. ERR_BUSY: LIMIT_OUTBOX wait already. Otherwise as writer_publish().
 */
MUST_USE enum err writer_hold(struct writer *writer, const struct hold_request *request,
	int64_t *due_ms, struct publish_result *result);
/** Now. ERR_NOT_FOUND: it is not held; else as writer_publish(), also when it was signed already.
 */
MUST_USE enum err writer_send(
	struct writer *writer, struct span nonce, struct publish_result *result);
/**
 * Take a held post back: nothing is signed, and `body` is what is being written under `name`, or,
 * when something is there already, under `spare`. ERR_NOT_FOUND: it is not held, or signed. Of this
 * and its time to be signed exactly one wins.
 */
struct undo_request {
	struct span nonce, name, spare, body;
};
MUST_USE enum err writer_undo(
	struct writer *writer, const struct undo_request *request, bool *is_spare, uint64_t *rev);

/* The first byte of a body that is sealed (api/letters), which adds LIMIT_WRITING_SEAL_BYTES. */
enum { WRITER_SEALED = 0x01 };
/**
 * What is being written, by name: `body` (empty: done with) replaces what has the number `rev` (0:
 * nothing). ERR_EXISTS: it has another number, `*rev_now`; ERR_LIMIT: over LIMIT_WRITING_BYTES, or
 * LIMIT_WRITINGS are there.
 */
MUST_USE enum err writer_write(
	struct writer *writer, struct span name, uint64_t rev, struct span body, uint64_t *rev_now);

/*
 * Old messages of somebody go, with all that follows from them; the head stays (store/let_go). One
 * transaction: `at_least` messages, and more, up to `at_most`, while nobody waits for the writer.
 */
enum let_go_why {
	LET_GO_FOR_ROOM,  /* not of ourselves, nor of somebody the owner follows or wants */
	LET_GO_REMOVED,   /* the same, and with the last message what is known of them goes too */
	LET_GO_FOR_AGAIN, /* all of it, to be fetched again from its first message */
};
struct let_go_request {
	struct feed_id feed;
	enum let_go_why why;
	uint64_t below; /* what is lower goes; LET_GO_FOR_ROOM only */
	size_t at_least, at_most;
};
struct let_go_result {
	uint64_t first;    /* what is still here begins with this number */
	size_t gone, kept; /* messages; `kept` for the owner: bookmarked, private */
	int64_t bytes;     /* of their bodies */
	bool is_done;
	enum err err; /* of this one; the others went on */
};
/** Returns after the commit. ERR_REFUSED: the owner follows or wants them, or it is ourselves;
 * ERR_BUSY: rows of the next one are still to be made, ask again later; ERR_NOT_FOUND: nothing of
 * them is known here. Not from the loop or the writer. */
MUST_USE enum err writer_let_go(
	struct writer *writer, const struct let_go_request *request, struct let_go_result *result);
/** Of several, at most LET_GO_FEEDS, in one transaction: a page that they share is written once.
 * `at_least` and `at_most` of the first are those of all together; who had no turn is not done.
 * What writer_let_go() says of one is `err` of its result; anything else: nothing of any went. */
enum { LET_GO_FEEDS = 32 };
MUST_USE enum err writer_let_go_many(struct writer *writer, const struct let_go_request *requests,
	struct let_go_result *results, size_t count);
/** Give up to `pages` free pages of the database back to the disk, and empty the WAL when it is
 * over `wal_bytes`. `*freed`: pages that went. */
MUST_USE enum err writer_shrink(
	struct writer *writer, size_t pages, int64_t wal_bytes, size_t *freed);

/* Small facts that are not messages. */
enum change_kind {
	CHANGE_ADDRESS_PUT,    /* feed, text: remember a way to dial somebody (feed may repeat with
				  other texts) */
	CHANGE_ADDRESS_FORGET, /* feed: forget all ways */
	CHANGE_ADDRESS_TRIED,  /* feed, text, number: 1 connected, 0 failed; the time is noted */
	CHANGE_CLOCKS,         /* feed: the peer; clocks: what it told or proved to have. Nothing is
				  kept of a peer nobody here ever spoke of */
	CHANGE_REACH,          /* reach: the whole new set of feeds we replicate, with hops */
	CHANGE_SESSION_PUT, /* name: token hash in hex; text: JSON about it; number: expiry, wall ms
			     */
	CHANGE_SESSION_DROP, /* name */
	CHANGE_SETTING,      /* name, text */
	CHANGE_HOLDS,   /* feed: a peer; number: it told or was given our messages up to this */
	CHANGE_CLAIM,   /* feed: a peer; number: it says it has our messages up to this, beyond our
			   head   (D1). Without a message it pauses for LIMIT_GUARD_CLAIM_MS, once */
	CHANGE_CONFIRM, /* feed: a peer asked in this spell; number: what it told; key: its message
			   at the lower of that and our head (all zero: it has none of ours). Who
			told more than our head counts only when its messages have come, or when it
			is confirmed again a minute later and still could not show them */
	CHANGE_TWIN,    /* text: address where another node proved to have our key (D4) */
	CHANGE_WITNESS, /* name; number; key (all zero: not known): what somebody else remembers as
			   our newest message (D5) */
	CHANGE_WANT,    /* feed, number 1: replicate without following; 0: no longer */
	CHANGE_DRAFT_DROP, /* number: this draft is done with */
	CHANGE_FLUSH,      /* nothing: writer_flush() */
	CHANGE_LOG,        /* name: event; text: sentence: one entry of the safety log */
	CHANGE_CHECKED,    /* number: 1 the database file was looked over and is sound; 0 it is
			      damaged, and publishing is paused */
	CHANGE_SHARE,      /* feed, number: the day; share: what it has sent that day */
	CHANGE_AHEAD_DROP, /* feed: nothing is shown ahead of it any more (what vouched for it was
			      wrong) */
	CHANGE_MUTE,       /* feed, number: 1 the owner mutes them, 0 no longer; over LIMIT_MUTES
			      nothing changes */
	CHANGE_PETNAME,    /* feed, name: what the owner calls them, cleaned for showing; empty: no
			      longer; over LIMIT_PETNAMES nothing changes */
	CHANGE_STRAY,    /* text: a message, verified by itself, that came alone; key: the id it was
			    asked for by. Held for its conversation (store/stray) */
	CHANGE_BOOKMARK, /* key, number: 1 the owner keeps this post, 0 no longer; over
			    LIMIT_BOOKMARKS nothing changes */
	CHANGE_MARK, /* name, number: at, order: the owner has read up to there; a mark never goes
			back */
	CHANGE_BLOB_PUT,    /* blob, number: bytes, order: enum blob_keep, name: its type,
			       is_draft. For store/blobs alone, whose file is there */
	CHANGE_BLOBS_GONE,  /* blobs: their rows go, their files are gone. For store/blobs alone */
	CHANGE_BLOB_WANT,   /* blob, number: 1 the owner wants it, 0 no longer; nothing changes when
			       it is here, or LIMIT_BLOB_WANTS stand there.
			       order: how it is kept, BLOB_READ or more */
	CHANGE_BLOB_OFFER,  /* blob: ours, of a private message (those that a public one names are
			       found in it): offered from now on, when it is here */
	CHANGE_BLOB_PUSHED, /* blob: it is offered no longer, enough peers have it */
	CHANGE_BLOB_USED,   /* blob: the owner saw it just now (kept to the hour) */
	CHANGE_BLOB_KEEP,   /* blob, number: enum blob_keep, from now on */
	CHANGE_UPLOAD_OLD,  /* blob, number: ms, wall: it was taken in for something that is being
			       written, before then, and is named nowhere: it is kept as before it
			       was taken in, or as BLOB_FAR and still told by blobs_uploads() when
			       it was not here */
	CHANGE_PRIVATE,     /* text: sealed rows of `private_messages`, name: how far boxes were
			       tried; number: 1 all rows of before go. For store/private alone */
	CHANGE_EDGES,       /* feed: somebody we privately follow or block (store/layer); ourselves:
			       everybody computes again whom we replicate */
	CHANGE_PRIVATE_MARK, /* key: a conversation; text: sealed (store/private_marks); over
				LIMIT_PRIVATE_MARKS nothing changes */
	CHANGE_EVICTED, /* name, number, order: so many of this kind, so many bytes, went to make
			   room */
	CHANGE_AGAIN,   /* feed: what was let go of it is to come again */
	CHANGE_FORK, /* feed, text: compact bytes of the message that proves a fork (first proof is
			kept) */
};
struct clock_entry {
	struct feed_id feed;
	int64_t note; /* −1, or the sequence */
};
struct reach_entry {
	struct feed_id feed;
	int hops; /* 0 ourselves, 1 followed … */
};
struct change {
	enum change_kind kind;
	struct feed_id feed;
	struct span text; /* copied */
	struct span name; /* copied */
	int64_t number;
	struct message_id key;
	struct blob_id blob;
	bool is_draft;               /* of a blob: for something that is being written */
	const struct blob_id *blobs; /* copied */
	size_t blob_count;
	int64_t order;
	struct {
		int64_t messages, bytes;
	} share;
	const struct clock_entry *clocks; /* copied */
	size_t clock_count;
	const struct reach_entry *reach; /* copied */
	size_t reach_count;
};
/** Queue a change and return at once. ERR_BUSY, ERR_NOMEM, ERR_LIMIT (an address over
 * LIMIT_ADDRESS_BYTES, a name or sentence over LIMIT_SAFETY_NAME_BYTES, LIMIT_SAFETY_TEXT_BYTES).
 * Any thread. */
MUST_USE enum err writer_change(struct writer *writer, const struct change *change);
/** The same, and wait until it is committed. Not from the loop or the writer. */
MUST_USE enum err writer_change_wait(struct writer *writer, const struct change *change);

#endif
