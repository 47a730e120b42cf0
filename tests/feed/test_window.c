/* feed/window: what the newest signature may vouch for, and every way to lie about it. */
#include "lib/authors.h"
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "feed/window.h"

#include <sodium.h>
#include <stdlib.h>

enum { FEED = 60 };

/* A feed of FEED messages; the first two are its author's name and picture. */
struct rig {
	struct author author, other;
	struct message *messages[FEED];
	struct span texts[FEED];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	author_init(&rig->author, 1);
	author_init(&rig->other, 2);
	rig->messages[0] = author_name(&rig->author, "Ada");
	rig->messages[1] = author_say(&rig->author,
		"{\"type\":\"about\",\"about\":\"%s\",\"description\":\"counts\"}",
		rig->author.text);
	for (size_t i = 2; i < FEED; i++) {
		rig->messages[i] = author_say(
			&rig->author, "{\"type\":\"post\",\"text\":\"number \xc3\xa9 %zu\"}", i);
	}
	for (size_t i = 0; i < FEED; i++) {
		rig->texts[i] = rig->messages[i]->compact;
	}
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	for (size_t i = 0; i < FEED; i++) {
		message_free(rig->messages[i]);
	}
	author_fini(&rig->author);
	author_fini(&rig->other);
	free(rig);
	return 0;
}

static enum err read_window(struct rig *rig, const struct span *texts, size_t count,
	const struct span *profiles, size_t profile_count, struct window **out)
{
	const char *why = NULL;
	enum err err = window_read(
		&rig->author.id, texts, count, profiles, profile_count, NULL, out, &why);
	assert_true(err == ERR_OK || (why != NULL && why[0] != '\0'));
	return err;
}

static void assert_refuses(struct rig *rig, const struct span *texts, size_t count)
{
	struct window *window = NULL;
	assert_int_equal(read_window(rig, texts, count, NULL, 0, &window), ERR_REFUSED);
	assert_null(window);
}

static void assert_checks_to(struct window *window, enum err expected)
{
	const char *why = NULL;
	assert_int_equal(window_check(window, SIZE_MAX, NULL, &why), expected);
	assert_true(window->is_checked == (expected == ERR_OK));
}

/* A copy of `text` with the byte `from` replaced by the bytes of `to`, the first time it stands
 * behind `mark`. */
static struct span changed(struct span text, const char *mark, const char *to, struct buf *out)
{
	size_t len = strlen(mark);
	size_t i = 0;
	while (i + len < text.len && memcmp(text.at + i, mark, len) != 0) {
		i++;
	}
	assert_true(i + len < text.len);
	buf_clear(out);
	assert_int_equal(buf_append(out, span_take(text, i + len)), ERR_OK);
	assert_int_equal(buf_append_text(out, to), ERR_OK);
	assert_int_equal(buf_append(out, span_skip(text, i + len + 1)), ERR_OK);
	return buf_span(out);
}

/* `message` with another signature, as text; the author goes on from it. */
static struct message *spoil(struct author *author, struct message *message)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct message *out = NULL;
	const char *why = NULL;
	bool is_a = changed(message->compact, "\"signature\":\"", "A", &text).at != NULL &&
		    span_equal(buf_span(&text), message->compact);
	(void)changed(message->compact, "\"signature\":\"", is_a ? "B" : "A", &text);
	assert_int_equal(message_read(buf_span(&text), &out, &why), ERR_OK);
	assert_int_equal(message_check(out, NULL, &why), ERR_REFUSED);
	author->head.key = out->key;
	message_free(message);
	buf_fini(&text);
	return out;
}

static void carries_a_window_on_one_signature_and_checks_the_rest_behind(void **state)
{
	struct rig *rig = *state;
	struct window *window = NULL;
	const char *why = NULL;
	assert_int_equal(read_window(rig, rig->texts + 10, 50, rig->texts, 2, &window), ERR_OK);
	assert_int_equal(window->count, 50);
	assert_int_equal(window->profile_count, 2);
	assert_true(feed_id_equal(&window->author, &rig->author.id));
	for (size_t i = 0; i < 50; i++) {
		assert_true(
			message_id_equal(&window->messages[i]->key, &rig->messages[10 + i]->key));
		assert_true(window->is_signed[i] == (i == 49));
	}
	assert_int_equal(window->checked, 1);
	assert_false(window->is_checked);
	assert_int_equal(window_check(window, 20, NULL, &why), ERR_OK);
	assert_int_equal(window->checked, 21);
	assert_true(window->is_signed[29] && !window->is_signed[28]);
	assert_int_equal(window_check(window, 29, NULL, &why), ERR_OK);
	assert_true(window->is_checked);
	assert_checks_to(window, ERR_OK);
	assert_int_equal(window->checked, 50);
	window_free(window);
}

static void takes_a_window_of_one_and_the_first_message(void **state)
{
	struct rig *rig = *state;
	struct window *window = NULL;
	assert_int_equal(read_window(rig, rig->texts, 1, NULL, 0, &window), ERR_OK);
	assert_true(window->is_checked);
	window_free(window);
	window = NULL;
	assert_int_equal(read_window(rig, rig->texts, 3, NULL, 0, &window), ERR_OK);
	window_free(window);
}

static void refuses_gaps_and_swapped_messages(void **state)
{
	struct rig *rig = *state;
	struct span texts[3] = {rig->texts[10], rig->texts[11], rig->texts[13]};
	assert_refuses(rig, texts, 3);
	texts[0] = rig->texts[9];
	texts[2] = rig->texts[12];
	assert_refuses(rig, texts, 3);
	texts[0] = rig->texts[11];
	texts[1] = rig->texts[10];
	assert_refuses(rig, texts, 3);
	texts[0] = rig->texts[11];
	texts[1] = rig->texts[11];
	assert_refuses(rig, texts, 3);
	texts[0] = rig->texts[12];
	texts[1] = rig->texts[11];
	texts[2] = rig->texts[10];
	assert_refuses(rig, texts, 3);
}

static void refuses_a_message_that_the_next_one_does_not_name(void **state)
{
	struct rig *rig = *state;
	struct chain_head head = {.sequence = 10,
		.key = rig->messages[9]->key,
		.timestamp = rig->messages[9]->timestamp};
	struct author twin;
	author_twin(&twin, 1, &head);
	struct message *branch = author_post(&twin, "the other side");
	struct span texts[2] = {branch->compact, rig->texts[11]};
	assert_int_equal(branch->sequence, 11);
	assert_refuses(rig, texts, 2);
	message_free(branch);
	author_fini(&twin);
}

static void refuses_somebody_elses_messages(void **state)
{
	struct rig *rig = *state;
	struct message *first = author_post(&rig->other, "one");
	struct message *second = author_post(&rig->other, "two");
	struct span texts[3] = {first->compact, second->compact, rig->texts[2]};
	assert_refuses(rig, texts, 2);
	assert_refuses(rig, texts, 3);
	texts[0] = rig->texts[0];
	assert_refuses(rig, texts, 2);
	message_free(first);
	message_free(second);
}

static void refuses_a_broken_newest_signature(void **state)
{
	struct rig *rig = *state;
	struct author again;
	author_twin(&again, 1, &rig->author.head);
	struct message *newest = spoil(&again, author_post(&again, "newest"));
	struct span texts[2] = {rig->texts[FEED - 1], newest->compact};
	assert_refuses(rig, texts, 2);
	assert_refuses(rig, texts + 1, 1);
	message_free(newest);
	author_fini(&again);
}

static void shows_a_broken_older_signature_and_finds_it_behind(void **state)
{
	struct rig *rig = *state;
	struct author again;
	author_twin(&again, 1, &rig->author.head);
	struct message *broken = spoil(&again, author_post(&again, "broken"));
	struct message *good = author_post(&again, "good");
	struct message *newest = author_post(&again, "newest");
	struct span texts[4] = {
		rig->texts[FEED - 1], broken->compact, good->compact, newest->compact};
	struct window *window = NULL;
	const char *why = NULL;
	assert_int_equal(read_window(rig, texts, 4, NULL, 0, &window), ERR_OK);
	assert_int_equal(window_check(window, 1, NULL, &why), ERR_OK);
	assert_checks_to(window, ERR_REFUSED);
	assert_checks_to(window, ERR_REFUSED);
	assert_false(window->is_signed[1]);
	window_free(window);
	message_free(broken);
	message_free(good);
	message_free(newest);
	author_fini(&again);
}

/* The hash takes the low byte of every UTF-16 unit: these change what is said, not the key. */
static void refuses_words_that_the_hash_does_not_see_at_once(void **state)
{
	static const struct {
		const char *mark, *to;
	} lies[] = {
		{"\"text\":\"", "\xc5\xae"},                   /* U+016E for the n of number */
		{"\"text\":\"", "\xe4\xb9\xae"},               /* U+4E6E */
		{"\"text\":\"number \xc3\xa9 10", "\xc4\xa2"}, /* a quote that is no quote */
	};
	struct rig *rig = *state;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	for (size_t i = 0; i < 2; i++) {
		struct span texts[3] = {rig->texts[10], rig->texts[11], rig->texts[12]};
		struct message *lie = NULL;
		const char *why = NULL;
		texts[0] = changed(rig->texts[10], lies[i].mark, lies[i].to, &text);
		assert_int_equal(message_read(texts[0], &lie, &why), ERR_OK);
		assert_true(message_id_equal(&lie->key, &rig->messages[10]->key));
		assert_false(span_equal(lie->compact, rig->texts[10]));
		assert_refuses(rig, texts, 3);
		message_free(lie);
	}
	/* The text runs on over its end: no JSON, or not the shape of a message. */
	struct span texts[2] = {
		changed(rig->texts[10], lies[2].mark, lies[2].to, &text), rig->texts[11]};
	assert_refuses(rig, texts, 2);
	buf_fini(&text);
}

static void checks_what_the_hash_does_not_cover_by_its_own_signature(void **state)
{
	struct rig *rig = *state;
	struct author again;
	author_twin(&again, 1, &rig->author.head);
	struct message *wide = author_post(&again, "\xd0\x9f\xd1\x80\xd0\xb8");
	struct message *edge = author_post(&again, "\xc3\xbf");
	struct message *newest = author_post(&again, "newest");
	struct span texts[3] = {wide->compact, edge->compact, newest->compact};
	struct window *window = NULL;
	assert_int_equal(read_window(rig, texts, 3, NULL, 0, &window), ERR_OK);
	assert_true(window->is_signed[0] && !window->is_signed[1] && window->is_signed[2]);
	assert_int_equal(window->checked, 2);
	window_free(window);
	message_free(wide);
	message_free(edge);
	message_free(newest);
	author_fini(&again);
}

/* The one change that is left to a liar: a wide character for the narrow one of its low byte. */
static void finds_a_wide_character_that_was_made_narrow(void **state)
{
	struct rig *rig = *state;
	struct author again;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	author_twin(&again, 1, &rig->author.head);
	struct message *wide = author_post(&again, "\xd0\xb0"); /* U+0430 */
	struct message *newest = author_post(&again, "newest");
	struct window *window = NULL;
	assert_int_equal(buf_append(&text, wide->compact), ERR_OK);
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.at[i] == 0xd0) {
			memmove(text.at + i, text.at + i + 1, text.len - i - 1);
			text.at[i] = '0';
		}
	}
	struct span texts[2] = {span_of(text.at, text.len - 1), newest->compact};
	assert_int_equal(read_window(rig, texts, 2, NULL, 0, &window), ERR_OK);
	assert_true(message_id_equal(&window->messages[0]->key, &wide->key));
	assert_checks_to(window, ERR_REFUSED);
	window_free(window);
	buf_fini(&text);
	message_free(wide);
	message_free(newest);
	author_fini(&again);
}

static void refuses_a_window_with_any_byte_changed(void **state)
{
	struct rig *rig = *state;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct span texts[2] = {rig->texts[20], rig->texts[21]};
	for (size_t at = 0; at < 2; at++) {
		buf_clear(&text);
		assert_int_equal(buf_append(&text, rig->texts[20 + at]), ERR_OK);
		texts[at] = buf_span(&text);
		for (size_t i = 0; i < text.len; i++) {
			text.at[i] ^= 1;
			assert_refuses(rig, texts, 2);
			text.at[i] ^= 1;
		}
		texts[at] = rig->texts[20 + at];
	}
	buf_fini(&text);
}

static void takes_50_messages_and_refuses_none_51_and_far_more(void **state)
{
	static struct span many[LIMIT_WINDOW_MESSAGES * 1000];
	struct rig *rig = *state;
	struct window *window = NULL;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		many[i] = rig->texts[i % FEED];
	}
	assert_int_equal(read_window(rig, many, LIMIT_WINDOW_MESSAGES, NULL, 0, &window), ERR_OK);
	window_free(window);
	window = NULL;
	assert_int_equal(read_window(rig, many, 0, NULL, 0, &window), ERR_LIMIT);
	assert_int_equal(
		read_window(rig, many, LIMIT_WINDOW_MESSAGES + 1, NULL, 0, &window), ERR_LIMIT);
	assert_int_equal(read_window(rig, many, sizeof(many) / sizeof(many[0]), NULL, 0, &window),
		ERR_LIMIT);
	assert_null(window);
}

/* Blanks before a message are no fault of it, but count. */
static void takes_512_kib_and_refuses_a_byte_more_and_far_more(void **state)
{
	enum { FAR = 1000 };
	struct rig *rig = *state;
	struct window *window = NULL;
	struct span texts[10];
	size_t room = (size_t)LIMIT_WINDOW_BYTES * FAR;
	uint8_t *blank = malloc(room);
	assert_non_null(blank);
	memset(blank, ' ', room);
	uint8_t *at = blank;
	for (size_t i = 0; i < 9; i++) {
		size_t len = i < 8 ? LIMIT_WINDOW_BYTES / 8 - (i == 0 ? rig->texts[8].len : 0)
				   : rig->texts[8].len;
		memcpy(at, rig->texts[i].at, rig->texts[i].len);
		texts[i] = span_of(at, len);
		at += len + 1;
	}
	assert_int_equal(read_window(rig, texts, 9, NULL, 0, &window), ERR_OK);
	window_free(window);
	window = NULL;
	texts[8].len++;
	assert_int_equal(read_window(rig, texts, 9, NULL, 0, &window), ERR_LIMIT);
	/* … also when the last byte is one beside the window. */
	texts[8].len--;
	texts[9] = span_of(" ", 1);
	assert_int_equal(read_window(rig, texts, 9, texts + 9, 1, &window), ERR_LIMIT);
	texts[3] = span_of(blank, room);
	assert_int_equal(read_window(rig, texts, 9, NULL, 0, &window), ERR_LIMIT);
	assert_null(window);
	free(blank);
}

static void takes_four_messages_of_the_author_about_itself_beside_it(void **state)
{
	static struct span many[LIMIT_WINDOW_PROFILES * 1000];
	struct rig *rig = *state;
	struct window *window = NULL;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		many[i] = rig->texts[i % 2];
	}
	assert_int_equal(
		read_window(rig, rig->texts + 50, 10, many, LIMIT_WINDOW_PROFILES, &window),
		ERR_OK);
	assert_int_equal(window->profile_count, LIMIT_WINDOW_PROFILES);
	window_free(window);
	window = NULL;
	assert_int_equal(
		read_window(rig, rig->texts + 50, 10, many, LIMIT_WINDOW_PROFILES + 1, &window),
		ERR_LIMIT);
	assert_int_equal(read_window(rig, rig->texts + 50, 10, many, sizeof(many) / sizeof(many[0]),
				 &window),
		ERR_LIMIT);
	assert_null(window);
}

static void refuse_profile(struct rig *rig, struct span profile)
{
	struct window *window = NULL;
	assert_int_equal(read_window(rig, rig->texts + 2, 5, &profile, 1, &window), ERR_REFUSED);
	assert_null(window);
}

static void refuses_anything_else_beside_it(void **state)
{
	struct rig *rig = *state;
	struct author twins[4];
	struct chain_head empty = {0};
	for (size_t i = 0; i < 4; i++) {
		author_twin(&twins[i], 1, i < 3 ? &empty : &rig->author.head);
	}
	struct message *own_name = author_name(&rig->other, "Ada");
	struct message *of_another = author_say(&rig->other,
		"{\"type\":\"about\",\"about\":\"%s\",\"name\":\"Ada\"}", rig->author.text);
	struct message *about_another = author_say(
		&twins[0], "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"x\"}", rig->other.text);
	struct message *post = author_post(&twins[1], "a first post");
	struct message *broken = spoil(&twins[2], author_name(&twins[2], "Ada"));
	struct message *newer = author_name(&twins[3], "Ada");
	refuse_profile(rig, own_name->compact);
	refuse_profile(rig, of_another->compact);
	refuse_profile(rig, about_another->compact);
	refuse_profile(rig, post->compact);
	refuse_profile(rig, broken->compact);
	refuse_profile(rig, newer->compact);
	refuse_profile(rig, span_text("{}"));
	struct message *all[] = {own_name, of_another, about_another, post, broken, newer};
	for (size_t i = 0; i < 6; i++) {
		message_free(all[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		author_fini(&twins[i]);
	}
}

static void signs_differently_on_networks_with_a_signing_key(void **state)
{
	static const uint8_t hmac_key[HMAC_KEY_BYTES] = {7};
	static const uint8_t seed[32] = {9};
	struct rig *rig = *state;
	struct key *key = NULL;
	struct signer *signer = NULL;
	struct chain_head head = {0};
	struct message *messages[3];
	struct span texts[3];
	struct window *window = NULL;
	const char *why = NULL;
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, hmac_key, &signer), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(signer_sign_next(signer, &head, 1700000000000,
					 span_text("{\"type\":\"post\",\"text\":\"x\"}"),
					 &messages[i], &why),
			ERR_OK);
		head = (struct chain_head){i + 1, messages[i]->key, messages[i]->timestamp};
		texts[i] = messages[i]->compact;
	}
	const struct feed_id *id = signer_id(signer);
	assert_int_equal(window_read(id, texts, 3, NULL, 0, NULL, &window, &why), ERR_REFUSED);
	assert_int_equal(window_read(id, texts, 3, NULL, 0, hmac_key, &window, &why), ERR_OK);
	assert_int_equal(window_check(window, 1, NULL, &why), ERR_REFUSED);
	assert_int_equal(window_check(window, 9, hmac_key, &why), ERR_OK);
	assert_true(window->is_checked);
	window_free(window);
	assert_int_equal(
		window_read(&rig->author.id, rig->texts, 3, NULL, 0, hmac_key, &window, &why),
		ERR_REFUSED);
	for (size_t i = 0; i < 3; i++) {
		message_free(messages[i]);
	}
	signer_free(signer);
}

/* Every vector of protocol/01: a window of it (and of the message before it) is read and checked
 * exactly when the message is valid and follows. */
static void judges_the_vectors_as_one_by_one(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-validation");
	size_t i;
	size_t taken = 0;
	const json_t *vector;
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct buf raw[2] = {BUF_INIT(1 * MIB), BUF_INIT(1 * MIB)};
		struct span texts[2];
		struct message *alone[2] = {NULL, NULL};
		struct window *window = NULL;
		const char *why = "";
		uint8_t hmac_key[HMAC_KEY_BYTES];
		const char *hmac_text = vectors_text(vector, "hmac_key");
		const uint8_t *hmac = hmac_text == NULL ? NULL : hmac_key;
		size_t key_bytes = 0;
		size_t count = 0;
		if (hmac_text != NULL && (base64_decode(span_text(hmac_text), hmac_key,
						  HMAC_KEY_BYTES, &key_bytes) != ERR_OK ||
						 key_bytes != HMAC_KEY_BYTES)) {
			continue;
		}
		count += vectors_hex(vector, "previous_wire_hex", &raw[count]) ? 1 : 0;
		assert_true(vectors_hex(vector, "wire_hex", &raw[count]));
		count++;
		bool is_fine = true;
		for (size_t k = 0; k < count; k++) {
			texts[k] = buf_span(&raw[k]);
			is_fine = is_fine &&
				  message_verify(texts[k], hmac, &alone[k], &why) == ERR_OK;
		}
		struct feed_id author = {{0}};
		if (is_fine) {
			author = alone[0]->author;
			is_fine = count == 1 ||
				  (feed_id_equal(&author, &alone[1]->author) &&
					  alone[1]->sequence == alone[0]->sequence + 1 &&
					  message_id_equal(&alone[1]->previous, &alone[0]->key));
		}
		enum err err = window_read(&author, texts, count, NULL, 0, hmac, &window, &why);
		if (err == ERR_OK) {
			err = window_check(window, SIZE_MAX, hmac, &why);
		}
		if ((err == ERR_OK) != is_fine) {
			fail_msg("%s: %s", vectors_text(vector, "name"), why);
		}
		taken += is_fine ? 1 : 0;
		window_free(window);
		for (size_t k = 0; k < 2; k++) {
			message_free(alone[k]);
			buf_fini(&raw[k]);
		}
	}
	assert_int_equal(taken, 16);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			carries_a_window_on_one_signature_and_checks_the_rest_behind, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			takes_a_window_of_one_and_the_first_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refuses_gaps_and_swapped_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refuses_a_message_that_the_next_one_does_not_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_somebody_elses_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refuses_a_broken_newest_signature, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			shows_a_broken_older_signature_and_finds_it_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refuses_words_that_the_hash_does_not_see_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			checks_what_the_hash_does_not_cover_by_its_own_signature, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			finds_a_wide_character_that_was_made_narrow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refuses_a_window_with_any_byte_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			takes_50_messages_and_refuses_none_51_and_far_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			takes_512_kib_and_refuses_a_byte_more_and_far_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			takes_four_messages_of_the_author_about_itself_beside_it, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(refuses_anything_else_beside_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			signs_differently_on_networks_with_a_signing_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			judges_the_vectors_as_one_by_one, set_up, tear_down),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
