/* sync/schedule_choose: who is dialled and who gives way. */
#include "lib/cmocka.h"

#include "sync/schedule_choose.h"

#include <stdlib.h>
#include <string.h>

enum { FAR = LIMIT_HOPS_MAX + 1, MANY = 1000 * LIMIT_DIALLED_PEERS, HOUR_MS = 3600000 };
static const int64_t NOW = 100 * HOUR_MS;

static struct choose_fact facts[MANY + 64];
static size_t count;

static struct choose_fact *add(enum choose_state state, int hops, bool is_lan)
{
	struct choose_fact *fact = &facts[count++];
	*fact = (struct choose_fact){.state = state,
		.hops = hops,
		.is_lan = is_lan,
		.turn_ms = CHOOSE_NEVER,
		.since_ms = NOW - HOUR_MS,
		.busy_ms = CHOOSE_NEVER};
	return fact;
}

static void add_many(size_t many, enum choose_state state, int hops, bool is_lan)
{
	for (size_t i = 0; i < many; i++) {
		(void)add(state, hops, is_lan);
	}
}

static struct choice chosen(int64_t now)
{
	struct choice choice;
	choose(facts, count, &choose_slots, now, &choice);
	assert_true(choice.dial == CHOOSE_NONE || choice.close == CHOOSE_NONE);
	if (choice.dial == CHOOSE_NONE && choice.close == CHOOSE_NONE) {
		assert_true(choice.next_ms == -1 || choice.next_ms > now); /* never a busy loop */
	} else {
		assert_int_equal(choice.next_ms, -1);
	}
	return choice;
}

static int set_up(void **state)
{
	(void)state;
	count = 0;
	return 0;
}

static void friends_come_first_then_the_local_network_then_others(void **state)
{
	(void)state;
	(void)add(CHOOSE_WAITING, FAR, false);
	(void)add(CHOOSE_WAITING, 2, true);
	(void)add(CHOOSE_WAITING, 1, false);
	static const size_t order[] = {2, 1, 0};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(chosen(NOW).dial, order[i]);
		facts[order[i]].state = CHOOSE_CONNECTED;
	}
	assert_int_equal(chosen(NOW).dial, CHOOSE_NONE);
	/* A friend in the local network is a friend. */
	assert_int_equal(
		choose_group(&(struct choose_fact){.hops = 1, .is_lan = true}), CHOOSE_FRIENDS);
}

static void within_a_group_the_longest_without_a_turn_comes_first(void **state)
{
	(void)state;
	add(CHOOSE_WAITING, 1, false)->turn_ms = NOW - 5;
	add(CHOOSE_WAITING, 1, false)->turn_ms = NOW - 9;
	add(CHOOSE_WAITING, 1, false)->due_ms = NOW + 1;
	assert_int_equal(chosen(NOW).dial, 1);
	(void)add(CHOOSE_WAITING, 1, false);
	assert_int_equal(chosen(NOW).dial, 3);
	facts[3].hops = FAR;
	facts[3].turn_ms = NOW - 7;
	(void)add(CHOOSE_WAITING, 3, false);
	facts[4].turn_ms = NOW - 7;
	facts[0].state = facts[1].state = facts[2].state = CHOOSE_CONNECTED;
	assert_int_equal(chosen(NOW).dial, 4); /* the nearer of two alike */
}

static void nobody_is_dialled_before_it_is_due(void **state)
{
	(void)state;
	add(CHOOSE_WAITING, 1, false)->due_ms = NOW + 700;
	add(CHOOSE_WAITING, FAR, false)->due_ms = NOW + 500;
	struct choice choice = chosen(NOW);
	assert_int_equal(choice.dial, CHOOSE_NONE);
	assert_int_equal(choice.next_ms, NOW + 500);
	assert_int_equal(chosen(NOW + 500).dial, 1);
	count = 0;
	assert_int_equal(chosen(NOW).next_ms, -1); /* nobody: no wake-up */
}

/* Do all dials as they are chosen; returns how many. */
static size_t dial_all(enum choose_state becomes)
{
	size_t dialled = 0;
	for (size_t next; (next = chosen(NOW).dial) != CHOOSE_NONE; dialled++) {
		facts[next].state = becomes;
	}
	return dialled;
}

static void dials_under_way_stay_at_their_limit(void **state)
{
	(void)state;
	static const size_t waiting[] = {LIMIT_DIALS, LIMIT_DIALS + 1, 1000 * LIMIT_DIALS};
	for (size_t i = 0; i < 3; i++) {
		count = 0;
		add_many(waiting[i], CHOOSE_WAITING, 1, false);
		assert_int_equal(dial_all(CHOOSE_DIALLING), LIMIT_DIALS);
		facts[0].state = CHOOSE_CONNECTED;
		assert_int_equal(dial_all(CHOOSE_DIALLING), waiting[i] > LIMIT_DIALS ? 1 : 0);
	}
	/* A dial of the owner is one of them, too. */
	count = 0;
	add(CHOOSE_DIALLING, 1, false)->is_on_top = true;
	add_many(LIMIT_DIALS, CHOOSE_WAITING, 1, false);
	assert_int_equal(dial_all(CHOOSE_DIALLING), LIMIT_DIALS - 1);
}

static void unused_slots_are_anybodys_up_to_the_limit(void **state)
{
	(void)state;
	static const size_t waiting[] = {
		LIMIT_DIALLED_PEERS, LIMIT_DIALLED_PEERS + 1, 1000 * LIMIT_DIALLED_PEERS};
	static const int hops[] = {1, 2, FAR};
	for (size_t i = 0; i < 9; i++) {
		count = 0;
		add_many(waiting[i % 3], CHOOSE_WAITING, hops[i / 3], hops[i / 3] == 2);
		size_t dialled = 0;
		for (size_t next; (next = chosen(NOW).dial) != CHOOSE_NONE; dialled++) {
			facts[next].state = CHOOSE_CONNECTED;
			facts[next].since_ms = NOW;
		}
		assert_int_equal(dialled, LIMIT_DIALLED_PEERS);
	}
}

static void a_friend_takes_the_place_of_a_stranger(void **state)
{
	(void)state;
	add_many(LIMIT_DIALLED_PEERS - 1, CHOOSE_CONNECTED, FAR, false);
	struct choose_fact *oldest = add(CHOOSE_CONNECTED, FAR, false);
	struct choose_fact *friend = add(CHOOSE_WAITING, 1, false);
	oldest->since_ms -= 5;
	/* It is dialled beyond the slots; nobody is closed until it stands. */
	struct choice choice = chosen(NOW);
	assert_ptr_equal(&facts[choice.dial], friend);
	friend->state = CHOOSE_DIALLING;
	(void)add(CHOOSE_WAITING, 1, false);
	choice = chosen(NOW);
	assert_int_equal(choice.dial, CHOOSE_NONE); /* one at a time */
	assert_int_equal(choice.close, CHOOSE_NONE);
	friend->state = CHOOSE_CONNECTED;
	friend->since_ms = NOW;
	choice = chosen(NOW);
	assert_ptr_equal(&facts[choice.close], oldest);
	oldest->state = CHOOSE_NOBODY;
	assert_int_equal(chosen(NOW).dial, count - 1);
}

static void the_local_network_gives_way_to_friends_and_others_to_it(void **state)
{
	(void)state;
	add_many(LIMIT_DIALLED_PEERS - 6, CHOOSE_CONNECTED, 2, true);
	add_many(6, CHOOSE_CONNECTED, FAR, false);
	(void)add(CHOOSE_WAITING, 1, false);
	assert_int_equal(chosen(NOW).dial, count - 1);
	facts[count - 1].state = CHOOSE_CONNECTED;
	facts[count - 1].since_ms = NOW;
	/* The farthest that has more than its slots. */
	size_t gone = chosen(NOW).close;
	assert_int_equal(choose_group(&facts[gone]), CHOOSE_OTHERS);
	facts[gone].state = CHOOSE_NOBODY;
	for (int i = 0; i < 2; i++) {
		(void)add(CHOOSE_CONNECTED, 1, false);
		facts[count - 1].since_ms = NOW;
		gone = chosen(NOW).close;
		assert_int_not_equal(gone, CHOOSE_NONE);
		assert_int_equal(choose_group(&facts[gone]), i == 0 ? CHOOSE_OTHERS : CHOOSE_LAN);
		facts[gone].state = CHOOSE_NOBODY;
	}
}

static void each_group_keeps_its_own_slots(void **state)
{
	(void)state;
	add_many(LIMIT_DIALLED_PEERS - LIMIT_SLOTS_OTHERS, CHOOSE_CONNECTED, 1, false);
	add_many(LIMIT_SLOTS_OTHERS, CHOOSE_CONNECTED, FAR, false);
	for (size_t i = 0; i < LIMIT_DIALLED_PEERS; i++) {
		facts[i].since_ms = NOW - LIMIT_TURN_MS + 1; /* no turn is over */
	}
	(void)add(CHOOSE_WAITING, 1, false);
	struct choice choice = chosen(NOW);
	assert_int_equal(choice.dial, CHOOSE_NONE);
	assert_int_equal(choice.next_ms, NOW + 1);
	/* One stranger is gone and its slot went to a friend: the next stranger gets it back. */
	facts[LIMIT_DIALLED_PEERS - 1].hops = 1;
	(void)add(CHOOSE_WAITING, FAR, false);
	assert_int_equal(chosen(NOW).dial, count - 1);
}

static void a_stranger_never_pushes_out_a_friend_within_its_slots(void **state)
{
	(void)state;
	add_many(LIMIT_SLOTS_FRIENDS, CHOOSE_CONNECTED, 1, false);
	add_many(LIMIT_SLOTS_LAN + LIMIT_SLOTS_OTHERS, CHOOSE_CONNECTED, FAR, false);
	(void)add(CHOOSE_WAITING, FAR, false);
	assert_int_equal(chosen(NOW).dial, count - 1);
	facts[count - 1].state = CHOOSE_CONNECTED;
	facts[count - 1].since_ms = NOW;
	assert_int_equal(choose_group(&facts[chosen(NOW).close]), CHOOSE_OTHERS);
}

static void who_streams_messages_is_not_cut(void **state)
{
	(void)state;
	add_many(LIMIT_DIALLED_PEERS, CHOOSE_CONNECTED, FAR, false);
	for (size_t i = 0; i < count; i++) {
		facts[i].busy_ms = NOW - LIMIT_BUSY_MS + 5;
	}
	(void)add(CHOOSE_WAITING, 1, false);
	struct choice choice = chosen(NOW);
	assert_int_equal(choice.dial, CHOOSE_NONE);
	assert_int_equal(choice.next_ms, NOW + 5);
	assert_int_equal(chosen(NOW + 5).dial, count - 1);
	/* All became busy while the friend was dialled: one more stays for a while. */
	facts[count - 1].state = CHOOSE_CONNECTED;
	facts[count - 1].since_ms = NOW;
	choice = chosen(NOW);
	assert_int_equal(choice.close, CHOOSE_NONE);
	assert_int_equal(choice.next_ms, NOW + 5);
	assert_int_not_equal(chosen(NOW + 5).close, CHOOSE_NONE);
}

static void what_just_came_about_stays_a_while(void **state)
{
	(void)state;
	add_many(LIMIT_DIALLED_PEERS, CHOOSE_CONNECTED, FAR, false);
	for (size_t i = 0; i < count; i++) {
		facts[i].since_ms = NOW;
	}
	(void)add(CHOOSE_WAITING, 1, false);
	assert_int_equal(chosen(NOW).next_ms, NOW + LIMIT_STEADY_MS);
	facts[count - 1].hops = FAR;
	assert_int_equal(chosen(NOW).next_ms, NOW + LIMIT_TURN_MS);
}

static void what_the_owner_asked_for_takes_no_slot_and_stays(void **state)
{
	(void)state;
	add_many(LIMIT_DIALLED_PEERS * 3, CHOOSE_CONNECTED, FAR, false);
	for (size_t i = 0; i < count; i++) {
		facts[i].is_on_top = true;
	}
	assert_int_equal(chosen(NOW).close, CHOOSE_NONE);
	add_many(LIMIT_DIALLED_PEERS, CHOOSE_WAITING, 1, false);
	assert_int_equal(dial_all(CHOOSE_CONNECTED), LIMIT_DIALLED_PEERS);
	(void)add(CHOOSE_CONNECTED, 1, false);
	assert_false(facts[chosen(NOW).close].is_on_top);
}

static void waits_double_up_to_their_bound_and_are_spread_over_all_of_it(void **state)
{
	(void)state;
	const int64_t least = LIMIT_DIAL_BACKOFF_MS_MIN / 2;
	int64_t bound = LIMIT_DIAL_BACKOFF_MS_MIN;
	for (unsigned failures = 1; failures < 40; failures++) {
		int64_t max = LIMIT_DIAL_BACKOFF_MS_MAX;
		int64_t top = bound < max ? bound : max;
		assert_int_equal(choose_backoff_ms(failures, max, 0), least);
		assert_int_equal(choose_backoff_ms(failures, max, UINT32_MAX), top);
		int64_t half = choose_backoff_ms(failures, max, UINT32_MAX / 2);
		assert_in_range(half, (least + top) / 2 - 1, (least + top) / 2 + 1);
		bound = bound < max ? bound * 2 : bound;
	}
	assert_int_equal(choose_backoff_ms(0, 600000, UINT32_MAX), LIMIT_DIAL_BACKOFF_MS_MIN);
	assert_int_equal(choose_backoff_ms(UINT32_MAX, LIMIT_DIAL_BACKOFF_MS_MAX, UINT32_MAX),
		LIMIT_DIAL_BACKOFF_MS_MAX);
	assert_int_equal(choose_backoff_ms(UINT32_MAX, LIMIT_DIAL_BACKOFF_MS_MAX_LAN, UINT32_MAX),
		LIMIT_DIAL_BACKOFF_MS_MAX_LAN);
	assert_int_equal(choose_spread_ms(0, UINT32_MAX), 0);
	assert_int_equal(choose_spread_ms(LIMIT_SPREAD_MS, UINT32_MAX), LIMIT_SPREAD_MS);
	assert_int_equal(choose_spread_ms(LIMIT_SPREAD_MS, 0), 0);
}

/* Hours of a world: each person is on or off for a while; dials of who is off fail. */
struct person {
	bool is_on, is_streaming;
	int64_t flip_ms, dial_ms;
	unsigned failures;
	int64_t met_ms, longest_ms; /* connected last; the longest time without, while on */
};

enum { PEOPLE = 120, DIAL_MS = 3000 };
static struct person people[PEOPLE];
static uint64_t chance;

static uint32_t draw(void)
{
	chance = chance * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance >> 32);
}

static void fail_dial(size_t i, int64_t now)
{
	facts[i].state = CHOOSE_WAITING;
	facts[i].turn_ms = now;
	people[i].failures++;
	facts[i].due_ms =
		now + choose_backoff_ms(people[i].failures, LIMIT_DIAL_BACKOFF_MS_MAX, draw());
}

static void drop(size_t i, int64_t now)
{
	facts[i].state = CHOOSE_WAITING;
	facts[i].turn_ms = now;
	people[i].failures = 0;
	facts[i].due_ms = now + choose_backoff_ms(1, LIMIT_DIAL_BACKOFF_MS_MAX, draw());
}

static void live(size_t i, int64_t now, bool do_flip)
{
	struct person *person = &people[i];
	if (do_flip && now >= person->flip_ms) {
		person->is_on = !person->is_on;
		person->flip_ms = now + choose_spread_ms(4 * HOUR_MS, draw());
		person->met_ms = now;
		if (!person->is_on && facts[i].state == CHOOSE_CONNECTED) {
			drop(i, now);
		}
	}
	if (facts[i].state == CHOOSE_DIALLING && now >= person->dial_ms) {
		if (person->is_on) {
			facts[i].state = CHOOSE_CONNECTED;
			facts[i].since_ms = now;
			person->is_streaming = true; /* there is something to catch up with */
		} else {
			fail_dial(i, now);
		}
	}
	if (facts[i].state == CHOOSE_CONNECTED) {
		person->is_streaming = person->is_streaming && draw() % 60 != 0;
		facts[i].busy_ms = person->is_streaming ? now : facts[i].busy_ms;
		person->met_ms = now;
	} else if (person->is_on && now - person->met_ms > person->longest_ms) {
		person->longest_ms = now - person->met_ms;
	}
}

static void obey(int64_t now)
{
	struct choice choice = chosen(now);
	while (choice.dial != CHOOSE_NONE || choice.close != CHOOSE_NONE) {
		if (choice.close != CHOOSE_NONE) {
			assert_true(facts[choice.close].busy_ms == CHOOSE_NEVER ||
				    now - facts[choice.close].busy_ms >= LIMIT_BUSY_MS);
			drop(choice.close, now);
		} else {
			facts[choice.dial].state = CHOOSE_DIALLING;
			people[choice.dial].dial_ms = now + choose_spread_ms(DIAL_MS, draw());
		}
		choice = chosen(now);
	}
}

/* `hops` of the people in three thirds. */
static void run_hours(const int hops[3], unsigned hours, bool do_flip)
{
	memset(people, 0, sizeof(people));
	chance = 1;
	count = 0;
	for (size_t i = 0; i < PEOPLE; i++) {
		(void)add(CHOOSE_WAITING, hops[i % 3], hops[i % 3] == 2);
		people[i] = (struct person){.is_on = !do_flip || i % 2 == 0, .met_ms = NOW};
	}
	for (int64_t now = NOW; now < NOW + (int64_t)hours * HOUR_MS; now += 1000) {
		size_t connected = 0;
		size_t dialling = 0;
		for (size_t i = 0; i < PEOPLE; i++) {
			live(i, now, do_flip);
		}
		obey(now);
		for (size_t i = 0; i < PEOPLE; i++) {
			connected += facts[i].state == CHOOSE_CONNECTED ? 1 : 0;
			dialling += facts[i].state == CHOOSE_DIALLING ? 1 : 0;
		}
		assert_true(connected <= LIMIT_DIALLED_PEERS);
		assert_true(dialling <= LIMIT_DIALS);
		assert_true(connected + dialling <= LIMIT_DIALLED_PEERS + 1);
	}
}

static void with_more_friends_than_slots_each_has_its_turn(void **state)
{
	(void)state;
	run_hours((const int[]){1, 1, 1}, 12, false);
	/* 120 share 32 slots in turns of 10 minutes: all have had one after 40; twice that for
	 * those who stream longer. */
	for (size_t i = 0; i < PEOPLE; i++) {
		assert_true(people[i].longest_ms < 8 * LIMIT_TURN_MS);
	}
}

static void nobody_who_is_there_starves_though_half_come_and_go(void **state)
{
	(void)state;
	run_hours((const int[]){1, 1, 1}, 24, true);
	for (size_t i = 0; i < PEOPLE; i++) {
		assert_true(people[i].longest_ms < 8 * LIMIT_TURN_MS);
	}
}

static void groups_share_and_nobody_of_any_starves(void **state)
{
	(void)state;
	run_hours((const int[]){1, 2, FAR}, 24, false);
	size_t friends = 0;
	for (size_t i = 0; i < PEOPLE; i++) {
		friends += facts[i].state == CHOOSE_CONNECTED && facts[i].hops == 1 ? 1 : 0;
		/* 40 of each share 20, 8 and 4 slots. */
		size_t slots = choose_slots.of[choose_group(&facts[i])];
		int64_t round = (int64_t)(PEOPLE / 3 / slots) * LIMIT_TURN_MS;
		assert_true(people[i].longest_ms < 3 * round);
	}
	assert_true(friends >= LIMIT_SLOTS_FRIENDS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup(name, set_up)
		SCENE(friends_come_first_then_the_local_network_then_others),
		SCENE(within_a_group_the_longest_without_a_turn_comes_first),
		SCENE(nobody_is_dialled_before_it_is_due),
		SCENE(dials_under_way_stay_at_their_limit),
		SCENE(unused_slots_are_anybodys_up_to_the_limit),
		SCENE(a_friend_takes_the_place_of_a_stranger),
		SCENE(the_local_network_gives_way_to_friends_and_others_to_it),
		SCENE(each_group_keeps_its_own_slots),
		SCENE(a_stranger_never_pushes_out_a_friend_within_its_slots),
		SCENE(who_streams_messages_is_not_cut),
		SCENE(what_just_came_about_stays_a_while),
		SCENE(what_the_owner_asked_for_takes_no_slot_and_stays),
		SCENE(waits_double_up_to_their_bound_and_are_spread_over_all_of_it),
		SCENE(with_more_friends_than_slots_each_has_its_turn),
		SCENE(nobody_who_is_there_starves_though_half_come_and_go),
		SCENE(groups_share_and_nobody_of_any_starves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
