/* feed/content, blob_ref, quote and api/mentions: a stranger's words, as JSON of a content and as
 * plain text. Whatever is found lies within the text, in order, and no more of it than there is
 * room for. */
#include "api/mentions.h"
#include "feed/blob_ref.h"
#include "feed/content.h"
#include "feed/quote.h"

#include "base/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

/* Reads each byte, so that the sanitizer sees whether it is there. */
static void look(struct span text)
{
	volatile uint8_t sum = 0;
	for (size_t i = 0; i < text.len; i++) {
		sum = (uint8_t)(sum + text.at[i]);
	}
}

static bool is_inside(struct span part, struct span whole)
{
	return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void find_blobs(struct span text)
{
	struct blob_ref ref;
	size_t at = 0;
	size_t behind = 0;
	while (blob_ref_next(text, &at, &ref)) {
		bool is_image = false;
		must(ref.from >= behind && ref.from < ref.to && ref.to <= text.len && at >= ref.to);
		must(is_inside(blob_ref_label(text, &ref, &is_image), text));
		behind = ref.to;
	}
}

static void take_apart(struct span text)
{
	struct quote quote;
	must(quote_read(text, &quote) == ERR_OK);
	for (size_t i = 0; i < quote.count; i++) {
		must(quote.words[i].from < quote.words[i].to && quote.words[i].to <= text.len);
		must(i == 0 || quote.words[i].from >= quote.words[i - 1].to);
	}
	must(quote.part_count <= QUOTE_PARTS_MAX);
	for (size_t i = 0; i < quote.part_count; i++) {
		const struct quote_part *part = &quote.parts[i];
		must(part->from <= part->to && part->to <= text.len);
		must(part->first <= part->end && part->end <= quote.count);
	}
	quote_free(&quote);
}

static void find_mentions(struct span text)
{
	struct buf out = BUF_INIT(1 * MIB);
	struct json_doc *doc = NULL;
	size_t count = 0;
	if (mentions_find(text, NULL, &out, &count) == ERR_OK) {
		must(count <= MENTIONS_MAX && json_parse(buf_span(&out), 4, &doc) == ERR_OK);
		must(json_count(json_root(doc)) == count);
		json_doc_free(doc);
	}
	buf_fini(&out);
}

static void read_post(const struct content_post *post)
{
	must(post->branch_count <= CONTENT_BRANCHES_MAX &&
		post->mention_count <= CONTENT_MENTIONS_MAX);
	look(post->warning);
	look(post->channel);
	for (size_t i = 0; i < post->mention_count; i++) {
		look(post->mentions[i].name);
		if (post->mentions[i].kind == MENTION_TAG) {
			look(post->mentions[i].tag);
		}
	}
	find_blobs(post->text);
	take_apart(post->text);
}

static void read_content(struct span text)
{
	struct json_doc *doc = NULL;
	struct content content = {0};
	if (json_parse(text, LIMIT_JSON_DEPTH, &doc) != ERR_OK) {
		return;
	}
	content_read_json(json_root(doc), &content);
	look(content.type_text);
	if (content.type == CONTENT_POST) {
		read_post(&content.post);
	} else if (content.type == CONTENT_VOTE) {
		look(content.vote.expression);
	} else if (content.type == CONTENT_CONTACT) {
		must(content.contact.edge <= EDGE_BLOCK);
	} else if (content.type == CONTENT_ABOUT && content.about.is_about_feed) {
		look(content.about.name);
		look(content.about.description);
		must(!content.about.has_image || !content.about.is_image_gone);
	} else if (content.type == CONTENT_PUB) {
		look(content.pub.address);
		look(content.pub.host);
		must(content.pub.address.len == 0 || content.pub.host.len == 0);
	}
	json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	read_content(text);
	find_blobs(text);
	take_apart(text);
	find_mentions(text);
	return 0;
}
