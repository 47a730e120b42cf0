/*
 * The judge sees everything: what the signers sign, what is committed, what is on every disk. The
 * functions of the program that tell it so are wrapped by the linker (deploy/make/sim.mk).
 */
#include "sim/judge.h"

#include "sim/plot.h"

#include "feed/window.h"
#include "store/ahead.h"
#include "store/safety.h"
#include "sync/core.h"
#include "sync/ingest.h"
#include "sync/peers.h"
#include "sync/reach.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	HEARD_US = 6 * SECOND_US,      /* so long after a connection a peer has told its numbers */
	BLOCKED_US = 15 * SECOND_US,   /* what was under way when somebody was blocked has ended */
	CLAIM_SLACK_US = 2 * SECOND_US /* between the end of a claim's time and the answer to it */
};
#define UNKNOWN_HEAD UINT64_MAX

struct sim sim;
struct figures figures;

void judge_begin(void)
{
	sim.is_calm = false;
	for (unsigned i = 0; i < sim.node_count; i++) {
		for (unsigned p = 0; p < PERSONS_MAX; p++) {
			sim.nodes[i].blocked_head[p] = UNKNOWN_HEAD;
		}
	}
}

void judge_twin(struct node *node)
{
	for (unsigned p = 0; p < PERSONS_MAX; p++) {
		node->blocked_head[p] = UNKNOWN_HEAD;
	}
}

struct node *judge_node(unsigned host)
{
	return host < sim.node_count ? &sim.nodes[host] : NULL;
}

/* Two nodes with one key displace each other's connections; what they hear when is anybody's guess.
 */
static bool has_twin(const struct node *node)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		if (&sim.nodes[i] != node && sim.nodes[i].person == node->person) {
			return true;
		}
	}
	return false;
}

/* I2: may this number be signed? */

static struct entry *released_at(unsigned person, uint64_t sequence)
{
	struct entry *entry = ledger_first(person, sequence);
	while (entry != NULL && !entry->is_released) {
		entry = entry->next;
	}
	return entry;
}

static bool holds(struct node *node, const struct entry *entry, unsigned person)
{
	struct message_id key;
	return node_key_at(node, ledger_id(person), entry->sequence, &key) &&
	       message_id_equal(&key, &entry->key);
}

/* Have both ends of this very connection stood long enough? One of them may be dead without
 * knowing, or lead to a node with the same key. */
static bool has_heard(struct node *node, struct node *other)
{
	size_t len = strlen(node->host.name);
	struct partner *here = peers_ready(node->sync, ledger_id(other->person));
	struct partner *there = peers_ready(other->sync, ledger_id(node->person));
	if (here == NULL || there == NULL || net_path(&node->host, &other->host)->is_cut ||
		strncmp(peer_remote(there->peer), node->host.name, len) != 0 ||
		peer_remote(there->peer)[len] != ':') {
		return false;
	}
	int64_t since_ms = env_mono_ms(&node->host.env) - here->ready_ms;
	int64_t there_ms = env_mono_ms(&other->host.env) - there->ready_ms;
	return (since_ms < there_ms ? since_ms : there_ms) * MILLI_US > HEARD_US;
}

/* Could one who has the message tell this node, long enough for it to have heard? */
static struct node *teller(struct node *node, const struct entry *entry)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *other = &sim.nodes[i];
		if (other != node && other->life == NODE_UP && other->person != node->person &&
			world.now_us - entry->held_us[other->host.number] > HEARD_US &&
			has_heard(node, other) && holds(other, entry, node->person)) {
			return other;
		}
	}
	return NULL;
}

static bool is_held_anywhere(const struct node *node, const struct entry *entry)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *other = &sim.nodes[i];
		/* Who is down is asked when it comes back: it counts as a holder. */
		if (other != node &&
			(other->life == NODE_DOWN || holds(other, entry, node->person))) {
			return true;
		}
	}
	return false;
}

static void judge_second(struct node *node, const struct entry *first)
{
	unsigned long long number = first->sequence;
	struct node *other = node->life == NODE_UP ? teller(node, first) : NULL;
	if (node->is_overridden) {
		figures.forks_override++;
		trace("%u forks at %llu by the owner's word", node->host.number, number);
	} else if (node->if_head >= first->sequence) {
		broken("I2", "%u signs %llu again, though its browser knows of it",
			node->host.number, number);
	} else if (other != NULL) {
		broken("I2", "%u signs %llu again, though %u has told of it", node->host.number,
			number, other->host.number);
	} else if (!node->may_pause) {
		broken("I2", "%u signs %llu again, and nothing was wrong with its disk",
			node->host.number, number);
	} else if (has_twin(node)) {
		figures.forks_copies++;
		trace("%u forks at %llu: its copy was not heard of", node->host.number, number);
	} else if (is_held_anywhere(node, first)) {
		figures.forks_residue++;
		trace("%u forks at %llu: nobody could tell", node->host.number, number);
	} else {
		figures.forks_unseen++;
		trace("%u signs %llu again, which nobody has", node->host.number, number);
	}
}

static void before_sign(struct node *node, uint64_t sequence)
{
	struct guard_report report;
	writer_guard(node->writer, &report);
	if (report.state != FENCE_CLEAN && report.state != FENCE_NEW) {
		broken("I8", "%u signs while it is %s", node->host.number,
			fence_state_text(report.state));
	}
	const struct entry *first = released_at(node->person, sequence);
	if (first != NULL) {
		judge_second(node, first);
	}
}

enum err __real_signer_sign_next(struct signer *signer, const struct chain_head *head,
	int64_t now_ms, struct span content, struct message **out, const char **why);
enum err __wrap_signer_sign_next(struct signer *signer, const struct chain_head *head,
	int64_t now_ms, struct span content, struct message **out, const char **why);
enum err __wrap_signer_sign_next(struct signer *signer, const struct chain_head *head,
	int64_t now_ms, struct span content, struct message **out, const char **why)
{
	struct node *node = node_now();
	bool is_real = node == NULL || node_is_alive(node);
	if (node != NULL && is_real) {
		before_sign(node, head->sequence + 1);
	}
	enum err err = __real_signer_sign_next(signer, head, now_ms, content, out, why);
	if (err == ERR_OK && is_real &&
		ledger_find(ledger_person(&(*out)->author), (*out)->sequence, &(*out)->key) ==
			NULL) {
		struct entry *entry = ledger_note(*out);
		entry->by = node == NULL ? UINT_MAX : node->host.number;
		entry->is_released = node == NULL;
	}
	return err;
}

static void release(struct node *node, struct entry *entry)
{
	if (entry == NULL || entry->is_released) {
		return;
	}
	for (const struct entry *other = ledger_first(node->person, entry->sequence); other != NULL;
		other = other->next) {
		if (other->is_released) {
			ledger_at(node->person)->forks++;
			break;
		}
	}
	entry->is_released = true;
	figures.released++;
}

void judge_commit(struct node *node, const struct commit *commit)
{
	for (size_t i = 0; i < commit->count && node_is_alive(node); i++) {
		const struct committed *message = &commit->messages[i];
		unsigned person = ledger_person(&message->author);
		trace("%u stored %u/%llu", node->host.number, person,
			(unsigned long long)message->sequence);
		if (person == node->person) {
			release(node, ledger_find(person, message->sequence, &message->key));
		}
		struct entry *entry =
			person == UINT_MAX ? NULL
					   : ledger_find(person, message->sequence, &message->key);
		if (entry != NULL) {
			entry->held_us[node->host.number] = world.now_us;
		} else {
			broken("I3", "%u stored a message that nobody signed", node->host.number);
		}
	}
}

void __real_guard_judge(const struct guard_facts *facts, int64_t wall_ms, int64_t mono_ms,
	struct guard_verdict *out);
void __wrap_guard_judge(const struct guard_facts *facts, int64_t wall_ms, int64_t mono_ms,
	struct guard_verdict *out);
void __wrap_guard_judge(const struct guard_facts *facts, int64_t wall_ms, int64_t mono_ms,
	struct guard_verdict *out)
{
	__real_guard_judge(facts, wall_ms, mono_ms, out);
	if (plot_sabotage == SABOTAGE_GUARD && facts->state == FENCE_SUSPECT) {
		out->rule = GUARD_U4;
	}
}

/* I9: which messages of a fork came to whom. */

enum err __real_message_verify(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why);
enum err __wrap_message_verify(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why);
enum err __wrap_message_verify(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why)
{
	enum err err = __real_message_verify(raw, hmac_key, out, why);
	struct node *node = err == ERR_OK ? node_now() : NULL;
	unsigned person = node == NULL ? UINT_MAX : ledger_person(&(*out)->author);
	if (person == UINT_MAX || node->seen_count == SEEN_MAX) {
		return err;
	}
	/* It holds the other one, and its disk can take the proof. */
	struct message_id key;
	const struct entry *first = ledger_first(person, (*out)->sequence);
	if (first != NULL && first->next != NULL && world.now_us > node->disk_bad_us &&
		node_key_at(node, ledger_id(person), (*out)->sequence, &key) &&
		!message_id_equal(&key, &(*out)->key)) {
		node->seen[node->seen_count].person = person;
		node->seen[node->seen_count].sequence = (*out)->sequence;
		node->seen[node->seen_count++].key = (*out)->key;
	}
	return err;
}

static void judge_seen(struct node *node)
{
	struct guard_report report;
	struct store_figures stored = {0};
	writer_guard(node->writer, &report);
	if (reader_figures(node->reader, &stored) != ERR_OK) {
		return;
	}
	for (size_t i = 0; i < node->seen_count; i++) {
		struct message_id key;
		unsigned person = node->seen[i].person;
		if (!node_key_at(node, ledger_id(person), node->seen[i].sequence, &key) ||
			message_id_equal(&key, &node->seen[i].key)) {
			continue;
		}
		bool is_detected =
			person == node->person ? report.state == FENCE_FORKED : stored.forks > 0;
		figures.forks_detected += is_detected;
		if (!is_detected) {
			broken("I9", "%u has seen both messages %llu of %u and does not say so",
				node->host.number, (unsigned long long)node->seen[i].sequence,
				person);
		}
	}
}

/* I1: what was acknowledged is there. */

static void judge_acknowledged(struct node *node, bool is_disaster)
{
	const struct identity *who = ledger_at(node->person);
	for (size_t n = 0; n < who->count; n++) {
		for (struct entry *entry = who->entries[n]; entry != NULL; entry = entry->next) {
			if (!entry->is_acknowledged || entry->is_lost ||
				entry->by != node->host.number ||
				holds(node, entry, node->person)) {
				continue;
			}
			entry->is_lost = true;
			figures.lost += is_disaster;
			if (!is_disaster) {
				broken("I1", "%u has lost its acknowledged message %llu",
					node->host.number, (unsigned long long)entry->sequence);
			}
		}
	}
}

/* A draft is as precious as a post. */
void judge_draft(struct node *node, int64_t draft, const char *content)
{
	if (node->draft_count < DRAFTS_MAX) {
		node->drafts[node->draft_count].draft = draft;
		(void)snprintf(
			node->drafts[node->draft_count++].content, CONTENT_BYTES, "%s", content);
	}
}

/* Posted, whatever the owner was told of it: the message takes the draft's place when it is stored,
 * which may be long after a disk that failed. */
static bool is_posted(struct node *node, const char *content)
{
	const struct identity *who = ledger_at(node->person);
	for (size_t n = 0; n < who->count; n++) {
		for (struct entry *entry = who->entries[n]; entry != NULL; entry = entry->next) {
			if (memmem(entry->compact, entry->len, content, strlen(content)) != NULL &&
				holds(node, entry, node->person)) {
				return true;
			}
		}
	}
	return false;
}

void judge_drafts(struct node *node)
{
	size_t kept = 0;
	for (size_t i = 0; i < node->draft_count; i++) {
		struct buf content = BUF_INIT(LIMIT_MESSAGE_BYTES);
		struct buf nonce = BUF_INIT(LIMIT_MESSAGE_BYTES);
		enum err err = reader_draft(node->reader, node->drafts[i].draft, &content, &nonce);
		if (err == ERR_OK) {
			node->drafts[kept++] = node->drafts[i];
		} else if (!is_posted(node, node->drafts[i].content)) {
			broken("I1", "%u has lost a draft", node->host.number);
		}
		buf_fini(&content);
		buf_fini(&nonce);
	}
	node->draft_count = kept;
}

void judge_disaster(struct node *node)
{
	node->draft_count = 0;
	node->may_pause = true;
	node->is_overridden = false;
	node->is_disaster = true;
	figures.disasters++;
	for (unsigned p = 0; p < PERSONS_MAX; p++) {
		node->blocking_us[p] = 0;
	}
}

void judge_start(struct node *node)
{
	struct message_id key;
	uint64_t head = node_head(node, ledger_id(node->person), &key);
	figures.starts++;
	for (uint64_t n = head; n > 0 && n + 3 > head; n--) {
		if (node_key_at(node, ledger_id(node->person), n, &key)) {
			release(node, ledger_find(node->person, n, &key));
		}
	}
	judge_acknowledged(node, node->is_disaster);
	judge_drafts(node);
	node->is_disaster = false;
	judge_state(node);
	if (node->must_pause && !node->is_paused) {
		broken("I8", "%u publishes on a disk without its fence", node->host.number);
	}
	node->must_pause = false;
}

/* I6 */
void judge_turn(struct node *node)
{
	if (node->sync == NULL) {
		return;
	}
	if (*loop_buffered(node->host.loop) > LIMIT_PEERS_BUFFER_BYTES) {
		broken("I6", "%u has %zu bytes in its queues", node->host.number,
			*loop_buffered(node->host.loop));
	}
	if (node->sync->ingest != NULL &&
		ingest_count(node->sync->ingest) > LIMIT_INGEST_MESSAGES + 64) {
		broken("I6", "%u has %zu messages between socket and writer", node->host.number,
			ingest_count(node->sync->ingest));
	}
}

/* I7, I10 */

static bool may_be(const struct node *node, const struct guard_report *report)
{
	switch (report->state) {
	case FENCE_NEW:
	case FENCE_CLEAN:
		return true;
	case FENCE_RETIRED:
		return node->is_retired || node->may_pause;
	case FENCE_FORKED:
		return ledger_at(node->person)->forks > 0;
	default:
		return node->may_pause || (report->cause == GUARD_CLAIM && sim.has_claims);
	}
}

void judge_state(struct node *node)
{
	struct guard_report report;
	if (!node_is_alive(node) || node->writer == NULL) {
		return;
	}
	writer_guard(node->writer, &report);
	trace("%u is %s (%s)", node->host.number, fence_state_text(report.state),
		guard_cause_name(report.cause));
	bool is_claim = report.state == FENCE_SUSPECT && report.cause == GUARD_CLAIM;
	bool was_paused = node->is_paused;
	node->is_paused = report.state != FENCE_CLEAN && report.state != FENCE_NEW;
	figures.pauses += node->is_paused && !was_paused;
	figures.unlocked += !node->is_paused && was_paused;
	figures.claims += is_claim && node->claim_us == 0;
	node->claim_us = !is_claim ? 0 : node->claim_us == 0 ? world.now_us : node->claim_us;
	if (!may_be(node, &report)) {
		broken("I7", "%u is %s (%s), and nothing was wrong", node->host.number,
			fence_state_text(report.state), guard_cause_name(report.cause));
	}
}

/* I5 */

void judge_block(struct node *node, unsigned person, bool is_blocked)
{
	node->blocking_us[person] = is_blocked ? world.now_us : 0;
	node->blocked_head[person] = UNKNOWN_HEAD;
}

static bool is_blocked_long(const struct node *node, unsigned person)
{
	int64_t since_us = node->blocking_us[person] > node->started_us ? node->blocking_us[person]
									: node->started_us;
	return node->life == NODE_UP && node->blocking_us[person] != 0 &&
	       world.now_us - since_us > BLOCKED_US;
}

void judge_served(struct node *node, unsigned person)
{
	if (is_blocked_long(node, person)) {
		broken("I5", "%u serves the feed of %u, whom it blocks", node->host.number, person);
	}
}

static void watch_block(struct node *node, unsigned person)
{
	uint64_t head = node_head(node, ledger_id(person), NULL);
	if (node->blocked_head[person] == UNKNOWN_HEAD) {
		node->blocked_head[person] = head;
	}
	if (head > node->blocked_head[person]) {
		broken("I5", "%u stored message %llu of %u, whom it blocks", node->host.number,
			(unsigned long long)head, person);
	}
	if (peers_ready(node->sync, ledger_id(person)) != NULL) {
		broken("I5", "%u is connected with %u, whom it blocks", node->host.number, person);
	}
}

void judge_watch(void)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *node = &sim.nodes[i];
		if (node->life != NODE_UP) {
			continue;
		}
		if (node->claim_us != 0 &&
			world.now_us - node->claim_us >
				(int64_t)LIMIT_GUARD_CLAIM_MS * MILLI_US + CLAIM_SLACK_US) {
			broken("I10", "%u is paused by a bare claim for %lld s", node->host.number,
				(long long)((world.now_us - node->claim_us) / SECOND_US));
			node->claim_us = world.now_us;
		}
		for (unsigned p = 0; p < sim.person_count; p++) {
			if (is_blocked_long(node, p)) {
				watch_block(node, p);
			}
		}
	}
}

/* I13 */

enum err __real_writer_ahead(struct writer *writer, struct ahead_job *job);
enum err __wrap_writer_ahead(struct writer *writer, struct ahead_job *job);
enum err __wrap_writer_ahead(struct writer *writer, struct ahead_job *job)
{
	const struct window *window = job->window;
	unsigned person = ledger_person(&window->author);
	for (size_t i = 0; i < window->count; i++) {
		const struct message *message = window->messages[i];
		const struct entry *entry =
			person == UINT_MAX ? NULL
					   : ledger_find(person, message->sequence, &message->key);
		bool is_signed = entry != NULL && entry->len == message->compact.len &&
				 memcmp(entry->compact, message->compact.at, entry->len) == 0;
		if (window->is_signed[i] && !is_signed) {
			broken("I13", "message %llu of %u counts as checked, and nobody signed it",
				(unsigned long long)message->sequence, person);
		}
	}
	figures.windows++;
	figures.windows_checked += window->is_checked;
	return __real_writer_ahead(writer, job);
}

void judge_given(struct node *node, int64_t since_us, struct span text)
{
	struct message *message = NULL;
	struct message_id key;
	const char *why = NULL;
	if (node->life != NODE_UP || node->started_us >= since_us) {
		return; /* of a life that is over */
	}
	bool is_message = message_read(text, &message, &why) == ERR_OK;
	if (!is_message || !node_key_at(node, &message->author, message->sequence, &key) ||
		!message_id_equal(&key, &message->key)) {
		broken("I13", "%u gives a message that it has not stored", node->host.number);
	} else {
		judge_served(node, ledger_person(&message->author));
	}
	message_free(message);
	figures.given++;
}

static void judge_row(void *ctx, const struct feed_id *feed, const struct ahead_state *state)
{
	const struct node *node = ctx;
	if (!state->is_checked) {
		broken("I13", "%u holds messages up to %llu of %u and never checks them",
			node->host.number, (unsigned long long)state->newest, ledger_person(feed));
	}
}

static void judge_ahead(struct node *node)
{
	if (reader_ahead_all(node->reader, judge_row, node) != ERR_OK) {
		broken("I13", "%u cannot read what it holds ahead", node->host.number);
	}
}

/* I4 */

static bool has_block(const struct node *node, unsigned person)
{
	bool is = node->has_blocked[person];
	for (unsigned i = 0; i < sim.node_count; i++) {
		is = is ||
		     (sim.nodes[i].person == person && sim.nodes[i].has_blocked[node->person]);
	}
	return is;
}

static uint64_t newest_of(unsigned person)
{
	uint64_t newest = 0;
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *node = &sim.nodes[i];
		if (node->life == NODE_UP && !has_twin(node) && !has_block(node, person)) {
			uint64_t head = node_head(node, ledger_id(person), NULL);
			newest = head > newest ? head : newest;
		}
	}
	return newest;
}

bool judge_converged(bool is_said)
{
	bool is_so = true;
	for (unsigned p = 0; p < sim.honest_count; p++) {
		uint64_t newest = newest_of(p);
		for (unsigned i = 0; i < sim.node_count && ledger_at(p)->forks == 0; i++) {
			struct node *node = &sim.nodes[i];
			if (node->life != NODE_UP || has_twin(node) || has_block(node, p) ||
				(node->person != p &&
					reach_wanted(node->sync->reach, ledger_id(p)) == NULL)) {
				continue;
			}
			uint64_t head = node_head(node, ledger_id(p), NULL);
			is_so = is_so && head == newest;
			if (head != newest && is_said) {
				broken("I4", "%u has %llu messages of %u; there are %llu",
					node->host.number, (unsigned long long)head, p,
					(unsigned long long)newest);
			}
		}
	}
	return is_so;
}

/* I3, and what is left of I1. */

struct walk {
	struct node *node;
	unsigned person;
	uint64_t next;
	struct message_id previous;
};

static bool walk_one(void *ctx, const struct stored *message)
{
	struct walk *walk = ctx;
	const struct entry *entry = ledger_find(walk->person, message->sequence, &message->key);
	bool is_good =
		entry != NULL && message->sequence == walk->next &&
		entry->len == message->compact.len &&
		memcmp(entry->compact, message->compact.at, entry->len) == 0 &&
		(message->sequence == 1 || message_id_equal(&entry->previous, &walk->previous));
	if (!is_good) {
		broken("I3", "%u has a broken feed of %u at %llu", walk->node->host.number,
			walk->person, (unsigned long long)message->sequence);
	}
	walk->next = message->sequence + 1;
	walk->previous = message->key;
	return is_good;
}

static void judge_feeds(struct node *node)
{
	for (unsigned p = 0; p < sim.person_count; p++) {
		struct walk walk = {.node = node, .person = p, .next = 1};
		enum err err = reader_feed(node->reader, ledger_id(p), 1, 100000, walk_one, &walk);
		if (err != ERR_OK && err != ERR_NOT_FOUND) {
			broken("I3", "%u cannot read the feed of %u: %s", node->host.number, p,
				err_text(err));
		}
		if (walk.next - 1 != node_head(node, ledger_id(p), NULL)) {
			broken("I3", "%u has a hole in the feed of %u", node->host.number, p);
		}
	}
}

static bool is_held_by_another(const struct node *node, const struct entry *entry)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *other = &sim.nodes[i];
		if (other->person != node->person && other->life == NODE_UP &&
			peers_ready(node->sync, ledger_id(other->person)) != NULL &&
			holds(other, entry, node->person)) {
			return true;
		}
	}
	return false;
}

static void judge_returned(struct node *node)
{
	const struct identity *who = ledger_at(node->person);
	for (size_t n = 0; n < who->count && who->forks == 0; n++) {
		for (struct entry *entry = who->entries[n]; entry != NULL; entry = entry->next) {
			if (!entry->is_lost || entry->by != node->host.number) {
				continue;
			}
			bool is_back = holds(node, entry, node->person);
			figures.recovered += is_back;
			if (!is_back && is_held_by_another(node, entry)) {
				broken("I1",
					"%u: message %llu did not come back, though others have it",
					node->host.number, (unsigned long long)entry->sequence);
			}
		}
	}
}

void judge_stores(void)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *node = &sim.nodes[i];
		if (node->life == NODE_UP) {
			judge_acknowledged(node, false);
			judge_returned(node);
			judge_feeds(node);
			judge_seen(node);
			judge_ahead(node);
		}
	}
}

void judge_end(void)
{
	memset(&sim, 0, sizeof(sim));
}
