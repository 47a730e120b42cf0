/*
 * Two ways, as no single one works with everybody. A history stream from our head on is answered by
 * all classic peers, and brings newer messages along; where it brings nothing, the number the peer
 * stands at is found by its clock note or by halving. Who refuses the call is told by a clock note
 * that we stand one before the number in question: EBT 9 sends that message again (EBT 7 keeps the
 * highest number it ever heard from us, but its stack has history streams).
 *
 * A question that leads nowhere is asked again, each time after a longer while; an answer is asked
 * for anew when our head moved or the peer tells more. Of a fork of our own everything from the
 * fork on is asked for, so that the other side of it is complete.
 *
 * While nothing is paused each holder is asked once in a run for its message at the lower number:
 * two histories of equal length would tell nothing by their numbers.
 */
#include "sync/confirm.h"

#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/ingest.h"
#include "sync/recover.h"
#include "sync/replay.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	NOTE_UNKNOWN = -2,
	ARGS_BYTES = 256,
	CHUNK = 64,      /* messages asked for at once */
	BACK = 32,       /* before the known fork */
	FIRST_MS = 200,  /* after the handshake: clock notes come first */
	AGAIN_MS = 500,  /* after our head moved: more may follow */
	LOOKS = 5,       /* in one connection, that found nothing */
	RETRY_MS = 4000, /* doubled up to RETRY_MS_MAX */
	RETRY_MS_MAX = 64000
};

struct confirm {
	struct partner *partner;
	struct rpc_call *call;   /* the history stream under way */
	bool is_ended;           /* it has ended, and nothing was done about it yet */
	bool is_refused;         /* … with an error */
	bool is_without_history; /* the peer knows no such call */
	int64_t note;            /* its last clock note of our feed, or NOTE_UNKNOWN */
	uint64_t held;           /* the last number that one of them said it has; 0: none did */

	/* The question. */
	uint64_t first, from, limit; /* asked by the stream, and at the beginning */
	uint64_t top, items;         /* that came in it */
	uint64_t low, high;          /* it has `low`, and not `high` */
	bool is_stale;               /* begin again when the stream has ended */
	bool is_told;                /* what it has is known: */
	uint64_t told;
	uint64_t best; /* the highest number compared, at most our head */
	struct message_id best_key;
	bool is_rewound; /* we noted less than we have */

	/* While nothing is paused. */
	bool is_looking; /* for its message at our number */
	unsigned looks;

	/* The answer. */
	bool has_answer, is_reported;
	uint64_t answer;
	struct message_id answer_key;

	int64_t due_ms;
	unsigned tries;
};

static struct feed *self_of(const struct confirm *confirm)
{
	return reach_self(confirm->partner->sync->reach);
}

static const struct guard_report *report_of(const struct confirm *confirm)
{
	return recover_report(confirm->partner->sync->recover);
}

static bool is_forked(const struct confirm *confirm)
{
	return report_of(confirm)->state == FENCE_FORKED;
}

/* Of a fork: from where on messages are asked for. The first proof may lie behind the place where
 * the histories part, so a few before it too, until they are the same; 0: no fork. */
static uint64_t fork_from(const struct confirm *confirm)
{
	uint64_t fork = is_forked(confirm) ? report_of(confirm)->fork_sequence : 0;
	return fork > BACK ? fork - BACK : fork > 0 ? 1 : 0;
}

static void due_in(struct confirm *confirm, int64_t ms)
{
	struct sync *sync = confirm->partner->sync;
	confirm->due_ms = env_mono_ms(sync->env) + ms;
	recover_touch(sync->recover);
}

static int64_t retry_ms(const struct confirm *confirm)
{
	int64_t wait = RETRY_MS;
	for (unsigned i = 1; i < confirm->tries && wait < RETRY_MS_MAX; i++) {
		wait *= 2;
	}
	return wait;
}

/* The answer. */

static void report(struct confirm *confirm)
{
	struct sync *sync = confirm->partner->sync;
	struct change change = {.kind = CHANGE_CONFIRM,
		.feed = confirm->partner->id,
		.number = (int64_t)confirm->answer,
		.key = confirm->answer_key};
	if (confirm->is_reported || !recover_counts(sync->recover, confirm->partner)) {
		return;
	}
	if (writer_change(sync->writer, &change) == ERR_OK) {
		confirm->is_reported = true;
	} else {
		due_in(confirm, RETRY_MS);
	}
}

static void answer(struct confirm *confirm, uint64_t told, const struct message_id *key)
{
	static const struct message_id none;
	confirm->has_answer = true;
	confirm->is_reported = false;
	confirm->answer = told;
	confirm->answer_key = key == NULL ? none : *key;
	confirm->due_ms = INT64_MAX;
	confirm->tries = 0;
	if (confirm->is_rewound) {
		confirm->is_rewound = false;
		ebt_note_own(confirm->partner);
	}
	recover_holds(confirm->partner->sync->recover, &confirm->partner->id, told);
	report(confirm);
	if (told > self_of(confirm)->head) {
		due_in(confirm, LIMIT_GUARD_CLAIM_MS + RETRY_MS); /* it has its minute to give it */
	}
}

/* What it has is known: is the message that counts compared too? */
static void settle(struct confirm *confirm)
{
	uint64_t head = self_of(confirm)->head;
	uint64_t need = confirm->told < head ? confirm->told : head;
	if (!confirm->is_told || confirm->has_answer) {
		return;
	}
	if (confirm->told == 0) {
		answer(confirm, 0, NULL);
	} else if (need > 0 && confirm->best == need) {
		answer(confirm, confirm->told, &confirm->best_key);
	}
}

static void tells(struct confirm *confirm, uint64_t told)
{
	confirm->is_told = true;
	confirm->told = told;
	settle(confirm);
}

/* By clock notes. */

static void by_note(struct confirm *confirm)
{
	uint64_t head = self_of(confirm)->head;
	if (confirm->note == NOTE_UNKNOWN || !ebt_is_running(confirm->partner)) {
		return; /* confirm_told() goes on, or the retry */
	}
	tells(confirm, confirm->note > 0 ? (uint64_t)confirm->note : 0);
	if (confirm->has_answer || head == 0) {
		return;
	}
	uint64_t need = confirm->told < head ? confirm->told : head;
	uint64_t fork = fork_from(confirm);
	confirm->first = fork > 0 && fork < need ? fork : need;
	confirm->is_rewound = true;
	ebt_rewind_own(confirm->partner, confirm->first - 1);
}

/* By history streams. */

static void stream(struct confirm *confirm, uint64_t from, uint64_t limit);

/* The stream from `from` on is over: is more to be asked? */
static void next(struct confirm *confirm)
{
	uint64_t low = confirm->items > 0 ? confirm->top : confirm->low;
	uint64_t high = confirm->items > 0 ? confirm->high : confirm->from;
	int64_t note = confirm->note;
	bool is_taken = is_forked(confirm) ? low - confirm->first < LIMIT_BRANCH_MESSAGES
					   : self_of(confirm)->pending >= low;
	confirm->low = low;
	confirm->high = high;
	if (confirm->items == confirm->limit && confirm->limit == CHUNK && is_taken) {
		stream(confirm, low + 1, CHUNK);
		return;
	}
	bool is_known = high == UINT64_MAX || high - low <= 1 || note == (int64_t)low;
	if (!is_known) {
		bool is_between = note > (int64_t)low && note < (int64_t)high;
		stream(confirm, is_between ? (uint64_t)note : low + (high - low) / 2, 1);
		return;
	}
	if (note > (int64_t)low && low < self_of(confirm)->head) {
		by_note(confirm); /* it says more than its streams give */
	} else {
		tells(confirm, low);
	}
}

static void take(struct confirm *confirm, const struct json *message, struct span raw)
{
	struct partner *partner = confirm->partner;
	struct sync *sync = partner->sync;
	struct feed *self = self_of(confirm);
	struct span author;
	struct feed_id id;
	int64_t sequence = 0;
	if (!json_text(json_get(message, "author"), &author) ||
		feed_id_parse(author, &id) != ERR_OK || !feed_id_equal(&id, &sync->self) ||
		!json_whole(json_get(message, "sequence"), &sequence) ||
		sequence < (int64_t)confirm->from) {
		return;
	}
	confirm->items++;
	confirm->top = confirm->top < (uint64_t)sequence ? (uint64_t)sequence : confirm->top;
	recover_claims(partner, (uint64_t)sequence);
	if (is_forked(confirm) || (uint64_t)sequence <= self->pending) {
		(void)replay_put(sync->replay, partner, (uint64_t)sequence, raw, true);
	} else {
		(void)ingest_put(sync->ingest, partner, self, (uint64_t)sequence, raw);
	}
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct confirm *confirm = ctx;
	(void)call;
	if (type != MUXRPC_JSON || json == NULL || json_kind(json) != JSON_KIND_OBJECT ||
		confirm->items >= confirm->limit) {
		return;
	}
	const struct json *message = fetch_value(json);
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	if (message == json) {
		take(confirm, message, body);
	} else if (message != NULL && json_write_compact(message, &text) == ERR_OK) {
		take(confirm, message, buf_span(&text));
	}
	buf_fini(&text);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct confirm *confirm = ctx;
	(void)call;
	confirm->call = NULL;
	confirm->is_ended = true; /* on a later turn: the connection may be ending with it */
	confirm->is_refused = error != NULL && confirm->items == 0;
	recover_touch(confirm->partner->sync->recover);
}

static void stream(struct confirm *confirm, uint64_t from, uint64_t limit)
{
	static const struct rpc_handler handler = {.on_item = on_item, .on_end = on_end};
	struct rpc_handler mine = handler;
	char id[FEED_ID_TEXT_BYTES];
	char args[ARGS_BYTES];
	confirm->from = from;
	confirm->limit = limit;
	confirm->items = 0;
	mine.ctx = confirm;
	feed_id_format(&confirm->partner->sync->self, id);
	int len = snprintf(args, sizeof(args),
		"[{\"id\":\"%s\",\"seq\":%llu,\"limit\":%llu,\"live\":false,\"keys\":false}]", id,
		(unsigned long long)from, (unsigned long long)limit);
	if (rpc_open(peer_rpc(confirm->partner->peer), "createHistoryStream", RPC_SOURCE,
		    span_of(args, (size_t)len), &mine, &confirm->call) != ERR_OK) {
		confirm->call = NULL; /* the retry */
	}
}

static void begin(struct confirm *confirm)
{
	uint64_t head = self_of(confirm)->head;
	uint64_t fork = fork_from(confirm);
	confirm->is_stale = false;
	confirm->is_looking = false;
	confirm->is_told = false;
	confirm->has_answer = false;
	confirm->best = 0;
	confirm->top = 0;
	confirm->low = 0;
	confirm->high = UINT64_MAX;
	confirm->tries++;
	due_in(confirm, retry_ms(confirm));
	if (confirm->is_without_history) {
		by_note(confirm);
		return;
	}
	confirm->first = head == 0 ? 1 : fork > 0 && fork < head ? fork : head;
	stream(confirm, confirm->first, CHUNK);
}

static void go_on(struct confirm *confirm)
{
	confirm->is_ended = false;
	if (confirm->is_stale) {
		begin(confirm);
	} else if (confirm->is_refused) {
		confirm->is_without_history = true;
		by_note(confirm);
	} else {
		next(confirm);
	}
}

/*
 * Nothing is paused: one look, without an answer. Who holds another history refuses our next
 * message, and at once tells -1: that is when it matters most. And who stands at the number we told
 * it last time, on either history, says nothing of our feed at all. Both are asked for our head. A
 * look that finds nothing is had again a few times, as a peer that has just started may not have
 * its messages at hand yet; then in the next connection.
 */
static void glance(struct confirm *confirm)
{
	struct recover *recover = confirm->partner->sync->recover;
	uint64_t head = self_of(confirm)->head;
	bool is_known = confirm->held > 0 && confirm->held < head;
	bool is_new = confirm->held == 0 && confirm->note == 0; /* it has nothing of ours yet */
	if (head > 0 && !is_new && confirm->looks < LOOKS &&
		recover_must_compare(recover, &confirm->partner->id)) {
		confirm->is_looking = true;
		confirm->looks++;
		stream(confirm, is_known ? confirm->held : head, 1);
		if (confirm->call == NULL) {
			due_in(confirm, RETRY_MS);
		}
	}
}

/* A look has ended. */
static void looked(struct confirm *confirm)
{
	bool is_empty = confirm->is_looking && confirm->items == 0;
	if (confirm->call != NULL) {
		return; /* its end leads here again */
	}
	confirm->is_ended = false;
	confirm->is_looking = false;
	if (is_empty) {
		recover_not_compared(confirm->partner->sync->recover, &confirm->partner->id);
		confirm->tries = confirm->looks;
		due_in(confirm, retry_ms(confirm));
		return;
	}
	glance(confirm);
}

/* From outside. */

void confirm_new(struct partner *partner)
{
	struct confirm *confirm = calloc(1, sizeof(*confirm));
	if (confirm == NULL) {
		return;
	}
	partner->confirm = confirm;
	confirm->partner = partner;
	confirm->note = NOTE_UNKNOWN;
	due_in(confirm, FIRST_MS);
}

void confirm_free(struct partner *partner)
{
	free(partner->confirm);
	partner->confirm = NULL;
}

void confirm_again(struct partner *partner)
{
	struct confirm *confirm = partner->confirm;
	if (confirm == NULL) {
		return;
	}
	confirm->tries = 0;
	confirm->has_answer = false;
	confirm->is_stale = confirm->call != NULL || confirm->is_ended;
	if (!confirm->is_stale) {
		due_in(confirm, AGAIN_MS);
	}
}

void confirm_told(struct partner *partner, int64_t note)
{
	struct confirm *confirm = partner->confirm;
	if (confirm == NULL) {
		return;
	}
	confirm->note = note;
	confirm->held = note > 0 ? (uint64_t)note : confirm->held;
	if (!recover_is_asking(partner->sync->recover)) {
		due_in(confirm, FIRST_MS);
		return;
	}
	if (confirm->has_answer && note > (int64_t)confirm->answer) {
		confirm_again(partner);
	} else if (confirm->is_without_history && !confirm->has_answer && !confirm->is_rewound) {
		by_note(confirm);
	}
}

void confirm_compared(struct partner *partner, uint64_t sequence, const struct message_id *key)
{
	struct confirm *confirm = partner->confirm;
	if (confirm != NULL && key != NULL && sequence >= confirm->best &&
		sequence <= self_of(confirm)->head) {
		confirm->best = sequence;
		confirm->best_key = *key;
		settle(confirm);
	}
}

void confirm_reach_changed(struct partner *partner)
{
	struct confirm *confirm = partner->confirm;
	if (confirm != NULL && confirm->has_answer && recover_is_asking(partner->sync->recover)) {
		report(confirm);
	}
}

int64_t confirm_due_ms(const struct partner *partner)
{
	const struct confirm *confirm = partner->confirm;
	return confirm == NULL ? INT64_MAX : confirm->is_ended ? 0 : confirm->due_ms;
}

void confirm_go_on(struct partner *partner)
{
	struct confirm *confirm = partner->confirm;
	confirm->due_ms = INT64_MAX;
	if (!partner->is_ready || partner->is_closing) {
		confirm->is_ended = false;
		return;
	}
	if (!recover_is_asking(partner->sync->recover)) {
		looked(confirm);
		return;
	}
	if (confirm->is_ended) {
		due_in(confirm, retry_ms(confirm));
		go_on(confirm);
	} else if (confirm->call != NULL) {
		due_in(confirm, retry_ms(confirm)); /* it takes its time */
	} else if (confirm->has_answer && !confirm->is_reported) {
		report(confirm);
	} else {
		begin(confirm);
	}
}

bool confirm_is_expected(const struct partner *partner, uint64_t sequence)
{
	const struct confirm *confirm = partner->confirm;
	return confirm != NULL && confirm->is_rewound && sequence >= confirm->first &&
	       sequence - confirm->first < LIMIT_BRANCH_MESSAGES;
}
