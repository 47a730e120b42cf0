/*
 * Fetching: blobs.get from one who says that it has it, LIMIT_BLOB_DOWNLOADS at once,
 * LIMIT_BLOB_DOWNLOADS_PER_PEER of one connection. What the owner wants goes first; then those of
 * the asker for whom least was fetched today, so that nobody's thousand wants stand before
 * another's one.
 *
 * Chunks collect on the loop and are written by a worker, which hashes them meanwhile and at the
 * end lets the store judge; a connection that is faster than the disk waits. No more than was
 * announced is taken. Who gave something else is never asked for it again, who failed not for a
 * while; the next holder is.
 */
#include "sync/wants_state.h"

#include "sync/peers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	REST_MS = 60000, /* the disk is full, or fails */
	TRY_AGAIN_MS = 10000,
	FAR_COUNT_MS = 600000,
	FAR_ROOM_BYTES =
		64 * MIB, /* made at once, when what is held for others is over its limit */
	FAR_IDS_MAX = 1024,
};

enum get_step { GET_WRITE, GET_FINISH, GET_ABORT };

struct get {
	struct get *next, *prev; /* in wants->gets, while it comes */
	struct wants *wants;
	struct want *want;       /* NULL: over */
	struct wants_peer *peer; /* NULL: over, or its connection is and all of it came */
	struct rpc_call *call;   /* NULL: it ended */
	struct blob_id id;
	struct feed_id from, payer;
	bool has_payer;
	enum blob_keep keep;
	uint64_t announced, received;
	int64_t began_ms, moved_ms;
	bool is_whole, is_over, is_working, is_paused;
	struct buf filling;
	/* The worker's, while is_working. */
	enum get_step step;
	struct buf writing;
	struct blob_in *in;
	enum err err;
	struct blob_row row;
};

static void pump(struct get *get);

/* The worker's part. */
static void work(void *ctx)
{
	struct get *get = ctx;
	get->err = ERR_OK;
	if (get->step == GET_ABORT) {
		blob_in_abort(get->in);
		get->in = NULL;
		return;
	}
	if (get->in == NULL) {
		const struct blob_in_opts opts = {.expected = &get->id, .keep = get->keep};
		get->err = blobs_begin(get->wants->blobs, &opts, &get->in);
	}
	if (get->err == ERR_OK && get->writing.len > 0) {
		get->err = blob_in_write(get->in, buf_span(&get->writing));
	}
	if (get->err == ERR_OK && get->step == GET_FINISH) {
		struct blob_in *in = get->in;
		get->in = NULL;
		get->err = blob_in_finish(in, &get->row);
	}
}

static void get_free(struct get *get)
{
	assert(!get->is_working && get->in == NULL && get->want == NULL && get->peer == NULL);
	buf_fini(&get->filling);
	buf_fini(&get->writing);
	free(get);
}

/* The connection it comes from has nothing to do with it any more. */
static void leave_peer(struct get *get)
{
	struct wants_peer *peer = get->peer;
	if (peer == NULL) {
		return;
	}
	get->peer = NULL;
	peer->get_count--;
	if (get->is_paused) {
		get->is_paused = false;
		peer_resume(peer->partner->peer);
	}
	if (get->call != NULL) {
		rpc_refuse(get->call, "not asked for any more");
		get->call = NULL;
	}
}

/* Only what is stored counts against whom it was fetched for. */
static void give_back(struct get *get)
{
	struct asker *payer = get->has_payer ? table_get(get->wants->askers, get->payer.at) : NULL;
	if (payer != NULL) {
		int64_t back = (int64_t)get->announced;
		payer->bytes -= back < payer->bytes ? back : payer->bytes;
	}
	get->has_payer = false;
}

/* Nothing more of it; the slot is free. */
static void detach(struct get *get)
{
	struct wants *wants = get->wants;
	if (get->is_over) {
		return;
	}
	get->is_over = true;
	*(get->prev == NULL ? &wants->gets : &get->prev->next) = get->next;
	if (get->next != NULL) {
		get->next->prev = get->prev;
	}
	wants->get_count--;
	leave_peer(get);
	give_back(get);
	get->want->get = NULL;
	get->want = NULL;
	buf_fini(&get->filling);
	loop_task_queue(wants->sync->loop, &wants->get_task);
}

/* It came to nothing: the next holder; the same one after `rest_ms`, or never (0). */
static void give_up(struct get *get, const char *why, int64_t rest_ms)
{
	struct wants *wants = get->wants;
	struct want *want = get->want;
	struct holder *holder = wants_holder(want, get->peer);
	char from[FEED_ID_TEXT_BYTES];
	feed_id_format(&get->from, from);
	LOG(wants->sync->env, LOG_INFO, "blob.failed", LOG_KEY("peer", from), LOG_TEXT("why", why));
	if (holder != NULL && rest_ms == 0) {
		wants_drop_holder(wants, holder);
	} else if (holder != NULL) {
		holder->rest_ms = wants_now(wants) + rest_ms;
	}
	detach(get);
	wants_settle(wants, want);
	wants_wake(wants);
	wants_let_go(wants, want);
	pump(get);
}

static void lied(struct get *get, const char *why)
{
	wants_lied(get->wants, get->want, &get->from);
	if (get->peer != NULL) {
		get->peer->lies++;
	}
	give_up(get, why, 0);
}

static void finished(struct get *get)
{
	struct wants *wants = get->wants;
	wants->figures.in++;
	if (get->keep == BLOB_FAR) {
		wants->far_bytes += get->row.bytes;
	}
	if (!get->is_over) { /* else the store told of it first */
		get->has_payer = false;
		detach(get);
		wants_here(wants, &get->id, get->row.bytes);
	}
	pump(get);
}

/* A worker is through with it. */
static void judge(struct get *get)
{
	if (get->err == ERR_OK && get->step == GET_FINISH) {
		finished(get);
	} else if (get->err == ERR_OK || get->is_over) {
		pump(get);
	} else if (get->err == ERR_REFUSED || get->err == ERR_LIMIT) {
		lied(get, "its hash or its size is another one");
	} else {
		get->wants->rest_ms = wants_now(get->wants) + REST_MS;
		give_up(get, err_text(get->err), TRY_AGAIN_MS);
	}
}

static void pump_others(struct wants *wants)
{
	struct get *next;
	for (struct get *get = wants->gets; get != NULL; get = next) {
		next = get->next;
		pump(get);
	}
}

static void done(void *ctx)
{
	struct get *get = ctx;
	struct wants *wants = get->wants;
	bool was_abort = get->step == GET_ABORT;
	get->is_working = false;
	wants->writing -= was_abort ? 0 : 1;
	buf_clear(&get->writing);
	if (was_abort) {
		get_free(get);
	} else {
		judge(get);
	}
	pump_others(wants);
	sync_job_ends(wants->sync);
}

static void start(struct get *get, enum get_step step)
{
	struct wants *wants = get->wants;
	get->step = step;
	get->is_working = true;
	if (loop_work(wants->sync->loop, work, done, get) == ERR_OK) {
		sync_job_begins(wants->sync);
		wants->writing += step == GET_ABORT ? 0 : 1;
		return;
	}
	get->is_working = false;
	if (step == GET_ABORT) {
		blob_in_abort(get->in); /* no thread will: better here than never */
		get->in = NULL;
		get_free(get);
	} else {
		give_up(get, "no worker", TRY_AGAIN_MS);
	}
}

static void pump(struct get *get)
{
	struct wants *wants = get->wants;
	if (get->is_working) {
		return;
	}
	if (get->is_over) {
		if (get->in != NULL) {
			start(get, GET_ABORT);
		} else {
			get_free(get);
		}
		return;
	}
	if (get->is_paused && get->filling.len < LIMIT_BLOB_WAITING_BYTES) {
		get->is_paused = false;
		peer_resume(get->peer->partner->peer);
	}
	if ((get->filling.len == 0 && !get->is_whole) || wants->writing >= LIMIT_BLOB_WRITES) {
		return;
	}
	struct buf swap = get->writing;
	get->writing = get->filling;
	get->filling = swap;
	start(get, get->is_whole ? GET_FINISH : GET_WRITE);
}

/* What comes. */

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct get *get = ctx;
	(void)call;
	(void)json;
	if (type != MUXRPC_BINARY) {
		lied(get, "what it gives is no blob");
		return;
	}
	get->received += body.len;
	get->wants->figures.in_bytes += body.len;
	get->moved_ms = body.len > 0 ? wants_now(get->wants) : get->moved_ms;
	if (get->received > get->announced) {
		lied(get, "it gives more than it said");
		return;
	}
	if (buf_append(&get->filling, body) != ERR_OK) {
		give_up(get, "out of memory", TRY_AGAIN_MS);
		return;
	}
	if (!get->is_paused && get->filling.len >= LIMIT_BLOB_WAITING_BYTES) {
		get->is_paused = true;
		peer_pause(get->peer->partner->peer);
	}
	pump(get);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct get *get = ctx;
	(void)call;
	get->call = NULL;
	if (error != NULL) {
		give_up(get, error, 0);
	} else {
		get->is_whole = true;
		pump(get);
	}
}

static const struct rpc_handler handler = {.on_item = on_item, .on_end = on_end, .is_raw = true};

/* What to fetch next. */

static enum err open_get(struct get *get)
{
	char id[BLOB_ID_TEXT_BYTES];
	char args[BLOB_ID_TEXT_BYTES + 64];
	struct rpc_handler mine = handler;
	blob_id_format(&get->id, id);
	/* go-ssb understands this form and no other. */
	(void)snprintf(args, sizeof(args), "[{\"key\":\"%s\",\"max\":%d}]", id, LIMIT_BLOB_BYTES);
	mine.ctx = get;
	return rpc_open(peer_rpc(get->peer->partner->peer), "blobs.get", RPC_SOURCE,
		span_text(args), &mine, &get->call);
}

static void begin(struct get *get, struct want *want)
{
	struct wants *wants = get->wants;
	get->want = want;
	want->get = get;
	get->next = wants->gets;
	if (get->next != NULL) {
		get->next->prev = get;
	}
	wants->gets = get;
	wants->get_count++;
	get->peer->get_count++;
	wants_settle(wants, want);
	wants_wake(wants);
}

static struct get *get_new(struct wants *wants, const struct want *want, struct holder *holder)
{
	struct get *get = calloc(1, sizeof(*get));
	if (get == NULL) {
		return NULL;
	}
	get->wants = wants;
	get->peer = holder->peer;
	get->id = want->id;
	get->from = holder->peer->partner->id;
	get->keep = want->is_own ? BLOB_READ : BLOB_FAR;
	get->announced = holder->bytes;
	get->began_ms = wants_now(wants);
	get->moved_ms = get->began_ms;
	buf_init(&get->filling, LIMIT_BLOB_BYTES + LIMIT_RPC_BINARY_BYTES);
	buf_init(&get->writing, LIMIT_BLOB_BYTES + LIMIT_RPC_BINARY_BYTES);
	return get;
}

static bool is_free(const struct holder *holder, int64_t now_ms)
{
	const struct wants_peer *peer = holder->peer;
	return holder->rest_ms <= now_ms && peer->get_count < LIMIT_BLOB_DOWNLOADS_PER_PEER &&
	       peer->lies < LIMIT_BLOB_LIES && !peer_is_held(peer->partner->peer);
}

/* Who is near first, then who gives us least now. */
static struct holder *choose_holder(const struct want *want, int64_t now_ms)
{
	struct holder *best = NULL;
	bool is_best_near = false;
	for (struct holder *holder = want->holders; holder != NULL; holder = holder->next) {
		bool is_near = wants_is_near(holder->peer->partner);
		if (is_free(holder, now_ms) &&
			(best == NULL || (is_near && !is_best_near) ||
				(is_near == is_best_near &&
					holder->peer->get_count < best->peer->get_count))) {
			best = holder;
			is_best_near = is_near;
		}
	}
	return best;
}

struct choice {
	struct want *want;
	struct holder *holder;
	struct asker *payer; /* NULL: the owner */
};

static bool is_better(const struct choice *one, const struct choice *two)
{
	if (two->want == NULL || one->payer == NULL) {
		return two->want == NULL || two->payer != NULL;
	}
	return two->payer != NULL && one->payer->bytes < two->payer->bytes;
}

static void choose(struct wants *wants, struct choice *best)
{
	int64_t now_ms = wants_now(wants);
	*best = (struct choice){0};
	for (struct want *want = wants->ready_first; want != NULL; want = want->next_ready) {
		struct choice choice = {.want = want};
		bool may_far = wants->is_far_known && wants->far_bytes < LIMIT_BLOB_FAR_BYTES;
		if (!want->is_own && !may_far) {
			continue;
		}
		choice.holder = choose_holder(want, now_ms);
		if (choice.holder != NULL && !want->is_own) {
			choice.payer = wants_payer(wants, want, choice.holder->bytes);
		}
		if (choice.holder != NULL && (want->is_own || choice.payer != NULL) &&
			is_better(&choice, best)) {
			*best = choice;
		}
	}
}

/* What is held for others: counted now and then, and the longest unused of it goes when it is too
 * much. */

struct far {
	struct wants *wants;
	uint64_t bytes;
	struct blob_id ids[FAR_IDS_MAX];
	size_t count;
	uint64_t going;
	enum err err;
};

static bool on_unused(void *ctx, const struct blob_row *row)
{
	struct far *far = ctx;
	far->ids[far->count++] = row->id;
	far->going += row->bytes;
	return far->count < FAR_IDS_MAX &&
	       far->bytes - far->going > LIMIT_BLOB_FAR_BYTES - FAR_ROOM_BYTES;
}

static void count_far(void *ctx)
{
	struct far *far = ctx;
	struct blob_sums sums;
	struct reader *reader = readers_take(far->wants->sync->readers);
	far->err = reader == NULL ? ERR_IO : blobs_sum(reader, &sums);
	far->bytes = far->err == ERR_OK ? sums.bytes[BLOB_FAR] : 0;
	if (far->err == ERR_OK && far->bytes >= LIMIT_BLOB_FAR_BYTES) {
		far->err = blobs_unused(reader, BLOB_FAR, on_unused, far);
	}
	readers_give(far->wants->sync->readers, reader);
	if (far->err == ERR_OK && far->count > 0) {
		far->err = blobs_remove(far->wants->blobs, far->ids, far->count);
	}
}

static void far_counted(void *ctx)
{
	struct far *far = ctx;
	struct wants *wants = far->wants;
	wants->is_far_asked = false;
	wants->far_ms = wants_now(wants);
	if (far->err == ERR_OK) {
		wants->is_far_known = true;
		wants->far_bytes = far->bytes - (far->going < far->bytes ? far->going : far->bytes);
		loop_task_queue(wants->sync->loop, &wants->get_task);
	} else {
		LOG(wants->sync->env, LOG_WARN, "blobs.uncounted",
			LOG_TEXT("why", err_text(far->err)));
	}
	free(far);
	sync_job_ends(wants->sync);
}

static void ask_far(struct wants *wants)
{
	int64_t now_ms = wants_now(wants);
	bool is_old = wants->far_ms == 0 || now_ms - wants->far_ms >= FAR_COUNT_MS;
	bool is_full =
		wants->far_bytes >= LIMIT_BLOB_FAR_BYTES && now_ms - wants->far_ms >= TRY_AGAIN_MS;
	if (wants->is_far_asked || !(is_old || is_full)) {
		return;
	}
	struct far *far = calloc(1, sizeof(*far));
	if (far == NULL) {
		return;
	}
	far->wants = wants;
	if (loop_work(wants->sync->loop, count_far, far_counted, far) != ERR_OK) {
		free(far);
		return;
	}
	wants->is_far_asked = true;
	sync_job_begins(wants->sync);
}

/* False: there is no memory. */
static bool fetch(struct wants *wants, const struct choice *choice)
{
	struct get *get = get_new(wants, choice->want, choice->holder);
	if (get == NULL) {
		return false;
	}
	if (open_get(get) != ERR_OK) {
		choice->holder->rest_ms =
			wants_now(wants) + TRY_AGAIN_MS; /* too many calls of ours */
		free(get);
		return true;
	}
	if (choice->payer != NULL) {
		get->payer = choice->payer->id;
		get->has_payer = true;
		wants_spend(choice->payer, wants_now(wants), get->announced);
	}
	begin(get, choice->want);
	return true;
}

void wants_get_task(void *ctx)
{
	struct wants *wants = ctx;
	if (wants->is_stopped || wants->blobs == NULL || wants->ready_first == NULL ||
		wants_now(wants) < wants->rest_ms) {
		return;
	}
	ask_far(wants);
	bool goes_on = true;
	while (goes_on && wants->get_count < LIMIT_BLOB_DOWNLOADS) {
		struct choice choice;
		choose(wants, &choice);
		goes_on = choice.want != NULL && fetch(wants, &choice);
	}
}

/* Ends. */

bool wants_get_came(struct get *get)
{
	bool is_ours = get->is_working && get->step == GET_FINISH;
	get->has_payer &= !is_ours;
	wants_get_cancel(get);
	return is_ours;
}

void wants_get_cancel(struct get *get)
{
	detach(get);
	pump(get);
}

void wants_get_drop(struct wants_peer *peer)
{
	struct get *next;
	for (struct get *get = peer->wants->gets; get != NULL; get = next) {
		next = get->next;
		if (get->peer != peer) {
			continue;
		}
		if (get->is_whole) {
			leave_peer(get); /* all of it came */
		} else {
			give_up(get, "the connection is over", TRY_AGAIN_MS);
		}
	}
}

void wants_get_due(struct wants *wants)
{
	int64_t now_ms = wants_now(wants);
	struct get *next;
	for (struct get *get = wants->gets; get != NULL; get = next) {
		next = get->next;
		if (get->is_whole) {
			continue;
		}
		if (peer_is_held(get->peer->partner->peer)) {
			get->moved_ms = now_ms; /* its silence is ours */
		}
		if (now_ms - get->moved_ms >= LIMIT_BLOB_STALL_MS ||
			now_ms - get->began_ms >= LIMIT_BLOB_DOWNLOAD_MS) {
			give_up(get, "it stands still", REST_MS);
		}
	}
}

void wants_get_look(const struct get *get, uint64_t *received, uint64_t *bytes)
{
	*received = get->received;
	*bytes = get->announced;
}

void wants_get_stop(struct wants *wants)
{
	struct get *next;
	for (struct get *get = wants->gets; get != NULL; get = next) {
		next = get->next;
		wants_get_cancel(get);
	}
}
