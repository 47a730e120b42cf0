/**
 * cmd/local: the store of a data directory, opened by a command itself. Reading works beside a
 * running node; writing takes the directory's lock and fails beside one.
 */
#ifndef CMD_LOCAL_H
#define CMD_LOCAL_H

#include "feed/key.h"
#include "feed/message.h"
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
/** The same without the owner's key, and so without a passphrase: to look after what is stored. */
MUST_USE enum err local_open_care(
	const char *command, const char *data, struct local_writable *out);
void local_close_write(struct local_writable *writable);

/** The value of --hmac-key: `*key` is then `room`; NULL stays NULL. Otherwise one sentence is
 * printed. */
MUST_USE enum err local_hmac_key(const char *command, const char *text,
	uint8_t room[static HMAC_KEY_BYTES], const uint8_t **key);

#endif
