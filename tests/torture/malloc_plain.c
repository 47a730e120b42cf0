/* Scenarios without a store: messages, keys, what peers and browsers send; and backups, which are
 * files of the system's. */
#include "torture/malloc.h"

#include "api/body.h"
#include "feed/wrap.h"
#include "lib/shelf.h"
#include "store/backup.h"
#include "store/restore.h"
#include "wire/address.h"
#include "wire/boxstream.h"
#include "wire/note.h"
#include "wire/shs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char content[] =
	"{\"type\":\"post\",\"text\":\"\\u00e4 and \\u20ac\",\"mentions\":[{\"link\":\"#kith\"},"
	"{\"a\":[1,2,[3,4.5e10,null]]}],\"channel\":\"x\"}";

static enum err sign_one(struct message **out)
{
	struct key *key = NULL;
	struct signer *signer = NULL;
	const char *why = NULL;
	const uint8_t seed[32] = {9};
	const struct chain_head head = {0};
	enum err err = key_from_seed(seed, &key);
	if (err == ERR_OK) {
		err = signer_new(key, NULL, &signer);
	}
	if (err != ERR_OK) {
		key_free(key);
		return err;
	}
	err = signer_sign_next(signer, &head, 1800000000000, span_text(content), out, &why);
	signer_free(signer);
	return err;
}

static enum err run_sign(struct scene *scene)
{
	struct message *message = NULL;
	(void)scene;
	enum err err = sign_one(&message);
	if (err == ERR_OK) {
		message_free(message);
	}
	return err;
}

static void prepare_message(struct scene *scene)
{
	struct message *message = NULL;
	if (sign_one(&message) != ERR_OK) {
		scene_wrong(scene, "no message");
	}
	scene->own = message;
}

static void clear_message(struct scene *scene)
{
	message_free(scene->own);
	scene->own = NULL;
}

static enum err run_verify(struct scene *scene)
{
	const struct message *signed_one = scene->own;
	struct message *message = NULL;
	const char *why = NULL;
	enum err err = message_verify(signed_one->compact, NULL, &message, &why);
	if (err == ERR_OK) {
		message_free(message);
	}
	return err;
}

static enum err run_reread(struct scene *scene)
{
	const struct message *signed_one = scene->own;
	struct message *message = NULL;
	const char *why = NULL;
	struct buf out = BUF_INIT(1 << 20);
	enum err err = message_reread(signed_one->compact, &message, &why);
	if (err == ERR_OK) {
		err = message_write_kvt(&message->key, message->compact, 1.5, &out);
		message_free(message);
	}
	buf_fini(&out);
	return err;
}

static enum err run_json(struct scene *scene)
{
	struct json_doc *doc = NULL;
	struct buf out = BUF_INIT(1 << 20);
	(void)scene;
	enum err err = json_parse(span_text(content), LIMIT_JSON_DEPTH, &doc);
	if (err == ERR_OK) {
		err = json_write_pretty(json_root(doc), &out);
	}
	if (err == ERR_OK) {
		err = json_write_compact(json_root(doc), &out);
	}
	json_doc_free(doc);
	buf_fini(&out);
	return err;
}

static enum err run_key_text(struct scene *scene)
{
	struct key *key = NULL;
	struct key *again = NULL;
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	const char *why = NULL;
	(void)scene;
	enum err err = key_generate(&key);
	if (err == ERR_OK) {
		err = key_to_text(key, &text);
	}
	if (err == ERR_OK) {
		err = key_from_text(buf_span(&text), &again, &why);
	}
	key_free(again);
	key_free(key);
	buf_fini(&text);
	return err;
}

static enum err run_wrap(struct scene *scene)
{
	static const struct wrap_cost cost = {.memory_kib = LIMIT_WRAP_MEMORY_KIB_MIN, .passes = 1};
	struct key *key = NULL;
	struct key *again = NULL;
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	const char *why = NULL;
	(void)scene;
	enum err err = key_generate(&key);
	if (err == ERR_OK) {
		err = wrap_lock(key, span_text("correct horse"), &cost, &text);
	}
	if (err == ERR_OK) {
		err = wrap_unlock(buf_span(&text), span_text("correct horse"), &again, &why);
	}
	key_free(again);
	key_free(key);
	buf_fini(&text);
	return err;
}

static void on_note(void *ctx, const struct feed_id *feed, const struct note *note)
{
	(void)feed;
	(void)note;
	(*(size_t *)ctx)++;
}

static enum err run_notes(struct scene *scene)
{
	struct buf out = BUF_INIT(LIMIT_RPC_NOTE_BYTES);
	struct json_doc *doc = NULL;
	size_t count = 0;
	enum err err = note_open(&out);
	for (uint8_t i = 0; err == ERR_OK && i < 200; i++) {
		const struct note note = {.is_replicated = true, .wants = true, .sequence = i};
		struct feed_id feed = {.at = {i}};
		err = note_add(&out, &feed, &note);
	}
	if (err == ERR_OK) {
		err = note_close(&out);
	}
	if (err == ERR_OK) {
		err = json_parse(buf_span(&out), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		err = note_each(json_root(doc), on_note, &count);
	}
	if (err == ERR_OK && count != 200) {
		scene_wrong(scene, "notes are missing");
	}
	json_doc_free(doc);
	buf_fini(&out);
	return err;
}

static enum err run_shs(struct scene *scene)
{
	static const uint8_t network_key[32] = {1};
	struct shs *client = NULL;
	struct shs *server = NULL;
	struct buf to_server = BUF_INIT(1024);
	struct buf to_client = BUF_INIT(1024);
	struct shs_opts opts = {.network_key = network_key,
		.signer = scene->rig->self.signer,
		.server_id = &scene->rig->self_id};
	size_t used = 0;
	enum err err = shs_new(&opts, &client);
	opts.server_id = NULL;
	err = err == ERR_OK ? shs_new(&opts, &server) : err;
	err = err == ERR_OK ? shs_step(client, span_of(NULL, 0), &to_server, &used) : err;
	for (int i = 0; err == ERR_OK && i < 4; i++) {
		struct buf *in = i % 2 == 0 ? &to_server : &to_client;
		err = shs_step(i % 2 == 0 ? server : client, buf_span(in),
			i % 2 == 0 ? &to_client : &to_server, &used);
		buf_clear(in);
	}
	shs_free(client);
	shs_free(server);
	buf_fini(&to_server);
	buf_fini(&to_client);
	return err;
}

static enum err run_boxes(struct scene *scene)
{
	static const uint8_t key[32] = {1};
	static const uint8_t nonce[24] = {2};
	static const uint8_t body[LIMIT_BOX_BODY_BYTES] = {3};
	struct boxstream_sealer sealer;
	struct boxstream_opener opener;
	struct buf sealed = BUF_INIT(1 << 20);
	struct buf opened = BUF_INIT(1 << 20);
	size_t used = 0;
	(void)scene;
	boxstream_sealer_init(&sealer, key, nonce);
	boxstream_opener_init(&opener, key, nonce);
	enum err err = boxstream_seal(&sealer, span_of(body, sizeof(body)), &sealed);
	if (err == ERR_OK) {
		err = boxstream_open(&opener, buf_span(&sealed), &opened, &used);
	}
	buf_fini(&sealed);
	buf_fini(&opened);
	return err;
}

static enum err run_address(struct scene *scene)
{
	char id[FEED_ID_TEXT_BYTES];
	char text[256];
	feed_id_format(&scene->rig->self_id, id);
	(void)snprintf(text, sizeof(text), "net:192.0.2.1:8008~shs:%.44s", id + 1);
	struct address address;
	struct buf out = BUF_INIT(LIMIT_ADDRESS_BYTES);
	enum err err = address_parse(span_text(text), &address);
	if (err == ERR_OK) {
		err = address_format(&address, &out);
	}
	buf_fini(&out);
	return err;
}

static enum err run_body(struct scene *scene)
{
	struct buf out = BUF_INIT(1 << 16);
	struct span text = {0};
	(void)scene;
	json_t *body = body_parse(span_text(content));
	if (body == NULL) {
		return ERR_NOMEM;
	}
	enum err err = body_text(body, "text", &text) ? body_clean(text, &out) : ERR_REFUSED;
	json_decref(body);
	if (err == ERR_OK) {
		err = body_query(span_text("a=1&name=%C3%A4b"), "name", &out);
	}
	buf_fini(&out);
	return err;
}

static enum err run_manifest(struct scene *scene)
{
	struct bundle_manifest *manifest = calloc(2, sizeof(*manifest));
	struct buf text = BUF_INIT(LIMIT_BACKUP_MANIFEST_BYTES);
	enum err err = ERR_NOMEM;
	if (manifest != NULL) {
		manifest->identity = scene->rig->self_id;
		manifest->holder_count = 20;
		for (uint8_t i = 0; i < 20; i++) {
			manifest->holders[i].peer.at[0] = i;
			manifest->holders[i].sequence = i;
		}
		err = bundle_manifest_write(manifest, &text);
	}
	if (err == ERR_OK) {
		err = bundle_manifest_parse(buf_span(&text), manifest + 1);
	}
	free(manifest);
	buf_fini(&text);
	return err;
}

/* Backups. */

struct place {
	struct shelf shelf;
	char file[128], dir[128];
	bool is_restored;
};

static const uint8_t derived[32] = {1, 2, 3};
static const struct bundle_opener by_key = {.derived = derived};

static void prepare_shelf(struct scene *scene)
{
	struct place *place = calloc(1, sizeof(*place));
	if (place == NULL) {
		abort();
	}
	shelf_init(&place->shelf);
	(void)shelf_publish(&place->shelf, "{\"type\":\"post\",\"text\":\"kept\"}");
	(void)snprintf(place->file, sizeof(place->file), "%s/backup", place->shelf.dir);
	(void)snprintf(place->dir, sizeof(place->dir), "%s/restored", place->shelf.dir);
	(void)mkdir(place->dir, 0700);
	scene->own = place;
}

static void clear_shelf(struct scene *scene)
{
	struct place *place = scene->own;
	shelf_fini(&place->shelf);
	free(place);
	scene->own = NULL;
}

static enum err run_backup(struct scene *scene)
{
	struct place *place = scene->own;
	struct backup_result result;
	char why[256] = "";
	const struct backup_opts opts = {
		.store = place->shelf.store, .path = place->file, .opener = by_key};
	enum err err = backup_write(&opts, &result, why, sizeof(why));
	if (err != ERR_OK && why[0] == '\0') {
		scene_wrong(scene, "a failed backup says nothing");
	}
	return err;
}

static void prepare_backup(struct scene *scene)
{
	prepare_shelf(scene);
	if (run_backup(scene) != ERR_OK) {
		scene_wrong(scene, "no backup");
	}
}

static enum err run_restore(struct scene *scene)
{
	struct place *place = scene->own;
	struct bundle_manifest *manifest = calloc(1, sizeof(*manifest));
	struct buf secret = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	char why[256] = "";
	int fd = open(place->file, O_RDONLY | O_CLOEXEC);
	const struct restore_opts opts = {
		.fd = fd, .opener = by_key, .dir = place->dir, .env = &place->shelf.env};
	enum err err = manifest == NULL
			       ? ERR_NOMEM
			       : restore_unpack(&opts, manifest, &secret, why, sizeof(why));
	if (err == ERR_OK) {
		err = restore_finish(place->dir, why, sizeof(why));
	}
	if (err != ERR_OK) {
		restore_undo(place->dir);
	}
	(void)close(fd);
	buf_fini(&secret);
	free(manifest);
	return err;
}

/* SQLite's check of a copy calls a page that there was no memory for a damaged one. */
const struct scenario malloc_plain[] = {
	{"sign", NULL, run_sign, NULL, NULL, ERR_OK, ERR_OK, true},
	{"verify", prepare_message, run_verify, NULL, clear_message, ERR_OK, ERR_OK, true},
	{"reread", prepare_message, run_reread, NULL, clear_message, ERR_OK, ERR_OK, true},
	{"json", NULL, run_json, NULL, NULL, ERR_OK, ERR_OK, true},
	{"key-text", NULL, run_key_text, NULL, NULL, ERR_OK, ERR_OK, true},
	{"wrap", NULL, run_wrap, NULL, NULL, ERR_OK, ERR_OK, true},
	{"notes", NULL, run_notes, NULL, NULL, ERR_OK, ERR_OK, true},
	{"handshake", NULL, run_shs, NULL, NULL, ERR_OK, ERR_OK, true},
	{"boxes", NULL, run_boxes, NULL, NULL, ERR_OK, ERR_OK, true},
	{"address-text", NULL, run_address, NULL, NULL, ERR_OK, ERR_OK, true},
	{"body", NULL, run_body, NULL, NULL, ERR_OK, ERR_OK, true},
	{"manifest", NULL, run_manifest, NULL, NULL, ERR_OK, ERR_OK, true},
	{"backup", prepare_shelf, run_backup, NULL, clear_shelf, ERR_OK, ERR_DAMAGED, true},
	{"restore", prepare_backup, run_restore, NULL, clear_shelf, ERR_OK, ERR_DAMAGED, true},
};
const size_t malloc_plain_count = sizeof(malloc_plain) / sizeof(malloc_plain[0]);
