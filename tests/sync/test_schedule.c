/*
 * sync/schedule: hours of dialling in a moment. Everything around it is played here: the clock and
 * its timer, connections that come about and die, the store's addresses, the follow graph.
 */
#include "lib/cmocka.h"

#include "base/table.h"
#include "sync/ebt.h"
#include "sync/peers.h"
#include "sync/ping.h"
#include "sync/recover.h"
#include "sync/schedule.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	PEOPLE = 300,
	ROWS = 8,
	DIALS_KEPT = 4096,
	STEP_MS = 20,
	SHAKE_MS = 200,
	DEAF_MS = 3000,
	HOUR_MS = 3600000
};

/* One person out there. */
struct somebody {
	struct feed feed;                              /* hops: −1 not within reach */
	bool is_on, is_blocked, is_streaming, is_dead; /* dead: connected, and nothing moves */
	uint16_t port;                                 /* only there; 0: everywhere */
	uint64_t bytes_out;
	unsigned dials, probes;
	int64_t met_ms, longest_ms; /* … without a connection, once there was one */
};

struct loop_timer {
	void (*on_due)(void *ctx);
	void *ctx;
	int64_t due_ms; /* −1: not set */
};

/* A connection beside its partner. */
struct line {
	struct partner partner; /* first */
	struct somebody *person;
	int64_t due_ms;
	const char *reason; /* NULL: at due_ms it stands */
};

static struct world {
	struct env env;
	int64_t mono_ms, wall_ms;
	uint64_t chance;
	struct sync sync;
	struct loop_timer timer;
	unsigned wakes;
	struct somebody people[PEOPLE];
	struct address_row rows[ROWS];
	size_t row_count;
	const char *offline; /* why no dial leaves this machine */
	size_t most_dials, most_lines;
	struct {
		int64_t at_ms;
		uint16_t port;
	} dials[DIALS_KEPT];
	size_t dial_count;
	bool is_looking;
} world;

/* What the schedule asks of others. */

static int64_t fake_mono(void *ctx)
{
	(void)ctx;
	return world.mono_ms;
}

static int64_t fake_wall(void *ctx)
{
	(void)ctx;
	return world.wall_ms;
}

static void fake_random(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	for (size_t i = 0; i < count; i++) {
		world.chance = world.chance * 6364136223846793005u + 1442695040888963407u;
		out[i] = (uint8_t)(world.chance >> 56);
	}
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
	world.timer = (struct loop_timer){.on_due = on_due, .ctx = ctx, .due_ms = -1};
	return &world.timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	timer->due_ms = world.mono_ms + (ms < 0 ? 0 : ms);
}

void loop_timer_clear(struct loop_timer *timer)
{
	timer->due_ms = -1;
}

void loop_timer_free(struct loop_timer *timer)
{
	timer->due_ms = -1;
}

static struct feed_id id_of(unsigned number)
{
	struct feed_id id = {.at = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
				     (uint8_t)(number >> 8), (uint8_t)number, 1}};
	return id;
}

static struct somebody *person_of(const struct feed_id *id)
{
	unsigned number = (unsigned)id->at[0] << 24 | (unsigned)id->at[1] << 16 |
			  (unsigned)id->at[2] << 8 | id->at[3];
	return number < PEOPLE && id->at[4] == 1 ? &world.people[number] : NULL;
}

struct feed *reach_wanted(struct reach *reach, const struct feed_id *id)
{
	struct somebody *person = person_of(id);
	(void)reach;
	return person != NULL && person->feed.hops >= 0 ? &person->feed : NULL;
}

bool reach_is_blocking(struct reach *reach, const struct feed_id *from, const struct feed_id *to)
{
	const struct somebody *person = person_of(to);
	(void)reach;
	(void)from;
	return person != NULL && person->is_blocked;
}

bool recover_is_looking(const struct recover *recover)
{
	(void)recover;
	return world.is_looking;
}

struct reader *readers_take(struct readers *readers)
{
	return (struct reader *)readers;
}

void readers_give(struct readers *readers, struct reader *reader)
{
	(void)readers;
	(void)reader;
}

enum err reader_addresses(struct reader *reader,
	void (*on_address)(void *ctx, const struct address_row *row), void *ctx)
{
	(void)reader;
	for (size_t i = 0; i < world.row_count; i++) {
		on_address(ctx, &world.rows[i]);
	}
	return ERR_OK;
}

enum err writer_change(struct writer *writer, const struct change *change)
{
	(void)writer;
	(void)change;
	return ERR_OK;
}

void sync_changed(struct sync *sync)
{
	(void)sync;
}

uint64_t ebt_behind(const struct partner *partner)
{
	(void)partner;
	return 0;
}

static struct line *line_of(struct partner *partner)
{
	return (struct line *)(void *)partner;
}

void peer_figures(const struct peer *peer, struct peer_figures *out)
{
	const struct line *line = (const struct line *)(const void *)peer;
	*out = (struct peer_figures){.bytes_out = line->person->bytes_out};
}

/* As sync/ping: who is dead has not answered when the time is up. */
void ping_probe(struct partner *partner)
{
	struct line *line = line_of(partner);
	line->person->probes++;
	if (line->person->is_dead) {
		line->due_ms = world.mono_ms + LIMIT_PROBE_MS;
		line->reason = "no answer to a ping";
	}
}

struct partner *peers_ready(struct sync *sync, const struct feed_id *id)
{
	struct partner *partner = table_get(sync->ready, id->at);
	return partner != NULL && partner->is_closing ? NULL : partner;
}

struct partner *peers_any(struct sync *sync, const struct feed_id *id)
{
	struct partner *partner = sync->partners;
	while (partner != NULL && (partner->is_closing || !feed_id_equal(&partner->id, id))) {
		partner = partner->next;
	}
	return partner;
}

enum err peers_dial(
	struct sync *sync, const struct address *address, enum peer_via via, bool is_learned)
{
	struct somebody *person = person_of(&address->key);
	struct line *line = calloc(1, sizeof(*line));
	assert_non_null(line);
	assert_false(is_learned);
	line->person = person;
	line->partner = (struct partner){.sync = sync,
		.next = sync->partners,
		.peer = (struct peer *)line,
		.is_dialled_by_us = true,
		.id = address->key,
		.address = *address,
		.via = via};
	bool is_there = person != NULL && person->is_on &&
			(person->port == 0 || person->port == address->port);
	line->due_ms = world.mono_ms + (is_there ? SHAKE_MS : DEAF_MS);
	line->reason = world.offline != NULL ? world.offline : is_there ? NULL : "timed out";
	if (world.offline != NULL) {
		line->due_ms = world.mono_ms;
	}
	sync->partners = &line->partner;
	sync->partner_count++;
	if (person != NULL) {
		person->dials++;
	}
	if (world.dial_count < DIALS_KEPT) {
		world.dials[world.dial_count].at_ms = world.mono_ms;
		world.dials[world.dial_count].port = address->port;
	}
	world.dial_count++;
	return ERR_OK;
}

void peers_close(struct partner *partner, const char *reason)
{
	struct line *line = line_of(partner);
	partner->is_closing = true;
	line->reason = reason;
	line->due_ms = world.mono_ms + STEP_MS;
}

/* What the world does. */

static void gone(struct line *line)
{
	struct partner *partner = &line->partner;
	struct sync *sync = partner->sync;
	struct partner **at = &sync->partners;
	while (*at != partner) {
		at = &(*at)->next;
	}
	*at = partner->next;
	sync->partner_count--;
	if (partner->is_ready && table_get(sync->ready, partner->id.at) == partner) {
		(void)table_remove(sync->ready, partner->id.at);
	}
	schedule_gone(sync->schedule, partner, line->reason);
	free(line);
}

static void stand(struct line *line)
{
	struct partner *partner = &line->partner;
	partner->is_ready = true;
	partner->ready_ms = world.mono_ms;
	line->due_ms = INT64_MAX;
	assert_int_equal(table_put(partner->sync->ready, partner->id.at, partner), ERR_OK);
	schedule_ready(partner->sync->schedule, partner);
}

static void count_lines(void)
{
	size_t dials = 0;
	size_t lines = 0;
	for (struct partner *partner = world.sync.partners; partner != NULL;
		partner = partner->next) {
		struct somebody *person = line_of(partner)->person;
		dials += partner->is_ready ? 0 : 1;
		lines += partner->is_ready ? 1 : 0;
		if (partner->is_ready && person != NULL) {
			person->bytes_out += person->is_streaming ? 100000 : 0;
			if (person->met_ms > 0 &&
				world.mono_ms - person->met_ms > person->longest_ms) {
				person->longest_ms = world.mono_ms - person->met_ms;
			}
			person->met_ms = world.mono_ms;
		}
	}
	world.most_dials = dials > world.most_dials ? dials : world.most_dials;
	world.most_lines = lines > world.most_lines ? lines : world.most_lines;
}

static void fire(void)
{
	world.timer.due_ms = -1;
	world.wakes++;
	world.timer.on_due(world.timer.ctx);
}

static void run(int64_t ms)
{
	for (int64_t until = world.mono_ms + ms; world.mono_ms < until;) {
		world.mono_ms += STEP_MS;
		world.wall_ms += STEP_MS;
		struct partner *next;
		for (struct partner *partner = world.sync.partners; partner != NULL;
			partner = next) {
			struct line *line = line_of(partner);
			next = partner->next;
			if (line->due_ms > world.mono_ms) {
				continue;
			}
			if (line->reason == NULL) {
				stand(line);
			} else {
				gone(line);
			}
		}
		if (world.timer.due_ms >= 0 && world.timer.due_ms <= world.mono_ms) {
			fire();
		}
		count_lines();
	}
}

/* Whatever is connected breaks, with the word the kernel has for it. */
static void break_all(const char *reason)
{
	for (struct partner *partner = world.sync.partners; partner != NULL;
		partner = partner->next) {
		if (partner->is_ready) {
			line_of(partner)->reason = reason;
			line_of(partner)->due_ms = world.mono_ms;
		}
	}
}

static struct address address_of(unsigned number, uint16_t port)
{
	struct address address = {.port = port, .key = id_of(number)};
	(void)snprintf(address.host, sizeof(address.host), "10.0.0.1");
	return address;
}

static void name(unsigned number, uint16_t port)
{
	struct address address = address_of(number, port);
	schedule_add(world.sync.schedule, &address);
}

static void hear(unsigned number, uint16_t port)
{
	struct address address = address_of(number, port);
	schedule_heard(world.sync.schedule, &address);
}

static bool is_connected(unsigned number)
{
	struct feed_id id = id_of(number);
	return peers_ready(&world.sync, &id) != NULL;
}

static size_t connected(void)
{
	return table_count(world.sync.ready);
}

static void start(void)
{
	assert_int_equal(schedule_new(&world.sync, &world.sync.schedule), ERR_OK);
	schedule_touch(world.sync.schedule);
}

static int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.env = (struct env){.mono_ms = fake_mono,
		.wall_ms = fake_wall,
		.random = fake_random,
		.log_line = fake_log};
	world.mono_ms = HOUR_MS;
	world.wall_ms = 1760000000000;
	world.chance = 7;
	world.sync.env = &world.env;
	world.sync.self = id_of(1000000);
	world.sync.readers = (struct readers *)&world;
	world.sync.ready = table_new(&world.env, 4096);
	for (unsigned i = 0; i < PEOPLE; i++) {
		world.people[i].feed.hops = -1;
		world.people[i].is_on = true;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	schedule_stop(world.sync.schedule);
	while (world.sync.partners != NULL) {
		struct line *line = line_of(world.sync.partners);
		line->reason = "the node is stopping";
		gone(line);
	}
	schedule_free(world.sync.schedule);
	table_free(world.sync.ready);
	return 0;
}

static void follow(unsigned from, unsigned count)
{
	for (unsigned i = from; i < from + count; i++) {
		world.people[i].feed.hops = 1;
	}
}

/* Tests. */

static void only_who_is_within_reach_is_dialled_when_heard_and_others_are_listed(void **state)
{
	(void)state;
	start();
	world.people[1].feed.hops = 1;
	world.people[2].feed.hops = 2;
	world.people[3].feed.hops = 1;
	world.people[3].is_blocked = true;
	for (unsigned i = 0; i < 4; i++) {
		hear(i, 8008);
	}
	run(5000);
	assert_false(is_connected(0));
	assert_true(is_connected(1));
	assert_true(is_connected(2));
	assert_false(is_connected(3));
	assert_int_equal(world.people[0].dials + world.people[3].dials, 0);
	struct peer_row rows[8];
	assert_int_equal(schedule_rows(world.sync.schedule, rows, 8), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rows[i].state, PEER_STATE_AWAY);
		assert_int_equal(rows[i].via, PEER_VIA_LAN);
		assert_string_not_equal(rows[i].address, "");
	}
	/* Followed, it is dialled; the owner's name is enough, too. */
	world.people[0].feed.hops = 1;
	schedule_touch(world.sync.schedule);
	name(4, 8008);
	hear(0, 8008);
	run(5000);
	assert_true(is_connected(0));
	assert_true(is_connected(4));
}

static void who_looks_for_their_own_feed_asks_everybody_nearby(void **state)
{
	(void)state;
	world.is_looking = true;
	start();
	hear(0, 8008);
	run(5000);
	assert_true(is_connected(0));
}

static void what_worked_last_is_tried_first_then_the_others_in_turn(void **state)
{
	(void)state;
	static const int64_t reached[] = {5, 900, 0, 70};
	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		struct address address = address_of(0, (uint16_t)(10 + i));
		struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
		assert_int_equal(address_format(&address, &text), ERR_OK);
		memcpy(world.rows[i].text, text.at, text.len);
		world.rows[i].feed = address.key;
		world.rows[i].reached_ms = reached[i];
		buf_fini(&text);
	}
	world.row_count = LIMIT_WAYS;
	world.people[0].is_on = false;
	start();
	run((int64_t)LIMIT_WAYS * (DEAF_MS + 600));
	assert_true(world.dial_count >= LIMIT_WAYS);
	assert_int_equal(world.dials[0].port, 11);
	unsigned tried = 0;
	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		tried |= 1u << (world.dials[i].port - 10);
	}
	assert_int_equal(tried, 0xf);
	/* It comes up at one of them, and is lost: that one is the first to be tried again. */
	world.people[0].port = 12;
	world.people[0].is_on = true;
	run(HOUR_MS);
	assert_true(is_connected(0));
	size_t before = world.dial_count;
	break_all("reset");
	run(5000);
	assert_true(is_connected(0));
	assert_int_equal(world.dial_count, before + 1);
	assert_int_equal(world.dials[before].port, 12);
}

static void waits_grow_to_their_bound_and_begin_anew_behind_a_steady_connection(void **state)
{
	(void)state;
	follow(0, 1);
	world.people[0].is_on = false;
	start();
	name(0, 8008);
	run(10LL * HOUR_MS);
	/* 5 minutes on average: full jitter. */
	assert_in_range(world.dial_count, 10 * 60 / 10, 10 * 60 / 2);
	world.people[0].is_on = true;
	run(LIMIT_DIAL_BACKOFF_MS_MAX + 1000);
	assert_true(is_connected(0));
	run(LIMIT_STEADY_MS);
	break_all("reset");
	world.people[0].is_on = false;
	size_t before = world.dial_count;
	run(15000);
	assert_true(world.dial_count >= before + 3);
	/* One that is cut again and again is dialled ever more seldom. */
	world.people[0].is_on = true;
	run(LIMIT_DIAL_BACKOFF_MS_MAX);
	before = world.dial_count;
	for (int i = 0; i < 3600; i++) {
		run(1000);
		break_all("reset");
	}
	assert_true(world.dial_count - before < 40);
}

static void without_a_network_the_next_try_is_never_far(void **state)
{
	(void)state;
	follow(0, 40);
	world.offline = "no way to that network";
	start();
	for (unsigned i = 0; i < 40; i++) {
		name(i, 8008);
	}
	run(HOUR_MS);
	world.offline = NULL;
	run(LIMIT_DIAL_BACKOFF_MS_MAX_OFFLINE + LIMIT_SPREAD_MS + 1000);
	assert_true(connected() >= LIMIT_DIALLED_PEERS);
}

static void the_first_connection_after_an_outage_brings_the_others_back(void **state)
{
	(void)state;
	follow(0, 30);
	start();
	for (unsigned i = 0; i < 30; i++) {
		name(i, 8008);
		world.people[i].is_on = false;
	}
	run(HOUR_MS);
	for (unsigned i = 0; i < 30; i++) {
		world.people[i].is_on = true;
	}
	while (connected() == 0) {
		run(STEP_MS);
	}
	run(LIMIT_SPREAD_MS + 2000);
	assert_int_equal(connected(), 30);
}

/* No second holds more than a part of what came back. */
static void assert_spread(size_t from, size_t to)
{
	for (size_t i = from; i < to && i < DIALS_KEPT; i++) {
		size_t in_half_a_second = 0;
		for (size_t j = i; j < to && world.dials[j].at_ms - world.dials[i].at_ms < 500;
			j++) {
			in_half_a_second++;
		}
		assert_true(in_half_a_second <= (to - from) / 2);
	}
}

static void connect_all(unsigned count)
{
	follow(0, count);
	start();
	for (unsigned i = 0; i < count; i++) {
		name(i, 8008);
	}
	run(60000);
	assert_int_equal(connected(), count < LIMIT_DIALLED_PEERS ? count : LIMIT_DIALLED_PEERS);
}

static void when_all_connections_die_at_once_they_come_back_over_some_seconds(void **state)
{
	(void)state;
	connect_all(LIMIT_DIALLED_PEERS);
	size_t before = world.dial_count;
	break_all("reset");
	run(10000);
	assert_int_equal(connected(), LIMIT_DIALLED_PEERS);
	assert_int_equal(world.dial_count, before + LIMIT_DIALLED_PEERS);
	assert_spread(before, world.dial_count);
	assert_true(world.most_dials <= LIMIT_DIALS);
}

/* Half of the connections are dead, and 60 more people failed for long. */
static void sleep_and_wake(bool is_suspended)
{
	follow(0, 92);
	start();
	for (unsigned i = 0; i < 92; i++) {
		world.people[i].is_on = i < 32;
		name(i, 8008);
	}
	run(HOUR_MS);
	assert_int_equal(connected(), 32);
	unsigned dialled[92];
	for (unsigned i = 0; i < 92; i++) {
		world.people[i].is_dead = i < 16;
		world.people[i].probes = 0;
		dialled[i] = world.people[i].dials;
	}
	world.wall_ms += 8LL * HOUR_MS;
	world.mono_ms += is_suspended ? 0 : 8LL * HOUR_MS;
	for (unsigned i = 0; i < 16; i++) {
		world.people[i].is_on = false;
	}
	world.most_dials = 0;
	size_t before = world.dial_count;
	run(LIMIT_PULSE_MS + 100);
	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(world.people[i].probes, 1);
	}
	run(LIMIT_PROBE_MS + 2000);
	assert_int_equal(connected(), 16);
	run(60000); /* eight at a time, three seconds each */
	for (unsigned i = 32; i < 92; i++) {
		assert_true(world.people[i].dials > dialled[i]);
	}
	assert_true(world.most_dials <= LIMIT_DIALS);
	assert_spread(before, world.dial_count);
	for (unsigned i = 0; i < 16; i++) {
		world.people[i].is_dead = false;
		world.people[i].is_on = true;
	}
	run(5LL * 60000);
	assert_int_equal(connected(), 32);
}

static void after_a_suspend_the_dead_are_found_out_and_waits_forgiven(void **state)
{
	(void)state;
	sleep_and_wake(true);
}

static void a_timer_that_comes_hours_late_is_a_sleep_too(void **state)
{
	(void)state;
	sleep_and_wake(false);
}

static void a_clock_that_is_set_back_or_a_little_on_is_no_sleep(void **state)
{
	(void)state;
	connect_all(4);
	world.wall_ms -= 24LL * HOUR_MS;
	run(2 * LIMIT_PULSE_MS);
	world.wall_ms += LIMIT_ASLEEP_MS - 100;
	run(2 * LIMIT_PULSE_MS);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(world.people[i].probes, 0);
	}
}

static void nobody_to_dial_means_no_timer_and_idle_connections_few(void **state)
{
	(void)state;
	start();
	hear(0, 8008); /* not within reach */
	run(1000);
	world.wakes = 0;
	run(HOUR_MS);
	assert_int_equal(world.wakes, 0);
	assert_int_equal(world.timer.due_ms, -1);
	follow(1, 3);
	for (unsigned i = 1; i < 4; i++) {
		name(i, 8008);
	}
	run(60000);
	world.wakes = 0;
	run(HOUR_MS);
	assert_true(world.wakes <= HOUR_MS / LIMIT_PULSE_MS + 1);
}

static void outcome(void *ctx, const char *why)
{
	int *told = ctx;
	*told = why == NULL ? 1 : 2;
}

static void what_the_owner_asks_for_comes_on_top_of_the_slots(void **state)
{
	(void)state;
	connect_all(LIMIT_DIALLED_PEERS + 8);
	struct address address = address_of(200, 8008);
	int told = 0;
	schedule_connect(world.sync.schedule, &address, outcome, &told);
	run(1000);
	assert_int_equal(told, 1);
	run(2LL * HOUR_MS);
	assert_true(is_connected(200));
	assert_in_range(connected(), LIMIT_DIALLED_PEERS, LIMIT_DIALLED_PEERS + 2);
	world.people[201].is_on = false;
	address = address_of(201, 8008);
	told = 0;
	schedule_connect(world.sync.schedule, &address, outcome, &told);
	run(DEAF_MS + 1000);
	assert_int_equal(told, 2);
}

static void who_was_disconnected_by_the_owner_is_left_alone(void **state)
{
	(void)state;
	connect_all(2);
	struct feed_id id = id_of(0);
	schedule_hold(world.sync.schedule, &id);
	peers_close(peers_ready(&world.sync, &id), "disconnected by you");
	run(HOUR_MS);
	assert_false(is_connected(0));
	struct peer_row rows[4];
	assert_int_equal(schedule_rows(world.sync.schedule, rows, 4), 1);
	assert_int_equal(rows[0].state, PEER_STATE_AWAY);
	assert_string_equal(rows[0].why, "disconnected by you");
}

/* Closed for what it sent; then all happens that may end a wait. */
static void shun_and_tempt(unsigned number, int64_t ms)
{
	struct feed_id id = id_of(number);
	schedule_shun(world.sync.schedule, &id, HOUR_MS);
	peers_close(peers_ready(&world.sync, &id), "it sent too many invalid messages");
	for (int64_t left = ms; left > 0; left -= LIMIT_BEACON_MS) {
		hear(number, 8008);
		run(LIMIT_BEACON_MS);
		schedule_woke(world.sync.schedule);
	}
}

static void who_did_harm_is_not_dialled_for_an_hour_whatever_is_heard_of_it(void **state)
{
	(void)state;
	connect_all(2);
	unsigned before = world.people[0].dials;
	shun_and_tempt(0, HOUR_MS - LIMIT_BEACON_MS);
	assert_int_equal(world.people[0].dials, before);
	assert_true(is_connected(1));
	run(2LL * LIMIT_DIAL_BACKOFF_MS_MAX);
	assert_int_equal(world.people[0].dials, before + 1);
	assert_true(is_connected(0));
}

static void who_fell_silent_in_that_hour_is_not_dialled_either(void **state)
{
	(void)state;
	follow(0, 1);
	start();
	hear(0, 8008);
	run(LIMIT_BEACON_MS);
	assert_true(is_connected(0));
	shun_and_tempt(0, LIMIT_BEACON_MS);
	run(2LL * LIMIT_LAN_SILENCE_MS);
	struct peer_row row;
	assert_int_equal(schedule_rows(world.sync.schedule, &row, 1), 0);
	unsigned before = world.people[0].dials;
	hear(0, 8008);
	run(LIMIT_BEACON_MS);
	assert_int_equal(world.people[0].dials, before);
	run(2LL * LIMIT_LAN_SILENCE_MS);
	assert_int_equal(schedule_rows(world.sync.schedule, &row, 1), 0);
	run(HOUR_MS);
	assert_int_equal(schedule_rows(world.sync.schedule, &row, 1), 0);
	assert_int_equal(schedule_count(world.sync.schedule), 0);
	hear(0, 8008);
	run(LIMIT_BEACON_MS);
	assert_true(is_connected(0));
}

static void the_owner_may_end_that_hour(void **state)
{
	(void)state;
	connect_all(1);
	shun_and_tempt(0, LIMIT_BEACON_MS);
	assert_false(is_connected(0));
	name(0, 8008);
	run(LIMIT_BEACON_MS);
	assert_true(is_connected(0));
}

static void with_more_friends_than_slots_nobody_starves_and_who_streams_stays(void **state)
{
	(void)state;
	connect_all(100);
	unsigned streaming = 0;
	while (!is_connected(streaming)) {
		streaming++;
	}
	world.people[streaming].is_streaming = true;
	unsigned before = world.people[streaming].dials;
	world.most_lines = 0;
	run(4LL * HOUR_MS);
	assert_true(is_connected(streaming));
	assert_int_equal(world.people[streaming].dials, before);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(world.people[i].met_ms > 0);
		assert_true(world.people[i].longest_ms < 6LL * LIMIT_TURN_MS);
		assert_true(world.mono_ms - world.people[i].met_ms < 6LL * LIMIT_TURN_MS);
	}
	assert_true(world.most_lines <= LIMIT_DIALLED_PEERS + 1);
}

static void friends_who_are_away_cost_nobody_the_connection(void **state)
{
	(void)state;
	follow(0, 200);
	start();
	for (unsigned i = 0; i < 200; i++) {
		world.people[i].is_on = i % 6 == 0; /* 34 of them */
		name(i, 8008);
	}
	run(HOUR_MS);
	assert_int_equal(connected(), LIMIT_DIALLED_PEERS);
	/* Two are there and wait: no more turns than these two can take. */
	size_t closed = 0;
	for (unsigned i = 0; i < 200; i += 6) {
		closed += world.people[i].dials;
	}
	run(2LL * HOUR_MS);
	size_t after = 0;
	for (unsigned i = 0; i < 200; i += 6) {
		after += world.people[i].dials;
	}
	assert_true(after - closed < 34 * 2 * 6 + 34);
	assert_true(world.most_dials <= LIMIT_DIALS);
}

static size_t ways_tried(unsigned number)
{
	size_t count = 0;
	bool is_seen[65536] = {false};
	(void)number;
	for (size_t i = 0; i < world.dial_count && i < DIALS_KEPT; i++) {
		count += is_seen[world.dials[i].port] ? 0 : 1;
		is_seen[world.dials[i].port] = true;
	}
	return count;
}

static void a_person_has_so_many_addresses_and_no_more(void **state)
{
	(void)state;
	table_free(world.sync.ready);
	static const unsigned named[] = {LIMIT_WAYS, LIMIT_WAYS + 1, 1000 * LIMIT_WAYS};
	for (size_t i = 0; i < 3; i++) {
		for (int heard = 0; heard < 2; heard++) {
			assert_int_equal(set_up(NULL), 0);
			follow(0, 1);
			world.people[0].is_on = false;
			start();
			for (unsigned port = 1; port <= named[i]; port++) {
				if (heard == 1) {
					hear(0, (uint16_t)port);
				} else {
					name(0, (uint16_t)port);
				}
			}
			assert_int_equal(schedule_count(world.sync.schedule), 1);
			run(60000);
			assert_int_equal(ways_tried(0), LIMIT_WAYS);
			if (i + heard < 3) {
				assert_int_equal(tear_down(NULL), 0);
			}
		}
	}
}

static void so_many_are_heard_in_the_local_network_and_silence_makes_room(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < LIMIT_LAN_PEERS; i++) {
		hear(i, 8008);
	}
	assert_int_equal(schedule_count(world.sync.schedule), LIMIT_LAN_PEERS);
	for (unsigned i = LIMIT_LAN_PEERS; i < 1000 * LIMIT_LAN_PEERS; i++) {
		hear(i, 8008);
	}
	assert_int_equal(schedule_count(world.sync.schedule), LIMIT_LAN_PEERS);
	run(LIMIT_LAN_SILENCE_MS + 100);
	hear(LIMIT_LAN_PEERS + 1, 8008);
	assert_int_equal(schedule_count(world.sync.schedule), 1);
}

static void so_many_keys_are_known_and_no_more(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < LIMIT_KNOWN_ADDRESSES; i++) {
		name(i, 8008);
	}
	assert_int_equal(schedule_count(world.sync.schedule), LIMIT_KNOWN_ADDRESSES);
	for (unsigned i = LIMIT_KNOWN_ADDRESSES; i < 1000 * LIMIT_KNOWN_ADDRESSES; i++) {
		name(i, 8008);
	}
	assert_int_equal(schedule_count(world.sync.schedule), LIMIT_KNOWN_ADDRESSES);
	run(20000);
	assert_true(world.most_dials <= LIMIT_DIALS);
	assert_true(world.most_lines <= LIMIT_DIALLED_PEERS + 1);
	/* What the owner tries in vain leaves nothing behind. */
	int told = 0;
	struct address address = address_of(PEOPLE, 8008);
	address.key.at[4] = 2;
	schedule_connect(world.sync.schedule, &address, outcome, &told);
	assert_int_equal(told, 2);
}

static void made_up_addresses_do_not_end_the_wait_of_a_person(void **state)
{
	(void)state;
	follow(0, 1);
	world.people[0].is_on = false;
	start();
	for (uint16_t port = 1; port < 6000; port++) {
		hear(0, port);
		run(1000 / LIMIT_BEACONS_PER_SECOND);
	}
	/* Five minutes of beacons at their limit; each would be a dial at somebody's door. */
	assert_true(world.dial_count < 120);
	assert_true(world.most_dials <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(only_who_is_within_reach_is_dialled_when_heard_and_others_are_listed),
		SCENE(who_looks_for_their_own_feed_asks_everybody_nearby),
		SCENE(what_worked_last_is_tried_first_then_the_others_in_turn),
		SCENE(waits_grow_to_their_bound_and_begin_anew_behind_a_steady_connection),
		SCENE(without_a_network_the_next_try_is_never_far),
		SCENE(the_first_connection_after_an_outage_brings_the_others_back),
		SCENE(when_all_connections_die_at_once_they_come_back_over_some_seconds),
		SCENE(after_a_suspend_the_dead_are_found_out_and_waits_forgiven),
		SCENE(a_timer_that_comes_hours_late_is_a_sleep_too),
		SCENE(a_clock_that_is_set_back_or_a_little_on_is_no_sleep),
		SCENE(nobody_to_dial_means_no_timer_and_idle_connections_few),
		SCENE(what_the_owner_asks_for_comes_on_top_of_the_slots),
		SCENE(who_was_disconnected_by_the_owner_is_left_alone),
		SCENE(who_did_harm_is_not_dialled_for_an_hour_whatever_is_heard_of_it),
		SCENE(who_fell_silent_in_that_hour_is_not_dialled_either),
		SCENE(the_owner_may_end_that_hour),
		SCENE(with_more_friends_than_slots_nobody_starves_and_who_streams_stays),
		SCENE(friends_who_are_away_cost_nobody_the_connection),
		SCENE(a_person_has_so_many_addresses_and_no_more),
		SCENE(so_many_are_heard_in_the_local_network_and_silence_makes_room),
		SCENE(so_many_keys_are_known_and_no_more),
		SCENE(made_up_addresses_do_not_end_the_wait_of_a_person),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
