/*
 * The clock of a peer: how far it has each feed, as it told us or proved, −1 included. Kept from
 * one session to the next, so that the first notes leave out what has not changed. Only of feeds
 * and peers that somebody here has spoken of (CHANGE_CLOCKS): strangers must not fill the disk.
 */
#include "sync/ebt_state.h"

#include <stdlib.h>

/* What the store remembers of a peer, read by a worker. */
struct clocks {
	struct sync *sync;
	struct ebt *ebt; /* NULL: nobody waits any more */
	struct feed_id peer;
	struct clock_entry *entries;
	size_t count, room;
};

static void take_clock(void *ctx, const struct feed_id *feed, int64_t note)
{
	struct clocks *clocks = ctx;
	if (clocks->count == clocks->room) {
		size_t room = clocks->room == 0 ? 64 : clocks->room * 2;
		struct clock_entry *entries =
			clocks->count >= LIMIT_FEEDS_KNOWN
				? NULL
				: realloc(clocks->entries, room * sizeof(*entries));
		if (entries == NULL) {
			return; /* one skipped feed less */
		}
		clocks->entries = entries;
		clocks->room = room;
	}
	clocks->entries[clocks->count++] = (struct clock_entry){.feed = *feed, .note = note};
}

/* Worker. A failure leaves fewer entries: more is noted than need be. */
static void clocks_work(void *ctx)
{
	struct clocks *clocks = ctx;
	struct reader *reader = readers_take(clocks->sync->readers);
	if (reader == NULL || reader_clocks(reader, &clocks->peer, take_clock, clocks) != ERR_OK) {
		clocks->count = 0;
	}
	readers_give(clocks->sync->readers, reader);
}

static void use(struct ebt *ebt, const struct clock_entry *entry)
{
	struct feed *feed = reach_known(ebt->partner->sync->reach, &entry->feed);
	struct ebt_feed *at = feed == NULL ? NULL : ebt_at(ebt, feed);
	if (at != NULL && at->theirs == THEIRS_UNKNOWN) {
		int64_t note = entry->note < INT32_MAX ? entry->note : INT32_MAX;
		at->theirs = note < 0 ? THEIRS_NOT : (int32_t)note;
		at->sent = note < 0 ? 0 : (uint32_t)note;
	}
}

static void clocks_done(void *ctx)
{
	struct clocks *clocks = ctx;
	struct ebt *ebt = clocks->ebt;
	struct sync *sync = clocks->sync;
	for (size_t i = 0; ebt != NULL && i < clocks->count; i++) {
		use(ebt, &clocks->entries[i]);
	}
	if (ebt != NULL) {
		ebt->clocks = NULL;
		ebt->has_clocks = true;
		ebt_clocks_read(ebt);
	}
	free(clocks->entries);
	free(clocks);
	sync_job_ends(sync);
}

void ebt_clocks_load(struct ebt *ebt)
{
	struct sync *sync = ebt->partner->sync;
	struct clocks *clocks = calloc(1, sizeof(*clocks));
	if (clocks != NULL) {
		clocks->sync = sync;
		clocks->ebt = ebt;
		clocks->peer = ebt->partner->id;
		if (loop_work(sync->loop, clocks_work, clocks_done, clocks) == ERR_OK) {
			sync_job_begins(sync);
			ebt->clocks = clocks;
			return;
		}
	}
	free(clocks);
	ebt->has_clocks = true;
	ebt_clocks_read(ebt);
}

void ebt_clocks_drop(struct ebt *ebt)
{
	if (ebt->clocks != NULL) {
		ebt->clocks->ebt = NULL;
		ebt->clocks = NULL;
	}
}

static size_t gather(const struct ebt *ebt, struct clock_entry *entries, size_t room)
{
	const struct sync *sync = ebt->partner->sync;
	size_t count = 0;
	for (uint32_t i = 0; i < reach_slots(sync->reach) && count < room; i++) {
		const struct feed *feed = reach_at(sync->reach, i);
		const struct ebt_feed *at = ebt_look(ebt, feed);
		if (at == NULL || at->theirs == THEIRS_UNKNOWN) {
			continue;
		}
		/* Whom we told −1 remembers it: nothing may be skipped next time on the ground that
		 * we stand at the same number. */
		bool is_forgotten = at->is_refused && at->theirs > 0;
		entries[count++] = (struct clock_entry){
			.feed = feed->id, .note = is_forgotten ? 0 : at->theirs};
	}
	return count;
}

void ebt_clocks_save(struct ebt *ebt)
{
	struct sync *sync = ebt->partner->sync;
	size_t room = (size_t)ebt->page_count * EBT_PAGE;
	struct clock_entry *entries = calloc(room + 1, sizeof(*entries));
	size_t count = entries == NULL ? 0 : gather(ebt, entries, room);
	struct change change = {.kind = CHANGE_CLOCKS,
		.feed = ebt->partner->id,
		.clocks = entries,
		.clock_count = count};
	if (count > 0 && writer_change(sync->writer, &change) != ERR_OK) {
		LOG(sync->env, LOG_DEBUG, "clocks.unsaved", LOG_NUM("feeds", count));
	}
	free(entries);
}
