/*
 * Messages go by age, not by feed: within one distance there is one moment, and what is older than
 * it goes, of every feed the same. The moment is found by halving, as if a feed's messages were
 * spread evenly between its oldest and its newest; where they are not, the next round corrects it.
 */
#include "store/ceiling_choose.h"

#include <stdlib.h>
#include <string.h>

static int by_order(const void *one, const void *two)
{
	const struct ceiling_blob *a = one;
	const struct ceiling_blob *b = two;
	if (a->group != b->group) {
		return a->group < b->group ? -1 : 1;
	}
	if (a->group == CEILING_FAR && a->hops != b->hops) {
		return a->hops > b->hops ? -1 : 1;
	}
	if (a->used_ms != b->used_ms) {
		return a->used_ms < b->used_ms ? -1 : 1;
	}
	return memcmp(a->id.at, b->id.at, ID_BYTES);
}

static void choose_blobs(
	struct ceiling_all *all, enum ceiling_group group, int64_t need, struct ceiling_goes *out)
{
	for (size_t i = 0; i < all->blob_count && out->bytes < need; i++) {
		struct ceiling_blob *blob = &all->blobs[i];
		if (blob->group == group) {
			blob->goes = true;
			out->blobs++;
			out->blob_bytes += blob->bytes;
			out->bytes += blob->bytes;
		}
	}
}

static void choose_copies(struct ceiling_all *all, int64_t need, struct ceiling_goes *out)
{
	for (size_t i = all->copy_count; i > CEILING_COPIES_KEPT && out->bytes < need; i--) {
		struct ceiling_copy *copy = &all->copies[i - 1];
		copy->goes = true;
		out->copies++;
		out->copy_bytes += copy->bytes;
		out->bytes += copy->bytes;
	}
}

static bool may_go(const struct ceiling_feed *feed, int hops)
{
	return !feed->is_kept && feed->hops == hops && feed->hops > 1 && feed->first <= feed->head;
}

/* How many of its messages are older than `moment`, about. */
static uint64_t older(const struct ceiling_feed *feed, int64_t moment)
{
	uint64_t count = feed->head - feed->first + 1;
	if (moment > feed->newest_ms) {
		return count;
	}
	if (moment <= feed->oldest_ms) {
		return 0;
	}
	double part = (double)(moment - feed->oldest_ms) /
		      (double)(feed->newest_ms - feed->oldest_ms + 1);
	uint64_t some = (uint64_t)(part * (double)count);
	return some < count ? some : count;
}

static int64_t weight(const struct ceiling_all *all, int hops, int64_t moment)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < all->feed_count; i++) {
		if (may_go(&all->feeds[i], hops)) {
			bytes += (int64_t)older(&all->feeds[i], moment) *
				 all->feeds[i].message_bytes;
		}
	}
	return bytes;
}

/* The earliest moment before which there is enough; the latest of all when there never is. */
static int64_t find_moment(const struct ceiling_all *all, int hops, int64_t need)
{
	int64_t low = INT64_MAX;
	int64_t high = INT64_MIN;
	for (size_t i = 0; i < all->feed_count; i++) {
		const struct ceiling_feed *feed = &all->feeds[i];
		if (may_go(feed, hops)) {
			low = feed->oldest_ms < low ? feed->oldest_ms : low;
			high = feed->newest_ms > high ? feed->newest_ms : high;
		}
	}
	if (low > high) {
		return INT64_MIN;
	}
	high++;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (weight(all, hops, middle) >= need) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return high;
}

/* Many messages may be of one moment: no more of them than need be. */
static void take(struct ceiling_feed *feed, uint64_t count, int64_t need, struct ceiling_goes *out)
{
	int64_t left = need - out->bytes;
	int64_t each = feed->message_bytes > 0 ? feed->message_bytes : 1;
	uint64_t enough = (uint64_t)((left + each - 1) / each);
	count = count < enough ? count : enough;
	if (count == 0) {
		return;
	}
	feed->below = feed->first + count;
	out->feeds++;
	out->messages += count;
	out->message_bytes += (int64_t)count * each;
	out->bytes += (int64_t)count * each;
}

static void choose_messages(
	struct ceiling_all *all, int hops, int64_t need, struct ceiling_goes *out)
{
	if (out->bytes >= need) {
		return;
	}
	int64_t moment = find_moment(all, hops, need - out->bytes);
	for (size_t i = 0; i < all->feed_count && out->bytes < need; i++) {
		struct ceiling_feed *feed = &all->feeds[i];
		if (may_go(feed, hops)) {
			take(feed, older(feed, moment), need, out);
		}
	}
}

void ceiling_choose(struct ceiling_all *all, int64_t need, struct ceiling_goes *out)
{
	*out = (struct ceiling_goes){.is_enough = true};
	for (size_t i = 0; i < all->blob_count; i++) {
		all->blobs[i].goes = false;
	}
	for (size_t i = 0; i < all->feed_count; i++) {
		all->feeds[i].below = all->feeds[i].first;
	}
	for (size_t i = 0; i < all->copy_count; i++) {
		all->copies[i].goes = false;
	}
	if (need <= 0) {
		return;
	}
	if (all->blob_count > 0) {
		qsort(all->blobs, all->blob_count, sizeof(*all->blobs), by_order);
	}
	choose_blobs(all, CEILING_FAR, need, out);
	choose_blobs(all, CEILING_NEAR, need, out);
	choose_copies(all, need, out);
	for (int hops = CEILING_HOPS_NONE; hops > 1; hops--) {
		choose_messages(all, hops, need, out);
	}
	choose_blobs(all, CEILING_PICTURE, need, out);
	out->is_enough = out->bytes >= need;
}

int64_t ceiling_choose_share(struct ceiling_blob *blobs, size_t count, int64_t share)
{
	int64_t bytes = 0;
	int64_t gone = 0;
	for (size_t i = 0; i < count; i++) {
		bytes += blobs[i].bytes;
		blobs[i].goes = false;
	}
	if (count > 0) {
		qsort(blobs, count, sizeof(*blobs), by_order);
	}
	for (size_t i = 0; i < count && bytes - gone > share; i++) {
		if (blobs[i].group != CEILING_KEPT) {
			blobs[i].goes = true;
			gone += blobs[i].bytes;
		}
	}
	return gone;
}
