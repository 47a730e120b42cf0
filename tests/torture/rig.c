/*
 * The ledger is filled where messages come into the world: between signing and fence, behind the
 * fence, at the announcement, at the answer. It looks into the writer for the signed bytes, as
 * nobody outside ever sees them before the COMMIT.
 */
#include "torture/rig.h"

#include "lib/cmocka.h"
#include "store/audit.h"
#include "store/let_go.h"
#include "store/private_marks.h"
#include "store/writer_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* Far more than all messages of a rig need. */
enum { BOOK_STEPS_MAX = 1000 };

static struct message *library[RIG_FOREIGN][RIG_FOREIGN_MESSAGES];

QUERY(sql_integrity, "PRAGMA integrity_check");
QUERY(sql_checkpoint, "PRAGMA wal_checkpoint(PASSIVE)");
QUERY(sql_extent,
	"SELECT count(*) FROM messages m WHERE m.feed = (SELECT feed FROM feeds WHERE id = "
	"?1)");
QUERY(sql_checkpoint_truncate, "PRAGMA wal_checkpoint(TRUNCATE)");

void rig_library(void)
{
	for (unsigned i = 0; i < RIG_FOREIGN; i++) {
		struct author author;
		author_init(&author, i + 1);
		for (size_t j = 0; j < RIG_FOREIGN_MESSAGES; j++) {
			library[i][j] = author_post(&author, "somebody else's");
		}
		author_fini(&author);
	}
}

void rig_library_free(void)
{
	for (unsigned i = 0; i < RIG_FOREIGN; i++) {
		for (size_t j = 0; j < RIG_FOREIGN_MESSAGES; j++) {
			message_free(library[i][j]);
		}
	}
}

void rig_wrong(struct rig *rig, const char *format, ...)
{
	va_list args;
	if (rig->wrong[0] != '\0') {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(rig->wrong, sizeof(rig->wrong), format, args);
	va_end(args);
}

static int64_t on_wall(void *ctx)
{
	return ((struct rig *)ctx)->wall_ms;
}

static int64_t on_mono(void *ctx)
{
	return ((struct rig *)ctx)->mono_ms;
}

static void on_random(void *ctx, uint8_t *out, size_t count)
{
	struct rig *rig = ctx;
	for (size_t i = 0; i < count; i++) {
		out[i] = (uint8_t)disk_random(&rig->random);
	}
}

static void on_log(void *ctx, enum log_level level, const char *line)
{
	(void)level;
	if (((struct rig *)ctx)->is_logging) {
		(void)fprintf(stderr, "    %s\n", line);
	}
}

static void hash_of(struct span bytes, uint8_t out[static 32])
{
	assert_int_equal(crypto_hash_sha256(out, bytes.at, bytes.len), 0);
}

static void must_stay(struct rig *rig, uint64_t sequence)
{
	rig->own_left = sequence > rig->own_left ? sequence : rig->own_left;
}

/* Two messages of one number may both have been signed, when the first was never kept anywhere. */
static void on_signed(struct rig *rig, const struct message *message)
{
	if (message->sequence > RIG_OWN_MAX) {
		rig_wrong(rig, "there are more messages of ours than this test has room for");
		return;
	}
	struct rig_signed *known = &rig->own[message->sequence];
	if ((known->has_left || known->is_fenced) &&
		!message_id_equal(&known->key, &message->key)) {
		rig_wrong(
			rig, "number %llu was signed twice", (unsigned long long)message->sequence);
		return;
	}
	known->key = message->key;
	known->previous = message->previous;
	hash_of(message->compact, known->hash);
}

static void on_step(void *ctx, enum writer_step step)
{
	struct rig *rig = ctx;
	const struct message *message = rig->writer == NULL ? NULL : rig->writer->pending;
	if ((int)step == rig->cut_at_step) {
		disk_cut_at(rig->disk, 1);
	}
	if (message == NULL) {
		return;
	}
	if (step == WRITER_SIGNED) {
		on_signed(rig, message);
	}
	if (step == WRITER_FENCED && !rig->may_fail && !disk_is_dead(rig->disk)) {
		rig->own[message->sequence].is_fenced = true;
		must_stay(rig, message->sequence);
	}
}

static void leaves(struct rig *rig, uint64_t sequence, const struct message_id *key)
{
	struct rig_signed *known = &rig->own[sequence];
	if (sequence == 0 || sequence > RIG_OWN_MAX || !message_id_equal(&known->key, key)) {
		rig_wrong(rig, "number %llu left and is not what was signed",
			(unsigned long long)sequence);
		return;
	}
	known->has_left = true;
	must_stay(rig, sequence);
}

static void on_commit(void *ctx, const struct commit *commit)
{
	struct rig *rig = ctx;
	if (rig->book != NULL) {
		private_on_commit(rig->book, commit);
	}
	for (size_t i = 0; i < commit->count; i++) {
		const struct committed *one = &commit->messages[i];
		if (feed_id_equal(&one->author, &rig->self_id)) {
			leaves(rig, one->sequence, &one->key);
			rig->marked_surely = rig->marked_now > rig->marked_surely
						     ? rig->marked_now
						     : rig->marked_surely;
		}
	}
}

void rig_init(struct rig *rig, uint64_t seed)
{
	*rig = (struct rig){
		.wall_ms = 1800000000000, .mono_ms = 1000, .random = seed, .cut_at_step = -1};
	rig->env = (struct env){.mono_ms = on_mono,
		.wall_ms = on_wall,
		.random = on_random,
		.log_line = on_log,
		.ctx = rig};
	rig->disk = disk_new();
	author_init(&rig->self, 0);
	rig->self_id = rig->self.id;
	author_fini(&rig->self);
	assert_int_equal(
		fence_make_new(disk_vfs(rig->disk), RIG_DIR, &rig->self_id, &rig->env), ERR_OK);
}

void rig_fini(struct rig *rig)
{
	disk_free(rig->disk);
}

void rig_ready(struct rig *rig)
{
	if (rig->self.signer == NULL) {
		author_init(&rig->self, 0);
	}
}

const char *rig_state(struct rig *rig)
{
	char why[256];
	return writer_state(rig->writer, why, sizeof(why));
}

static enum err open_book(struct rig *rig)
{
	const struct private_opts opts = {.store = rig->store,
		.writer = rig->writer,
		.signer = rig->self.signer,
		.is_stepped = true};
	return private_start(&opts, &rig->book);
}

static void close_book(struct rig *rig)
{
	struct private_book *book = rig->book;
	rig->book = NULL;
	private_stop(book);
}

enum err rig_start(struct rig *rig)
{
	char why[256] = "";
	rig->wall_ms += 1000;
	rig->mono_ms += 1000;
	rig->marked_now = 0;
	rig_ready(rig);
	const struct store_opts opts = {
		.dir = RIG_DIR, .env = &rig->env, .self = rig->self_id, .vfs = disk_vfs(rig->disk)};
	enum err err = store_open(&opts, &rig->store, why, sizeof(why));
	if (err == ERR_OK) {
		/* Else the WAL would have to reach 16 MiB before it is copied back. */
		db_checkpoint_at(rig->store->writer, 64);
		const struct writer_opts writer_opts = {.store = rig->store,
			.signer = rig->self.signer,
			.on_commit = on_commit,
			.on_step = on_step,
			.is_stepped = true,
			.ctx = rig};
		err = writer_start(&writer_opts, &rig->writer, why, sizeof(why));
	}
	if (err == ERR_OK && rig->has_book) {
		(void)snprintf(why, sizeof(why), "the book cannot be opened");
		err = open_book(rig);
	}
	if (err != ERR_OK) {
		if (why[0] == '\0') {
			rig_wrong(rig, "a failed start (%s) says nothing", err_text(err));
		}
		rig_stop(rig);
	}
	return err;
}

void rig_stop(struct rig *rig)
{
	close_book(rig);
	writer_stop(rig->writer);
	store_close(rig->store);
	rig->writer = NULL;
	rig->store = NULL;
	author_fini(&rig->self);
}

void rig_live_a_little(struct rig *rig)
{
	rig_init(rig, 1);
	assert_int_equal(rig_start(rig), ERR_OK);
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(rig_publish(rig), ERR_OK);
		assert_int_equal(rig_append(rig, i % RIG_FOREIGN, 5), ERR_OK);
	}
	rig_stop(rig);
}

void rig_adopt(struct rig *rig, const struct rig *base)
{
	struct disk *disk = rig->disk;
	struct env env = rig->env;
	*rig = *base;
	rig->disk = disk;
	rig->env = env;
	disk_copy(disk, base->disk);
}

static void expect_same(
	struct rig *rig, const struct rig_try *try, const struct publish_result *got)
{
	if (try->is_answered && (try->answer.sequence != got->sequence ||
					!message_id_equal(&try->answer.key, &got->key))) {
		rig_wrong(rig, "nonce %s got %llu first and then %llu", try->nonce,
			(unsigned long long)try->answer.sequence,
			(unsigned long long)got->sequence);
	}
}

/* As a post that may be taken back: the power may fail between the two halves. */
static enum err hold_and_send(struct rig *rig, struct rig_try *try,
	const struct publish_request *request, struct publish_result *result)
{
	int64_t due_ms = 0;
	const struct hold_request hold = {
		.publish = *request, .body = span_text(try->content), .hold_ms = 1000};
	enum err err = writer_hold(rig->writer, &hold, &due_ms, result);
	if (err == ERR_BUSY) {
		return writer_publish(rig->writer, request, result); /* too many wait */
	}
	if (err != ERR_OK || result->sequence > 0) {
		return err;
	}
	try->is_held = true;
	return writer_send(rig->writer, request->nonce, result);
}

static enum err ask(struct rig *rig, struct rig_try *try)
{
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text(try->content), .nonce = span_text(try->nonce)};
	rig->wall_ms += 10;
	rig->mono_ms += 10;
	enum err err = try->may_be_undone ? hold_and_send(rig, try, &request, &result)
					  : writer_publish(rig->writer, &request, &result);
	if (err == ERR_OK) {
		leaves(rig, result.sequence, &result.key);
		expect_same(rig, try, &result);
		try->is_answered = true;
		try->answer = result;
	} else if (result.why[0] == '\0') {
		rig_wrong(rig, "a failed publish (%s) says nothing", err_text(err));
	}
	try->answer = err == ERR_OK ? result : try->answer;
	return err;
}

static void fill_text(struct rig *rig, struct rig_try *try)
{
	static const unsigned sizes[16] = {
		1, 30, 30, 30, 30, 30, 30, 60, 60, 90, 200, 200, 300, 900, 4000, 7600};
	size_t len = sizes[disk_random(&rig->random) % 16];
	int head = snprintf(try->content, sizeof(try->content),
		"{\"type\":\"post\",\"text\":\"%llu ", (unsigned long long)rig->try_count);
	memset(try->content + head, 'a' + (int)(disk_random(&rig->random) % 26), len);
	(void)snprintf(try->content + head + len, sizeof(try->content) - (size_t)head - len, "\"}");
}

/* What only we can read: the box is what is asked for, held and signed. */
static void seal_text(struct rig *rig, struct rig_try *try)
{
	struct buf box = BUF_INIT(sizeof(try->content) - 1);
	(void)snprintf(try->plain, sizeof(try->plain), "{\"type\":\"post\",\"text\":\"%llu %0*d\"}",
		(unsigned long long)rig->try_count, (int)(disk_random(&rig->random) % 900), 7);
	assert_int_equal(
		signer_seal(rig->self.signer, span_text(try->plain), &rig->self_id, 1, &box),
		ERR_OK);
	assert_non_null(buf_cstr(&box));
	memcpy(try->content, box.at, box.len + 1);
	buf_fini(&box);
}

enum err rig_publish(struct rig *rig)
{
	struct rig_try *try = &rig->tries[rig->try_count % RIG_TRIES];
	*try = (struct rig_try){0};
	(void)snprintf(
		try->nonce, sizeof(try->nonce), "nonce-%llu", (unsigned long long)rig->try_count);
	try->may_be_undone = rig->try_count % 3 == 2;
	rig->try_count++;
	if (rig->book != NULL && disk_random(&rig->random) % 3 == 0) {
		seal_text(rig, try);
	} else {
		fill_text(rig, try);
	}
	return ask(rig, try);
}

enum err rig_ask_again(struct rig *rig, uint64_t number)
{
	return ask(rig, &rig->tries[number % RIG_TRIES]);
}

struct done {
	bool is_done;
	enum err err;
};

static void on_done(void *ctx, struct append_job *job)
{
	struct done *done = ctx;
	*done = (struct done){.is_done = true, .err = job->err};
	append_job_free(job);
}

static enum err hand_in(struct rig *rig, struct append_job *job)
{
	struct done done = {0};
	job->on_done = on_done;
	job->ctx = &done;
	enum err err = writer_append(rig->writer, job);
	if (err != ERR_OK) {
		append_job_free(job);
		return err;
	}
	while (!done.is_done) {
		(void)writer_step(rig->writer);
	}
	return done.err;
}

enum err rig_append(struct rig *rig, unsigned author, size_t count)
{
	uint64_t at = rig->foreign[author];
	const char *why = NULL;
	count = count < RIG_FOREIGN_MESSAGES - at ? count : (size_t)(RIG_FOREIGN_MESSAGES - at);
	struct append_job *job = append_job_new(count == 0 ? 1 : count);
	if (job == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		enum err err =
			message_reread(library[author][at + i]->compact, &job->messages[i], &why);
		if (err != ERR_OK) {
			append_job_free(job);
			return err;
		}
		job->count++;
	}
	rig->wall_ms += 10;
	rig->mono_ms += 1000; /* no bulk */
	enum err err = hand_in(rig, job);
	rig->foreign[author] += err == ERR_OK ? count : 0;
	return err;
}

enum err rig_let_go(
	struct rig *rig, unsigned author, enum let_go_why why, uint64_t below, size_t most)
{
	const struct let_go_request request = {.feed = library[author][0]->author,
		.why = why,
		.below = below,
		.at_least = most,
		.at_most = most};
	struct let_go_result result;
	rig->mono_ms += 1000;
	enum err err = writer_let_go(rig->writer, &request, &result);
	if (err == ERR_OK && result.is_done && why == LET_GO_FOR_AGAIN) {
		rig->foreign[author] = 0;
	}
	return err;
}

enum err rig_shrink(struct rig *rig)
{
	size_t freed = 0;
	return writer_shrink(rig->writer, 1 + disk_random(&rig->random) % 128, 0, &freed);
}

enum err rig_setting(struct rig *rig)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)disk_random(&rig->random));
	const struct change change = {
		.kind = CHANGE_SETTING, .name = span_text("torture"), .text = span_text(text)};
	return writer_change_wait(rig->writer, &change);
}

void rig_read_private(struct rig *rig)
{
	for (int i = 0; i < 3 && rig->book != NULL && private_step(rig->book); i++) {
	}
}

enum err rig_mark(struct rig *rig)
{
	struct private_readers alone;
	struct private_decision mark = {.is_read = true};
	if (rig->book == NULL) {
		return ERR_OK;
	}
	enum err err = private_readers_of(rig->book, NULL, 0, &alone);
	mark.name = alone.name;
	mark.read = (struct private_place){.at_ms = rig->wall_ms, .order = ++rig->marked};
	if (err == ERR_OK) {
		err = private_mark_put(rig->book, rig->writer, &mark);
	}
	rig->marked_now = err == ERR_OK ? rig->marked : rig->marked_now;
	return err;
}

void rig_checkpoint(struct rig *rig, bool is_truncating)
{
	struct db *db = rig->store->writer;
	sqlite3_stmt *stmt = NULL;
	enum err err =
		db_query(db, is_truncating ? &sql_checkpoint_truncate : &sql_checkpoint, &stmt);
	err = err == ERR_OK ? db_run(db, stmt) : err;
	if (err != ERR_OK && !rig->may_fail && !disk_is_dead(rig->disk)) {
		rig_wrong(rig, "the WAL cannot be copied back: %s", db_why(db));
	}
}

struct own_reading {
	struct rig *rig;
	uint64_t count;
};

static bool on_own(void *ctx, const struct stored *stored)
{
	struct own_reading *reading = ctx;
	struct rig *rig = reading->rig;
	uint64_t sequence = ++reading->count;
	uint8_t hash[32];
	const struct rig_signed *known = &rig->own[sequence <= RIG_OWN_MAX ? sequence : 0];
	hash_of(stored->compact, hash);
	rig->boxes += memmem(stored->compact.at, stored->compact.len, ".box\"", 5) != NULL;
	if (stored->sequence != sequence || !message_id_equal(&stored->key, &known->key) ||
		memcmp(hash, known->hash, sizeof(hash)) != 0) {
		rig_wrong(rig, "number %llu of ours is not what was signed",
			(unsigned long long)stored->sequence);
		return false;
	}
	if (sequence > 1 && !message_id_equal(&known->previous, &rig->own[sequence - 1].key)) {
		rig_wrong(rig, "number %llu of ours does not follow the one before it",
			(unsigned long long)sequence);
		return false;
	}
	return true;
}

static void check_own(struct rig *rig, struct reader *reader)
{
	struct own_reading reading = {.rig = rig};
	struct chain_head head = {0};
	rig->boxes = 0;
	enum err err = reader_feed(reader, &rig->self_id, 1, SIZE_MAX, on_own, &reading);
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		err = reader_head(reader, &rig->self_id, &head);
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		rig_wrong(rig, "our feed cannot be read: %s", err_text(err));
	}
	if (reading.count < rig->own_left) {
		rig_wrong(rig,
			"number %llu of ours was kept or acknowledged and is lost (head %llu)",
			(unsigned long long)rig->own_left, (unsigned long long)reading.count);
	}
	if (head.sequence != reading.count ||
		(head.sequence > 0 && !message_id_equal(&head.key, &rig->own[head.sequence].key))) {
		rig_wrong(rig, "the head of our feed is not its last message");
	}
}

struct foreign_reading {
	struct rig *rig;
	unsigned author;
	uint64_t count;
};

static bool on_foreign(void *ctx, const struct stored *stored)
{
	struct foreign_reading *reading = ctx;
	const struct message *known = library[reading->author][reading->count];
	reading->count++;
	if (stored->sequence != reading->count || !message_id_equal(&stored->key, &known->key) ||
		!span_equal(stored->compact, known->compact)) {
		rig_wrong(reading->rig, "number %llu of a stranger is not what came",
			(unsigned long long)stored->sequence);
		return false;
	}
	return true;
}

/* What is here begins where it is said to, goes on to the head, and is all there is of it. */
static void check_extent(struct rig *rig, struct reader *reader, unsigned author, uint64_t first)
{
	sqlite3_stmt *stmt = NULL;
	struct chain_head head = {0};
	const struct feed_id *id = &library[author][0]->author;
	uint64_t last = rig->foreign[author];
	int64_t rows = 0;
	enum err err = reader_head(reader, id, &head);
	err = err == ERR_NOT_FOUND ? ERR_OK : err;
	if (err == ERR_OK) {
		err = db_query(rig->store->writer, &sql_extent, &stmt);
	}
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(id->at, ID_BYTES));
		err = db_step(rig->store->writer, stmt);
		rows = err == ERR_OK ? sqlite3_column_int64(stmt, 0) : 0;
		db_reset(stmt);
	}
	if (err != ERR_OK || head.sequence != last || (uint64_t)rows != last + 1 - first) {
		rig_wrong(rig, "of a stranger %lld rows are here, from %llu to %llu, head %llu: %s",
			(long long)rows, (unsigned long long)first, (unsigned long long)last,
			(unsigned long long)head.sequence, err_text(err));
	}
}

static void check_foreign(struct rig *rig, struct reader *reader, unsigned author)
{
	struct foreign_reading reading = {.rig = rig, .author = author};
	const struct feed_id *id = &library[author][0]->author;
	uint64_t first = 1;
	enum err err = reader_first(reader, id, &first);
	if (err == ERR_OK) {
		reading.count = first - 1;
		err = reader_feed(reader, id, first, SIZE_MAX, on_foreign, &reading);
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		rig_wrong(rig, "a stranger's feed cannot be read: %s", err_text(err));
	}
	rig->foreign[author] = reading.count;
	check_extent(rig, reader, author, first);
}

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	rig_wrong(ctx, "audit: %s", fault->sentence);
}

static void check_pages(struct rig *rig)
{
	struct db *db = NULL;
	sqlite3_stmt *stmt = NULL;
	enum err err =
		db_open_in(disk_vfs(rig->disk), rig->store->database, DB_READER, &rig->env, &db);
	if (err == ERR_OK) {
		err = db_query(db, &sql_integrity, &stmt);
	}
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK && !span_equal_text(db_column(stmt, 0), "ok")) {
		rig_wrong(
			rig, "integrity_check: %.300s", (const char *)sqlite3_column_text(stmt, 0));
	}
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	if (err != ERR_OK) {
		rig_wrong(rig, "the database cannot be checked: %s", err_text(err));
	}
	db_close(db);
}

void rig_audit(struct rig *rig)
{
	struct audit audit = {.on_fault = on_fault, .ctx = rig};
	enum err err = audit_run(rig->store, NULL, &audit);
	if (err != ERR_OK) {
		rig_wrong(rig, "the audit fails: %s", err_text(err));
	}
}

QUERY(sql_places, "SELECT (SELECT count(*) FROM outbox WHERE nonce = ?1) + (SELECT count(*) FROM "
		  "nonces WHERE nonce = ?1) + (SELECT count(*) FROM drafts WHERE nonce = ?1)");

/* What may be taken back is in exactly one place: held, stored, or a draft. */
static void check_held(struct rig *rig)
{
	for (size_t i = 0; i < RIG_TRIES; i++) {
		const struct rig_try *try = &rig->tries[i];
		sqlite3_stmt *stmt = NULL;
		if (!try->is_held) {
			continue;
		}
		enum err err = db_query(rig->store->writer, &sql_places, &stmt);
		if (err == ERR_OK) {
			db_blob(stmt, 1, span_text(try->nonce));
			err = db_step(rig->store->writer, stmt);
		}
		if (err == ERR_OK && sqlite3_column_int64(stmt, 0) != 1) {
			rig_wrong(rig, "%s is in %lld places", try->nonce,
				(long long)sqlite3_column_int64(stmt, 0));
		}
		if (err == ERR_OK) {
			db_reset(stmt);
		}
	}
}

/* Is each box in the book, once, with the words that were sealed? */
static void check_book(struct rig *rig, struct reader *reader, const char *when)
{
	struct private_page page = {.count = 0};
	struct buf text = BUF_INIT(RIG_PLAIN_BYTES);
	enum err err = private_all(rig->book, reader, 0, RIG_OWN_MAX, &page);
	if (err != ERR_OK || page.count != rig->boxes) {
		rig_wrong(rig, "%s the book has %zu of %llu boxes (%s)", when, page.count,
			(unsigned long long)rig->boxes, err_text(err));
	}
	for (size_t i = 0; i < RIG_TRIES; i++) {
		const struct rig_try *try = &rig->tries[i];
		if (try->plain[0] == '\0' || !try->is_answered) {
			continue;
		}
		buf_clear(&text);
		err = private_text(rig->book, reader, &try->answer.key, &text);
		if (err != ERR_OK || !span_equal_text(buf_span(&text), try->plain)) {
			rig_wrong(rig, "%s %s does not open as it was written (%s)", when,
				try->nonce, err_text(err));
		}
	}
	private_page_fini(&page);
	buf_fini(&text);
}

static void check_mark(struct rig *rig, struct reader *reader)
{
	struct private_readers alone;
	struct private_decision mark = {.is_read = false};
	enum err err = private_readers_of(rig->book, NULL, 0, &alone);
	if (err == ERR_OK) {
		err = private_mark_read(rig->book, reader, &alone.name, &mark);
	}
	int64_t read = mark.is_read ? mark.read.order : 0;
	if (err != ERR_OK || read < rig->marked_surely || read > rig->marked) {
		rig_wrong(rig, "read up to %lld, and not from %lld to %lld (%s)", (long long)read,
			(long long)rig->marked_surely, (long long)rig->marked, err_text(err));
	}
}

/* What boxes are found, and what is found of them by the seals on the disk alone. */
static void check_private(struct rig *rig, struct reader *reader)
{
	int steps = 0;
	while (steps < BOOK_STEPS_MAX && private_step(rig->book)) {
		steps++;
	}
	if (steps == BOOK_STEPS_MAX) {
		rig_wrong(rig, "the book looks through what there is again and again");
		return;
	}
	check_book(rig, reader, "looked through,");
	check_mark(rig, reader);
	close_book(rig);
	if (open_book(rig) != ERR_OK) {
		rig_wrong(rig, "the book does not open again");
		return;
	}
	check_book(rig, reader, "from its seals alone,");
}

void rig_check(struct rig *rig, bool is_deep)
{
	char why[256] = "";
	struct reader *reader = NULL;
	const char *state = writer_state(rig->writer, why, sizeof(why));
	if (strcmp(state, "CLEAN") != 0) {
		rig_wrong(rig, "the state is %s: %s", state, why);
	}
	if (reader_open(rig->store, &reader) != ERR_OK) {
		rig_wrong(rig, "the database cannot be read");
		return;
	}
	check_own(rig, reader);
	check_held(rig);
	if (rig->book != NULL) {
		check_private(rig, reader);
	}
	for (unsigned i = 0; i < RIG_FOREIGN; i++) {
		check_foreign(rig, reader, i);
	}
	reader_close(reader);
	if (is_deep) {
		check_pages(rig);
	}
}
