/* Events wait bounded and merged. */
#include "api/events.h"

#include "lib/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_ms = 1000000;

static int64_t clock_ms(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct env env = {.mono_ms = clock_ms, .wall_ms = clock_ms};
static const struct feed_id self = {.at = {1}};

static struct events *begin(void)
{
	struct events *events = NULL;
	assert_int_equal(events_new(&env, &self, &events), ERR_OK);
	return events;
}

static struct committed post(uint32_t number, bool has_root)
{
	struct committed message = {.author = self,
		.sequence = number,
		.type = CONTENT_POST,
		.has_root = has_root,
		.is_home = !has_root};
	memcpy(message.key.at, &number, sizeof(number));
	message.root.at[0] = 7;
	return message;
}

static void commit(struct events *events, uint32_t first, size_t count, bool has_root)
{
	for (size_t i = 0; i < count; i++) {
		struct committed message = post(first + (uint32_t)i, has_root);
		events_on_commit(events, &(struct commit){.messages = &message, .count = 1});
	}
}

/* Take all; true when the frames are exactly `wanted` beginnings. */
static void expect(struct events *events, const char *const *wanted, size_t count)
{
	struct events_batch batch;
	events_take(events, &batch);
	assert_int_equal(batch.frame_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strncmp(batch.frames[i], wanted[i], strlen(wanted[i])), 0);
	}
	events_batch_fini(&batch);
}

static void merges_what_waits_and_is_empty_afterwards(void **state)
{
	static const char *const wanted[] = {
		"{\"ev\":\"fresh\",\"n\":3,\"ids\":[\"%", "{\"ev\":\"peers\"}"};
	struct events *events = begin();
	(void)state;
	assert_false(events_is_waiting(events));
	commit(events, 1, 3, false);
	events_on_peers(events);
	events_on_peers(events);
	assert_true(events_is_waiting(events));
	assert_int_equal(events_head(events), 3);
	expect(events, wanted, 2);
	assert_false(events_is_waiting(events));
	expect(events, wanted, 0);
	events_free(events);
}

static void a_blob_is_told_when_it_was_wanted_and_has_come(void **state)
{
	static const char *const wanted[] = {"{\"ev\":\"blob\",\"id\":\"&AwAA"};
	struct events *events = begin();
	struct blob_news news[] = {
		{.event = BLOB_CAME, .id = {.at = {1}}},
		{.event = BLOB_WANTED, .id = {.at = {2}}},
		{.event = BLOB_CAME, .id = {.at = {3}}, .was_wanted = true},
		{.event = BLOB_CAME, .id = {.at = {3}}, .was_wanted = true},
		{.event = BLOB_GONE, .id = {.at = {4}}, .was_wanted = true},
	};
	(void)state;
	events_on_commit(events, &(struct commit){.blobs = news, .blob_count = 2});
	assert_false(events_is_waiting(events));
	events_on_commit(events, &(struct commit){.blobs = news, .blob_count = 5});
	expect(events, wanted, 1);
	/* More than fit are asked for afresh. */
	for (size_t i = 0; i <= EVENTS_IDS_MAX; i++) {
		news[2].id.at[1] = (uint8_t)i;
		events_on_commit(events, &(struct commit){.blobs = news + 2, .blob_count = 1});
	}
	static const char *const afresh[] = {"{\"ev\":\"resync\"}"};
	expect(events, afresh, 1);
	events_free(events);
}

static struct outbox_news news_of(const char *nonce, enum outbox_state state)
{
	return (struct outbox_news){.nonce = span_text(nonce), .state = state, .why = ""};
}

static void the_last_word_about_each_held_post_and_each_draft_is_told(void **state)
{
	static const char *const wanted[] = {"{\"ev\":\"outbox\",\"nonce\":\"a\",\"state\":"
					     "\"stored\",\"id\":\"%BwAAAA",
		"{\"ev\":\"outbox\",\"nonce\":\"b\",\"state\":\"draft\",\"id\":null,\"said\":"
		"\"why\"}",
		"{\"ev\":\"writing\",\"name\":\"home\",\"rev\":5}"};
	struct events *events = begin();
	struct outbox_news news = news_of("a", OUTBOX_HELD);
	(void)state;
	events_on_outbox(events, &news);
	news.state = OUTBOX_STORED;
	news.key.at[0] = 7;
	events_on_outbox(events, &news);
	news = news_of("b", OUTBOX_DRAFT);
	news.why = "why";
	events_on_outbox(events, &news);
	events_on_writing(events, span_text("home"), 4);
	events_on_writing(events, span_text("home"), 5);
	assert_true(events_is_waiting(events));
	expect(events, wanted, 3);
	assert_false(events_is_waiting(events));
	events_free(events);
}

static void more_held_posts_or_drafts_than_fit_are_asked_for(void **state)
{
	static const char *const resync[] = {"{\"ev\":\"resync\"}"};
	char name[16];
	(void)state;
	for (int count = EVENTS_OUTBOX_MAX; count < 100 * EVENTS_OUTBOX_MAX; count *= 10) {
		for (int more = 0; more < 2; more++) {
			struct events *events = begin();
			struct events_batch batch;
			for (int i = 0; i < count + more; i++) {
				(void)snprintf(name, sizeof(name), "%d", i);
				struct outbox_news news = news_of(name, OUTBOX_HELD);
				events_on_outbox(events, &news);
				events_on_writing(events, span_text(name), 1);
			}
			events_take(events, &batch);
			bool is_over = count + more > EVENTS_OUTBOX_MAX;
			assert_int_equal(batch.frame_count,
				EVENTS_OUTBOX_MAX + EVENTS_WRITINGS_MAX + is_over);
			assert_int_equal(strcmp(batch.frames[0], resync[0]) == 0 ? 1 : 0, is_over);
			events_batch_fini(&batch);
			events_free(events);
		}
	}
}

static void counts_of_what_is_new_are_told_when_they_change(void **state)
{
	static const char *const wanted[] = {
		"{\"ev\":\"unread\",\"home\":3,\"activity\":1,\"private\":2}"};
	struct events_unread unread = {.home = 3};
	struct events *events = begin();
	(void)state;
	events_on_unread(events, &unread); /* a page has it from its first question */
	assert_false(events_is_waiting(events));
	unread.activity = 1;
	unread.private = 2;
	events_on_unread(events, &unread);
	events_on_unread(events, &unread);
	assert_true(events_is_waiting(events));
	expect(events, wanted, 1);
	events_on_unread(events, &unread);
	expect(events, wanted, 0);
	events_free(events);
}

static void of_everybodys_posts_only_the_number_is_told_however_many(void **state)
{
	static const char *const wanted[] = {"{\"ev\":\"wide\",\"n\":5000,\"who\":[\"@"};
	struct events *events = begin();
	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		struct committed message = post(i, false);
		message.author.at[1] = (uint8_t)(i % 200);
		message.author.at[0] = 9;
		message.is_home = false;
		message.is_shown = true;
		events_on_commit(events, &(struct commit){.messages = &message, .count = 1});
		message.is_shown = false; /* somebody who is muted */
		events_on_commit(events, &(struct commit){.messages = &message, .count = 1});
	}
	expect(events, wanted, 1);
	assert_false(events_is_waiting(events));
	events_free(events);
}

static void what_is_shown_ahead_is_news_once(void **state)
{
	static const char *const news[] = {
		"{\"ev\":\"fresh\",\"n\":1,\"ids\":[\"%", "{\"ev\":\"people\",\"ids\":[\"@"};
	static const char *const later[] = {
		"{\"ev\":\"changed\",\"ids\":[\"%", "{\"ev\":\"people\",\"ids\":[\"@"};
	static const char *const gone[] = {"{\"ev\":\"resync\"}"};
	struct events *events = begin();
	struct committed message = post(1, false);
	(void)state;
	message.author.at[0] = 9;
	events_on_commit(events, &(struct commit){.ahead = &message, .ahead_count = 1});
	expect(events, news, 2);
	message.was_shown = true;
	events_on_commit(events, &(struct commit){.ahead = &message, .ahead_count = 1});
	expect(events, later, 2);
	events_on_commit(events, &(struct commit){.messages = &message, .count = 1});
	expect(events, later, 2);
	events_on_commit(events, &(struct commit){.is_ahead_gone = true});
	expect(events, gone, 1);
	assert_int_equal(events_head(events), 0);
	events_free(events);
}

static void tells_sync_and_holders_only_when_they_changed(void **state)
{
	static const char *const sync[] = {
		"{\"ev\":\"sync\",\"phase\":\"receiving\",\"behind\":5}"};
	static const char *const held[] = {
		"{\"ev\":\"holders\",\"sequence\":4,\"n\":1,\"names\":[\"Ana\"]}"};
	struct events_holders holders = {
		.sequence = 4, .count = 1, .names = {"Ana"}, .name_count = 1};
	struct events *events = begin();
	(void)state;
	events_on_sync(events, true, 5);
	expect(events, sync, 1);
	events_on_sync(events, true, 5);
	assert_false(events_is_waiting(events));
	events_on_holders(events, &holders);
	expect(events, held, 1);
	events_on_holders(events, &holders);
	assert_false(events_is_waiting(events));
	events_free(events);
}

static void tells_state_and_cause_when_either_changed(void **state)
{
	static const char *const claim[] = {
		"{\"ev\":\"state\",\"is\":\"SUSPECT\",\"cause\":\"claim\"}"};
	static const char *const returned[] = {
		"{\"ev\":\"state\",\"is\":\"SUSPECT\",\"cause\":\"returned\"}",
		"{\"ev\":\"safety\"}", "{\"ev\":\"devices\"}"};
	static const char *const clean[] = {"{\"ev\":\"state\",\"is\":\"CLEAN\",\"cause\":null}"};
	struct events *events = begin();
	(void)state;
	events_on_state(events, "CLEAN", ""); /* a page asks for the first one */
	assert_false(events_is_waiting(events));
	events_on_state(events, "SUSPECT", "claim");
	expect(events, claim, 1);
	events_on_state(events, "SUSPECT", "claim");
	assert_false(events_is_waiting(events));
	events_on_state(events, "SUSPECT", "returned");
	events_on_safety(events);
	events_on_safety(events);
	events_on_devices(events);
	events_on_devices(events);
	expect(events, returned, 3);
	events_on_state(events, "CLEAN", "");
	expect(events, clean, 1);
	events_free(events);
}

static void names_the_replies_of_a_watched_thread(void **state)
{
	struct events *events = begin();
	struct events_batch batch;
	struct message_id root = {.at = {7}};
	struct message_id other = {.at = {8}};
	(void)state;
	commit(events, 1, 2, true);
	events_take(events, &batch);
	char *frame = events_thread_frame(&batch, &root);
	assert_non_null(strstr(frame, "{\"ev\":\"changed\",\"ids\":[\"%AQ"));
	free(frame);
	assert_null(events_thread_frame(&batch, &other));
	events_batch_fini(&batch);
	events_free(events);
}

static void says_resync_for_more_than_fits_and_not_too_often(void **state)
{
	static const char *const fresh[] = {"{\"ev\":\"fresh\",\"n\":50"};
	static const char *const resync[] = {"{\"ev\":\"resync\"}"};
	struct events *events = begin();
	(void)state;
	commit(events, 1, EVENTS_IDS_MAX, false);
	expect(events, fresh, 1);
	commit(events, 1, EVENTS_IDS_MAX + 1, false);
	expect(events, resync, 1);
	/* Again at once, and far above: it is owed, and paid later. */
	commit(events, 1, (size_t)1000 * EVENTS_IDS_MAX, false);
	expect(events, resync, 0);
	assert_true(events_is_waiting(events));
	now_ms += EVENTS_RESYNC_MS;
	expect(events, resync, 1);
	assert_false(events_is_waiting(events));
	commit(events, 1, (size_t)1000 * EVENTS_REPLIES_MAX, true);
	now_ms += EVENTS_RESYNC_MS;
	expect(events, resync, 1);
	events_free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_everybodys_posts_only_the_number_is_told_however_many),
		cmocka_unit_test(counts_of_what_is_new_are_told_when_they_change),
		cmocka_unit_test(merges_what_waits_and_is_empty_afterwards),
		cmocka_unit_test(a_blob_is_told_when_it_was_wanted_and_has_come),
		cmocka_unit_test(what_is_shown_ahead_is_news_once),
		cmocka_unit_test(tells_sync_and_holders_only_when_they_changed),
		cmocka_unit_test(the_last_word_about_each_held_post_and_each_draft_is_told),
		cmocka_unit_test(more_held_posts_or_drafts_than_fit_are_asked_for),
		cmocka_unit_test(tells_state_and_cause_when_either_changed),
		cmocka_unit_test(names_the_replies_of_a_watched_thread),
		cmocka_unit_test(says_resync_for_more_than_fits_and_not_too_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
