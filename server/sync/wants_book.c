/*
 * The book: blobs that somebody wants (`want`), joined to those who want them (`tie`, to an
 * `asker`, which outlives its connection) and to those who say they have them (`holder`, of a
 * connection).
 *
 * All of it is bounded: LIMIT_BLOB_WANTS_PER_PEER ties of one key, LIMIT_BLOB_WANTS of all together
 * with ours, of which those who are not near never hold more than half; LIMIT_BLOB_HOLDERS of one
 * blob. What the owner wants always finds room: the oldest tie of somebody else gives way.
 *
 * Wants stand in the order in which they were last to be told, each with a serial. So a peer needs
 * no queue of its own: it was told everything up to some serial.
 */
#include "sync/wants_state.h"

#include "sync/peers.h"
#include "sync/reach.h"

#include <assert.h>
#include <stdlib.h>

enum { DAY_MS = 24 * 3600 * 1000 };

/* The list. */

static void list_add(struct want *want, struct wants *wants)
{
	want->serial = ++wants->serial;
	want->prev = wants->last;
	want->next = NULL;
	*(wants->last == NULL ? &wants->first : &wants->last->next) = want;
	wants->last = want;
}

static void list_remove(struct want *want, struct wants *wants)
{
	*(want->prev == NULL ? &wants->first : &want->prev->next) = want->next;
	*(want->next == NULL ? &wants->last : &want->next->prev) = want->prev;
}

static void touch(struct wants *wants, struct want *want)
{
	list_remove(want, wants);
	list_add(want, wants);
	loop_task_queue(wants->sync->loop, &wants->tell_task);
}

static void ready_add(struct wants *wants, struct want *want)
{
	want->is_ready = true;
	want->prev_ready = wants->ready_last;
	want->next_ready = NULL;
	*(wants->ready_last == NULL ? &wants->ready_first : &wants->ready_last->next_ready) = want;
	wants->ready_last = want;
}

static void ready_remove(struct wants *wants, struct want *want)
{
	want->is_ready = false;
	*(want->prev_ready == NULL ? &wants->ready_first : &want->prev_ready->next_ready) =
		want->next_ready;
	*(want->next_ready == NULL ? &wants->ready_last : &want->next_ready->prev_ready) =
		want->prev_ready;
}

struct want *wants_find(const struct wants *wants, const struct blob_id *id)
{
	return table_get(wants->by_id, id->at);
}

void wants_settle(struct wants *wants, struct want *want)
{
	bool is_ready = wants_is_wanted(want) && want->holders != NULL && want->get == NULL;
	if (is_ready && !want->is_ready) {
		ready_add(wants, want);
	} else if (!is_ready && want->is_ready) {
		ready_remove(wants, want);
	}
	if (is_ready) {
		loop_task_queue(wants->sync->loop, &wants->get_task);
	}
}

static struct want *want_new(struct wants *wants, const struct blob_id *id)
{
	struct want *want = calloc(1, sizeof(*want));
	if (want == NULL || table_put(wants->by_id, id->at, want) != ERR_OK) {
		free(want);
		return NULL;
	}
	want->id = *id;
	list_add(want, wants);
	return want;
}

static struct want *want_for(struct wants *wants, const struct blob_id *id)
{
	struct want *want = wants_find(wants, id);
	return want != NULL ? want : want_new(wants, id);
}

static void drop_holders(struct wants *wants, struct want *want)
{
	struct holder *next;
	for (struct holder *holder = want->holders; holder != NULL; holder = next) {
		next = holder->next;
		wants_drop_holder(wants, holder);
	}
}

void wants_let_go(struct wants *wants, struct want *want)
{
	struct liar *next;
	if (want->is_own || want->is_offer || want->ties != NULL || want->get != NULL) {
		return;
	}
	drop_holders(wants, want);
	for (struct liar *liar = want->liars; liar != NULL; liar = next) {
		next = liar->next;
		free(liar);
	}
	wants_settle(wants, want);
	list_remove(want, wants);
	(void)table_remove(wants->by_id, want->id.at);
	free(want);
}

/* Who wants it. */

static void set_near(struct wants *wants, struct asker *asker, bool is_near)
{
	if (asker->is_near != is_near) {
		wants->far_tie_count += is_near ? -(size_t)asker->tie_count : asker->tie_count;
		asker->is_near = is_near;
	}
}

static struct asker *asker_for(struct wants_peer *peer)
{
	struct wants *wants = peer->wants;
	struct asker *asker = peer->asker;
	if (asker == NULL) {
		asker = table_get(wants->askers, peer->partner->id.at);
	}
	if (asker == NULL) {
		asker = calloc(1, sizeof(*asker));
		if (asker == NULL ||
			table_put(wants->askers, peer->partner->id.at, asker) != ERR_OK) {
			free(asker);
			return NULL;
		}
		asker->id = peer->partner->id;
	}
	asker->peer = peer;
	set_near(wants, asker, wants_is_near(peer->partner));
	peer->asker = asker;
	return asker;
}

/* What is told of it can only become nearer by a tie, and farther when one goes. */
static void measure(struct wants *wants, struct want *want)
{
	int before = want->distance;
	want->distance = 0;
	for (const struct tie *tie = want->ties; tie != NULL; tie = tie->next) {
		int distance = tie->distance + 1;
		if (tie->asker->is_near && distance <= LIMIT_BLOB_SYMPATHY &&
			(want->distance == 0 || distance < want->distance)) {
			want->distance = distance;
		}
	}
	bool is_nearer = want->distance > 0 && (before == 0 || want->distance < before);
	if (is_nearer && !want->is_own && !want->is_offer) {
		touch(wants, want);
	}
	if (want->get != NULL && !wants_is_wanted(want)) {
		wants_get_cancel(want->get);
	}
	wants_settle(wants, want);
}

static void count_tie(struct wants *wants, struct asker *asker, int by)
{
	asker->tie_count += (unsigned)by;
	wants->tie_count += (size_t)by;
	wants->far_tie_count += asker->is_near ? 0 : (size_t)by;
}

static void tie_drop(struct wants *wants, struct tie *tie)
{
	struct want *want = tie->want;
	struct asker *asker = tie->asker;
	*(tie->prev == NULL ? &want->ties : &tie->prev->next) = tie->next;
	if (tie->next != NULL) {
		tie->next->prev = tie->prev;
	}
	*(tie->prev_of == NULL ? &asker->ties : &tie->prev_of->next_of) = tie->next_of;
	if (tie->next_of != NULL) {
		tie->next_of->prev_of = tie->prev_of;
	}
	count_tie(wants, asker, -1);
	free(tie);
}

static void tie_cut(struct wants *wants, struct tie *tie)
{
	struct want *want = tie->want;
	tie_drop(wants, tie);
	measure(wants, want);
	wants_let_go(wants, want);
}

/* Nobody is remembered for nothing. */
static void asker_let_go(struct wants *wants, struct asker *asker)
{
	int64_t now_ms = wants_now(wants);
	if (asker->peer == NULL && asker->ties == NULL && wants_spent(asker, now_ms) == 0) {
		(void)table_remove(wants->askers, asker->id.at);
		free(asker);
	}
}

static struct tie *tie_of(const struct want *want, const struct asker *asker)
{
	struct tie *tie = want->ties;
	while (tie != NULL && tie->asker != asker) {
		tie = tie->next;
	}
	return tie;
}

static struct tie *tie_new(struct wants *wants, struct want *want, struct asker *asker)
{
	struct tie *tie = calloc(1, sizeof(*tie));
	if (tie == NULL) {
		return NULL;
	}
	tie->want = want;
	tie->asker = asker;
	tie->next = want->ties;
	if (tie->next != NULL) {
		tie->next->prev = tie;
	}
	want->ties = tie;
	tie->next_of = asker->ties;
	if (tie->next_of != NULL) {
		tie->next_of->prev_of = tie;
	}
	asker->ties = tie;
	count_tie(wants, asker, 1);
	return tie;
}

static bool has_room(const struct wants *wants, const struct asker *asker)
{
	return asker->tie_count < LIMIT_BLOB_WANTS_PER_PEER &&
	       wants->tie_count + wants->own_count < LIMIT_BLOB_WANTS &&
	       (asker->is_near || wants->far_tie_count < LIMIT_BLOB_WANTS / 2);
}

void wants_ask(struct wants_peer *peer, const struct blob_id *id, int64_t distance)
{
	struct wants *wants = peer->wants;
	struct asker *asker = asker_for(peer);
	struct want *want = wants_find(wants, id);
	struct tie *tie = want == NULL || asker == NULL ? NULL : tie_of(want, asker);
	if (asker == NULL || (tie == NULL && !has_room(wants, asker))) {
		return; /* it may ask again */
	}
	want = want != NULL ? want : want_new(wants, id);
	if (want == NULL) {
		return;
	}
	bool is_first = tie == NULL || tie->is_before;
	tie = tie != NULL ? tie : tie_new(wants, want, asker);
	if (tie != NULL) {
		int near = distance > LIMIT_BLOB_SYMPATHY ? LIMIT_BLOB_SYMPATHY : (int)distance;
		tie->distance = is_first || near < tie->distance ? near : tie->distance;
		tie->is_before = false;
		tie->told_ms = wants_now(wants);
		measure(wants, want);
		wants_wake(wants);
	}
	wants_let_go(wants, want);
}

/* Days begin with the first byte: of a clock that only goes forward. */
int64_t wants_spent(struct asker *asker, int64_t now_ms)
{
	if (asker->bytes > 0 && now_ms - asker->day_ms >= DAY_MS) {
		asker->bytes = 0;
	}
	return asker->bytes;
}

void wants_spend(struct asker *asker, int64_t now_ms, uint64_t bytes)
{
	if (wants_spent(asker, now_ms) == 0) {
		asker->day_ms = now_ms;
	}
	asker->bytes += (int64_t)bytes;
}

struct asker *wants_payer(struct wants *wants, const struct want *want, uint64_t bytes)
{
	struct asker *best = NULL;
	int64_t now_ms = wants_now(wants);
	for (struct tie *tie = want->ties; tie != NULL; tie = tie->next) {
		struct asker *asker = tie->asker;
		int64_t spent = wants_spent(asker, now_ms);
		if (asker->is_near && tie->distance < LIMIT_BLOB_SYMPATHY &&
			spent + (int64_t)bytes <= LIMIT_BLOB_FAR_BYTES_PER_PEER &&
			(best == NULL || spent < best->bytes)) {
			best = asker;
		}
	}
	return best;
}

/* Who has it. */

void wants_drop_holder(struct wants *wants, struct holder *holder)
{
	struct want *want = holder->want;
	struct holder **at = &want->holders;
	while (*at != holder) {
		at = &(*at)->next;
	}
	*at = holder->next;
	want->holder_count--;
	*(holder->prev_of == NULL ? &holder->peer->holders : &holder->prev_of->next_of) =
		holder->next_of;
	if (holder->next_of != NULL) {
		holder->next_of->prev_of = holder->prev_of;
	}
	free(holder);
	wants_settle(wants, want);
}

struct holder *wants_holder(const struct want *want, const struct wants_peer *peer)
{
	struct holder *holder = want->holders;
	while (holder != NULL && holder->peer != peer) {
		holder = holder->next;
	}
	return holder;
}

static bool has_lied(const struct want *want, const struct feed_id *id)
{
	const struct liar *liar = want->liars;
	while (liar != NULL && !feed_id_equal(&liar->id, id)) {
		liar = liar->next;
	}
	return liar != NULL;
}

void wants_lied(struct wants *wants, struct want *want, const struct feed_id *id)
{
	struct liar *liar = want->liar_count < LIMIT_BLOB_LIARS ? calloc(1, sizeof(*liar)) : NULL;
	wants->figures.lies++;
	if (liar != NULL) {
		liar->id = *id;
		liar->next = want->liars;
		want->liars = liar;
		want->liar_count++;
	}
}

/* Of too many holders somebody anybody can make up gives way. */
static bool make_room(struct wants *wants, struct want *want, const struct wants_peer *peer)
{
	struct holder *far = NULL;
	if (want->holder_count < LIMIT_BLOB_HOLDERS) {
		return true;
	}
	for (struct holder *holder = want->holders; holder != NULL; holder = holder->next) {
		far = wants_is_near(holder->peer->partner) ? far : holder;
	}
	if (far == NULL || !wants_is_near(peer->partner)) {
		return false;
	}
	wants_drop_holder(wants, far);
	return true;
}

static void add_holder(struct wants_peer *peer, struct want *want, uint64_t bytes)
{
	struct wants *wants = peer->wants;
	struct holder *holder = wants_holder(want, peer);
	if (holder == NULL && make_room(wants, want, peer)) {
		holder = calloc(1, sizeof(*holder));
		if (holder == NULL) {
			return;
		}
		holder->want = want;
		holder->peer = peer;
		holder->next = want->holders;
		want->holders = holder;
		want->holder_count++;
		holder->next_of = peer->holders;
		if (holder->next_of != NULL) {
			holder->next_of->prev_of = holder;
		}
		peer->holders = holder;
	}
	if (holder != NULL) {
		holder->bytes = bytes;
	}
	wants_settle(wants, want);
}

/* One more has what we offer: enough of them, and it is offered no more. Keys that anybody can make
 * up do not count by what they say. */
void wants_has_offer(struct wants *wants, struct want *want, const struct feed_id *id)
{
	for (unsigned i = 0; i < want->have_count; i++) {
		if (feed_id_equal(&want->have[i], id)) {
			return;
		}
	}
	want->have[want->have_count++] = *id;
	if (want->have_count == LIMIT_BLOB_PUSHES) {
		const struct change change = {.kind = CHANGE_BLOB_PUSHED, .blob = want->id};
		if (writer_change(wants->sync->writer, &change) != ERR_OK) {
			want->have_count--; /* the writer has too much to do: with the next one */
			return;
		}
		want->is_offer = false;
		wants_let_go(wants, want);
	}
}

void wants_have(struct wants_peer *peer, const struct blob_id *id, uint64_t bytes)
{
	struct wants *wants = peer->wants;
	struct want *want = wants_find(wants, id);
	if (want == NULL) {
		return; /* if somebody wants it later, everybody is asked */
	}
	if (want->is_offer) {
		if (wants_is_near(peer->partner)) {
			wants_has_offer(wants, want, &peer->partner->id);
		}
		return;
	}
	if (bytes < LIMIT_BLOB_BYTES && peer->lies < LIMIT_BLOB_LIES &&
		!has_lied(want, &peer->partner->id)) {
		add_holder(peer, want, bytes);
	}
}

/* The owner's. */

static void make_room_for_own(struct wants *wants)
{
	struct tie *oldest = NULL;
	if (wants->tie_count + wants->own_count < LIMIT_BLOB_WANTS) {
		return;
	}
	for (struct want *want = wants->first; want != NULL; want = want->next) {
		for (struct tie *tie = want->ties; tie != NULL; tie = tie->next) {
			oldest = oldest == NULL || tie->told_ms < oldest->told_ms ? tie : oldest;
		}
	}
	if (oldest != NULL) {
		tie_cut(wants, oldest);
	}
}

bool wants_own(struct wants *wants, const struct blob_id *id, bool is_on)
{
	struct want *want = is_on ? want_for(wants, id) : wants_find(wants, id);
	if (want == NULL) {
		return !is_on;
	}
	if (is_on && !want->is_own) {
		want->is_own = true; /* before room is made: it must stay */
		make_room_for_own(wants);
		wants->own_count++;
		want->pause_ms = LIMIT_BLOB_RETRY_MS_MIN;
		want->retry_ms = wants_now(wants) + want->pause_ms;
		touch(wants, want);
		wants_wake(wants);
	} else if (!is_on && want->is_own) {
		want->is_own = false;
		wants->own_count--;
	}
	wants_settle(wants, want);
	if (want->get != NULL && !wants_is_wanted(want)) {
		wants_get_cancel(want->get);
	}
	wants_let_go(wants, want);
	return true;
}

void wants_retry(struct wants *wants, struct want *want)
{
	want->pause_ms = 2 * want->pause_ms < LIMIT_BLOB_RETRY_MS_MAX ? 2 * want->pause_ms
								      : LIMIT_BLOB_RETRY_MS_MAX;
	want->retry_ms = wants_now(wants) + want->pause_ms;
	if (want->get == NULL) {
		touch(wants, want);
	}
}

bool wants_offer(struct wants *wants, const struct blob_id *id, bool is_on)
{
	struct want *want = is_on ? want_for(wants, id) : wants_find(wants, id);
	if (want == NULL) {
		return !is_on;
	}
	if (is_on && !want->is_offer) {
		want->is_offer = true;
		want->have_count = 0;
		touch(wants, want);
	}
	want->is_offer = is_on;
	wants_let_go(wants, want);
	return true;
}

void wants_came(struct wants *wants, const struct blob_id *id, uint64_t bytes)
{
	struct want *want = wants_find(wants, id);
	wants->arrivals++;
	if (want == NULL) {
		return;
	}
	if (want->get != NULL) {
		wants_get_cancel(want->get);
	}
	wants->own_count -= want->is_own;
	want->is_own = false;
	struct tie *next;
	for (struct tie *tie = want->ties; tie != NULL; tie = next) {
		struct wants_peer *peer = tie->asker->peer;
		next = tie->next;
		tie_drop(wants, tie);
		if (peer != NULL) {
			wants_answer(peer, id, bytes);
		}
	}
	want->distance = 0;
	drop_holders(wants, want);
	wants_settle(wants, want);
	wants_let_go(wants, want);
}

/* Coming and going. */

void wants_forget_peer(struct wants_peer *peer)
{
	struct wants *wants = peer->wants;
	struct asker *asker = peer->asker;
	struct holder *next_holder;
	for (struct holder *holder = peer->holders; holder != NULL; holder = next_holder) {
		next_holder = holder->next_of;
		wants_drop_holder(wants, holder);
	}
	if (asker == NULL) {
		return;
	}
	peer->asker = NULL;
	if (asker->peer != peer) {
		return; /* a newer connection has it */
	}
	struct sync *sync = wants->sync;
	bool is_kept = asker->is_near && !reach_is_blocking(sync->reach, &sync->self, &asker->id);
	asker->peer = NULL;
	asker->seen_ms = wants_now(wants);
	struct tie *next_tie;
	for (struct tie *tie = asker->ties; tie != NULL; tie = next_tie) {
		next_tie = tie->next_of;
		tie->is_before = true;
		if (!is_kept) {
			tie_cut(wants, tie);
		}
	}
	asker_let_go(wants, asker);
}

void wants_expire(struct wants *wants)
{
	int64_t now_ms = wants_now(wants);
	size_t cursor = 0;
	const uint8_t *id;
	void *value;
	while (table_next(wants->askers, &cursor, &id, &value)) {
		struct asker *asker = value;
		struct tie *next;
		for (struct tie *tie = asker->ties; tie != NULL; tie = next) {
			next = tie->next_of;
			if (now_ms - tie->told_ms >= LIMIT_BLOB_WANT_MS) {
				tie_cut(wants, tie);
			}
		}
		asker_let_go(wants, asker); /* removes only the entry just returned */
	}
}

void wants_reach_changed(struct wants *wants)
{
	for (struct wants_peer *peer = wants->peers; peer != NULL; peer = peer->next) {
		struct asker *asker = peer->asker;
		bool is_near = wants_is_near(peer->partner);
		if (asker == NULL || asker->is_near == is_near) {
			continue;
		}
		set_near(wants, asker, is_near);
		for (struct tie *tie = asker->ties; tie != NULL; tie = tie->next_of) {
			measure(wants, tie->want);
		}
	}
}

void wants_free_all(struct wants *wants)
{
	size_t cursor = 0;
	const uint8_t *id;
	void *value;
	struct want *next;
	for (struct want *want = wants->first; want != NULL; want = next) {
		struct tie *next_tie;
		next = want->next;
		want->is_own = false;
		want->is_offer = false;
		want->distance = 0;
		assert(want->get == NULL);
		for (struct tie *tie = want->ties; tie != NULL; tie = next_tie) {
			next_tie = tie->next;
			tie_drop(wants, tie);
		}
		wants_let_go(wants, want);
	}
	while (wants->askers != NULL && table_next(wants->askers, &cursor, &id, &value)) {
		free(value);
	}
}
