/* Types by magic: one function for each family, each as strict as the first bytes allow. */
#include "feed/sniff.h"

#include "base/limits.h"

static bool has(struct span head, size_t at, const char *text, size_t len)
{
	return head.len >= at + len && memcmp(head.at + at, text, len) == 0;
}

static uint32_t big_endian(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const char *png(struct span head)
{
	/* The signature, and an IHDR of its one length. */
	bool is = head.len >= 33 && has(head, 0, "\x89PNG\r\n\x1a\n", 8) &&
		  has(head, 8, "\0\0\0\rIHDR", 8);
	return is ? "image/png" : NULL;
}

static const char *jpeg(struct span head)
{
	if (head.len < 20 || !has(head, 0, "\xff\xd8\xff", 3)) {
		return NULL;
	}
	uint8_t marker = head.at[3];
	size_t len = (size_t)head.at[4] << 8 | head.at[5];
	bool is = (marker >= 0xe0 && marker <= 0xef) || marker == 0xdb || marker == 0xc0 ||
		  marker == 0xc2 || marker == 0xc4 || marker == 0xfe;
	/* Where the first segment ends, the next marker begins. */
	if (is && 4 + len < head.len) {
		is = len >= 2 && head.at[4 + len] == 0xff;
	}
	return is ? "image/jpeg" : NULL;
}

static const char *gif(struct span head)
{
	bool is = head.len >= 14 && (has(head, 0, "GIF87a", 6) || has(head, 0, "GIF89a", 6));
	return is ? "image/gif" : NULL;
}

static const char *riff(struct span head)
{
	if (head.len < 20 || !has(head, 0, "RIFF", 4)) {
		return NULL;
	}
	if (has(head, 8, "WEBPVP8 ", 8) || has(head, 8, "WEBPVP8L", 8) ||
		has(head, 8, "WEBPVP8X", 8)) {
		return "image/webp";
	}
	return has(head, 8, "WAVEfmt ", 8) ? "audio/wav" : NULL;
}

/* The brands of an ISO file, first the one it calls its own. */
static const char *brand_type(const uint8_t *brand)
{
	static const struct {
		char brand[5];
		const char *type;
	} known[] = {
		{"avif", "image/avif"},
		{"avis", "image/avif"},
		{"M4A ", "audio/mp4"},
		{"M4B ", "audio/mp4"},
		{"isom", "video/mp4"},
		{"iso2", "video/mp4"},
		{"iso4", "video/mp4"},
		{"iso5", "video/mp4"},
		{"iso6", "video/mp4"},
		{"mp41", "video/mp4"},
		{"mp42", "video/mp4"},
		{"avc1", "video/mp4"},
		{"M4V ", "video/mp4"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (memcmp(brand, known[i].brand, 4) == 0) {
			return known[i].type;
		}
	}
	return NULL;
}

static const char *iso(struct span head)
{
	if (head.len < 16 || !has(head, 4, "ftyp", 4)) {
		return NULL;
	}
	size_t end = big_endian(head.at);
	if (end < 16 || end > LIMIT_SNIFF_BYTES || end % 4 != 0 || end > head.len) {
		return NULL;
	}
	const char *type = brand_type(head.at + 8);
	/* 12 … 15 is a version. */
	for (size_t at = 16; type == NULL && at < end; at += 4) {
		type = brand_type(head.at + at);
	}
	return type;
}

static const char *ogg(struct span head)
{
	/* Version 0, the first page of a stream, number 0 in it. */
	if (head.len < 28 || !has(head, 0, "OggS\0\2", 6) || !has(head, 18, "\0\0\0\0", 4)) {
		return NULL;
	}
	size_t at = 27 + (size_t)head.at[26];
	if (has(head, at, "OpusHead", 8) || has(head, at, "\1vorbis", 7) ||
		has(head, at,
			"\x7f"
			"FLAC",
			5) ||
		has(head, at, "Speex   ", 8)) {
		return "audio/ogg";
	}
	return has(head, at, "\x80theora", 7) ? "video/ogg" : NULL;
}

static const char *flac(struct span head)
{
	/* The first block is STREAMINFO, of its one length. */
	bool is = head.len >= 42 && has(head, 0, "fLaC", 4) && (head.at[4] & 0x7f) == 0 &&
		  has(head, 5, "\0\0\x22", 3);
	return is ? "audio/flac" : NULL;
}

/* A number of EBML: its length is where the first bit is set. 0: there is none. */
static size_t ebml_number(struct span in, uint64_t *out)
{
	size_t len = 1;
	if (in.len == 0 || in.at[0] == 0) {
		return 0;
	}
	while ((in.at[0] & 0x80 >> (len - 1)) == 0) {
		len++;
	}
	if (in.len < len) {
		return 0;
	}
	uint64_t number = in.at[0] & (0x7fU >> (len - 1));
	for (size_t i = 1; i < len; i++) {
		number = number << 8 | in.at[i];
	}
	*out = number;
	return len;
}

/* One element of the header at the beginning of `in`: two bytes of name, a length, what it says.
 * Its whole length, 0: it does not fit. */
static size_t ebml_element(struct span in, unsigned *name, struct span *said)
{
	uint64_t len = 0;
	size_t used = in.len < 3 ? 0 : ebml_number(span_skip(in, 2), &len);
	if (used == 0 || len > in.len - 2 - used) {
		return 0;
	}
	*name = (unsigned)in.at[0] << 8 | in.at[1];
	*said = span_of(in.at + 2 + used, (size_t)len);
	return 2 + used + (size_t)len;
}

static const char *webm(struct span head)
{
	uint64_t len = 0;
	if (!has(head, 0, "\x1a\x45\xdf\xa3", 4)) {
		return NULL;
	}
	size_t used = ebml_number(span_skip(head, 4), &len);
	struct span rest = span_skip(head, 4 + used);
	if (used == 0 || len > rest.len) {
		return NULL;
	}
	rest = span_take(rest, (size_t)len);
	while (rest.len > 0) {
		unsigned name = 0;
		struct span said;
		size_t step = ebml_element(rest, &name, &said);
		if (step == 0) {
			return NULL;
		}
		if (name == 0x4282) { /* DocType */
			return span_equal_text(said, "webm") ? "video/webm" : NULL;
		}
		rest = span_skip(rest, step);
	}
	return NULL;
}

/* The length of a frame of MPEG audio, layer III; 0: it is none. */
static size_t mp3_frame(const uint8_t *at)
{
	static const uint16_t rates[2][15] = {
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	};
	static const uint16_t hertz[3] = {44100, 48000, 32000};
	unsigned version = at[1] >> 3 & 3;
	unsigned rate = at[2] >> 4;
	unsigned pitch = at[2] >> 2 & 3;
	if (at[0] != 0xff || (at[1] & 0xe6) != 0xe2 || version == 1 || rate == 0 || rate == 15 ||
		pitch == 3) {
		return 0;
	}
	bool is_one = version == 3;
	unsigned shift = is_one ? 0 : version == 2 ? 1 : 2;
	return (is_one ? 144000UL : 72000UL) * rates[is_one][rate] / (hertz[pitch] >> shift) +
	       (at[2] >> 1 & 1);
}

static size_t adts_frame(const uint8_t *at)
{
	bool is = at[0] == 0xff && (at[1] & 0xf6) == 0xf0 && (at[2] >> 2 & 15) < 13;
	size_t len = (size_t)(at[3] & 3) << 11 | (size_t)at[4] << 3 | at[5] >> 5;
	return is && len >= 7 ? len : 0;
}

/* Sound without a file header: what follows the first frame is another, as far as one can see. */
static bool has_frames(struct span head, size_t (*frame)(const uint8_t *at))
{
	size_t count = 0;
	for (size_t at = 0; at + 6 <= head.len; count++) {
		size_t len = frame(head.at + at);
		if (len == 0) {
			return false;
		}
		at += len;
	}
	return count > 0 && head.len >= 64;
}

static const char *mpeg(struct span head)
{
	/* A tag of version 2, 3 or 4, whose length has no high bits. */
	if (head.len >= 20 && has(head, 0, "ID3", 3)) {
		bool is = head.at[3] >= 2 && head.at[3] <= 4 && head.at[4] != 0xff &&
			  (head.at[5] & 0x0f) == 0 && (big_endian(head.at + 6) & 0x80808080U) == 0;
		return is ? "audio/mpeg" : NULL;
	}
	if (has_frames(head, mp3_frame)) {
		return "audio/mpeg";
	}
	return has_frames(head, adts_frame) ? "audio/aac" : NULL;
}

const char *sniff_type(struct span head)
{
	static const char *(*const families[])(struct span) = {
		png, jpeg, gif, riff, iso, ogg, flac, webm, mpeg};
	head = span_take(head, LIMIT_SNIFF_BYTES);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const char *type = families[i](head);
		if (type != NULL) {
			return type;
		}
	}
	return "";
}

const char *sniff_known(struct span type)
{
	static const char *const known[] = {"image/png", "image/jpeg", "image/gif", "image/webp",
		"image/avif", "audio/mpeg", "audio/aac", "audio/ogg", "audio/wav", "audio/flac",
		"audio/mp4", "video/mp4", "video/webm", "video/ogg"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (span_equal_text(type, known[i])) {
			return known[i];
		}
	}
	return "";
}

bool sniff_is_image(const char *type)
{
	return strncmp(type, "image/", strlen("image/")) == 0;
}

bool sniff_is_sound(const char *type)
{
	return strncmp(type, "audio/", strlen("audio/")) == 0;
}

bool sniff_is_video(const char *type)
{
	return strncmp(type, "video/", strlen("video/")) == 0;
}
