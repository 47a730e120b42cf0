/*
 * What happens to people and connections: addresses become known, the owner asks, dials fail,
 * connections stand and go. Whom to dial next is schedule_look's.
 */
#include "sync/schedule.h"

#include "sync/peers.h"
#include "sync/schedule_state.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	HEARD_SPREAD_MS = 500, /* all who hear a newcomer knock at one door */
	NEXT_WAY_MS = 250,
	LOSS_SPREAD_MS = 250, /* for each connection lost at once */
	FORGIVE_PAUSE_MS = 60000,
	SENTENCE_BYTES = 512
};

static void on_due(void *ctx)
{
	schedule_look(ctx);
}

static void save(struct schedule *schedule, enum change_kind kind, const struct address *address,
	int64_t number)
{
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	if (address_format(address, &text) == ERR_OK) {
		struct change change = {.kind = kind,
			.feed = address->key,
			.text = buf_span(&text),
			.number = number};
		if (writer_change(schedule->sync->writer, &change) != ERR_OK) {
			LOG(schedule->sync->env, LOG_DEBUG, "address.unsaved",
				LOG_ADDRESS("address", buf_span(&text)));
		}
	}
	buf_fini(&text);
}

/* What worked last is tried first. */
static void first_worked(struct candidate *candidate)
{
	struct way *best = candidate->ways;
	for (struct way *way = candidate->ways; way != NULL; way = way->next) {
		best = way->worked_ms > best->worked_ms ? way : best;
	}
	way_first(candidate, best);
}

static void take_row(void *ctx, const struct address_row *row)
{
	struct schedule *schedule = ctx;
	struct address address;
	if (address_parse(span_text(row->text), &address) != ERR_OK) {
		return; /* kept by the store, of no use to us */
	}
	struct candidate *candidate = candidate_make(&schedule->candidates, &address.key);
	struct way *way = candidate == NULL
				  ? NULL
				  : way_make(&schedule->candidates, candidate, &address, false);
	if (way != NULL) {
		way->is_kept = true;
		way->worked_ms = row->reached_ms;
		candidate->is_named = true;
		first_worked(candidate);
		candidate->seen_ms =
			row->reached_ms > candidate->seen_ms ? row->reached_ms : candidate->seen_ms;
	}
}

enum err schedule_new(struct sync *sync, struct schedule **out)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));
	if (schedule == NULL) {
		return ERR_NOMEM;
	}
	struct reader *reader = NULL;
	enum err err = ERR_NOMEM;
	schedule->sync = sync;
	schedule->apart_ms = env_wall_ms(sync->env) - env_mono_ms(sync->env);
	schedule->alone_ms = env_mono_ms(sync->env);
	schedule->forgiven_ms = CHOOSE_NEVER;
	schedule->lost_ms = CHOOSE_NEVER;
	err = candidates_init(&schedule->candidates, sync->env);
	schedule->timer = loop_timer_new(sync->loop, on_due, schedule);
	if (err != ERR_OK || schedule->timer == NULL) {
		err = ERR_NOMEM;
		goto out;
	}
	reader = readers_take(sync->readers);
	err = reader == NULL ? ERR_IO : reader_addresses(reader, take_row, schedule);
	readers_give(sync->readers, reader);
	if (err == ERR_OK) {
		*out = schedule;
		return ERR_OK;
	}
out:
	schedule_free(schedule);
	return err;
}

void schedule_free(struct schedule *schedule)
{
	if (schedule == NULL) {
		return;
	}
	candidates_fini(&schedule->candidates);
	free(schedule->facts);
	free(schedule->whos);
	if (schedule->timer != NULL) {
		loop_timer_free(schedule->timer);
	}
	free(schedule);
}

/* One who waits hears how it went; `why` NULL: the connection stands. */
static void tell(struct waiter *waiter, const char *why)
{
	char sentence[SENTENCE_BYTES];
	if (why != NULL) {
		(void)snprintf(sentence, sizeof(sentence), "Could not connect to %s:%u: %s.",
			waiter->address.host, (unsigned)waiter->address.port, why);
	}
	waiter->on_outcome(waiter->ctx, why == NULL ? NULL : sentence);
	free(waiter);
}

/* Tell those who wait for `candidate`, or only for one address of it. */
static void tell_waiters(struct candidate *candidate, const struct address *only, const char *why)
{
	struct waiter *waiters = candidate->waiters;
	candidate->waiters = NULL;
	while (waiters != NULL) {
		struct waiter *next = waiters->next;
		if (only == NULL || way_is_same(only, &waiters->address)) {
			tell(waiters, why);
		} else {
			waiters->next = candidate->waiters;
			candidate->waiters = waiters;
		}
		waiters = next;
	}
}

void schedule_stop(struct schedule *schedule)
{
	struct candidate *candidate;
	schedule->is_stopped = true;
	loop_timer_clear(schedule->timer);
	for (size_t cursor = 0;
		(candidate = candidate_next(&schedule->candidates, &cursor)) != NULL;) {
		tell_waiters(candidate, NULL, "the node is stopping");
	}
}

void schedule_heard(struct schedule *schedule, const struct address *address)
{
	struct candidate *candidate = NULL;
	bool is_news = false;
	int64_t now = schedule_now_ms(schedule);
	if (schedule->is_stopped || feed_id_equal(&address->key, &schedule->sync->self) ||
		way_heard(&schedule->candidates, address, now, &candidate, &is_news) != ERR_OK ||
		!is_news) {
		return;
	}
	sync_changed(schedule->sync);
	/* Who was silent and is heard again has just started: the wait after failures is over. Not
	 * with every address somebody makes up. */
	if (candidate->news_ms == 0 || now - candidate->news_ms > LIMIT_LAN_SILENCE_MS) {
		int64_t due = now + choose_spread_ms(HEARD_SPREAD_MS, schedule_dice(schedule));
		candidate->news_ms = now;
		candidate->failures = 0;
		candidate->due_ms = due < candidate->due_ms ? due : candidate->due_ms;
		if (candidate->turn_ms == CHOOSE_NEVER) {
			candidate->due_ms = due;
		}
	}
	schedule_touch(schedule);
}

void schedule_add(struct schedule *schedule, const struct address *address)
{
	if (feed_id_equal(&address->key, &schedule->sync->self) || address->has_seed) {
		return;
	}
	struct candidate *candidate = candidate_make(&schedule->candidates, &address->key);
	struct way *way = candidate == NULL
				  ? NULL
				  : way_make(&schedule->candidates, candidate, address, false);
	if (way == NULL) {
		return;
	}
	way->is_kept = true;
	candidate->is_named = true;
	candidate->is_held = false;
	candidate->shunned_ms = 0;
	candidate->due_ms = 0;
	save(schedule, CHANGE_ADDRESS_PUT, address, 0);
	schedule_touch(schedule);
}

/* A sentence when dialling cannot even be tried. */
static const char *objection(const struct schedule *schedule, const struct address *address)
{
	const struct sync *sync = schedule->sync;
	if (schedule->is_stopped) {
		return "The node is stopping.";
	}
	if (feed_id_equal(&address->key, &sync->self)) {
		return "That is this node's own address.";
	}
	if (address->has_seed) {
		return "That is an invite, not an address: it cannot be dialled as it is.";
	}
	if (reach_is_blocking(sync->reach, &sync->self, &address->key)) {
		return "You have blocked this person: unblock them first.";
	}
	return NULL;
}

static void dial_asked(
	struct schedule *schedule, struct candidate *candidate, const struct address *address)
{
	candidate->is_asked = true;
	if (schedule_dial(schedule, candidate, address, false) != ERR_OK) {
		candidate->is_asked = false;
		tell_waiters(candidate, NULL, "too many connections are being made");
	}
}

void schedule_connect(struct schedule *schedule, const struct address *address,
	void (*on_outcome)(void *ctx, const char *why), void *ctx)
{
	const char *why = objection(schedule, address);
	if (why != NULL || peers_ready(schedule->sync, &address->key) != NULL) {
		on_outcome(ctx, why);
		return;
	}
	struct candidate *candidate = candidate_make(&schedule->candidates, &address->key);
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	if (candidate == NULL || waiter == NULL) {
		free(waiter);
		on_outcome(ctx, "There is no memory for one more address.");
		return;
	}
	*waiter = (struct waiter){.next = candidate->waiters,
		.address = *address,
		.on_outcome = on_outcome,
		.ctx = ctx};
	candidate->waiters = waiter;
	candidate->is_held = false;
	candidate->shunned_ms = 0;
	if (!candidate->is_dialling) {
		dial_asked(schedule, candidate, address);
		(void)candidate_drop_empty(&schedule->candidates, candidate);
	}
}

void schedule_hold(struct schedule *schedule, const struct feed_id *id)
{
	struct candidate *candidate = candidate_make(&schedule->candidates, id);
	if (candidate != NULL) {
		candidate->is_held = true;
	}
}

void schedule_shun(struct schedule *schedule, const struct feed_id *id, int64_t ms)
{
	bool is_near = reach_wanted(schedule->sync->reach, id) != NULL;
	/* Keys that nobody would dial need no place in the table. */
	struct candidate *candidate = is_near ? candidate_make(&schedule->candidates, id)
					      : candidate_get(&schedule->candidates, id);
	if (candidate != NULL) {
		candidate->shunned_ms = schedule_now_ms(schedule) + ms;
	}
}

/* An address the owner dialled and that worked is kept, and what worked is tried first. */
static void keep(
	struct schedule *schedule, struct candidate *candidate, const struct partner *partner)
{
	struct way *way = way_get(candidate, &partner->address);
	if (way == NULL && partner->via != PEER_VIA_LAN) {
		way = way_make(&schedule->candidates, candidate, &partner->address, false);
	}
	if (way == NULL) {
		return;
	}
	way->worked_ms = env_wall_ms(schedule->sync->env);
	way_first(candidate, way);
	if (partner->via != PEER_VIA_LAN && !way->is_kept) {
		way->is_kept = true;
		candidate->is_named = true;
		save(schedule, CHANGE_ADDRESS_PUT, &partner->address, 0);
	}
	if (way->is_kept) {
		save(schedule, CHANGE_ADDRESS_TRIED, &partner->address, 1);
	}
}

/* The first connection after a while without any: the network is back, for the others too. */
static void network_back(struct schedule *schedule, const struct partner *partner)
{
	int64_t now = schedule_now_ms(schedule);
	bool is_rested = schedule->forgiven_ms == CHOOSE_NEVER ||
			 now - schedule->forgiven_ms >= FORGIVE_PAUSE_MS;
	if (schedule->alone_ms > 0 && now - schedule->alone_ms >= LIMIT_ASLEEP_MS && is_rested &&
		partner->is_dialled_by_us) {
		/* Its own failures stay: it may be one that is cut again and again. */
		schedule_forgive(schedule, &partner->id);
	}
	schedule->alone_ms = 0;
}

void schedule_ready(struct schedule *schedule, struct partner *partner)
{
	struct candidate *candidate = candidate_get(&schedule->candidates, &partner->id);
	network_back(schedule, partner);
	if (candidate != NULL) {
		if (partner->is_dialled_by_us) {
			candidate->is_dialling = false;
			keep(schedule, candidate, partner);
		}
		candidate->is_up = true;
		candidate->tries = 0;
		candidate->seen_ms = env_wall_ms(schedule->sync->env);
		candidate->why[0] = '\0';
		tell_waiters(candidate, NULL, NULL);
	}
	schedule_touch(schedule);
}

/* It is not them, it is us: nothing left this machine. */
static bool is_offline(const char *reason)
{
	return strcmp(reason, "no way to that network") == 0 ||
	       strcmp(reason, "the name could not be looked up") == 0;
}

/* The way just tried failed: the next one soon, a wait when all have. */
static void failed(struct schedule *schedule, struct candidate *candidate,
	const struct partner *partner, const char *reason)
{
	struct way *way = way_get(candidate, &partner->address);
	if (way != NULL && way->is_kept) {
		save(schedule, CHANGE_ADDRESS_TRIED, &partner->address, 0);
	}
	if (way != NULL && way == candidate->ways) {
		way_rotate(candidate);
	}
	candidate->tries++;
	if (candidate->tries < candidate->way_count) {
		candidate->due_ms = schedule_now_ms(schedule) + NEXT_WAY_MS +
				    choose_spread_ms(NEXT_WAY_MS, schedule_dice(schedule));
	} else {
		candidate->tries = 0;
		candidate->failures++;
		schedule_back_off(schedule, candidate, is_offline(reason));
	}
	(void)snprintf(candidate->why, sizeof(candidate->why), "%s", reason);
	tell_waiters(candidate, &partner->address, reason);
	/* Somebody named another address while this one was being tried: its turn now. */
	if (candidate->waiters != NULL) {
		dial_asked(schedule, candidate, &candidate->waiters->address);
	}
}

/* A connection that stood is gone. When many go at once it was the network, and they come back over
 * some seconds. */
static void lost(struct schedule *schedule, struct candidate *candidate,
	const struct partner *partner, const char *reason)
{
	int64_t now = schedule_now_ms(schedule);
	bool was_steady = now - partner->ready_ms >= LIMIT_STEADY_MS;
	bool is_one_of_many =
		schedule->lost_ms != CHOOSE_NEVER && now - schedule->lost_ms < LIMIT_SPREAD_MS;
	schedule->lost = is_one_of_many ? schedule->lost + 1 : 0;
	schedule->lost_ms = now;
	candidate->failures = was_steady ? 0 : candidate->failures + 1;
	candidate->tries = 0;
	candidate->seen_ms = env_wall_ms(schedule->sync->env);
	(void)snprintf(candidate->why, sizeof(candidate->why), "%s", reason);
	schedule_back_off(schedule, candidate, false);
	int64_t spread = schedule->lost * LOSS_SPREAD_MS;
	candidate->due_ms += choose_spread_ms(
		spread < LIMIT_SPREAD_MS ? spread : LIMIT_SPREAD_MS, schedule_dice(schedule));
}

void schedule_gone(struct schedule *schedule, struct partner *partner, const char *reason)
{
	struct candidate *candidate = candidate_get(&schedule->candidates, &partner->id);
	bool is_known_dial = partner->is_dialled_by_us && !partner->is_ready;
	if (schedule->alone_ms == 0 && table_count(schedule->sync->ready) == 0) {
		schedule->alone_ms = schedule_now_ms(schedule);
	}
	if (candidate == NULL || (!partner->is_ready && !partner->is_dialled_by_us)) {
		return;
	}
	if (is_known_dial) {
		candidate->is_dialling = false;
	}
	if (peers_ready(schedule->sync, &partner->id) != NULL) {
		tell_waiters(
			candidate, NULL, NULL); /* the other of two crossing connections stands */
		return;
	}
	candidate->is_asked = false;
	candidate->is_up = false;
	candidate->turn_ms = schedule_now_ms(schedule);
	if (is_known_dial) {
		failed(schedule, candidate, partner, reason);
	} else {
		lost(schedule, candidate, partner, reason);
	}
	(void)candidate_drop_empty(&schedule->candidates, candidate);
	schedule_touch(schedule);
}

static void format_way(const struct candidate *candidate, char text[static LIMIT_ADDRESS_BYTES + 1])
{
	struct buf buf = BUF_INIT(LIMIT_ADDRESS_BYTES + 1);
	text[0] = '\0';
	if (candidate->ways != NULL && address_format(&candidate->ways->address, &buf) == ERR_OK &&
		buf.len <= LIMIT_ADDRESS_BYTES) {
		memcpy(text, buf.at, buf.len);
		text[buf.len] = '\0';
	}
	buf_fini(&buf);
}

void schedule_address(struct schedule *schedule, const struct feed_id *id,
	char text[static LIMIT_ADDRESS_BYTES + 1])
{
	const struct candidate *candidate = candidate_get(&schedule->candidates, id);
	text[0] = '\0';
	if (candidate != NULL) {
		format_way(candidate, text);
	}
}

bool schedule_may_dial(struct schedule *schedule, const struct feed_id *id)
{
	const struct candidate *candidate = candidate_get(&schedule->candidates, id);
	return candidate != NULL && schedule_is_wanted(schedule, candidate);
}

size_t schedule_count(const struct schedule *schedule)
{
	return table_count(schedule->candidates.table);
}

size_t schedule_rows(struct schedule *schedule, struct peer_row *rows, size_t max)
{
	const struct candidate *candidate;
	size_t count = 0;
	candidates_forget(&schedule->candidates, schedule_now_ms(schedule));
	for (size_t cursor = 0; count < max && (candidate = candidate_next(
							&schedule->candidates, &cursor)) != NULL;) {
		if (candidate->ways == NULL || peers_any(schedule->sync, &candidate->id) != NULL) {
			continue;
		}
		struct peer_row *row = &rows[count++];
		*row = (struct peer_row){.id = candidate->id, .seen_ms = candidate->seen_ms};
		row->state = schedule_is_wanted(schedule, candidate) ? PEER_STATE_LOOKING
								     : PEER_STATE_AWAY;
		row->via = candidate->ways->is_lan ? PEER_VIA_LAN : PEER_VIA_NET;
		format_way(candidate, row->address);
		memcpy(row->why, candidate->why, sizeof(row->why));
		row->why[sizeof(row->why) - 1] = '\0';
	}
	return count;
}
