/*
 * Pending events under one lock. Sets of ids are small arrays: an id is put in once, and a set that
 * is full turns into one "resync", which says less and costs less. Nothing here waits, so the
 * writer may call it.
 */
#include "api/events.h"

#include "api/body.h"
#include "base/limits.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { STATE_BYTES = 16, CAUSE_BYTES = 24, OUTBOX_WHY_BYTES = 256 };

struct id_set {
	uint8_t at[EVENTS_IDS_MAX][ID_BYTES];
	size_t count;
	bool is_over;
};

struct pending {
	struct id_set fresh, who, changed, people, wide_who, blobs;
	uint64_t fresh_count, wide_count;
	bool peers, sync, holders, state, safety, devices, kept, unread;
	struct {
		struct outbox_news news;
		uint8_t nonce[LIMIT_WRITING_NAME_BYTES];
		char why[OUTBOX_WHY_BYTES];
	} outbox[EVENTS_OUTBOX_MAX];
	size_t outbox_count;
	struct {
		char name[LIMIT_WRITING_NAME_BYTES + 1];
		uint64_t rev;
	} writings[EVENTS_WRITINGS_MAX];
	size_t writing_count;
	struct {
		uint8_t conversation[ID_BYTES];
		struct message_id id;
	} letters[EVENTS_PRIVATE_MAX];
	size_t letter_count;
	bool kept_over; /* of these two there were more */
	struct events_reply replies[EVENTS_REPLIES_MAX];
	size_t reply_count;
	bool replies_over;
};

struct events {
	pthread_mutex_t lock;
	const struct env *env;
	struct feed_id self;
	struct pending pending;
	bool is_receiving;
	uint64_t behind;
	bool has_told_sync;
	struct events_holders held;
	struct events_unread unread;
	bool has_unread;
	char state[STATE_BYTES]; /* "" until it is known */
	char cause[CAUSE_BYTES];
	uint64_t head;
	int64_t resync_at_ms;
	bool owes_resync;
};

enum err events_new(const struct env *env, const struct feed_id *self, struct events **out)
{
	struct events *events = calloc(1, sizeof(*events));
	if (events == NULL) {
		return ERR_NOMEM;
	}
	events->env = env;
	events->self = *self;
	events->resync_at_ms = -EVENTS_RESYNC_MS;
	if (pthread_mutex_init(&events->lock, NULL) != 0) {
		free(events);
		return ERR_NOMEM;
	}
	*out = events;
	return ERR_OK;
}

void events_free(struct events *events)
{
	if (events != NULL) {
		(void)pthread_mutex_destroy(&events->lock);
		free(events);
	}
}

static void set_put(struct id_set *set, const uint8_t id[static ID_BYTES])
{
	for (size_t i = 0; i < set->count; i++) {
		if (memcmp(set->at[i], id, ID_BYTES) == 0) {
			return;
		}
	}
	if (set->count == EVENTS_IDS_MAX) {
		set->is_over = true;
		return;
	}
	memcpy(set->at[set->count++], id, ID_BYTES);
}

static void put_reply(struct pending *pending, const struct committed *message)
{
	set_put(&pending->changed, message->root.at);
	if (pending->reply_count == EVENTS_REPLIES_MAX) {
		pending->replies_over = true;
		return;
	}
	pending->replies[pending->reply_count++] =
		(struct events_reply){.root = message->root, .key = message->key};
}

/* A post that is on pages already says something new of itself, and its author's profile of what
 * is still to come. */
static void put_shown(struct pending *pending, const struct committed *message)
{
	set_put(&pending->people, message->author.at);
	if (message->type == CONTENT_POST) {
		set_put(&pending->changed, message->key.at);
	}
}

static void put_message(struct events *events, const struct committed *message)
{
	struct pending *pending = &events->pending;
	if (message->was_shown) {
		put_shown(pending, message);
		if (message->type == CONTENT_POST) {
			return;
		}
	}
	if (feed_id_equal(&message->author, &events->self) && message->sequence > events->head) {
		events->head = message->sequence;
	}
	if (message->type == CONTENT_POST && message->is_shown) {
		/* Of everybody's posts it is only told how many, and by whom as far as there is
		 * room: they may be very many. */
		pending->wide_count++;
		set_put(&pending->wide_who, message->author.at);
	}
	if (message->type == CONTENT_POST && message->is_home) {
		pending->fresh_count++;
		set_put(&pending->fresh, message->key.at);
		set_put(&pending->who, message->author.at);
	}
	if (message->type == CONTENT_POST && message->has_root) {
		put_reply(pending, message);
	} else if (message->type == CONTENT_VOTE && message->has_root) {
		set_put(&pending->changed, message->root.at);
	}
	if (message->type == CONTENT_CONTACT && message->is_edge &&
		feed_id_equal(&message->author, &events->self)) {
		/* A block takes much away, and its end brings it back. */
		events->owes_resync =
			events->owes_resync || message->was_block || message->edge == EDGE_BLOCK;
	}
	if (message->type == CONTENT_ABOUT || message->type == CONTENT_CONTACT) {
		set_put(&pending->people, message->author.at);
		if (message->has_subject) {
			set_put(&pending->people, message->subject.at);
		}
	}
}

void events_on_commit(struct events *events, const struct commit *commit)
{
	(void)pthread_mutex_lock(&events->lock);
	for (size_t i = 0; i < commit->count; i++) {
		if (!commit->messages[i].is_behind) { /* else it comes again, in `late` */
			put_message(events, &commit->messages[i]);
		}
	}
	for (size_t i = 0; i < commit->late_count; i++) {
		put_message(events, &commit->late[i]);
	}
	for (size_t i = 0; i < commit->ahead_count; i++) {
		put_message(events, &commit->ahead[i]);
		set_put(&events->pending.people, commit->ahead[i].author.at);
	}
	for (size_t i = 0; i < commit->blob_count; i++) {
		if (commit->blobs[i].event == BLOB_CAME && commit->blobs[i].was_wanted) {
			set_put(&events->pending.blobs, commit->blobs[i].id.at);
		}
	}
	events->owes_resync = events->owes_resync || commit->is_ahead_gone || commit->is_late_cut;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_peers(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	events->pending.peers = true;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_sync(struct events *events, bool is_receiving, uint64_t behind)
{
	(void)pthread_mutex_lock(&events->lock);
	if (!events->has_told_sync || events->is_receiving != is_receiving ||
		events->behind != behind) {
		events->pending.sync = true;
		events->has_told_sync = true;
		events->is_receiving = is_receiving;
		events->behind = behind;
	}
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_state(struct events *events, const char *state, const char *cause)
{
	(void)pthread_mutex_lock(&events->lock);
	if (strncmp(events->state, state, STATE_BYTES - 1) != 0 ||
		strncmp(events->cause, cause, CAUSE_BYTES - 1) != 0) {
		events->pending.state = events->state[0] != '\0';
		(void)snprintf(events->state, sizeof(events->state), "%s", state);
		(void)snprintf(events->cause, sizeof(events->cause), "%s", cause);
	}
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_safety(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	events->pending.safety = true;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_devices(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	events->pending.devices = true;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_person(struct events *events, const struct feed_id *id, bool is_hidden)
{
	(void)pthread_mutex_lock(&events->lock);
	set_put(&events->pending.people, id->at);
	events->pending.kept = true;
	events->owes_resync = events->owes_resync || is_hidden;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_kept(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	events->pending.kept = true;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_outbox(struct events *events, const struct outbox_news *news)
{
	struct pending *pending = &events->pending;
	(void)pthread_mutex_lock(&events->lock);
	size_t at = 0;
	while (at < pending->outbox_count &&
		!span_equal(pending->outbox[at].news.nonce, news->nonce)) {
		at++;
	}
	if (at == EVENTS_OUTBOX_MAX || news->nonce.len > sizeof(pending->outbox[0].nonce)) {
		pending->kept_over = true;
	} else {
		pending->outbox_count =
			at == pending->outbox_count ? at + 1 : pending->outbox_count;
		memcpy(pending->outbox[at].nonce, news->nonce.at, news->nonce.len);
		(void)snprintf(pending->outbox[at].why, OUTBOX_WHY_BYTES, "%s", news->why);
		pending->outbox[at].news = *news;
		pending->outbox[at].news.nonce =
			span_of(pending->outbox[at].nonce, news->nonce.len);
		pending->outbox[at].news.why = pending->outbox[at].why;
	}
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_writing(struct events *events, struct span name, uint64_t rev)
{
	struct pending *pending = &events->pending;
	(void)pthread_mutex_lock(&events->lock);
	size_t at = 0;
	while (at < pending->writing_count && !span_equal_text(name, pending->writings[at].name)) {
		at++;
	}
	if (at == EVENTS_WRITINGS_MAX || name.len > LIMIT_WRITING_NAME_BYTES) {
		pending->kept_over = true;
	} else {
		pending->writing_count =
			at == pending->writing_count ? at + 1 : pending->writing_count;
		memcpy(pending->writings[at].name, name.at, name.len);
		pending->writings[at].name[name.len] = '\0';
		pending->writings[at].rev = rev;
	}
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_private(struct events *events, const uint8_t conversation[static ID_BYTES],
	const struct message_id *id)
{
	struct pending *pending = &events->pending;
	(void)pthread_mutex_lock(&events->lock);
	if (pending->letter_count == EVENTS_PRIVATE_MAX) {
		pending->kept_over = true;
	} else {
		memcpy(pending->letters[pending->letter_count].conversation, conversation,
			ID_BYTES);
		pending->letters[pending->letter_count].id = *id;
		pending->letter_count++;
	}
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_hidden(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	events->owes_resync = true;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_unread(struct events *events, const struct events_unread *unread)
{
	(void)pthread_mutex_lock(&events->lock);
	bool is_same = events->unread.home == unread->home &&
		       events->unread.activity == unread->activity &&
		       events->unread.private == unread->private;
	events->pending.unread = events->pending.unread || (events->has_unread && !is_same);
	events->unread = *unread;
	events->has_unread = true;
	(void)pthread_mutex_unlock(&events->lock);
}

void events_on_holders(struct events *events, const struct events_holders *holders)
{
	(void)pthread_mutex_lock(&events->lock);
	if (events->held.sequence != holders->sequence || events->held.count != holders->count) {
		events->pending.holders = true;
		events->held = *holders;
	}
	(void)pthread_mutex_unlock(&events->lock);
}

uint64_t events_head(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	uint64_t head = events->head;
	(void)pthread_mutex_unlock(&events->lock);
	return head;
}

void events_set_head(struct events *events, uint64_t sequence)
{
	(void)pthread_mutex_lock(&events->lock);
	events->head = sequence > events->head ? sequence : events->head;
	(void)pthread_mutex_unlock(&events->lock);
}

static bool is_over(const struct pending *pending)
{
	return pending->fresh.is_over || pending->changed.is_over || pending->people.is_over ||
	       pending->blobs.is_over || pending->replies_over || pending->kept_over;
}

static bool has_something(const struct events *events)
{
	const struct pending *pending = &events->pending;
	return pending->fresh_count > 0 || pending->wide_count > 0 || pending->changed.count > 0 ||
	       pending->people.count > 0 || pending->blobs.count > 0 || pending->peers ||
	       pending->sync || pending->holders || pending->state || pending->safety ||
	       pending->devices || pending->kept || pending->outbox_count > 0 ||
	       pending->writing_count > 0 || pending->letter_count > 0 || pending->kept_over ||
	       pending->unread ||
	       (events->owes_resync &&
		       env_mono_ms(events->env) - events->resync_at_ms >= EVENTS_RESYNC_MS);
}

bool events_is_waiting(struct events *events)
{
	(void)pthread_mutex_lock(&events->lock);
	bool is = has_something(events) || events->owes_resync;
	(void)pthread_mutex_unlock(&events->lock);
	return is;
}

static json_t *id_json(char sigil, const uint8_t id[static ID_BYTES])
{
	char text[FEED_ID_TEXT_BYTES];
	if (sigil == '@') {
		struct feed_id feed;
		memcpy(feed.at, id, ID_BYTES);
		feed_id_format(&feed, text);
	} else if (sigil == '&') {
		struct blob_id blob;
		memcpy(blob.at, id, ID_BYTES);
		blob_id_format(&blob, text);
	} else {
		struct message_id message;
		memcpy(message.at, id, ID_BYTES);
		message_id_format(&message, text);
	}
	return json_string(text);
}

static json_t *ids_json(char sigil, const struct id_set *set)
{
	json_t *list = json_array();
	for (size_t i = 0; i < set->count; i++) {
		(void)json_array_append_new(list, id_json(sigil, set->at[i]));
	}
	return list;
}

static void put_frame(struct events_batch *batch, json_t *tree)
{
	char *text = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	if (text != NULL && batch->frame_count < EVENTS_FRAMES_MAX) {
		batch->frames[batch->frame_count++] = text;
	} else {
		free(text);
	}
}

static json_t *holders_json(const struct events_holders *held)
{
	json_t *names = json_array();
	for (size_t i = 0; i < held->name_count; i++) {
		(void)json_array_append_new(names, body_string(span_text(held->names[i])));
	}
	return json_pack("{s:s, s:I, s:I, s:o}", "ev", "holders", "sequence",
		(json_int_t)held->sequence, "n", (json_int_t)held->count, "names", names);
}

/* Under the lock: the lists, or one "resync" in their place. */
static void take_lists(struct events *events, struct events_batch *out)
{
	const struct pending *pending = &events->pending;
	int64_t now = env_mono_ms(events->env);
	events->owes_resync = events->owes_resync || is_over(pending);
	if (events->owes_resync) {
		if (now - events->resync_at_ms >= EVENTS_RESYNC_MS) {
			events->owes_resync = false;
			events->resync_at_ms = now;
			put_frame(out, json_pack("{s:s}", "ev", "resync"));
		}
		return;
	}
	if (pending->fresh_count > 0) {
		put_frame(out, json_pack("{s:s, s:I, s:o, s:o}", "ev", "fresh", "n",
				       (json_int_t)pending->fresh_count, "ids",
				       ids_json('%', &pending->fresh), "who",
				       ids_json('@', &pending->who)));
	}
	if (pending->wide_count > 0) {
		put_frame(out, json_pack("{s:s, s:I, s:o}", "ev", "wide", "n",
				       (json_int_t)pending->wide_count, "who",
				       ids_json('@', &pending->wide_who)));
	}
	if (pending->changed.count > 0) {
		put_frame(out, json_pack("{s:s, s:o}", "ev", "changed", "ids",
				       ids_json('%', &pending->changed)));
	}
	if (pending->people.count > 0) {
		put_frame(out, json_pack("{s:s, s:o}", "ev", "people", "ids",
				       ids_json('@', &pending->people)));
	}
	if (pending->blobs.count > 0) {
		put_frame(out, json_pack("{s:s, s:o, s:o}", "ev", "blob", "id",
				       id_json('&', pending->blobs.at[0]), "ids",
				       ids_json('&', &pending->blobs)));
	}
	memcpy(out->replies, pending->replies, pending->reply_count * sizeof(out->replies[0]));
	out->reply_count = pending->reply_count;
}

static json_t *outbox_json(const struct outbox_news *news)
{
	static const char *const states[] = {[OUTBOX_HELD] = "held",
		[OUTBOX_STORED] = "stored",
		[OUTBOX_TAKEN_BACK] = "dropped",
		[OUTBOX_DRAFT] = "draft",
		[OUTBOX_FAILED] = "failed"};
	bool is_stored = news->state == OUTBOX_STORED;
	return json_pack("{s:s, s:o, s:s, s:o, s:o}", "ev", "outbox", "nonce",
		body_string(news->nonce), "state", states[news->state], "id",
		is_stored ? id_json('%', news->key.at) : json_null(), "said",
		news->why[0] == '\0' ? json_null() : body_string(span_text(news->why)));
}

/* What became of held posts goes behind the posts themselves. */
static void take_kept(const struct pending *pending, struct events_batch *out)
{
	for (size_t i = 0; i < pending->outbox_count; i++) {
		put_frame(out, outbox_json(&pending->outbox[i].news));
	}
	for (size_t i = 0; i < pending->writing_count; i++) {
		put_frame(out, json_pack("{s:s, s:s, s:I}", "ev", "writing", "name",
				       pending->writings[i].name, "rev",
				       (json_int_t)pending->writings[i].rev));
	}
	for (size_t i = 0; i < pending->letter_count; i++) {
		char name[ID_PATH_BYTES];
		id_format_path(pending->letters[i].conversation, name);
		put_frame(out, json_pack("{s:s, s:s, s:o}", "ev", "private", "conversation", name,
				       "id", id_json('%', pending->letters[i].id.at)));
	}
}

void events_take(struct events *events, struct events_batch *out)
{
	out->frame_count = 0;
	out->reply_count = 0;
	(void)pthread_mutex_lock(&events->lock);
	const struct pending *pending = &events->pending;
	take_lists(events, out);
	take_kept(pending, out);
	if (pending->peers) {
		put_frame(out, json_pack("{s:s}", "ev", "peers"));
	}
	if (pending->sync) {
		put_frame(out, json_pack("{s:s, s:s, s:I}", "ev", "sync", "phase",
				       events->is_receiving ? "receiving" : "idle", "behind",
				       (json_int_t)events->behind));
	}
	if (pending->holders) {
		put_frame(out, holders_json(&events->held));
	}
	if (pending->state) {
		put_frame(out, json_pack("{s:s, s:s, s:s?}", "ev", "state", "is", events->state,
				       "cause", events->cause[0] == '\0' ? NULL : events->cause));
	}
	if (pending->safety) {
		put_frame(out, json_pack("{s:s}", "ev", "safety"));
	}
	if (pending->devices) {
		put_frame(out, json_pack("{s:s}", "ev", "devices"));
	}
	if (pending->kept) {
		put_frame(out, json_pack("{s:s}", "ev", "kept"));
	}
	if (pending->unread) {
		put_frame(out, json_pack("{s:s, s:I, s:I, s:I}", "ev", "unread", "home",
				       (json_int_t)events->unread.home, "activity",
				       (json_int_t)events->unread.activity, "private",
				       (json_int_t)events->unread.private));
	}
	memset(&events->pending, 0, sizeof(events->pending));
	(void)pthread_mutex_unlock(&events->lock);
}

void events_batch_fini(struct events_batch *batch)
{
	for (size_t i = 0; i < batch->frame_count; i++) {
		free(batch->frames[i]);
	}
	batch->frame_count = 0;
}

char *events_thread_frame(const struct events_batch *batch, const struct message_id *root)
{
	json_t *list = json_array();
	for (size_t i = 0; i < batch->reply_count; i++) {
		if (message_id_equal(&batch->replies[i].root, root)) {
			(void)json_array_append_new(list, id_json('%', batch->replies[i].key.at));
		}
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	json_t *tree = json_pack("{s:s, s:o}", "ev", "changed", "ids", list);
	char *text = json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	return text;
}
