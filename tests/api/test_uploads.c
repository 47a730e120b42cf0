/* api/uploads: what the page took in goes when it was never posted, and nothing that is named
 * anywhere, or that the owner added by hand, ever does. */
#include "api/uploads.h"

#include "lib/cmocka.h"
#include "lib/letters.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

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

#define TELL(...) json_decref(letters_ask(&letters, __VA_ARGS__))

/* A file of its own; its id as text. */
static const char *add(bool is_draft, enum blob_keep keep, const char *what, struct blob_id *id)
{
	static char text[BLOB_ID_TEXT_BYTES];
	const struct blob_in_opts opts = {.keep = keep, .is_draft = is_draft};
	struct blob_in *in = NULL;
	struct blob_row row;
	assert_int_equal(blobs_begin(letters.rig.blobs, &opts, &in), ERR_OK);
	assert_int_equal(blob_in_write(in, span_text(what)), ERR_OK);
	assert_int_equal(blob_in_finish(in, &row), ERR_OK);
	*id = row.id;
	blob_id_format(id, text);
	return text;
}

static const char *upload(const char *what, struct blob_id *id)
{
	return add(true, BLOB_OWN, what, id);
}

static void tidy(void)
{
	const struct uploads_opts opts = {.store = letters.rig.store,
		.writer = letters.rig.writer,
		.blobs = letters.rig.blobs,
		.signer = letters.rig.signer,
		.book = letters.rig.book,
		.self = letters.rig.self};
	uploads_tidy(&opts);
}

/* A week later; sessions of browsers end with it. */
static void tidy_later(void)
{
	api_rig_advance(LIMIT_BLOB_UPLOAD_MS + 60000);
	tidy();
}

/* How it is kept; -1: it is not here, and nobody wants it. */
static int kept(const struct blob_id *id)
{
	struct reader *reader = reader_of_thread(letters.rig.store);
	struct blob_row row = {.keep = BLOB_FAR};
	struct blob_out *out = NULL;
	int64_t at_ms = 0;
	enum err err = blobs_read(letters.rig.blobs, reader, id, &row, &out);
	blob_out_close(out);
	if (err == ERR_NOT_FOUND) {
		assert_int_equal(blobs_wanted(reader, id, &at_ms), ERR_NOT_FOUND);
		return -1;
	}
	assert_int_equal(err, ERR_OK);
	return (int)row.keep;
}

static size_t listed(void)
{
	struct blob_upload list[8];
	size_t count = 0;
	assert_int_equal(blobs_uploads(reader_of_thread(letters.rig.store), INT64_MAX, NULL, list,
				 8, &count),
		ERR_OK);
	return count;
}

static void what_was_never_posted_goes_after_a_week_and_not_before(void **state)
{
	struct blob_id id;
	(void)state;
	(void)upload("never posted", &id);
	tidy();
	assert_int_equal(kept(&id), BLOB_OWN);
	api_rig_advance(LIMIT_BLOB_UPLOAD_MS - 60000);
	tidy();
	assert_int_equal(kept(&id), BLOB_OWN);
	api_rig_advance(120000);
	tidy();
	assert_int_equal(kept(&id), -1);
	assert_int_equal(listed(), 0);
}

static void the_week_begins_again_with_every_upload(void **state)
{
	struct blob_id id;
	(void)state;
	(void)upload("chosen twice", &id);
	api_rig_advance(LIMIT_BLOB_UPLOAD_MS - 60000);
	(void)upload("chosen twice", &id);
	api_rig_advance(120000);
	tidy();
	assert_int_equal(kept(&id), BLOB_OWN);
	tidy_later();
	assert_int_equal(kept(&id), -1);
}

static void what_a_draft_names_stays_until_the_draft_is_discarded(void **state)
{
	struct blob_id open;
	struct blob_id sealed;
	(void)state;
	TELL(200, "POST", "/api/writing/new", "{\"rev\":0,\"body\":{\"text\":\"![a](%s)\"}}",
		upload("in a draft", &open));
	TELL(200, "POST", "/api/writing/p-new",
		"{\"rev\":0,\"body\":{\"text\":\"![a](%s?unbox=x)\",\"readers\":[]}}",
		upload("in a private draft", &sealed));
	api_rig_restart(&letters.rig);
	tidy_later();
	assert_int_equal(kept(&open), BLOB_OWN);
	assert_int_equal(kept(&sealed), BLOB_OWN);
	uint64_t rev = 0;
	assert_int_equal(
		writer_write(letters.rig.writer, span_text("new"), 1, span_of(NULL, 0), &rev),
		ERR_EXISTS);
	assert_int_equal(
		writer_write(letters.rig.writer, span_text("new"), rev, span_of(NULL, 0), &rev),
		ERR_OK);
	tidy();
	assert_int_equal(kept(&open), -1);
	assert_int_equal(kept(&sealed), BLOB_OWN);
}

static void nothing_goes_while_a_draft_cannot_be_read(void **state)
{
	struct blob_id id;
	uint8_t foreign[80] = {WRITER_SEALED};
	uint64_t rev = 0;
	(void)state;
	(void)upload("perhaps in it", &id);
	assert_int_equal(writer_write(letters.rig.writer, span_text("p-x"), 0,
				 span_of(foreign, sizeof(foreign)), &rev),
		ERR_OK);
	tidy_later();
	assert_int_equal(kept(&id), BLOB_OWN);
}

static void what_waits_for_the_end_of_a_pause_stays(void **state)
{
	static const char *const readers[] = {"", "\"readers\":[],"};
	struct blob_id ids[2];
	(void)state;
	TELL(200, "POST", "/api/post", "%s", "{\"text\":\"one\"}");
	TELL(200, "POST", "/api/safety/witness",
		"{\"sequence\":9,\"key\":\"%%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=."
		"sha256\"}");
	for (unsigned i = 0; i < 2; i++) {
		TELL(409, "POST", "/api/post", "{%s\"text\":\"![a](%s)\"}", readers[i],
			upload(i == 0 ? "open" : "sealed", &ids[i]));
	}
	tidy_later();
	assert_int_equal(kept(&ids[0]), BLOB_OWN);
	assert_int_equal(kept(&ids[1]), BLOB_OWN);
	assert_int_equal(listed(), 2);
}

static void what_was_posted_stays(void **state)
{
	struct blob_id open;
	struct blob_id face;
	struct blob_id sealed;
	struct blob_id held;
	struct blob_id answered;
	(void)state;
	TELL(200, "POST", "/api/post", "{\"text\":\"![a](%s)\"}", upload("posted", &open));
	TELL(200, "POST", "/api/profile", "{\"image\":\"%s\"}", upload("a face", &face));
	TELL(200, "POST", "/api/post", "{\"text\":\"![a](%s)\",\"readers\":[\"%s\"]}",
		upload("posted privately", &sealed), letters.people[0].text);
	TELL(200, "POST", "/api/outbox",
		"{\"nonce\":\"n\",\"hold_ms\":60000,\"text\":\"![a](%s)\",\"readers\":[\"%s\"]}",
		upload("held", &held), letters.people[0].text);
	(void)letters_box(&letters, 1, NULL, "{\"type\":\"post\",\"text\":\"![a](%s)\"}",
		upload("shown to us privately", &answered));
	TELL(200, "GET", "/api/private", "%s", "");
	tidy_later();
	assert_int_equal(kept(&open), BLOB_OWN);
	assert_int_equal(kept(&face), BLOB_OWN);
	assert_int_equal(kept(&sealed), BLOB_OWN);
	assert_int_equal(kept(&held), BLOB_OWN);
	assert_int_equal(kept(&answered), BLOB_OWN);
	api_rig_restart(&letters.rig);
	tidy_later();
	assert_int_equal(kept(&open), BLOB_OWN);
	assert_int_equal(kept(&sealed), BLOB_OWN);
	assert_int_equal(kept(&held), BLOB_OWN);
}

static void what_the_owner_added_by_hand_stays(void **state)
{
	struct blob_id id;
	struct blob_id before;
	struct blob_id after;
	(void)state;
	(void)add(false, BLOB_OWN, "by hand", &id);
	(void)add(false, BLOB_OWN, "by hand, then in the page", &before);
	(void)upload("by hand, then in the page", &before);
	(void)upload("in the page, then by hand", &after);
	(void)add(false, BLOB_OWN, "in the page, then by hand", &after);
	tidy_later();
	assert_int_equal(kept(&id), BLOB_OWN);
	assert_int_equal(kept(&before), BLOB_OWN);
	assert_int_equal(kept(&after), BLOB_OWN);
}

static void what_is_held_for_others_is_held_as_before(void **state)
{
	struct blob_id far;
	struct blob_id named;
	(void)state;
	(void)add(false, BLOB_FAR, "held for others", &far);
	(void)upload("held for others", &far);
	assert_int_equal(kept(&far), BLOB_OWN);
	(void)letters_say(&letters, 1, "{\"type\":\"post\",\"text\":\"![a](%s)\"}",
		upload("of somebody too", &named));
	tidy_later();
	assert_int_equal(kept(&far), BLOB_FAR);
	assert_int_equal(kept(&named), BLOB_READ);
	assert_int_equal(listed(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_never_posted_goes_after_a_week_and_not_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_week_begins_again_with_every_upload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_draft_names_stays_until_the_draft_is_discarded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_goes_while_a_draft_cannot_be_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_waits_for_the_end_of_a_pause_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_posted_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_owner_added_by_hand_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_held_for_others_is_held_as_before, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
