/*
 * One struct per stream the peer opened. Messages are read in worker jobs of
 * LIMIT_HISTORY_CHUNK_BYTES; a full connection pauses the reading until on_room. A live stream that
 * has caught up sleeps until its feed gets a new head.
 */
#include "sync/history.h"

#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/peers.h"
#include "sync/pull.h"
#include "sync/recover.h"

#include <math.h>
#include <stdlib.h>

enum { HISTORY_CALLED_MS = 3000 };

struct history {
	struct history *next, *prev; /* in partner->histories */
	struct partner *partner;
	struct rpc_call *call;
	struct feed_id feed;
	uint64_t from; /* the next sequence to send */
	uint64_t left; /* messages still allowed; UINT64_MAX without limit */
	bool is_live, wants_keys, wants_values;
	bool is_newer_only; /* not yet known where to start */
	bool is_caught_up, is_ended;
	uint64_t head; /* of the feed, when the pull began */
	struct pull *pull;
};

static void unlink_history(struct history *history)
{
	if (history->prev != NULL) {
		history->prev->next = history->next;
	} else {
		history->partner->histories = history->next;
	}
	if (history->next != NULL) {
		history->next->prev = history->prev;
	}
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct history *history = ctx;
	(void)call;
	(void)error;
	unlink_history(history);
	pull_cancel(history->pull);
	free(history);
}

static void end(struct history *history)
{
	if (!history->is_ended) {
		history->is_ended = true;
		rpc_end(history->call);
	}
}

/* May this peer have this feed? The author's block counts, and ours of the author (protocol/04 §2).
 */
static bool is_allowed(const struct history *history)
{
	struct sync *sync = history->partner->sync;
	return !reach_is_blocking(sync->reach, &history->feed, &history->partner->id) &&
	       !reach_is_blocking(sync->reach, &sync->self, &history->feed);
}

static enum err send_one(struct history *history, const struct pull_item *item, struct span compact)
{
	if (!history->wants_values && history->wants_keys) {
		char key[MESSAGE_ID_TEXT_BYTES];
		message_id_format(&item->key, key);
		return rpc_send(history->call, MUXRPC_STRING, span_text(key));
	}
	if (!history->wants_keys) {
		return rpc_send(history->call, MUXRPC_JSON, compact);
	}
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES + KIB);
	enum err err = message_write_kvt(&item->key, compact, item->received_ms, &text);
	if (err == ERR_OK) {
		err = rpc_send(history->call, MUXRPC_JSON, buf_span(&text));
	}
	buf_fini(&text);
	return err;
}

static void pump(struct history *history);

static uint64_t head_of(const struct history *history)
{
	const struct feed *feed = reach_known(history->partner->sync->reach, &history->feed);
	return feed == NULL ? 0 : feed->head;
}

static void send_items(struct history *history, const struct pull *pull)
{
	struct sync *sync = history->partner->sync;
	for (size_t i = 0; i < pull->item_count; i++) {
		const struct pull_item *item = &pull->items[i];
		if (send_one(history, item, pull_text(pull, item)) != ERR_OK) {
			return;
		}
		history->from = item->sequence + 1;
		if (history->left != UINT64_MAX) {
			history->left--;
		}
		sync->counters.messages_out++;
	}
	if (pull->item_count > 0 && feed_id_equal(&history->feed, &sync->self)) {
		recover_holds(sync->recover, &history->partner->id, history->from - 1);
	}
}

static void on_pulled(void *ctx, struct pull *pull)
{
	struct history *history = ctx;
	const struct pull_want *want = &pull->wants[0];
	history->pull = NULL;
	if (!history->is_ended && !is_allowed(history)) {
		end(history); /* blocked while it was read */
	}
	if (!history->is_ended) {
		send_items(history, pull);
		if (history->is_newer_only && want->is_read) {
			history->is_newer_only = false;
			history->from = want->next;
		}
		bool is_done = pull->err != ERR_OK || history->left == 0 ||
			       (want->is_at_end && !history->is_live);
		if (is_done) {
			end(history);
		} else {
			/* A commit may have come while the job was reading; but what is missing
			 * in a damaged store is not looked for in a circle. */
			uint64_t head = head_of(history);
			bool is_stuck = pull->item_count == 0 && head == history->head;
			history->is_caught_up =
				want->is_at_end && (is_stuck || head < history->from);
			pump(history);
		}
	}
	pull_free(pull);
}

static void pump(struct history *history)
{
	if (history->is_ended || history->is_caught_up || history->pull != NULL) {
		return;
	}
	if (!is_allowed(history)) {
		end(history);
		return;
	}
	if (rpc_is_full(history->call)) {
		return;
	}
	struct pull *pull = pull_new(history->partner->sync);
	if (pull == NULL) {
		end(history);
		return;
	}
	pull->wants[0] = (struct pull_want){
		.feed = history->feed,
		.from = history->from,
		.count_max = history->left < SIZE_MAX / 2 ? history->left : SIZE_MAX / 2,
		.is_newer_only = history->is_newer_only,
	};
	pull->want_count = 1;
	history->head = head_of(history);
	pull->on_done = on_pulled;
	pull->ctx = history;
	if (pull_start(pull) != ERR_OK) {
		pull_free(pull);
		end(history);
		return;
	}
	history->pull = pull;
}

static void on_room(void *ctx, struct rpc_call *call)
{
	(void)call;
	pump(ctx);
}

/* A number option as a whole count; `otherwise` when it is absent or not a number. */
static double number_of(const struct json *opts, const char *name, double otherwise)
{
	double value = otherwise;
	return json_number(json_get(opts, name), &value) ? value : otherwise;
}

/* An option that is true unless it is given and not true, or false unless it is given and true:
 * JavaScript's way. */
static bool flag_of(const struct json *opts, const char *name, bool otherwise)
{
	const struct json *value = json_get(opts, name);
	return value == NULL ? otherwise : json_is_truthy(value);
}

static bool read_args(struct history *history, const struct json *args)
{
	const struct json *opts = json_count(args) > 0 ? json_at(args, 0) : NULL;
	struct span id;
	if (!json_text(json_get(opts, "id"), &id) ||
		feed_id_parse_any(id, &history->feed) != ERR_OK) {
		return false;
	}
	double sequence = number_of(opts, "sequence", 0);
	double limit = number_of(opts, "limit", -1);
	if (sequence == 0) {
		sequence = number_of(opts, "seq", 0);
	}
	sequence = ceil(sequence);
	history->from = sequence < 1                    ? 1
			: sequence > 9007199254740991.0 ? (uint64_t)1 << 53
							: (uint64_t)sequence;
	history->left = limit < 0                    ? UINT64_MAX
			: limit > 9007199254740991.0 ? UINT64_MAX
						     : (uint64_t)limit;
	history->is_live = flag_of(opts, "live", false);
	history->wants_keys = flag_of(opts, "keys", true);
	history->wants_values = flag_of(opts, "values", true);
	history->is_newer_only = history->is_live && !flag_of(opts, "old", true);
	return true;
}

static const struct rpc_handler handler = {.on_end = on_end, .on_room = on_room};

/* A peer that asks so and has not opened EBT speaks the old way: ask it the same way soon
 * (protocol/04 §2). */
static void answer_in_kind(struct partner *partner)
{
	if (!partner->is_dialled_by_us && partner->ebt == NULL && !fetch_is_running(partner)) {
		loop_timer_set(partner->timer, HISTORY_CALLED_MS);
	}
}

void history_serve(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct history *history = calloc(1, sizeof(*history));
	struct rpc_handler mine = handler;
	if (history == NULL) {
		rpc_refuse(call, "out of memory");
		return;
	}
	mine.ctx = history;
	history->partner = partner;
	history->call = call;
	history->next = partner->histories;
	if (history->next != NULL) {
		history->next->prev = history;
	}
	partner->histories = history;
	rpc_accept(call, &mine);
	if (!read_args(history, args) || history->left == 0) {
		end(history);
		return;
	}
	answer_in_kind(partner);
	pump(history);
}

void history_committed(struct partner *partner, struct feed *feed)
{
	struct history *next;
	for (struct history *history = partner->histories; history != NULL; history = next) {
		next = history->next;
		if (feed_id_equal(&history->feed, &feed->id) && history->is_caught_up &&
			feed->head >= history->from) {
			history->is_caught_up = false;
			pump(history);
		}
	}
}

void history_reach_changed(struct partner *partner)
{
	struct history *next;
	for (struct history *history = partner->histories; history != NULL; history = next) {
		next = history->next;
		if (!is_allowed(history)) {
			end(history);
		}
	}
}
