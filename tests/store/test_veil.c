/* store/veil: words of people we block show nowhere, in whatever form somebody repeats them; and
 * nobody else's words go with them. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "feed/json.h"
#include "store/inside.h"
#include "store/people.h"
#include "store/tags.h"
#include "store/timeline.h"
#include "store/veil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRUEL "Your little garden looks like a rubbish heap, and so do you"

/* Dee, Ben who repeats her, and what was said before she was blocked. */
struct scene {
	struct shelf *shelf;
	struct author dee, ben, cy;
	struct message_id cruel, talk;
};

static struct message_id append(struct scene *scene, struct message *message)
{
	struct message_id key = message->key;
	assert_int_equal(shelf_append(scene->shelf, message), APPEND_STORED);
	return key;
}

/* As author_post() and author_reply(), of any text. */
static const char *escaped(const char *text)
{
	static char room[4096];
	struct buf out = BUF_INIT(sizeof(room));
	assert_int_equal(json_write_string(span_text(text), &out), ERR_OK);
	(void)snprintf(room, sizeof(room), "%.*s", (int)out.len - 2, (const char *)out.at + 1);
	buf_fini(&out);
	return room;
}

static struct message *post_by(struct author *author, const char *text)
{
	return author_post(author, escaped(text));
}

static struct message *reply_by(struct author *author, const char *text,
	const struct message_id *root, const struct message_id *branch)
{
	return author_reply(author, escaped(text), root, branch);
}

static struct message_id ben_says(struct scene *scene, const char *text)
{
	return append(scene, post_by(&scene->ben, text));
}

static void begin(struct scene *scene, struct shelf *shelf)
{
	scene->shelf = shelf;
	author_init(&scene->dee, 1);
	author_init(&scene->ben, 2);
	author_init(&scene->cy, 3);
	/* Ben speaks after her, Cy after both. */
	scene->ben.now_ms += 3600 * 1000;
	scene->cy.now_ms += 7200 * 1000;
	(void)append(scene, author_name(&scene->dee, "Dee"));
	scene->cruel = append(scene, post_by(&scene->dee, CRUEL));
	(void)append(scene, post_by(&scene->dee, "Unkind words"));
	scene->talk = append(scene, post_by(&scene->dee, "What do you all think"));
}

static void block(struct scene *scene)
{
	(void)shelf_contact(scene->shelf, &scene->dee.id, EDGE_BLOCK);
}

static void end(struct scene *scene)
{
	author_fini(&scene->dee);
	author_fini(&scene->ben);
	author_fini(&scene->cy);
}

static struct posts read_one(struct scene *scene, const struct message_id *id)
{
	struct posts posts;
	assert_int_equal(posts_read(scene->shelf->reader, id, 1, &posts), ERR_OK);
	assert_int_equal(posts.count, 1);
	return posts;
}

static void assert_reads(struct scene *scene, const struct message_id *id, const char *text)
{
	struct posts posts = read_one(scene, id);
	char *shown = strndup((const char *)posts.at[0].text.at, posts.at[0].text.len);
	assert_non_null(shown);
	assert_string_equal(shown, text);
	free(shown);
	posts_free(&posts);
}

/* A post that stands by itself. */
static const struct {
	const char *said, *shown;
} alone[] = {
	/* Lines. */
	{"> " CRUEL "\n\nI do not think so", "> [hidden quote]\n\nI do not think so"},
	{"No.\n\n>" CRUEL, "No.\n\n> [hidden quote]"},
	{"> > " CRUEL "\n> \n> and that", "> [hidden quote]"},
	{"- > " CRUEL, "> [hidden quote]"},
	{"1. > your little garden\n   > looks like a rubbish heap\nSo?", "> [hidden quote]\nSo?"},
	{"> Unkind words", "> [hidden quote]"},
	{"> **Unkind** _words_", "> [hidden quote]"},
	{"> looks like a rubbish", "> [hidden quote]"},
	/* Marks. */
	{"She said \"" CRUEL "\" to me", "She said [hidden quote] to me"},
	{"She said \xe2\x80\x9cyour little garden looks\xe2\x80\x9d to me",
		"She said [hidden quote] to me"},
	{"\xe2\x80\x9eYour little garden looks\xe2\x80\x9c was it", "[hidden quote] was it"},
	{"\xc2\xabunkind words\xc2\xbb", "[hidden quote]"},
	{"'unkind words' she said", "[hidden quote] she said"},
	{"\xe2\x80\x98unkind words\xe2\x80\x99 she said", "[hidden quote] she said"},
	{"\xe3\x80\x8cUnkind words\xe3\x80\x8d", "[hidden quote]"},
	{"It was \"\xe2\x80\xa6looks like a rubbish heap\xe2\x80\xa6\" or so",
		"It was [hidden quote] or so"},
	/* In the middle of a sentence, however it is dressed. */
	{"That your little garden looks like a rubbish heap is not so",
		"That [hidden quote] is not so"},
	{"That YOUR LITTLE GARDEN, looks\nlike a rubbish heap!", "That [hidden quote]!"},
	{"That *your* **little** ~~garden~~ looks like", "That [hidden quote]"},
	{"That your\xc2\xa0little\xe2\x80\x8b garden\xe2\x80\x94looks like a rubbish",
		"That [hidden quote]"},
	{"That `your little garden looks like a rubbish heap`", "That [hidden quote]"},
	{"```\nyour little garden looks like a rubbish heap\n```\nno", "[hidden quote]\nno"},
	{"# Your little garden looks like a rubbish heap", "# [hidden quote]"},
	{"[your little garden looks like a rubbish](http://a.example)",
		"[hidden quote](http://a.example)"},
	{"y\xc3\xb6ur", "y\xc3\xb6ur"},
	/* Her name. */
	{"Ask [@dee](@DEE) about it", "Ask [someone you blocked] about it"},
	{"Ask @DEE about it", "Ask [someone you blocked] about it"},
	{"Ask <ssb:feed/ed25519/DEE>", "Ask <[someone you blocked]>"},
	{"[dee][1]\n\n[1]: @DEE", "[dee][1]\n\n[1]: [someone you blocked]"},
	/* Nobody else's. */
	{"My little garden looks fine to me", "My little garden looks fine to me"},
	{"> something else was said here\n\nyes", "> something else was said here\n\nyes"},
	{"They were \"unkind\" and they have words", "They were \"unkind\" and they have words"},
	{"What do you all need", "What do you all need"},
	{"Don't say 'unkind, or words", "Don't say 'unkind, or words"},
	{"", ""},
};

static void make(const struct scene *scene, const char *pattern, char out[static 1024])
{
	const char *at = strstr(pattern, "@DEE");
	const char *uri = strstr(pattern, "/DEE");
	const char *place = at != NULL ? at : uri != NULL ? uri + 1 : NULL;
	if (place == NULL) {
		(void)snprintf(out, 1024, "%s", pattern);
		return;
	}
	(void)snprintf(out, 1024, "%.*s%s%s", (int)(place - pattern), pattern,
		at != NULL ? scene->dee.text : scene->dee.text + 1, place + (at != NULL ? 4 : 3));
}

static void every_form_of_a_quote_is_taken_out(void **state)
{
	enum { ALONE = sizeof(alone) / sizeof(alone[0]) };
	struct scene scene;
	struct message_id ids[ALONE];
	char text[1024];
	begin(&scene, *state);
	for (size_t i = 0; i < ALONE; i++) {
		make(&scene, alone[i].said, text);
		ids[i] = ben_says(&scene, text);
		assert_reads(&scene, &ids[i], text);
	}
	block(&scene);
	for (size_t i = 0; i < ALONE; i++) {
		struct posts posts = read_one(&scene, &ids[i]);
		assert_int_equal(
			posts.at[0].hidden, strcmp(alone[i].said, alone[i].shown) == 0 ? 0 : 1);
		posts_free(&posts);
		assert_reads(&scene, &ids[i], alone[i].shown);
	}
	(void)shelf_contact(scene.shelf, &scene.dee.id, EDGE_NEITHER);
	for (size_t i = 0; i < ALONE; i++) {
		make(&scene, alone[i].said, text);
		assert_reads(&scene, &ids[i], text);
	}
	end(&scene);
}

static void in_a_conversation_with_them_everything_quoted_goes(void **state)
{
	static const struct {
		const char *said, *shown;
	} replies[] = {
		{"> words that never came here\n\nNo", "> [hidden quote]\n\nNo"},
		{"How \"never heard\" of it", "How [hidden quote] of it"},
		{"The \"garden\" is fine", "The \"garden\" is fine"},
		{"So these unkind words again", "So these [hidden quote] again"},
		{"what do you all", "[hidden quote]"},
		{"I have nothing to say", "I have nothing to say"},
	};
	struct scene scene;
	struct message_id id;
	begin(&scene, *state);
	block(&scene);
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		id = append(
			&scene, reply_by(&scene.ben, replies[i].said, &scene.talk, &scene.talk));
		assert_reads(&scene, &id, replies[i].shown);
	}
	/* They are named, in the text or in the list of mentions alone. */
	id = append(&scene,
		author_say(&scene.ben,
			"{\"type\":\"post\",\"text\":\"> not known\\n\\n@dee, no\",\"mentions\":[{"
			"\"link\":\"%s\",\"name\":\"dee\"},{\"link\":\"%s\",\"name\":\"cy\"}]}",
			scene.dee.text, scene.cy.text));
	assert_reads(&scene, &id, "> [hidden quote]\n\n[someone you blocked], no");
	struct posts posts = read_one(&scene, &id);
	assert_null(memmem(posts.at[0].mentions.at, posts.at[0].mentions.len, scene.dee.text, 52));
	assert_non_null(
		memmem(posts.at[0].mentions.at, posts.at[0].mentions.len, scene.cy.text, 52));
	posts_free(&posts);
	end(&scene);
}

static void an_answer_to_what_is_not_here_quotes_nobody(void **state)
{
	struct scene scene;
	struct message_id absent = {{5}};
	begin(&scene, *state);
	struct message_id id = append(
		&scene, reply_by(&scene.ben, "> later words of hers\n\nNo", &absent, &absent));
	assert_reads(&scene, &id, "> later words of hers\n\nNo");
	block(&scene);
	assert_reads(&scene, &id, "> [hidden quote]\n\nNo");
	end(&scene);
}

static void quotes_of_others_stay_in_such_a_conversation(void **state)
{
	struct scene scene;
	begin(&scene, *state);
	struct message_id ours = append(
		&scene, reply_by(&scene.ben, "I like the garden, it is green\n\n> not known here",
				&scene.talk, &scene.talk));
	block(&scene);
	struct message_id id = append(
		&scene, reply_by(&scene.cy, "> I like the garden\n\nSo do I", &scene.talk, &ours));
	assert_reads(&scene, &id, "> I like the garden\n\nSo do I");
	/* What Ben only quoted is not Ben's. */
	id = append(&scene, reply_by(&scene.cy, "> not known here", &scene.talk, &ours));
	assert_reads(&scene, &id, "> [hidden quote]");
	end(&scene);
}

static void what_was_said_before_them_is_not_theirs(void **state)
{
	struct scene scene;
	begin(&scene, *state);
	struct message_id first =
		append(&scene, post_by(&scene.cy, "Seven yellow tulips stand beside the door"));
	scene.dee.now_ms = scene.cy.now_ms + 60000;
	(void)append(&scene, post_by(&scene.dee, "Seven yellow tulips stand beside the door"));
	scene.ben.now_ms = scene.dee.now_ms + 60000;
	struct message_id after = ben_says(&scene, "\"Seven yellow tulips stand\"");
	block(&scene);
	assert_reads(&scene, &first, "Seven yellow tulips stand beside the door");
	assert_reads(&scene, &after, "[hidden quote]");
	end(&scene);
}

static void words_they_quoted_by_lines_are_not_theirs(void **state)
{
	struct scene scene;
	begin(&scene, *state);
	(void)append(
		&scene, post_by(&scene.dee, "> Seven yellow tulips stand beside\n\nWhat nonsense"));
	struct message_id id = ben_says(&scene, "Seven yellow tulips stand beside the door");
	block(&scene);
	assert_reads(&scene, &id, "Seven yellow tulips stand beside the door");
	end(&scene);
}

static void a_warning_and_a_bio_are_looked_at_too(void **state)
{
	struct scene scene;
	struct person person;
	begin(&scene, *state);
	struct message_id id = append(&scene,
		author_say(&scene.ben, "{\"type\":\"post\",\"text\":\"see\",\"contentWarning\":"
				       "\"your little garden looks like a heap\"}"));
	(void)append(&scene, author_say(&scene.ben,
				     "{\"type\":\"about\",\"about\":\"%s\",\"description\":\"I "
				     "am \\\"your little garden looks\\\"\"}",
				     scene.ben.text));
	(void)append(&scene, author_say(&scene.dee,
				     "{\"type\":\"about\",\"about\":\"%s\","
				     "\"description\":\"All mine\"}",
				     scene.dee.text));
	block(&scene);
	struct posts posts = read_one(&scene, &id);
	assert_true(span_equal_text(posts.at[0].warning, VEIL_QUOTE));
	assert_int_equal(posts.at[0].hidden, 1);
	posts_free(&posts);
	assert_int_equal(person_read(scene.shelf->reader, &scene.ben.id, &person), ERR_OK);
	assert_string_equal(person.bio, "I am [hidden quote]");
	assert_int_equal(person_read(scene.shelf->reader, &scene.dee.id, &person), ERR_OK);
	assert_string_equal(person.bio, "");
	end(&scene);
}

static void every_list_of_posts_is_veiled(void **state)
{
	struct scene scene;
	struct posts posts;
	struct thread_facts facts;
	begin(&scene, *state);
	struct message_id id = ben_says(&scene, "> Unkind words");
	const struct thread_query thread = {.id = id};
	const struct timeline_query query = {.kind = TIMELINE_WIDE, .limit = 10};
	block(&scene);
	assert_int_equal(timeline_page(scene.shelf->reader, &query, &posts), ERR_OK);
	assert_int_equal(posts.count, 1);
	assert_int_equal(posts.at[0].hidden, 1);
	posts_free(&posts);
	assert_int_equal(thread_read(scene.shelf->reader, &thread, &facts, &posts), ERR_OK);
	assert_int_equal(posts.at[0].hidden, 1);
	posts_free(&posts);
	end(&scene);
}

static void a_second_block_and_a_restart_hold_both(void **state)
{
	struct scene scene;
	begin(&scene, *state);
	(void)append(&scene, post_by(&scene.cy, "Another bitter sentence entirely"));
	scene.ben.now_ms = scene.cy.now_ms + 1000;
	struct message_id id = ben_says(&scene, "\"Unkind words\" and \"Another bitter sentence "
						"entirely\"");
	block(&scene);
	assert_reads(&scene, &id, "[hidden quote] and \"Another bitter sentence entirely\"");
	(void)shelf_contact(scene.shelf, &scene.cy.id, EDGE_BLOCK);
	assert_reads(&scene, &id, "[hidden quote] and [hidden quote]");
	shelf_close(scene.shelf);
	shelf_open(scene.shelf);
	assert_reads(&scene, &id, "[hidden quote] and [hidden quote]");
	end(&scene);
}

static void search_does_not_find_a_post_by_their_words_only(void **state)
{
	struct scene scene;
	begin(&scene, *state);
	(void)ben_says(&scene, "> " CRUEL "\n\nNo, tulips grow in it");
	(void)ben_says(&scene, "A rubbish heap is in my own yard");
	assert_int_equal(shelf_found(scene.shelf, "rubbish"), 3);
	assert_int_equal(shelf_found(scene.shelf, "tulips"), 1);
	block(&scene);
	assert_int_equal(shelf_found(scene.shelf, "rubbish"), 1);
	assert_int_equal(shelf_found(scene.shelf, "garden"), 0);
	assert_int_equal(shelf_found(scene.shelf, "gard"), 0);
	assert_int_equal(shelf_found(scene.shelf, "tulips"), 1);
	assert_int_equal(shelf_found(scene.shelf, "from:Dee"), 0);
	end(&scene);
}

static uint64_t tagged(struct scene *scene, const char *tag)
{
	struct tag_count rows[20];
	size_t count = 0;
	uint64_t posts = 0;
	assert_int_equal(tags_newest(scene->shelf->reader, rows, 20, &count), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		posts += strcmp(rows[i].tag.text, tag) == 0 ? rows[i].posts : 0;
	}
	return posts;
}

static void a_tag_in_a_hidden_quote_is_not_counted(void **state)
{
	struct scene scene;
	struct posts posts;
	const struct timeline_query query = {.kind = TIMELINE_TAG, .tag = "cruel", .limit = 10};
	begin(&scene, *state);
	(void)append(&scene, post_by(&scene.dee, "Nobody likes your garden at all #cruel #green"));
	(void)ben_says(&scene, "> nobody likes your garden at all #cruel #green\n\nI do #green");
	assert_int_equal(tagged(&scene, "cruel"), 2);
	block(&scene);
	assert_int_equal(tagged(&scene, "cruel"), 0);
	assert_int_equal(tagged(&scene, "green"), 1);
	assert_int_equal(timeline_page(scene.shelf->reader, &query, &posts), ERR_OK);
	assert_int_equal(posts.count, 0);
	posts_free(&posts);
	end(&scene);
}

enum { LONG_POSTS = 700, LONG_WORDS = 1200 };

/* All different. */
static struct message *long_post(struct author *author, int number)
{
	struct buf text = BUF_INIT(8192);
	for (int i = 0; i < LONG_WORDS; i++) {
		assert_int_equal(
			buf_printf(&text, "%x ", 0x10000 + number * LONG_WORDS + i), ERR_OK);
	}
	const char *said = buf_cstr(&text);
	assert_non_null(said);
	struct message *message = author_post(author, said);
	buf_fini(&text);
	return message;
}

static void what_is_remembered_of_them_has_a_limit_and_is_the_newest(void **state)
{
	struct scene scene;
	struct message *messages[LONG_POSTS];
	char first[64];
	char last[64];
	begin(&scene, *state);
	/* Muted, so that nothing of it is indexed. */
	const struct change mute = {.kind = CHANGE_MUTE, .feed = scene.dee.id, .number = 1};
	assert_int_equal(writer_change_wait(scene.shelf->writer, &mute), ERR_OK);
	assert_true(LONG_POSTS * LONG_WORDS > LIMIT_VEIL_MARKS);
	scene.dee.now_ms -= 3500 * 1000; /* all of it before Ben */
	for (int i = 0; i < LONG_POSTS; i++) {
		messages[i] = long_post(&scene.dee, i);
		scene.dee.now_ms -= 1000;
	}
	assert_int_equal(shelf_append_all(scene.shelf, messages, LONG_POSTS, NULL), ERR_OK);
	const int above = 0x10000 + LONG_POSTS * LONG_WORDS;
	(void)snprintf(first, sizeof(first), "> %x %x %x %x", 0x10001, 0x10002, 0x10003, 0x10004);
	(void)snprintf(
		last, sizeof(last), "> %x %x %x %x", above - 4, above - 3, above - 2, above - 1);
	struct message_id old = ben_says(&scene, first);
	struct message_id new = ben_says(&scene, last);
	block(&scene);
	assert_reads(&scene, &new, "> [hidden quote]");
	assert_reads(&scene, &old, first);
	end(&scene);
}

#define ON_A_SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_set_up, shelf_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_SHELF(every_form_of_a_quote_is_taken_out),
		ON_A_SHELF(in_a_conversation_with_them_everything_quoted_goes),
		ON_A_SHELF(an_answer_to_what_is_not_here_quotes_nobody),
		ON_A_SHELF(quotes_of_others_stay_in_such_a_conversation),
		ON_A_SHELF(what_was_said_before_them_is_not_theirs),
		ON_A_SHELF(words_they_quoted_by_lines_are_not_theirs),
		ON_A_SHELF(a_warning_and_a_bio_are_looked_at_too),
		ON_A_SHELF(every_list_of_posts_is_veiled),
		ON_A_SHELF(a_second_block_and_a_restart_hold_both),
		ON_A_SHELF(what_is_remembered_of_them_has_a_limit_and_is_the_newest),
		ON_A_SHELF(search_does_not_find_a_post_by_their_words_only),
		ON_A_SHELF(a_tag_in_a_hidden_quote_is_not_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
