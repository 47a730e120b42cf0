/*
 * store/writer while it runs: what it learns about our own feed (restore.md §4 D), what is kept
 * while publishing is paused, and how it goes on. No thread, and both clocks in the test's hand.
 * R5, R6, R10, R11 and R12 are here by name.
 */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/file.h"
#include "base/limits.h"
#include "store/fence.h"
#include "store/inside.h"
#include "store/safety.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t hour_ms = 3600 * 1000;

static int set_up(void **state)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));
	assert_non_null(shelf);
	shelf_init(shelf);
	shelf_close(shelf);
	shelf->is_stepped = true;
	shelf_open(shelf);
	*state = shelf;
	return 0;
}

static struct guard_report report_of(struct shelf *shelf)
{
	struct guard_report report;
	writer_guard(shelf->writer, &report);
	return report;
}

static void expect(struct shelf *shelf, enum fence_state state, enum guard_cause cause)
{
	struct guard_report report = report_of(shelf);
	assert_string_equal(fence_state_text(report.state), fence_state_text(state));
	assert_string_equal(guard_cause_name(report.cause), guard_cause_name(cause));
}

static void restart(struct shelf *shelf)
{
	shelf_close(shelf);
	shelf_open(shelf);
	shelf_settle(shelf);
}

static int64_t rows_of(struct shelf *shelf, const char *count)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = db_handle(shelf->store->writer);
	assert_int_equal(sqlite3_prepare_v2(db, count, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t rows = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return rows;
}

static void change(struct shelf *shelf, const struct change *change)
{
	assert_int_equal(writer_change_wait(shelf->writer, change), ERR_OK);
}

/* Somebody whose address we keep and whom we replicate. */
static void befriend(struct shelf *shelf, unsigned number, struct author *out)
{
	author_init(out, number);
	const struct reach_entry reach = {.feed = out->id, .hops = 1};
	const struct change known = {.kind = CHANGE_ADDRESS_PUT,
		.feed = out->id,
		.text = span_text("net:friend.example:8008")};
	const struct change reached = {.kind = CHANGE_REACH, .reach = &reach, .reach_count = 1};
	change(shelf, &known);
	change(shelf, &reached);
}

static void holds(struct shelf *shelf, const struct author *who, int64_t number)
{
	const struct change row = {.kind = CHANGE_HOLDS, .feed = who->id, .number = number};
	change(shelf, &row);
}

static void confirm(
	struct shelf *shelf, const struct author *who, int64_t told, const struct message_id *key)
{
	struct change row = {.kind = CHANGE_CONFIRM, .feed = who->id, .number = told};
	if (key != NULL) {
		row.key = *key;
	}
	change(shelf, &row);
}

static void claim(struct shelf *shelf, const struct author *who, int64_t number)
{
	const struct change row = {.kind = CHANGE_CLAIM, .feed = who->id, .number = number};
	change(shelf, &row);
}

static enum err try_publish(struct shelf *shelf, const char *content, const char *nonce,
	uint64_t if_head, const struct message_id *key, struct publish_result *result)
{
	const struct publish_request request = {.content = span_text(content),
		.nonce = span_text(nonce),
		.if_head = if_head,
		.if_head_key = key};
	return writer_publish(shelf->writer, &request, result);
}

static const char *const post = "{\"type\":\"post\",\"text\":\"x\"}";

static struct chain_head head_of(struct shelf *shelf)
{
	struct chain_head head = {0};
	enum err err = reader_head(shelf->reader, &shelf->self.id, &head);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return head;
}

static void copy(const struct shelf *shelf, const char *from, const char *to)
{
	char source[128];
	char target[128];
	struct buf bytes = BUF_INIT(64 << 20);
	(void)snprintf(source, sizeof(source), "%s/%s", shelf->dir, from);
	(void)snprintf(target, sizeof(target), "%s/%s", shelf->dir, to);
	assert_int_equal(file_read(source, &bytes), ERR_OK);
	assert_int_equal(file_replace(target, buf_span(&bytes), 0600), ERR_OK);
	buf_fini(&bytes);
}

struct lost {
	struct message *messages[8];
	size_t count;
};

static bool on_stored(void *ctx, const struct stored *stored)
{
	struct lost *lost = ctx;
	const char *why = NULL;
	assert_int_equal(
		message_verify(stored->compact, NULL, &lost->messages[lost->count++], &why),
		ERR_OK);
	return true;
}

/* Three posts and a copy of everything, then two more; then the copy comes back, fence and all: a
 * machine that was set back to a snapshot. `lost` are the two. */
static void set_back(struct shelf *shelf, struct lost *lost)
{
	*lost = (struct lost){.count = 0};
	for (int i = 0; i < 3; i++) {
		(void)shelf_publish(shelf, "%s", post);
	}
	shelf_close(shelf);
	copy(shelf, "kith.db", "old.db");
	copy(shelf, "fence", "old-fence");
	shelf_open(shelf);
	for (int i = 0; i < 2; i++) {
		(void)shelf_publish(shelf, "%s", post);
	}
	assert_int_equal(
		reader_feed(shelf->reader, &shelf->self.id, 4, 8, on_stored, lost), ERR_OK);
	shelf_close(shelf);
	copy(shelf, "old.db", "kith.db");
	copy(shelf, "old-fence", "fence");
	shelf_open(shelf);
	shelf_settle(shelf);
	assert_int_equal(head_of(shelf).sequence, 3);
}

static void r10_a_snapshot_set_back_is_found_by_the_first_click_of_a_browser(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	struct lost lost;
	struct author ben;
	befriend(shelf, 1, &ben);
	set_back(shelf, &lost);
	expect(shelf, FENCE_CLEAN, GUARD_NONE); /* without any witness: the residue */
	struct message_id key = lost.messages[1]->key;
	assert_int_equal(try_publish(shelf, post, "n", 5, &key, &result), ERR_PAUSED);
	assert_true(result.draft > 0);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	restart(shelf);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	assert_int_equal(report_of(shelf).verdict.newest_seen, 5);
	shelf_pass(shelf, 1000 * hour_ms); /* time alone proves nothing */
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	assert_int_equal(shelf_append(shelf, lost.messages[0]), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, lost.messages[1]), APPEND_STORED);
	holds(shelf, &ben, 5);
	confirm(shelf, &ben, 5, &key);
	shelf_pass(shelf, LIMIT_GUARD_QUIET_MS - 1000);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	assert_int_equal(report_of(shelf).verdict.nearest, GUARD_U1);
	shelf_pass(shelf, 1000);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(try_publish(shelf, post, "n", 5, &key, &result), ERR_OK);
	assert_int_equal(result.sequence, 6);
	author_fini(&ben);
}

static void d5_another_key_counts_also_of_a_page_that_knew_a_higher_number(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	struct message_id other = {{7}};
	struct author ben;
	befriend(shelf, 1, &ben);
	for (int i = 0; i < 3; i++) {
		(void)shelf_publish(shelf, "%s", post);
	}
	struct chain_head head = head_of(shelf);
	holds(shelf, &ben, 3);
	const struct change seen = {
		.kind = CHANGE_WITNESS, .name = span_text("page"), .number = 3, .key = head.key};
	change(shelf, &seen);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(try_publish(shelf, post, "n", 2, &other, &result), ERR_PAUSED);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	confirm(shelf, &ben, 3, &head.key);
	shelf_pass(shelf, 1000 * hour_ms); /* two histories: nobody's agreement settles that */
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	author_fini(&ben);
}

static void r5_what_a_browser_remembers_is_compared_by_number_and_key(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	struct message_id other = {{7}};
	static const uint64_t heads[] = {3, 2, 4, 4000000000000};
	struct message_id keys[4];
	for (int i = 1; i <= 3; i++) {
		keys[i] = shelf_publish(shelf, "%s", post).key;
	}
	assert_int_equal(try_publish(shelf, post, "", 2, &keys[2], &result), ERR_OK);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		char why[256];
		uint64_t head = head_of(shelf).sequence;
		const struct message_id *key = heads[i] <= head ? &other : NULL;
		uint64_t seen = heads[i] <= head ? heads[i] : head + heads[i];
		assert_int_equal(try_publish(shelf, post, "", seen, key, &result), ERR_PAUSED);
		expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
		assert_int_equal(head_of(shelf).sequence, head);
		assert_int_equal(
			writer_resume(shelf->writer, head, true, why, sizeof(why)), ERR_OK);
		assert_int_equal(try_publish(shelf, post, "", 0, NULL, &result), ERR_OK);
	}
	/* What began the pause goes on keeping it, also when it speaks of an earlier number. */
	struct author ben;
	befriend(shelf, 1, &ben);
	struct chain_head head = head_of(shelf);
	shelf->wall_ms++;
	assert_int_equal(try_publish(shelf, post, "", 2, &other, &result), ERR_PAUSED);
	holds(shelf, &ben, (int64_t)head.sequence);
	confirm(shelf, &ben, (int64_t)head.sequence, &head.key);
	shelf_pass(shelf, 10 * LIMIT_GUARD_QUIET_MS);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
	char said[256];
	assert_int_equal(
		writer_resume(shelf->writer, head.sequence, false, said, sizeof(said)), ERR_OK);
	author_fini(&ben);
	/* The same from a page that only looks. */
	const struct change witness = {
		.kind = CHANGE_WITNESS, .name = span_text("browser a"), .number = 100};
	change(shelf, &witness);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
}

static void on_want(void *ctx, const struct feed_id *feed)
{
	*(struct feed_id *)ctx = *feed;
}

static void r6_a_key_alone_signs_nothing_and_wants_whom_it_would_follow(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	struct feed_id wanted = {{0}};
	struct author self;
	struct author ben;
	char path[128];
	char content[256];
	shelf_close(shelf);
	(void)snprintf(path, sizeof(path), "%s/fence", shelf->dir);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/kith.db", shelf->dir);
	assert_int_equal(unlink(path), 0);
	shelf_open(shelf);
	expect(shelf, FENCE_SUSPECT, GUARD_IMPORTED);
	author_init(&ben, 1);
	author_init(&self, 0);
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"contact\",\"contact\":\"%s\",\"following\":true}", ben.text);
	assert_int_equal(try_publish(shelf, content, "f", 0, NULL, &result), ERR_PAUSED);
	assert_true(result.draft > 0);
	assert_int_equal(head_of(shelf).sequence, 0);
	assert_int_equal(reader_wants(shelf->reader, on_want, &wanted), ERR_OK);
	assert_true(feed_id_equal(&wanted, &ben.id));
	for (int i = 0; i < 3; i++) { /* the feed comes back */
		assert_int_equal(shelf_append(shelf, author_post(&self, "old")), APPEND_STORED);
	}
	shelf_pass(shelf, 1000 * hour_ms);
	expect(shelf, FENCE_SUSPECT, GUARD_IMPORTED);
	assert_int_equal(try_publish(shelf, post, "", 0, NULL, &result), ERR_PAUSED);
	assert_int_equal(head_of(shelf).sequence, 3);
	author_fini(&self);
	author_fini(&ben);
}

static void r11_a_claim_without_a_message_pauses_a_minute_and_then_not_for_an_hour(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author stranger;
	struct publish_result result;
	befriend(shelf, 1, &ben);
	author_init(&stranger, 2);
	(void)shelf_publish(shelf, "%s", post);
	claim(shelf, &stranger, 1000000000); /* nobody we replicate */
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	claim(shelf, &ben, 1); /* what we have is no claim */
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	claim(shelf, &ben, 1000000000);
	expect(shelf, FENCE_SUSPECT, GUARD_CLAIM);
	assert_int_equal(try_publish(shelf, post, "", 0, NULL, &result), ERR_PAUSED);
	shelf_pass(shelf, LIMIT_GUARD_CLAIM_MS - 2000);
	expect(shelf, FENCE_SUSPECT, GUARD_CLAIM);
	claim(shelf, &ben, 1000000001); /* more of it does not make it longer */
	assert_true(writer_due_ms(shelf->writer) <= env_mono_ms(&shelf->env) + 2000);
	shelf_pass(shelf, 2000);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	for (int64_t ms = 0; ms + 1000 < LIMIT_GUARD_CLAIM_REST_MS; ms += 60000) {
		claim(shelf, &ben, 2000000000 + ms); /* a crowd of liars */
		expect(shelf, FENCE_CLEAN, GUARD_NONE);
		shelf_pass(shelf, 59000);
	}
	shelf_pass(shelf, LIMIT_GUARD_CLAIM_REST_MS);
	claim(shelf, &ben, 3);
	expect(shelf, FENCE_SUSPECT, GUARD_CLAIM);
	restart(shelf); /* no start remembers a claim */
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	(void)shelf_publish(shelf, "%s", post);
	author_fini(&stranger);
	author_fini(&ben);
}

static void a_claim_that_is_proven_becomes_a_pause_that_lasts(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct lost lost;
	befriend(shelf, 1, &ben);
	set_back(shelf, &lost);
	claim(shelf, &ben, 5);
	uint64_t claimed = report_of(shelf).spell;
	assert_int_equal(shelf_append(shelf, lost.messages[0]), APPEND_STORED);
	expect(shelf, FENCE_SUSPECT, GUARD_RETURNED);
	assert_true(report_of(shelf).spell > claimed);
	shelf_pass(shelf, 2 * LIMIT_GUARD_CLAIM_MS);
	expect(shelf, FENCE_SUSPECT, GUARD_RETURNED);
	restart(shelf);
	expect(shelf, FENCE_SUSPECT, GUARD_RETURNED);
	assert_int_equal(report_of(shelf).start_sequence, 4);
	message_free(lost.messages[1]);
	author_fini(&ben);
}

static void r12_our_own_old_messages_again_change_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct lost lost = {.count = 0};
	for (int i = 0; i < 3; i++) {
		(void)shelf_publish(shelf, "%s", post);
	}
	assert_int_equal(
		reader_feed(shelf->reader, &shelf->self.id, 1, 8, on_stored, &lost), ERR_OK);
	unsigned states = shelf->states;
	for (size_t i = 0; i < lost.count; i++) {
		assert_int_equal(shelf_append(shelf, lost.messages[i]), APPEND_KNOWN);
	}
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(shelf->states, states);
	assert_int_equal(shelf_publish(shelf, "%s", post).sequence, 4);
}

static void d2_returned_messages_unlock_when_all_holders_agree_and_it_is_quiet(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct lost lost;
	befriend(shelf, 1, &ben);
	holds(shelf, &ben, 2);
	set_back(shelf, &lost);
	struct message_id fourth = lost.messages[0]->key;
	assert_int_equal(shelf_append(shelf, lost.messages[0]), APPEND_STORED);
	expect(shelf, FENCE_SUSPECT, GUARD_RETURNED);
	confirm(shelf, &ben, 5, &fourth); /* it has one more */
	assert_int_equal(report_of(shelf).verdict.confirmed, 0);
	assert_int_equal(report_of(shelf).verdict.newest_seen, 5);
	struct message_id fifth = lost.messages[1]->key;
	assert_int_equal(shelf_append(shelf, lost.messages[1]), APPEND_STORED);
	/* What was compared at 4 says nothing about 5: it is asked again. */
	assert_int_equal(report_of(shelf).verdict.confirmed, 0);
	shelf_pass(shelf, 10 * LIMIT_GUARD_QUIET_MS);
	expect(shelf, FENCE_SUSPECT, GUARD_RETURNED);
	confirm(shelf, &ben, 5, &fifth);
	shelf_settle(shelf);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM safety_log WHERE event = 'CLEAN' AND "
					"text LIKE '%agree%'"),
		1);
	assert_int_equal(shelf_publish(shelf, "%s", post).sequence, 6);
	author_fini(&ben);
}

static void remember(
	struct shelf *shelf, const char *name, uint64_t sequence, const struct message_id *key)
{
	const struct change row = {.kind = CHANGE_WITNESS,
		.name = span_text(name),
		.number = (int64_t)sequence,
		.key = *key};
	change(shelf, &row);
}

/* A restored database brings its witnesses back together with its head. */
static void what_was_witnessed_before_a_pause_agrees_with_nothing_in_it(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author cy;
	char path[128];
	befriend(shelf, 1, &ben);
	holds(shelf, &ben, 2);
	befriend(shelf, 2, &cy);
	holds(shelf, &cy, 2);
	(void)shelf_publish(shelf, "%s", post);
	struct message_id key = shelf_publish(shelf, "%s", post).key;
	remember(shelf, "browser a", 2, &key);
	remember(shelf, "backup", 2, &key);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	shelf_close(shelf);
	(void)snprintf(path, sizeof(path), "%s/fence", shelf->dir);
	assert_int_equal(unlink(path), 0);
	shelf_open(shelf);
	confirm(shelf, &ben, 2, &key);
	shelf_pass(shelf, 10 * LIMIT_GUARD_QUIET_MS);
	expect(shelf, FENCE_SUSPECT, GUARD_NO_FENCE);
	remember(shelf, "backup", 2, &key); /* of this very database */
	shelf_pass(shelf, 10 * LIMIT_GUARD_QUIET_MS);
	expect(shelf, FENCE_SUSPECT, GUARD_NO_FENCE);
	remember(shelf, "browser a", 2, &key);
	shelf_settle(shelf);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	author_fini(&ben);
	author_fini(&cy);
}

static void who_tells_more_than_it_can_show_delays_but_does_not_lock(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct lost lost;
	befriend(shelf, 1, &ben);
	holds(shelf, &ben, 2);
	set_back(shelf, &lost);
	assert_int_equal(shelf_append(shelf, lost.messages[0]), APPEND_STORED);
	struct message_id fourth = head_of(shelf).key;
	confirm(shelf, &ben, 1000000000, &fourth);
	shelf_pass(shelf, 10 * LIMIT_GUARD_QUIET_MS);
	expect(shelf, FENCE_SUSPECT, GUARD_RETURNED);
	confirm(shelf, &ben, 1000000000, &fourth); /* it had its minute */
	shelf_settle(shelf);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	message_free(lost.messages[1]);
	author_fini(&ben);
}

static void count_branch(void *ctx, struct span compact)
{
	assert_true(compact.len > 0);
	(*(size_t *)ctx)++;
}

static void d3_another_message_under_our_number_is_a_fork_and_both_sides_are_kept(void **state)
{
	struct shelf *shelf = *state;
	struct author other;
	struct publish_result result;
	struct chain_head first = {0};
	size_t kept = 0;
	(void)shelf_publish(shelf, "%s", post);
	first = head_of(shelf);
	(void)shelf_publish(shelf, "%s", post);
	author_twin(&other, 0, &first);
	struct message *theirs = author_post(&other, "elsewhere");
	struct message_id key = theirs->key;
	assert_int_equal(shelf_append(shelf, theirs), APPEND_FORKED);
	expect(shelf, FENCE_FORKED, GUARD_FORK);
	struct guard_report report = report_of(shelf);
	assert_int_equal(report.fork_sequence, 2);
	assert_true(message_id_equal(&report.fork_theirs, &key));
	assert_non_null(strstr(report.why, "number 2"));
	for (int i = 0; i < 3; i++) { /* … 3 is the next number, 4 and 5 leave a gap */
		(void)shelf_append(shelf, author_post(&other, "and on"));
	}
	assert_int_equal(reader_branch(shelf->reader, count_branch, &kept), ERR_OK);
	assert_int_equal(kept, 4);
	assert_int_equal(head_of(shelf).sequence, 2);
	assert_int_equal(try_publish(shelf, post, "", 0, NULL, &result), ERR_PAUSED);
	restart(shelf);
	expect(shelf, FENCE_FORKED, GUARD_FORK);
	assert_int_equal(report_of(shelf).fork_sequence, 2);
	report = report_of(shelf);
	assert_true(message_id_equal(&report.fork_theirs, &key));
	author_fini(&other);
}

/* The fence knows what was signed here; what comes back under its number is of another copy. */
static void d3_what_comes_back_is_compared_with_the_fence_and_the_number_stays_known(void **state)
{
	struct shelf *shelf = *state;
	struct author other;
	for (int i = 0; i < 3; i++) {
		(void)shelf_publish(shelf, "%s", post);
	}
	struct chain_head third = head_of(shelf);
	shelf_close(shelf);
	copy(shelf, "kith.db", "old.db");
	shelf_open(shelf);
	(void)shelf_publish(shelf, "%s", post);
	struct message_id fifth = shelf_publish(shelf, "%s", post).key;
	shelf_close(shelf);
	copy(shelf, "old.db", "kith.db");
	shelf_open(shelf);
	expect(shelf, FENCE_SUSPECT, GUARD_BEHIND);
	author_twin(&other, 0, &third);
	assert_int_equal(shelf_append(shelf, author_post(&other, "4")), APPEND_STORED);
	expect(shelf, FENCE_SUSPECT, GUARD_BEHIND);
	assert_int_equal(shelf_append(shelf, author_post(&other, "5")), APPEND_STORED);
	for (int i = 0; i < 2; i++) {
		expect(shelf, FENCE_FORKED, GUARD_FORK);
		assert_int_equal(report_of(shelf).fork_sequence, 5);
		assert_memory_equal(report_of(shelf).fork_theirs.at, fifth.at, ID_BYTES);
		restart(shelf);
	}
	author_fini(&other);
}

static void of_the_other_branch_a_thousand_messages_are_kept(void **state)
{
	static const size_t counts[] = {
		LIMIT_BRANCH_MESSAGES, 1, 2 * (size_t)LIMIT_BRANCH_MESSAGES};
	struct shelf *shelf = *state;
	struct author other;
	author_init(&other, 0);
	(void)shelf_publish(shelf, "%s", post);
	for (size_t i = 0; i < 3; i++) {
		struct message **messages = calloc(counts[i], sizeof(struct message *));
		assert_non_null(messages);
		for (size_t n = 0; n < counts[i]; n++) {
			messages[n] = author_post(&other, "x");
		}
		assert_int_equal(shelf_append_all(shelf, messages, counts[i], NULL), ERR_OK);
		free(messages);
		assert_int_equal(
			rows_of(shelf, "SELECT count(*) FROM branch"), LIMIT_BRANCH_MESSAGES);
	}
	author_fini(&other);
}

static void d4_a_twin_pauses_and_its_address_is_told(void **state)
{
	struct shelf *shelf = *state;
	const struct change twin = {.kind = CHANGE_TWIN, .text = span_text("192.0.2.7:8008")};
	(void)shelf_publish(shelf, "%s", post);
	change(shelf, &twin);
	expect(shelf, FENCE_SUSPECT, GUARD_TWIN);
	assert_non_null(strstr(report_of(shelf).why, "192.0.2.7:8008"));
	for (int i = 0; i < 20; i++) {
		change(shelf, &twin);
	}
	assert_int_equal(
		rows_of(shelf, "SELECT count(*) FROM safety_log WHERE event = 'SUSPECT'"), 1);
	restart(shelf);
	expect(shelf, FENCE_SUSPECT, GUARD_TWIN);
	assert_non_null(strstr(report_of(shelf).why, "192.0.2.7:8008"));
}

static void pause_it(struct shelf *shelf)
{
	const struct change twin = {.kind = CHANGE_TWIN, .text = span_text("192.0.2.7:8008")};
	change(shelf, &twin);
}

static void d4_no_quiet_passes_while_the_twin_is_still_there(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	const struct change twin = {.kind = CHANGE_TWIN, .text = span_text("192.0.2.7:8008")};
	befriend(shelf, 1, &ben);
	struct message_id key = shelf_publish(shelf, "%s", post).key;
	holds(shelf, &ben, 1);
	change(shelf, &twin);
	confirm(shelf, &ben, 1, &key);
	for (int i = 0; i < 30; i++) {
		shelf_pass(shelf, LIMIT_GUARD_CLAIM_MS);
		change(shelf, &twin);
		expect(shelf, FENCE_SUSPECT, GUARD_TWIN);
	}
	shelf_pass(shelf, LIMIT_GUARD_QUIET_MS - 1000);
	expect(shelf, FENCE_SUSPECT, GUARD_TWIN);
	shelf_pass(shelf, 1000);
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	author_fini(&ben);
}

/* Who moved out had stopped for good; who went on with it has not. */
static void where_it_moved_from_is_no_witness_once_publishing_went_on(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author cleo;
	char path[128];
	befriend(shelf, 2, &cleo);
	holds(shelf, &cleo, 1);
	befriend(shelf, 1, &ben);
	struct change move = {.kind = CHANGE_WITNESS, .name = span_text("move"), .number = 1};
	move.key = shelf_publish(shelf, "%s", post).key;
	holds(shelf, &ben, 1);
	for (int i = 0; i < 2; i++) {
		shelf_close(shelf);
		(void)snprintf(path, sizeof(path), "%s/fence", shelf->dir);
		assert_int_equal(unlink(path), 0);
		shelf_open(shelf);
		shelf_settle(shelf);
		if (i == 0) {
			change(shelf, &move);
		}
		confirm(shelf, &ben, 1, &move.key);
		shelf_pass(shelf, LIMIT_GUARD_QUIET_MS);
		if (i == 0) {
			expect(shelf, FENCE_CLEAN, GUARD_NONE); /* U1 */
		} else {
			expect(shelf, FENCE_SUSPECT, GUARD_NO_FENCE);
		}
	}
	author_fini(&ben);
	author_fini(&cleo);
}

/* A node that lays down its pen has nothing in it any more: what came out of it at a later start
 * would fork the feed that went on elsewhere. */
static void what_is_signed_and_not_stored_goes_before_the_retirement(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	char why[256] = "";
	(void)shelf_publish(shelf, "%s", post);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1"), ERR_OK);
	char content[8000];
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%07000d\"}", 2);
	assert_int_equal(try_publish(shelf, content, "n", 0, NULL, &result), ERR_DISK_FULL);
	assert_int_equal(writer_retire(shelf->writer, why, sizeof(why)), ERR_DISK_FULL);
	assert_non_null(strstr(why, "not stored"));
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1000000"), ERR_OK);
	assert_int_equal(writer_retire(shelf->writer, why, sizeof(why)), ERR_OK);
	expect(shelf, FENCE_RETIRED, GUARD_MOVED_OUT);
	assert_int_equal(head_of(shelf).sequence, 2);
	restart(shelf);
	expect(shelf, FENCE_RETIRED, GUARD_MOVED_OUT);
	assert_int_equal(head_of(shelf).sequence, 2);
}

static void while_paused_the_same_nonce_is_the_same_draft_or_the_first_answer(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result first;
	struct publish_result again;
	assert_int_equal(try_publish(shelf, post, "published", 0, NULL, &first), ERR_OK);
	pause_it(shelf);
	assert_int_equal(try_publish(shelf, post, "published", 0, NULL, &again), ERR_OK);
	assert_int_equal(again.sequence, first.sequence);
	assert_true(message_id_equal(&again.key, &first.key));
	assert_int_equal(try_publish(shelf, post, "draft", 0, NULL, &first), ERR_PAUSED);
	assert_int_equal(try_publish(shelf, post, "draft", 0, NULL, &again), ERR_PAUSED);
	assert_true(first.draft > 0);
	assert_int_equal(again.draft, first.draft);
	assert_int_equal(try_publish(shelf, post, "", 0, NULL, &again), ERR_PAUSED);
	assert_true(again.draft > first.draft);
	assert_int_equal(try_publish(shelf, "{\"type\"", "", 0, NULL, &again), ERR_REFUSED);
	struct buf content = BUF_INIT(1024);
	struct buf nonce = BUF_INIT(64);
	assert_int_equal(reader_draft(shelf->reader, first.draft, &content, &nonce), ERR_OK);
	assert_true(span_equal_text(buf_span(&content), post));
	assert_true(span_equal_text(buf_span(&nonce), "draft"));
	const struct change done = {.kind = CHANGE_DRAFT_DROP, .number = first.draft};
	change(shelf, &done);
	assert_int_equal(reader_draft(shelf->reader, first.draft, &content, &nonce), ERR_NOT_FOUND);
	buf_fini(&nonce);
	buf_fini(&content);
}

static void a_draft_that_is_not_kept_says_why(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	static char content[8000];
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%07000d\"}", 2);
	pause_it(shelf);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1"), ERR_OK);
	assert_int_equal(try_publish(shelf, content, "n", 0, NULL, &result), ERR_PAUSED);
	assert_int_equal(result.draft, 0);
	assert_non_null(strstr(result.why, "It was not kept: the disk is full."));
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1000000"), ERR_OK);
	assert_int_equal(
		db_exec(shelf->store->writer, "ALTER TABLE drafts RENAME TO elsewhere"), ERR_OK);
	assert_int_equal(try_publish(shelf, content, "n", 0, NULL, &result), ERR_PAUSED);
	assert_int_equal(result.draft, 0);
	assert_non_null(strstr(result.why, "It was not kept: it could not be stored ("));
	assert_int_equal(
		db_exec(shelf->store->writer, "ALTER TABLE elsewhere RENAME TO drafts"), ERR_OK);
	assert_int_equal(try_publish(shelf, content, "n", 0, NULL, &result), ERR_PAUSED);
	assert_true(result.draft > 0);
	assert_null(strstr(result.why, "not kept"));
}

/* Else the writer would do nothing but ask a disk that fails, for as long as it fails. */
static void what_cannot_be_read_is_tried_again_after_a_while(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	struct guard_report report;
	pause_it(shelf);
	shelf_settle(shelf);
	assert_int_equal(
		db_exec(shelf->store->writer, "ALTER TABLE holders RENAME TO elsewhere"), ERR_OK);
	assert_int_equal(try_publish(shelf, post, "n", 5, NULL, &result), ERR_PAUSED);
	shelf_settle(shelf);
	assert_true(writer_due_ms(shelf->writer) > env_mono_ms(&shelf->env));
	assert_int_equal(
		db_exec(shelf->store->writer, "ALTER TABLE elsewhere RENAME TO holders"), ERR_OK);
	shelf_pass(shelf, LIMIT_GUARD_CLAIM_MS);
	writer_guard(shelf->writer, &report);
	assert_int_equal(report.verdict.newest_seen, 5);
}

/* A copy made in a pause still holds what was published behind it. */
static void a_draft_whose_message_comes_back_is_done_with(void **state)
{
	static const char *const other = "{\"type\":\"post\",\"text\":\"y\"}";
	static const char *const spaced = "{ \"type\": \"post\", \"text\": \"\\u0078\" }";
	struct shelf *shelf = *state;
	struct publish_result result;
	struct lost lost = {.count = 0};
	char fence[128];
	char why[256];
	(void)shelf_publish(shelf, "%s", other);
	(void)snprintf(fence, sizeof(fence), "%s/fence", shelf->dir);
	shelf_close(shelf);
	assert_int_equal(unlink(fence), 0);
	shelf_open(shelf);
	assert_int_equal(try_publish(shelf, spaced, "n", 0, NULL, &result), ERR_PAUSED);
	assert_int_equal(try_publish(shelf, other, "o", 0, NULL, &result), ERR_PAUSED);
	shelf_close(shelf);
	copy(shelf, "kith.db", "old.db");
	shelf->wall_ms += 1000;
	shelf_open(shelf);
	assert_int_equal(writer_resume(shelf->writer, 0, true, why, sizeof(why)), ERR_OK);
	assert_int_equal(try_publish(shelf, spaced, "n", 0, NULL, &result), ERR_OK);
	assert_int_equal(
		reader_feed(shelf->reader, &shelf->self.id, 2, 8, on_stored, &lost), ERR_OK);
	shelf_close(shelf);
	copy(shelf, "old.db", "kith.db");
	assert_int_equal(unlink(fence), 0);
	shelf->wall_ms += 1000;
	shelf_open(shelf);
	assert_int_equal(try_publish(shelf, post, "p", 0, NULL, &result), ERR_PAUSED);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM drafts"), 3);
	assert_int_equal(shelf_append(shelf, lost.messages[0]), APPEND_STORED);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM drafts"), 2);
	/* What was written since is not it, though it says the same. */
	assert_int_equal(
		rows_of(shelf, "SELECT count(*) FROM drafts WHERE nonce IN (CAST('o' AS BLOB), "
			       "CAST('p' AS BLOB))"),
		2);
}

static void a_thousand_drafts_are_kept(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	pause_it(shelf);
	for (int i = 1; i <= 2 * LIMIT_DRAFTS; i++) {
		assert_int_equal(try_publish(shelf, post, "", 0, NULL, &result), ERR_PAUSED);
		assert_int_equal(result.draft > 0, i <= LIMIT_DRAFTS);
		assert_int_equal(
			strstr(result.why, "no room for more drafts") != NULL, i > LIMIT_DRAFTS);
	}
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM drafts"), LIMIT_DRAFTS);
}

static void make_id(struct feed_id *id, int number)
{
	memset(id->at, 0x55, sizeof(id->at));
	memcpy(id->at, &number, sizeof(number));
}

static void holders_are_those_we_know_and_at_most_a_thousand(void **state)
{
	struct shelf *shelf = *state;
	struct change row = {.kind = CHANGE_HOLDS, .number = 1};
	make_id(&row.feed, 0);
	change(shelf, &row);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM holders"), 0);
	static const int counts[] = {LIMIT_HOLDERS, LIMIT_HOLDERS + 1, 2 * LIMIT_HOLDERS};
	int number = 0;
	for (size_t i = 0; i < 3; i++) {
		for (; number < counts[i]; number++) {
			struct change address = {
				.kind = CHANGE_ADDRESS_PUT, .text = span_text("net:h.example:1")};
			make_id(&address.feed, number);
			make_id(&row.feed, number);
			shelf->wall_ms++;
			change(shelf, &address);
			change(shelf, &row);
		}
		assert_int_equal(rows_of(shelf, "SELECT count(*) FROM holders"), LIMIT_HOLDERS);
	}
	/* Who was not seen for the longest time made room. */
	assert_int_equal(
		rows_of(shelf, "SELECT min(at) FROM holders"), shelf->wall_ms - LIMIT_HOLDERS + 1);
	row.number = 0; /* who never had anything is no holder */
	make_id(&row.feed, 0);
	change(shelf, &row);
	assert_int_equal(
		rows_of(shelf, "SELECT min(at) FROM holders"), shelf->wall_ms - LIMIT_HOLDERS + 1);
}

static void sixty_four_witnesses_are_kept_and_never_one_that_knows_more_is_dropped(void **state)
{
	struct shelf *shelf = *state;
	struct change row = {.kind = CHANGE_WITNESS, .number = 1};
	static const int counts[] = {LIMIT_WITNESSES, LIMIT_WITNESSES + 1, 50 * LIMIT_WITNESSES};
	int number = 0;
	row.key = shelf_publish(shelf, "%s", post).key;
	const struct change more = {
		.kind = CHANGE_WITNESS, .name = span_text("knows more"), .number = 9};
	change(shelf, &more);
	for (size_t i = 0; i < 3; i++) {
		for (; number < counts[i]; number++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "browser %d", number);
			row.name = span_text(name);
			shelf->wall_ms++;
			change(shelf, &row);
		}
		assert_int_equal(rows_of(shelf, "SELECT count(*) FROM witnesses"), LIMIT_WITNESSES);
	}
	assert_int_equal(rows_of(shelf, "SELECT max(sequence) FROM witnesses"), 9);
	expect(shelf, FENCE_SUSPECT, GUARD_WITNESS);
}

static void a_hundred_feeds_are_wanted_without_following(void **state)
{
	struct shelf *shelf = *state;
	struct change row = {.kind = CHANGE_WANT, .number = 1};
	static const int counts[] = {LIMIT_WANTS, LIMIT_WANTS + 1, 10 * LIMIT_WANTS};
	int number = 0;
	for (size_t i = 0; i < 3; i++) {
		for (; number < counts[i]; number++) {
			make_id(&row.feed, number);
			change(shelf, &row);
		}
		assert_int_equal(rows_of(shelf, "SELECT count(*) FROM wants"), LIMIT_WANTS);
	}
	make_id(&row.feed, 0);
	row.number = 0;
	change(shelf, &row);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM wants"), LIMIT_WANTS - 1);
}

static void names_and_sentences_have_a_limit(void **state)
{
	struct shelf *shelf = *state;
	static char text[1000 * LIMIT_SAFETY_TEXT_BYTES];
	memset(text, 'a', sizeof(text));
	const size_t names[] = {LIMIT_SAFETY_NAME_BYTES, LIMIT_SAFETY_NAME_BYTES + 1,
		1000 * LIMIT_SAFETY_NAME_BYTES};
	const size_t texts[] = {LIMIT_SAFETY_TEXT_BYTES, LIMIT_SAFETY_TEXT_BYTES + 1, sizeof(text)};
	for (size_t i = 0; i < 3; i++) {
		const struct change named = {
			.kind = CHANGE_WITNESS, .name = span_of(text, names[i]), .number = 1};
		const struct change said = {.kind = CHANGE_LOG,
			.name = span_text("backup"),
			.text = span_of(text, texts[i])};
		assert_int_equal(
			writer_change_wait(shelf->writer, &named), i == 0 ? ERR_OK : ERR_LIMIT);
		assert_int_equal(
			writer_change_wait(shelf->writer, &said), i == 0 ? ERR_OK : ERR_LIMIT);
	}
	assert_int_equal(
		rows_of(shelf, "SELECT count(*) FROM safety_log WHERE event = 'backup'"), 1);
}

/* Who may sign: feed/signer itself, and the one path of publishing. */
static void look_through(const char *dir, size_t *found)
{
	DIR *open = opendir(dir);
	assert_non_null(open);
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		char path[512];
		struct buf text = BUF_INIT(4 << 20);
		size_t len = strlen(entry->d_name);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
			look_through(path, found);
		}
		if (entry->d_type != DT_REG || len < 3 ||
			strcmp(entry->d_name + len - 2, ".c") != 0 ||
			strcmp(entry->d_name, "signer.c") == 0) {
			continue;
		}
		assert_int_equal(file_read(path, &text), ERR_OK);
		assert_non_null(buf_cstr(&text));
		if (strstr((const char *)text.at, "signer_sign_next(") != NULL) {
			assert_string_equal(entry->d_name, "writer_publish.c");
			(*found)++;
		}
		buf_fini(&text);
	}
	(void)closedir(open);
}

static void only_one_path_signs_messages(void **state)
{
	size_t found = 0;
	(void)state;
	look_through("server", &found);
	assert_int_equal(found, 1);
}

#define SHELF(test) cmocka_unit_test_setup_teardown(test, set_up, shelf_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHELF(r10_a_snapshot_set_back_is_found_by_the_first_click_of_a_browser),
		SHELF(d5_another_key_counts_also_of_a_page_that_knew_a_higher_number),
		SHELF(r5_what_a_browser_remembers_is_compared_by_number_and_key),
		SHELF(r6_a_key_alone_signs_nothing_and_wants_whom_it_would_follow),
		SHELF(r11_a_claim_without_a_message_pauses_a_minute_and_then_not_for_an_hour),
		SHELF(a_claim_that_is_proven_becomes_a_pause_that_lasts),
		SHELF(r12_our_own_old_messages_again_change_nothing),
		SHELF(d2_returned_messages_unlock_when_all_holders_agree_and_it_is_quiet),
		SHELF(what_was_witnessed_before_a_pause_agrees_with_nothing_in_it),
		SHELF(who_tells_more_than_it_can_show_delays_but_does_not_lock),
		SHELF(d3_another_message_under_our_number_is_a_fork_and_both_sides_are_kept),
		SHELF(d3_what_comes_back_is_compared_with_the_fence_and_the_number_stays_known),
		SHELF(of_the_other_branch_a_thousand_messages_are_kept),
		SHELF(d4_a_twin_pauses_and_its_address_is_told),
		SHELF(d4_no_quiet_passes_while_the_twin_is_still_there),
		SHELF(where_it_moved_from_is_no_witness_once_publishing_went_on),
		SHELF(what_is_signed_and_not_stored_goes_before_the_retirement),
		SHELF(while_paused_the_same_nonce_is_the_same_draft_or_the_first_answer),
		SHELF(a_draft_that_is_not_kept_says_why),
		SHELF(what_cannot_be_read_is_tried_again_after_a_while),
		SHELF(a_draft_whose_message_comes_back_is_done_with),
		SHELF(a_thousand_drafts_are_kept),
		SHELF(holders_are_those_we_know_and_at_most_a_thousand),
		SHELF(sixty_four_witnesses_are_kept_and_never_one_that_knows_more_is_dropped),
		SHELF(a_hundred_feeds_are_wanted_without_following),
		SHELF(names_and_sentences_have_a_limit),
		cmocka_unit_test(only_one_path_signs_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
