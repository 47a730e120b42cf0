/* Words for certain people: boxed to exactly them on every path that signs, and waiting here so
 * that the disk tells nobody. */
#include "lib/letters.h"

#include "lib/cmocka.h"

#include "base/limits.h"
#include "store/private.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct letters letters;

static int set_up(void **state)
{
	(void)state;
	letters_start(&letters);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	letters_stop(&letters);
	return 0;
}

#define ASK(...) letters_ask(&letters, __VA_ARGS__)
#define TELL(...) json_decref(letters_ask(&letters, __VA_ARGS__))

static const char *id(unsigned who)
{
	return letters.people[who].text;
}

/* "@…","@…" of the first `count` people. */
static const char *ids(unsigned count)
{
	static char text[LETTERS_PEOPLE * (FEED_ID_TEXT_BYTES + 4)];
	char *at = text;
	for (unsigned i = 0; i < count; i++) {
		*at++ = i == 0 ? ' ' : ',';
		*at++ = '"';
		at = stpcpy(at, id(i));
		*at++ = '"';
	}
	*at = '\0';
	return text;
}

static const char *key_text(const struct message_id *key)
{
	static char text[4][MESSAGE_ID_TEXT_BYTES];
	static unsigned next;
	next = (next + 1) % 4;
	message_id_format(key, text[next]);
	return text[next];
}

/* Can these, and nobody else, read the owner's newest message? */
static void expect_readers(unsigned readers)
{
	for (unsigned i = 0; i < LETTERS_PEOPLE; i++) {
		json_t *read = letters_read_newest(&letters, i);
		if ((read != NULL) != ((readers >> i & 1) != 0)) {
			fail_msg("person %u", i);
		}
		if (read != NULL) {
			bool has_us = false;
			size_t count = 0;
			json_t *item = NULL;
			json_array_foreach(json_object_get(read, "recps"), count, item)
			{
				has_us = has_us ||
					 strcmp(json_string_value(item), letters.self) == 0;
			}
			assert_true(has_us);
			assert_int_equal(count, 1 + __builtin_popcount(readers));
		}
		json_decref(read);
	}
}

static long long head(void)
{
	json_t *boot = ASK(200, "GET", "/api/boot?limit=1", "%s", "");
	long long sequence = json_integer_value(letters_at(boot, "head.sequence"));
	json_decref(boot);
	return sequence;
}

static void a_post_goes_to_exactly_those_named_and_to_us(void **state)
{
	(void)state;
	TELL(200, "POST", "/api/post", "{\"text\":\"psst\",\"readers\":[\"%s\"]}", id(0));
	expect_readers(1);
	TELL(200, "POST", "/api/post", "{\"text\":\"psst\",\"readers\":[%s,\"%s\"]}", ids(6),
		letters.self);
	expect_readers(0x3f);
	json_t *read = letters_read_newest(&letters, 3);
	assert_string_equal(letters_text(read, "type"), "post");
	assert_string_equal(letters_text(read, "text"), "psst");
	json_decref(read);
}

static void the_eighth_reader_is_refused_before_anything_is_signed(void **state)
{
	(void)state;
	static const char *const paths[] = {"/api/post", "/api/measure", "/api/outbox"};
	long long before = head();
	for (size_t i = 0; i < 3; i++) {
		TELL(422, "POST", paths[i],
			"{\"text\":\"psst\",\"nonce\":\"n\",\"hold_ms\":1,\"readers\":[%s]}",
			ids(7));
		TELL(422, "POST", paths[i],
			"{\"text\":\"psst\",\"nonce\":\"n\",\"hold_ms\":1,\"readers\":[%s,\"%s\"]}",
			ids(7), letters.self);
	}
	TELL(422, "POST", "/api/private", "{\"with\":[%s]}", ids(7));
	assert_int_equal(head(), before);
}

static void seven_thousand_readers_are_refused_too(void **state)
{
	(void)state;
	struct buf body = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	assert_int_equal(buf_append_text(&body, "{\"text\":\"psst\",\"readers\":[\"\""), ERR_OK);
	TELL(400, "POST", "/api/post", "%s", "{\"text\":\"psst\",\"readers\":[\"@nobody\"]}");
	TELL(400, "POST", "/api/post", "%s", "{\"text\":\"psst\",\"readers\":\"all\"}");
	TELL(400, "POST", "/api/post", "{\"text\":\"psst\",\"readers\":[[\"%s\"]]}", id(0));
	buf_clear(&body);
	assert_int_equal(buf_append_text(&body, "{\"text\":\"psst\",\"readers\":["), ERR_OK);
	for (unsigned i = 0; i < 500; i++) {
		struct feed_id other;
		char text[FEED_ID_TEXT_BYTES];
		memset(other.at, (int)i, ID_BYTES);
		other.at[0] = (uint8_t)(i >> 8);
		feed_id_format(&other, text);
		assert_int_equal(buf_printf(&body, "%s\"%s\"", i == 0 ? "" : ",", text), ERR_OK);
	}
	assert_int_equal(buf_append_text(&body, "]}"), ERR_OK);
	assert_non_null(buf_cstr(&body));
	TELL(422, "POST", "/api/post", "%s", (const char *)body.at);
	buf_fini(&body);
	/* A key that no curve has. */
	TELL(422, "POST", "/api/post",
		"{\"text\":\"psst\",\"readers\":[\"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=."
		"ed25519\"]}");
}

static void what_is_measured_is_the_box(void **state)
{
	(void)state;
	char text[6000];
	json_t *open = ASK(200, "POST", "/api/measure", "%s", "{\"text\":\"psst\"}");
	json_t *boxed =
		ASK(200, "POST", "/api/measure", "{\"text\":\"psst\",\"readers\":[\"%s\"]}", id(0));
	json_t *wide =
		ASK(200, "POST", "/api/measure", "{\"text\":\"psst\",\"readers\":[%s]}", ids(6));
	json_int_t units = json_integer_value(letters_at(boxed, "units"));
	assert_true(units > json_integer_value(letters_at(open, "units")));
	assert_true(json_integer_value(letters_at(wide, "units")) > units);
	json_decref(open);
	json_decref(boxed);
	json_decref(wide);
	/* Public it fits, boxed it does not. */
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	TELL(413, "POST", "/api/outbox",
		"{\"text\":\"%s\",\"nonce\":\"n\",\"hold_ms\":60000,\"readers\":[\"%s\"]}", text,
		id(0));
	TELL(413, "POST", "/api/post", "{\"text\":\"%s\",\"readers\":[\"%s\"]}", text, id(0));
	TELL(200, "POST", "/api/post", "{\"text\":\"%s\"}", text);
}

static void an_answer_goes_to_the_people_of_what_it_answers(void **state)
{
	(void)state;
	static const int ben_too[] = {1, -1};
	struct message_id root = letters_box(&letters, 0, ben_too,
		"{\"type\":\"post\",\"text\":\"three of us\",\"recps\":[\"%s\",\"%s\",\"%s\"]}",
		id(0), id(1), letters.self);
	const char *key = key_text(&root);
	TELL(200, "POST", "/api/post", "{\"text\":\"yes\",\"root\":\"%s\"}", key);
	expect_readers(3);
	json_t *read = letters_read_newest(&letters, 1);
	assert_string_equal(letters_text(read, "root"), key);
	assert_string_equal(letters_text(read, "branch.0"), key);
	json_decref(read);
	TELL(200, "POST", "/api/post", "{\"text\":\"yes\",\"root\":\"%s\",\"readers\":[%s]}", key,
		ids(2));
	expect_readers(3);
	TELL(200, "POST", "/api/like", "{\"id\":\"%s\"}", key);
	expect_readers(3);
	/* No fewer, no more, not all. */
	TELL(422, "POST", "/api/post", "{\"text\":\"yes\",\"root\":\"%s\",\"readers\":[%s]}", key,
		ids(1));
	TELL(422, "POST", "/api/post", "{\"text\":\"yes\",\"root\":\"%s\",\"readers\":[%s]}", key,
		ids(3));
	TELL(422, "POST", "/api/post", "{\"text\":\"yes\",\"root\":\"%s\",\"public\":true}", key);
	TELL(422, "POST", "/api/publish", "{\"type\":\"post\",\"text\":\"yes\",\"root\":\"%s\"}",
		key);
	TELL(422, "POST", "/api/publish",
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1}}", key);
	TELL(422, "POST", "/api/publish", "{\"type\":\"about\",\"about\":\"%s\",\"title\":\"x\"}",
		key);
	TELL(422, "POST", "/api/publish", "{\"type\":\"odd\",\"branch\":[{\"link\":\"%s\"}]}", key);
	TELL(422, "POST", "/api/post",
		"{\"text\":\"yes\",\"root\":\"%s\",\"public\":true,"
		"\"branch\":[\"%s\"]}",
		key, key);
}

static void heads_of_a_private_thread_are_answered(void **state)
{
	(void)state;
	struct message_id root = letters_box(&letters, 0, NULL,
		"{\"type\":\"post\",\"text\":\"root\",\"recps\":[\"%s\",\"%s\"]}", id(0),
		letters.self);
	const char *key = key_text(&root);
	json_t *one = ASK(200, "POST", "/api/post", "{\"text\":\"one\",\"root\":\"%s\"}", key);
	json_t *two = ASK(200, "POST", "/api/post", "{\"text\":\"two\",\"root\":\"%s\"}", key);
	json_t *read = letters_read_newest(&letters, 0);
	assert_string_equal(letters_text(read, "root"), key);
	assert_string_equal(letters_text(read, "branch.0"), letters_text(one, "key"));
	assert_int_equal(json_array_size(letters_at(read, "branch")), 1);
	json_decref(read);
	json_decref(one);
	json_decref(two);
}

static void a_public_post_is_not_answered_in_private(void **state)
{
	(void)state;
	struct message_id root = letters_say(&letters, 0, "{\"type\":\"post\",\"text\":\"all\"}");
	TELL(422, "POST", "/api/post", "{\"text\":\"psst\",\"root\":\"%s\",\"readers\":[\"%s\"]}",
		key_text(&root), id(0));
	TELL(200, "POST", "/api/post", "{\"text\":\"loud\",\"root\":\"%s\"}", key_text(&root));
	expect_readers(0);
}

static void a_box_for_others_is_not_answered_at_all(void **state)
{
	(void)state;
	struct feed_id both[] = {letters.people[0].id, letters.people[1].id};
	struct buf box = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(
		signer_seal(letters.people[0].signer,
			span_text("{\"type\":\"post\",\"text\":\"not yours\"}"), both, 2, &box),
		ERR_OK);
	assert_non_null(buf_cstr(&box));
	struct message_id root = letters_say(&letters, 0, "%s", (const char *)box.at);
	buf_fini(&box);
	TELL(422, "POST", "/api/post", "{\"text\":\"eh\",\"root\":\"%s\"}", key_text(&root));
	TELL(422, "POST", "/api/like", "{\"id\":\"%s\"}", key_text(&root));
}

static void content_goes_to_those_of_the_address(void **state)
{
	(void)state;
	char target[512];
	char path[2][ID_PATH_BYTES];
	id_format_path(letters.people[0].id.at, path[0]);
	id_format_path(letters.people[1].id.at, path[1]);
	(void)snprintf(
		target, sizeof(target), "/api/publish?nonce=x&to=%s&to=%s", path[0], path[1]);
	json_t *one = ASK(200, "POST", target, "{\"type\":\"odd-one\",\"n\":1.50}");
	expect_readers(3);
	json_t *two = ASK(200, "POST", target, "{\"type\":\"odd-one\",\"n\":2}");
	assert_string_equal(letters_text(one, "key"), letters_text(two, "key"));
	json_decref(one);
	json_decref(two);
	(void)snprintf(target, sizeof(target), "/api/publish?to=%s", path[0]);
	TELL(200, "POST", target, "{\"type\":\"post\",\"text\":\"x\",\"recps\":[\"%s\",\"%s\"]}",
		id(0), letters.self);
	expect_readers(1);
	TELL(422, "POST", target, "{\"type\":\"post\",\"text\":\"x\",\"recps\":[\"%s\"]}", id(1));
	TELL(422, "POST", target, "{\"type\":\"post\",\"text\":\"x\",\"recps\":\"me\"}");
	TELL(422, "POST", target, "[1]");
	TELL(422, "POST", target, "{\"text\":\"x\"}");
	TELL(422, "POST", target, "{\"type\":\"po\"}");
	/* Who names readers and says not to whom it goes does not mean everybody. */
	TELL(422, "POST", "/api/publish", "{\"type\":\"post\",\"text\":\"x\",\"recps\":[\"%s\"]}",
		id(0));
	TELL(200, "POST", "/api/publish", "{\"type\":\"post\",\"text\":\"x\",\"recps\":[]}");
	TELL(400, "POST", "/api/publish?to=nobody", "{\"type\":\"post\",\"text\":\"x\"}");
	TELL(400, "POST", "/api/publish?to=", "{\"type\":\"post\",\"text\":\"x\"}");
}

static void blobs_of_private_words_are_offered_wanted_and_kept(void **state)
{
	(void)state;
	static const char blob[] = "&AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256";
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"follow\"}", id(0));
	(void)letters_box(&letters, 0, NULL,
		"{\"type\":\"post\",\"text\":\"![](%s?unbox="
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		".boxs)\",\"recps\":[\"%s\",\"%s\"]}",
		blob, id(0), letters.self);
	bool is_wanted = false;
	for (unsigned i = 0; i < 200 && !is_wanted; i++) {
		json_t *answer = ASK(200, "GET",
			"/api/blob/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%s", "");
		is_wanted = json_is_integer(letters_at(answer, "wanted"));
		json_decref(answer);
		const struct timespec rest = {.tv_nsec = 20000000};
		(void)nanosleep(&rest, NULL);
	}
	assert_true(is_wanted);
}

/* What the page and everybody else here is told of the first person. */
static void expect_follow(bool is_follow)
{
	char target[sizeof("/api/person/") + ID_PATH_BYTES] = "/api/person/";
	id_format_path(letters.people[0].id.at, target + strlen(target));
	json_t *all = ASK(200, "GET", target, "%s", "");
	assert_string_equal(letters_text(all, "person.i"), is_follow ? "follow" : "none");
	assert_int_equal(json_is_true(letters_at(all, "person.i_private")), is_follow);
	json_decref(all);
}

static void a_private_follow_is_ours_alone_and_ends_so(void **state)
{
	(void)state;
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"follow\",\"private\":true}",
		id(0));
	expect_readers(0);
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	letters_newest(&letters, &text);
	assert_non_null(buf_cstr(&text));
	assert_null(strstr((const char *)text.at, "contact"));
	buf_fini(&text);
	json_t *all = ASK(200, "GET", "/api/private/all", "%s", "");
	assert_non_null(strstr(letters_text(all, "messages.0.content"), "\"following\":true"));
	json_decref(all);
	expect_follow(true);
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"none\"}", id(0));
	expect_follow(false);
	all = ASK(200, "GET", "/api/private/all", "%s", "");
	assert_non_null(strstr(letters_text(all, "messages.1.content"), "\"following\":false"));
	json_decref(all);
}

static bool is_listed(const char *list, const char *who)
{
	json_t *people = ASK(200, "GET", "/api/people", "%s", "");
	size_t at = 0;
	const json_t *one = NULL;
	bool is_so = false;
	json_array_foreach((json_t *)letters_at(people, list), at, one)
	{
		is_so = is_so || strcmp(json_string_value(one), who) == 0;
	}
	json_decref(people);
	return is_so;
}

static void who_is_not_known_here_yet_is_listed_too(void **state)
{
	(void)state;
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"follow\",\"private\":true}",
		id(4));
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"block\",\"private\":true}",
		id(5));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(is_listed("follows", id(4)));
		assert_true(is_listed("blocks", id(5)));
		assert_false(is_listed("follows", id(5)) || is_listed("blocks", id(4)));
		api_rig_restart(&letters.rig);
	}
	/* What they write then is taken, or not. */
	(void)letters_say(&letters, 4, "%s", "{\"type\":\"post\",\"text\":\"here I am\"}");
	json_t *home = ASK(200, "GET", "/api/timeline?tab=home", "%s", "");
	assert_string_equal(letters_text(home, "posts.0.author"), id(4));
	json_decref(home);
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"none\"}", id(5));
	assert_false(is_listed("blocks", id(5)));
}

/* Everything below the data directory, as one text; NULs are blanks. */
static void slurp(const char *dir, struct buf *out)
{
	DIR *folder = opendir(dir);
	assert_non_null(folder);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		char path[512];
		uint8_t part[4096];
		size_t len = 0;
		if (entry->d_name[0] == '.') {
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR) {
			slurp(path, out);
			continue;
		}
		FILE *file = entry->d_type == DT_REG ? fopen(path, "rb") : NULL;
		while (file != NULL && (len = fread(part, 1, sizeof(part), file)) > 0) {
			assert_int_equal(buf_append(out, span_of(part, len)), ERR_OK);
		}
		if (file != NULL) {
			(void)fclose(file);
		}
	}
	(void)closedir(folder);
}

static void expect_nowhere(const char *const *texts, size_t count)
{
	struct buf all = BUF_INIT(256 * MIB);
	slurp(letters.rig.dir, &all);
	for (size_t i = 0; i < count; i++) {
		if (memmem(all.at, all.len, texts[i], strlen(texts[i])) != NULL) {
			fail_msg("%s is on the disk", texts[i]);
		}
	}
	/* What is public is found, so this finds what there is. */
	assert_non_null(memmem(all.at, all.len, "Marmeladenbrot", 14));
	buf_fini(&all);
}

static void nothing_private_is_on_the_disk_in_words(void **state)
{
	(void)state;
	static const char *const words[] = {"Rhabarberkuchen", "Zwetschgenmus", "Quittengelee",
		"Holunderblüten", "Brombeerwein", "Johannisbeere", "Stachelbeere", "Sanddorn"};
	TELL(200, "POST", "/api/post", "%s", "{\"text\":\"Marmeladenbrot\"}");
	TELL(200, "POST", "/api/post",
		"{\"text\":\"Rhabarberkuchen #Johannisbeere [@Stachelbeere](%s)\","
		"\"cw\":\"Zwetschgenmus\",\"readers\":[\"%s\"]}",
		id(0), id(0));
	struct message_id root = letters_box(&letters, 0, NULL,
		"{\"type\":\"post\",\"text\":\"Quittengelee\",\"channel\":\"Sanddorn\","
		"\"recps\":[\"%s\",\"%s\"]}",
		id(0), letters.self);
	TELL(200, "POST", "/api/writing/p-anything",
		"{\"rev\":0,\"body\":{\"text\":\"Holunderblüten\"}}");
	TELL(200, "GET", "/api/search?private=1&q=Quittengelee", "%s", "");
	TELL(200, "GET", "/api/private", "%s", "");
	TELL(202, "POST", "/api/safety/backup", "%s", "{}");
	for (unsigned i = 0; i < 200; i++) {
		json_t *safety = ASK(200, "GET", "/api/safety", "%s", "");
		bool is_done = strcmp(letters_text(safety, "backup.job.phase"), "done") == 0;
		json_decref(safety);
		if (is_done) {
			break;
		}
		struct timespec rest = {.tv_nsec = 20000000};
		(void)nanosleep(&rest, NULL);
	}
	TELL(200, "POST", "/api/outbox",
		"{\"text\":\"Brombeerwein\",\"nonce\":\"n\",\"hold_ms\":60000,\"root\":\"%s\"}",
		key_text(&root));
	expect_nowhere(words, sizeof(words) / sizeof(words[0]));
	/* Taken back it lies sealed, and is there again. */
	json_t *back = ASK(200, "DELETE", "/api/outbox/n", "%s", "{}");
	assert_string_equal(letters_text(back, "body.text"), "Brombeerwein");
	json_decref(back);
	json_t *writing = ASK(200, "GET", "/api/writing", "%s", "");
	assert_int_equal(json_array_size(letters_at(writing, "writing")), 2);
	json_decref(writing);
	expect_nowhere(words, sizeof(words) / sizeof(words[0]));
	api_rig_restart(&letters.rig);
	writing = ASK(200, "GET", "/api/writing?name=p-anything", "%s", "");
	assert_string_equal(letters_text(writing, "writing.0.body.text"), "Holunderblüten");
	json_decref(writing);
	expect_nowhere(words, sizeof(words) / sizeof(words[0]));
}

static void a_held_post_outlives_the_process_as_a_box(void **state)
{
	(void)state;
	TELL(200, "POST", "/api/outbox",
		"{\"text\":\"later\",\"nonce\":\"n\",\"hold_ms\":60000,\"readers\":[\"%s\"]}",
		id(0));
	api_rig_restart(&letters.rig);
	json_t *held = ASK(200, "GET", "/api/outbox", "%s", "");
	assert_string_equal(letters_text(held, "outbox.0.body.text"), "later");
	assert_string_equal(letters_text(held, "outbox.0.body.readers.0"), id(0));
	json_decref(held);
	json_t *one = ASK(200, "POST", "/api/outbox/n", "%s", "{}");
	json_t *two = ASK(200, "POST", "/api/outbox/n", "%s", "{}");
	assert_string_equal(letters_text(one, "key"), letters_text(two, "key"));
	expect_readers(1);
	json_decref(one);
	json_decref(two);
}

static void a_sealed_draft_has_the_whole_room_and_no_more(void **state)
{
	(void)state;
	char *text = calloc(1, LIMIT_WRITING_BYTES + 2);
	assert_non_null(text);
	/* {"text":"…"} */
	memset(text, 'a', LIMIT_WRITING_BYTES - 11);
	json_t *first = ASK(
		200, "POST", "/api/writing/p-x", "{\"rev\":0,\"body\":{\"text\":\"%s\"}}", text);
	/* The same words again are no conflict. */
	TELL(200, "POST", "/api/writing/p-x", "{\"rev\":0,\"body\":{\"text\":\"%s\"}}", text);
	TELL(409, "POST", "/api/writing/p-x", "%s", "{\"rev\":0,\"body\":{\"text\":\"other\"}}");
	text[LIMIT_WRITING_BYTES - 11] = 'a';
	TELL(413, "POST", "/api/writing/p-y", "{\"rev\":0,\"body\":{\"text\":\"%s\"}}", text);
	json_decref(first);
	free(text);
}

static void what_was_kept_in_a_pause_is_a_box_until_it_is_published(void **state)
{
	(void)state;
	static const char *const words[] = {"Rhabarberkuchen"};
	TELL(200, "POST", "/api/post", "%s", "{\"text\":\"Marmeladenbrot\"}");
	json_t *mine = ASK(200, "POST", "/api/outbox",
		"{\"text\":\"Rhabarberkuchen\",\"nonce\":\"n\",\"hold_ms\":60000,\"readers\":[\"%"
		"s\"]}",
		id(0));
	json_decref(mine);
	/* A browser remembers more of ours than there is: publishing is paused. */
	TELL(200, "POST", "/api/safety/witness",
		"{\"sequence\":9,\"key\":\"%%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=."
		"sha256\"}");
	json_t *paused = ASK(409, "POST", "/api/post",
		"{\"text\":\"Rhabarberkuchen too\",\"readers\":[\"%s\"]}", id(0));
	assert_int_equal(json_integer_value(letters_at(paused, "draft")) > 0, 1);
	json_decref(paused);
	json_t *drafts = NULL;
	for (unsigned i = 0; i < 100; i++) {
		json_decref(drafts);
		drafts = ASK(200, "GET", "/api/drafts", "%s", "");
		if (json_array_size(letters_at(drafts, "drafts")) == 2) {
			break;
		}
	}
	assert_string_equal(letters_text(drafts, "drafts.0.content.type"), "post");
	assert_string_equal(letters_text(drafts, "drafts.0.type"), "post");
	assert_true(json_is_true(letters_at(drafts, "drafts.0.private")));
	json_decref(drafts);
	expect_nowhere(words, 1);
	TELL(200, "POST", "/api/safety/resume", "%s", "{\"accept\":true}");
	drafts = ASK(200, "GET", "/api/drafts", "%s", "");
	for (unsigned i = 0; i < 2; i++) {
		char path[32];
		char target[64];
		(void)snprintf(path, sizeof(path), "drafts.%u.id", i);
		(void)snprintf(target, sizeof(target), "/api/drafts/%lld/publish",
			(long long)json_integer_value(letters_at(drafts, path)));
		TELL(200, "POST", target, "%s", "{}");
		expect_readers(1);
	}
	json_decref(drafts);
	expect_nowhere(words, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_post_goes_to_exactly_those_named_and_to_us, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_eighth_reader_is_refused_before_anything_is_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			seven_thousand_readers_are_refused_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_measured_is_the_box, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_goes_to_the_people_of_what_it_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			heads_of_a_private_thread_are_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_public_post_is_not_answered_in_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_box_for_others_is_not_answered_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			content_goes_to_those_of_the_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			blobs_of_private_words_are_offered_wanted_and_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_private_follow_is_ours_alone_and_ends_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_is_not_known_here_yet_is_listed_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_private_is_on_the_disk_in_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_held_post_outlives_the_process_as_a_box, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_sealed_draft_has_the_whole_room_and_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_kept_in_a_pause_is_a_box_until_it_is_published, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
