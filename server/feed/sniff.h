/**
 * feed/sniff: what the first bytes of a file say it is, for a page that shows it. Nothing is
 * decoded, and nobody's word is taken: neither a name nor what a message calls it.
 *
 * Only what every browser shows as an image, or plays, and never runs, has a type: PNG, JPEG, GIF,
 * WebP, AVIF; MP3, AAC, Ogg (Vorbis, Opus, FLAC, Speex), WAV, FLAC, MP4 and WebM. Anything else,
 * SVG, HTML and PDF included, has none and is a download. The magic alone is not enough where the
 * format says more at the beginning (a length, a first block, a codec): what is two things at once
 * mostly fails there; what does not is still served as that one type, with `nosniff`.
 */
#ifndef FEED_SNIFF_H
#define FEED_SNIFF_H

#include "base/span.h"

/** `head`: the first LIMIT_SNIFF_BYTES of the file, or all of a shorter one. Static; "": none. */
const char *sniff_type(struct span head);

/** The static text of a type that sniff_type() may give, from elsewhere; "" for any other. */
const char *sniff_known(struct span type);

/** Of what sniff_type() gave. */
bool sniff_is_image(const char *type);
bool sniff_is_sound(const char *type);
bool sniff_is_video(const char *type);

#endif
