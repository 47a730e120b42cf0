/**
 * api/events: what happened, waiting to be told to open pages: bounded, merged, and turned into the
 * event texts of API.md.
 *
 * Any thread puts in; the live thread takes out. More than fits becomes "resync": fetch afresh.
 */
#ifndef API_EVENTS_H
#define API_EVENTS_H

#include "base/buf.h"
#include "store/writer.h"

enum {
	EVENTS_IDS_MAX = 50,
	EVENTS_REPLIES_MAX = 200,
	EVENTS_OUTBOX_MAX = 8,
	EVENTS_WRITINGS_MAX = 8,
	EVENTS_PRIVATE_MAX = 16,
	EVENTS_FRAMES_MAX = 13 + EVENTS_OUTBOX_MAX + EVENTS_WRITINGS_MAX + EVENTS_PRIVATE_MAX,
	EVENTS_FLUSH_MS = 250,
	EVENTS_RESYNC_MS = 2000, /* at most one "resync" in this time, however much comes in */
	EVENTS_NAMES_MAX = 3,
	EVENTS_NAME_BYTES = 272,
};

struct events;

struct events_holders {
	uint64_t sequence;
	size_t count;
	char names[EVENTS_NAMES_MAX][EVENTS_NAME_BYTES];
	size_t name_count;
};

/* What is new since the owner last read, counted up to 100. */
struct events_unread {
	uint32_t home, activity, private;
};

/* A batch for all pages. `replies` lets the receiver tell a page that watches a thread which posts
 * are new in it. */
struct events_batch {
	char *frames[EVENTS_FRAMES_MAX]; /* JSON texts; free with events_batch_fini() */
	size_t frame_count;
	struct events_reply {
		struct message_id root, key;
	} replies[EVENTS_REPLIES_MAX];
	size_t reply_count;
};

MUST_USE enum err events_new(
	const struct env *env, const struct feed_id *self, struct events **out);
void events_free(struct events *events);

void events_on_commit(struct events *events, const struct commit *commit);
void events_on_peers(struct events *events);
/** A repetition of what was told last is dropped. */
void events_on_sync(struct events *events, bool is_receiving, uint64_t behind);
/** What writer_guard() says; `cause` is "" when there is none. The first is told to nobody: a page
 * asks for it when it starts. */
void events_on_state(struct events *events, const char *state, const char *cause);
/** What a pause waits for, or a backup's job, changed. */
void events_on_safety(struct events *events);
/** A device came in or went, or is called otherwise or may do something else now. */
void events_on_devices(struct events *events);
/** What the owner keeps about somebody changed; `is_hidden`: also whether their posts are shown. */
void events_on_person(struct events *events, const struct feed_id *id, bool is_hidden);
/** Mutes, names or bookmarks changed. */
void events_on_kept(struct events *events);
/** What became of a held post; the last word about each counts. */
void events_on_outbox(struct events *events, const struct outbox_news *news);
/** What is being written under `name` changed. */
void events_on_writing(struct events *events, struct span name, uint64_t rev);
/** A private message is there, in the conversation of that name. */
void events_on_private(struct events *events, const uint8_t conversation[static ID_BYTES],
	const struct message_id *id);
/** Much of what is shown may be other: fetch afresh. */
void events_on_hidden(struct events *events);
/** A repetition of what was told last is dropped; the first is told to nobody. */
void events_on_unread(struct events *events, const struct events_unread *unread);
void events_on_holders(struct events *events, const struct events_holders *holders);

/** Newest own sequence, as far as commits told (or events_set_head()). */
uint64_t events_head(struct events *events);
void events_set_head(struct events *events, uint64_t sequence);

bool events_is_waiting(struct events *events);
void events_take(struct events *events, struct events_batch *out);
void events_batch_fini(struct events_batch *batch);
/** {"ev":"changed","ids":[…]} for the replies of `batch` that belong to `root`; NULL when there is
 * none or no memory. The caller's: free(). */
char *events_thread_frame(const struct events_batch *batch, const struct message_id *root);

#endif
