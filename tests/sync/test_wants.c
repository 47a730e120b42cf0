/* sync/wants: blobs between peers: who is told what, what is fetched for whom, and every way to lie
 * about them. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include "sync/wants_state.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct stage {
	struct node node;
	struct script peer;
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	assert_non_null(stage);
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	script_fini(&stage->peer);
	node_fini(&stage->node);
	free(stage);
	return 0;
}

/* A blob of the tests: `count` bytes that differ with `seed`. */
struct picture {
	struct blob_id id;
	char text[BLOB_ID_TEXT_BYTES];
	uint8_t *bytes;
	size_t count;
};

static struct picture picture_of(size_t count, uint32_t seed)
{
	struct picture picture = {.count = count, .bytes = malloc(count + 1)};
	uint8_t key[randombytes_SEEDBYTES] = {0};
	memcpy(key, &seed, sizeof(seed));
	assert_non_null(picture.bytes);
	randombytes_buf_deterministic(picture.bytes, count, key);
	assert_int_equal(crypto_hash_sha256(picture.id.at, picture.bytes, count), 0);
	blob_id_format(&picture.id, picture.text);
	return picture;
}

static void picture_free(struct picture *picture)
{
	free(picture->bytes);
}

/* The node has it. */
static void put(struct node *node, const struct picture *picture, enum blob_keep keep)
{
	const struct blob_in_opts opts = {.expected = &picture->id, .keep = keep};
	struct blob_in *in = NULL;
	assert_int_equal(blobs_begin(node->blobs, &opts, &in), ERR_OK);
	assert_int_equal(blob_in_write(in, span_of(picture->bytes, picture->count)), ERR_OK);
	assert_int_equal(blob_in_finish(in, NULL), ERR_OK);
}

static void want(struct node *node, const struct picture *picture, bool is_on)
{
	assert_int_equal(blobs_want(node->blobs, node->reader, &picture->id, is_on), ERR_OK);
}

static bool has(struct node *node, const struct picture *picture)
{
	struct blob_row row;
	enum err err = blobs_look(node->reader, &picture->id, &row);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK && row.bytes == picture->count;
}

static enum blob_keep kept(struct node *node, const struct picture *picture)
{
	struct blob_row row;
	assert_int_equal(blobs_look(node->reader, &picture->id, &row), ERR_OK);
	return row.keep;
}

static void follow(struct node *node, const struct feed_id *who)
{
	uint64_t before = node_figures(node).feeds;
	node_contact(node, who, EDGE_FOLLOW);
	WAIT_UNTIL(node_figures(node).feeds == before + 1);
}

static void friends(struct node *one, struct node *two)
{
	follow(one, &two->self.id);
	follow(two, &one->self.id);
}

/* Between nodes. */

static void what_one_wants_comes_from_the_other(void **state)
{
	struct stage *stage = *state;
	struct node other;
	node_init(&other, 3);
	struct picture picture = picture_of(300000, 1);
	put(&other, &picture, BLOB_OWN);
	want(&stage->node, &picture, true);
	node_connect(&stage->node, &other);
	WAIT_UNTIL(has(&stage->node, &picture));
	assert_int_equal(kept(&stage->node, &picture), BLOB_READ);
	picture_free(&picture);
	node_fini(&other);
}

static void what_is_wanted_later_comes_too_and_what_comes_later_is_told(void **state)
{
	struct stage *stage = *state;
	struct node other;
	node_init(&other, 3);
	node_connect(&other, &stage->node);
	struct picture first = picture_of(1, 1);
	struct picture second = picture_of(70000, 2);
	put(&other, &first, BLOB_OWN);
	want(&stage->node, &first, true);
	want(&stage->node, &second, true);
	WAIT_UNTIL(has(&stage->node, &first));
	assert_false(has(&stage->node, &second));
	put(&other, &second, BLOB_OWN);
	WAIT_UNTIL(has(&stage->node, &second));
	picture_free(&first);
	picture_free(&second);
	node_fini(&other);
}

static void a_friend_between_fetches_it_too(void **state)
{
	struct stage *stage = *state;
	struct node middle;
	struct node far;
	node_init(&middle, 3);
	node_init(&far, 4);
	friends(&middle, &stage->node);
	friends(&middle, &far);
	node_connect(&stage->node, &middle);
	node_connect(&far, &middle);
	struct picture picture = picture_of(200000, 1);
	put(&far, &picture, BLOB_OWN);
	want(&stage->node, &picture, true);
	WAIT_UNTIL(has(&stage->node, &picture));
	assert_int_equal(kept(&middle, &picture), BLOB_FAR);
	picture_free(&picture);
	node_fini(&middle);
	node_fini(&far);
}

/* A peer by hand: what it tells goes down the stream that the node opened. */

static void tell(struct script *peer, const char *format, ...) PRINTF_LIKE(2, 3);
static void tell(struct script *peer, const char *format, ...)
{
	struct script_call *up = NULL;
	char text[1024];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	SCRIPT_UNTIL(peer, (up = script_called(peer, "blobs.createWants", 0)) != NULL);
	script_send_span(up, span_text(text));
	script_turn(peer);
	script_turn(peer);
}

static struct script_call *hear(struct script *peer)
{
	struct script_call *heard = script_open(peer, "blobs.createWants", RPC_SOURCE, "[]");
	SCRIPT_UNTIL(peer, heard->items >= 1);
	return heard;
}

static bool says(const struct script_call *heard, const struct picture *picture, int64_t value)
{
	char text[128];
	(void)snprintf(text, sizeof(text), "\"%s\":%lld", picture->text, (long long)value);
	return script_has(heard, text);
}

static struct script_call *asked(struct script *peer, const struct picture *picture, size_t n)
{
	for (size_t i = 0; i < peer->call_count; i++) {
		struct script_call *call = peer->calls[i];
		if (!call->is_ours && strcmp(call->name, "blobs.get") == 0 &&
			strstr(call->args, picture->text) != NULL && n-- == 0) {
			return call;
		}
	}
	return NULL;
}

static void give(struct script_call *call, const uint8_t *bytes, size_t count)
{
	for (size_t at = 0; at < count && call->call != NULL; at += 65536) {
		struct span part = span_take(span_of(bytes + at, count - at), 65536);
		SCRIPT_UNTIL(call->script, call->call == NULL || !rpc_is_full(call->call));
		if (call->call != NULL) {
			assert_int_equal(rpc_send(call->call, MUXRPC_BINARY, part), ERR_OK);
		}
	}
}

static void give_all(struct script_call *call, const struct picture *picture)
{
	give(call, picture->bytes, picture->count);
	if (call->call != NULL) {
		rpc_end(call->call);
	}
}

static struct script_call *get(struct script *peer, const char *format, ...) PRINTF_LIKE(2, 3);
static struct script_call *get(struct script *peer, const char *format, ...)
{
	char args[512];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(args, sizeof(args), format, list);
	va_end(list);
	return script_open(peer, strstr(args, "start") != NULL ? "blobs.getSlice" : "blobs.get",
		RPC_SOURCE, args);
}

/* What came of a call, without the line ends that the script puts behind each item. */
static bool gave(
	const struct script_call *call, const struct picture *picture, size_t from, size_t to)
{
	const uint8_t *at = call->text.at;
	size_t left = call->text.len;
	size_t done = from;
	while (left > 0) {
		size_t part = left - 1 < 65536 ? left - 1 : 65536;
		if (done + part > to || memcmp(at, picture->bytes + done, part) != 0) {
			return false;
		}
		done += part;
		at += part + 1;
		left -= part + 1;
	}
	return done == to && call->is_ended && !call->has_error;
}

/* What is told. */

static void the_first_item_comes_at_once_and_is_empty_when_there_is_nothing(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	assert_true(span_equal_text(buf_span(&heard->text), "{}\n"));
	script_linger(&stage->peer, 50);
	assert_int_equal(heard->items, 1);
}

static void wants_are_told_at_once_and_after_a_start_and_no_more_when_given_up(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(1000, 1);
	struct picture later = picture_of(1000, 2);
	want(&stage->node, &picture, true);
	node_stop(&stage->node);
	node_start(&stage->node);
	script_dial(&stage->peer, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	assert_true(says(heard, &picture, -1));
	want(&stage->node, &later, true);
	SCRIPT_UNTIL(&stage->peer, says(heard, &later, -1));
	want(&stage->node, &later, false);
	want(&stage->node, &picture, false);
	script_linger(&stage->peer, 20);
	struct script_call *again = hear(&stage->peer);
	assert_true(span_equal_text(buf_span(&again->text), "{}\n"));
	SCRIPT_UNTIL(&stage->peer, heard->is_ended); /* the newer call took its place */
	picture_free(&picture);
	picture_free(&later);
}

static void what_is_here_is_told_to_who_wants_it_and_to_nobody_else(void **state)
{
	struct stage *stage = *state;
	struct script other;
	struct picture picture = picture_of(1234, 1);
	struct picture later = picture_of(4321, 2);
	script_init(&other, 2);
	script_dial(&stage->peer, &stage->node);
	script_dial(&other, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	struct script_call *overheard = hear(&other);
	put(&stage->node, &picture, BLOB_OWN);
	tell(&stage->peer, "{\"%s\":-1,\"%s\":-2}", picture.text, later.text);
	SCRIPT_UNTIL(&stage->peer, says(heard, &picture, 1234));
	put(&stage->node, &later, BLOB_OWN);
	SCRIPT_UNTIL(&stage->peer, says(heard, &later, 4321));
	script_linger(&other, 50);
	assert_false(script_has(overheard, picture.text));
	assert_false(script_has(overheard, later.text));
	script_fini(&other);
	picture_free(&picture);
	picture_free(&later);
}

/* JavaScript opens a call at once for each that it is told: it is not told of too many at a time.
 */
static void blobs_are_told_as_fast_as_they_are_fetched(void **state)
{
	enum { COUNT = LIMIT_BLOB_ANSWERS + 10 };
	struct stage *stage = *state;
	struct picture pictures[COUNT];
	script_dial(&stage->peer, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	for (uint32_t i = 0; i < COUNT; i++) {
		pictures[i] = picture_of(100, i);
		put(&stage->node, &pictures[i], BLOB_OWN);
		tell(&stage->peer, "{\"%s\":-1}", pictures[i].text);
	}
	SCRIPT_UNTIL(&stage->peer, says(heard, &pictures[LIMIT_BLOB_ANSWERS - 1], 100));
	script_linger(&stage->peer, 100);
	assert_false(script_has(heard, pictures[LIMIT_BLOB_ANSWERS].text));
	for (size_t i = 0; i < 5; i++) {
		struct script_call *call = get(&stage->peer, "[\"%s\"]", pictures[i].text);
		SCRIPT_UNTIL(&stage->peer, call->is_ended);
	}
	SCRIPT_UNTIL(&stage->peer, says(heard, &pictures[LIMIT_BLOB_ANSWERS + 4], 100));
	assert_false(script_has(heard, pictures[LIMIT_BLOB_ANSWERS + 5].text));
	/* Who does not fetch is told of the others after a while. */
	SCRIPT_UNTIL(&stage->peer, says(heard, &pictures[COUNT - 1], 100));
	for (size_t i = 0; i < COUNT; i++) {
		picture_free(&pictures[i]);
	}
}

/* Sympathy. */

static void a_friends_want_is_told_on_up_to_three_hops(void **state)
{
	struct stage *stage = *state;
	struct script other;
	struct picture pictures[4];
	script_init(&other, 2);
	follow(&stage->node, &stage->peer.self.id);
	script_dial(&stage->peer, &stage->node);
	script_dial(&other, &stage->node);
	struct script_call *echo = hear(&stage->peer);
	struct script_call *heard = hear(&other);
	for (int i = 1; i < 4; i++) {
		pictures[i] = picture_of(10, (uint32_t)i);
	}
	tell(&stage->peer, "{\"%s\":-3}", pictures[3].text);
	tell(&stage->peer, "{\"%s\":-2}", pictures[2].text);
	tell(&stage->peer, "{\"%s\":-1}", pictures[1].text);
	SCRIPT_UNTIL(&stage->peer, says(echo, &pictures[1], -2));
	SCRIPT_UNTIL(&other, says(heard, &pictures[1], -2));
	assert_true(says(heard, &pictures[2], -3) && says(echo, &pictures[2], -3));
	assert_false(script_has(heard, pictures[3].text));
	/* Nearer counts, farther does not, and nothing is told twice. */
	tell(&stage->peer, "{\"%s\":-1,\"%s\":-3}", pictures[2].text, pictures[1].text);
	SCRIPT_UNTIL(&other, says(heard, &pictures[2], -2));
	size_t items = heard->items;
	tell(&stage->peer, "{\"%s\":-1,\"%s\":-2}", pictures[2].text, pictures[1].text);
	script_linger(&other, 50);
	assert_int_equal(heard->items, items);
	for (int i = 1; i < 4; i++) {
		picture_free(&pictures[i]);
	}
	script_fini(&other);
}

static void a_strangers_want_is_answered_and_not_shared(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(5000, 1);
	script_dial(&stage->peer, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	tell(&stage->peer, "{\"%s\":-1}", picture.text);
	script_linger(&stage->peer, 100);
	assert_int_equal(heard->items, 1);
	/* It says that somebody has it: nobody fetches it. */
	tell(&stage->peer, "{\"%s\":5000}", picture.text);
	script_linger(&stage->peer, 100);
	assert_null(asked(&stage->peer, &picture, 0));
	put(&stage->node, &picture, BLOB_OWN);
	SCRIPT_UNTIL(&stage->peer, says(heard, &picture, 5000));
	picture_free(&picture);
}

static void whom_we_dialled_ourselves_is_no_stranger(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(5000, 1);
	struct address address;
	script_listen(&stage->peer);
	address = script_address(&stage->peer);
	sync_address_added(stage->node.sync, &address);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_ready);
	struct script_call *heard = hear(&stage->peer);
	tell(&stage->peer, "{\"%s\":-1}", picture.text);
	SCRIPT_UNTIL(&stage->peer, says(heard, &picture, -2));
	picture_free(&picture);
}

static void asking_whether_it_is_here_is_wanting_it(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(70, 1);
	struct picture held = picture_of(71, 2);
	char args[256];
	put(&stage->node, &held, BLOB_OWN);
	follow(&stage->node, &stage->peer.self.id);
	script_dial(&stage->peer, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	(void)snprintf(args, sizeof(args), "[[\"%s\",\"%s\",\"%s\"]]", picture.text, held.text,
		picture.text);
	struct script_call *has_list = script_open(&stage->peer, "blobs.has", RPC_ASYNC, args);
	SCRIPT_UNTIL(&stage->peer, has_list->is_ended);
	assert_true(span_equal_text(buf_span(&has_list->text), "[false,true,false]\n"));
	SCRIPT_UNTIL(&stage->peer, says(heard, &picture, -2));
	(void)snprintf(args, sizeof(args), "[\"%s\"]", held.text);
	struct script_call *size = script_open(&stage->peer, "blobs.size", RPC_ASYNC, args);
	struct script_call *one = script_open(&stage->peer, "blobs.has", RPC_ASYNC, args);
	SCRIPT_UNTIL(&stage->peer, one->is_ended && size->is_ended);
	assert_true(span_equal_text(buf_span(&size->text), "71\n"));
	assert_true(span_equal_text(buf_span(&one->text), "true\n"));
	put(&stage->node, &picture, BLOB_OWN);
	SCRIPT_UNTIL(&stage->peer, says(heard, &picture, 70));
	picture_free(&picture);
	picture_free(&held);
}

static void a_friend_who_went_away_finds_it_when_it_is_back(void **state)
{
	struct stage *stage = *state;
	struct script holder;
	struct picture picture = picture_of(5000, 1);
	script_init(&holder, 2);
	follow(&stage->node, &stage->peer.self.id);
	script_dial(&stage->peer, &stage->node);
	struct script_call *heard = hear(&stage->peer);
	tell(&stage->peer, "{\"%s\":-1}", picture.text);
	SCRIPT_UNTIL(&stage->peer, says(heard, &picture, -2));
	script_close(&stage->peer);
	script_dial(&holder, &stage->node);
	SCRIPT_UNTIL(&holder, says(hear(&holder), &picture, -2));
	tell(&holder, "{\"%s\":5000}", picture.text);
	SCRIPT_UNTIL(&holder, asked(&holder, &picture, 0) != NULL);
	give_all(asked(&holder, &picture, 0), &picture);
	WAIT_UNTIL((script_turn(&holder), has(&stage->node, &picture)));
	assert_int_equal(kept(&stage->node, &picture), BLOB_FAR);
	script_fini(&holder);
	picture_free(&picture);
}

/* What comes. */

static struct script_call *fetched_from(
	struct stage *stage, const struct picture *picture, uint64_t announced)
{
	want(&stage->node, picture, true);
	script_dial(&stage->peer, &stage->node);
	tell(&stage->peer, "{\"%s\":%llu}", picture->text, (unsigned long long)announced);
	SCRIPT_UNTIL(&stage->peer, asked(&stage->peer, picture, 0) != NULL);
	return asked(&stage->peer, picture, 0);
}

/* Another one has it, and gives it. */
static void comes_from_another(struct stage *stage, const struct picture *picture)
{
	struct script other;
	assert_false(has(&stage->node, picture));
	tell(&stage->peer, "{\"%s\":%zu}", picture->text, picture->count);
	script_linger(&stage->peer, 50);
	script_init(&other, 2);
	script_dial(&other, &stage->node);
	tell(&other, "{\"%s\":%zu}", picture->text, picture->count);
	SCRIPT_UNTIL(&other, asked(&other, picture, 0) != NULL);
	give_all(asked(&other, picture, 0), picture);
	WAIT_UNTIL((script_turn(&other), has(&stage->node, picture)));
	script_linger(&stage->peer, 20);
	assert_null(asked(&stage->peer, picture, 1)); /* who lied was asked once */
	script_fini(&other);
}

static void it_is_asked_for_in_the_form_that_go_understands(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(200000, 1);
	char args[256];
	struct script_call *call = fetched_from(stage, &picture, picture.count);
	(void)snprintf(args, sizeof(args), "[{\"key\":\"%s\",\"max\":5242880}]", picture.text);
	assert_string_equal(call->args, args);
	struct sync_blob seen = {0};
	give(call, picture.bytes, 131072);
	WAIT_UNTIL(sync_blob(stage->node.sync, &picture.id, &seen) == ERR_OK &&
		   (script_turn(&stage->peer), seen.received == 131072));
	assert_int_equal(seen.bytes, 200000);
	assert_int_equal(seen.holders, 1);
	give(call, picture.bytes + 131072, 200000 - 131072);
	rpc_end(call->call);
	WAIT_UNTIL((script_turn(&stage->peer), has(&stage->node, &picture)));
	struct sync_figures figures = node_figures(&stage->node);
	assert_int_equal(figures.blobs_in, 1);
	assert_int_equal(figures.blob_bytes_in, 200000);
	assert_int_equal(figures.blobs_wanted, 0);
	picture_free(&picture);
}

static void what_has_another_hash_is_not_kept(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(200000, 1);
	struct picture other = picture_of(200000, 2);
	struct script_call *call = fetched_from(stage, &picture, picture.count);
	give_all(call, &other);
	WAIT_UNTIL((script_turn(&stage->peer), node_figures(&stage->node).blob_lies == 1));
	assert_false(has(&stage->node, &other));
	comes_from_another(stage, &picture);
	picture_free(&picture);
	picture_free(&other);
}

static void what_is_longer_than_was_said_is_cut_off(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(200000, 1);
	struct script_call *call = fetched_from(stage, &picture, 100000);
	give(call, picture.bytes, picture.count);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	assert_int_equal(node_figures(&stage->node).blob_lies, 1);
	comes_from_another(stage, &picture);
	picture_free(&picture);
}

static void what_is_shorter_is_not_kept(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(200000, 1);
	struct script_call *call = fetched_from(stage, &picture, picture.count);
	give(call, picture.bytes, picture.count - 1);
	rpc_end(call->call);
	WAIT_UNTIL((script_turn(&stage->peer), node_figures(&stage->node).blob_lies == 1));
	comes_from_another(stage, &picture);
	picture_free(&picture);
}

static void what_never_ends_is_cut_off_and_costs_nothing(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(200000, 1);
	uint8_t *zeros = calloc(1, 64 * KIB);
	struct script_call *call = fetched_from(stage, &picture, LIMIT_BLOB_BYTES - 1);
	for (size_t i = 0; i < 1000 && call->call != NULL; i++) {
		give(call, zeros, 64 * KIB);
		script_turn(&stage->peer);
	}
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	struct sync_figures figures = node_figures(&stage->node);
	assert_int_equal(figures.blob_lies, 1);
	assert_in_range(figures.blob_bytes_in, LIMIT_BLOB_BYTES, LIMIT_BLOB_BYTES + 64 * KIB);
	comes_from_another(stage, &picture);
	free(zeros);
	picture_free(&picture);
}

static void what_is_no_blob_is_a_lie_and_an_error_is_none(void **state)
{
	struct stage *stage = *state;
	struct picture picture = picture_of(2000, 1);
	struct picture second = picture_of(2000, 2);
	struct script_call *call = fetched_from(stage, &picture, picture.count);
	script_send(call, "{\"no\":\"blob\"}");
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	assert_int_equal(node_figures(&stage->node).blob_lies, 1);
	comes_from_another(stage, &picture);
	/* Who had it once and has it again is asked again. */
	want(&stage->node, &second, true);
	for (size_t i = 0; i < 2; i++) {
		tell(&stage->peer, "{\"%s\":2000}", second.text);
		SCRIPT_UNTIL(&stage->peer, asked(&stage->peer, &second, i) != NULL);
		call = asked(&stage->peer, &second, i);
		if (i == 0) {
			rpc_refuse(call->call, "could not get blob");
		} else {
			give_all(call, &second);
		}
	}
	WAIT_UNTIL((script_turn(&stage->peer), has(&stage->node, &second)));
	assert_int_equal(node_figures(&stage->node).blob_lies, 1);
	picture_free(&picture);
	picture_free(&second);
}

static void who_goes_away_in_the_middle_is_followed_by_the_next(void **state)
{
	struct stage *stage = *state;
	struct script other;
	struct picture picture = picture_of(300000, 1);
	struct script_call *call = fetched_from(stage, &picture, picture.count);
	give(call, picture.bytes, 131072);
	script_init(&other, 2);
	script_dial(&other, &stage->node);
	tell(&other, "{\"%s\":%zu}", picture.text, picture.count);
	script_linger(&other, 50);
	assert_null(asked(&other, &picture, 0));
	script_close(&stage->peer);
	SCRIPT_UNTIL(&other, asked(&other, &picture, 0) != NULL);
	give_all(asked(&other, &picture, 0), &picture);
	WAIT_UNTIL((script_turn(&other), has(&stage->node, &picture)));
	script_fini(&other);
	picture_free(&picture);
}

static void five_mebibytes_are_too_much_and_one_byte_less_is_not(void **state)
{
	struct stage *stage = *state;
	static const uint64_t above[] = {LIMIT_BLOB_BYTES, 1000ULL * LIMIT_BLOB_BYTES, 1ULL << 52};
	struct picture picture = picture_of(LIMIT_BLOB_BYTES - 1, 1);
	want(&stage->node, &picture, true);
	script_dial(&stage->peer, &stage->node);
	for (size_t i = 0; i < 3; i++) {
		tell(&stage->peer, "{\"%s\":%llu}", picture.text, (unsigned long long)above[i]);
	}
	script_linger(&stage->peer, 100);
	assert_null(asked(&stage->peer, &picture, 0));
	tell(&stage->peer, "{\"%s\":%zu}", picture.text, picture.count);
	SCRIPT_UNTIL(&stage->peer, asked(&stage->peer, &picture, 0) != NULL);
	give_all(asked(&stage->peer, &picture, 0), &picture);
	WAIT_UNTIL((script_turn(&stage->peer), has(&stage->node, &picture)));
	picture_free(&picture);
}

static void two_come_from_one_peer_at_once_and_eight_in_all(void **state)
{
	enum { PEERS = 5, EACH = 3 };
	struct stage *stage = *state;
	struct script peers[PEERS];
	struct picture pictures[PEERS][EACH];
	for (unsigned i = 0; i < PEERS; i++) {
		script_init(&peers[i], 10 + i);
		script_dial(&peers[i], &stage->node);
		for (unsigned k = 0; k < EACH; k++) {
			pictures[i][k] = picture_of(100, 100 * i + k);
			want(&stage->node, &pictures[i][k], true);
			tell(&peers[i], "{\"%s\":100}", pictures[i][k].text);
		}
		script_linger(&peers[i], 50);
	}
	size_t calls = 0;
	for (unsigned i = 0; i < PEERS; i++) {
		size_t mine = 0;
		script_linger(&peers[i], 50);
		for (unsigned k = 0; k < EACH; k++) {
			mine += asked(&peers[i], &pictures[i][k], 0) != NULL;
		}
		assert_in_range(mine, 0, LIMIT_BLOB_DOWNLOADS_PER_PEER);
		calls += mine;
	}
	assert_int_equal(calls, LIMIT_BLOB_DOWNLOADS);
	/* All of them come in the end. */
	for (unsigned left = PEERS * EACH; left > 0;) {
		left = 0;
		for (unsigned i = 0; i < PEERS; i++) {
			script_turn(&peers[i]);
			for (unsigned k = 0; k < EACH; k++) {
				struct script_call *call = asked(&peers[i], &pictures[i][k], 0);
				if (call != NULL && call->call != NULL) {
					give_all(call, &pictures[i][k]);
					call->name[0] = '-'; /* done with */
				}
				left += !has(&stage->node, &pictures[i][k]);
			}
		}
	}
	for (unsigned i = 0; i < PEERS; i++) {
		for (unsigned k = 0; k < EACH; k++) {
			picture_free(&pictures[i][k]);
		}
		script_fini(&peers[i]);
	}
}

/* What is offered. */

static void offer(struct stage *stage, const struct picture *picture)
{
	const struct change change = {.kind = CHANGE_BLOB_OFFER, .blob = picture->id};
	put(&stage->node, picture, BLOB_OWN);
	assert_int_equal(writer_change_wait(stage->node.writer, &change), ERR_OK);
}

static void count_one(void *ctx, const struct blob_id *id, int64_t at_ms)
{
	(void)id;
	(void)at_ms;
	(*(size_t *)ctx)++;
}

static size_t offered(struct stage *stage)
{
	size_t count = 0;
	assert_int_equal(blobs_pushes(stage->node.reader, count_one, &count), ERR_OK);
	return count;
}

static void what_is_ours_is_offered_until_three_friends_have_it(void **state)
{
	struct stage *stage = *state;
	struct script peers[LIMIT_BLOB_PUSHES + 1];
	struct picture picture = picture_of(100, 1);
	offer(stage, &picture);
	for (unsigned i = 0; i <= LIMIT_BLOB_PUSHES; i++) {
		script_init(&peers[i], 10 + i);
		follow(&stage->node, &peers[i].self.id);
		script_dial(&peers[i], &stage->node);
		struct script_call *heard = hear(&peers[i]);
		if (i == LIMIT_BLOB_PUSHES) {
			assert_false(says(heard, &picture, -1));
			break;
		}
		assert_true(says(heard, &picture, -1));
		tell(&peers[i], "{\"%s\":-2}", picture.text);
		SCRIPT_UNTIL(&peers[i], says(heard, &picture, 100));
		assert_int_equal(offered(stage), 1);
		tell(&peers[i], "{\"%s\":100}", picture.text);
		tell(&peers[i], "{\"%s\":100}", picture.text);
		script_linger(&peers[i], 50);
	}
	WAIT_UNTIL(offered(stage) == 0);
	for (unsigned i = 0; i <= LIMIT_BLOB_PUSHES; i++) {
		script_fini(&peers[i]);
	}
	picture_free(&picture);
}

static void strangers_have_it_when_they_fetched_it_and_not_when_they_say_so(void **state)
{
	struct stage *stage = *state;
	struct script peers[LIMIT_BLOB_PUSHES];
	struct picture picture = picture_of(100, 1);
	offer(stage, &picture);
	for (unsigned i = 0; i < LIMIT_BLOB_PUSHES; i++) {
		script_init(&peers[i], 10 + i);
		script_dial(&peers[i], &stage->node);
		assert_true(says(hear(&peers[i]), &picture, -1));
		tell(&peers[i], "{\"%s\":100}", picture.text);
		script_linger(&peers[i], 50);
	}
	assert_int_equal(offered(stage), 1);
	for (unsigned i = 0; i < LIMIT_BLOB_PUSHES; i++) {
		struct script_call *slice =
			get(&peers[i], "[{\"key\":\"%s\",\"start\":0,\"end\":99}]", picture.text);
		SCRIPT_UNTIL(&peers[i], slice->is_ended);
		assert_int_equal(offered(stage), 1);
		struct script_call *call = get(&peers[i], "[\"%s\"]", picture.text);
		SCRIPT_UNTIL(&peers[i], call->is_ended);
		script_linger(&peers[i], 20);
	}
	WAIT_UNTIL(offered(stage) == 0);
	for (unsigned i = 0; i < LIMIT_BLOB_PUSHES; i++) {
		script_fini(&peers[i]);
	}
	picture_free(&picture);
}

/* What is given. */

static void any_slice_is_given_as_far_as_there_is_one(void **state)
{
	static const struct {
		const char *start, *end;
		size_t from, to;
	} slices[] = {{"0", "10", 0, 10}, {"10", "20", 10, 20}, {"0", "150000", 0, 150000},
		{"149999", "150000", 149999, 150000}, {"65535", "131073", 65535, 131073},
		{"0", "150001", 0, 150000}, {"0", "1e300", 0, 150000}, {"-5", "7", 0, 7},
		{"0.5", "2.5", 0, 2}, {"150000", "150001", 0, 0}, {"1e300", "1e301", 0, 0},
		{"20", "10", 0, 0}, {"10", "10", 0, 0}, {"-9", "-3", 0, 0}, {"0", "-1", 0, 0},
		{"9007199254740993", "18446744073709551616", 0, 0}};
	struct stage *stage = *state;
	struct picture picture = picture_of(150000, 1);
	put(&stage->node, &picture, BLOB_OWN);
	script_dial(&stage->peer, &stage->node);
	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		struct script_call *call =
			get(&stage->peer, "[{\"key\":\"%s\",\"start\":%s,\"end\":%s}]",
				picture.text, slices[i].start, slices[i].end);
		SCRIPT_UNTIL(&stage->peer, call->is_ended);
		assert_true(gave(call, &picture, slices[i].from, slices[i].to));
	}
	struct script_call *whole =
		get(&stage->peer, "[{\"hash\":\"%s\",\"max\":150000}]", picture.text);
	SCRIPT_UNTIL(&stage->peer, whole->is_ended);
	assert_true(gave(whole, &picture, 0, 150000));
	assert_int_equal(whole->items, 3);
	picture_free(&picture);
}

static void what_cannot_be_given_is_refused_in_the_words_peers_know(void **state)
{
	static const struct {
		const char *args, *error;
	} asks[] = {{"[]", "multiblob.get: {id} is mandatory"},
		{"[null]", "multiblob.get: {id} is mandatory"},
		{"[[\"&x\"]]", "multiblob.get: {id} is mandatory"},
		{"[{\"key\":7}]", "multiblob.get: {id} is mandatory"},
		{"[{\"start\":0,\"end\":5}]", "multiblob.getSlice: {id} is mandatory"},
		{"[{\"key\":\"ID\",\"start\":\"x\",\"end\":5}]",
			"multiblob.getSlice: {start} must be a number"},
		{"[{\"key\":\"ID\",\"start\":0}]", "multiblob.getSlice: {end} must be a number"},
		{"[{\"key\":\"ID\",\"start\":0,\"end\":null}]",
			"multiblob.getSlice: {end} must be a number"},
		{"[{\"key\":\"ID\",\"size\":99}]",
			"incorrect file length, requested:99 file was:100 for file:ID"},
		{"[{\"key\":\"ID\",\"max\":99}]",
			"incorrect file length, requested:undefined file was:100 for file:ID"}};
	struct stage *stage = *state;
	struct picture picture = picture_of(100, 1);
	struct picture missing = picture_of(100, 2);
	put(&stage->node, &picture, BLOB_OWN);
	script_dial(&stage->peer, &stage->node);
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		char args[256];
		char error[256];
		const char *texts[] = {asks[i].args, asks[i].error};
		char *outs[] = {args, error};
		for (size_t k = 0; k < 2; k++) {
			const char *id = strstr(texts[k], "ID");
			(void)snprintf(outs[k], 256, "%.*s%s%s",
				id == NULL ? 0 : (int)(id - texts[k]), texts[k],
				id == NULL ? "" : picture.text, id == NULL ? texts[k] : id + 2);
		}
		struct script_call *call = get(&stage->peer, "%s", args);
		SCRIPT_UNTIL(&stage->peer, call->is_ended);
		error[sizeof(call->error) - 1] = '\0';
		assert_string_equal(call->error, error);
		assert_int_equal(call->items, 0);
	}
	struct script_call *call = get(&stage->peer, "[\"%s\"]", missing.text);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	assert_string_equal(call->error, "could not get blob");
	assert_true(stage->peer.is_ready);
	picture_free(&picture);
	picture_free(&missing);
}

static long resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	assert_int_equal(fclose(file), 0);
	return pages * sysconf(_SC_PAGESIZE);
}

/* A sanitizer keeps freed memory aside. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_memory_told = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool is_memory_told = false;
#else
static const bool is_memory_told = true;
#endif
#else
static const bool is_memory_told = true;
#endif

static void expect_flat(long before)
{
	if (is_memory_told) {
		assert_in_range(resident() - before + (1L << 40), 0, (1L << 40) + 16L * MIB);
	}
}

static void who_does_not_read_costs_no_memory_and_the_others_wait_for_their_turn(void **state)
{
	enum { COUNT = LIMIT_RPC_REQUESTS };
	struct stage *stage = *state;
	struct picture picture = picture_of(LIMIT_BLOB_BYTES - 1, 1);
	struct script_call *calls[COUNT];
	struct script other;
	put(&stage->node, &picture, BLOB_OWN);
	script_dial(&stage->peer, &stage->node);
	long before = resident();
	for (size_t i = 0; i < COUNT; i++) {
		calls[i] = get(&stage->peer, "[\"%s\"]", picture.text);
	}
	script_turn(&stage->peer);
	peer_pause(stage->peer.peer);
	for (int i = 0; i < 300; i++) {
		script_turn(&stage->peer);
	}
	expect_flat(before);
	/* Somebody else is served meanwhile. */
	script_init(&other, 2);
	script_dial(&other, &stage->node);
	struct script_call *call = get(&other, "[\"%s\"]", picture.text);
	SCRIPT_UNTIL(&other, call->is_ended);
	assert_true(gave(call, &picture, 0, picture.count));
	peer_resume(stage->peer.peer);
	/* It gets the first ones whole, and the last one too. */
	for (size_t i = 0; i < COUNT; i += i == 0 ? 9 : COUNT) {
		SCRIPT_UNTIL(&stage->peer, calls[i]->is_ended);
		assert_true(gave(calls[i], &picture, 0, picture.count));
	}
	assert_true(stage->peer.is_ready);
	script_fini(&other);
	picture_free(&picture);
}

/* How often an open blobs.changes named it. */
static size_t named(const struct script_call *heard, const struct picture *picture)
{
	struct span rest = buf_span(&heard->text);
	size_t count = 0;
	const uint8_t *at = NULL;
	while ((at = memmem(rest.at, rest.len, picture->text, strlen(picture->text))) != NULL) {
		rest = span_of(at + 1, rest.len - (size_t)(at + 1 - rest.at));
		count++;
	}
	return count;
}

static void changes_names_what_we_add_and_what_was_asked_for(void **state)
{
	struct stage *stage = *state;
	struct picture added = picture_of(100, 1);
	struct picture posted = picture_of(101, 2);
	struct picture wanted = picture_of(102, 3);
	struct picture read = picture_of(103, 4);
	struct script friend;
	struct script giver;
	script_init(&friend, 2);
	script_init(&giver, 3);
	follow(&stage->node, &friend.self.id);
	script_dial(&stage->peer, &stage->node);
	script_dial(&friend, &stage->node);
	script_dial(&giver, &stage->node);
	struct script_call *heard = script_open(&stage->peer, "blobs.changes", RPC_SOURCE, "[]");
	struct script_call *near = script_open(&friend, "blobs.changes", RPC_SOURCE, "[]");
	char args[128];
	(void)snprintf(args, sizeof(args), "[\"%s\"]", wanted.text);
	struct script_call *asks = script_open(&stage->peer, "blobs.has", RPC_ASYNC, args);
	SCRIPT_UNTIL(&stage->peer, asks->is_ended);
	script_linger(&friend, 20);
	put(&stage->node, &added, BLOB_OWN);
	offer(stage, &posted);
	for (size_t i = 0; i < 2; i++) {
		const struct picture *picture = i == 0 ? &read : &wanted;
		want(&stage->node, picture, true);
		tell(&giver, "{\"%s\":%zu}", picture->text, picture->count);
		SCRIPT_UNTIL(&giver, asked(&giver, picture, 0) != NULL);
		give_all(asked(&giver, picture, 0), picture);
		WAIT_UNTIL((script_turn(&giver), has(&stage->node, picture)));
	}
	SCRIPT_UNTIL(&stage->peer, script_has(heard, wanted.text));
	SCRIPT_UNTIL(&friend, script_has(near, wanted.text));
	assert_true(script_has(near, read.text) && !script_has(heard, read.text));
	struct script_call *const streams[] = {heard, near};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(named(streams[i], &added), 1);
		assert_int_equal(named(streams[i], &posted), 1); /* not again when it is offered */
	}
	put(&stage->node, &added, BLOB_OWN); /* as JavaScript, which tells each time */
	SCRIPT_UNTIL(&stage->peer, named(heard, &added) == 2);
	script_fini(&friend);
	script_fini(&giver);
	struct picture *pictures[] = {&added, &posted, &wanted, &read};
	for (size_t i = 0; i < 4; i++) {
		picture_free(pictures[i]);
	}
}

/* Floods. */

/* An item of `count` ids that nobody has, from `first` on, each with `value`. It is sent once less
 * than LIMIT_PEER_OUT_LOW_BYTES wait to leave, so that it has room beside them, however slowly
 * the node reads. */
static void tell_many(struct script *peer, uint32_t first, size_t count, int64_t value)
{
	struct buf item = BUF_INIT(64 * MIB);
	struct script_call *up = NULL;
	SCRIPT_UNTIL(peer, (up = script_called(peer, "blobs.createWants", 0)) != NULL);
	for (size_t i = 0; i < count; i++) {
		struct blob_id id = {{0}};
		char text[BLOB_ID_TEXT_BYTES];
		uint32_t number = first + (uint32_t)i;
		memcpy(id.at, &number, sizeof(number));
		blob_id_format(&id, text);
		assert_int_equal(buf_printf(&item, "%c\"%s\":%lld", i == 0 ? '{' : ',', text,
					 (long long)value),
			ERR_OK);
	}
	assert_int_equal(buf_append_byte(&item, '}'), ERR_OK);
	assert_true(item.len <= (LIMIT_PEER_OUT_BYTES - LIMIT_PEER_OUT_LOW_BYTES) * 3 / 4);
	SCRIPT_UNTIL(peer, !rpc_is_full(up->call));
	script_send_span(up, buf_span(&item));
	buf_fini(&item);
	script_turn(peer);
	script_turn(peer);
}

static uint64_t wanted_now(struct stage *stage)
{
	return node_figures(&stage->node).blobs_wanted;
}

static void of_one_peer_a_thousand_wants_are_kept(void **state)
{
	struct stage *stage = *state;
	follow(&stage->node, &stage->peer.self.id);
	script_dial(&stage->peer, &stage->node);
	tell_many(&stage->peer, 0, LIMIT_BLOB_WANTS_PER_PEER - 1, -1);
	WAIT_UNTIL((script_turn(&stage->peer), wanted_now(stage) == LIMIT_BLOB_WANTS_PER_PEER - 1));
	tell_many(&stage->peer, 5000, 1, -1);
	WAIT_UNTIL((script_turn(&stage->peer), wanted_now(stage) == LIMIT_BLOB_WANTS_PER_PEER));
	tell_many(&stage->peer, 6000, 1, -1);
	tell_many(&stage->peer, 7000, 1000, -1);
	script_linger(&stage->peer, 200);
	assert_int_equal(wanted_now(stage), LIMIT_BLOB_WANTS_PER_PEER);
	assert_true(stage->peer.is_ready);
}

static void of_all_together_ten_thousand_wants_are_kept_and_of_strangers_half(void **state)
{
	enum { PEERS = 12 };
	struct stage *stage = *state;
	struct script peers[PEERS];
	struct picture own = picture_of(100, 1);
	for (unsigned i = 0; i < PEERS; i++) {
		script_init(&peers[i], 10 + i);
		if (i >= PEERS / 2) {
			follow(&stage->node, &peers[i].self.id);
		}
		script_dial(&peers[i], &stage->node);
		tell_many(&peers[i], 10000 * i, LIMIT_BLOB_WANTS_PER_PEER, -1);
		size_t kept_far = i < PEERS / 2 ? i + 1 : PEERS / 2;
		size_t kept_near = i < PEERS / 2 ? 0 : i + 1 - PEERS / 2;
		kept_far = kept_far < 5 ? kept_far : 5;
		kept_near = kept_near < 5 ? kept_near : 5;
		WAIT_UNTIL((script_turn(&peers[i]),
			wanted_now(stage) == (kept_far + kept_near) * LIMIT_BLOB_WANTS_PER_PEER));
		script_linger(&peers[i], 50);
	}
	assert_int_equal(wanted_now(stage), LIMIT_BLOB_WANTS);
	/* What the owner wants finds room. */
	want(&stage->node, &own, true);
	WAIT_UNTIL(wanted_now(stage) == LIMIT_BLOB_WANTS);
	struct script_call *heard = hear(&peers[0]);
	SCRIPT_UNTIL(&peers[0], says(heard, &own, -1));
	for (unsigned i = 0; i < PEERS; i++) {
		script_fini(&peers[i]);
	}
	picture_free(&own);
}

static void a_million_wants_and_haves_cost_no_memory_and_harm_nobody(void **state)
{
	struct stage *stage = *state;
	struct script friend;
	struct picture picture = picture_of(5000, 1);
	follow(&stage->node, &stage->peer.self.id);
	script_init(&friend, 2);
	script_dial(&stage->peer, &stage->node);
	tell_many(&stage->peer, 0, 1000, -1);
	script_linger(&stage->peer, 100);
	long before = resident();
	for (uint32_t i = 0; i < 500; i++) {
		tell_many(&stage->peer, 1000 * i, 1000, i % 2 == 0 ? -1 : 1000);
	}
	/* Larger items are heard in part, and not kept. */
	tell_many(&stage->peer, 0, 10 * LIMIT_BLOB_WANTS_PER_ITEM, -1);
	tell_many(&stage->peer, 0, 10 * LIMIT_BLOB_WANTS_PER_ITEM, 7);
	script_linger(&stage->peer, 100);
	expect_flat(before);
	assert_in_range(wanted_now(stage), 1, LIMIT_BLOB_WANTS_PER_PEER);
	put(&stage->node, &picture, BLOB_OWN);
	script_dial(&friend, &stage->node);
	struct script_call *call = get(&friend, "[\"%s\"]", picture.text);
	SCRIPT_UNTIL(&friend, call->is_ended);
	assert_true(gave(call, &picture, 0, picture.count));
	assert_true(stage->peer.is_ready);
	script_fini(&friend);
	picture_free(&picture);
}

static struct script_call *ask_many(struct script *peer, size_t count)
{
	struct buf args = BUF_INIT(64 * MIB);
	for (size_t i = 0; i < count; i++) {
		struct blob_id id = {{1, (uint8_t)i, (uint8_t)(i >> 8)}};
		char text[BLOB_ID_TEXT_BYTES];
		blob_id_format(&id, text);
		assert_int_equal(buf_printf(&args, "%s\"%s\"", i == 0 ? "[[" : ",", text), ERR_OK);
	}
	assert_int_equal(buf_append_text(&args, "]]"), ERR_OK);
	struct script_call *call = script_open(peer, "blobs.has", RPC_ASYNC, buf_cstr(&args));
	buf_fini(&args);
	SCRIPT_UNTIL(peer, call->is_ended);
	return call;
}

static void a_thousand_ids_are_looked_for_at_once_and_no_more(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	struct script_call *at = ask_many(&stage->peer, LIMIT_BLOB_HAS_IDS);
	assert_false(at->has_error);
	assert_int_equal(at->text.len, LIMIT_BLOB_HAS_IDS * strlen("false,") + 2);
	assert_string_equal(ask_many(&stage->peer, LIMIT_BLOB_HAS_IDS + 1)->error,
		"blobs.has: too many ids in one call");
	/* A thousand times as many do not fit into a body. Twenty such calls a minute are enough.
	 */
	for (size_t i = 1; i < LIMIT_BLOB_LOOKS_PER_MINUTE / LIMIT_BLOB_HAS_IDS; i++) {
		assert_false(ask_many(&stage->peer, LIMIT_BLOB_HAS_IDS)->has_error);
	}
	assert_string_equal(
		ask_many(&stage->peer, 1)->error, "blobs.has: too many ids in a minute");
	assert_true(stage->peer.is_ready);
}

/* On the loop, where the book is. */

struct poke {
	struct sync *sync;
	const struct feed_id *id;
	int64_t bytes;
	atomic_bool is_done;
};

static void spend(void *ctx)
{
	struct poke *poke = ctx;
	struct asker *asker = table_get(poke->sync->wants->askers, poke->id->at);
	if (asker != NULL && poke->bytes > 0) {
		wants_spend(asker, wants_now(poke->sync->wants), (uint64_t)poke->bytes);
	}
	poke->bytes = asker == NULL ? -1 : asker->bytes;
	atomic_store(&poke->is_done, true);
}

static int64_t spent(struct stage *stage, const struct feed_id *id, int64_t more)
{
	struct poke poke = {.sync = stage->node.sync, .id = id, .bytes = more};
	assert_int_equal(loop_post(stage->node.loop, spend, &poke), ERR_OK);
	WAIT_UNTIL(atomic_load(&poke.is_done));
	return poke.bytes;
}

static void because_of_one_friend_so_much_is_fetched_a_day(void **state)
{
	struct stage *stage = *state;
	struct script giver;
	struct picture pictures[3];
	script_init(&giver, 2);
	follow(&stage->node, &stage->peer.self.id);
	script_dial(&stage->peer, &stage->node);
	script_dial(&giver, &stage->node);
	for (uint32_t i = 0; i < 3; i++) {
		pictures[i] = picture_of(1000, i);
	}
	for (size_t i = 0; i < 3; i++) {
		tell(&stage->peer, "{\"%s\":-1}", pictures[i].text);
		WAIT_UNTIL((script_turn(&stage->peer), wanted_now(stage) == 1));
		tell(&giver, "{\"%s\":1000}", pictures[i].text);
		if (i == 2) {
			break; /* the share of today is used up */
		}
		SCRIPT_UNTIL(&giver, asked(&giver, &pictures[i], 0) != NULL);
		give_all(asked(&giver, &pictures[i], 0), &pictures[i]);
		WAIT_UNTIL((script_turn(&giver), has(&stage->node, &pictures[i])));
		int64_t before = spent(stage, &stage->peer.self.id, 0);
		assert_int_equal(before, i == 0 ? 1000 : LIMIT_BLOB_FAR_BYTES_PER_PEER);
		if (i == 0) {
			(void)spent(
				stage, &stage->peer.self.id, LIMIT_BLOB_FAR_BYTES_PER_PEER - 2000);
		}
	}
	script_linger(&giver, 100);
	assert_null(asked(&giver, &pictures[2], 0));
	/* The owner's wants are not counted. */
	want(&stage->node, &pictures[2], true);
	SCRIPT_UNTIL(&giver, asked(&giver, &pictures[2], 0) != NULL);
	script_fini(&giver);
	for (size_t i = 0; i < 3; i++) {
		picture_free(&pictures[i]);
	}
}

/* A clock that can be set forward. */

static atomic_llong ahead_ms;

static int64_t ahead_mono_ms(void *ctx)
{
	(void)ctx;
	return env_mono_ms(env_system()) + atomic_load(&ahead_ms);
}

static void set_clock(struct stage *stage)
{
	static struct env env;
	env = *env_system();
	env.mono_ms = ahead_mono_ms;
	atomic_store(&ahead_ms, 0);
	node_stop(&stage->node);
	stage->node.env = &env;
	node_start(&stage->node);
}

static void who_stands_still_is_followed_by_the_next(void **state)
{
	struct stage *stage = *state;
	struct script other;
	struct picture picture = picture_of(100000, 1);
	set_clock(stage);
	struct script_call *call = fetched_from(stage, &picture, picture.count);
	give(call, picture.bytes, 65536);
	script_linger(&stage->peer, 50);
	script_init(&other, 2);
	script_dial(&other, &stage->node);
	tell(&other, "{\"%s\":100000}", picture.text);
	script_linger(&other, 1500);
	assert_null(asked(&other, &picture, 0));
	atomic_store(&ahead_ms, LIMIT_BLOB_STALL_MS);
	SCRIPT_UNTIL(&other, asked(&other, &picture, 0) != NULL);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	give_all(asked(&other, &picture, 0), &picture);
	WAIT_UNTIL((script_turn(&other), has(&stage->node, &picture)));
	script_fini(&other);
	picture_free(&picture);
}

static void wants_of_ours_are_told_again_and_others_are_forgotten_after_a_day(void **state)
{
	struct stage *stage = *state;
	struct script other;
	struct picture own = picture_of(100, 1);
	struct picture theirs = picture_of(100, 2);
	set_clock(stage);
	script_init(&other, 2);
	want(&stage->node, &own, true);
	follow(&stage->node, &stage->peer.self.id);
	script_dial(&stage->peer, &stage->node);
	script_dial(&other, &stage->node);
	struct script_call *heard = hear(&other);
	tell(&stage->peer, "{\"%s\":-1}", theirs.text);
	SCRIPT_UNTIL(&other, says(heard, &theirs, -2));
	assert_int_equal(wanted_now(stage), 2);
	buf_clear(&heard->text);
	atomic_store(&ahead_ms, LIMIT_BLOB_RETRY_MS_MIN);
	SCRIPT_UNTIL(&other, says(heard, &own, -1));
	assert_false(says(heard, &theirs, -2));
	atomic_store(&ahead_ms, LIMIT_BLOB_WANT_MS + LIMIT_BLOB_RETRY_MS_MAX);
	struct picture nudge = picture_of(100, 3);
	want(&stage->node, &nudge, true); /* the timer looks at the clock sooner */
	WAIT_UNTIL(wanted_now(stage) == 2);
	struct script_call *again = hear(&other);
	assert_true(says(again, &own, -1) && !says(again, &theirs, -2));
	script_fini(&other);
	picture_free(&own);
	picture_free(&theirs);
	picture_free(&nudge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(what_one_wants_comes_from_the_other),
		SCENE(what_is_wanted_later_comes_too_and_what_comes_later_is_told),
		SCENE(a_friend_between_fetches_it_too),
		SCENE(the_first_item_comes_at_once_and_is_empty_when_there_is_nothing),
		SCENE(wants_are_told_at_once_and_after_a_start_and_no_more_when_given_up),
		SCENE(what_is_here_is_told_to_who_wants_it_and_to_nobody_else),
		SCENE(blobs_are_told_as_fast_as_they_are_fetched),
		SCENE(a_friends_want_is_told_on_up_to_three_hops),
		SCENE(a_strangers_want_is_answered_and_not_shared),
		SCENE(whom_we_dialled_ourselves_is_no_stranger),
		SCENE(asking_whether_it_is_here_is_wanting_it),
		SCENE(a_friend_who_went_away_finds_it_when_it_is_back),
		SCENE(it_is_asked_for_in_the_form_that_go_understands),
		SCENE(what_has_another_hash_is_not_kept),
		SCENE(what_is_longer_than_was_said_is_cut_off),
		SCENE(what_is_shorter_is_not_kept),
		SCENE(what_never_ends_is_cut_off_and_costs_nothing),
		SCENE(what_is_no_blob_is_a_lie_and_an_error_is_none),
		SCENE(who_goes_away_in_the_middle_is_followed_by_the_next),
		SCENE(five_mebibytes_are_too_much_and_one_byte_less_is_not),
		SCENE(two_come_from_one_peer_at_once_and_eight_in_all),
		SCENE(what_is_ours_is_offered_until_three_friends_have_it),
		SCENE(strangers_have_it_when_they_fetched_it_and_not_when_they_say_so),
		SCENE(any_slice_is_given_as_far_as_there_is_one),
		SCENE(what_cannot_be_given_is_refused_in_the_words_peers_know),
		SCENE(who_does_not_read_costs_no_memory_and_the_others_wait_for_their_turn),
		SCENE(changes_names_what_we_add_and_what_was_asked_for),
		SCENE(of_one_peer_a_thousand_wants_are_kept),
		SCENE(of_all_together_ten_thousand_wants_are_kept_and_of_strangers_half),
		SCENE(a_million_wants_and_haves_cost_no_memory_and_harm_nobody),
		SCENE(a_thousand_ids_are_looked_for_at_once_and_no_more),
		SCENE(because_of_one_friend_so_much_is_fetched_a_day),
		SCENE(who_stands_still_is_followed_by_the_next),
		SCENE(wants_of_ours_are_told_again_and_others_are_forgotten_after_a_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
