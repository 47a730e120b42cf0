/**
 * feed/blob_box: encrypted blobs, as Patchwork and Manyverse keep what belongs to a private
 * message: a box stream (wire/boxstream) that begins with a nonce of zeros and ends with its
 * goodbye. Whoever is to open it is told the key in the message that names the blob, as
 * `?unbox=<44 base64>.boxs` behind the link, or as `query.unbox` of a mention.
 *
 * Deployed writers take SHA-256 of the content as key, so that whoever guesses a content can look
 * whether it is this. We take a key of its own at random for each: readers use the key they are
 * told, whatever it is (ssb-serve-blobs 3.3.0, ssb-blob-files 1.2.1, multiblob-http). The same file
 * sent twice is two blobs then.
 *
 * Source: protocol/07 §6; tests/vectors/private-blob.json.
 */
#ifndef FEED_BLOB_BOX_H
#define FEED_BLOB_BOX_H

#include "base/limits.h"
#include "wire/boxstream.h"

enum {
	BLOB_BOX_KEY_BYTES = 32,
	BLOB_BOX_FIRST_BYTES = BOXSTREAM_HEAD_BYTES + LIMIT_BOX_BODY_BYTES, /* the first box */
	BLOB_BOX_KEY_TEXT_BYTES = 44 + 5 + 1, /* "<44 base64>.boxs" and the NUL */
};

/* One that is written, in whatever pieces it comes. */
struct blob_box {
	struct boxstream_sealer sealer;
	uint8_t part[LIMIT_BOX_BODY_BYTES]; /* of the next box */
	size_t part_len;
};
/** `key` is used for one blob only, ever. */
void blob_box_begin(struct blob_box *box, const uint8_t key[static BLOB_BOX_KEY_BYTES]);
/** Append what `plain` makes complete. ERR_LIMIT, ERR_NOMEM: of `out`; then give it up. */
MUST_USE enum err blob_box_seal(struct blob_box *box, struct span plain, struct buf *out);
/** Append the rest and the end, and forget the key. */
MUST_USE enum err blob_box_finish(struct blob_box *box, struct buf *out);
/** Forget the key and what is not sealed yet. */
void blob_box_wipe(struct blob_box *box);
/** Bytes that `plain` bytes become. */
uint64_t blob_box_bytes(uint64_t plain);

/** Append the content of a whole one. ERR_REFUSED: another key, altered, cut, or bytes behind its
 * end; ERR_LIMIT, ERR_NOMEM: of `out`. On an error `out` is as it was. */
MUST_USE enum err blob_box_open(
	struct span boxed, const uint8_t key[static BLOB_BOX_KEY_BYTES], struct buf *out);

/** Append what the first whole boxes of `boxed`, its beginning, hold. Errors as of blob_box_open().
 */
MUST_USE enum err blob_box_peek(
	struct span boxed, const uint8_t key[static BLOB_BOX_KEY_BYTES], struct buf *out);
/** Bytes that one of `boxed` bytes holds, when all its boxes are as full as they can be. */
uint64_t blob_box_plain_bytes(uint64_t boxed);

/** A key as links have it: `.boxs` may be missing, and blanks stand for plus signs that a query
 * lost; or in the alphabet of addresses. ERR_REFUSED. */
MUST_USE enum err blob_box_key_parse(struct span text, uint8_t key[static BLOB_BOX_KEY_BYTES]);
void blob_box_key_format(
	const uint8_t key[static BLOB_BOX_KEY_BYTES], char text[static BLOB_BOX_KEY_TEXT_BYTES]);

#endif
