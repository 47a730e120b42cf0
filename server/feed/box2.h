/**
 * feed/box2: envelopes between two people (protocol/09 §2 to §5), read only. No client that people
 * use on the main network writes them but a few for groups, so kith writes private_box; and it
 * keeps no key for messages of its own to itself, as it sends none. Messages of groups stay closed.
 *
 *   32 header, 32 for each reader, body
 *
 * An envelope is bound to its author and to the message before it: elsewhere nothing in it opens.
 * Pure, as feed/private_box.
 */
#ifndef FEED_BOX2_H
#define FEED_BOX2_H

#include "base/limits.h"
#include "feed/id.h"

enum {
	BOX2_KEY_BYTES = 32,
	BOX2_HEAD_BYTES = 32,
	BOX2_SLOT_BYTES = 32,
	BOX2_MAC_BYTES = 16,
	BOX2_BYTES_MIN = BOX2_HEAD_BYTES + BOX2_SLOT_BYTES + BOX2_MAC_BYTES,
	BOX2_DM_KEYS = 2,
};

/* What it is bound to. */
struct box2_place {
	const struct feed_id *author;
	const struct message_id *previous; /* NULL: it is the first message of its feed */
};

/* One side of a conversation of two: both forms of its public key. */
struct box2_side {
	uint8_t point[32]; /* X25519 */
	struct feed_id id;
};
/**
 * The keys of two people from the product of their keys. There are two: the texts that go into it
 * are sorted, by their bytes where it was specified ([0]), and as JavaScript sorts what it takes
 * for text in the library that everybody uses, which for every seventh pair is the other way round
 * ([1]). Readers try both. ERR_NOMEM: libsodium failed.
 */
MUST_USE enum err box2_dm_keys(const uint8_t product[static 32], const struct box2_side *me,
	const struct box2_side *you, uint8_t out[static BOX2_DM_KEYS][BOX2_KEY_BYTES]);

#define BOX2_SCHEME_DM "envelope-id-based-dm-converted-ed25519"

/**
 * Open an envelope with any of `count` keys of one scheme, in any of LIMIT_BOX2_SLOTS slots.
 * Appends the text; `read_key` opens it again. ERR_REFUSED: none fits, or it is no envelope;
 * ERR_LIMIT, ERR_NOMEM (of `out`, or libsodium failed).
 */
MUST_USE enum err box2_open(struct span box, const struct box2_place *place,
	const uint8_t (*keys)[BOX2_KEY_BYTES], size_t count, const char *scheme,
	uint8_t read_key[static BOX2_KEY_BYTES], struct buf *out);
/** Open it with the key it was opened with before. */
MUST_USE enum err box2_open_again(struct span box, const struct box2_place *place,
	const uint8_t read_key[static BOX2_KEY_BYTES], struct buf *out);

#endif
