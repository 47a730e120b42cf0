/* One job looks at several feeds, so that many small steps (a message here, two there) cost one
 * hand-over between threads. */
#include "sync/pull.h"

#include "store/let_go.h"

#include <stdlib.h>

struct reading {
	struct pull *pull;
	uint32_t want;
	uint64_t count;
	bool is_full;
};

struct pull *pull_new(struct sync *sync)
{
	struct pull *pull = calloc(1, sizeof(*pull));
	if (pull != NULL) {
		pull->sync = sync;
		buf_init(&pull->text, LIMIT_HISTORY_CHUNK_BYTES + LIMIT_MESSAGE_BYTES);
	}
	return pull;
}

void pull_free(struct pull *pull)
{
	if (pull != NULL) {
		buf_fini(&pull->text);
		free(pull->items);
		free(pull);
	}
}

static bool item_room(struct pull *pull)
{
	if (pull->item_count < pull->item_room) {
		return true;
	}
	size_t room = pull->item_room == 0 ? 32 : pull->item_room * 2;
	struct pull_item *items = realloc(pull->items, room * sizeof(*items));
	if (items == NULL) {
		return false;
	}
	pull->items = items;
	pull->item_room = room;
	return true;
}

static bool take(void *ctx, const struct stored *message)
{
	struct reading *reading = ctx;
	struct pull *pull = reading->pull;
	struct pull_want *want = &pull->wants[reading->want];
	size_t at = pull->text.len;
	if (message->sequence != want->next) {
		return false; /* a hole in the store: never send around it */
	}
	if (!item_room(pull) || buf_append(&pull->text, message->compact) != ERR_OK) {
		pull->err = ERR_NOMEM;
		return false;
	}
	pull->items[pull->item_count++] = (struct pull_item){
		.want = reading->want,
		.key = message->key,
		.sequence = message->sequence,
		.received_ms = message->received_ms,
		.at = at,
		.len = message->compact.len,
	};
	want->next = message->sequence + 1;
	reading->count++;
	reading->is_full = pull->text.len >= LIMIT_HISTORY_CHUNK_BYTES;
	return !reading->is_full;
}

static void read_one(struct pull *pull, uint32_t i, struct reader *reader)
{
	struct pull_want *want = &pull->wants[i];
	struct reading reading = {.pull = pull, .want = i};
	want->is_read = true;
	if (want->is_newer_only) {
		struct chain_head head = {0};
		enum err err = reader_head(reader, &want->feed, &head);
		if (err != ERR_OK && err != ERR_NOT_FOUND) {
			pull->err = err;
			return;
		}
		want->next = head.sequence + 1;
		want->is_at_end = true;
		return;
	}
	want->next = want->from;
	uint64_t first = 1;
	enum err err = reader_first(reader, &want->feed, &first);
	if (err != ERR_OK || want->from < first) {
		/* What it asks for was let go: nothing, rather than a history with a hole. */
		pull->err = err;
		want->is_at_end = true;
		return;
	}
	err = reader_feed(reader, &want->feed, want->from, (size_t)want->count_max, take, &reading);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		pull->err = err;
	}
	want->is_at_end = !reading.is_full && reading.count < want->count_max;
}

/* Worker. */
static void work(void *ctx)
{
	struct pull *pull = ctx;
	struct reader *reader = readers_take(pull->sync->readers);
	if (reader == NULL) {
		pull->err = ERR_IO;
		return;
	}
	for (uint32_t i = 0; i < pull->want_count && pull->err == ERR_OK; i++) {
		if (pull->text.len >= LIMIT_HISTORY_CHUNK_BYTES) {
			break;
		}
		read_one(pull, i, reader);
	}
	readers_give(pull->sync->readers, reader);
}

static void done(void *ctx)
{
	struct pull *pull = ctx;
	struct sync *sync = pull->sync;
	if (pull->err != ERR_OK) {
		LOG(sync->env, LOG_WARN, "pull.failed", LOG_TEXT("why", err_text(pull->err)));
	}
	if (pull->on_done == NULL) {
		pull_free(pull);
	} else {
		pull->on_done(pull->ctx, pull);
	}
	sync_job_ends(sync);
}

enum err pull_start(struct pull *pull)
{
	enum err err = loop_work(pull->sync->loop, work, done, pull);
	if (err == ERR_OK) {
		sync_job_begins(pull->sync);
	}
	return err;
}

void pull_cancel(struct pull *pull)
{
	if (pull != NULL) {
		pull->on_done = NULL;
	}
}

struct span pull_text(const struct pull *pull, const struct pull_item *item)
{
	return span_of(pull->text.at + item->at, item->len);
}
