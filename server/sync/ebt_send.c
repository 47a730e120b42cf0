/*
 * Notes are gathered during a turn of the loop and go out together; messages are read in worker
 * jobs, one at a time for each session. Both stop when the connection is full and go on in on_room.
 * Messages of a feed leave strictly in order: a chunk that no longer fits (the peer's note moved
 * the mark while it was read) is thrown away and read again.
 */
#include "sync/ebt_state.h"

#include "sync/recover.h"

#include <assert.h>
#include <stdlib.h>

static bool grow(struct ebt *ebt, uint32_t page)
{
	if (page >= ebt->page_count) {
		uint32_t count = reach_slots(ebt->partner->sync->reach) / EBT_PAGE + 1;
		struct ebt_feed **pages =
			reallocarray(ebt->pages, count, sizeof(struct ebt_feed *));
		if (pages == NULL) {
			return false;
		}
		for (uint32_t i = ebt->page_count; i < count; i++) {
			pages[i] = NULL;
		}
		ebt->pages = pages;
		ebt->page_count = count;
	}
	assert(page < ebt->page_count);
	if (ebt->pages[page] == NULL) {
		struct ebt_feed *feeds = calloc(EBT_PAGE, sizeof(*feeds));
		for (size_t i = 0; feeds != NULL && i < EBT_PAGE; i++) {
			feeds[i].theirs = THEIRS_UNKNOWN;
		}
		ebt->pages[page] = feeds;
	}
	return ebt->pages[page] != NULL;
}

static struct ebt_feed *at_slot(const struct ebt *ebt, uint32_t slot)
{
	uint32_t page = slot / EBT_PAGE;
	return page < ebt->page_count && ebt->pages[page] != NULL
		       ? &ebt->pages[page][slot % EBT_PAGE]
		       : NULL;
}

struct ebt_feed *ebt_look(const struct ebt *ebt, const struct feed *feed)
{
	return at_slot(ebt, feed->slot);
}

struct ebt_feed *ebt_at(struct ebt *ebt, const struct feed *feed)
{
	return grow(ebt, feed->slot / EBT_PAGE) ? at_slot(ebt, feed->slot) : NULL;
}

bool ebt_is_shared(const struct ebt *ebt, const struct feed *feed)
{
	return reach_is_shared(ebt->partner->sync->reach, feed, &ebt->partner->id);
}

void ebt_mark(struct ebt *ebt, const struct feed *feed)
{
	struct ebt_feed *at = ebt_at(ebt, feed);
	if (at == NULL || at->is_dirty) {
		return;
	}
	at->is_dirty = true;
	at->next_dirty = EBT_NONE;
	if (ebt->dirty.last == EBT_NONE) {
		ebt->dirty.first = (uint16_t)feed->slot;
	} else {
		at_slot(ebt, ebt->dirty.last)->next_dirty = (uint16_t)feed->slot;
	}
	ebt->dirty.last = (uint16_t)feed->slot;
	if (ebt->is_open) {
		loop_timer_set(ebt->flush_timer, 0);
	}
}

void ebt_mark_refused(struct ebt *ebt, const struct feed_id *id)
{
	if (ebt->refused_count == LIMIT_NOTE_ENTRIES) {
		return;
	}
	if (ebt->refused_count == ebt->refused_room) {
		size_t room = ebt->refused_room == 0 ? 16 : ebt->refused_room * 2;
		struct feed_id *refused = realloc(ebt->refused, room * sizeof(*refused));
		if (refused == NULL) {
			return;
		}
		ebt->refused = refused;
		ebt->refused_room = room;
	}
	ebt->refused[ebt->refused_count++] = *id;
	if (ebt->is_open) {
		loop_timer_set(ebt->flush_timer, 0);
	}
}

void ebt_queue(struct ebt *ebt, const struct feed *feed)
{
	struct ebt_feed *at = ebt_at(ebt, feed);
	if (at == NULL || at->is_queued) {
		return;
	}
	at->is_queued = true;
	at->next_send = EBT_NONE;
	if (ebt->sending.last == EBT_NONE) {
		ebt->sending.first = (uint16_t)feed->slot;
	} else {
		at_slot(ebt, ebt->sending.last)->next_send = (uint16_t)feed->slot;
	}
	ebt->sending.last = (uint16_t)feed->slot;
	if (ebt->pull == NULL) {
		loop_timer_set(ebt->flush_timer, 0);
	}
}

/* Take the first slot off a list; EBT_NONE when it is empty. */
static uint16_t take_dirty(struct ebt *ebt)
{
	uint16_t slot = ebt->dirty.first;
	if (slot != EBT_NONE) {
		ebt->dirty.first = at_slot(ebt, slot)->next_dirty;
		if (ebt->dirty.first == EBT_NONE) {
			ebt->dirty.last = EBT_NONE;
		}
		at_slot(ebt, slot)->is_dirty = false;
	}
	return slot;
}

static uint16_t take_queued(struct ebt *ebt)
{
	uint16_t slot = ebt->sending.first;
	if (slot != EBT_NONE) {
		ebt->sending.first = at_slot(ebt, slot)->next_send;
		if (ebt->sending.first == EBT_NONE) {
			ebt->sending.last = EBT_NONE;
		}
		at_slot(ebt, slot)->is_queued = false;
	}
	return slot;
}

/*
 * A peer that is below what was let go gets nothing of it. It is told that we stand where it
 * stands: then it takes the feed from others, and comes to us again once it has come up
 * (sync/README.md). Before it has said where it is we leave the feed out of the notes that go
 * first.
 */
static enum err add_level_note(struct ebt *ebt, const struct feed *feed, struct buf *out)
{
	struct ebt_feed *at = ebt_look(ebt, feed);
	const struct note note = {.is_replicated = true, .sequence = at->sent};
	if (at->theirs == THEIRS_UNKNOWN) {
		return ERR_OK;
	}
	at->is_noted = true;
	at->is_told = false;
	at->is_claimed = false;
	at->is_refused = false;
	at->is_wanting = false;
	return note_add(out, &feed->id, &note);
}

static bool is_level_note(const struct ebt *ebt, const struct feed *feed)
{
	const struct ebt_feed *at = ebt_look(ebt, feed);
	bool may_wait = !ebt->is_dialler && !ebt->has_heard;
	return ebt_is_shared(ebt, feed) && !at->is_stopped && !ebt_may_serve(feed, at) &&
	       (at->theirs != THEIRS_UNKNOWN || may_wait);
}

/* Of our own feed everybody may send what we lost; any other one is taken from its source only. */
static enum err add_note(struct ebt *ebt, const struct feed *feed, struct buf *out)
{
	struct ebt_feed *at = ebt_look(ebt, feed);
	bool is_own = feed == reach_self(ebt->partner->sync->reach);
	bool is_ours = ebt_is_shared(ebt, feed) && !at->is_stopped;
	if (!is_ours && at->is_refused) {
		return ERR_OK; /* once per session */
	}
	if (is_level_note(ebt, feed)) {
		return add_level_note(ebt, feed, out);
	}
	bool is_rewound = ebt->is_rewinding && is_own;
	uint64_t head = is_rewound && ebt->rewind_to < feed->head ? ebt->rewind_to : feed->head;
	struct note note = {.is_replicated = is_ours,
		.wants = is_ours && (is_own || feed->source == ebt),
		.sequence = is_ours ? head : 0};
	ebt->is_rewinding = ebt->is_rewinding && !is_rewound;
	at->is_noted = true;
	at->is_told = is_ours && head == feed->head;
	at->is_claimed = is_ours;
	at->is_refused = !is_ours;
	at->is_wanting = note.wants;
	return note_add(out, &feed->id, &note);
}

static enum err fill_item(struct ebt *ebt, struct buf *out)
{
	static const struct note not_replicated = {.is_replicated = false};
	enum err err = note_open(out);
	unsigned count = 0;
	for (; err == ERR_OK && count < LIMIT_NOTES_PER_ITEM && ebt->refused_count > 0; count++) {
		err = note_add(out, &ebt->refused[--ebt->refused_count], &not_replicated);
	}
	for (; err == ERR_OK && count < LIMIT_NOTES_PER_ITEM; count++) {
		uint16_t slot = take_dirty(ebt);
		if (slot == EBT_NONE) {
			break;
		}
		err = add_note(ebt, reach_at(ebt->partner->sync->reach, slot), out);
	}
	return err == ERR_OK ? note_close(out) : err;
}

static void flush_notes(struct ebt *ebt)
{
	while (ebt->is_open &&
		(ebt->is_note_due || ebt->dirty.first != EBT_NONE || ebt->refused_count > 0) &&
		!rpc_is_full(ebt->call)) {
		struct buf item = BUF_INIT(LIMIT_RPC_NOTE_BYTES);
		enum err err = fill_item(ebt, &item);
		bool is_empty = item.len <= 2;
		if (err == ERR_OK && (!is_empty || ebt->is_note_due)) {
			ebt->partner->sync->counters.note_bytes_out += item.len;
			err = rpc_send(ebt->call, MUXRPC_JSON, buf_span(&item));
		}
		ebt->is_note_due = false;
		buf_fini(&item);
		if (err != ERR_OK) {
			return; /* the connection is lost; its end follows */
		}
	}
}

/* Does the peer still lack something it asked for? */
static bool has_more(struct ebt *ebt, const struct feed *feed)
{
	struct ebt_feed *at = ebt_at(ebt, feed);
	return at != NULL && at->they_want && !at->is_stopped && at->sent < feed->head &&
	       ebt_may_serve(feed, at) && ebt_is_shared(ebt, feed);
}

static void send_items(struct ebt *ebt, const struct pull *pull)
{
	struct sync *sync = ebt->partner->sync;
	for (size_t i = 0; i < pull->item_count; i++) {
		const struct pull_item *item = &pull->items[i];
		struct feed *feed = reach_at(sync->reach, pull->wants[item->want].slot);
		if (!has_more(ebt, feed) ||
			item->sequence != (uint64_t)ebt_look(ebt, feed)->sent + 1) {
			continue;
		}
		if (rpc_send(ebt->call, MUXRPC_JSON, pull_text(pull, item)) != ERR_OK) {
			return;
		}
		ebt_look(ebt, feed)->sent = (uint32_t)item->sequence;
		sync->counters.messages_out++;
		if (feed == reach_self(sync->reach)) {
			recover_holds(sync->recover, &ebt->partner->id, item->sequence);
		}
	}
}

static void on_pulled(void *ctx, struct pull *pull)
{
	struct ebt *ebt = ctx;
	struct reach *reach = ebt->partner->sync->reach;
	ebt->pull = NULL;
	if (ebt->call != NULL && !ebt->is_over) {
		send_items(ebt, pull);
		for (size_t i = 0; i < pull->want_count; i++) {
			const struct pull_want *want = &pull->wants[i];
			struct feed *feed = reach_at(reach, want->slot);
			/* What could not be read (a damaged store) is left until the next event,
			 * not tried in a circle. */
			bool is_stuck = want->is_read && want->next == want->from &&
					want->from == (uint64_t)at_slot(ebt, want->slot)->sent + 1;
			if (has_more(ebt, feed) && !is_stuck) {
				ebt_queue(ebt, feed);
			}
		}
		ebt_flush(ebt);
	}
	pull_free(pull);
}

static void pump(struct ebt *ebt)
{
	if (ebt->pull != NULL || ebt->sending.first == EBT_NONE || rpc_is_full(ebt->call)) {
		return;
	}
	struct pull *pull = pull_new(ebt->partner->sync);
	if (pull == NULL) {
		loop_timer_set(ebt->flush_timer, 1000);
		return;
	}
	while (pull->want_count < PULL_WANTS_MAX) {
		uint16_t slot = take_queued(ebt);
		if (slot == EBT_NONE) {
			break;
		}
		struct feed *feed = reach_at(ebt->partner->sync->reach, slot);
		if (has_more(ebt, feed)) {
			uint64_t from = (uint64_t)at_slot(ebt, slot)->sent + 1;
			pull->wants[pull->want_count++] = (struct pull_want){.feed = feed->id,
				.slot = slot,
				.from = from,
				.count_max = feed->head - from + 1};
		}
	}
	pull->on_done = on_pulled;
	pull->ctx = ebt;
	if (pull->want_count == 0) {
		pull_free(pull);
	} else if (pull_start(pull) == ERR_OK) {
		ebt->pull = pull;
	} else {
		for (size_t i = 0; i < pull->want_count; i++) {
			ebt_queue(ebt, reach_at(ebt->partner->sync->reach, pull->wants[i].slot));
		}
		pull_free(pull);
		loop_timer_set(ebt->flush_timer, 1000);
	}
}

void ebt_flush(struct ebt *ebt)
{
	if (ebt->call == NULL || ebt->is_over) {
		return;
	}
	flush_notes(ebt);
	pump(ebt);
}
