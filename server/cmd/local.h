/**
 * cmd/local: the store of a data directory, opened by a command itself. Reading works beside a
 * running node; writing takes the directory's lock and fails beside one.
 */
#ifndef CMD_LOCAL_H
#define CMD_LOCAL_H

#include "feed/key.h"
#include "store/reader.h"
#include "store/store.h"

/** `data` is the value of --data or NULL. On failure one sentence is printed in the name of
 * `command`. */
MUST_USE enum err local_open_read(
	const char *command, const char *data, struct store **store, struct reader **reader);
void local_close_read(struct store *store, struct reader *reader);

struct local_writable {
	struct store *store;
	struct key *key; /* the owner's */
	int lock;        /* −1: not held */
};
MUST_USE enum err local_open_write(
	const char *command, const char *data, struct local_writable *out);
void local_close_write(struct local_writable *writable);

#endif
