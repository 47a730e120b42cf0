/*
 * The conversation. As dialler we keep silent until the first notes (a peer without EBT can then
 * refuse cheaply), but not for ever: go-ssb and we would wait for each other. As dialled our notes
 * go first, even when they are empty. Before the first notes the peer's stored clock is read: feeds
 * where it is known to stand where we stand, or not to replicate, are left out. Whether a note is
 * even or odd is for ebt_source.c to say.
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

/*
 * Who said −1 hears no more of a feed, except of our own: of each session's number and of each new
 * message. EBT 9 speaks up for a feed it follows again only when its number differs from the one it
 * heard last; at equal numbers both would be silent for good.
 */
static bool is_turned_down(
	const struct ebt *ebt, const struct feed *feed, const struct ebt_feed *at)
{
	return at->theirs == THEIRS_NOT && feed != reach_self(ebt->partner->sync->reach);
}

static bool need_not_hear(const struct ebt *ebt, const struct feed *feed, const struct ebt_feed *at)
{
	return is_turned_down(ebt, feed, at) ||
	       (at->theirs > 0 && (uint64_t)at->theirs == feed->head);
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
	ebt->is_open = true;
	ebt->is_note_due = true;
	for (size_t i = 0; i < reach_count(reach); i++) {
		struct feed *feed = reach_nth(reach, i);
		struct ebt_feed *at = ebt_is_shared(ebt, feed) ? ebt_at(ebt, feed) : NULL;
		bool is_own = feed == reach_self(reach);
		if (at == NULL || at->is_noted) {
			continue;
		}
		if (at->is_dirty || !need_not_hear(ebt, feed, at) || (is_own && must_note_own)) {
			ebt_mark(ebt, feed);
			ebt_source_offer(ebt, feed);
		}
	}
	ebt_flush(ebt);
}

void ebt_clocks_read(struct ebt *ebt)
{
	if (!ebt->is_dialler || ebt->has_heard) {
		open_notes(ebt);
	}
}

void ebt_tick(struct ebt *ebt)
{
	if (!ebt->is_tick_set && !ebt->is_over) {
		ebt->is_tick_set = true;
		loop_timer_set(ebt->tick_timer, LIMIT_EBT_STALL_MS);
	}
}

static bool is_behind(const struct ebt *ebt, const struct feed *feed)
{
	const struct ebt_feed *at = ebt_look(ebt, feed);
	return at != NULL && at->theirs > 0 && (uint64_t)at->theirs > feed->head &&
	       !at->is_stopped && !feed->is_paused && ebt_is_shared(ebt, feed);
}

static void on_tick(void *ctx)
{
	struct ebt *ebt = ctx;
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
	if (ebt->partner->is_paused) {
		ebt->last_in_ms = env_mono_ms(ebt->partner->sync->env); /* we do not listen */
	} else {
		ebt_source_judge(ebt);
	}
	ebt_tick(ebt);
}

static void on_flush_due(void *ctx)
{
	ebt_flush(ctx);
}

static void end_with(struct ebt *ebt, const char *message);

static void write_down(struct ebt_feed *at, const struct note *note)
{
	uint64_t sequence = note->sequence < INT32_MAX ? note->sequence : INT32_MAX;
	at->theirs = note->is_replicated ? (int32_t)sequence : THEIRS_NOT;
	at->they_want = note->is_replicated && note->wants;
	at->sent = note->is_replicated ? (uint32_t)sequence : 0;
}

static void not_shared_note(
	struct ebt *ebt, const struct feed_id *id, struct feed *feed, const struct note *note)
{
	struct ebt_feed *at = feed == NULL ? NULL : ebt_at(ebt, feed);
	if (at != NULL) {
		write_down(at, note);
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

/* The peer replicates a feed that we do too. */
static void shared_note(
	struct ebt *ebt, struct feed *feed, struct ebt_feed *at, const struct note *note)
{
	bool is_behind_us = note->sequence < feed->head;
	bool may_serve = ebt_may_serve(feed, at);
	bool must_hear =
		is_behind_us && (may_serve ? !note->wants && !at->is_told : at->is_claimed);
	if (!at->is_noted || at->is_refused || must_hear) {
		ebt_mark(ebt, feed);
	}
	if (is_behind_us && note->wants && may_serve) {
		ebt_queue(ebt, feed);
	}
	ebt_source_told(ebt, feed);
	if (note->sequence > feed->head) {
		newest_consider(ebt->partner, feed);
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
	if (feed == reach_self(sync->reach)) {
		recover_told(
			ebt->partner, note->is_replicated ? (int64_t)note->sequence : THEIRS_NOT);
	}
	write_down(at, note);
	if (!note->is_replicated) {
		at->is_noted = false; /* another value from them is a first mention again */
		at->is_wanting = false;
		ebt_source_lose(ebt, feed);
	} else if (!at->is_stopped) {
		shared_note(ebt, feed, at, note);
	}
}

static void take_notes(struct ebt *ebt, const struct json *json, size_t len)
{
	ebt->partner->sync->counters.note_bytes_in += len;
	ebt->asks = 0;
	if (note_each(json, on_note, ebt) == ERR_LIMIT) {
		end_with(ebt, "too many notes");
		return;
	}
	ebt->has_heard = true;
	open_notes(ebt);
	sync_changed(ebt->partner->sync);
}

static void taken(struct ebt *ebt, struct feed *feed, struct ebt_feed *at)
{
	ebt->last_in_ms = env_mono_ms(ebt->partner->sync->env);
	ebt->asks = 0;
	ebt->rest = 0;
	ebt->rests = 0;
	at->is_tried = false;
	if (feed->source == ebt) {
		feed->source_ms = ebt->last_in_ms;
	}
}

/* Also of a feed that is odd-noted by now: it may have been under way. */
static void take_message(struct ebt *ebt, const struct claim *claim, struct span body)
{
	struct sync *sync = ebt->partner->sync;
	struct feed *feed = reach_wanted(sync->reach, &claim->author);
	bool is_own = feed == reach_self(sync->reach);
	struct ebt_feed *at = feed == NULL ? NULL
			      : is_own     ? ebt_at(ebt, feed)
					   : ebt_look(ebt, feed);
	bool is_asked = at != NULL && at->is_noted && !at->is_refused && !feed->is_paused;
	if (at == NULL || (!is_asked && !is_own) || at->is_stopped || !ebt_is_shared(ebt, feed)) {
		return; /* not asked for */
	}
	if (is_own) {
		recover_claims(ebt->partner, claim->sequence);
	}
	int32_t sequence = claim->sequence < INT32_MAX ? (int32_t)claim->sequence : INT32_MAX;
	at->theirs = at->theirs < sequence ? sequence : at->theirs;
	at->sent = at->sent < (uint32_t)sequence ? (uint32_t)sequence : at->sent;
	switch (ingest_put(sync->ingest, ebt->partner, feed, claim->sequence, body)) {
	case INGEST_TAKEN:
		taken(ebt, feed, at);
		break;
	case INGEST_DUPLICATE:
	case INGEST_PAUSED:
		break;
	case INGEST_GAP:
	case INGEST_FAILED:
		ebt_tick(ebt);
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
		take_notes(ebt, json, body.len);
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
	ebt_clocks_drop(ebt);
	if (ebt->flush_timer != NULL) {
		loop_timer_free(ebt->flush_timer);
	}
	if (ebt->tick_timer != NULL) {
		loop_timer_free(ebt->tick_timer);
	}
	for (uint32_t i = 0; i < ebt->page_count; i++) {
		free(ebt->pages[i]);
	}
	free(ebt->pages);
	free(ebt->refused);
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
	LOG(partner->sync->env, LOG_INFO, "ebt.ended",
		LOG_ADDRESS("peer", span_text(peer_remote(partner->peer))), LOG_TEXT("why", error));
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
	ebt_clocks_load(ebt);
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
	ebt_clocks_save(ebt);
	ebt_source_lose_all(ebt);
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
	if (at == NULL || at->is_stopped || is_turned_down(ebt, feed, at)) {
		return;
	}
	bool is_behind_us = at->theirs < 0 || (uint64_t)at->theirs < feed->head;
	at->is_told = false;
	if (at->they_want) {
		if (at->sent < feed->head) {
			ebt_queue(ebt, feed);
		}
	} else if (is_behind_us &&
		   (at->theirs == THEIRS_UNKNOWN ? !at->is_noted : ebt_may_serve(feed, at))) {
		ebt_mark(ebt, feed);
	}
}

void ebt_let_go(struct partner *partner, struct feed *feed)
{
	struct ebt *ebt = partner->ebt;
	struct ebt_feed *at = ebt == NULL ? NULL : ebt_look(ebt, feed);
	if (at == NULL || !ebt->is_open || !at->is_noted || at->theirs == THEIRS_NOT) {
		return;
	}
	bool is_over = at->is_claimed && at->theirs != THEIRS_UNKNOWN && !ebt_may_serve(feed, at) &&
		       at->sent < feed->head;
	bool is_again = feed->head == 0;
	if (is_over || is_again) {
		ebt_mark(ebt, feed);
	}
}

static void reach_changed(struct ebt *ebt, struct feed *feed)
{
	struct ebt_feed *at = ebt_look(ebt, feed);
	if (!ebt_is_shared(ebt, feed)) {
		ebt_source_lose(ebt, feed);
		if (at != NULL && at->is_noted && !at->is_refused) {
			ebt_mark(ebt, feed);
		}
		return;
	}
	at = ebt_at(ebt, feed);
	if (at == NULL || at->is_stopped || at->theirs == THEIRS_NOT) {
		return;
	}
	if (feed->is_paused && feed->source == ebt) {
		ebt_source_lose(ebt, feed);
		ebt_mark(ebt, feed);
	} else if (ebt_is_ahead(at, feed)) {
		ebt_source_find(ebt->partner->sync, feed); /* a pause may be over */
	}
	/* Our −1 must be taken back also when both stand at the same number. */
	if (at->is_refused || (!at->is_noted && !need_not_hear(ebt, feed, at))) {
		ebt_mark(ebt, feed);
		ebt_source_find(ebt->partner->sync, feed);
		ebt_source_offer(ebt, feed);
	}
	if (at->they_want && at->sent < feed->head) {
		ebt_queue(ebt, feed);
	}
}

void ebt_reach_changed(struct partner *partner)
{
	struct ebt *ebt = partner->ebt;
	struct reach *reach = partner->sync->reach;
	for (uint32_t i = 0; ebt != NULL && ebt->is_open && i < reach_slots(reach); i++) {
		reach_changed(ebt, reach_at(reach, i));
	}
}

static void failed_in(
	struct ebt *ebt, struct feed *feed, bool is_giver, enum ingest_failure failure)
{
	struct ebt_feed *at = ebt_look(ebt, feed);
	bool is_own = feed == reach_self(ebt->partner->sync->reach);
	if (at == NULL || at->is_stopped) {
		return;
	}
	if (failure == FAILURE_FORKED && is_own) {
		return; /* of our own feed the other history is wanted too, as a proof */
	}
	if (is_giver && (failure == FAILURE_INVALID || failure == FAILURE_FORKED)) {
		at->is_stopped = true;
		ebt_mark(ebt, feed);
		ebt_source_lose(ebt, feed);
		return;
	}
	if ((!is_own && feed->source != ebt) || !ebt_is_ahead(at, feed) ||
		failure == FAILURE_UNWANTED) {
		return;
	}
	if (failure == FAILURE_MACHINE) {
		ebt->asks = 0;
	} else {
		ebt_mark(ebt, feed);
	}
	ebt_tick(ebt);
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
	const struct ebt *ebt = partner->ebt;
	struct reach *reach = partner->sync->reach;
	uint64_t behind = 0;
	for (uint32_t i = 0; ebt != NULL && i < reach_slots(reach); i++) {
		const struct feed *feed = reach_at(reach, i);
		if (is_behind(ebt, feed)) {
			behind += (uint64_t)ebt_look(ebt, feed)->theirs - feed->head;
		}
	}
	return behind;
}

bool ebt_owes(const struct partner *partner, const struct feed *feed)
{
	const struct ebt *ebt = partner->ebt;
	bool is_own = feed == reach_self(partner->sync->reach);
	return ebt != NULL && (is_own || feed->source == ebt) && is_behind(ebt, feed);
}

uint64_t ebt_told(const struct partner *partner, const struct feed *feed)
{
	const struct ebt *ebt = partner->ebt;
	const struct ebt_feed *at = ebt == NULL ? NULL : ebt_look(ebt, feed);
	return at != NULL && at->theirs > 0 ? (uint64_t)at->theirs : 0;
}

bool ebt_is_running(const struct partner *partner)
{
	return partner->ebt != NULL;
}
