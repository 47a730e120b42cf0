/* Scenarios on a store: publishing, taking in, each kind of start, reading. */
#include "torture/malloc.h"

#include "store/audit.h"
#include "store/fence.h"
#include "store/inside.h"
#include "store/migrate.h"
#include "store/people.h"
#include "store/private.h"
#include "store/timeline.h"

#include <stdio.h>
#include <stdlib.h>

static void start(struct scene *scene)
{
	if (rig_start(scene->rig) != ERR_OK) {
		scene_wrong(scene, "it does not start");
	}
}

static void check_all(struct scene *scene)
{
	struct rig *rig = scene->rig;
	rig_check(rig, true);
	if (rig_publish(rig) != ERR_OK) {
		scene_wrong(scene, "the next publish fails");
	}
	rig_stop(rig);
	if (rig_start(rig) != ERR_OK) {
		scene_wrong(scene, "the next start fails");
		return;
	}
	rig_check(rig, false);
}

/* Publishing: what failed is asked again with its nonce. */

static enum err publish(struct scene *scene)
{
	struct rig *rig = scene->rig;
	return rig->try_count == scene->base->try_count ? rig_publish(rig)
							: rig_ask_again(rig, rig->try_count - 1);
}

static enum err publish_known(struct scene *scene)
{
	return rig_ask_again(scene->rig, scene->rig->try_count - 1);
}

static enum err publish_contact(struct scene *scene)
{
	char text[FEED_ID_TEXT_BYTES];
	char content[256];
	struct publish_result result;
	feed_id_format(&scene->rig->self_id, text);
	text[1] = text[1] == 'A' ? 'B' : 'A';
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"contact\",\"contact\":\"%s\",\"following\":true}", text);
	const struct publish_request request = {
		.content = span_text(content), .nonce = span_text("contact")};
	return writer_publish(scene->rig->writer, &request, &result);
}

static void start_paused(struct scene *scene)
{
	(void)disk_drop_file(scene->rig->disk, RIG_DIR "/fence");
	start(scene);
}

/* Taking in. */

static enum err append(struct scene *scene)
{
	return rig_append(scene->rig, 1, 5);
}

static void prepare_gap(struct scene *scene)
{
	start(scene);
	scene->rig->foreign[2] += 3;
}

static void prepare_known(struct scene *scene)
{
	start(scene);
	scene->rig->foreign[2] -= 3;
}

static enum err append_odd(struct scene *scene)
{
	uint64_t at = scene->rig->foreign[2];
	enum err err = rig_append(scene->rig, 2, 3);
	scene->rig->foreign[2] = at;
	return err;
}

static enum err let_go(struct scene *scene)
{
	return rig_let_go(scene->rig, 1, LET_GO_FOR_ROOM, 12, 100);
}

static enum err let_come_again(struct scene *scene)
{
	return rig_let_go(scene->rig, 1, LET_GO_FOR_AGAIN, 0, 100);
}

static enum err change(struct scene *scene, const struct change *what)
{
	return writer_change_wait(scene->rig->writer, what);
}

static enum err put_setting(struct scene *scene)
{
	return rig_setting(scene->rig);
}

static enum err put_clocks(struct scene *scene)
{
	struct clock_entry clocks[20];
	for (size_t i = 0; i < 20; i++) {
		clocks[i] = (struct clock_entry){.feed = scene->rig->self_id, .note = (int64_t)i};
		clocks[i].feed.at[0] = (uint8_t)i;
	}
	clocks[0].feed = scene->rig->self_id;
	return change(scene, &(struct change){.kind = CHANGE_CLOCKS,
				     .feed = scene->rig->self_id,
				     .clocks = clocks,
				     .clock_count = 20});
}

static enum err put_reach(struct scene *scene)
{
	struct reach_entry reach[20];
	for (size_t i = 0; i < 20; i++) {
		reach[i] = (struct reach_entry){.feed = scene->rig->self_id, .hops = 1};
		reach[i].feed.at[0] = (uint8_t)i;
	}
	return change(
		scene, &(struct change){.kind = CHANGE_REACH, .reach = reach, .reach_count = 20});
}

static enum err put_address(struct scene *scene)
{
	return change(scene, &(struct change){.kind = CHANGE_ADDRESS_PUT,
				     .feed = scene->rig->self_id,
				     .text = span_text("net:127.0.0.1:8008")});
}

static enum err put_session(struct scene *scene)
{
	return change(scene, &(struct change){.kind = CHANGE_SESSION_PUT,
				     .name = span_text("0123"),
				     .text = span_text("{}"),
				     .number = 1});
}

static enum err put_fork(struct scene *scene)
{
	struct feed_id somebody = scene->rig->self_id;
	somebody.at[3] ^= 1;
	return change(scene,
		&(struct change){.kind = CHANGE_FORK, .feed = somebody, .text = span_text("{}")});
}

/* Starts. The state they come to does not depend on memory. */

static enum err run_start(struct scene *scene)
{
	return rig_start(scene->rig);
}

static void judge_state(struct scene *scene)
{
	/* What may be unlocked at once is, at the latest on one of the writer's next turns. */
	scene->rig->mono_ms += 3600000;
	for (int i = 0; i < 20 && writer_step(scene->rig->writer); i++) {
	}
	const char *state = rig_state(scene->rig);
	if (scene->state[0] == '\0') {
		(void)snprintf(scene->state, sizeof(scene->state), "%s", state);
	} else if (strcmp(scene->state, state) != 0) {
		scene_wrong(scene, "the state is %s instead of %s", state, scene->state);
	}
	if (strcmp(state, "CLEAN") == 0) {
		check_all(scene);
	}
}

static void edit_fence(struct scene *scene, void (*edit)(struct fence_facts *facts))
{
	struct fence *fence = NULL;
	if (fence_open_in(disk_vfs(scene->rig->disk), RIG_DIR "/fence", &fence) != ERR_OK) {
		scene_wrong(scene, "the fence cannot be opened");
		return;
	}
	struct fence_facts facts = *fence_facts(fence);
	edit(&facts);
	facts.intent_sequence = 0;
	if (fence_write(fence, &facts, span_of(NULL, 0)) != ERR_OK) {
		scene_wrong(scene, "the fence cannot be written");
	}
	fence_close(fence);
}

static void be_foreign(struct fence_facts *facts)
{
	facts->identity.at[0] ^= 1;
}

static void be_other_install(struct fence_facts *facts)
{
	facts->install[0] ^= 1;
}

static void be_ahead(struct fence_facts *facts)
{
	facts->epoch += 5;
}

static void be_behind(struct fence_facts *facts)
{
	facts->sequence += 3;
}

static void be_forked(struct fence_facts *facts)
{
	facts->head.at[0] ^= 1;
}

static void be_lazy(struct fence_facts *facts)
{
	facts->sequence = 0;
	memset(facts->head.at, 0, ID_BYTES);
}

static void be_retired(struct fence_facts *facts)
{
	facts->state = FENCE_RETIRED;
}

static void prepare_no_fence(struct scene *scene)
{
	(void)disk_drop_file(scene->rig->disk, RIG_DIR "/fence");
}

static void prepare_torn(struct scene *scene)
{
	disk_put_file(scene->rig->disk, RIG_DIR "/fence", span_text("kithfen1 and then nothing"));
}

static void prepare_foreign(struct scene *scene)
{
	edit_fence(scene, be_foreign);
}

static void prepare_install(struct scene *scene)
{
	edit_fence(scene, be_other_install);
}

static void prepare_epoch(struct scene *scene)
{
	edit_fence(scene, be_ahead);
}

static void prepare_behind(struct scene *scene)
{
	edit_fence(scene, be_behind);
}

static void prepare_forked(struct scene *scene)
{
	edit_fence(scene, be_forked);
}

static void prepare_lazy(struct scene *scene)
{
	edit_fence(scene, be_lazy);
}

static void prepare_retired(struct scene *scene)
{
	edit_fence(scene, be_retired);
}

static void prepare_moved(struct scene *scene)
{
	disk_place(scene->rig->disk, 2, 3);
}

static void prepare_clock(struct scene *scene)
{
	disk_place(scene->rig->disk, 2, 3);
	scene->rig->wall_ms -= 10LL * 24 * 3600 * 1000;
}

static void publish_and_cut(struct scene *scene, enum writer_step step)
{
	struct rig *rig = scene->rig;
	start(scene);
	rig->cut_at_step = (int)step;
	(void)rig_publish(rig);
	rig->cut_at_step = -1;
	rig_stop(rig);
	disk_cut(rig->disk, 3);
	rig_ready(rig);
}

static void prepare_intent(struct scene *scene)
{
	publish_and_cut(scene, WRITER_FENCED);
}

static void prepare_intent_stored(struct scene *scene)
{
	publish_and_cut(scene, WRITER_ANNOUNCED);
}

/* Reading. */

static void prepare_reader(struct scene *scene)
{
	start(scene);
	struct reader *reader = NULL;
	if (reader_open(scene->rig->store, &reader) != ERR_OK) {
		scene_wrong(scene, "no reader");
	}
	scene->own = reader;
}

static void clear_reader(struct scene *scene)
{
	reader_close(scene->own);
	scene->own = NULL;
}

static enum err read_timeline(struct scene *scene)
{
	struct posts posts = {0};
	const struct timeline_query query = {.kind = TIMELINE_WIDE, .limit = 50};
	enum err err = timeline_page(scene->own, &query, &posts);
	if (err == ERR_OK) {
		posts_free(&posts);
	}
	return err;
}

static enum err read_thread(struct scene *scene)
{
	struct posts posts = {0};
	struct thread_facts facts;
	const struct thread_query query = {.id = scene->rig->own[3].key};
	enum err err = thread_read(scene->own, &query, &facts, &posts);
	if (err == ERR_OK) {
		posts_free(&posts);
	}
	return err;
}

static enum err read_person(struct scene *scene)
{
	struct person *person = malloc(sizeof(*person));
	if (person == NULL) {
		return ERR_NOMEM;
	}
	enum err err = person_read(scene->own, &scene->rig->self_id, person);
	free(person);
	return err;
}

static bool on_message(void *ctx, const struct stored *message)
{
	(void)ctx;
	(void)message;
	return true;
}

static enum err read_feed(struct scene *scene)
{
	return reader_feed(scene->own, &scene->rig->self_id, 1, 100, on_message, NULL);
}

static enum err read_reach(struct scene *scene)
{
	struct reach_entry reach[16];
	size_t count = 0;
	return graph_reach(scene->own, 2, reach, 16, &count);
}

static enum err open_reader(struct scene *scene)
{
	struct reader *reader = NULL;
	enum err err = reader_open(scene->rig->store, &reader);
	if (err == ERR_OK) {
		reader_close(reader);
	}
	return err;
}

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	scene_wrong(ctx, "the audit says: %s", fault->sentence);
}

static enum err run_audit(struct scene *scene)
{
	struct audit audit = {.on_fault = on_fault, .ctx = scene};
	return audit_run(scene->rig->store, NULL, &audit);
}

/* Private words: one of ours for ourselves is found, remembered, opened. */

struct private_words {
	struct message_id key;
};

static void prepare_private(struct scene *scene)
{
	static const char plain[] = "{\"type\":\"post\",\"text\":\"for myself\"}";
	struct rig *rig = scene->rig;
	struct publish_result result = {.sequence = 0};
	struct buf content = BUF_INIT(4096);
	struct private_words *words = calloc(1, sizeof(*words));
	start(scene);
	enum err err = signer_seal(rig->self.signer, span_text(plain), &rig->self_id, 1, &content);
	const struct publish_request request = {.content = buf_span(&content)};
	if (err == ERR_OK) {
		err = writer_publish(rig->writer, &request, &result);
	}
	if (err != ERR_OK) {
		scene_wrong(scene, "nothing private to begin with: %s", err_text(err));
	}
	if (words != NULL) {
		words->key = result.key;
	}
	buf_fini(&content);
	scene->own = words;
}

static void clear_private(struct scene *scene)
{
	free(scene->own);
	scene->own = NULL;
}

/* Not found is for want of memory: the book goes on without what it could not keep. */
static enum err ask_private(struct scene *scene, struct private_book *book)
{
	const struct private_words *words = scene->own;
	struct reader *reader = NULL;
	struct buf text = BUF_INIT(4096);
	struct private_page page = {.count = 0};
	enum err err = reader_open(scene->rig->store, &reader);
	if (err == ERR_OK) {
		err = private_text(book, reader, &words->key, &text);
	}
	if (err == ERR_OK) {
		err = private_all(book, reader, 0, 10, &page);
	}
	if (err == ERR_OK && page.count != 1) {
		scene_wrong(scene, "%zu private messages instead of one", page.count);
	}
	private_page_fini(&page);
	buf_fini(&text);
	reader_close(reader);
	return err == ERR_NOT_FOUND ? ERR_NOMEM : err;
}

static enum err run_private(struct scene *scene)
{
	struct private_book *book = NULL;
	const struct private_opts opts = {.store = scene->rig->store,
		.writer = scene->rig->writer,
		.signer = scene->rig->self.signer,
		.is_stepped = true};
	enum err err = private_start(&opts, &book);
	if (err != ERR_OK) {
		return err;
	}
	while (private_step(book)) {
	}
	err = ask_private(scene, book);
	private_stop(book);
	return err;
}

static void prepare_letter(struct scene *scene)
{
	scene->rig->has_book = true;
	start(scene);
}

/* Sealed, held and sent; found and read; marked as read. */
static enum err write_letter(struct scene *scene)
{
	static const char plain[] = "{\"type\":\"post\",\"text\":\"a letter\"}";
	struct rig *rig = scene->rig;
	struct publish_result result = {.sequence = 0};
	struct reader *reader = NULL;
	int64_t due_ms = 0;
	struct buf box = BUF_INIT(4096);
	struct buf text = BUF_INIT(4096);
	enum err err = signer_seal(rig->self.signer, span_text(plain), &rig->self_id, 1, &box);
	const struct hold_request hold = {
		.publish = {.content = buf_span(&box), .nonce = span_text("letter")},
		.body = buf_span(&box),
		.hold_ms = 1000};
	if (err == ERR_OK) {
		err = writer_hold(rig->writer, &hold, &due_ms, &result);
	}
	if (err == ERR_OK && result.sequence == 0) {
		err = writer_send(rig->writer, hold.publish.nonce, &result);
	}
	while (err == ERR_OK && private_step(rig->book)) {
	}
	if (err == ERR_OK) {
		err = reader_open(rig->store, &reader);
	}
	if (err == ERR_OK) {
		err = private_text(rig->book, reader, &result.key, &text);
		err = err == ERR_NOT_FOUND ? ERR_NOMEM : err;
	}
	if (err == ERR_OK && !span_equal_text(buf_span(&text), plain)) {
		scene_wrong(scene, "the letter reads otherwise");
	}
	reader_close(reader);
	buf_fini(&box);
	buf_fini(&text);
	return err == ERR_OK ? rig_mark(rig) : err;
}

/* A database of an earlier kith. */

static const char old_path[] = RIG_DIR "/old.db";

static enum err migrate_to(struct scene *scene, size_t version)
{
	struct db *db = NULL;
	char why[256] = "";
	const struct migrate_plan plan = {.files = embedded_schema,
		.count = version,
		.snapshot_dir = RIG_DIR "/snapshots",
		.vfs = disk_vfs(scene->rig->disk)};
	enum err err = db_open_in(plan.vfs, old_path, DB_WRITER, &scene->rig->env, &db);
	if (err == ERR_OK) {
		err = migrate_run(db, &plan, &scene->rig->env, why, sizeof(why));
		db_close(db);
	}
	return err;
}

static void prepare_old(struct scene *scene)
{
	if (migrate_to(scene, embedded_schema_count - 1) != ERR_OK) {
		scene_wrong(scene, "no old database");
	}
}

static enum err run_migrate(struct scene *scene)
{
	return migrate_to(scene, embedded_schema_count);
}

const struct scenario malloc_store[] = {
	{"publish", start, publish, check_all, NULL, ERR_OK, ERR_OK, false},
	{"publish-known", start, publish_known, check_all, NULL, ERR_OK, ERR_OK, false},
	{"publish-paused", start_paused, publish, NULL, NULL, ERR_PAUSED, ERR_OK, false},
	{"publish-contact", start, publish_contact, NULL, NULL, ERR_OK, ERR_OK, false},
	{"append", start, append, check_all, NULL, ERR_OK, ERR_OK, false},
	{"append-known", prepare_known, append_odd, NULL, NULL, ERR_OK, ERR_OK, false},
	{"append-gap", prepare_gap, append_odd, NULL, NULL, ERR_OK, ERR_OK, false},
	{"let-go", start, let_go, check_all, NULL, ERR_OK, ERR_OK, false},
	{"let-come-again", start, let_come_again, check_all, NULL, ERR_OK, ERR_OK, false},
	{"setting", start, put_setting, check_all, NULL, ERR_OK, ERR_OK, false},
	{"clocks", start, put_clocks, check_all, NULL, ERR_OK, ERR_OK, false},
	{"reach", start, put_reach, check_all, NULL, ERR_OK, ERR_OK, false},
	{"address", start, put_address, check_all, NULL, ERR_OK, ERR_OK, false},
	{"session", start, put_session, check_all, NULL, ERR_OK, ERR_OK, false},
	{"fork", start, put_fork, NULL, NULL, ERR_OK, ERR_OK, false},
	{"private", prepare_private, run_private, NULL, clear_private, ERR_OK, ERR_OK, false},
	{"letter", prepare_letter, write_letter, check_all, NULL, ERR_OK, ERR_OK, false},
	{"start", NULL, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-first", NULL, run_start, judge_state, NULL, ERR_OK, ERR_OK, true},
	{"start-intent", prepare_intent, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-intent-stored", prepare_intent_stored, run_start, judge_state, NULL, ERR_OK, ERR_OK,
		false},
	{"start-no-fence", prepare_no_fence, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-torn-fence", prepare_torn, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-foreign-fence", prepare_foreign, run_start, judge_state, NULL, ERR_OK, ERR_OK,
		false},
	{"start-other-install", prepare_install, run_start, judge_state, NULL, ERR_OK, ERR_OK,
		false},
	{"start-epoch", prepare_epoch, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-behind", prepare_behind, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-lazy-fence", prepare_lazy, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-forked", prepare_forked, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-retired", prepare_retired, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-moved", prepare_moved, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"start-clock", prepare_clock, run_start, judge_state, NULL, ERR_OK, ERR_OK, false},
	{"migrate", prepare_old, run_migrate, NULL, NULL, ERR_OK, ERR_OK, false},
	{"reader", start, open_reader, NULL, NULL, ERR_OK, ERR_OK, false},
	{"timeline", prepare_reader, read_timeline, NULL, clear_reader, ERR_OK, ERR_OK, false},
	{"thread", prepare_reader, read_thread, NULL, clear_reader, ERR_OK, ERR_OK, false},
	{"person", prepare_reader, read_person, NULL, clear_reader, ERR_OK, ERR_OK, false},
	{"feed", prepare_reader, read_feed, NULL, clear_reader, ERR_OK, ERR_OK, false},
	{"graph", prepare_reader, read_reach, NULL, clear_reader, ERR_OK, ERR_OK, false},
	{"audit", start, run_audit, NULL, NULL, ERR_OK, ERR_OK, false},
};
const size_t malloc_store_count = sizeof(malloc_store) / sizeof(malloc_store[0]);
