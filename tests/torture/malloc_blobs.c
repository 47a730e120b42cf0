/* Scenarios on blobs, which are files of the system's: one is added, read, wanted, removed, and
 * goes because there is too little room; and what peers want and have, and what comes of it. */
#include "torture/malloc.h"

#include "lib/shelf.h"
#include "store/blobs.h"
#include "store/ceiling.h"
#include "sync/wants_state.h"
#include "wire/want.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS_MAX = 1000 };

struct place {
	struct shelf shelf;
	struct blobs *blobs;
	struct blob_id own, far;
};

static enum err add(struct place *place, uint8_t fill, enum blob_keep keep, struct blob_id *id)
{
	uint8_t bytes[10000];
	const struct blob_in_opts opts = {.keep = keep};
	struct blob_in *in = NULL;
	struct blob_row row;
	memset(bytes, fill, sizeof(bytes));
	enum err err = blobs_begin(place->blobs, &opts, &in);
	if (err == ERR_OK) {
		err = blob_in_write(in, span_of(bytes, sizeof(bytes)));
		if (err != ERR_OK) {
			blob_in_abort(in);
			return err;
		}
		err = blob_in_finish(in, &row);
	}
	if (err == ERR_OK && id != NULL) {
		*id = row.id;
	}
	return err;
}

static void prepare(struct scene *scene)
{
	struct place *place = calloc(1, sizeof(*place));
	if (place == NULL) {
		abort();
	}
	shelf_init(&place->shelf);
	shelf_close(&place->shelf);
	place->shelf.is_stepped = true;
	shelf_open(&place->shelf);
	enum err err = blobs_start(place->shelf.store, place->shelf.writer, &place->blobs);
	if (err == ERR_OK) {
		blobs_settled(place->blobs);
		err = add(place, 1, BLOB_OWN, &place->own);
	}
	if (err == ERR_OK) {
		err = add(place, 2, BLOB_FAR, &place->far);
	}
	if (err != ERR_OK) {
		scene_wrong(scene, "no blobs to begin with: %s", err_text(err));
	}
	scene->own = place;
}

static void clear(struct scene *scene)
{
	struct place *place = scene->own;
	blobs_stop(place->blobs);
	blobs_free(place->blobs);
	shelf_fini(&place->shelf);
	free(place);
	scene->own = NULL;
}

static bool is_here(struct place *place, const struct blob_id *id)
{
	struct blob_row row;
	struct blob_out *out = NULL;
	enum err err = blobs_read(place->blobs, place->shelf.reader, id, &row, &out);
	if (err == ERR_OK) {
		blob_out_close(out);
	}
	return err == ERR_OK;
}

static void judge_both(struct scene *scene)
{
	struct place *place = scene->own;
	if (!is_here(place, &place->own) || !is_here(place, &place->far)) {
		scene_wrong(scene, "a blob is lost");
	}
}

static void judge_own(struct scene *scene)
{
	struct place *place = scene->own;
	if (!is_here(place, &place->own) || is_here(place, &place->far)) {
		scene_wrong(scene, "not the other one's blob went, and ours stayed");
	}
}

static enum err run_add(struct scene *scene)
{
	return add(scene->own, 3, BLOB_OWN, NULL);
}

static enum err run_read(struct scene *scene)
{
	struct place *place = scene->own;
	struct blob_row row;
	struct blob_out *out = NULL;
	uint8_t some[100];
	size_t got = 0;
	enum err err = blobs_read(place->blobs, place->shelf.reader, &place->own, &row, &out);
	if (err == ERR_OK) {
		err = blob_out_read(out, 50, some, sizeof(some), &got);
		if (err == ERR_OK && (got != sizeof(some) || some[0] != 1)) {
			scene_wrong(scene, "it reads something else");
		}
		blob_out_close(out);
	}
	return err;
}

static enum err run_want(struct scene *scene)
{
	struct place *place = scene->own;
	const struct blob_id id = {{7}};
	return blobs_want(place->blobs, place->shelf.reader, &id, true);
}

static enum err run_remove(struct scene *scene)
{
	struct place *place = scene->own;
	return blobs_remove(place->blobs, &place->far, 1);
}

/* Something else in the folder takes all that is allowed. */
static void prepare_full(struct scene *scene)
{
	char path[128];
	prepare(scene);
	struct place *place = scene->own;
	(void)snprintf(path, sizeof(path), "%s/else", place->shelf.dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || posix_fallocate(fd, 0, LIMIT_CEILING_BYTES_MIN) != 0 ||
		ceiling_set(place->shelf.writer, LIMIT_CEILING_BYTES_MIN) != ERR_OK) {
		scene_wrong(scene, "the folder cannot be filled");
	}
	(void)close(fd);
}

/* What fails in a unit is tried again later; here later is another run. */
static enum err run_evict(struct scene *scene)
{
	struct place *place = scene->own;
	const struct ceiling_opts opts = {.store = place->shelf.store,
		.writer = place->shelf.writer,
		.blobs = place->blobs,
		.is_stepped = true};
	struct ceiling *ceiling = NULL;
	struct blob_row row;
	enum err err = ceiling_start(&opts, &ceiling);
	if (err != ERR_OK) {
		return err;
	}
	for (int i = 0; i < STEPS_MAX && ceiling_step(ceiling); i++) {
	}
	ceiling_stop(ceiling);
	err = blobs_look(place->shelf.reader, &place->far, &row);
	return err == ERR_NOT_FOUND ? ERR_OK : ERR_NOMEM;
}

/* Fetching: who wants what and who has it, on a loop that does not turn. A peer that could not be
 * noted may say it again; what the owner wants and offers tells. */

static enum err say(struct scene *scene, struct wants *wants, struct wants_peer *peer)
{
	const struct blob_id own = {{1}};
	const struct blob_id theirs = {{2}};
	const struct blob_id offered = {{3}};
	bool is_told = wants_own(wants, &own, true) && wants_offer(wants, &offered, true);
	wants_ask(peer, &theirs, 1);
	wants_have(peer, &own, 5000);
	wants_have(peer, &theirs, 5000);
	struct want *mine = wants_find(wants, &own);
	const struct want *other = wants_find(wants, &theirs);
	bool is_noted = is_told && other != NULL && other->holder_count == 1 &&
			mine->holder_count == 1 && other->distance == 2;
	if (mine != NULL) {
		wants_lied(wants, mine, &peer->partner->id);
		wants_retry(wants, mine);
	}
	wants_came(wants, &theirs, 5000);
	is_noted = is_noted && peer->answer_count == 1;
	wants_came(wants, &own, 5000);
	if (!wants_offer(wants, &offered, false) || wants->first != NULL ||
		wants->own_count + wants->tie_count != 0 || wants->ready_first != NULL) {
		scene_wrong(scene, "what came is wanted still");
	}
	return is_noted ? ERR_OK : ERR_NOMEM;
}

static void prepare_wants(struct scene *scene)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	if (sync == NULL) {
		abort();
	}
	sync->env = env_system();
	if (loop_new(sync->env, &sync->loop) != ERR_OK) {
		scene_wrong(scene, "no loop to begin with");
	}
	scene->own = sync;
}

static void clear_wants(struct scene *scene)
{
	struct sync *sync = scene->own;
	loop_free(sync->loop);
	free(sync);
	scene->own = NULL;
}

static enum err run_wants(struct scene *scene)
{
	struct sync *sync = scene->own;
	struct partner *partner = calloc(1, sizeof(*partner));
	struct wants *wants = NULL;
	enum err err = partner == NULL ? ERR_NOMEM : wants_new(sync, NULL, &wants);
	if (err == ERR_OK) {
		struct wants_peer peer = {.wants = wants, .partner = partner};
		*partner = (struct partner){.sync = sync, .is_dialled_by_us = true, .id = {{4}}};
		err = say(scene, wants, &peer);
		free(peer.answers);
	}
	wants_free(wants);
	free(partner);
	return err;
}

/* What a peer says of blobs, written again. */

static bool on_want(void *ctx, const struct blob_id *id, int64_t value)
{
	struct buf *item = ctx;
	return want_add(item, id, value) == ERR_OK;
}

static enum err run_item(struct scene *scene)
{
	char text[256];
	char id[BLOB_ID_TEXT_BYTES];
	const struct blob_id blob = {{9}};
	struct json_doc *doc = NULL;
	struct buf item = BUF_INIT(4096);
	blob_id_format(&blob, id);
	(void)snprintf(text, sizeof(text), "{\"%s\":-1}", id);
	enum err err = json_parse(span_text(text), LIMIT_JSON_DEPTH, &doc);
	if (err == ERR_OK) {
		err = want_open(&item);
	}
	if (err == ERR_OK) {
		want_each(json_root(doc), on_want, &item);
		err = want_close(&item);
	}
	if (err == ERR_OK && !span_equal_text(buf_span(&item), text)) {
		err = ERR_NOMEM; /* the callback has no other word for it */
	}
	json_doc_free(doc);
	buf_fini(&item);
	(void)scene;
	return err;
}

const struct scenario malloc_blobs[] = {
	{"blob-add", prepare, run_add, judge_both, clear, ERR_OK, ERR_OK, true},
	{"blob-read", prepare, run_read, judge_both, clear, ERR_OK, ERR_OK, true},
	{"blob-want", prepare, run_want, judge_both, clear, ERR_OK, ERR_OK, true},
	{"blob-remove", prepare, run_remove, judge_own, clear, ERR_OK, ERR_OK, true},
	{"blob-evict", prepare_full, run_evict, judge_own, clear, ERR_OK, ERR_OK, true},
	{"blob-wants", prepare_wants, run_wants, NULL, clear_wants, ERR_OK, ERR_OK, true},
	{"blob-item", NULL, run_item, NULL, NULL, ERR_OK, ERR_OK, true},
};
const size_t malloc_blobs_count = sizeof(malloc_blobs) / sizeof(malloc_blobs[0]);
