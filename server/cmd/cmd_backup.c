/*
 * `kith backup FILE`: a copy of everything, beside a running node or without one. `kith move-out
 * FILE`: the same to go on with elsewhere, after this node has laid down its pen for good.
 */
#include "cmd/client.h"
#include "cmd/local.h"
#include "cmd/opener.h"
#include "config/config.h"

#include "store/backup.h"
#include "store/secret.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096 };

struct backup_args {
	const char *command;
	const char *data, *passphrase_file, *file;
	bool is_json;
	enum bundle_kind kind;
};

static int read_args(struct backup_args *args, int argc, char **argv)
{
	const struct cmd_option options[] = {{"--data", &args->data, NULL},
		{"--passphrase-file", &args->passphrase_file, NULL},
		{"--json", NULL, &args->is_json}};
	args->command = argv[0];
	int plain = cmd_options(argv[0], argc, argv, options, 3);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	args->file = argv[1];
	return plain == 1 ? -1 : cmd_usage(cmd_find(argv[0]), "it takes the name of the new file");
}

/* The secret file as it is: whatever protects it, protects it in the backup too. */
static enum err read_secret(const char *dir, struct buf *out)
{
	struct buf path = BUF_INIT(DIR_BYTES);
	enum err err = config_path(dir, "secret", &path);
	if (err == ERR_OK) {
		err = secret_read_file((const char *)path.at, out);
	}
	buf_fini(&path);
	return err;
}

static int print_result(const struct backup_args *args, const struct backup_result *result,
	const struct opener *opener, bool has_key)
{
	char key[MESSAGE_ID_TEXT_BYTES] = "";
	bool is_by_key = opener->passphrase == NULL;
	message_id_format(&result->head, key);
	if (args->is_json) {
		json_t *head = result->sequence == 0
				       ? json_null()
				       : json_pack("{s:I,s:s}", "sequence",
						 (json_int_t)result->sequence, "key", key);
		json_t *answer = json_pack("{s:s,s:I,s:I,s:o,s:I,s:i,s:b,s:s}", "file", args->file,
			"bytes", (json_int_t)result->bytes, "created",
			(json_int_t)result->created_ms, "head", head, "messages",
			(json_int_t)result->messages, "holders", (int)result->holders, "has_key",
			has_key, "opens_with", is_by_key ? "key" : "passphrase");
		int code = client_print_json(answer);
		json_decref(answer);
		return code;
	}
	(void)printf("%s holds %" PRIu64 " messages, yours up to number %" PRIu64
		     ", in %.1f MB. It was read back and is whole.\n",
		args->file, result->messages, result->sequence, (double)result->bytes / 1000000.0);
	(void)puts(is_by_key
			   ? "It opens with your key, which is not in it: keep your words or your "
			     "secret file elsewhere."
			   : "It opens with the passphrase, and your key is in it: keep the two "
			     "apart.");
	if (args->kind == BUNDLE_BACKUP) {
		(void)printf("Rehearse it: kith restore '%s' --rehearse\n", args->file);
	}
	return EXIT_GOOD;
}

static enum err write_bundle(const struct backup_args *args, struct store *store,
	struct span secret, const struct opener *opener, struct backup_result *result)
{
	char why[WHY_BYTES] = "";
	const struct backup_opts opts = {.store = store,
		.path = args->file,
		.kind = args->kind,
		.opener = opener->is,
		.secret = secret,
		.room_bytes = LIMIT_DISK_FREE_OWN_BYTES};
	enum err err = backup_write(&opts, result, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail(args->command, "%s", why);
	}
	return err;
}

/* Open the directory beside whoever runs on it, and write. */
static int back_up(const struct backup_args *args, const struct opener *opener)
{
	struct store *store = NULL;
	struct reader *reader = NULL;
	struct buf secret = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	struct backup_result result;
	int code = EXIT_BAD;
	bool has_key = opener->passphrase != NULL;
	if (local_open_read(args->command, args->data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	enum err err = has_key ? read_secret(store_dir(store), &secret) : ERR_OK;
	if (err != ERR_OK) {
		(void)cmd_fail(args->command, "the key in %s cannot be read", store_dir(store));
	} else if (write_bundle(args, store, buf_span(&secret), opener, &result) == ERR_OK) {
		code = print_result(args, &result, opener, has_key);
	}
	buf_wipe(&secret);
	local_close_read(store, reader);
	return code;
}

static enum err use_own_key(const struct backup_args *args, struct opener *out)
{
	struct key *key = NULL;
	enum err err = opener_own_key(args->command, args->data, NULL, &key);
	if (err == ERR_NOT_FOUND) {
		(void)cmd_fail(args->command, "there is no key in the data directory");
	}
	return err == ERR_OK ? opener_by_key(args->command, key, out) : err;
}

int cmd_backup(int argc, char **argv)
{
	struct backup_args args = {.kind = BUNDLE_BACKUP};
	struct opener opener = {.key = NULL};
	int code = read_args(&args, argc, argv);
	if (code >= 0) {
		return code;
	}
	enum err err = opener_make_passphrase(args.command, args.passphrase_file, true, &opener);
	if (err == ERR_NOT_FOUND) {
		err = use_own_key(&args, &opener);
	}
	code = err == ERR_OK ? back_up(&args, &opener) : EXIT_BAD;
	opener_fini(&opener);
	return code;
}

/* What must not fail behind the step that cannot be taken back. */
static bool can_write(const struct backup_args *args)
{
	char *part = NULL;
	if (access(args->file, F_OK) == 0) {
		(void)cmd_fail(args->command, "%s is there already, and stays", args->file);
		return false;
	}
	if (asprintf(&part, "%s.partial", args->file) < 0) {
		return false;
	}
	int fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		(void)cmd_fail(
			args->command, "%s cannot be written; nothing was changed", args->file);
	} else {
		(void)close(fd);
		(void)unlink(part);
	}
	free(part);
	return fd >= 0;
}

static bool retire(const struct backup_args *args)
{
	const struct client_options options = {.name = args->command, .data = args->data};
	struct client *client = client_open(&options, false);
	json_t *answer = client == NULL
				 ? NULL
				 : client_post(client, "/api/safety/move",
					   json_pack("{s:s,s:b}", "confirm", "move", "bundle", 0));
	bool is_retired = answer != NULL;
	json_decref(answer);
	client_close(client);
	return is_retired;
}

int cmd_move_out(int argc, char **argv)
{
	struct backup_args args = {.kind = BUNDLE_MOVE};
	struct opener opener = {.key = NULL};
	int code = read_args(&args, argc, argv);
	if (code >= 0) {
		return code;
	}
	enum err err = opener_make_passphrase(args.command, args.passphrase_file, false, &opener);
	if (err == ERR_NOT_FOUND) {
		(void)cmd_fail(args.command,
			"your key goes with it, so it needs a passphrase: on a "
			"terminal or with --passphrase-file");
	}
	code = EXIT_BAD;
	if (err == ERR_OK && can_write(&args) && retire(&args)) {
		code = back_up(&args, &opener);
		if (code != EXIT_GOOD) {
			(void)cmd_fail(args.command,
				"this node is retired, but the file was not written: run it again");
		} else if (!args.is_json) {
			(void)printf("This node is retired: it never publishes again.\n"
				     "On the new machine: kith restore '%s', then kith run. It "
				     "publishes once a friend has confirmed your newest message.\n",
				args.file);
		}
	}
	opener_fini(&opener);
	return code;
}
