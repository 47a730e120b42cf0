/** tests/sim/ledger: whose keys there are, and every message that any of them ever signed. */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include "feed/signer.h"

enum { PERSONS_MAX = 16, HOSTS_HELD = 16 };

/* One signature. */
struct entry {
	struct entry *next; /* another one with this number */
	struct message_id key, previous;
	uint64_t sequence;
	bool is_released;     /* committed, so that somebody may have heard of it */
	bool is_acknowledged; /* its owner was told that it is saved */
	bool is_lost;         /* … but the disk it was on was replaced by an older one since */
	unsigned by;          /* number of the host it was signed on */
	int64_t held_us[HOSTS_HELD]; /* since when a host has it */
	size_t len;
	char compact[];
};

struct identity {
	struct feed_id id;
	struct entry **entries; /* by sequence, from 1 */
	size_t count, room;
	unsigned forks; /* numbers under which two messages were released */
};

void ledger_begin(unsigned persons);
void ledger_end(void);
struct identity *ledger_at(unsigned person);
const struct feed_id *ledger_id(unsigned person);
/** A new signer with that person's key. */
struct signer *ledger_signer(unsigned person);
/** UINT_MAX: nobody of ours. */
unsigned ledger_person(const struct feed_id *id);
/** The first signature under a number, or NULL. */
struct entry *ledger_first(unsigned person, uint64_t sequence);
/** The signature with that key, or NULL. */
struct entry *ledger_find(unsigned person, uint64_t sequence, const struct message_id *key);
struct entry *ledger_note(const struct message *message);

#endif
