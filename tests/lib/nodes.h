/** tests/lib/nodes: whole nodes below the web: store, writer, loop thread and sync, each in a data
 * directory of its own. Every helper ends the test when it fails. */
#ifndef TESTS_LIB_NODES_H
#define TESTS_LIB_NODES_H

#include "lib/authors.h"
#include "store/blobs.h"
#include "store/reader.h"
#include "store/writer.h"
#include "sync/sync.h"

#include <pthread.h>
#include <stdatomic.h>

struct node {
	char dir[64];
	unsigned number;
	struct author self; /* its head is not kept: the writer signs */
	struct store *store;
	struct writer *writer;
	struct blobs *blobs;
	struct reader *reader; /* the test thread's */
	struct loop *loop;
	struct sync *sync;
	pthread_t thread;
	uint16_t port;
	int hops_max;
	unsigned peers_max;
	const char *host;          /* to listen on */
	const struct env *env;     /* replace it while the node is stopped */
	struct sync *_Atomic told; /* whom the writer tells of commits */
	atomic_uint changes;
};

extern const uint8_t nodes_network_key[32];

/** Make a directory and start in it; `number` names the key (tests/lib/authors). */
void node_init(struct node *node, unsigned number);
void node_fini(struct node *node);
/** What the owner would be told about a pause. */
struct guard_report node_guard(struct node *node);
/** Wait until publishing is (or is no longer) paused in that state. */
void node_wait_state(struct node *node, enum fence_state state);
/** Of a stopped node: copy its files away; later put back the database alone, or the fence too (as
 * when a whole machine is set back). */
void node_save(const struct node *node);
void node_restore(const struct node *node, bool with_fence);
/** Of a stopped node: only the key is left. */
void node_lose_all(const struct node *node);
/** Stop and start again in the same directory (init and fini do these too). */
void node_start(struct node *node);
void node_stop(struct node *node);

struct publish_result node_publish(struct node *node, const char *format, ...) PRINTF_LIKE(2, 3);
void node_contact(struct node *node, const struct feed_id *who, enum contact_edge edge);
/** Store messages of others (taken over) as if they had been imported. */
void node_append(struct node *node, struct message **messages, size_t count);

struct address node_address(const struct node *node);
/** Dial; the connection must come about. */
void node_connect(struct node *from, const struct node *to);
/** Dial; returns the error, `why` has room for 256 bytes. */
enum err node_try(struct node *from, const struct node *to, char *why);

/** Newest stored sequence of a feed. */
uint64_t node_head(struct node *node, const struct feed_id *feed);
/** Wait until it is at least `sequence`. */
void node_wait(struct node *node, const struct feed_id *feed, uint64_t sequence);
/** Wait until the node is (or is no longer) connected with `id`. */
void node_wait_peer(struct node *node, const struct feed_id *id, bool is_connected);
bool node_is_connected(struct node *node, const struct feed_id *id);
struct sync_figures node_figures(struct node *node);
/** Do two nodes hold the same bytes of a feed? */
void nodes_agree(struct node *one, struct node *two, const struct feed_id *feed);

/* Wait for anything; only a failure waits long. */
#define WAIT_UNTIL(condition)                        \
	do {                                         \
		int left = 6000;                     \
		while (!(condition) && left-- > 0) { \
			nodes_nap();                 \
		}                                    \
		assert_true(condition);              \
	} while (0)
void nodes_nap(void);

#endif
