/*
 * `kith restore FILE`: a data directory from a backup, or with --rehearse only the proof that it
 * could be made. Either way everything is unpacked and judged first; on any failure the directory
 * is as it was.
 */
#include "cmd/client.h"
#include "cmd/opener.h"
#include "config/config.h"

#include "base/file.h"
#include "feed/wrap.h"
#include "store/audit.h"
#include "store/restore.h"
#include "store/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096, FAULTS_PRINTED_MAX = 20 };

struct restore_args {
	const char *data, *passphrase_file, *secret_file, *file;
	bool is_rehearsal, has_words, is_json;
};

/* One restore on its way. */
struct work {
	const struct restore_args *args;
	struct buf dir; /* what is restored into */
	int fd;
	int lock;
	bool made_dir, made_secret;
	struct opener opener;
	struct buf secret; /* text of the secret file for the new directory */
	struct bundle_manifest *manifest;
	struct audit audit;
};

static int read_args(struct restore_args *args, int argc, char **argv)
{
	const struct cmd_option options[] = {{"--data", &args->data, NULL},
		{"--passphrase-file", &args->passphrase_file, NULL},
		{"--secret", &args->secret_file, NULL}, {"--words", NULL, &args->has_words},
		{"--rehearse", NULL, &args->is_rehearsal}, {"--json", NULL, &args->is_json}};
	int plain = cmd_options("restore", argc, argv, options, 6);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	args->file = argv[1];
	if (plain != 1) {
		return cmd_usage(cmd_find("restore"), "it takes the name of a backup");
	}
	return args->has_words && args->secret_file != NULL
		       ? cmd_usage(cmd_find("restore"), "--secret and --words do not go together")
		       : -1;
}

static const char *dir_of(const struct work *work)
{
	return (const char *)work->dir.at;
}

/* What opens it. */

static enum err open_file(struct work *work, enum bundle_lock *lock)
{
	uint8_t bytes[BUNDLE_HEAD_BYTES];
	struct bundle_head head;
	char why[WHY_BYTES] = "";
	work->fd = open(work->args->file, O_RDONLY | O_CLOEXEC);
	if (work->fd < 0) {
		(void)cmd_fail("restore", "%s: %s", work->args->file, strerror(errno));
		return ERR_NOT_FOUND;
	}
	ssize_t count = pread(work->fd, bytes, sizeof(bytes), 0);
	if (count < 0) {
		(void)cmd_fail("restore", "%s: %s", work->args->file, strerror(errno));
		return ERR_IO;
	}
	enum err err = bundle_head_parse(span_of(bytes, (size_t)count), &head, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "%s", why);
	}
	*lock = head.lock;
	return err;
}

/* The key that was given, or, without one, that of the data directory. */
static enum err find_key(struct work *work, struct key **out)
{
	const struct restore_args *args = work->args;
	if (args->has_words) {
		return opener_read_key("restore", NULL, out);
	}
	if (args->secret_file != NULL) {
		return opener_read_secret("restore", args->secret_file, args->passphrase_file, out);
	}
	enum err err = opener_own_key("restore", args->data, args->passphrase_file, out);
	if (err == ERR_NOT_FOUND) {
		(void)cmd_fail("restore", "this backup opens with your key: give it with --words "
					  "or --secret FILE");
	}
	return err;
}

static enum err find_opener(struct work *work)
{
	enum bundle_lock lock = BUNDLE_BY_PASSPHRASE;
	struct key *key = NULL;
	enum err err = open_file(work, &lock);
	if (err != ERR_OK) {
		return err;
	}
	if (lock == BUNDLE_BY_PASSPHRASE) {
		return opener_ask_passphrase("restore", work->args->passphrase_file, &work->opener);
	}
	err = find_key(work, &key);
	return err == ERR_OK ? opener_by_key("restore", key, &work->opener) : err;
}

/* Where it goes. */

static enum err make_rehearsal_dir(struct work *work)
{
	struct buf data = BUF_INIT(DIR_BYTES);
	const char *temporary = getenv("TMPDIR");
	enum err err = config_data_dir(work->args->data, &data);
	const char *const places[] = {
		err == ERR_OK ? dirname((char *)data.at) : NULL, temporary, "/tmp"};
	bool is_made = false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !is_made; i++) {
		buf_clear(&work->dir);
		is_made = places[i] != NULL &&
			  buf_printf(&work->dir, "%s/kith-rehearsal-XXXXXX", places[i]) == ERR_OK &&
			  buf_cstr(&work->dir) != NULL && mkdtemp((char *)work->dir.at) != NULL;
	}
	buf_fini(&data);
	work->made_dir = is_made;
	if (!is_made) {
		(void)cmd_fail("restore", "there is no place to rehearse in: set TMPDIR");
	}
	return is_made ? ERR_OK : ERR_IO;
}

static enum err make_dir(struct work *work)
{
	struct stat is;
	enum err err = config_data_dir(work->args->data, &work->dir);
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "%s", config_data_dir_why(err));
		return err;
	}
	bool was_there = lstat(dir_of(work), &is) == 0;
	err = file_make_dir(dir_of(work));
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "%s: %s", dir_of(work), strerror(errno));
		return err;
	}
	work->made_dir = !was_there;
	err = file_lock_dir(dir_of(work), &work->lock);
	if (err != ERR_OK) {
		(void)cmd_fail("restore",
			err == ERR_BUSY ? "a node is running on %s; restore into an empty directory"
					: "%s cannot be locked: may you write there?",
			dir_of(work));
	}
	return err;
}

/* The key of the new directory. */

static enum err compare_key(struct work *work, const struct feed_id *id)
{
	if (feed_id_equal(id, &work->manifest->identity)) {
		return ERR_OK;
	}
	(void)cmd_fail("restore", "the key and this backup are not of the same person");
	return ERR_REFUSED;
}

/* Locked or not: a locked one stays as it is, and opens with its own passphrase. */
static enum err judge_secret(struct work *work)
{
	struct feed_id id = {{0}};
	struct key *key = NULL;
	const char *reason = NULL;
	enum err err = ERR_OK;
	if (wrap_is(buf_span(&work->secret))) {
		err = wrap_read_id(buf_span(&work->secret), &id, &reason);
	} else {
		err = key_from_text(buf_span(&work->secret), &key, &reason);
		if (err == ERR_OK) {
			id = *key_id(key);
		}
		key_free(key);
	}
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "the key in this backup: %s",
			reason != NULL ? reason : err_text(err));
		return err;
	}
	return compare_key(work, &id);
}

/* Of the backup, or the one that opened it. */
static enum err take_key(struct work *work)
{
	enum err err = ERR_OK;
	if (work->secret.len > 0) {
		return judge_secret(work);
	}
	if (work->opener.key == NULL) {
		err = find_key(work, &work->opener.key);
	}
	if (err == ERR_OK) {
		err = compare_key(work, key_id(work->opener.key));
	}
	if (err == ERR_OK && work->args->secret_file != NULL && !work->args->has_words) {
		/* As it was given: a locked one stays locked. */
		err = secret_read_file(work->args->secret_file, &work->secret);
		return err == ERR_OK ? judge_secret(work) : err;
	}
	if (err == ERR_OK && key_to_text(work->opener.key, &work->secret) != ERR_OK) {
		(void)cmd_fail("restore", "there is no memory for the key");
		err = ERR_NOMEM;
	}
	return err;
}

static enum err write_secret(struct work *work)
{
	struct buf path = BUF_INIT(DIR_BYTES);
	struct secret_facts facts;
	char why[WHY_BYTES] = "";
	enum err err = config_path(dir_of(work), "secret", &path);
	if (err == ERR_OK) {
		err = file_create((const char *)path.at, buf_span(&work->secret), 0600);
		work->made_secret = err == ERR_OK;
	}
	if (err == ERR_EXISTS) {
		err = secret_look(dir_of(work), &facts, why, sizeof(why));
		if (err != ERR_OK) {
			(void)cmd_fail("restore", "%s", why);
		} else {
			err = compare_key(work, &facts.id);
		}
	} else if (err != ERR_OK) {
		(void)cmd_fail("restore", "the key cannot be written to %s", dir_of(work));
	}
	buf_fini(&path);
	return err;
}

/* The work. */

static enum err unpack(struct work *work)
{
	char why[WHY_BYTES] = "";
	const struct restore_opts opts = {.fd = work->fd,
		.opener = work->opener.is,
		.dir = dir_of(work),
		.env = env_system()};
	enum err err = restore_unpack(&opts, work->manifest, &work->secret, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "%s", why);
	}
	return err;
}

static enum err finish(struct work *work)
{
	char why[WHY_BYTES] = "";
	enum err err = restore_finish(dir_of(work), why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "%s", why);
	}
	return err;
}

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	const struct work *work = ctx;
	if (work->audit.faults <= FAULTS_PRINTED_MAX) {
		(void)fprintf(stderr, "%s\n", fault->sentence);
	}
}

/* As the next start would: bring it up to date, then believe nothing. */
static enum err audit(struct work *work)
{
	struct store *store = NULL;
	char why[WHY_BYTES] = "";
	const struct store_opts opts = {
		.dir = dir_of(work), .env = env_system(), .self = work->manifest->identity};
	enum err err = store_open(&opts, &store, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "%s", why);
		return err;
	}
	work->audit = (struct audit){.on_fault = on_fault, .ctx = work};
	err = audit_run(store, NULL, &work->audit);
	if (err != ERR_OK) {
		(void)cmd_fail("restore", "the check could not be finished: %s", err_text(err));
	}
	store_close(store);
	return err;
}

static enum err do_all(struct work *work)
{
	enum err err = find_opener(work);
	if (err == ERR_OK) {
		err = work->args->is_rehearsal ? make_rehearsal_dir(work) : make_dir(work);
	}
	if (err == ERR_OK) {
		err = unpack(work);
	}
	if (err == ERR_OK) {
		err = take_key(work);
	}
	if (err == ERR_OK && !work->args->is_rehearsal) {
		err = write_secret(work);
	}
	if (err == ERR_OK) {
		err = finish(work);
	}
	return err == ERR_OK && work->args->is_rehearsal ? audit(work) : err;
}

/* Leaving. */

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *at)
{
	(void)is;
	(void)kind;
	(void)at;
	return remove(path);
}

static void take_back(struct work *work)
{
	static const char *const names[] = {"secret", "lock"};
	restore_undo(dir_of(work));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf path = BUF_INIT(DIR_BYTES);
		bool is_ours = i == 0 ? work->made_secret : work->made_dir;
		if (is_ours && config_path(dir_of(work), names[i], &path) == ERR_OK) {
			(void)unlink((const char *)path.at);
		}
		buf_fini(&path);
	}
	if (work->made_dir) {
		(void)rmdir(dir_of(work));
	}
}

static void leave(struct work *work, enum err err)
{
	if (work->args->is_rehearsal && work->made_dir) {
		(void)nftw(dir_of(work), remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	} else if (err != ERR_OK && work->lock >= 0) {
		take_back(work);
	}
	if (work->lock >= 0) {
		(void)close(work->lock);
	}
	if (work->fd >= 0) {
		(void)close(work->fd);
	}
	opener_fini(&work->opener);
	buf_wipe(&work->secret);
	buf_fini(&work->dir);
	free(work->manifest);
}

/* What is said. */

static int print_json(const struct work *work)
{
	const struct bundle_manifest *manifest = work->manifest;
	char id[FEED_ID_TEXT_BYTES];
	char key[MESSAGE_ID_TEXT_BYTES];
	feed_id_format(&manifest->identity, id);
	message_id_format(&manifest->head, key);
	json_t *head = manifest->sequence == 0
			       ? json_null()
			       : json_pack("{s:I,s:s}", "sequence", (json_int_t)manifest->sequence,
					 "key", key);
	json_t *holders = json_array();
	for (size_t i = 0; i < manifest->holder_count; i++) {
		const struct bundle_holder *holder = &manifest->holders[i];
		char peer[FEED_ID_TEXT_BYTES];
		feed_id_format(&holder->peer, peer);
		(void)json_array_append_new(holders,
			json_pack("{s:s,s:I,s:I}", "id", peer, "sequence",
				(json_int_t)holder->sequence, "at", (json_int_t)holder->seen_ms));
	}
	json_t *answer = json_pack("{s:b,s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:b,s:o,s:o}", "rehearsal",
		work->args->is_rehearsal, "kind", manifest->kind == BUNDLE_MOVE ? "move" : "backup",
		"id", id, "head", head, "created", (json_int_t)manifest->created_ms, "feeds",
		(json_int_t)manifest->feeds, "messages", (json_int_t)manifest->messages, "posts",
		(json_int_t)manifest->posts, "was_served", manifest->was_served, "holders", holders,
		"faults",
		work->args->is_rehearsal ? json_integer((json_int_t)work->audit.faults)
					 : json_null());
	int code = client_print_json(answer);
	json_decref(answer);
	return code;
}

static void print_text(const struct work *work)
{
	const struct bundle_manifest *manifest = work->manifest;
	char date[CMD_TIME_BYTES];
	char id[FEED_ID_TEXT_BYTES];
	(void)cmd_time(manifest->created_ms, date);
	feed_id_format(&manifest->identity, id);
	(void)printf("%s of %s, made %s: %" PRIu64 " messages of %" PRIu64
		     " feeds. Your newest message in it is number %" PRIu64 ".\n",
		manifest->kind == BUNDLE_MOVE ? "A move" : "A backup", id, date, manifest->messages,
		manifest->feeds, manifest->sequence);
	(void)printf("People known to hold messages of yours when it was made: %zu.\n",
		manifest->holder_count);
	if (work->args->is_rehearsal && work->audit.faults == 0) {
		(void)puts("Rehearsed: every hash, signature and link in it is right, and nothing "
			   "was kept.");
	} else if (work->args->is_rehearsal) {
		(void)printf("Rehearsed: it has %" PRIu64 " faults. Nothing was kept.\n",
			work->audit.faults);
	} else {
		(void)printf("Restored to %s. Start it with kith run: publishing is paused until "
			     "it is known whether you have posted since.\n",
			dir_of(work));
	}
}

int cmd_restore(int argc, char **argv)
{
	struct restore_args args = {.data = NULL};
	int code = read_args(&args, argc, argv);
	if (code >= 0) {
		return code;
	}
	struct work work = {.args = &args,
		.dir = BUF_INIT(DIR_BYTES),
		.secret = BUF_INIT(LIMIT_SECRET_FILE_BYTES),
		.fd = -1,
		.lock = -1,
		.manifest = calloc(1, sizeof(*work.manifest))};
	/* All the room for the secret at once: growing would leave copies behind. */
	bool has_room =
		work.manifest != NULL && buf_reserve(&work.secret, LIMIT_SECRET_FILE_BYTES) != NULL;
	enum err err = has_room ? do_all(&work) : ERR_NOMEM;
	code = EXIT_BAD;
	if (err == ERR_OK) {
		code = work.audit.faults == 0 ? EXIT_GOOD : EXIT_BAD;
		if (args.is_json) {
			int printed = print_json(&work);
			code = printed == EXIT_GOOD ? code : printed;
		} else {
			print_text(&work);
		}
	}
	leave(&work, err);
	return code;
}
