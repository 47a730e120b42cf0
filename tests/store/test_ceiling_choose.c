/* store/ceiling_choose: the far and the old first, never what is kept, and no more than need be. */
#include "lib/cmocka.h"

#include "store/ceiling_choose.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3000, MANY = 40 };

static uint64_t seed = 1;

/* Numbers that are the same in every run. */
static uint64_t next(uint64_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

struct world {
	struct ceiling_blob blobs[MANY];
	struct ceiling_feed feeds[MANY];
	struct ceiling_copy copies[8];
	struct ceiling_all all;
};

static void make(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->all = (struct ceiling_all){.blobs = world->blobs,
		.blob_count = next(MANY),
		.feeds = world->feeds,
		.feed_count = next(MANY),
		.copies = world->copies,
		.copy_count = next(8)};
	for (size_t i = 0; i < world->all.blob_count; i++) {
		struct ceiling_blob *blob = &world->blobs[i];
		blob->id.at[0] = (uint8_t)i;
		blob->bytes = 4096 * (int64_t)(1 + next(500));
		blob->used_ms = (int64_t)next(1000);
		blob->group = (enum ceiling_group)next(4);
		blob->hops = blob->group == CEILING_FAR ? 2 + (int)next(8) : 1;
	}
	for (size_t i = 0; i < world->all.feed_count; i++) {
		struct ceiling_feed *feed = &world->feeds[i];
		feed->id.at[0] = (uint8_t)i;
		feed->hops = (int)next(10);
		feed->is_kept = next(5) == 0;
		feed->head = next(2000);
		feed->first = 1 + next(feed->head + 1);
		feed->oldest_ms = (int64_t)next(100000);
		feed->newest_ms = feed->oldest_ms + (int64_t)next(100000);
		feed->message_bytes = 1 + (int64_t)next(2000);
	}
	for (size_t i = 0; i < world->all.copy_count; i++) {
		world->copies[i].bytes = (int64_t)next(1000000);
	}
}

static int64_t all_that_may_go(const struct world *world)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < world->all.blob_count; i++) {
		bytes += world->blobs[i].group == CEILING_KEPT ? 0 : world->blobs[i].bytes;
	}
	for (size_t i = 0; i < world->all.feed_count; i++) {
		const struct ceiling_feed *feed = &world->feeds[i];
		if (!feed->is_kept && feed->hops > 1 && feed->first <= feed->head) {
			bytes += (int64_t)(feed->head - feed->first + 1) * feed->message_bytes;
		}
	}
	for (size_t i = CEILING_COPIES_KEPT; i < world->all.copy_count; i++) {
		bytes += world->copies[i].bytes;
	}
	return bytes;
}

static void check_sum(const struct world *world, const struct ceiling_goes *goes)
{
	int64_t bytes = 0;
	uint64_t messages = 0;
	uint64_t blobs = 0;
	for (size_t i = 0; i < world->all.blob_count; i++) {
		bytes += world->blobs[i].goes ? world->blobs[i].bytes : 0;
		blobs += world->blobs[i].goes;
	}
	for (size_t i = 0; i < world->all.feed_count; i++) {
		const struct ceiling_feed *feed = &world->feeds[i];
		uint64_t count = feed->below - feed->first;
		assert_true(feed->below >= feed->first);
		assert_true(count == 0 || feed->below <= feed->head + 1);
		messages += count;
		bytes += (int64_t)count * feed->message_bytes;
	}
	for (size_t i = 0; i < world->all.copy_count; i++) {
		bytes += world->copies[i].goes ? world->copies[i].bytes : 0;
	}
	assert_int_equal(bytes, goes->bytes);
	assert_int_equal(messages, goes->messages);
	assert_int_equal(blobs, goes->blobs);
}

/* Nothing of a later kind goes while something of an earlier one stays. */
static void check_order(const struct world *world, const struct ceiling_goes *goes)
{
	bool stays[CEILING_KEPT + 1] = {false};
	bool goes_of[CEILING_KEPT + 1] = {false};
	for (size_t i = 0; i < world->all.blob_count; i++) {
		const struct ceiling_blob *blob = &world->blobs[i];
		stays[blob->group] = stays[blob->group] || !blob->goes;
		goes_of[blob->group] = goes_of[blob->group] || blob->goes;
		for (size_t j = 0; j < i; j++) {
			const struct ceiling_blob *before = &world->blobs[j];
			bool is_worse = before->group == blob->group &&
					(before->hops > blob->hops ||
						(before->hops == blob->hops &&
							before->used_ms < blob->used_ms));
			assert_false(is_worse && blob->goes && !before->goes);
		}
	}
	assert_false(goes_of[CEILING_KEPT]);
	assert_false(goes_of[CEILING_NEAR] && stays[CEILING_FAR]);
	assert_false(goes->messages > 0 && (stays[CEILING_FAR] || stays[CEILING_NEAR]));
	for (size_t i = 0; i < world->all.feed_count; i++) {
		const struct ceiling_feed *feed = &world->feeds[i];
		assert_false(feed->below > feed->first && (feed->is_kept || feed->hops < 2));
		bool is_left = !feed->is_kept && feed->hops > 1 && feed->first <= feed->head &&
			       feed->below <= feed->head;
		assert_false(goes_of[CEILING_PICTURE] && is_left);
		for (size_t j = 0; is_left && j < world->all.feed_count; j++) {
			const struct ceiling_feed *nearer = &world->feeds[j];
			assert_false(nearer->hops < feed->hops && nearer->below > nearer->first);
		}
	}
}

static void far_and_old_first_and_never_what_is_kept(void **state)
{
	struct world world;
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct ceiling_goes goes;
		make(&world);
		int64_t most = all_that_may_go(&world);
		int64_t need = (int64_t)next((uint64_t)most * 2 + 2);
		ceiling_choose(&world.all, need, &goes);
		check_sum(&world, &goes);
		check_order(&world, &goes);
		assert_int_equal(goes.is_enough, need <= most);
		assert_true(goes.bytes >= (need < most ? need : most));
		/* Not more than the last thing that had to go: a blob, a copy, a message. */
		assert_true(goes.bytes <= need + 2048000);
	}
}

static void nothing_goes_when_there_is_room(void **state)
{
	struct world world;
	struct ceiling_goes goes;
	(void)state;
	make(&world);
	ceiling_choose(&world.all, 0, &goes);
	assert_int_equal(goes.bytes, 0);
	assert_true(goes.is_enough);
	ceiling_choose(&world.all, INT64_MIN, &goes);
	assert_int_equal(goes.bytes, 0);
	check_sum(&world, &goes);
}

static void of_one_distance_the_older_messages_go_whoever_wrote_them(void **state)
{
	struct ceiling_feed feeds[] = {
		{.hops = 2,
			.first = 1,
			.head = 100,
			.oldest_ms = 0,
			.newest_ms = 999,
			.message_bytes = 10},
		{.hops = 2,
			.first = 1,
			.head = 100,
			.oldest_ms = 500,
			.newest_ms = 1499,
			.message_bytes = 10},
	};
	struct ceiling_all all = {.feeds = feeds, .feed_count = 2};
	struct ceiling_goes goes;
	(void)state;
	ceiling_choose(&all, 400, &goes);
	assert_int_equal(feeds[0].below, 41);
	assert_int_equal(feeds[1].below, 1);
	ceiling_choose(&all, 1000, &goes);
	assert_in_range(feeds[0].below, 74, 77);
	assert_in_range(feeds[1].below, 24, 27);
	assert_true(goes.is_enough);
}

static void what_is_held_for_others_has_its_share(void **state)
{
	struct world world;
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t all = 0;
		int64_t left = 0;
		int64_t kept = 0;
		make(&world);
		for (size_t j = 0; j < world.all.blob_count; j++) {
			all += world.blobs[j].bytes;
		}
		int64_t share = (int64_t)next((uint64_t)all + 2);
		int64_t gone = ceiling_choose_share(world.blobs, world.all.blob_count, share);
		for (size_t j = 0; j < world.all.blob_count; j++) {
			const struct ceiling_blob *blob = &world.blobs[j];
			assert_false(blob->goes && blob->group == CEILING_KEPT);
			left += blob->goes ? 0 : blob->bytes;
			kept += blob->group == CEILING_KEPT ? blob->bytes : 0;
		}
		assert_int_equal(left, all - gone);
		assert_true(left <= share || left == kept);
		assert_true(gone == 0 || left > share - 2048000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_and_old_first_and_never_what_is_kept),
		cmocka_unit_test(nothing_goes_when_there_is_room),
		cmocka_unit_test(of_one_distance_the_older_messages_go_whoever_wrote_them),
		cmocka_unit_test(what_is_held_for_others_has_its_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
