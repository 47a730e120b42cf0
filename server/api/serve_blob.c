/*
 * Pictures, sound and files: in, as bytes that go to the disk while they come; and out, to elements
 * of the page, with one range at a time. What was sealed is opened in memory and never written.
 */
#include "api/body.h"
#include "api/inside.h"
#include "api/range.h"
#include "feed/blob_box.h"
#include "feed/sniff.h"
#include "store/blobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARAM_BYTES = 256, NAME_CHARS_MAX = 60, BOXED_STEP_BYTES = 256 * KIB };

/* --- In. --- */

struct upload {
	struct api *api;
	struct blob_in *in;
	bool is_sealed;
	uint8_t key[BLOB_BOX_KEY_BYTES];
	struct blob_box box;
	struct buf boxed; /* what a piece became, on its way to the store */
	uint64_t bytes;
	uint8_t head[LIMIT_SNIFF_BYTES];
	size_t head_len;
	enum err err;
};

static void upload_free(struct upload *upload)
{
	blob_in_abort(upload->in);
	buf_fini(&upload->boxed);
	blob_box_wipe(&upload->box);
	(void)atomic_fetch_sub(&upload->api->uploads, 1);
	explicit_bzero(upload, sizeof(*upload));
	free(upload);
}

static void on_drop(void *ctx)
{
	upload_free(ctx);
}

static enum err pass_boxed(struct upload *upload)
{
	enum err err = blob_in_write(upload->in, buf_span(&upload->boxed));
	buf_clear(&upload->boxed);
	return err;
}

/* After a failure the rest is read and forgotten: a browser hears no answer before it has sent all.
 */
static void on_take(void *ctx, struct span bytes)
{
	struct upload *upload = ctx;
	struct span head = span_take(bytes, sizeof(upload->head) - upload->head_len);
	if (head.len > 0) {
		memcpy(upload->head + upload->head_len, head.at, head.len);
		upload->head_len += head.len;
	}
	upload->bytes += bytes.len;
	if (!upload->is_sealed && upload->err == ERR_OK) {
		upload->err = blob_in_write(upload->in, bytes);
	}
	while (upload->is_sealed && upload->err == ERR_OK && bytes.len > 0) {
		struct span some = span_take(bytes, BOXED_STEP_BYTES);
		upload->err = blob_box_seal(&upload->box, some, &upload->boxed);
		if (upload->err == ERR_OK) {
			upload->err = pass_boxed(upload);
		}
		bytes = span_skip(bytes, some.len);
	}
}

static void say_failure(struct answer *answer, enum err err)
{
	if (err == ERR_LIMIT) {
		answer_error(answer, SAID_TOO_LARGE,
			"A file is smaller than 5 MiB here, as on every other node. Nothing was "
			"saved.");
	} else if (err == ERR_DISK_FULL) {
		answer_error(answer, SAID_DISK_FULL,
			"There is too little room left on the disk of this node, so nothing was "
			"saved. Make some room and try again.");
	} else if (err == ERR_REFUSED) {
		answer_error(answer, SAID_BAD_REQUEST, "There is nothing in it.");
	} else {
		answer_err(answer, err);
	}
}

static enum err begin(struct call *call, bool is_sealed, bool is_draft, struct upload **out)
{
	struct api *api = call->api;
	const struct env *env = api->opts.env;
	const struct blob_in_opts opts = {.keep = BLOB_OWN, .is_draft = is_draft};
	struct upload *upload = calloc(1, sizeof(*upload));
	if (upload == NULL) {
		return ERR_NOMEM;
	}
	upload->api = api;
	upload->is_sealed = is_sealed;
	buf_init(&upload->boxed, 2UL * BOXED_STEP_BYTES);
	(void)atomic_fetch_add(&api->uploads, 1);
	enum err err = blobs_begin(api->opts.blobs, &opts, &upload->in);
	if (err != ERR_OK) {
		upload_free(upload);
		return err;
	}
	if (is_sealed) {
		env->random(env->ctx, upload->key, sizeof(upload->key));
		blob_box_begin(&upload->box, upload->key);
	}
	*out = upload;
	return ERR_OK;
}

/* Is it there, and "1"? False: answered. */
static bool read_switch(struct call *call, const char *name, bool *is_on)
{
	struct buf param = BUF_INIT(PARAM_BYTES);
	bool is_good = serve_read_param(call, name, &param, is_on);
	*is_on = *is_on && span_equal_text(buf_span(&param), "1");
	buf_fini(&param);
	return is_good;
}

bool serve_blob_begin(struct call *call)
{
	struct exchange *exchange = call->exchange;
	struct upload *upload = NULL;
	bool is_sealed = false;
	bool is_draft = false;
	if (!read_switch(call, "seal", &is_sealed) || !read_switch(call, "draft", &is_draft)) {
		return false;
	}
	uint64_t bytes = exchange->head.length;
	enum err err = bytes == 0 ? ERR_REFUSED : ERR_OK;
	if (err == ERR_OK && (is_sealed ? blob_box_bytes(bytes) : bytes) >= LIMIT_BLOB_BYTES) {
		err = ERR_LIMIT;
	}
	if (err == ERR_OK && atomic_load(&call->api->uploads) >= LIMIT_BLOB_UPLOADS) {
		err = ERR_BUSY;
	}
	if (err == ERR_OK) {
		err = begin(call, is_sealed, is_draft, &upload);
	}
	if (err != ERR_OK) {
		say_failure(&exchange->answer, err);
		return false;
	}
	exchange->sink = (struct http_sink){.take = on_take, .drop = on_drop, .ctx = upload};
	return true;
}

static enum err finish(struct upload *upload, struct blob_row *row)
{
	enum err err = upload->err;
	if (err == ERR_OK && upload->is_sealed) {
		err = blob_box_finish(&upload->box, &upload->boxed);
		if (err == ERR_OK) {
			err = pass_boxed(upload);
		}
	}
	if (err == ERR_OK) {
		err = blob_in_finish(upload->in, row);
		upload->in = NULL;
	}
	return err;
}

void serve_blob_put(struct call *call)
{
	struct exchange *exchange = call->exchange;
	struct answer *answer = &exchange->answer;
	struct upload *upload = exchange->sink.ctx;
	struct blob_row row;
	char id[BLOB_ID_TEXT_BYTES];
	char key[BLOB_BOX_KEY_TEXT_BYTES] = "";
	exchange->sink = (struct http_sink){.take = NULL};
	bool is_sealed = upload->is_sealed;
	answer->is_secret = is_sealed;
	enum err err = finish(upload, &row);
	if (err == ERR_OK) {
		const char *type = sniff_type(span_of(upload->head, upload->head_len));
		blob_id_format(&row.id, id);
		blob_box_key_format(upload->key, key);
		answer_json(answer, 200,
			json_pack("{s:s,s:I,s:s,s:s?}", "id", id, "bytes",
				(json_int_t)upload->bytes, "mime", type, "unbox",
				is_sealed ? key : NULL));
	} else {
		say_failure(answer, err);
	}
	explicit_bzero(key, sizeof(key));
	upload_free(upload);
}

/* --- Out. --- */

static bool read_id(struct call *call, struct blob_id *id)
{
	if (blob_id_parse_any(call->args[0], id) == ERR_OK) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_NOT_FOUND, NULL);
	return false;
}

/* Files that do nothing by themselves when somebody opens them may keep their last name. */
static bool is_harmless(struct span extension)
{
	static const char *const known[] = {"pdf", "txt", "md", "csv", "json", "zip", "gz", "epub",
		"odt", "ods", "odp", "docx", "xlsx", "pptx", "ics", "vcf", "gpx", "png", "jpg",
		"jpeg", "gif", "webp", "avif", "mp3", "ogg", "opus", "wav", "flac", "m4a", "mp4",
		"webm"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (span_equal_text(extension, known[i])) {
			return true;
		}
	}
	return false;
}

/* `name` with letters, digits and dashes only; returns how many. */
static size_t plain_name(struct span name, char out[static NAME_CHARS_MAX])
{
	size_t len = 0;
	for (size_t i = 0; i < name.len && len < NAME_CHARS_MAX; i++) {
		uint8_t byte = name.at[i];
		bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
				(byte >= 'a' && byte <= 'z');
		if (is_plain || (len > 0 && out[len - 1] != '-')) {
			out[len++] = is_plain ? (char)byte : '-';
		}
	}
	while (len > 0 && out[len - 1] == '-') {
		len--;
	}
	return len;
}

static void name_download(const struct blob_row *row, struct span name, struct answer *answer)
{
	char path[ID_PATH_BYTES];
	char plain[NAME_CHARS_MAX];
	struct span extension = span_text("bin");
	const uint8_t *dot = name.len == 0 ? NULL : memrchr(name.at, '.', name.len);
	if (dot != NULL) {
		size_t at = (size_t)(dot - name.at);
		if (is_harmless(span_skip(name, at + 1))) {
			extension = span_skip(name, at + 1);
			name = span_take(name, at);
		}
	}
	size_t len = plain_name(name, plain);
	id_format_path(row->id.at, path);
	(void)snprintf(answer->disposition, sizeof(answer->disposition),
		"attachment; filename=\"%.*s.%.*s\"", len > 0 ? (int)len : 12,
		len > 0 ? plain : path, (int)extension.len, (const char *)extension.at);
}

/* The part of `bytes` that is asked for; false: answered. */
static bool choose_range(struct call *call, uint64_t bytes, struct range *range)
{
	const struct gate_head *head = &call->exchange->head;
	struct answer *answer = &call->exchange->answer;
	bool is_same = head->if_range.len == 0 || span_equal_text(head->if_range, answer->etag);
	*range = range_read(is_same ? head->range : span_of(NULL, 0), bytes);
	if (range->what == RANGE_PART) {
		answer->status = 206;
		(void)snprintf(answer->range, sizeof(answer->range), "bytes %llu-%llu/%llu",
			(unsigned long long)range->first,
			(unsigned long long)(range->first + range->count - 1),
			(unsigned long long)bytes);
	} else if (range->what == RANGE_OUTSIDE) {
		answer->status = 416;
		(void)snprintf(answer->range, sizeof(answer->range), "bytes */%llu",
			(unsigned long long)bytes);
	}
	return range->what != RANGE_OUTSIDE;
}

/* What all answers with a blob have. `name` is what it is called when it is saved. */
static void dress(
	const struct blob_row *row, const char *type, struct span name, struct answer *answer)
{
	bool is_shown = type[0] != '\0';
	answer->status = 200;
	answer->kind = ANSWER_BLOB;
	answer->mime = is_shown ? type : "application/octet-stream";
	if (!is_shown) {
		name_download(row, name, answer);
	}
}

static void serve_plain(
	struct call *call, const struct blob_row *row, struct blob_out *out, struct span name)
{
	struct answer *answer = &call->exchange->answer;
	struct range range;
	char path[ID_PATH_BYTES];
	id_format_path(row->id.at, path);
	dress(row, sniff_known(span_text(row->type)), name, answer);
	(void)snprintf(answer->etag, sizeof(answer->etag), "\"%s\"", path);
	if (range_has_etag(call->exchange->head.if_none_match, answer->etag)) {
		answer->status = 304;
	} else if (choose_range(call, row->bytes, &range)) {
		answer->fd = blob_out_take_fd(out);
		answer->fd_at = range.first;
		answer->fd_bytes = range.count;
		return;
	}
	blob_out_close(out);
}

static enum err open_box(const struct blob_row *row, const struct blob_out *out,
	const uint8_t key[static BLOB_BOX_KEY_BYTES], struct buf *plain)
{
	struct buf boxed = BUF_INIT(LIMIT_BLOB_BYTES);
	size_t count = (size_t)row->bytes;
	size_t got = 0;
	uint8_t *at = buf_reserve(&boxed, count);
	enum err err = at == NULL ? ERR_NOMEM : blob_out_read(out, 0, at, count, &got);
	if (err == ERR_OK) {
		buf_added(&boxed, got);
		/* All the room at once: growing would leave copies of it behind. */
		err = buf_reserve(plain, count) == NULL
			      ? ERR_NOMEM
			      : blob_box_open(buf_span(&boxed), key, plain);
	}
	buf_fini(&boxed);
	return err;
}

static void serve_unboxed(struct call *call, const struct blob_row *row, const struct blob_out *out,
	const uint8_t key[static BLOB_BOX_KEY_BYTES], struct span name)
{
	struct answer *answer = &call->exchange->answer;
	struct range range;
	if (atomic_fetch_add(&call->api->unsealed, 1) >= LIMIT_BLOB_UNSEALED) {
		(void)atomic_fetch_sub(&call->api->unsealed, 1);
		answer_error(answer, SAID_BUSY, NULL);
		answer->retry_after_s = 1;
		return;
	}
	answer->held = &call->api->unsealed;
	answer->is_secret = true;
	enum err err = open_box(row, out, key, &answer->body);
	if (err != ERR_OK) {
		answer_err(answer, err);
		if (err == ERR_REFUSED) {
			answer_error(answer, SAID_REFUSED,
				"That key does not open it: it is another one, or the file was "
				"altered.");
		}
		return;
	}
	dress(row, sniff_type(buf_span(&answer->body)), name, answer);
	if (choose_range(call, answer->body.len, &range)) {
		answer->fixed = span_of(answer->body.at + range.first, (size_t)range.count);
	} else {
		buf_clear(&answer->body);
	}
}

/* Somebody asked to see what is not here: it is wanted from now on when it is of somebody near, or
 * of a private message. */
static void want_when_near(
	struct call *call, struct reader *reader, const struct blob_id *id, bool is_private)
{
	const struct change want = {.kind = CHANGE_BLOB_WANT,
		.blob = *id,
		.number = 1,
		.order = is_private ? BLOB_OWN : BLOB_READ};
	bool is_near = false;
	if ((is_private || (blobs_is_near(reader, id, &is_near) == ERR_OK && is_near)) &&
		writer_change(call->api->opts.writer, &want) != ERR_OK) {
		return; /* the writer is busy: the next one who looks asks again */
	}
}

static void note_use(struct call *call, const struct blob_row *row)
{
	const struct change used = {.kind = CHANGE_BLOB_USED, .blob = row->id};
	int64_t now_ms = env_wall_ms(call->api->opts.env);
	if (now_ms - row->used_ms >= 60 * 60 * 1000 &&
		writer_change(call->api->opts.writer, &used) != ERR_OK) {
		return; /* the writer is busy: it was seen an hour ago, then */
	}
}

/* What is encrypted is of a private message, and stays. */
static void keep_private(struct call *call, const struct blob_row *row)
{
	const struct change keep = {.kind = CHANGE_BLOB_KEEP, .blob = row->id, .number = BLOB_OWN};
	if (row->keep < BLOB_OWN && writer_change(call->api->opts.writer, &keep) != ERR_OK) {
		return; /* the writer is busy: the next look keeps it */
	}
}

/* What is behind the question mark. False: answered. */
static bool read_query(
	struct call *call, bool *is_boxed, uint8_t key[static BLOB_BOX_KEY_BYTES], struct buf *name)
{
	struct buf text = BUF_INIT(PARAM_BYTES);
	bool has_name = false;
	bool is_good = serve_read_param(call, "unbox", &text, is_boxed) &&
		       serve_read_param(call, "name", name, &has_name);
	if (is_good && *is_boxed && blob_box_key_parse(buf_span(&text), key) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "That is not a key.");
		is_good = false;
	}
	buf_wipe(&text);
	return is_good;
}

void serve_blob_bytes(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct buf name = BUF_INIT(PARAM_BYTES);
	uint8_t key[BLOB_BOX_KEY_BYTES];
	bool is_boxed = false;
	struct blob_id id;
	struct blob_row row;
	struct blob_out *out = NULL;
	struct reader *reader = inside_reader(call);
	if (reader == NULL || !read_id(call, &id) || !read_query(call, &is_boxed, key, &name)) {
		buf_fini(&name);
		return;
	}
	enum err err = blobs_read(call->api->opts.blobs, reader, &id, &row, &out);
	if (err == ERR_OK) {
		note_use(call, &row);
	}
	if (err == ERR_NOT_FOUND) {
		want_when_near(call, reader, &id, is_boxed);
		answer_error(answer, SAID_NOT_FOUND,
			"This file is not on this node yet. It comes as soon as somebody who has "
			"it "
			"is connected.");
	} else if (err != ERR_OK) {
		answer_err(answer, err);
	} else if (is_boxed) {
		keep_private(call, &row);
		serve_unboxed(call, &row, out, key, buf_span(&name));
		blob_out_close(out);
	} else {
		serve_plain(call, &row, out, buf_span(&name));
	}
	explicit_bzero(key, sizeof(key));
	buf_fini(&name);
}

/* --- About one. --- */

/* Not to know who has it is no reason not to answer. */
static void ask_network(struct api *api, const struct blob_id *id, struct sync_blob *out)
{
	*out = (struct sync_blob){.holders = 0};
	if (api->opts.sync != NULL && sync_blob(api->opts.sync, id, out) != ERR_OK) {
		*out = (struct sync_blob){.holders = 0};
	}
}

static enum err facts_of(
	struct api *api, struct reader *reader, const struct blob_id *id, json_t **out)
{
	struct sync_blob seen;
	struct blob_row row = {.type = ""};
	int64_t wanted_ms = 0;
	char text[BLOB_ID_TEXT_BYTES];
	enum err err = blobs_look(reader, id, &row);
	bool is_here = err == ERR_OK;
	if (err == ERR_NOT_FOUND) {
		err = blobs_wanted(reader, id, &wanted_ms);
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	blob_id_format(id, text);
	ask_network(api, id, &seen);
	*out = json_pack("{s:s,s:b,s:o,s:s,s:o,s:i,s:o}", "id", text, "have", is_here, "bytes",
		is_here ? json_integer((json_int_t)row.bytes) : json_null(), "mime",
		sniff_known(span_text(row.type)), "wanted",
		wanted_ms == 0 ? json_null() : json_integer(wanted_ms), "holders",
		(int)seen.holders, "receiving",
		seen.bytes == 0 ? json_null()
				: json_real((double)seen.received / (double)seen.bytes));
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}

static void answer_facts(struct call *call, struct reader *reader, const struct blob_id *id)
{
	struct answer *answer = &call->exchange->answer;
	json_t *facts = NULL;
	enum err err = facts_of(call->api, reader, id, &facts);
	if (err != ERR_OK) {
		answer_err(answer, err);
		return;
	}
	bool is_on_its_way = json_is_integer(json_object_get(facts, "wanted"));
	bool is_post = call->exchange->head.method == GATE_POST;
	answer_json(answer, is_post && is_on_its_way ? 202 : 200, facts);
}

void serve_blob(struct call *call)
{
	struct blob_id id;
	struct reader *reader = inside_reader(call);
	if (reader != NULL && read_id(call, &id)) {
		answer_facts(call, reader, &id);
	}
}

void serve_blob_want(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	const json_t *want = json_object_get(call->body, "want");
	struct blob_id id;
	struct reader *reader = inside_reader(call);
	if (reader == NULL || !read_id(call, &id)) {
		return;
	}
	if (!json_is_boolean(want)) {
		answer_error(answer, SAID_BAD_REQUEST, "It is wanted (true) or not (false).");
		return;
	}
	enum err err = blobs_want(call->api->opts.blobs, reader, &id, json_is_true(want));
	if (err == ERR_LIMIT) {
		answer_error(answer, SAID_CONFLICT,
			"Too many files are wanted already. Give some up, or wait until they "
			"come.");
	} else if (err != ERR_OK) {
		answer_err(answer, err);
	} else {
		answer_facts(call, reader, &id);
	}
}

/* --- For what is published. --- */

/* Type and size of what is in an encrypted one: its first box is enough for that. */
static struct mentions_blob known_boxed(
	const struct blob_out *out, const struct blob_row *row, struct span unbox)
{
	struct mentions_blob known = {.type = ""};
	uint8_t head[BLOB_BOX_FIRST_BYTES];
	uint8_t key[BLOB_BOX_KEY_BYTES];
	struct buf plain = BUF_INIT(BLOB_BOX_FIRST_BYTES);
	size_t got = 0;
	if (blob_box_key_parse(unbox, key) == ERR_OK && buf_reserve(&plain, plain.max) != NULL &&
		blob_out_read(out, 0, head, sizeof(head), &got) == ERR_OK &&
		blob_box_peek(span_of(head, got), key, &plain) == ERR_OK) {
		known.type = sniff_type(buf_span(&plain));
		known.bytes = blob_box_plain_bytes(row->bytes);
	}
	explicit_bzero(key, sizeof(key));
	buf_wipe(&plain);
	return known;
}

struct mentions_blob serve_blob_known(void *ctx, const struct blob_id *id, struct span unbox)
{
	struct api *api = ctx;
	struct mentions_blob known = {.type = ""};
	struct blob_row row;
	struct blob_out *out = NULL;
	struct reader *reader = reader_of_thread(api->opts.store);
	if (reader == NULL || blobs_read(api->opts.blobs, reader, id, &row, &out) != ERR_OK) {
		return known; /* it is named without them, as others do */
	}
	if (unbox.len > 0) {
		known = known_boxed(out, &row, unbox);
	} else {
		known.type = sniff_known(span_text(row.type));
		known.bytes = row.bytes;
	}
	blob_out_close(out);
	return known;
}
