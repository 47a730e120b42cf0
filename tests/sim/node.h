/** tests/sim/node: an honest node: the program's own floors from base to sync, on one machine of
 * the simulator, on a disk that can lose its power, fill up, and be replaced by an older one. */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "sim/ledger.h"
#include "sim/net.h"
#include "store/reader.h"
#include "store/writer.h"
#include "sync/sync.h"
#include "torture/disk.h"

enum { NODES_MAX = 9, SEEN_MAX = 64, DRAFTS_MAX = 16, CONTENT_BYTES = 400 };

enum life { NODE_DOWN, NODE_UP, NODE_STOPPING };

/* What of its owner's newest message a browser remembers. */
struct browser {
	bool is_alive;
	uint64_t sequence;
	struct message_id key;
};

struct node {
	struct host host;
	unsigned person;           /* whose key is on it */
	struct disk *disk, *grave; /* the second: what a kill left, once the first is let go */
	uint64_t place;            /* what stands for the inode of its directory */
	enum life life;
	bool is_dying; /* nothing it does from now on is heard or kept */
	bool is_cut;   /* … because its machine lost the power */
	bool is_lan_on, is_first_start;
	struct signer *signer;
	struct store *store;
	struct writer *writer;
	struct sync *sync;
	struct reader *reader; /* the simulator's own look into it */
	struct event writer_event;
	int64_t started_us;
	int die_at; /* enum writer_step of the next publishing at which the process dies; −1 */

	/* Its owner. */
	struct event owner_event;
	struct browser browser;
	bool is_impatient;
	uint64_t if_head;            /* what the request under way says */
	unsigned followed;           /* the next person to follow */
	unsigned posts, unanswered;  /* number of the request that got no answer; 0: none */
	char content[CONTENT_BYTES]; /* … and what it wanted */

	/* What the judges know (sim/judge.c). */
	bool may_pause;      /* something happened for which a pause is right */
	bool is_overridden;  /* the owner gave the word since */
	bool is_disaster;    /* the next start is on an older disk */
	int64_t disk_bad_us; /* until then its disk may be full, or fail */
	bool is_retired;     /* the owner moved away from it */
	bool must_pause;     /* … and that disk has no fence */
	bool is_paused;
	int64_t claim_us; /* since when it is paused by a bare claim; 0: it is not */
	struct {
		unsigned person;
		uint64_t sequence;
		struct message_id key;
	} seen[SEEN_MAX]; /* messages it verified in this life that belong to a fork */
	size_t seen_count;
	struct {
		int64_t draft;
		char content[CONTENT_BYTES];
	} drafts[DRAFTS_MAX]; /* kept for the owner, as they were told */
	size_t draft_count;
	uint64_t blocked_head[PERSONS_MAX];
	int64_t blocking_us[PERSONS_MAX]; /* since when it blocks them; 0: it does not, or its disk
					     was replaced since */
	bool has_blocked[PERSONS_MAX];
};

extern const uint8_t node_network_key[32];

void node_init(struct node *node, unsigned number, unsigned person);
void node_fini(struct node *node);
/** Start the program there; false (and it stays down) when its disk does not let it. */
bool node_start(struct node *node);
/** Stop it as a signal does: it says goodbye, and is down within two seconds or so. */
void node_stop(struct node *node);
/** kill -9: what it wrote stays, and its kernel tells the others. */
void node_kill(struct node *node);
/** The machine loses its power. */
void node_cut(struct node *node);
/** From the outside of its calls: was it killed, or its disk cut off, meanwhile? Then it is taken
 * down. */
bool node_bury(struct node *node);
/** Is what it does now heard by anybody? */
bool node_is_alive(const struct node *node);
/** Its head of a feed; 0: nothing stored, or it is down. */
uint64_t node_head(struct node *node, const struct feed_id *feed, struct message_id *key);
bool node_key_at(
	struct node *node, const struct feed_id *feed, uint64_t sequence, struct message_id *key);
struct address node_address(const struct node *node);
/** The node whose turn it is, or NULL. */
struct node *node_now(void);

#endif
