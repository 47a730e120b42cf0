/* Made-up feeds. Each message is written with an empty signature, read back for the text to sign,
 * and written again. */
#include "bench/corpus.h"

#include "base/limits.h"
#include "feed/chain.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECENT_MAX = 256, CONTENT_BYTES_MAX = 16 * KIB, START_MS_STEP = 40000 };

struct author {
	uint8_t secret[64];
	struct feed_id id;
	struct chain_head head;
};

struct recent {
	struct message_id key;
	struct message_id root;
};

struct corpus {
	struct author *authors;
	struct author hub;
	size_t author_count;
	uint64_t state;
	int64_t now_ms;
	struct recent recent[RECENT_MAX]; /* posts */
	size_t recent_count;
	struct buf content;
	struct buf text;
};

static const char *const words[] = {"the", "a", "boat", "garden", "of", "and", "is", "we", "went",
	"to", "harbour", "peers", "with", "gossip", "today", "water", "I", "think", "that",
	"nobody", "knows", "Käse", "überall", "море", "茶", "😀", "really", "slowly", "mountain",
	"network", "letters", "bread", "from", "on", "it", "was", "not", "but", "all", "friends",
	"#scuttlebutt", "morning", "light", "\\\"yes\\\"", "rain,", "wind.", "\\n\\n",
	"[link](http://example.org/)", "solar", "panel"};
enum { WORD_COUNT = sizeof(words) / sizeof(words[0]) };

static void must(bool is_fine)
{
	if (!is_fine) {
		(void)fputs("corpus: no memory, or a message that is none\n", stderr);
		exit(1);
	}
}

/* splitmix64, written from its description. */
static uint64_t next(struct corpus *corpus)
{
	uint64_t z = corpus->state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(struct corpus *corpus, size_t count)
{
	return (size_t)(next(corpus) % count);
}

struct corpus *corpus_new(size_t authors, uint64_t seed)
{
	struct corpus *corpus = calloc(1, sizeof(*corpus));
	must(corpus != NULL && authors > 0);
	corpus->authors = calloc(authors, sizeof(*corpus->authors));
	must(corpus->authors != NULL);
	corpus->author_count = authors;
	corpus->state = seed;
	corpus->now_ms = 1500000000000;
	buf_init(&corpus->content, CONTENT_BYTES_MAX);
	buf_init(&corpus->text, LIMIT_MESSAGE_BYTES);
	uint8_t hub_seed[32];
	memset(hub_seed, CORPUS_HUB_SEED_BYTE, sizeof(hub_seed));
	must(crypto_sign_seed_keypair(corpus->hub.id.at, corpus->hub.secret, hub_seed) == 0);
	for (size_t i = 0; i < authors; i++) {
		uint64_t bytes[4] = {next(corpus), next(corpus), next(corpus), next(corpus)};
		must(crypto_sign_seed_keypair(corpus->authors[i].id.at, corpus->authors[i].secret,
			     (const uint8_t *)bytes) == 0);
	}
	return corpus;
}

void corpus_free(struct corpus *corpus)
{
	buf_fini(&corpus->content);
	buf_fini(&corpus->text);
	free(corpus->authors);
	free(corpus);
}

static void put_words(struct corpus *corpus, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		must(buf_printf(&corpus->content, "%s%s", i == 0 ? "" : " ",
			     words[below(corpus, WORD_COUNT)]) == ERR_OK);
	}
}

static void put_message_id(struct corpus *corpus, const struct message_id *id)
{
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(id, text);
	must(buf_printf(&corpus->content, "\"%s\"", text) == ERR_OK);
}

static void put_feed_id(struct corpus *corpus, const struct author *author)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(&author->id, text);
	must(buf_printf(&corpus->content, "\"%s\"", text) == ERR_OK);
}

static void put_text(struct corpus *corpus, const char *text)
{
	must(buf_append_text(&corpus->content, text) == ERR_OK);
}

static const struct recent *some_post(struct corpus *corpus)
{
	size_t count = corpus->recent_count < RECENT_MAX ? corpus->recent_count : RECENT_MAX;
	return count == 0 ? NULL : &corpus->recent[below(corpus, count)];
}

/* Six of ten posts are replies. `*root` is the thread's root, all zero when the post starts one. */
static void write_post(struct corpus *corpus, struct message_id *root)
{
	const struct recent *to = below(corpus, 10) < 6 ? some_post(corpus) : NULL;
	put_text(corpus, "{\"type\":\"post\",\"text\":\"");
	put_words(corpus, 4 + below(corpus, 82) + (below(corpus, 4) == 0 ? below(corpus, 330) : 0));
	put_text(corpus, "\"");
	if (to != NULL) {
		*root = to->root;
		put_text(corpus, ",\"root\":");
		put_message_id(corpus, &to->root);
		put_text(corpus, ",\"branch\":");
		put_message_id(corpus, &to->key);
	} else if (below(corpus, 5) == 0) {
		put_text(corpus, ",\"channel\":\"boats\"");
	}
	put_text(corpus, ",\"mentions\":[");
	if (below(corpus, 3) == 0) {
		put_text(corpus, "{\"link\":");
		put_feed_id(corpus, &corpus->authors[below(corpus, corpus->author_count)]);
		put_text(corpus, ",\"name\":\"someone\"}");
	}
	put_text(corpus, "]}");
}

static void write_vote(struct corpus *corpus)
{
	const struct recent *post = some_post(corpus);
	struct message_id nothing = {{0}};
	put_text(corpus, "{\"type\":\"vote\",\"vote\":{\"link\":");
	put_message_id(corpus, post == NULL ? &nothing : &post->key);
	put_text(corpus, below(corpus, 20) == 0 ? ",\"value\":0,\"expression\":\"Unlike\"}}"
						: ",\"value\":1,\"expression\":\"Like\"}}");
}

static void write_contact(struct corpus *corpus)
{
	put_text(corpus, "{\"type\":\"contact\",\"contact\":");
	put_feed_id(corpus, &corpus->authors[below(corpus, corpus->author_count)]);
	put_text(corpus, below(corpus, 30) == 0 ? ",\"blocking\":true,\"following\":false}"
						: ",\"following\":true,\"blocking\":false}");
}

static void write_about(struct corpus *corpus, const struct author *author)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(&author->id, text);
	must(buf_printf(&corpus->content,
		     "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"Person "
		     "%zu\",\"description\":\"",
		     text, (size_t)(author - corpus->authors)) == ERR_OK);
	put_words(corpus, below(corpus, 20));
	put_text(corpus, "\"}");
}

static void write_private(struct corpus *corpus)
{
	uint8_t box[1200];
	char text[BASE64_BYTES(sizeof(box))];
	size_t count = 300 + below(corpus, sizeof(box) - 300);
	for (size_t i = 0; i < count; i++) {
		box[i] = (uint8_t)next(corpus);
	}
	must(buf_printf(&corpus->content, "\"%.*s.box\"",
		     (int)base64_encode(span_of(box, count), text), text) == ERR_OK);
}

static void write_message(
	struct corpus *corpus, const struct author *author, const uint8_t *signature)
{
	char id[FEED_ID_TEXT_BYTES];
	char previous[MESSAGE_ID_TEXT_BYTES];
	char base64[BASE64_BYTES(64)];
	bool is_first = author->head.sequence == 0;
	feed_id_format(&author->id, id);
	message_id_format(&author->head.key, previous);
	(void)base64_encode(span_of(signature, 64), base64);
	buf_clear(&corpus->text);
	must(buf_printf(&corpus->text,
		     "{\"previous\":%s%s%s,\"sequence\":%" PRIu64
		     ",\"author\":\"%s\",\"timestamp\":%" PRId64,
		     is_first ? "" : "\"", is_first ? "null" : previous, is_first ? "" : "\"",
		     author->head.sequence + 1, id, corpus->now_ms) == ERR_OK);
	must(buf_printf(&corpus->text,
		     ",\"hash\":\"sha256\",\"content\":%.*s,\"signature\":\"%.*s.sig.ed25519\"}",
		     (int)corpus->content.len, (const char *)corpus->content.at,
		     (int)sizeof(base64), base64) == ERR_OK);
}

static struct message *read_back(struct corpus *corpus)
{
	struct message *message = NULL;
	const char *why = NULL;
	must(message_reread(buf_span(&corpus->text), &message, &why) == ERR_OK);
	return message;
}

static struct message *sign(struct corpus *corpus, const struct author *author)
{
	uint8_t signature[64] = {0};
	struct buf signed_text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	write_message(corpus, author, signature);
	struct message *message = read_back(corpus);
	must(message_write_signed_text(message, &signed_text) == ERR_OK);
	message_free(message);
	must(crypto_sign_detached(
		     signature, NULL, signed_text.at, signed_text.len, author->secret) == 0);
	write_message(corpus, author, signature);
	buf_fini(&signed_text);
	return read_back(corpus);
}

static bool write_content(
	struct corpus *corpus, const struct author *author, struct message_id *root)
{
	size_t way = author->head.sequence == 0 ? 99 : below(corpus, 100);
	buf_clear(&corpus->content);
	if (way < 38) {
		write_post(corpus, root);
		return true;
	}
	if (way < 78) {
		write_vote(corpus);
	} else if (way < 90) {
		write_contact(corpus);
	} else if (way < 94) {
		write_private(corpus);
	} else {
		write_about(corpus, author);
	}
	return false;
}

/* The next message of `author`, with the present content: signed, and its text appended to `out`.
 */
static struct message *add(struct corpus *corpus, struct author *author, struct buf *out)
{
	struct message *message = sign(corpus, author);
	author->head = (struct chain_head){message->sequence, message->key, message->timestamp};
	must(buf_append(out, message->compact) == ERR_OK);
	return message;
}

void corpus_next(struct corpus *corpus, struct buf *out)
{
	/* Some write far more than others. */
	size_t a = below(corpus, corpus->author_count);
	size_t b = below(corpus, corpus->author_count);
	struct author *author = &corpus->authors[a < b ? a : b];
	struct message_id none = {{0}};
	struct message_id root = none;
	corpus->now_ms += 1 + (int64_t)below(corpus, START_MS_STEP);
	bool is_post = write_content(corpus, author, &root);
	struct message *message = add(corpus, author, out);
	if (is_post) {
		struct recent *slot = &corpus->recent[corpus->recent_count++ % RECENT_MAX];
		slot->key = message->key;
		slot->root = message_id_equal(&root, &none) ? message->key : root;
	}
	message_free(message);
}

bool corpus_next_of_hub(struct corpus *corpus, struct buf *out)
{
	if (corpus->hub.head.sequence == corpus->author_count) {
		return false;
	}
	corpus->now_ms++;
	buf_clear(&corpus->content);
	put_text(corpus, "{\"type\":\"contact\",\"contact\":");
	put_feed_id(corpus, &corpus->authors[corpus->hub.head.sequence]);
	put_text(corpus, ",\"following\":true}");
	message_free(add(corpus, &corpus->hub, out));
	return true;
}
