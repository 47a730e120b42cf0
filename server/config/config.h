/**
 * config: where a node keeps its data and which network it belongs to: what every command needs to
 * know first.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"
#include "feed/key.h"

/** 32 bytes of the main network's key (protocol/02 §1). */
extern const uint8_t config_main_network_key[32];

/**
 * The data directory as text in `out` (with a NUL behind it): `option` when given, else what
 * environment and kith.conf say (config/settings), else config_home_dir(). It is not made.
 * ERR_NOT_FOUND when there is no home directory either, ERR_LIMIT, ERR_NOMEM.
 */
MUST_USE enum err config_data_dir(const char *option, struct buf *out);
/** $XDG_DATA_HOME/kith, else ~/.local/share/kith. Likewise. */
MUST_USE enum err config_home_dir(struct buf *out);
/**
 * May a new key be made in `dir`? ERR_EXISTS with a sentence when a database is there already: it
 * belongs to a key that is missing, and a new one would stand in the way when that is put back.
 */
MUST_USE enum err config_may_make_key(const char *dir, char *why, size_t why_bytes);
/** What to say when config_data_dir() gave `err`. */
const char *config_data_dir_why(enum err err);

/** `DIR/NAME` as text in `out` (with a NUL behind it). */
MUST_USE enum err config_path(const char *dir, const char *name, struct buf *out);

/** `DIR/secret` when it is not locked: secret_load() of store/secret without a passphrase. */
MUST_USE enum err config_load_key(const char *dir, struct key **out, char *why, size_t why_bytes);
/** A new `DIR/secret`: secret_create() of store/secret. */
MUST_USE enum err config_save_key(
	const char *dir, const struct key *key, char *why, size_t why_bytes);
/** Beside a key that was just made of fresh randomness (and only then): what says so at the first
 * start (store/fence). */
MUST_USE enum err config_save_fence(
	const char *dir, const struct feed_id *self, char *why, size_t why_bytes);

#endif
