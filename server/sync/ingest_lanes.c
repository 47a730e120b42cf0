/*
 * A lane lives while something waits in it: made with the first message, gone with the last. Of its
 * connection only the serial is kept, as that may go before what it sent. feed->wait says in which
 * lane messages of the feed's present epoch wait, and how many.
 */
#include "sync/ingest_lanes.h"

#include "sync/peers.h"

#include <assert.h>
#include <stdlib.h>

/* To the end of the turn. */
static void queue_lane(struct lanes *lanes, struct lane *lane)
{
	lane->next = NULL;
	if (lanes->last == NULL) {
		lanes->first = lane;
	} else {
		lanes->last->next = lane;
	}
	lanes->last = lane;
}

static struct lane *lane_of(struct lanes *lanes, uint64_t serial)
{
	struct partner *from = peers_by_serial(lanes->sync, serial);
	if (from == NULL) {
		return &lanes->common;
	}
	struct lane **lane = &from->lanes[lanes->stage];
	if (*lane == NULL) {
		*lane = calloc(1, sizeof(**lane));
		if (*lane == NULL) {
			return &lanes->common;
		}
		(*lane)->serial = serial;
	}
	return *lane;
}

static void lane_done(struct lanes *lanes, struct lane *lane)
{
	if (lane == &lanes->common) {
		return;
	}
	struct partner *whose = peers_by_serial(lanes->sync, lane->serial);
	if (whose != NULL) {
		whose->lanes[lanes->stage] = NULL;
	}
	free(lane);
}

void lanes_put(struct lanes *lanes, struct item *item)
{
	struct lane_wait *wait = &item->feed->wait[lanes->stage];
	bool is_doomed = item->epoch != item->feed->epoch;
	struct lane *lane =
		wait->lane != NULL && !is_doomed ? wait->lane : lane_of(lanes, item->serial);
	if (!is_doomed) {
		wait->lane = lane;
		wait->count++;
	}
	item->next = NULL;
	if (lane->items == NULL) {
		lane->items = item;
		queue_lane(lanes, lane);
	} else {
		lane->last->next = item;
	}
	lane->last = item;
	lanes->count++;
}

struct item *lanes_take(struct lanes *lanes)
{
	struct lane *lane = lanes->first;
	if (lane == NULL) {
		return NULL;
	}
	struct item *item = lane->items;
	struct lane_wait *wait = &item->feed->wait[lanes->stage];
	lane->items = item->next;
	lanes->count--;
	if (item->epoch == item->feed->epoch) {
		assert(wait->lane == lane && wait->count > 0);
		wait->count--;
		wait->lane = wait->count == 0 ? NULL : lane;
	}
	lanes->first = lane->next;
	if (lanes->first == NULL) {
		lanes->last = NULL;
	}
	if (lane->items != NULL) {
		queue_lane(lanes, lane);
	} else {
		lane_done(lanes, lane);
	}
	return item;
}

void lanes_feed_failed(struct feed *feed)
{
	memset(feed->wait, 0, sizeof(feed->wait));
}
