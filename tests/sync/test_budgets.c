/*
 * sync/shares: what peers that are gone have used of their hour, counted in bytes. The connections
 * and the clock are played here.
 */
#include "lib/cmocka.h"

#include "store/reader.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/readers.h"
#include "sync/shares.h"

#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600000, FULL = LIMIT_PEER_BYTES_PER_HOUR_STRANGER };

/* A connection: what it may still use. */
struct peer {
	int64_t in, out;
};

struct loop_timer {
	bool is_set;
};

static struct world {
	struct env env;
	int64_t now_ms;
	struct sync sync;
} world;

/* What shares asks of others. */

static int64_t fake_ms(void *ctx)
{
	(void)ctx;
	return world.now_ms;
}

static void fake_random(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	memset(out, 7, count);
}

static void fake_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx)
{
	(void)loop;
	(void)on_due;
	(void)ctx;
	return calloc(1, sizeof(struct loop_timer));
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	timer->is_set = ms >= 0;
}

void loop_timer_clear(struct loop_timer *timer)
{
	timer->is_set = false;
}

void loop_timer_free(struct loop_timer *timer)
{
	free(timer);
}

void peer_allow(struct peer *peer, int64_t in, int64_t out)
{
	*peer = (struct peer){.in = in, .out = out};
}

void peer_allowance(const struct peer *peer, int64_t *in, int64_t *out)
{
	*in = peer->in;
	*out = peer->out;
}

const char *peer_remote(const struct peer *peer)
{
	(void)peer;
	return "net:somewhere";
}

struct feed *reach_known(struct reach *reach, const struct feed_id *id)
{
	(void)reach;
	(void)id;
	return NULL;
}

struct feed *reach_wanted(struct reach *reach, const struct feed_id *id)
{
	(void)reach;
	(void)id;
	return NULL; /* strangers, all of them */
}

struct feed *reach_at(struct reach *reach, uint32_t slot)
{
	(void)reach;
	(void)slot;
	return NULL;
}

uint32_t reach_slots(const struct reach *reach)
{
	(void)reach;
	return 0;
}

struct reader *readers_take(struct readers *readers)
{
	static char reader;
	(void)readers;
	return (struct reader *)(void *)&reader;
}

void readers_give(struct readers *readers, struct reader *reader)
{
	(void)readers;
	(void)reader;
}

enum err reader_shares(
	struct reader *reader, void (*on_share)(void *ctx, const struct share_row *row), void *ctx)
{
	(void)reader;
	(void)on_share;
	(void)ctx;
	return ERR_OK;
}

enum err writer_change(struct writer *writer, const struct change *change)
{
	(void)writer;
	(void)change;
	return ERR_OK;
}

void ebt_reach_changed(struct partner *partner)
{
	(void)partner;
}

void fetch_reach_changed(struct partner *partner)
{
	(void)partner;
}

void sync_changed(struct sync *sync)
{
	(void)sync;
}

/* Scenes. */

static int set_up(void **state)
{
	(void)state;
	world = (struct world){.now_ms = 1000};
	world.env = (struct env){.mono_ms = fake_ms,
		.wall_ms = fake_ms,
		.random = fake_random,
		.log_line = fake_log};
	world.sync.env = &world.env;
	assert_int_equal(shares_new(&world.sync, &world.sync.shares), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shares_stop(world.sync.shares);
	shares_free(world.sync.shares);
	return 0;
}

/* Peer `number` is here once, uses so much of what it may, and goes. What it might have used. */
static int64_t visit(uint32_t number, int64_t used)
{
	struct peer peer = {.in = 0};
	struct partner partner = {.sync = &world.sync, .peer = &peer};
	memcpy(partner.id.at, &number, sizeof(number));
	shares_ready(&partner, NULL);
	int64_t allowed = peer.in;
	peer.in -= used;
	shares_gone(&partner);
	return allowed;
}

static void who_goes_and_comes_back_has_no_more_than_before(void **state)
{
	(void)state;
	assert_int_equal(visit(1, FULL / 2), FULL);
	assert_int_equal(visit(1, FULL / 4), FULL - FULL / 2);
	world.now_ms += HOUR_MS / 4;
	assert_in_range(visit(1, 0), FULL / 4 + FULL / 5, FULL / 2);
	world.now_ms += HOUR_MS;
	assert_int_equal(visit(1, 0), FULL);
}

static void so_many_are_remembered_and_no_more_until_their_hour_is_over(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= LIMIT_BUDGETS; i++) {
		assert_int_equal(visit(i, FULL / 2), FULL);
	}
	assert_int_equal(visit(LIMIT_BUDGETS, 0), FULL - FULL / 2);
	assert_int_equal(visit(1, 0), FULL - FULL / 2);
	/* One above, and far above: they are strangers each time, and displace nobody. */
	for (uint32_t i = LIMIT_BUDGETS + 1; i <= 10 * LIMIT_BUDGETS; i++) {
		assert_int_equal(visit(i, FULL / 2), FULL);
	}
	assert_int_equal(visit(LIMIT_BUDGETS + 1, 0), FULL);
	for (uint32_t i = 1; i <= LIMIT_BUDGETS; i++) {
		assert_int_equal(visit(i, 0), FULL - FULL / 2);
	}
	/* Who would be full again makes room. */
	world.now_ms += HOUR_MS;
	assert_int_equal(visit(LIMIT_BUDGETS + 1, FULL / 2), FULL);
	assert_int_equal(visit(LIMIT_BUDGETS + 1, 0), FULL - FULL / 2);
}

static void who_used_little_takes_no_place(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 10 * LIMIT_BUDGETS; i++) {
		assert_int_equal(visit(i, 1000), FULL);
	}
	assert_int_equal(visit(1, FULL / 2), FULL);
	assert_int_equal(visit(1, 0), FULL - FULL / 2);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(who_goes_and_comes_back_has_no_more_than_before),
		SCENE(so_many_are_remembered_and_no_more_until_their_hour_is_over),
		SCENE(who_used_little_takes_no_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
