/*
 * It knows all messages there are (from the ledger), dials everybody again and again, takes whoever
 * dials it, and does one of its lies on each connection every second or so.
 */
#include "sim/liar.h"

#include "net/dial.h"
#include "net/listen.h"
#include "net/peer.h"
#include "wire/note.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLOOD_MESSAGES = 60, FLOOD_CALLS = 8, BRANCH_MESSAGES = 6, BROKEN_MESSAGES = 3 };
enum {
	CLAIMS = 1U << LIE_CLAIM | 1U << LIE_OVERCLAIM | 1U << LIE_WITHHOLD | 1U << LIE_FLOOD |
		 1U << LIE_GARBLE
};

struct talk {
	struct talk *next, *prev;
	struct liar *liar;
	struct node *node; /* whom it talks with; NULL before the handshake is over */
	struct peer *peer;
	struct dial *dial;
	struct rpc_call *ebt;
	bool is_dialled_by_us;
	unsigned asked; /* person, of the last curious question */
	int64_t since_us;
};

struct liar {
	struct host host;
	unsigned person;
	unsigned lies; /* bits of enum lie */
	struct signer *signer;
	struct listener *listener;
	struct talk *talks;
	struct event tick;
	struct message *branches[2][BRANCH_MESSAGES];
	struct message *broken[BROKEN_MESSAGES]; /* behind the first branch; the first has no
						    signature that is one */
};

/* Its own feed, twice from the third message on. */

static struct message *say(
	struct signer *signer, struct chain_head *head, const char *text, unsigned branch)
{
	char content[128];
	const char *why = NULL;
	struct message *message = NULL;
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%s %u/%llu\"}",
		text, branch, (unsigned long long)head->sequence);
	enum err err =
		signer_sign_next(signer, head, 1700000000000LL, span_text(content), &message, &why);
	assert(err == ERR_OK);
	(void)err;
	*head = (struct chain_head){.sequence = message->sequence,
		.key = message->key,
		.timestamp = message->timestamp};
	return message;
}

static void make_branches(struct liar *liar)
{
	for (unsigned branch = 0; branch < 2; branch++) {
		struct signer *signer = ledger_signer(liar->person);
		struct chain_head head = {0};
		for (unsigned i = 0; i < BRANCH_MESSAGES; i++) {
			bool is_common = i < 2 || (liar->lies & 1U << LIE_FORK) == 0;
			liar->branches[branch][i] =
				say(signer, &head, "I am honest", is_common ? 0 : branch);
		}
		signer_free(signer);
	}
}

static void make_broken(struct liar *liar)
{
	const struct message *last = liar->branches[0][BRANCH_MESSAGES - 1];
	struct chain_head head = {
		.sequence = last->sequence, .key = last->key, .timestamp = last->timestamp};
	struct signer *signer = ledger_signer(liar->person);
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	const char *why = NULL;
	struct message *good = say(signer, &head, "I am broken", 0);
	enum err err = buf_append(&text, good->compact);
	uint8_t *at = memmem(text.at, text.len, "\"signature\":\"", 13);
	assert(err == ERR_OK && at != NULL);
	at[13] = at[13] == 'A' ? 'B' : 'A';
	err = message_read(buf_span(&text), &liar->broken[0], &why);
	assert(err == ERR_OK);
	(void)err;
	head.key = liar->broken[0]->key;
	for (unsigned i = 1; i < BROKEN_MESSAGES; i++) {
		liar->broken[i] = say(signer, &head, "I am not", 0);
	}
	message_free(good);
	buf_fini(&text);
	signer_free(signer);
}

/* Sending. */

static void send_text(struct talk *talk, struct span text)
{
	if (talk->ebt != NULL && !rpc_is_full(talk->ebt) &&
		rpc_send(talk->ebt, MUXRPC_JSON, text) != ERR_OK) {
		trace_mix(text.len);
	}
}

static void send_notes(struct talk *talk, unsigned from, unsigned to, uint64_t more, bool is_all)
{
	struct buf notes = BUF_INIT(LIMIT_RPC_NOTE_BYTES);
	enum err err = note_open(&notes);
	for (unsigned p = from; p < to && err == ERR_OK; p++) {
		struct note note = {.is_replicated = true,
			.wants = true,
			.sequence = is_all ? more : ledger_at(p)->count + more};
		err = note_add(&notes, ledger_id(p), &note);
	}
	if (err == ERR_OK && note_close(&notes) == ERR_OK) {
		send_text(talk, buf_span(&notes));
	}
	buf_fini(&notes);
}

static const struct entry *some_message(const struct talk *talk)
{
	bool is_theirs = dice_percent(DICE_LIAR, 50);
	unsigned person =
		is_theirs ? talk->node->person : (unsigned)dice_below(DICE_LIAR, sim.person_count);
	size_t count = ledger_at(person)->count;
	return count == 0 ? NULL : ledger_first(person, 1 + dice_below(DICE_LIAR, count));
}

static void replay(struct talk *talk, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct entry *entry = some_message(talk);
		/* Only what was heard of somewhere: a signature that died with its process is
		 * nobody's. */
		if (entry != NULL && entry->is_released) {
			send_text(talk, span_of(entry->compact, entry->len));
		}
	}
}

static void garble(struct talk *talk)
{
	static const char *const odd[] = {"{", "[]", "null", "{\"a\":{\"b\":[1,2,{}]}}", "1e999",
		"{\"@x.ed25519\":99999999999999999999}", "{\"author\":3,\"sequence\":\"1\"}"};
	const struct entry *entry = some_message(talk);
	if (entry == NULL || dice_percent(DICE_LIAR, 30)) {
		send_text(
			talk, span_text(odd[dice_below(DICE_LIAR, sizeof(odd) / sizeof(odd[0]))]));
		return;
	}
	char *copy = malloc(entry->len);
	assert(copy != NULL);
	memcpy(copy, entry->compact, entry->len);
	copy[dice_below(DICE_LIAR, entry->len)] ^= (char)(1 << dice_below(DICE_LIAR, 7));
	send_text(talk, span_of(copy, entry->len));
	free(copy);
}

static void send_branch(struct talk *talk)
{
	struct liar *liar = talk->liar;
	struct message **branch = liar->branches[talk->node->host.number % 2];
	if (dice_percent(DICE_LIAR, 10)) {
		branch = liar->branches[dice_below(DICE_LIAR, 2)];
	}
	for (unsigned i = 0; i < BRANCH_MESSAGES; i++) {
		send_text(talk, branch[i]->compact);
	}
}

/* Windows. */

enum {
	WINDOW_TRUE,   /* the newest that were heard of */
	WINDOW_STALE,  /* some time ago */
	WINDOW_GAP,    /* one is left out */
	WINDOW_OTHER,  /* somebody else's */
	WINDOW_WORDS,  /* a character that the hash does not see */
	WINDOW_BRANCH, /* another history, where there is one */
	WINDOW_ENDLESS,
	WINDOW_SILENT,
	WINDOW_KINDS
};

static void say_item(struct rpc_call *call, struct span text)
{
	if (rpc_send(call, MUXRPC_JSON, text) != ERR_OK) {
		trace_mix(text.len);
	}
}

static void say_window_head(struct rpc_call *call, unsigned person, size_t newest, size_t count)
{
	char id[FEED_ID_TEXT_BYTES];
	char text[160];
	feed_id_format(ledger_id(person), id);
	int len = snprintf(text, sizeof(text),
		"{\"feed\":\"%s\",\"newest\":%zu,\"profiles\":0,\"messages\":%zu}", id, newest,
		count);
	say_item(call, span_of(text, (size_t)len));
}

/* U+01xx for a letter of the text: the key stays what it was. */
static void say_other_words(struct rpc_call *call, const struct entry *entry)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	const char *mark = strstr(entry->compact, "\"content\"");
	size_t at = (size_t)((mark != NULL ? mark : entry->compact) - entry->compact);
	while (at < entry->len && (entry->compact[at] < 'b' || entry->compact[at] > 'y')) {
		at++;
	}
	uint8_t wide[2] = {(uint8_t)(0xc0 | (0x100 | entry->compact[at]) >> 6),
		(uint8_t)(0x80 | (entry->compact[at] & 63))};
	enum err err = buf_append(&text, span_of(entry->compact, at));
	if (err == ERR_OK) {
		err = buf_append(&text, span_of(wide, 2));
	}
	if (err == ERR_OK) {
		err = buf_append(&text, span_of(entry->compact + at + 1, entry->len - at - 1));
	}
	assert(err == ERR_OK);
	(void)err;
	say_item(call, buf_span(&text));
	buf_fini(&text);
}

/* How many messages of somebody were heard of, in a row from the first. */
static size_t heard_of(unsigned person)
{
	size_t count = 0;
	while (count < ledger_at(person)->count) {
		const struct entry *entry = ledger_first(person, count + 1);
		if (entry == NULL || !entry->is_released) {
			break;
		}
		count++;
	}
	return count;
}

static void say_texts(
	struct rpc_call *call, unsigned person, size_t first, size_t last, unsigned kind)
{
	size_t odd = first + dice_below(DICE_LIAR, last - first + 1);
	for (size_t i = first; i <= last; i++) {
		const struct entry *entry = ledger_first(person, i);
		bool is_branch = kind == WINDOW_BRANCH && entry->next != NULL;
		entry = is_branch && entry->next->is_released ? entry->next : entry;
		if (kind == WINDOW_WORDS && i == odd) {
			say_other_words(call, entry);
		} else if (kind != WINDOW_GAP || i != odd || first == last) {
			say_item(call, span_of(entry->compact, entry->len));
		}
	}
}

static void say_window(struct talk *talk, struct rpc_call *call, unsigned person)
{
	struct liar *liar = talk->liar;
	unsigned kind = (unsigned)dice_below(DICE_LIAR, WINDOW_SILENT);
	unsigned from =
		kind == WINDOW_OTHER ? (unsigned)dice_below(DICE_LIAR, sim.person_count) : person;
	if (person == liar->person && dice_percent(DICE_LIAR, 60)) {
		say_window_head(call, person, liar->broken[2]->sequence, BROKEN_MESSAGES);
		for (unsigned i = 0; i < BROKEN_MESSAGES; i++) {
			say_item(call, liar->broken[i]->compact);
		}
		return;
	}
	size_t last = heard_of(from);
	if (kind == WINDOW_STALE && last > 1) {
		last = 1 + dice_below(DICE_LIAR, last);
	}
	size_t first = last > LIMIT_WINDOW_MESSAGES / 2 ? last - LIMIT_WINDOW_MESSAGES / 2 : 1;
	if (last == 0) {
		say_window_head(call, person, 0, 0);
		return;
	}
	bool is_short = kind == WINDOW_GAP && last > first;
	say_window_head(call, person, last, last - first + (is_short ? 0 : 1));
	say_texts(call, from, first, last, kind);
	for (unsigned i = 0; kind == WINDOW_ENDLESS && i < FLOOD_MESSAGES; i++) {
		say_texts(call, from, first, last, WINDOW_TRUE);
	}
}

static void answer_newest(struct talk *talk, struct rpc_call *call, const struct json *args)
{
	static const struct rpc_handler nothing;
	const struct json *feeds =
		json_count(args) > 0 ? json_get(json_at(args, 0), "feeds") : NULL;
	rpc_accept(call, &nothing);
	if (dice_below(DICE_LIAR, WINDOW_KINDS) == WINDOW_SILENT) {
		return;
	}
	for (size_t i = 0; i < json_count(feeds); i++) {
		struct span text;
		struct feed_id id;
		bool is_id = json_text(json_get(json_at(feeds, i), "id"), &text) &&
			     feed_id_parse(text, &id) == ERR_OK;
		unsigned person = is_id ? ledger_person(&id) : UINT_MAX;
		if (person != UINT_MAX) {
			say_window(talk, call, person);
		}
	}
	rpc_end(call);
}

/* Asking. */

static void on_newest_item(void *ctx, struct rpc_call *call, enum muxrpc_type type,
	struct span body, const struct json *json)
{
	struct talk *talk = ctx;
	(void)call;
	(void)type;
	if (json_get(json, "author") != NULL && talk->node != NULL) {
		judge_given(talk->node, talk->since_us, body);
	}
}

static void ask_newest(struct talk *talk, unsigned person)
{
	struct rpc_handler handler = {.on_item = on_newest_item, .ctx = talk};
	struct rpc_call *call = NULL;
	char id[FEED_ID_TEXT_BYTES];
	char args[160];
	feed_id_format(ledger_id(person), id);
	(void)snprintf(args, sizeof(args),
		"[{\"version\":1,\"feeds\":[{\"id\":\"%s\",\"above\":0}],\"limit\":50}]", id);
	if (rpc_open(peer_rpc(talk->peer), "kith.newest", RPC_SOURCE, span_text(args), &handler,
		    &call) != ERR_OK) {
		trace_mix(person);
	}
}

static void on_history_item(void *ctx, struct rpc_call *call, enum muxrpc_type type,
	struct span body, const struct json *json)
{
	struct talk *talk = ctx;
	struct span author;
	struct feed_id id;
	(void)call;
	(void)type;
	(void)body;
	const struct json *value = json == NULL ? NULL : json_get(json, "value");
	if (json_text(json_get(value, "author"), &author) && feed_id_parse(author, &id) == ERR_OK &&
		talk->node != NULL) {
		judge_served(talk->node, ledger_person(&id));
	}
}

static void ask(struct talk *talk, unsigned person)
{
	static const struct rpc_handler plain = {.on_item = on_history_item};
	struct rpc_handler handler = plain;
	struct rpc_call *call = NULL;
	char id[FEED_ID_TEXT_BYTES];
	char args[128];
	handler.ctx = talk;
	feed_id_format(ledger_id(person), id);
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\",\"limit\":2}]", id);
	if (rpc_open(peer_rpc(talk->peer), "createHistoryStream", RPC_SOURCE, span_text(args),
		    &handler, &call) != ERR_OK) {
		trace_mix(person);
	}
}

static void flood(struct talk *talk)
{
	replay(talk, FLOOD_MESSAGES);
	for (unsigned i = 0; i < FLOOD_CALLS; i++) {
		ask(talk, (unsigned)dice_below(DICE_LIAR, sim.person_count));
	}
	send_notes(talk, 0, sim.person_count, 0, false);
}

static void lie(struct talk *talk)
{
	unsigned chosen = (unsigned)dice_below(DICE_LIAR, LIE_COUNT);
	while ((talk->liar->lies & 1U << chosen) == 0) {
		chosen = (chosen + 1) % LIE_COUNT;
	}
	switch ((enum lie)chosen) {
	case LIE_WITHHOLD:
		send_notes(talk, 0, sim.person_count, 0, false);
		break;
	case LIE_OVERCLAIM:
		send_notes(talk, 0, sim.person_count, 1000000000, true);
		break;
	case LIE_CLAIM:
		send_notes(talk, talk->node->person, talk->node->person + 1,
			1 + dice_below(DICE_LIAR, 5), false);
		break;
	case LIE_FORK:
		send_branch(talk);
		break;
	case LIE_REPLAY:
		replay(talk, 5);
		break;
	case LIE_GARBLE:
		garble(talk);
		break;
	case LIE_FLOOD:
		flood(talk);
		break;
	default:
		ask_newest(talk, talk->asked % sim.person_count);
		ask(talk, talk->asked++ % sim.honest_count);
	}
}

/* Connections. */

static void on_ebt_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct talk *talk = ctx;
	(void)call;
	(void)error;
	talk->ebt = NULL;
}

static void on_call(void *ctx, struct peer *peer, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	struct talk *talk = ctx;
	struct rpc_handler handler = {.on_end = on_ebt_end, .ctx = talk, .is_raw = true};
	(void)peer;
	(void)kind;
	if (strcmp(name, "kith.newest") == 0 && (talk->liar->lies & 1U << LIE_WINDOW) != 0 &&
		talk->node != NULL) {
		answer_newest(talk, call, args);
		return;
	}
	if (strcmp(name, "ebt.replicate") != 0 || talk->ebt != NULL) {
		rpc_refuse_not_allowed(call, name);
		return;
	}
	rpc_allow_notes(call, LIMIT_RPC_NOTE_BYTES);
	rpc_accept(call, &handler);
	talk->ebt = call;
}

static void on_ready(void *ctx, struct peer *peer)
{
	static const char args[] = "[{\"version\":3,\"format\":\"classic\"}]";
	struct talk *talk = ctx;
	const struct rpc_handler handler = {.on_end = on_ebt_end, .ctx = talk, .is_raw = true};
	talk->peer = peer;
	talk->since_us = world.now_us;
	for (unsigned i = 0; i < sim.node_count; i++) {
		const struct host *host = &sim.nodes[i].host;
		size_t len = strlen(host->name);
		if (strncmp(peer_remote(peer), host->name, len) == 0 &&
			peer_remote(peer)[len] == ':') {
			talk->node = &sim.nodes[i];
		}
	}
	assert(talk->node != NULL);
	if (talk->is_dialled_by_us && rpc_open(peer_rpc(peer), "ebt.replicate", RPC_DUPLEX,
					      span_text(args), &handler, &talk->ebt) != ERR_OK) {
		talk->ebt = NULL;
	}
}

static void talk_free(struct talk *talk)
{
	if (talk->prev != NULL) {
		talk->prev->next = talk->next;
	} else {
		talk->liar->talks = talk->next;
	}
	if (talk->next != NULL) {
		talk->next->prev = talk->prev;
	}
	free(talk);
}

static void on_closed(void *ctx, struct peer *peer, const char *reason)
{
	(void)peer;
	(void)reason;
	talk_free(ctx);
}

static struct talk *talk_new(struct liar *liar)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	assert(talk != NULL);
	*talk = (struct talk){.liar = liar, .next = liar->talks};
	if (talk->next != NULL) {
		talk->next->prev = talk;
	}
	liar->talks = talk;
	return talk;
}

static void meet(struct talk *talk, struct link *link, const struct feed_id *server)
{
	const struct peer_opts opts = {.loop = talk->liar->host.loop,
		.network_key = node_network_key,
		.signer = talk->liar->signer,
		.server_id = server,
		.events = {.on_ready = on_ready,
			.on_call = on_call,
			.on_closed = on_closed,
			.ctx = talk}};
	if (peer_new(link, &opts, &talk->peer) != ERR_OK) {
		talk_free(talk);
	}
}

static void on_link(void *ctx, struct link *link)
{
	meet(talk_new(ctx), link, NULL);
}

static void on_dialled(void *ctx, struct link *link, const char *reason)
{
	struct talk *talk = ctx;
	(void)reason;
	talk->dial = NULL;
	if (link == NULL) {
		talk_free(talk);
	} else {
		meet(talk, link, ledger_id(talk->node->person));
	}
}

static void dial_somebody(struct liar *liar)
{
	struct node *node = &sim.nodes[dice_below(DICE_LIAR, sim.node_count)];
	for (const struct talk *talk = liar->talks; talk != NULL; talk = talk->next) {
		if (talk->node == node) {
			return;
		}
	}
	struct talk *talk = talk_new(liar);
	talk->node = node;
	talk->is_dialled_by_us = true;
	if (dial_start(liar->host.loop, node->host.name, HOST_PORT, false, on_dialled, talk,
		    &talk->dial) != ERR_OK) {
		talk_free(talk);
	}
}

static void tick_turn(void *ctx)
{
	struct liar *liar = ctx;
	struct talk *next;
	for (struct talk *talk = liar->talks; talk != NULL; talk = next) {
		next = talk->next;
		if (talk->peer != NULL && peer_is_ready(talk->peer)) {
			lie(talk);
		}
	}
	if (dice_percent(DICE_LIAR, 40)) {
		dial_somebody(liar);
	}
}

static void on_tick(void *ctx)
{
	struct liar *liar = ctx;
	loop_turn(liar->host.loop, tick_turn, liar);
	event_set(&liar->tick, dice_between(DICE_LIAR, SECOND_US / 2, 4 * SECOND_US));
}

/* Life. */

struct liar *liar_new(unsigned number, unsigned person)
{
	char why[64];
	struct liar *liar = calloc(1, sizeof(*liar));
	assert(liar != NULL);
	host_init(&liar->host, number);
	liar->person = person;
	liar->lies = 1U << dice_below(DICE_LIAR, LIE_COUNT) |
		     1U << dice_below(DICE_LIAR, LIE_COUNT) | 1U << LIE_CURIOUS;
	/* What died with its process unheard may be claimed by one who withholds, too; and garbled
	 * numbers are claims. */
	sim.has_claims = sim.has_claims || (liar->lies & CLAIMS) != 0;
	liar->signer = ledger_signer(person);
	make_branches(liar);
	make_broken(liar);
	enum err err = loop_new(&liar->host.env, &liar->host.loop);
	const struct listen_opts opts = {.loop = liar->host.loop, .on_link = on_link, .ctx = liar};
	if (err == ERR_OK) {
		err = listener_start(&opts, &liar->listener, why, sizeof(why));
	}
	assert(err == ERR_OK);
	liar->tick = (struct event){.fn = on_tick, .ctx = liar};
	event_set(&liar->tick, SECOND_US);
	trace("liar %u lies %x", number, liar->lies);
	return liar;
}

static bool has_no_talks(void *ctx)
{
	const struct liar *liar = ctx;
	return liar->talks == NULL;
}

void liar_free(struct liar *liar)
{
	event_clear(&liar->tick);
	listener_stop(liar->listener);
	for (struct talk *talk = liar->talks, *next; talk != NULL; talk = next) {
		next = talk->next;
		if (talk->dial != NULL) {
			dial_cancel(talk->dial);
			talk_free(talk);
		}
	}
	net_drop(&liar->host, false);
	loop_drain(liar->host.loop, has_no_talks, liar);
	loop_free(liar->host.loop);
	for (unsigned i = 0; i < 2 * BRANCH_MESSAGES; i++) {
		message_free(liar->branches[i / BRANCH_MESSAGES][i % BRANCH_MESSAGES]);
	}
	for (unsigned i = 0; i < BROKEN_MESSAGES; i++) {
		message_free(liar->broken[i]);
	}
	signer_free(liar->signer);
	free(liar);
}
