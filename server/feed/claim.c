/* The first three fields of a message, in either of their two orders, as V8 prints them. */
#include "feed/claim.h"

#define SEQUENCE_MAX UINT64_C(9007199254740991) /* 2^53 − 1 */

static bool take_text(struct span *text, const char *expected)
{
	if (!span_starts_with(*text, expected)) {
		return false;
	}
	*text = span_skip(*text, strlen(expected));
	return true;
}

/* `null`, or a string as long as a message id; whether it is one is found out later. */
static bool take_previous(struct span *text)
{
	size_t id = MESSAGE_ID_TEXT_BYTES - 1;
	if (take_text(text, "null")) {
		return true;
	}
	if (text->len < id + 2 || text->at[0] != '"' || text->at[1] != '%' ||
		text->at[id + 1] != '"') {
		return false;
	}
	*text = span_skip(*text, id + 2);
	return true;
}

static bool take_author(struct span *text, struct feed_id *out)
{
	size_t id = FEED_ID_TEXT_BYTES - 1;
	if (!take_text(text, "\"author\":\"") ||
		feed_id_parse(span_take(*text, id), out) != ERR_OK) {
		return false;
	}
	*text = span_skip(*text, id);
	return take_text(text, "\"");
}

static bool take_sequence(struct span *text, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;
	if (!take_text(text, "\"sequence\":") || text->len == 0 || text->at[0] == '0') {
		return false;
	}
	for (; i < text->len && text->at[i] >= '0' && text->at[i] <= '9'; i++) {
		value = value * 10 + (uint64_t)(text->at[i] - '0');
		if (value > SEQUENCE_MAX) {
			return false;
		}
	}
	*text = span_skip(*text, i);
	*out = value;
	return i > 0;
}

bool claim_read(struct span raw, struct claim *out)
{
	struct claim claim;
	if (!take_text(&raw, "{\"previous\":") || !take_previous(&raw) || !take_text(&raw, ",")) {
		return false;
	}
	bool is_author_first = span_starts_with(raw, "\"author\"");
	if (is_author_first ? !take_author(&raw, &claim.author) || !take_text(&raw, ",") ||
				      !take_sequence(&raw, &claim.sequence)
			    : !take_sequence(&raw, &claim.sequence) || !take_text(&raw, ",") ||
				      !take_author(&raw, &claim.author)) {
		return false;
	}
	if (!span_starts_with(raw, ",\"timestamp\":")) {
		return false;
	}
	*out = claim;
	return true;
}

bool claim_of(const struct json *message, struct claim *out)
{
	struct claim claim;
	struct span author;
	int64_t sequence = 0;
	if (!json_text(json_get(message, "author"), &author) ||
		feed_id_parse(author, &claim.author) != ERR_OK ||
		!json_whole(json_get(message, "sequence"), &sequence) || sequence < 1) {
		return false;
	}
	claim.sequence = (uint64_t)sequence;
	*out = claim;
	return true;
}
