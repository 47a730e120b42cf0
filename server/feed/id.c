/* The text forms of ids. One table of kinds; every form ends in the same strict base64. */
#include "feed/id.h"

enum { BASE64_ID = 44, BASE64URL_ID = 43 };

struct kind {
	char sigil;
	const char *suffix;
	const char *uri_type;
	const char *uri_alias; /* the older name of the format `classic` */
};

static const struct kind feed_kind = {'@', ".ed25519", "feed", "ed25519"};
static const struct kind message_kind = {'%', ".sha256", "message", "sha256"};
static const struct kind blob_kind = {'&', ".sha256", "blob", "sha256"};

static enum err parse_sigil(const struct kind *kind, struct span text, uint8_t *out)
{
	size_t suffix = strlen(kind->suffix);
	uint8_t id[ID_BYTES];
	size_t count = 0;
	if (text.len != 1 + BASE64_ID + suffix || text.at[0] != (uint8_t)kind->sigil ||
		!span_ends_with(text, kind->suffix)) {
		return ERR_REFUSED;
	}
	if (base64_decode(span_of(text.at + 1, BASE64_ID), id, sizeof(id), &count) != ERR_OK ||
		count != ID_BYTES) {
		return ERR_REFUSED;
	}
	memcpy(out, id, ID_BYTES);
	return ERR_OK;
}

static enum err parse_url_safe(struct span text, uint8_t *out)
{
	uint8_t id[ID_BYTES];
	size_t count = 0;
	if (text.len == BASE64_ID && text.at[BASE64_ID - 1] == '=') {
		text.len--;
	}
	if (text.len != BASE64URL_ID || base64url_decode(text, id, sizeof(id), &count) != ERR_OK ||
		count != ID_BYTES) {
		return ERR_REFUSED;
	}
	memcpy(out, id, ID_BYTES);
	return ERR_OK;
}

/* Take `word` and a separator (a slash or a colon) off the front. */
static bool take_word(struct span *text, const char *word)
{
	size_t len = strlen(word);
	if (text->len <= len || !span_starts_with(*text, word) ||
		(text->at[len] != '/' && text->at[len] != ':')) {
		return false;
	}
	*text = span_skip(*text, len + 1);
	return true;
}

/* ssb:TYPE/FORMAT/DATA, ssb:TYPE:FORMAT:DATA or ssb://TYPE/FORMAT/DATA. */
static enum err parse_uri(const struct kind *kind, struct span text, uint8_t *out)
{
	text = span_skip(text, strlen("ssb:"));
	if (span_starts_with(text, "//")) {
		text = span_skip(text, 2);
	}
	if (!take_word(&text, kind->uri_type) ||
		(!take_word(&text, "classic") && !take_word(&text, kind->uri_alias))) {
		return ERR_REFUSED;
	}
	return parse_url_safe(text, out);
}

static enum err parse_link(const struct kind *kind, struct span text, uint8_t *out)
{
	const uint8_t *query = text.len == 0 ? NULL : memchr(text.at, '?', text.len);
	if (query != NULL) {
		text.len = (size_t)(query - text.at);
	}
	return span_starts_with(text, "ssb:") ? parse_uri(kind, text, out)
					      : parse_sigil(kind, text, out);
}

static enum err parse_any(const struct kind *kind, struct span text, uint8_t *out)
{
	return text.len == BASE64URL_ID ? parse_url_safe(text, out) : parse_link(kind, text, out);
}

enum err feed_id_parse(struct span text, struct feed_id *out)
{
	return parse_sigil(&feed_kind, text, out->at);
}

enum err message_id_parse(struct span text, struct message_id *out)
{
	return parse_sigil(&message_kind, text, out->at);
}

enum err blob_id_parse(struct span text, struct blob_id *out)
{
	return parse_sigil(&blob_kind, text, out->at);
}

enum err feed_id_parse_link(struct span text, struct feed_id *out)
{
	return parse_link(&feed_kind, text, out->at);
}

enum err feed_id_parse_any(struct span text, struct feed_id *out)
{
	return parse_any(&feed_kind, text, out->at);
}

enum err message_id_parse_link(struct span text, struct message_id *out)
{
	return parse_link(&message_kind, text, out->at);
}

enum err message_id_parse_any(struct span text, struct message_id *out)
{
	return parse_any(&message_kind, text, out->at);
}

enum err blob_id_parse_link(struct span text, struct blob_id *out)
{
	return parse_link(&blob_kind, text, out->at);
}

enum err blob_id_parse_any(struct span text, struct blob_id *out)
{
	return parse_any(&blob_kind, text, out->at);
}

static void format(const struct kind *kind, const uint8_t *id, char *text)
{
	*text++ = kind->sigil;
	text += base64_encode(span_of(id, ID_BYTES), text);
	memcpy(text, kind->suffix, strlen(kind->suffix) + 1);
}

void feed_id_format(const struct feed_id *id, char text[static FEED_ID_TEXT_BYTES])
{
	format(&feed_kind, id->at, text);
}

void message_id_format(const struct message_id *id, char text[static MESSAGE_ID_TEXT_BYTES])
{
	format(&message_kind, id->at, text);
}

void blob_id_format(const struct blob_id *id, char text[static BLOB_ID_TEXT_BYTES])
{
	format(&blob_kind, id->at, text);
}

void id_format_path(const uint8_t id[static ID_BYTES], char text[static ID_PATH_BYTES])
{
	size_t count = base64url_encode(span_of(id, ID_BYTES), text);
	text[count] = '\0';
}
