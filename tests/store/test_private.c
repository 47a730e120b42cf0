/* store/private: what our key opens is found once, live and in what was there, remembered sealed,
 * read again when the key or the rows are others, and shown to nobody else. */
#include "lib/cmocka.h"
#include "lib/shelf.h"
#include "lib/vectors.h"

#include "base/file.h"
#include "store/audit.h"
#include "store/layer.h"
#include "store/people.h"
#include "store/private_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 16384 };

static _Atomic unsigned news_count;
static _Atomic unsigned news_told;

static void on_news(void *ctx, const struct private_news *news)
{
	(void)ctx;
	news_count += (unsigned)news->count;
	news_told++;
}

/* The one that is open; a test that fails leaves it to its end. */
static struct private_book *opened;

static struct private_book *open_book(struct shelf *shelf, const struct signer *signer)
{
	struct private_book *book = NULL;
	const struct private_opts opts = {.store = shelf->store,
		.writer = shelf->writer,
		.signer = signer == NULL ? shelf->self.signer : signer,
		.on_news = on_news,
		.is_stepped = true};
	news_count = 0;
	news_told = 0;
	assert_int_equal(private_start(&opts, &book), ERR_OK);
	opened = book;
	return book;
}

static void close_book(struct private_book *book)
{
	opened = NULL;
	private_stop(book);
}

static int tear_down(void **state)
{
	close_book(opened);
	return shelf_tear_down(state);
}

/* A book that has looked at everything. */
static struct private_book *open_read(struct shelf *shelf)
{
	struct private_book *book = open_book(shelf, NULL);
	while (private_step(book)) {
	}
	assert_int_equal(private_behind(book), 0);
	return book;
}

static void settle(struct private_book *book)
{
	while (private_step(book)) {
	}
}

/* Somebody's message that holds `content` boxed for `count` people; they must be among them. */
static struct message *say_to(
	struct author *author, const struct feed_id *to, size_t count, const char *content)
{
	struct buf text = BUF_INIT(TEXT_BYTES);
	assert_int_equal(signer_seal(author->signer, span_text(content), to, count, &text), ERR_OK);
	assert_non_null(buf_cstr(&text));
	struct message *message = author_say(author, "%s", (const char *)text.at);
	buf_fini(&text);
	return message;
}

/* A post of `author` to `you`, with both of them as readers. */
static struct message *post_to(
	struct author *author, const struct feed_id *you, const char *said, const char *more)
{
	char content[TEXT_BYTES];
	char id[FEED_ID_TEXT_BYTES];
	const struct feed_id to[] = {*you, author->id};
	feed_id_format(you, id);
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"post\",\"text\":\"%s\"%s,\"recps\":[\"%s\",\"%s\"]}", said, more, id,
		author->text);
	return say_to(author, to, 2, content);
}

/* We publish `content` boxed for `others` and us. */
static struct publish_result publish_to(
	struct shelf *shelf, const struct feed_id *others, size_t count, const char *content)
{
	struct feed_id to[LIMIT_BOX_RECIPIENTS];
	struct buf text = BUF_INIT(TEXT_BYTES);
	to[0] = shelf->self.id;
	for (size_t i = 0; i < count; i++) {
		to[i + 1] = others[i];
	}
	assert_int_equal(
		signer_seal(shelf->self.signer, span_text(content), to, count + 1, &text), ERR_OK);
	assert_non_null(buf_cstr(&text));
	struct publish_result result = shelf_publish(shelf, "%s", (const char *)text.at);
	buf_fini(&text);
	return result;
}

static size_t count_all(struct shelf *shelf, struct private_book *book)
{
	struct private_page page;
	assert_int_equal(private_all(book, shelf->reader, 0, 1000, &page), ERR_OK);
	size_t count = page.count;
	private_page_fini(&page);
	return count;
}

static void assert_text(struct shelf *shelf, struct private_book *book,
	const struct message_id *key, const char *part)
{
	struct buf text = BUF_INIT(TEXT_BYTES);
	assert_int_equal(private_text(book, shelf->reader, key, &text), ERR_OK);
	assert_non_null(memmem(text.at, text.len, part, strlen(part)));
	buf_fini(&text);
}

static void assert_dump(struct shelf *shelf, const char *sql, const char *wanted)
{
	char *dump = shelf_dump(shelf, sql);
	assert_string_equal(dump, wanted);
	free(dump);
}

static void what_was_there_is_found_and_remembered(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct author ben;
	author_init(&ana, 1);
	author_init(&ben, 2);
	struct message *first = post_to(&ana, &shelf->self.id, "the first", "");
	const struct message_id key = first->key;
	assert_int_equal(shelf_append(shelf, first), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_post(&ana, "for all")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, post_to(&ben, &ana.id, "not us", "")), APPEND_STORED);
	struct private_book *book = open_book(shelf, NULL);
	assert_int_equal(count_all(shelf, book), 0);
	settle(book);
	assert_int_equal(count_all(shelf, book), 1);
	assert_int_equal(news_count, 1);
	assert_text(shelf, book, &key, "\"the first\"");
	struct private_message found;
	assert_int_equal(private_find(book, shelf->reader, &key, &found), ERR_OK);
	assert_true(feed_id_equal(&found.author, &ana.id));
	assert_int_equal(found.type, CONTENT_POST);
	assert_int_equal(found.sequence, 1);
	assert_int_equal(found.readers.count, 2);
	assert_false(found.is_own || found.is_alone || found.has_root);
	close_book(book);
	/* Again from its sealed rows: nothing is tried, nothing is news. */
	book = open_book(shelf, NULL);
	assert_int_equal(count_all(shelf, book), 1);
	assert_int_equal(book->mark.message, 3);
	settle(book);
	assert_int_equal(news_told, 0);
	assert_text(shelf, book, &key, "\"the first\"");
	struct private_message again;
	assert_int_equal(private_find(book, shelf->reader, &key, &again), ERR_OK);
	assert_memory_equal(&again, &found, sizeof(found));
	close_book(book);
	author_fini(&ana);
	author_fini(&ben);
}

static void a_live_one_is_told_at_once(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	struct private_book *book = open_read(shelf);
	assert_int_equal(
		shelf_append(shelf, post_to(&ana, &shelf->self.id, "now", "")), APPEND_STORED);
	const struct commit commit = {.messages = &shelf->last, .count = 1};
	assert_int_equal(shelf->last.type, CONTENT_PRIVATE);
	/* Before everything else that waits. */
	book->mark = (struct private_mark){.message = 0};
	private_on_commit(book, &commit);
	assert_int_equal(book->urgent_count, 1);
	(void)private_step(book);
	assert_int_equal(news_count, 1);
	settle(book);
	assert_int_equal(news_count, 1);
	assert_int_equal(count_all(shelf, book), 1);
	close_book(book);
	author_fini(&ana);
}

/* The thread of its own does the same. */
static void the_thread_finds_what_comes(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct private_book *book = NULL;
	const struct private_opts opts = {.store = shelf->store,
		.writer = shelf->writer,
		.signer = shelf->self.signer,
		.on_news = on_news};
	author_init(&ana, 1);
	news_count = 0;
	assert_int_equal(private_start(&opts, &book), ERR_OK);
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(shelf_append(shelf, post_to(&ana, &shelf->self.id, "now", "")),
			APPEND_STORED);
		const struct commit commit = {.messages = &shelf->last, .count = 1};
		private_on_commit(book, &commit);
		while (news_count < i) {
			(void)usleep(1000);
		}
	}
	close_book(book);
	assert_dump(shelf, "SELECT count(*) FROM private_messages", "20|");
	author_fini(&ana);
}

static void rows_that_do_not_open_are_read_again(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(shelf_append(shelf, post_to(&ana, &shelf->self.id, "hi", "")),
			APPEND_STORED);
	}
	close_book(open_read(shelf));
	/* One spoilt, one moved to another row, one of nothing. */
	shelf_close(shelf);
	char *before = shelf_dump(shelf, "SELECT count(*) FROM private_messages");
	assert_string_equal(before, "3|");
	free(before);
	shelf_open(shelf);
	sqlite3 *db = db_handle(shelf->store->writer);
	assert_int_equal(sqlite3_exec(db,
				 "UPDATE private_messages SET sealed = zeroblob(40) WHERE message "
				 "= 2; UPDATE private_messages SET message = 77 WHERE message = 3",
				 NULL, NULL, NULL),
		SQLITE_OK);
	struct private_book *book = open_book(shelf, NULL);
	assert_int_equal(count_all(shelf, book), 1);
	settle(book);
	assert_int_equal(count_all(shelf, book), 3);
	close_book(book);
	assert_dump(shelf, "SELECT message FROM private_messages ORDER BY message", "1|2|3|");
	author_fini(&ana);
}

static void rows_of_another_key_go_and_everything_is_read_again(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	assert_int_equal(
		shelf_append(shelf, post_to(&ana, &shelf->self.id, "hi", "")), APPEND_STORED);
	close_book(open_read(shelf));
	/* As if the rows were of an earlier key: ana's own opens the same message. */
	struct private_book *book = open_book(shelf, ana.signer);
	assert_int_equal(count_all(shelf, book), 0);
	settle(book);
	assert_int_equal(count_all(shelf, book), 1);
	assert_int_equal(news_count, 1);
	close_book(book);
	book = open_book(shelf, NULL);
	assert_int_equal(count_all(shelf, book), 0);
	settle(book);
	assert_int_equal(count_all(shelf, book), 1);
	close_book(book);
	assert_dump(shelf, "SELECT count(*) FROM private_messages", "1|");
	author_fini(&ana);
}

static void nothing_of_it_is_on_the_disk_in_the_clear(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	assert_int_equal(shelf_append(shelf, post_to(&ana, &shelf->self.id, "pomegranate", "")),
		APPEND_STORED);
	const struct feed_id to[] = {ana.id};
	(void)publish_to(shelf, to, 1, "{\"type\":\"post\",\"text\":\"artichoke #tagged\"}");
	struct private_book *book = open_read(shelf);
	assert_int_equal(count_all(shelf, book), 2);
	close_book(book);
	assert_int_equal(shelf_found(shelf, "artichoke"), 0);
	shelf_close(shelf);
	static const char *const files[] = {"kith.db", "kith.db-wal"};
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		struct buf bytes = BUF_INIT(64 << 20);
		(void)snprintf(path, sizeof(path), "%s/%s", shelf->dir, files[i]);
		if (file_read(path, &bytes) == ERR_OK) {
			assert_null(memmem(bytes.at, bytes.len, "pomegranate", 11));
			assert_null(memmem(bytes.at, bytes.len, "artichoke", 9));
			assert_null(memmem(bytes.at, bytes.len, "tagged", 6));
		}
		buf_fini(&bytes);
	}
	shelf_open(shelf);
	author_fini(&ana);
}

static bool count_one(void *ctx, const struct private_conversation *conversation)
{
	struct private_conversation *at = ctx;
	size_t i = 0;
	while (at[i].posts > 0) {
		i++;
	}
	at[i] = *conversation;
	return true;
}

static void conversations_are_sets_of_people(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct author ben;
	author_init(&ana, 1);
	author_init(&ben, 2);
	const struct feed_id both[] = {ana.id, ben.id};
	char content[TEXT_BYTES];
	assert_int_equal(
		shelf_append(shelf, post_to(&ana, &shelf->self.id, "one", "")), APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, post_to(&ben, &shelf->self.id, "two", "")), APPEND_STORED);
	/* The same people, in another order, one of them twice, as objects. */
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"post\",\"text\":\"all\",\"recps\":[{\"link\":\"%s\",\"name\":\"b\"},"
		"\"%s\",\"%s\"]}",
		ben.text, ana.text, ben.text);
	(void)publish_to(shelf, both, 2, content);
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"post\",\"text\":\"all\",\"to\":[\"%s\",\"%s\"]}", ana.text, ben.text);
	(void)publish_to(shelf, both, 2, content);
	struct private_book *book = open_read(shelf);
	struct private_conversation found[8] = {{.posts = 0}};
	assert_int_equal(
		private_conversations(book, shelf->reader, NULL, count_one, found), ERR_OK);
	assert_int_equal(found[3].posts, 0);
	struct private_readers readers;
	assert_int_equal(private_readers_of(book, both, 2, &readers), ERR_OK);
	struct private_conversation all;
	assert_int_equal(private_conversation(book, shelf->reader, &readers.name, &all), ERR_OK);
	assert_int_equal(all.posts, 2);
	assert_int_equal(all.own, 2);
	assert_int_equal(all.readers.count, 3);
	assert_int_equal(all.readers.total, 3);
	const struct feed_id turned[] = {ben.id, ana.id, shelf->self.id, ana.id};
	struct private_readers same;
	assert_int_equal(private_readers_of(book, turned, 4, &same), ERR_OK);
	assert_memory_equal(&same, &readers, sizeof(same));
	uint32_t unread = 0;
	assert_int_equal(private_unread(book, shelf->reader, &readers.name, 0, &unread), ERR_OK);
	assert_int_equal(unread, 0);
	assert_int_equal(private_readers_of(book, &ana.id, 1, &readers), ERR_OK);
	assert_int_equal(private_unread(book, shelf->reader, &readers.name, 0, &unread), ERR_OK);
	assert_int_equal(unread, 1);
	close_book(book);
	author_fini(&ana);
	author_fini(&ben);
}

static void a_thread_has_its_answers_and_likes(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	char root[MESSAGE_ID_TEXT_BYTES];
	char content[TEXT_BYTES];
	author_init(&ana, 1);
	const struct publish_result first =
		publish_to(shelf, &ana.id, 1, "{\"type\":\"post\",\"text\":\"first\"}");
	message_id_format(&first.key, root);
	(void)snprintf(content, sizeof(content), ",\"root\":\"%s\",\"branch\":\"%s\"", root, root);
	assert_int_equal(shelf_append(shelf, post_to(&ana, &shelf->self.id, "answer", content)),
		APPEND_STORED);
	for (int value = 1; value >= 0; value--) {
		(void)snprintf(content, sizeof(content),
			"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":%d}}", root, value);
		const struct feed_id to[] = {ana.id, shelf->self.id};
		assert_int_equal(shelf_append(shelf, say_to(&ana, to, 2, content)), APPEND_STORED);
		struct private_book *book = open_read(shelf);
		struct feed_id likes[4];
		size_t count = 0;
		size_t total = 0;
		bool is_own = true;
		assert_int_equal(private_likes(book, shelf->reader, &first.key, likes, 4, &count,
					 &total, &is_own),
			ERR_OK);
		assert_int_equal(total, value);
		assert_int_equal(count, value);
		assert_false(is_own);
		struct private_page page;
		assert_int_equal(
			private_thread(book, shelf->reader, &first.key, 10, &page), ERR_OK);
		assert_int_equal(page.count, 2);
		assert_int_equal(page.total, 2);
		assert_true(page.at[0].is_own && !page.at[1].is_own);
		private_page_fini(&page);
		close_book(book);
	}
	author_fini(&ana);
}

static size_t found_for(struct shelf *shelf, struct private_book *book, const char *typed)
{
	struct search search;
	struct private_page page;
	struct private_place cursor;
	assert_int_equal(search_read(shelf->reader, span_text(typed), 0, &search), ERR_OK);
	assert_int_equal(
		private_search(book, shelf->reader, &search, NULL, 10, &page, &cursor), ERR_OK);
	size_t count = page.count;
	private_page_fini(&page);
	return count;
}

/* Private words are found as public ones are. */
static void finds_the_same_words_as_the_public_search(void **state)
{
	struct shelf *shelf = *state;
	static const char *const texts[] = {"The caf\u00e9 opens at nine", "see-saw margery daw",
		"\u6771\u4eac\u306b\u884c\u304d\u307e\u3059",
		"gr\u00fc\u00dfe aus K\u00f6ln #garden", "an 42x antenna"};
	static const char *const typed[] = {"CAFE", "opens nine", "\"opens at\"", "\"at opens\"",
		"pen", "pens", "pe", "op", "o", "n", "\u4eac", "\u6771\u4eac", "\u4eac\u306b",
		"koln", "gruss", "grusse", "#garden", "tag:garden", "garden", "cafe -nine",
		"cafe -ten", "-ten", "see-saw", "saw see", "see saw", "mar", "ary", "42", "42x",
		"from:me", "from:me cafe", "after:2015", "before:2015", "anten", "tenn", "\"\"",
		"..."};
	struct private_book *book = NULL;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char content[TEXT_BYTES];
		(void)snprintf(
			content, sizeof(content), "{\"type\":\"post\",\"text\":\"%s\"}", texts[i]);
		(void)publish_to(shelf, NULL, 0, content);
	}
	book = open_read(shelf);
	size_t found[sizeof(typed) / sizeof(typed[0])] = {0};
	size_t sum = 0;
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		struct search search;
		bool is_one = search_read(shelf->reader, span_text(typed[i]), 0, &search) == ERR_OK;
		found[i] = is_one ? found_for(shelf, book, typed[i]) : 0;
		sum += found[i];
		assert_true(!is_one || shelf_found(shelf, typed[i]) == 0);
	}
	assert_true(sum > 20);
	close_book(book);
	/* Now the same in public. */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%s\"}", texts[i]);
	}
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		struct search search;
		bool is_one = search_read(shelf->reader, span_text(typed[i]), 0, &search) == ERR_OK;
		size_t public = is_one ? shelf_found(shelf, typed[i]) : 0;
		if (public != found[i]) {
			fail_msg("%s: %zu public, %zu private", typed[i], public, found[i]);
		}
	}
}

static void whom_we_block_or_mute_is_in_no_answer(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	author_init(&dee, 1);
	assert_int_equal(
		shelf_append(shelf, post_to(&dee, &shelf->self.id, "pssst", "")), APPEND_STORED);
	struct private_book *book = open_read(shelf);
	struct private_readers readers;
	assert_int_equal(private_readers_of(book, &dee.id, 1, &readers), ERR_OK);
	for (int way = 0; way < 2; way++) {
		for (int is_on = 1; is_on >= 0; is_on--) {
			const struct change mute = {
				.kind = CHANGE_MUTE, .feed = dee.id, .number = is_on};
			if (way == 0) {
				assert_int_equal(writer_change_wait(shelf->writer, &mute), ERR_OK);
			} else {
				(void)shelf_contact(
					shelf, &dee.id, is_on ? EDGE_BLOCK : EDGE_NEITHER);
			}
			struct private_conversation one;
			enum err err =
				private_conversation(book, shelf->reader, &readers.name, &one);
			assert_int_equal(err, is_on ? ERR_NOT_FOUND : ERR_OK);
			assert_int_equal(count_all(shelf, book), is_on ? 0 : 1);
			assert_int_equal(found_for(shelf, book, "pssst"), is_on ? 0 : 1);
		}
	}
	close_book(book);
	author_fini(&dee);
}

static void what_is_sealed_opens_for_its_purpose_only(void **state)
{
	struct shelf *shelf = *state;
	struct private_book *book = open_book(shelf, NULL);
	struct buf sealed = BUF_INIT(TEXT_BYTES);
	struct buf plain = BUF_INIT(TEXT_BYTES);
	assert_int_equal(private_seal(book, "one", span_text("words"), &sealed), ERR_OK);
	assert_int_equal(sealed.len, 5 + PRIVATE_SEAL_BYTES);
	assert_int_equal(private_unseal(book, "two", buf_span(&sealed), &plain), ERR_DAMAGED);
	assert_int_equal(private_unseal(book, "one", buf_span(&sealed), &plain), ERR_OK);
	assert_true(span_equal_text(buf_span(&plain), "words"));
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.at[i] ^= 1;
		assert_int_equal(
			private_unseal(book, "one", buf_span(&sealed), &plain), ERR_DAMAGED);
		sealed.at[i] ^= 1;
	}
	assert_int_equal(private_unseal(book, "one", span_of(sealed.at, 39), &plain), ERR_DAMAGED);
	buf_fini(&sealed);
	buf_fini(&plain);
	close_book(book);
}

/* Our own word about somebody that only we can read. */
static void say_alone(struct shelf *shelf, const struct feed_id *of, const char *what)
{
	char content[TEXT_BYTES];
	char id[FEED_ID_TEXT_BYTES];
	char self[FEED_ID_TEXT_BYTES];
	feed_id_format(of, id);
	feed_id_format(&shelf->self.id, self);
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"contact\",\"contact\":\"%s\",%s,\"recps\":[\"%s\"]}", id, what, self);
	(void)publish_to(shelf, NULL, 0, content);
}

static size_t on_page(struct shelf *shelf, enum timeline_kind kind, const char *tag)
{
	struct posts posts;
	const struct timeline_query query = {.kind = kind, .tag = tag, .limit = 100};
	assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
	size_t count = posts.count;
	posts_free(&posts);
	return count;
}

static struct person person_of(struct shelf *shelf, const struct feed_id *id)
{
	struct person person;
	assert_int_equal(person_read(shelf->reader, id, &person), ERR_OK);
	return person;
}

static bool is_listed(struct shelf *shelf, enum people_list list, const struct feed_id *id)
{
	struct feed_id ids[16];
	size_t count = 0;
	size_t total = 0;
	assert_int_equal(
		people_list(shelf->reader, list, &shelf->self.id, ids, 16, &count, &total), ERR_OK);
	assert_int_equal(count, total);
	for (size_t i = 0; i < count; i++) {
		if (feed_id_equal(&ids[i], id)) {
			return true;
		}
	}
	return false;
}

static int hops_of(struct shelf *shelf, const struct feed_id *id)
{
	struct reach_entry entries[16];
	size_t count = 0;
	assert_int_equal(graph_reach(shelf->reader, 2, entries, 16, &count), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		if (feed_id_equal(&entries[i].feed, id)) {
			return entries[i].hops;
		}
	}
	return -1;
}

static void note_block(void *ctx, const struct feed_id *from, const struct feed_id *to)
{
	struct feed_id *ids = ctx;
	ids[0] = *from;
	ids[1] = *to;
}

static bool is_blocked(struct shelf *shelf, const struct feed_id *id)
{
	struct feed_id ids[2] = {{{0}}};
	assert_int_equal(graph_blocks(shelf->reader, note_block, ids), ERR_OK);
	return feed_id_equal(&ids[0], &shelf->self.id) && feed_id_equal(&ids[1], id);
}

static void assert_sound(struct shelf *shelf)
{
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

/* Dee, whom we follow openly: a post with a tag, an answer to ours, a like of it. */
static void dee_speaks(struct shelf *shelf, struct author *dee, struct message_id *ours)
{
	*ours = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"our own\"}").key;
	author_init(dee, 1);
	(void)shelf_contact(shelf, &dee->id, EDGE_FOLLOW);
	assert_int_equal(
		shelf_append(shelf, author_post(dee, "dees words #deetag")), APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, author_reply(dee, "an answer", ours, ours)), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_like(dee, ours, 1)), APPEND_STORED);
}

static void assert_dee(
	struct shelf *shelf, const struct author *dee, const struct message_id *ours, bool is_shown)
{
	struct posts posts;
	struct thread_facts facts;
	size_t theirs = is_shown ? 2 : 0;
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 1 + theirs);
	assert_int_equal(on_page(shelf, TIMELINE_WIDE, ""), 1 + theirs);
	assert_int_equal(on_page(shelf, TIMELINE_TAG, "deetag"), is_shown ? 1 : 0);
	assert_int_equal(shelf_found(shelf, "words"), is_shown ? 1 : 0);
	assert_int_equal(shelf_thread(shelf, ours, &facts, &posts), ERR_OK);
	assert_int_equal(posts.count, is_shown ? 2 : 1);
	assert_int_equal(posts.at[0].replies, is_shown ? 1 : 0);
	assert_int_equal(posts.at[0].likes, is_shown ? 1 : 0);
	posts_free(&posts);
	assert_int_equal(person_of(shelf, &dee->id).mine, is_shown ? EDGE_FOLLOW : EDGE_BLOCK);
	assert_int_equal(is_listed(shelf, PEOPLE_FOLLOWED_BY, &dee->id), is_shown);
	assert_int_equal(is_listed(shelf, PEOPLE_BLOCKED_BY, &dee->id), !is_shown);
	assert_int_equal(hops_of(shelf, &dee->id), is_shown ? 1 : -1);
	assert_int_equal(is_blocked(shelf, &dee->id), !is_shown);
}

static void a_private_block_hides_and_leaves_no_row(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct message_id ours;
	dee_speaks(shelf, &dee, &ours);
	struct private_book *book = open_read(shelf);
	char *before = shelf_dump(shelf, "SELECT * FROM contacts; ");
	char *posts = shelf_dump(shelf, "SELECT * FROM posts");
	say_alone(shelf, &dee.id, "\"blocking\":true");
	settle(book);
	enum contact_edge edge = EDGE_NEITHER;
	assert_true(private_edge(book, &dee.id, &edge));
	assert_int_equal(edge, EDGE_BLOCK);
	assert_dee(shelf, &dee, &ours, false);
	assert_int_equal(shelf_append(shelf, author_post(&dee, "more words")), APPEND_NOT_WANTED);
	/* On the disk it is as before, and sound. */
	assert_dump(shelf, "SELECT * FROM contacts; ", before);
	assert_dump(shelf, "SELECT * FROM posts", posts);
	assert_sound(shelf);
	/* After a start, from the sealed row. */
	close_book(book);
	shelf_close(shelf);
	shelf_open(shelf);
	book = open_book(shelf, NULL);
	assert_dee(shelf, &dee, &ours, false);
	/* A private word that is later ends it. */
	say_alone(shelf, &dee.id, "\"following\":true");
	settle(book);
	assert_dee(shelf, &dee, &ours, true);
	assert_sound(shelf);
	close_book(book);
	free(before);
	free(posts);
	author_fini(&dee);
}

/* The latest of what all can read and what only we can decides. */
static void an_open_word_after_it_ends_a_private_block(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct message_id ours;
	dee_speaks(shelf, &dee, &ours);
	struct private_book *book = open_read(shelf);
	say_alone(shelf, &dee.id, "\"blocking\":true");
	settle(book);
	assert_dee(shelf, &dee, &ours, false);
	(void)shelf_contact(shelf, &dee.id, EDGE_FOLLOW);
	const struct commit commit = {.messages = &shelf->last, .count = 1};
	private_on_commit(book, &commit);
	settle(book);
	assert_dee(shelf, &dee, &ours, true);
	enum contact_edge edge = EDGE_NEITHER;
	assert_false(private_edge(book, &dee.id, &edge));
	/* The same after a start, with nothing told. */
	close_book(book);
	book = open_book(shelf, NULL);
	assert_dee(shelf, &dee, &ours, true);
	close_book(book);
	author_fini(&dee);
}

/* What all can read stays as it was said; what we see goes by the latest word. */
static void a_private_word_after_it_ends_an_open_block(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct message_id ours;
	dee_speaks(shelf, &dee, &ours);
	struct private_book *book = open_read(shelf);
	(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
	assert_dee(shelf, &dee, &ours, false);
	char *open = shelf_dump(shelf, "SELECT edge FROM contacts");
	say_alone(shelf, &dee.id, "\"following\":true");
	settle(book);
	assert_dee(shelf, &dee, &ours, true);
	assert_dump(shelf, "SELECT edge FROM contacts", open);
	assert_dump(shelf, "SELECT count(*) FROM lifted", "1|");
	assert_int_equal(shelf_append(shelf, author_post(&dee, "three")), APPEND_STORED);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 4);
	assert_sound(shelf);
	/* After a start, before and behind the book. */
	close_book(book);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_sound(shelf);
	book = open_book(shelf, NULL);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 4);
	assert_int_equal(hops_of(shelf, &dee.id), 1);
	/* A private block again; its end, which follows nobody; an open block behind that. */
	say_alone(shelf, &dee.id, "\"blocking\":true");
	settle(book);
	assert_dee(shelf, &dee, &ours, false);
	assert_dump(shelf, "SELECT count(*) FROM lifted", "0|");
	assert_sound(shelf);
	say_alone(shelf, &dee.id, "\"blocking\":false");
	settle(book);
	assert_int_equal(on_page(shelf, TIMELINE_WIDE, ""), 4);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 1);
	assert_false(is_blocked(shelf, &dee.id));
	assert_sound(shelf);
	(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
	const struct commit commit = {.messages = &shelf->last, .count = 1};
	private_on_commit(book, &commit);
	settle(book);
	assert_dee(shelf, &dee, &ours, false);
	assert_dump(shelf, "SELECT count(*) FROM lifted", "0|");
	assert_sound(shelf);
	say_alone(shelf, &dee.id, "\"following\":true");
	settle(book);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 4);
	close_book(book);
	free(open);
	author_fini(&dee);
}

static void a_private_follow_is_followed_and_in_no_row(void **state)
{
	struct shelf *shelf = *state;
	struct author cy;
	struct author eve;
	author_init(&cy, 3);
	author_init(&eve, 4);
	struct private_book *book = open_read(shelf);
	/* One we never heard of, one of whom we hold something. */
	assert_int_equal(shelf_append(shelf, author_post(&eve, "eves words")), APPEND_STORED);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 0);
	say_alone(shelf, &cy.id, "\"following\":true");
	say_alone(shelf, &eve.id, "\"following\":true");
	settle(book);
	assert_int_equal(hops_of(shelf, &cy.id), 1);
	assert_int_equal(hops_of(shelf, &eve.id), 1);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 1);
	assert_int_equal(shelf_append(shelf, author_post(&cy, "cys words")), APPEND_STORED);
	assert_true(shelf->last.is_home);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 2);
	assert_true(is_listed(shelf, PEOPLE_FOLLOWED_BY, &cy.id));
	assert_dump(shelf, "SELECT count(*) FROM contacts", "0|");
	assert_dump(shelf, "SELECT count(*) FROM posts WHERE home = 1", "0|");
	assert_sound(shelf);
	/* And no more. */
	say_alone(shelf, &cy.id, "\"following\":false");
	settle(book);
	assert_int_equal(hops_of(shelf, &cy.id), -1);
	assert_int_equal(on_page(shelf, TIMELINE_HOME, ""), 1);
	assert_false(is_listed(shelf, PEOPLE_FOLLOWED_BY, &cy.id));
	close_book(book);
	author_fini(&cy);
	author_fini(&eve);
}

/* What somebody else boxes for us about us, or about others, is their word and not ours. */
static void only_our_own_word_makes_an_edge(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct author ben;
	char content[TEXT_BYTES];
	author_init(&ana, 1);
	author_init(&ben, 2);
	const struct feed_id to[] = {shelf->self.id, ana.id};
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"contact\",\"contact\":\"%s\",\"blocking\":true}", ben.text);
	assert_int_equal(shelf_append(shelf, say_to(&ana, to, 2, content)), APPEND_STORED);
	say_alone(shelf, &shelf->self.id, "\"blocking\":true");
	struct private_book *book = open_read(shelf);
	enum contact_edge edge = EDGE_NEITHER;
	assert_int_equal(count_all(shelf, book), 2);
	assert_false(private_edge(book, &ben.id, &edge));
	assert_false(private_edge(book, &shelf->self.id, &edge));
	close_book(book);
	author_fini(&ana);
	author_fini(&ben);
}

static void kith_check_knows_sealed_rows(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	assert_int_equal(
		shelf_append(shelf, post_to(&ana, &shelf->self.id, "hi", "")), APPEND_STORED);
	close_book(open_read(shelf));
	assert_sound(shelf);
	sqlite3 *db = db_handle(shelf->store->writer);
	assert_int_equal(sqlite3_exec(db,
				 "INSERT INTO private_messages (message, sealed) VALUES (77, "
				 "zeroblob(100))",
				 NULL, NULL, NULL),
		SQLITE_OK);
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 1);
	/* The book drops it too, as nothing of it opens. */
	close_book(open_read(shelf));
	assert_sound(shelf);
	author_fini(&ana);
}

/* A message that is removed takes its text along, and soon its place in the book. */
static void what_is_removed_is_in_no_answer(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	struct message *first = post_to(&ana, &shelf->self.id, "gone", "");
	const struct message_id key = first->key;
	assert_int_equal(shelf_append(shelf, first), APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, post_to(&ana, &shelf->self.id, "stays", "")), APPEND_STORED);
	struct private_book *book = open_read(shelf);
	assert_int_equal(sqlite3_exec(db_handle(shelf->store->writer),
				 "DELETE FROM messages WHERE message = 1", NULL, NULL, NULL),
		SQLITE_OK);
	struct buf text = BUF_INIT(TEXT_BYTES);
	assert_int_equal(private_text(book, shelf->reader, &key, &text), ERR_NOT_FOUND);
	settle(book);
	assert_int_equal(count_all(shelf, book), 1);
	assert_dump(shelf, "SELECT message FROM private_messages", "2|");
	close_book(book);
	buf_fini(&text);
	author_fini(&ana);
}

/* When the newest rows go and others take their numbers, nothing is missed. */
static void rows_that_are_used_again_are_tried_again(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct author ben;
	author_init(&ana, 1);
	author_init(&ben, 2);
	assert_int_equal(shelf_append(shelf, author_post(&ana, "first")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "second")), APPEND_STORED);
	struct private_book *book = open_read(shelf);
	assert_int_equal(book->mark.message, 2);
	assert_int_equal(sqlite3_exec(db_handle(shelf->store->writer),
				 "DELETE FROM messages WHERE message = 2", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(
		shelf_append(shelf, post_to(&ana, &shelf->self.id, "third", "")), APPEND_STORED);
	settle(book);
	assert_int_equal(count_all(shelf, book), 1);
	assert_int_equal(book->mark.message, 2);
	close_book(book);
	author_fini(&ana);
	author_fini(&ben);
}

static void an_envelope_between_two_is_opened_too(void **state)
{
	struct shelf *shelf = *state;
	/* The recipient of tests/vectors/box2-dm-message.json keeps this book. */
	struct key *key = NULL;
	struct signer *recipient = NULL;
	struct message *message = NULL;
	const char *why = NULL;
	uint8_t secret[64];
	size_t count = 0;
	json_t *file = vectors_load("box2-dm-message");
	struct span text =
		span_text(vectors_text(json_object_get(file, "recipient"), "ed25519_secret_b64"));
	assert_int_equal(base64_decode(text, secret, sizeof(secret), &count), ERR_OK);
	assert_int_equal(key_from_secret(secret, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &recipient), ERR_OK);
	char *value = json_dumps(
		json_object_get(json_object_get(file, "message"), "value"), JSON_COMPACT);
	assert_int_equal(message_verify(span_text(value), NULL, &message, &why), ERR_OK);
	const struct message_id id = message->key;
	assert_int_equal(shelf_append(shelf, message), APPEND_STORED);
	struct private_book *book = open_book(shelf, recipient);
	settle(book);
	assert_text(shelf, book, &id, "hello box2");
	close_book(book);
	book = open_book(shelf, recipient);
	assert_text(shelf, book, &id, "hello box2");
	close_book(book);
	signer_free(recipient);
	free(value);
	json_decref(file);
}

/* What opens and is no content of a message is nothing. */
static void only_contents_with_a_type_count(void **state)
{
	struct shelf *shelf = *state;
	static const char *const not [] = {"", "[]", "7", "\"post\"", "{}", "{\"type\":7}",
		"{\"type\":\"ab\"}", "{\"type\":\"post\"", "{\"text\":\"x\"}",
		"{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"};
	static const char *const are[] = {"{\"type\":\"abc\"}", "{\"type\":\"post\"}",
		"{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
		"{\"type\":\"post\",\"text\":\"x\",\"recps\":{\"a\":[1,null]}}"};
	struct author ana;
	author_init(&ana, 1);
	const struct feed_id to[] = {shelf->self.id, ana.id};
	for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++) {
		assert_int_equal(shelf_append(shelf, say_to(&ana, to, 2, not [i])), APPEND_STORED);
	}
	struct private_book *book = open_read(shelf);
	assert_int_equal(count_all(shelf, book), 0);
	for (size_t i = 0; i < sizeof(are) / sizeof(are[0]); i++) {
		assert_int_equal(shelf_append(shelf, say_to(&ana, to, 2, are[i])), APPEND_STORED);
	}
	settle(book);
	assert_int_equal(count_all(shelf, book), sizeof(are) / sizeof(are[0]));
	close_book(book);
	author_fini(&ana);
}

/* A list of readers is its author's word: of a long one some are kept, all count for the name. */
static void long_lists_of_readers_are_bounded(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	author_init(&ana, 1);
	const struct feed_id to[] = {shelf->self.id, ana.id};
	struct private_name names[2];
	for (size_t round = 0; round < 2; round++) {
		char content[LIMIT_MESSAGE_UNITS];
		size_t count = round == 0 ? PRIVATE_READERS_MAX - 2 : 80;
		int len = snprintf(content, sizeof(content), "{\"type\":\"abc\",\"recps\":[");
		for (size_t i = 0; i < count; i++) {
			char id[FEED_ID_TEXT_BYTES];
			const struct feed_id one = {{(uint8_t)i, 1}};
			feed_id_format(&one, id);
			len += snprintf(content + len, sizeof(content) - (size_t)len, "%s\"%s\"",
				i == 0 ? "" : ",", id);
		}
		(void)snprintf(content + len, sizeof(content) - (size_t)len, "]}");
		struct message *message = say_to(&ana, to, 2, content);
		const struct message_id key = message->key;
		assert_int_equal(shelf_append(shelf, message), APPEND_STORED);
		struct private_book *book = open_read(shelf);
		struct private_message found;
		assert_int_equal(private_find(book, shelf->reader, &key, &found), ERR_OK);
		assert_int_equal(found.readers.count, PRIVATE_READERS_MAX);
		assert_int_equal(found.readers.total, count + 2);
		names[round] = found.readers.name;
		size_t sure = 0;
		for (size_t i = 0; i < found.readers.count; i++) {
			sure += feed_id_equal(&found.readers.at[i], &ana.id) ||
				feed_id_equal(&found.readers.at[i], &shelf->self.id);
		}
		assert_int_equal(sure, 2);
		close_book(book);
	}
	assert_memory_not_equal(&names[0], &names[1], sizeof(names[0]));
	author_fini(&ana);
}

/* Somebody else's boxes cost one unit after another, and are tried once. */
static void a_unit_is_so_many_boxes(void **state)
{
	struct shelf *shelf = *state;
	enum { BOXES = 2 * LIMIT_PRIVATE_UNIT + 1 };
	struct author ana;
	struct author ben;
	struct message *messages[BOXES];
	author_init(&ana, 1);
	author_init(&ben, 2);
	for (size_t i = 0; i < BOXES; i++) {
		messages[i] = post_to(&ana, &ben.id, "not for us", "");
	}
	assert_int_equal(shelf_append_all(shelf, messages, BOXES, NULL), ERR_OK);
	struct private_book *book = open_book(shelf, NULL);
	for (int64_t unit = 1; unit <= 2; unit++) {
		assert_true(private_step(book));
		assert_int_equal(book->mark.message, unit * LIMIT_PRIVATE_UNIT);
		assert_int_equal(private_behind(book), BOXES - unit * LIMIT_PRIVATE_UNIT);
	}
	settle(book);
	assert_int_equal(book->mark.message, BOXES);
	assert_int_equal(private_behind(book), 0);
	assert_int_equal(news_told, 0);
	close_book(book);
	book = open_book(shelf, NULL);
	assert_int_equal(book->mark.message, BOXES);
	assert_dump(shelf, "SELECT count(*) FROM private_messages", "0|");
	close_book(book);
	author_fini(&ana);
	author_fini(&ben);
}

static enum err put_number(struct private_book *book, int64_t number)
{
	struct private_row row = {.m = {.message = number,
					  .at_ms = number,
					  .type = CONTENT_POST,
					  .author = {{(uint8_t)(number % 7)}}}};
	memcpy(row.m.key.at, &number, sizeof(number));
	assert_int_equal(private_readers_of(book, &row.m.author, 1, &row.m.readers), ERR_OK);
	return private_book_put(book, &row);
}

/* Of more than the limit the newest are kept. */
static void the_book_is_bounded(void **state)
{
	struct shelf *shelf = *state;
	struct private_book *book = open_book(shelf, NULL);
	(void)pthread_mutex_lock(&book->lock);
	for (int64_t i = 1001; i <= 1000 + LIMIT_PRIVATE_MESSAGES; i++) {
		assert_int_equal(put_number(book, i), ERR_OK);
	}
	assert_int_equal(book->by_row.count, LIMIT_PRIVATE_MESSAGES);
	assert_int_equal(put_number(book, 1000), ERR_LIMIT);
	assert_int_equal(put_number(book, 1001), ERR_EXISTS);
	for (int64_t i = 1; i <= 1000; i++) {
		assert_int_equal(put_number(book, 1000 + LIMIT_PRIVATE_MESSAGES + i), ERR_OK);
	}
	assert_int_equal(book->by_row.count, LIMIT_PRIVATE_MESSAGES);
	assert_int_equal(book->by_row.at[0]->message, 2001);
	(void)pthread_mutex_unlock(&book->lock);
	close_book(book);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shelf_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_there_is_found_and_remembered),
		TEST(a_live_one_is_told_at_once),
		TEST(the_thread_finds_what_comes),
		TEST(rows_that_do_not_open_are_read_again),
		TEST(rows_of_another_key_go_and_everything_is_read_again),
		TEST(nothing_of_it_is_on_the_disk_in_the_clear),
		TEST(conversations_are_sets_of_people),
		TEST(a_thread_has_its_answers_and_likes),
		TEST(finds_the_same_words_as_the_public_search),
		TEST(whom_we_block_or_mute_is_in_no_answer),
		TEST(what_is_sealed_opens_for_its_purpose_only),
		TEST(a_private_block_hides_and_leaves_no_row),
		TEST(an_open_word_after_it_ends_a_private_block),
		TEST(a_private_word_after_it_ends_an_open_block),
		TEST(a_private_follow_is_followed_and_in_no_row),
		TEST(only_our_own_word_makes_an_edge),
		TEST(kith_check_knows_sealed_rows),
		TEST(what_is_removed_is_in_no_answer),
		TEST(rows_that_are_used_again_are_tried_again),
		TEST(an_envelope_between_two_is_opened_too),
		TEST(only_contents_with_a_type_count),
		TEST(long_lists_of_readers_are_bounded),
		TEST(a_unit_is_so_many_boxes),
		TEST(the_book_is_bounded),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
