/*
 * The conversation. As dialler we keep silent until the first notes (a peer without EBT can then
 * refuse cheaply), but not for ever: go-ssb and we would wait for each other. As dialled our notes
 * go first, even when they are empty. Before the first notes the peer's stored clock is read: feeds
 * where it is known to stand where we stand, or not to replicate, are left out. A feed is
 * even-noted whenever we replicate and share it. When nothing comes for LIMIT_EBT_STALL_MS though
 * the peer claims more, the even note is said again, a few times; then those feeds are asked for by
 * createHistoryStream: EBT 7 keeps the highest number it ever heard from us, and sends nothing to
 * who lost some of it (protocol/04 §3.4).
 */
#include "sync/ebt_state.h"

#include "feed/claim.h"
#include "sync/fetch.h"
#include "sync/newest.h"
#include "sync/peers.h"
#include "sync/recover.h"

#include <stdio.h>
#include <stdlib.h>

enum { REOPEN_MS = 1000, FORMAT_BYTES = 64 };

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

/* The first notes: what the peer has not mentioned itself and may need to hear. */
static void open_notes(struct ebt *ebt)
{
	struct sync *sync = ebt->partner->sync;
	struct reach *reach = sync->reach;
	bool must_note_own = recover_must_note(sync->recover, &ebt->partner->id);
	if (ebt->is_open || !ebt->has_clocks || ebt->is_over) {
		return;
	}
	for (size_t i = 0; i < reach_count(reach); i++) {
		struct feed *feed = reach_nth(reach, i);
		struct ebt_feed *at = ebt_at(ebt, feed);
		bool is_even_with_us =
			at != NULL &&
			(at->theirs == THEIRS_NOT ||
				(at->theirs > 0 && at->theirs == (int64_t)feed->head));
		if (feed == reach_self(reach) && must_note_own) {
			is_even_with_us = false;
		}
		if (at != NULL && !at->is_noted && !is_even_with_us && ebt_is_shared(ebt, feed)) {
			ebt_mark(ebt, feed);
		}
	}
	ebt->is_open = true;
	ebt->is_note_due = true;
	ebt_flush(ebt);
}

static void clocks_done(void *ctx)
{
	struct clocks *clocks = ctx;
	struct ebt *ebt = clocks->ebt;
	struct sync *sync = clocks->sync;
	for (size_t i = 0; ebt != NULL && i < clocks->count; i++) {
		struct feed *feed = reach_known(sync->reach, &clocks->entries[i].feed);
		struct ebt_feed *at = feed == NULL ? NULL : ebt_at(ebt, feed);
		if (at != NULL && at->theirs == THEIRS_UNKNOWN) {
			at->theirs =
				clocks->entries[i].note < 0 ? THEIRS_NOT : clocks->entries[i].note;
			at->sent =
				clocks->entries[i].note < 0 ? 0 : (uint64_t)clocks->entries[i].note;
		}
	}
	if (ebt != NULL) {
		ebt->clocks = NULL;
		ebt->has_clocks = true;
		if (!ebt->is_dialler || ebt->has_heard) {
			open_notes(ebt);
		}
	}
	free(clocks->entries);
	free(clocks);
	sync_job_ends(sync);
}

static void load_clocks(struct ebt *ebt)
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
	if (!ebt->is_dialler) {
		open_notes(ebt);
	}
}

static void save_clocks(struct ebt *ebt)
{
	struct sync *sync = ebt->partner->sync;
	struct clock_entry *entries = calloc(ebt->feed_count + 1, sizeof(*entries));
	size_t count = 0;
	for (uint32_t i = 0; entries != NULL && i < ebt->feed_count; i++) {
		const struct ebt_feed *at = &ebt->feeds[i];
		/* Whom we told −1 remembers it: nothing may be skipped next time on the ground that
		 * we stand at the same number. */
		bool is_forgotten = at->is_refused && at->theirs > 0;
		if (at->theirs != THEIRS_UNKNOWN) {
			entries[count++] =
				(struct clock_entry){.feed = reach_at(sync->reach, i)->id,
					.note = is_forgotten ? 0 : at->theirs};
		}
	}
	struct change change = {.kind = CHANGE_CLOCKS,
		.feed = ebt->partner->id,
		.clocks = entries,
		.clock_count = count};
	if (count > 0 && writer_change(sync->writer, &change) != ERR_OK) {
		LOG(sync->env, LOG_DEBUG, "clocks.unsaved", LOG_NUM("feeds", count));
	}
	free(entries);
}

static void set_tick(struct ebt *ebt)
{
	if (!ebt->is_tick_set && !ebt->is_over) {
		ebt->is_tick_set = true;
		loop_timer_set(ebt->tick_timer, LIMIT_EBT_STALL_MS);
	}
}

static bool is_behind(struct ebt *ebt, uint32_t slot)
{
	const struct ebt_feed *at = &ebt->feeds[slot];
	const struct feed *feed = reach_at(ebt->partner->sync->reach, slot);
	return at->theirs > (int64_t)feed->head && !at->is_stopped && !feed->is_paused &&
	       ebt_is_shared(ebt, feed);
}

static void ask_again(struct ebt *ebt)
{
	ebt->asks++;
	for (uint32_t i = 0; i < ebt->feed_count; i++) {
		if (is_behind(ebt, i)) {
			ebt_mark(ebt, reach_at(ebt->partner->sync->reach, i));
		}
	}
}

static void on_tick(void *ctx)
{
	struct ebt *ebt = ctx;
	struct sync *sync = ebt->partner->sync;
	ebt->is_tick_set = false;
	if (!ebt->is_open) {
		if (ebt->is_dialler && ebt->has_clocks) {
			open_notes(ebt); /* LIMIT_EBT_SILENCE_MS passed without a word */
		}
		return;
	}
	if (ebt_behind(ebt->partner) == 0) {
		return;
	}
	bool is_still = env_mono_ms(sync->env) - ebt->last_in_ms >= LIMIT_EBT_STALL_MS &&
			ingest_count(sync->ingest) == 0 && !ebt->partner->is_paused;
	if (is_still && ebt->asks >= LIMIT_EBT_ASKS) {
		fetch_repair(ebt->partner);
		return;
	}
	if (is_still) {
		ask_again(ebt);
	}
	set_tick(ebt);
}

static void on_flush_due(void *ctx)
{
	ebt_flush(ctx);
}

static void end_with(struct ebt *ebt, const char *message);

static void not_shared_note(
	struct ebt *ebt, const struct feed_id *id, struct feed *feed, const struct note *note)
{
	struct ebt_feed *at = feed == NULL ? NULL : ebt_at(ebt, feed);
	if (at != NULL) {
		at->theirs = note->is_replicated ? (int64_t)note->sequence : THEIRS_NOT;
		at->they_want = note->is_replicated && note->wants;
		at->sent = note->sequence;
	}
	if (!note->is_replicated) {
		return; /* never answered, or two who do not care would talk for ever */
	}
	if (at == NULL) {
		ebt_mark_refused(ebt, id);
	} else if (!at->is_refused) {
		ebt_mark(ebt, feed);
	}
}

static void on_note(void *ctx, const struct feed_id *id, const struct note *note)
{
	struct ebt *ebt = ctx;
	struct sync *sync = ebt->partner->sync;
	struct feed *feed = reach_known(sync->reach, id);
	if (feed == NULL || !ebt_is_shared(ebt, feed)) {
		not_shared_note(ebt, id, feed, note);
		return;
	}
	struct ebt_feed *at = ebt_at(ebt, feed);
	if (at == NULL) {
		return;
	}
	bool is_own = feed == reach_self(sync->reach);
	if (is_own) {
		recover_told(
			ebt->partner, note->is_replicated ? (int64_t)note->sequence : THEIRS_NOT);
	}
	if (!note->is_replicated) {
		at->theirs = THEIRS_NOT;
		at->they_want = false;
		at->is_noted = false; /* another value from them is a first mention again */
		at->is_wanting = false;
		return;
	}
	at->theirs = (int64_t)note->sequence;
	at->they_want = note->wants;
	at->sent = note->sequence;
	if (at->is_stopped) {
		return;
	}
	bool is_behind_us = note->sequence < feed->head;
	if (!at->is_noted || at->is_wanting == feed->is_paused || (is_behind_us && !note->wants && at->noted < feed->head)) {
		ebt_mark(ebt, feed);
	}
	if (is_behind_us && note->wants) {
		ebt_queue(ebt, feed);
	}
	if (note->sequence > feed->head) {
		newest_consider(ebt->partner, feed);
		set_tick(ebt);
	}
}

static void take_notes(struct ebt *ebt, const struct json *json)
{
	ebt->asks = 0;
	if (note_each(json, on_note, ebt) == ERR_LIMIT) {
		end_with(ebt, "too many notes");
		return;
	}
	ebt->has_heard = true;
	open_notes(ebt);
	sync_changed(ebt->partner->sync);
}

static void take_message(struct ebt *ebt, const struct claim *claim, struct span body)
{
	struct sync *sync = ebt->partner->sync;
	int64_t sequence = (int64_t)claim->sequence;
	struct feed *feed = reach_wanted(sync->reach, &claim->author);
	struct ebt_feed *at = feed == NULL ? NULL : ebt_at(ebt, feed);
	bool is_own = at != NULL && feed == reach_self(sync->reach);
	if (at == NULL || (!at->is_wanting && !is_own) || at->is_stopped ||
		!ebt_is_shared(ebt, feed)) {
		return; /* not asked for */
	}
	if (is_own) {
		recover_claims(ebt->partner, claim->sequence);
	}
	at->theirs = at->theirs < sequence ? sequence : at->theirs;
	at->sent = at->sent < claim->sequence ? claim->sequence : at->sent;
	switch (ingest_put(sync->ingest, ebt->partner, feed, claim->sequence, body)) {
	case INGEST_TAKEN:
		ebt->last_in_ms = env_mono_ms(sync->env);
		ebt->asks = 0;
		break;
	case INGEST_DUPLICATE:
	case INGEST_PAUSED:
		break;
	case INGEST_GAP:
	case INGEST_FAILED:
		set_tick(ebt);
		break;
	}
}

/* A message in its usual form is not parsed before a worker does it. */
static bool on_text(void *ctx, struct rpc_call *call, struct span body)
{
	struct ebt *ebt = ctx;
	struct claim claim;
	(void)call;
	if (ebt->is_over || !claim_read(body, &claim)) {
		return false;
	}
	take_message(ebt, &claim, body);
	return true;
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct ebt *ebt = ctx;
	struct claim claim;
	(void)call;
	if (ebt->is_over || type != MUXRPC_JSON || json == NULL ||
		json_kind(json) != JSON_KIND_OBJECT) {
		return;
	}
	if (note_is_message(json)) {
		if (claim_of(json, &claim)) {
			take_message(ebt, &claim, body);
		}
	} else {
		take_notes(ebt, json);
	}
}

static void on_room(void *ctx, struct rpc_call *call)
{
	(void)call;
	ebt_flush(ctx);
}

static void ebt_free(struct ebt *ebt)
{
	pull_cancel(ebt->pull);
	if (ebt->clocks != NULL) {
		ebt->clocks->ebt = NULL;
	}
	if (ebt->flush_timer != NULL) {
		loop_timer_free(ebt->flush_timer);
	}
	if (ebt->tick_timer != NULL) {
		loop_timer_free(ebt->tick_timer);
	}
	free(ebt->refused);
	free(ebt->feeds);
	free(ebt);
}

/* End the session with an error: rpc forgets the call, so nobody else frees it. */
static void end_with(struct ebt *ebt, const char *message)
{
	struct rpc_call *call = ebt->call;
	ebt_drop(ebt->partner);
	rpc_refuse(call, message);
	ebt_free(ebt);
}

/* The peer has no EBT, or lost this stream to another connection of ours. */
static void after_end(struct partner *partner, const struct ebt *ebt, const char *error)
{
	if (error == NULL || partner->is_closing ||
		strcmp(error, "unexpected end of parent stream") == 0) {
		return;
	}
	LOG(partner->sync->env, LOG_INFO, "ebt.ended", LOG_TEXT("peer", peer_remote(partner->peer)),
		LOG_TEXT("why", error));
	if (strcmp(error, "reconnected to peer") == 0) {
		partner->is_ebt_lost = true;
		loop_timer_set(partner->timer, REOPEN_MS);
	} else if (!ebt->has_heard) {
		fetch_start(partner);
	}
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct ebt *ebt = ctx;
	struct partner *partner = ebt->partner;
	bool is_ours = partner->ebt == ebt;
	(void)call;
	if (is_ours) {
		ebt_drop(partner);
	}
	ebt->call = NULL;
	if (is_ours) {
		after_end(partner, ebt, error);
	}
	ebt_free(ebt);
}

static const struct rpc_handler handler = {
	.on_item = on_item, .on_text = on_text, .on_end = on_end, .on_room = on_room};

static struct ebt *ebt_new(struct partner *partner, bool is_dialler)
{
	struct ebt *ebt = calloc(1, sizeof(*ebt));
	if (ebt == NULL) {
		return NULL;
	}
	ebt->partner = partner;
	ebt->is_dialler = is_dialler;
	ebt->sending = (struct slots){EBT_NONE, EBT_NONE};
	ebt->dirty = (struct slots){EBT_NONE, EBT_NONE};
	ebt->flush_timer = loop_timer_new(partner->sync->loop, on_flush_due, ebt);
	ebt->tick_timer = loop_timer_new(partner->sync->loop, on_tick, ebt);
	if (ebt->flush_timer == NULL || ebt->tick_timer == NULL) {
		ebt_free(ebt);
		return NULL;
	}
	return ebt;
}

static void begin(struct ebt *ebt)
{
	struct partner *partner = ebt->partner;
	const struct feed *feed = reach_wanted(partner->sync->reach, &partner->id);
	partner->ebt = ebt;
	partner->is_ebt_lost = false;
	/* Whom we dial the owner named or follows: a pub's clock is large. */
	bool is_stranger = feed == NULL && !partner->is_dialled_by_us;
	rpc_allow_notes(
		ebt->call, is_stranger ? LIMIT_RPC_NOTE_BYTES_STRANGER : LIMIT_RPC_NOTE_BYTES);
	loop_timer_clear(partner->timer);
	fetch_drop(partner);
	load_clocks(ebt);
}

void ebt_open(struct partner *partner)
{
	static const char args[] = "[{\"version\":3,\"format\":\"classic\"}]";
	struct ebt *ebt = partner->ebt == NULL ? ebt_new(partner, true) : NULL;
	struct rpc_handler mine = handler;
	if (ebt == NULL) {
		return;
	}
	mine.ctx = ebt;
	if (rpc_open(peer_rpc(partner->peer), "ebt.replicate", RPC_DUPLEX, span_text(args), &mine,
		    &ebt->call) != ERR_OK) {
		ebt_free(ebt);
		return;
	}
	loop_timer_set(ebt->tick_timer, LIMIT_EBT_SILENCE_MS);
	ebt->is_tick_set = true;
	begin(ebt);
}

/* NULL when the arguments are what we speak; else what the peer is told. */
static const char *judge_args(const struct json *args, char *room, size_t room_bytes)
{
	const struct json *opts = json_count(args) > 0 ? json_at(args, 0) : NULL;
	const struct json *format = json_get(opts, "format");
	int64_t version = 0;
	struct span text = span_of(NULL, 0);
	if (!json_whole(json_get(opts, "version"), &version) || version != 3) {
		return "expected ebt.replicate({version: 3})";
	}
	if (format == NULL || (json_text(format, &text) && span_equal_text(text, "classic"))) {
		return NULL;
	}
	text = span_take(text, FORMAT_BYTES);
	(void)snprintf(room, room_bytes, "Unknown format: %.*s", (int)text.len,
		text.len > 0 ? (const char *)text.at : "");
	return room;
}

void ebt_serve(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	char room[FORMAT_BYTES + 32];
	const char *wrong = judge_args(args, room, sizeof(room));
	if (wrong != NULL) {
		peers_refuse(partner, call, wrong);
		return;
	}
	struct ebt *ebt = ebt_new(partner, false);
	if (ebt == NULL) {
		rpc_refuse(call, "out of memory");
		return;
	}
	if (partner->ebt != NULL) {
		end_with(partner->ebt, "reconnected to peer");
	}
	struct rpc_handler mine = handler;
	mine.ctx = ebt;
	ebt->call = call;
	rpc_accept(call, &mine);
	begin(ebt);
}

void ebt_drop(struct partner *partner)
{
	struct ebt *ebt = partner->ebt;
	if (ebt == NULL) {
		return;
	}
	partner->ebt = NULL;
	ebt->is_over = true;
	loop_timer_clear(ebt->flush_timer);
	loop_timer_clear(ebt->tick_timer);
	save_clocks(ebt);
}

void ebt_note_own(struct partner *partner)
{
	struct ebt *ebt = partner->ebt;
	if (ebt != NULL && ebt->is_open) {
		ebt_mark(ebt, reach_self(partner->sync->reach));
	}
}

void ebt_rewind_own(struct partner *partner, uint64_t sequence)
{
	struct ebt *ebt = partner->ebt;
	if (ebt != NULL && ebt->is_open) {
		ebt->is_rewinding = true;
		ebt->rewind_to = sequence;
		ebt_mark(ebt, reach_self(partner->sync->reach));
	}
}

void ebt_committed(struct partner *partner, struct feed *feed)
{
	struct ebt *ebt = partner->ebt;
	struct ebt_feed *at = ebt == NULL || !ebt_is_shared(ebt, feed) ? NULL : ebt_at(ebt, feed);
	if (at == NULL || at->is_stopped || at->theirs == THEIRS_NOT) {
		return;
	}
	if (at->they_want) {
		if (at->sent < feed->head) {
			ebt_queue(ebt, feed);
		}
	} else if (at->theirs < (int64_t)feed->head && at->noted < feed->head &&
		   (at->theirs != THEIRS_UNKNOWN || !at->is_noted)) {
		ebt_mark(ebt, feed);
	}
}

void ebt_reach_changed(struct partner *partner)
{
	struct ebt *ebt = partner->ebt;
	struct reach *reach = partner->sync->reach;
	for (uint32_t i = 0; ebt != NULL && ebt->is_open && i < reach_slots(reach); i++) {
		struct feed *feed = reach_at(reach, i);
		struct ebt_feed *at = ebt_at(ebt, feed);
		if (at == NULL) {
			return;
		}
		if (!ebt_is_shared(ebt, feed)) {
			if (at->is_noted && !at->is_refused) {
				ebt_mark(ebt, feed);
			}
			continue;
		}
		if (at->is_stopped || at->theirs == THEIRS_NOT) {
			continue;
		}
		/* Our −1 must be taken back also when both stand at the same number. */
		bool is_other_wish = at->is_noted && at->is_wanting == feed->is_paused;
		if (is_other_wish && !feed->is_paused) {
			set_tick(ebt);
		}
		if (is_other_wish || at->is_refused || (!at->is_noted && at->theirs != (int64_t)feed->head)) {
			ebt_mark(ebt, feed);
		}
		if (at->they_want && at->sent < feed->head) {
			ebt_queue(ebt, feed);
		}
	}
}

static void failed_in(
	struct ebt *ebt, struct feed *feed, bool is_source, enum ingest_failure failure)
{
	struct ebt_feed *at = ebt_at(ebt, feed);
	if (at == NULL || at->is_stopped) {
		return;
	}
	bool is_bad = failure == FAILURE_INVALID || failure == FAILURE_FORKED;
	if (failure == FAILURE_FORKED && feed == reach_self(ebt->partner->sync->reach)) {
		return; /* of our own feed the other history is wanted too, as a proof */
	}
	if (is_source && is_bad) {
		at->is_stopped = true;
		ebt_mark(ebt, feed);
		return;
	}
	if (!at->is_wanting || at->theirs <= (int64_t)feed->head || failure == FAILURE_UNWANTED) {
		return;
	}
	if (failure == FAILURE_MACHINE) {
		ebt->asks = 0;
	} else {
		ebt_mark(ebt, feed);
	}
	set_tick(ebt);
}

void ebt_feed_failed(
	struct sync *sync, struct feed *feed, struct partner *from, enum ingest_failure failure)
{
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->ebt != NULL) {
			failed_in(partner->ebt, feed, partner == from, failure);
		}
	}
}

uint64_t ebt_behind(const struct partner *partner)
{
	struct ebt *ebt = partner->ebt;
	uint64_t behind = 0;
	for (uint32_t i = 0; ebt != NULL && i < ebt->feed_count; i++) {
		if (is_behind(ebt, i)) {
			behind += (uint64_t)ebt->feeds[i].theirs -
				  reach_at(partner->sync->reach, i)->head;
		}
	}
	return behind;
}

bool ebt_is_behind(const struct partner *partner, const struct feed *feed)
{
	struct ebt *ebt = partner->ebt;
	return ebt != NULL && feed->slot < ebt->feed_count && is_behind(ebt, feed->slot);
}

uint64_t ebt_told(const struct partner *partner, const struct feed *feed)
{
	const struct ebt *ebt = partner->ebt;
	bool is_known = ebt != NULL && feed->slot < ebt->feed_count;
	return is_known && ebt->feeds[feed->slot].theirs > 0
		       ? (uint64_t)ebt->feeds[feed->slot].theirs
		       : 0;
}

bool ebt_is_running(const struct partner *partner)
{
	return partner->ebt != NULL;
}
