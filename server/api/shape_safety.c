/*
 * The shape of a pause: its state and cause from the writer, holders, witnesses, drafts and the log
 * from the store, who of them is connected from sync.
 */
#include "api/shape.h"

#include "api/backup.h"
#include "api/body.h"
#include "store/fork.h"
#include "store/safety.h"

#include <stdlib.h>

enum { HOLDERS_SHOWN = 200, LOG_SHOWN = 20, HOLDERS_AT_ONCE = 16, FORK_SHOWN = 100 };

/* What is read before it is shaped. */
struct facts {
	struct guard_report report;
	struct guard_holder holders[HOLDERS_SHOWN];
	size_t holder_count, holder_total;
	struct peer_row *peers;
	size_t peer_count;
};

static json_t *time_or_null(int64_t ms)
{
	return ms == 0 ? json_null() : json_integer((json_int_t)ms);
}

static void take_holder(void *ctx, const struct guard_holder *holder)
{
	struct facts *facts = ctx;
	facts->holder_total++;
	if (facts->holder_count < HOLDERS_SHOWN) {
		facts->holders[facts->holder_count++] = *holder;
	}
}

static enum err read_facts(struct api *api, struct reader *reader, struct facts *facts)
{
	writer_guard(api->opts.writer, &facts->report);
	enum err err = reader_holders(reader, facts->report.spell, take_holder, facts);
	if (err == ERR_OK && api->opts.sync != NULL) {
		err = sync_peers(api->opts.sync, &facts->peers, &facts->peer_count);
	}
	return err;
}

static bool is_connected(const struct facts *facts, const struct feed_id *id)
{
	for (size_t i = 0; i < facts->peer_count; i++) {
		if (facts->peers[i].state == PEER_STATE_CONNECTED &&
			feed_id_equal(&facts->peers[i].id, id)) {
			return true;
		}
	}
	return false;
}

static json_t *holder_json(
	const struct facts *facts, const struct guard_holder *holder, const struct person *person)
{
	static const char *const agreements[] = {
		[GUARD_UNASKED] = "unasked", [GUARD_AGREES] = "yes", [GUARD_DIFFERS] = "no"};
	return json_pack("{s:o, s:I, s:o, s:o, s:s, s:b}", "person", shape_person(person),
		"sequence", (json_int_t)holder->sequence, "told",
		holder->told < 0 ? json_null() : json_integer((json_int_t)holder->told), "at",
		time_or_null(holder->seen_ms), "agrees", agreements[holder->agreement], "connected",
		is_connected(facts, &holder->peer));
}

static enum err put_holders(struct reader *reader, const struct facts *facts, json_t *list)
{
	struct person *rows = malloc(HOLDERS_AT_ONCE * sizeof(*rows));
	struct feed_id ids[HOLDERS_AT_ONCE];
	enum err err = rows == NULL || list == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t done = 0; err == ERR_OK && done < facts->holder_count;) {
		const struct guard_holder *from = &facts->holders[done];
		size_t count = 0;
		while (count < HOLDERS_AT_ONCE && done < facts->holder_count) {
			ids[count++] = facts->holders[done++].peer;
		}
		err = people_read(reader, ids, count, rows);
		for (size_t i = 0; err == ERR_OK && i < count; i++) {
			err = json_array_append_new(list, holder_json(facts, &from[i], &rows[i])) ==
					      0
				      ? ERR_OK
				      : ERR_NOMEM;
		}
	}
	free(rows);
	return err;
}

/* Witnesses. */

struct witnesses {
	struct reader *reader;
	const struct guard_report *report;
	struct feed_id self;
	struct span browser;
	json_t *list;
};

static bool take_key(void *ctx, const struct stored *message)
{
	*(struct message_id *)ctx = message->key;
	return false;
}

/* Does what it remembers stand in our feed? */
static bool agrees(const struct witnesses *all, const struct guard_witness *said)
{
	struct message_id ours = {{0}};
	if (said->sequence > all->report->sequence) {
		return false;
	}
	if (!said->has_key) {
		return true;
	}
	return reader_feed(all->reader, &all->self, said->sequence, 1, take_key, &ours) == ERR_OK &&
	       message_id_equal(&ours, &said->key);
}

static void put_witness(void *ctx, const struct witness_row *row)
{
	struct witnesses *all = ctx;
	(void)json_array_append_new(all->list,
		json_pack("{s:o, s:I, s:b, s:I, s:b}", "name", body_string(row->name), "sequence",
			(json_int_t)row->said.sequence, "agrees", agrees(all, &row->said), "at",
			(json_int_t)row->at_ms, "you", span_equal(row->name, all->browser)));
}

/* The rest of what the store knows. */

static void put_log(void *ctx, const struct log_row *row)
{
	(void)json_array_append_new(
		ctx, json_pack("{s:I, s:o, s:I, s:o}", "at", (json_int_t)row->at_ms, "event",
			     body_string(row->event), "sequence", (json_int_t)row->sequence, "said",
			     body_string(row->text)));
}

static void put_want(void *ctx, const struct feed_id *feed)
{
	(void)json_array_append_new(ctx, shape_feed_id(feed));
}

static void count_draft(void *ctx, const struct draft_row *row)
{
	(void)row;
	(*(json_int_t *)ctx)++;
}

/* Each of these fills a list, which may come back shorter than it should be without memory. */
static enum err put_lists(
	struct api *api, struct reader *reader, struct witnesses *witnesses, json_t *tree)
{
	json_int_t drafts = 0;
	json_t *wants = json_array();
	json_t *log = json_array();
	witnesses->list = json_array();
	witnesses->reader = reader;
	witnesses->self = api->opts.self;
	enum err err = reader_witnesses(reader, put_witness, witnesses);
	if (err == ERR_OK) {
		err = reader_wants(reader, put_want, wants);
	}
	if (err == ERR_OK) {
		err = reader_safety_log(reader, LOG_SHOWN, put_log, log);
	}
	if (err == ERR_OK) {
		err = reader_drafts(reader, count_draft, &drafts);
	}
	(void)json_object_set_new(tree, "witnesses", witnesses->list);
	(void)json_object_set_new(tree, "drafts", json_integer(drafts));
	(void)json_object_set_new(tree, "wants", wants);
	(void)json_object_set_new(tree, "log", log);
	return err;
}

/* The pause itself. */

static json_t *wait_json(const struct guard_verdict *verdict)
{
	static const char *const rules[] = {[GUARD_U1] = "U1",
		[GUARD_U2] = "U2",
		[GUARD_U3] = "U3",
		[GUARD_U4] = "U4",
		[GUARD_U5] = "U5",
		[GUARD_LAPSED] = "lapsed"};
	return json_pack("{s:s?, s:I, s:I, s:I}", "rule", rules[verdict->nearest], "confirmed",
		(json_int_t)verdict->confirmed, "of",
		(json_int_t)verdict->confirmed + (json_int_t)verdict->waiting_for, "left_ms",
		(json_int_t)verdict->left_ms);
}

static json_t *pause_json(const struct guard_report *report)
{
	bool is_paused = report->state != FENCE_CLEAN && report->state != FENCE_NEW;
	uint64_t newest = report->verdict.newest_seen > report->sequence
				  ? report->verdict.newest_seen
				  : report->sequence;
	uint64_t start = is_paused ? report->start_sequence : report->sequence;
	json_t *head = report->sequence == 0
			       ? json_null()
			       : json_pack("{s:I, s:o}", "sequence", (json_int_t)report->sequence,
					 "key", shape_message_id(&report->head));
	return json_pack("{s:s, s:s?, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "state",
		fence_state_text(report->state), "cause",
		is_paused ? guard_cause_name(report->cause) : NULL, "why",
		report->why[0] == '\0' ? json_null() : body_string(span_text(report->why)), "since",
		time_or_null(is_paused ? report->since_ms : 0), "head", head, "start_sequence",
		(json_int_t)start, "came_back",
		(json_int_t)(report->sequence > start ? report->sequence - start : 0),
		"newest_seen", (json_int_t)newest, "lost", (json_int_t)(newest - report->sequence),
		"fork", json_null(), "wait", wait_json(&report->verdict));
}

/* A fork: both sides, and who holds which as far as heard. */

struct fork_lists {
	json_t *ours, *theirs;
};

static void put_fork_message(void *ctx, const struct fork_message *row)
{
	const struct fork_lists *lists = ctx;
	(void)json_array_append_new(row->is_theirs ? lists->theirs : lists->ours,
		json_pack("{s:I, s:I, s:o, s:o}", "sequence", (json_int_t)row->message->sequence,
			"at", (json_int_t)row->at_ms, "type", body_string(span_text(row->type)),
			"text", body_string(span_text(row->words))));
}

/* Takes `posts` over. */
static json_t *side_json(const struct message_id *key, uint64_t count, json_t *posts)
{
	return json_pack("{s:o, s:I, s:o}", "key",
		key == NULL ? json_null() : shape_message_id(key), "count", (json_int_t)count,
		"posts", posts);
}

static json_t *fork_holders(const struct facts *facts, uint64_t sequence)
{
	json_t *ours = json_array();
	json_t *theirs = json_array();
	for (size_t i = 0; i < facts->holder_count; i++) {
		const struct guard_holder *holder = &facts->holders[i];
		if (holder->told < 0 || (uint64_t)holder->told < sequence) {
			continue; /* of what both sides share */
		}
		if (holder->agreement != GUARD_UNASKED) {
			(void)json_array_append_new(
				holder->agreement == GUARD_AGREES ? ours : theirs,
				shape_feed_id(&holder->peer));
		}
	}
	return json_pack("{s:o, s:o}", "ours", ours, "theirs", theirs);
}

static enum err put_fork(struct reader *reader, const struct facts *facts, json_t *tree)
{
	struct fork_lists lists = {.ours = json_array(), .theirs = json_array()};
	const struct guard_report *report = &facts->report;
	struct fork_sides sides;
	enum err err = reader_fork(reader, FORK_SHOWN, &sides, put_fork_message, &lists);
	if (err != ERR_OK || sides.sequence == 0) {
		json_decref(lists.ours);
		json_decref(lists.theirs);
		return err;
	}
	json_t *ours = side_json(
		sides.has_ours ? &sides.ours : &report->fork_ours, sides.ours_count, lists.ours);
	json_t *theirs = side_json(
		sides.has_theirs ? &sides.theirs : NULL, sides.theirs_count, lists.theirs);
	json_t *fork = json_pack("{s:I, s:o, s:o, s:o, s:o}", "sequence",
		(json_int_t)sides.sequence, "ours", ours, "theirs", theirs, "missing",
		sides.missing == 0 ? json_null() : json_integer((json_int_t)sides.missing),
		"holders", fork_holders(facts, sides.sequence));
	return json_object_set_new(tree, "fork", fork) == 0 ? ERR_OK : ERR_NOMEM;
}

/* Copies and the key. */

static enum err put_care(struct api *api, struct reader *reader, json_t *tree)
{
	bool is_put = json_object_set_new(tree, "backup", backup_json(api, reader)) == 0;
	return json_object_set_new(tree, "key", serve_key_state(api, reader)) == 0 && is_put
		       ? ERR_OK
		       : ERR_NOMEM;
}

static enum err put_facts(
	struct api *api, struct reader *reader, const struct facts *facts, json_t *tree)
{
	json_t *holders = json_array();
	enum err err = put_holders(reader, facts, holders);
	(void)json_object_set_new(tree, "holders", holders);
	(void)json_object_set_new(
		tree, "holders_total", json_integer((json_int_t)facts->holder_total));
	if (err == ERR_OK && facts->report.state == FENCE_FORKED) {
		err = put_fork(reader, facts, tree);
	}
	return err == ERR_OK ? put_care(api, reader, tree) : err;
}

enum err shape_safety(struct api *api, struct reader *reader, struct span browser, json_t **out)
{
	struct facts *facts = calloc(1, sizeof(*facts));
	json_t *tree = NULL;
	enum err err = facts == NULL ? ERR_NOMEM : read_facts(api, reader, facts);
	if (err == ERR_OK) {
		struct witnesses witnesses = {.report = &facts->report, .browser = browser};
		tree = pause_json(&facts->report);
		err = tree == NULL ? ERR_NOMEM : put_lists(api, reader, &witnesses, tree);
	}
	if (err == ERR_OK) {
		err = put_facts(api, reader, facts, tree);
	}
	if (facts != NULL) {
		free(facts->peers);
	}
	free(facts);
	if (err != ERR_OK) {
		json_decref(tree);
		return err;
	}
	*out = tree;
	return ERR_OK;
}
