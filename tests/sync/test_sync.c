/* sync: whole nodes that talk over loopback. */
#include "lib/cmocka.h"
#include "lib/nodes.h"

#include "base/limits.h"
#include "sync/core.h"
#include "sync/schedule.h"

#include <stdlib.h>
#include <unistd.h>

enum { NODES = 3 };

static int set_up(void **state)
{
	struct node *nodes = calloc(NODES, sizeof(*nodes));
	for (unsigned i = 0; i < NODES; i++) {
		node_init(&nodes[i], i);
	}
	*state = nodes;
	return 0;
}

static int tear_down(void **state)
{
	struct node *nodes = *state;
	for (unsigned i = 0; i < NODES; i++) {
		node_fini(&nodes[i]);
	}
	free(nodes);
	return 0;
}

static void befriend(struct node *one, struct node *two)
{
	node_contact(one, &two->self.id, EDGE_FOLLOW);
	node_contact(two, &one->self.id, EDGE_FOLLOW);
}

static void post(struct node *node, int count)
{
	for (int i = 0; i < count; i++) {
		(void)node_publish(node, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
}

static void two_nodes_replicate_both_ways_and_live(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	post(ana, 300);
	post(ben, 5);
	befriend(ana, ben);
	node_connect(ana, ben);
	node_wait(ben, &ana->self.id, 301);
	node_wait(ana, &ben->self.id, 6);
	nodes_agree(ana, ben, &ana->self.id);
	nodes_agree(ana, ben, &ben->self.id);
	for (unsigned i = 1; i <= 20; i++) {
		post(ana, 1);
		post(ben, 1);
		node_wait(ben, &ana->self.id, 301 + i);
		node_wait(ana, &ben->self.id, 6 + i);
	}
	struct sync_figures figures = node_figures(ana);
	assert_int_equal(figures.connected, 1);
	assert_int_equal(figures.feeds, 2);
	assert_int_equal(figures.behind, 0);
	assert_int_equal(figures.messages_in, 26);
	assert_int_equal(figures.messages_out, 321);
	assert_true(figures.last_in_ms > 0);
	assert_true(atomic_load(&ana->changes) > 0);
}

static void a_friend_relays_while_the_author_is_away(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct node *cleo = ana + 2;
	befriend(ana, ben);
	befriend(ben, cleo);
	node_contact(cleo, &ana->self.id, EDGE_FOLLOW);
	post(ana, 50);
	node_connect(ana, ben);
	node_wait(ben, &ana->self.id, 51);
	struct feed_id ana_id = ana->self.id;
	node_stop(ana);
	node_wait_peer(ben, &ana_id, false);
	node_connect(cleo, ben);
	node_wait(cleo, &ana_id, 51);
	nodes_agree(ben, cleo, &ana_id);
	/* Back again, she is heard through ben, live. */
	node_start(ana);
	node_connect(ana, ben);
	post(ana, 1);
	node_wait(cleo, &ana_id, 52);
}

static void three_in_a_ring_end_with_the_same_feeds(void **state)
{
	struct node *nodes = *state;
	for (int i = 0; i < NODES; i++) {
		for (int j = 0; j < NODES; j++) {
			if (i != j) {
				node_contact(&nodes[i], &nodes[j].self.id, EDGE_FOLLOW);
			}
		}
		post(&nodes[i], 200);
	}
	for (int i = 0; i < NODES; i++) {
		node_connect(&nodes[i], &nodes[(i + 1) % NODES]);
	}
	for (int i = 0; i < NODES; i++) {
		for (int j = 0; j < NODES; j++) {
			node_wait(&nodes[i], &nodes[j].self.id, 202);
		}
	}
	nodes_agree(&nodes[0], &nodes[1], &nodes[2].self.id);
	nodes_agree(&nodes[1], &nodes[2], &nodes[0].self.id);
	for (int i = 0; i < NODES; i++) {
		assert_int_equal(node_figures(&nodes[i]).refused, 0);
	}
}

static void a_forked_feed_keeps_its_prefix_and_the_other_history_is_not_passed_on(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct author liar;
	struct author twin;
	author_init(&liar, 7);
	befriend(ana, ben);
	node_contact(ana, &liar.id, EDGE_FOLLOW);
	node_contact(ben, &liar.id, EDGE_FOLLOW);
	struct message *one = author_post(&liar, "one");
	author_twin(&twin, 7, &liar.head);
	struct message *same = NULL;
	const char *why = NULL;
	assert_int_equal(message_verify(one->compact, NULL, &same, &why), ERR_OK);
	struct message *anas[] = {one, author_post(&liar, "two")};
	struct message *bens[] = {
		same, author_post(&twin, "two, otherwise"), author_post(&twin, "three")};
	node_append(ana, anas, 2);
	node_append(ben, bens, 3);
	node_connect(ana, ben);
	post(ana, 1);
	post(ben, 1);
	node_wait(ana, &ben->self.id, 3);
	node_wait(ben, &ana->self.id, 3);
	WAIT_UNTIL(node_figures(ana).refused == 1);
	assert_int_equal(node_head(ana, &liar.id), 2);
	assert_int_equal(node_head(ben, &liar.id), 3);
	assert_int_equal(node_figures(ana).connected, 1);
	author_fini(&liar);
	author_fini(&twin);
}

static void twice_the_pipeline_passes_through_it(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	enum { AUTHORS = 5, EACH = 2 * LIMIT_INGEST_MESSAGES };
	struct message **messages = calloc(EACH, sizeof(struct message *));
	befriend(ana, ben);
	for (unsigned i = 0; i < AUTHORS; i++) {
		struct author author;
		author_init(&author, 10 + i);
		for (size_t j = 0; j < EACH / AUTHORS; j++) {
			messages[j] = author_post(&author, "hello");
		}
		node_contact(ana, &author.id, EDGE_FOLLOW);
		node_append(ana, messages, EACH / AUTHORS);
		author_fini(&author);
	}
	free(messages);
	node_connect(ben, ana);
	for (unsigned i = 0; i < AUTHORS; i++) {
		struct author author;
		author_init(&author, 10 + i);
		node_wait(ben, &author.id, EACH / AUTHORS);
		nodes_agree(ana, ben, &author.id);
		author_fini(&author);
	}
	assert_int_equal(node_figures(ben).refused, 0);
}

static void both_may_dial_at_once_and_one_connection_stays(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	befriend(ana, ben);
	for (int round = 0; round < 5; round++) {
		struct address to_ana = node_address(ana);
		struct address to_ben = node_address(ben);
		sync_address_added(ana->sync, &to_ben);
		sync_address_added(ben->sync, &to_ana);
		node_connect(ana, ben);
		node_connect(ben, ana);
		post(ana, 1);
		post(ben, 1);
		node_wait(ben, &ana->self.id, 2 + (uint64_t)round);
		node_wait(ana, &ben->self.id, 2 + (uint64_t)round);
		WAIT_UNTIL(node_figures(ana).connected == 1 && node_figures(ben).connected == 1);
		assert_int_equal(sync_disconnect(ana->sync, &ben->self.id), ERR_OK);
		node_wait_peer(ben, &ana->self.id, false);
		assert_int_equal(sync_disconnect(ben->sync, NULL), ERR_NOT_FOUND);
	}
}

static void who_is_lost_is_dialled_again_and_who_was_disconnected_is_not(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	befriend(ana, ben);
	node_connect(ana, ben);
	struct feed_id ben_id = ben->self.id;
	node_stop(ben);
	node_wait_peer(ana, &ben_id, false);
	node_start(ben);
	node_wait_peer(ana, &ben_id, true);
	assert_int_equal(sync_disconnect(ana->sync, &ben_id), ERR_OK);
	node_wait_peer(ana, &ben_id, false);
	for (int i = 0; i < 400; i++) {
		nodes_nap();
	}
	assert_false(node_is_connected(ana, &ben_id));
	node_connect(ana, ben);
}

static void a_restarted_node_remembers_ways_and_clocks(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	befriend(ana, ben);
	post(ben, 10);
	node_connect(ana, ben);
	node_wait(ana, &ben->self.id, 11);
	node_wait(ben, &ana->self.id, 1);
	node_stop(ana);
	post(ben, 3);
	node_start(ana);
	node_wait(ana, &ben->self.id, 14);
	assert_int_equal(node_figures(ana).messages_in, 3);
}

static void connecting_fails_with_a_sentence(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct node *cleo = ana + 2;
	char why[256];
	assert_int_equal(node_try(ana, ana, why), ERR_CLOSED);
	assert_string_equal(why, "That is this node's own address.");
	node_contact(ana, &ben->self.id, EDGE_BLOCK);
	WAIT_UNTIL(node_try(ana, ben, why) == ERR_CLOSED && strstr(why, "blocked") != NULL);
	assert_string_equal(why, "You have blocked this person: unblock them first.");
	/* The right place with the wrong key. */
	struct address wrong = node_address(cleo);
	wrong.key = ben->self.id;
	wrong.key.at[0] ^= 1;
	assert_int_equal(sync_connect(ana->sync, &wrong, 20000, why, sizeof(why)), ERR_CLOSED);
	assert_non_null(strstr(why, "Could not connect to 127.0.0.1:"));
	struct address gone = node_address(cleo);
	gone.port = 1;
	assert_int_equal(sync_connect(ana->sync, &gone, 20000, why, sizeof(why)), ERR_CLOSED);
	assert_non_null(strstr(why, "refused"));
	assert_int_equal(sync_disconnect(ana->sync, &ben->self.id), ERR_NOT_FOUND);
}

struct trying {
	struct node *node;
	struct address address;
	enum err err;
	char why[256];
};

static void *try_it(void *ctx)
{
	struct trying *trying = ctx;
	trying->err = sync_connect(
		trying->node->sync, &trying->address, 20000, trying->why, sizeof(trying->why));
	return NULL;
}

static void two_addresses_of_one_key_are_both_tried(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct node *cleo = ana + 2;
	/* Somebody else lives at the first address, so it fails only after a while. */
	struct trying wrong = {.node = ana, .address = node_address(cleo)};
	struct trying right = {.node = ana, .address = node_address(ben)};
	pthread_t threads[2];
	wrong.address.key = ben->self.id;
	assert_int_equal(pthread_create(&threads[0], NULL, try_it, &wrong), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, try_it, &right), 0);
	assert_int_equal(pthread_join(threads[0], NULL), 0);
	assert_int_equal(pthread_join(threads[1], NULL), 0);
	assert_int_equal(right.err, ERR_OK);
	assert_true(node_is_connected(ana, &ben->self.id));
}

static void connecting_right_after_disconnecting_connects_anew(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	for (int i = 0; i < 10; i++) {
		node_connect(ana, ben);
		assert_int_equal(sync_disconnect(ana->sync, &ben->self.id), ERR_OK);
	}
	node_connect(ana, ben);
	node_wait_peer(ben, &ana->self.id, true);
	assert_true(node_is_connected(ana, &ben->self.id));
}

struct claims {
	struct sync *sync;
	struct address kept;
	atomic_bool is_made;
};

/* Loop thread: one address that the owner named, and as many others as there is room for that
 * somebody in the local network claims. */
static void make_claims(void *ctx)
{
	struct claims *claims = ctx;
	schedule_add(claims->sync->schedule, &claims->kept);
	for (uint16_t i = 1; i <= LIMIT_WAYS; i++) {
		struct address heard = claims->kept;
		heard.port = i;
		schedule_heard(claims->sync->schedule, &heard);
	}
	atomic_store(&claims->is_made, true);
}

static void beacons_do_not_push_out_an_address_that_is_kept(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct claims claims = {.sync = ana->sync, .kept = node_address(ben)};
	node_contact(ana, &ben->self.id, EDGE_FOLLOW);
	assert_int_equal(loop_post(ana->loop, make_claims, &claims), ERR_OK);
	WAIT_UNTIL(atomic_load(&claims.is_made));
	node_wait_peer(ana, &ben->self.id, true);
}

static void who_holds_our_newest_post_is_known(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct node *cora = ana + 2;
	struct sync_holder who[4];
	size_t count = 0;
	befriend(ana, ben);
	post(ana, 1);
	assert_int_equal(sync_holders(ana->sync, who, 4, &count), ERR_OK);
	assert_int_equal(count, 0);
	/* A stranger has nothing of ours, and says so. */
	node_connect(cora, ana);
	node_connect(ben, ana);
	node_wait(ben, &ana->self.id, 2);
	assert_int_equal(sync_holders(ana->sync, who, 4, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(who[0].sequence, 2);
	assert_true(feed_id_equal(&who[0].id, &ben->self.id));
	assert_int_equal(sync_holders(ana->sync, who, 0, &count), ERR_OK);
	assert_int_equal(count, 0);
}

static void a_blocked_feed_is_neither_asked_for_nor_stored_nor_served(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct node *cleo = ana + 2;
	befriend(ana, ben);
	befriend(ben, cleo);
	node_contact(ana, &cleo->self.id, EDGE_BLOCK);
	post(cleo, 3);
	node_connect(ben, cleo);
	node_wait(ben, &cleo->self.id, 4);
	node_connect(ana, ben);
	post(ben, 1);
	node_wait(ana, &ben->self.id, 3);
	assert_int_equal(node_head(ana, &cleo->self.id), 0);
	char why[256];
	/* The graph is read again a moment after a block: until then a connection may still come
	 * about. */
	for (int i = 0; i < 100 && node_try(cleo, ana, why) == ERR_OK; i++) {
		(void)usleep(100000);
	}
	assert_int_not_equal(node_try(cleo, ana, why), ERR_OK);
	assert_false(node_is_connected(ana, &cleo->self.id));
}

/* A job that takes as long as the test likes. */
struct slow {
	struct sync *sync;
	atomic_bool may_end, is_read;
	bool is_done;
};

static void slow_work(void *ctx)
{
	struct slow *slow = ctx;
	while (!atomic_load(&slow->may_end)) {
		(void)usleep(1000);
	}
	struct reader *reader = readers_take(slow->sync->readers);
	struct chain_head head = {.sequence = 0};
	if (reader != NULL && reader_head(reader, &slow->sync->self, &head) == ERR_OK &&
		head.sequence == 3) {
		atomic_store(&slow->is_read, true);
	}
	readers_give(slow->sync->readers, reader);
}

static void slow_done(void *ctx)
{
	struct slow *slow = ctx;
	slow->is_done = true;
	sync_job_ends(slow->sync);
}

static void begin_slow(void *ctx)
{
	struct slow *slow = ctx;
	assert_int_equal(loop_work(slow->sync->loop, slow_work, slow_done, slow), ERR_OK);
	sync_job_begins(slow->sync);
}

static void on_stopped(void *ctx)
{
	struct node *node = ctx;
	loop_stop(node->loop);
}

static void stop(void *ctx)
{
	struct node *node = ctx;
	sync_stop(node->sync, on_stopped, node);
}

static void a_job_that_outlasts_the_stop_finds_all_it_needs(void **state)
{
	struct node *ana = *state;
	struct slow slow = {.sync = ana->sync};
	post(ana, 3);
	assert_int_equal(loop_post(ana->loop, begin_slow, &slow), ERR_OK);
	assert_int_equal(loop_post(ana->loop, stop, ana), ERR_OK);
	assert_int_equal(pthread_join(ana->thread, NULL), 0);
	atomic_store(&ana->told, NULL);
	blobs_stop(ana->blobs);
	writer_stop(ana->writer);
	assert_false(sync_free(ana->sync));
	atomic_store(&slow.may_end, true);
	while (!slow.is_done) {
		(void)loop_step(ana->loop);
	}
	assert_true(atomic_load(&slow.is_read));
	assert_true(sync_free(ana->sync));
	loop_free(ana->loop);
	blobs_free(ana->blobs);
	reader_close(ana->reader);
	store_close(ana->store);
	author_fini(&ana->self);
	node_start(ana);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(two_nodes_replicate_both_ways_and_live),
		SCENE(a_friend_relays_while_the_author_is_away),
		SCENE(three_in_a_ring_end_with_the_same_feeds),
		SCENE(a_forked_feed_keeps_its_prefix_and_the_other_history_is_not_passed_on),
		SCENE(twice_the_pipeline_passes_through_it),
		SCENE(both_may_dial_at_once_and_one_connection_stays),
		SCENE(who_is_lost_is_dialled_again_and_who_was_disconnected_is_not),
		SCENE(a_restarted_node_remembers_ways_and_clocks),
		SCENE(connecting_fails_with_a_sentence),
		SCENE(two_addresses_of_one_key_are_both_tried),
		SCENE(connecting_right_after_disconnecting_connects_anew),
		SCENE(beacons_do_not_push_out_an_address_that_is_kept),
		SCENE(who_holds_our_newest_post_is_known),
		SCENE(a_blocked_feed_is_neither_asked_for_nor_stored_nor_served),
		SCENE(a_job_that_outlasts_the_stop_finds_all_it_needs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
