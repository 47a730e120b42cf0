/**
 * base/encode: hex and base64, strict: what is not exactly the canonical form is refused.
 *
 * base64 is the standard alphabet with padding; the unused low bits of the last character must be
 * zero (protocol/01 §1). base64url is the alphabet with `-` and `_` and without padding, as used in
 * our paths.
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

#define BASE64_BYTES(count) (((count) + 2) / 3 * 4)
#define BASE64URL_BYTES(count) (((count)*4 + 2) / 3)

/** Write 2 × len lower-case hex digits and a NUL to `out`. */
void hex_encode(struct span in, char *out);
/** Decode exactly `count` bytes from 2 × `count` lower-case digits. ERR_REFUSED otherwise; then
 * `out` is undefined. */
MUST_USE enum err hex_decode(struct span text, uint8_t *out, size_t count);

/** Write BASE64_BYTES(in.len) characters to `out`, no NUL; returns how many. */
size_t base64_encode(struct span in, char *out);
/** Decode text of any canonical length; `*count` is the decoded size, at most `room`. ERR_REFUSED,
 * ERR_LIMIT. */
MUST_USE enum err base64_decode(struct span text, uint8_t *out, size_t room, size_t *count);
/** Is `text` canonical base64 (the empty text is)? */
bool base64_is_canonical(struct span text);

/** Write BASE64URL_BYTES(in.len) characters to `out`, no NUL; returns how many. */
size_t base64url_encode(struct span in, char *out);
/** As base64_decode(), for the URL alphabet without padding. */
MUST_USE enum err base64url_decode(struct span text, uint8_t *out, size_t room, size_t *count);

#endif
