/*
 * Follows everybody, posts, asks again with the same nonce when no answer came, and obeys: while
 * publishing is paused the browser tells what it remembers and the post waits. Rarely the owner
 * gives the word (U5) instead of waiting. As kith's own page does, the first post of a run waits
 * until LIMIT_GREETING_MS have passed since the start.
 */
#include "sim/owner.h"

#include "store/safety.h"

#include <stdio.h>

enum { IMPATIENT_PERCENT = 30, POST_MAX = 30 };

static void see(struct node *node, uint64_t sequence, const struct message_id *key)
{
	if (node->browser.is_alive && sequence > node->browser.sequence) {
		node->browser.sequence = sequence;
		node->browser.key = *key;
	}
}

/* One request. False: there was no answer, because nobody is there any more to give one. */
static bool request(struct node *node, struct span content, struct span nonce,
	struct publish_result *result, enum err *answer)
{
	struct host *before = host_now;
	struct publish_request request = {.content = content, .nonce = nonce};
	if (node->browser.is_alive && node->browser.sequence > 0) {
		request.if_head = node->browser.sequence;
		request.if_head_key = &node->browser.key;
	}
	node->if_head = request.if_head;
	host_now = &node->host;
	*answer = writer_publish(node->writer, &request, result);
	host_now = before;
	node->if_head = 0;
	if (node_bury(node)) {
		return false;
	}
	trace("%u asks: %s %llu %s", node->host.number, err_text(*answer),
		(unsigned long long)result->sequence, result->why);
	if (*answer != ERR_OK) {
		return true;
	}
	struct entry *entry = ledger_find(node->person, result->sequence, &result->key);
	if (entry == NULL) {
		broken("I1", "%u acknowledges a message nobody signed", node->host.number);
		return true;
	}
	figures.acknowledged += !entry->is_acknowledged;
	entry->is_acknowledged = true;
	see(node, result->sequence, &result->key);
	return true;
}

static bool ask(struct node *node, const char *content, unsigned number, enum err *answer)
{
	char nonce[32];
	struct publish_result result;
	(void)snprintf(nonce, sizeof(nonce), "%u/%u", node->host.number, number);
	bool is_answered = request(node, span_text(content), span_text(nonce), &result, answer);
	if (is_answered && *answer == ERR_PAUSED && result.draft > 0) {
		judge_draft(node, result.draft, content);
	}
	return is_answered;
}

/* The newest draft is posted, now that it may be: then it is a draft no longer. Without an answer
 * the judge looks for it, as a draft or as a post. */
static void post_draft(struct node *node)
{
	struct publish_result result;
	enum err answer = ERR_OK;
	struct buf content = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf nonce = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = reader_draft(
		node->reader, node->drafts[node->draft_count - 1].draft, &content, &nonce);
	if (err == ERR_NOT_FOUND) {
		judge_drafts(node);
	} else if (err == ERR_OK &&
		   request(node, buf_span(&content), buf_span(&nonce), &result, &answer) &&
		   answer == ERR_OK) {
		node->draft_count--;
		figures.posted_drafts++;
	}
	buf_fini(&content);
	buf_fini(&nonce);
}

/* Ask with a new request, or once more with the one that got no answer. */
static bool publish(struct node *node, const char *content)
{
	enum err answer = ERR_OK;
	if (node->unanswered == 0) {
		node->unanswered = ++node->posts;
		(void)snprintf(node->content, sizeof(node->content), "%s", content);
	}
	if (!ask(node, node->content, node->unanswered, &answer)) {
		return false;
	}
	figures.declined += answer != ERR_OK && answer != ERR_PAUSED;
	figures.drafts += answer == ERR_PAUSED;
	/* What cannot be stored now is signed and kept: the same request gets the answer later. */
	if (answer == ERR_OK || answer == ERR_PAUSED) {
		node->unanswered = 0;
	}
	return answer == ERR_OK;
}

bool owner_posts(struct node *node)
{
	char content[CONTENT_BYTES];
	if (node->life != NODE_UP) {
		return false;
	}
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%u says %u%.*s\"}",
		node->host.number, node->posts, (int)dice_below(DICE_OWNER, 200),
		"................................................................................"
		"................................................................................"
		"........................................");
	return publish(node, content);
}

static bool publish_contact(struct node *node, unsigned person, const char *what, bool is)
{
	char content[CONTENT_BYTES];
	char id[FEED_ID_TEXT_BYTES];
	feed_id_format(ledger_id(person), id);
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"contact\",\"contact\":\"%s\",\"%s\":%s}", id, what,
		is ? "true" : "false");
	return publish(node, content);
}

void owner_blocks(struct node *node, unsigned person, bool is_blocked)
{
	if (node->life != NODE_UP || node->unanswered != 0) {
		return;
	}
	/* Without an answer it may be so all the same. */
	node->has_blocked[person] = true;
	if (publish_contact(node, person, "blocking", is_blocked)) {
		trace("%u %s %u", node->host.number, is_blocked ? "blocks" : "unblocks", person);
		judge_block(node, person, is_blocked);
	}
}

void owner_names(struct node *node, const struct node *other)
{
	struct address address = node_address(other);
	if (node->sync != NULL && node->life == NODE_UP) {
		sync_address_added(node->sync, &address);
	}
}

/* The page is open: it sees the newest message, or tells what it remembers. */
static void look(struct node *node)
{
	struct guard_report report;
	writer_guard(node->writer, &report);
	bool is_paused = report.state != FENCE_CLEAN && report.state != FENCE_NEW;
	if (!node->browser.is_alive) {
		return;
	}
	if (!is_paused) {
		see(node, report.sequence, &report.head);
	} else if (node->browser.sequence > 0) {
		struct change change = {.kind = CHANGE_WITNESS,
			.name = span_text("browser of the owner"),
			.number = (int64_t)node->browser.sequence,
			.key = node->browser.key};
		if (writer_change(node->writer, &change) != ERR_OK) {
			trace("%u: its browser is not heard", node->host.number);
		}
	}
}

static void give_word(struct node *node)
{
	char why[256] = "";
	struct host *before = host_now;
	host_now = &node->host;
	enum err err = writer_resume(node->writer, 0, true, why, sizeof(why));
	host_now = before;
	if (node_bury(node)) {
		return;
	}
	trace("%u: the owner gives the word: %s %s", node->host.number, err_text(err), why);
	if (err == ERR_OK) {
		node->is_overridden = true;
		figures.overrides++;
	}
}

bool owner_retires(struct node *node, char *why, size_t why_bytes)
{
	struct host *before = host_now;
	node->is_retired = true;
	host_now = &node->host;
	enum err err = writer_retire(node->writer, why, why_bytes);
	host_now = before;
	if (node_bury(node)) {
		return false; /* nobody knows whether it has */
	}
	node->is_retired = err == ERR_OK;
	figures.moves += err == ERR_OK;
	return err == ERR_OK;
}

static void act(struct node *node)
{
	if (node->is_paused && node->is_impatient && dice_percent(DICE_OWNER, IMPATIENT_PERCENT)) {
		give_word(node);
	} else if (node->followed < sim.person_count) {
		if (node->followed == node->person ||
			publish_contact(node, node->followed, "following", true)) {
			node->followed++;
		}
	} else if (!node->is_paused && node->draft_count > 0) {
		post_draft(node);
	} else if (node->posts < POST_MAX) {
		(void)owner_posts(node);
	}
}

static void on_owner(void *ctx)
{
	struct node *node = ctx;
	bool has_greeted =
		world.now_us - node->started_us >= (int64_t)LIMIT_GREETING_MS * MILLI_US ||
		!node->may_pause;
	bool is_busy = node->followed < sim.person_count;
	event_set(&node->owner_event, is_busy ? dice_between(DICE_OWNER, 1000, SECOND_US / 5)
					      : dice_between(DICE_OWNER, 1000, 8 * SECOND_US));
	if (node->life != NODE_UP || sim.is_calm || !has_greeted) {
		return;
	}
	if (dice_percent(DICE_OWNER, 40)) {
		look(node);
	}
	act(node);
}

void owner_begin(struct node *node)
{
	node->owner_event = (struct event){.fn = on_owner, .ctx = node};
	event_set(&node->owner_event, dice_between(DICE_OWNER, 1000, SECOND_US / 5));
}
