/* sync/ebt among many: what everybody has arrives once, not once from each. The figures are
 * printed.
 */
#include "lib/cmocka.h"
#include "lib/nodes.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEERS = 8, NODES = PEERS + 1, AUTHORS = 4, EACH = 100, LIVE = 20 };

/* These nodes' clocks go slowly, so that a source which merely waits for a busy machine is not
 * handed over: what is counted is who is asked, not how fast this machine is. */
enum { SLOWER = 20 };

static int64_t slow_mono_ms(void *ctx)
{
	(void)ctx;
	return env_mono_ms(env_system()) / SLOWER;
}

static int64_t slow_wall_ms(void *ctx)
{
	static const int64_t begin_ms = 1700000000000;
	return begin_ms + slow_mono_ms(ctx);
}

struct stage {
	struct env env;
	struct node nodes[NODES]; /* the first one begins with nothing */
	struct author authors[AUTHORS];
};

/* What the nodes from `first` on received until now. */
struct sums {
	uint64_t stored, received, note_bytes;
};

static struct sums sum(struct stage *stage, size_t first, size_t end)
{
	struct sums sums = {0};
	for (size_t i = first; i < end; i++) {
		struct sync_figures figures = node_figures(&stage->nodes[i]);
		sums.stored += figures.messages_in;
		sums.received += figures.messages_in + figures.duplicates;
		sums.note_bytes += figures.note_bytes_in;
	}
	return sums;
}

static struct sums since(struct sums now, struct sums before)
{
	return (struct sums){.stored = now.stored - before.stored,
		.received = now.received - before.received,
		.note_bytes = now.note_bytes - before.note_bytes};
}

static bool is_about_once(struct sums sums)
{
	return sums.received * 2 <= sums.stored * 3; /* a few meet on their way */
}

static void judge(const char *what, struct sums sums, uint64_t expected)
{
	printf("%s: %llu stored, %llu received (%.2f each), %llu bytes of notes\n", what,
		(unsigned long long)sums.stored, (unsigned long long)sums.received,
		(double)sums.received / (double)sums.stored, (unsigned long long)sums.note_bytes);
	assert_true(sums.stored >= expected);
}

static void give_all(struct stage *stage)
{
	struct message *copies[EACH];
	for (size_t a = 0; a < AUTHORS; a++) {
		struct message *messages[EACH];
		for (size_t i = 0; i < EACH; i++) {
			messages[i] = author_post(&stage->authors[a], "one of many");
		}
		for (size_t n = 1; n < NODES; n++) {
			for (size_t i = 0; i < EACH; i++) {
				const char *why = NULL;
				assert_int_equal(
					message_reread(messages[i]->compact, &copies[i], &why),
					ERR_OK);
			}
			node_append(&stage->nodes[n], copies, EACH);
		}
		for (size_t i = 0; i < EACH; i++) {
			message_free(messages[i]);
		}
	}
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	stage->env = *env_system();
	stage->env.mono_ms = slow_mono_ms;
	stage->env.wall_ms = slow_wall_ms;
	for (unsigned i = 0; i < AUTHORS; i++) {
		author_init(&stage->authors[i], 40 + i);
	}
	for (unsigned i = 0; i < NODES; i++) {
		node_init(&stage->nodes[i], i);
		node_stop(&stage->nodes[i]);
		stage->nodes[i].env = &stage->env;
		node_start(&stage->nodes[i]);
	}
	give_all(stage);
	for (size_t n = 0; n < NODES; n++) {
		for (size_t a = 0; a < AUTHORS; a++) {
			node_contact(&stage->nodes[n], &stage->authors[a].id, EDGE_FOLLOW);
		}
		if (n != 1) {
			node_contact(&stage->nodes[n], &stage->nodes[1].self.id, EDGE_FOLLOW);
		}
	}
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	for (size_t i = 0; i < NODES; i++) {
		node_fini(&stage->nodes[i]);
	}
	for (size_t i = 0; i < AUTHORS; i++) {
		author_fini(&stage->authors[i]);
	}
	free(stage);
	return 0;
}

static struct sums from_eight_peers(struct stage *stage)
{
	for (size_t i = 1; i < NODES; i++) {
		node_connect(&stage->nodes[0], &stage->nodes[i]);
	}
	for (size_t a = 0; a < AUTHORS; a++) {
		node_wait(&stage->nodes[0], &stage->authors[a].id, EACH);
	}
	struct sums sums = sum(stage, 0, 1);
	judge("from eight peers", sums, AUTHORS * EACH);
	return sums;
}

/* Node 1 says something LIVE times, and each is everywhere before the next. */
static struct sums live(struct stage *stage, const char *what)
{
	uint64_t head =
		node_publish(&stage->nodes[1], "{\"type\":\"post\",\"text\":\"first\"}").sequence;
	for (size_t i = 0; i < NODES; i++) {
		node_wait(&stage->nodes[i], &stage->nodes[1].self.id, head);
	}
	struct sums before = sum(stage, 0, NODES);
	for (uint64_t i = 1; i <= LIVE; i++) {
		(void)node_publish(&stage->nodes[1], "{\"type\":\"post\",\"text\":\"live\"}");
		for (size_t n = 0; n < NODES; n++) {
			node_wait(&stage->nodes[n], &stage->nodes[1].self.id, head + i);
		}
	}
	struct sums sums = since(sum(stage, 0, NODES), before);
	judge(what, sums, LIVE * PEERS);
	return sums;
}

static struct sums in_a_full_mesh(struct stage *stage)
{
	for (size_t i = 0; i < NODES; i++) {
		for (size_t j = i + 1; j < NODES; j++) {
			node_connect(&stage->nodes[i], &stage->nodes[j]);
		}
	}
	return live(stage, "live in a mesh of nine");
}

/* Nobody is connected with the author but one: the others hand it on. */
static struct sums handed_on(struct stage *stage)
{
	node_connect(&stage->nodes[0], &stage->nodes[1]);
	for (size_t i = 2; i < NODES; i++) {
		node_connect(&stage->nodes[0], &stage->nodes[i]);
		for (size_t j = i + 1; j < NODES; j++) {
			node_connect(&stage->nodes[i], &stage->nodes[j]);
		}
	}
	return live(stage, "handed on");
}

/* A machine that is busy with other things may let notes cross: then it is played once more. */
static void about_once(void **state, struct sums (*play)(struct stage *stage))
{
	enum { TRIES = 4 };
	bool is_so = is_about_once(play(*state));
	for (int i = 1; !is_so && i < TRIES; i++) {
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
		is_so = is_about_once(play(*state));
	}
	assert_true(is_so);
}

static void what_eight_peers_have_arrives_about_once(void **state)
{
	about_once(state, from_eight_peers);
}

static void what_is_new_crosses_a_full_mesh_about_once(void **state)
{
	about_once(state, in_a_full_mesh);
}

static void what_is_handed_on_from_peer_to_peer_arrives_about_once(void **state)
{
	about_once(state, handed_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(what_eight_peers_have_arrives_about_once),
		SCENE(what_is_new_crosses_a_full_mesh_about_once),
		SCENE(what_is_handed_on_from_peer_to_peer_arrives_about_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
