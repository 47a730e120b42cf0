/* store/secret: the key's file is private, whole or as it was, and no plain copy stays behind when
 * it is locked. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/file.h"
#include "base/limits.h"
#include "store/secret.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WHY_BYTES = 512, PATH_BYTES = 512 };

static char dir[128];
static char why[WHY_BYTES];

static const char *path_of(const char *name)
{
	static char path[PATH_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void remove_below(const char *path)
{
	DIR *open = opendir(path);
	struct dirent *row = NULL;
	while (open != NULL && (row = readdir(open)) != NULL) {
		char below[PATH_BYTES];
		(void)snprintf(below, sizeof(below), "%s/%s", path, row->d_name);
		if (row->d_name[0] != '.' && unlink(below) != 0) {
			remove_below(below);
		}
	}
	if (open != NULL) {
		(void)closedir(open);
	}
	(void)rmdir(path);
}

/* In the place of the C library's: notes what is synced. */
static struct {
	ino_t at[16];
	size_t count;
} synced;

int fsync(int fd)
{
	struct stat info;
	if (fstat(fd, &info) == 0 && synced.count < 16) {
		synced.at[synced.count++] = info.st_ino;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* The place of `path` among what was synced, from 1; 0: it was not. */
static size_t when_synced(const char *path)
{
	struct stat info;
	assert_int_equal(stat(path, &info), 0);
	for (size_t i = 0; i < synced.count; i++) {
		if (synced.at[i] == info.st_ino) {
			return i + 1;
		}
	}
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	folder_make(dir, sizeof(dir), "kith-test");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	remove_below(dir);
	return 0;
}

static struct key *new_key(void)
{
	struct key *key = NULL;
	assert_int_equal(key_generate(&key), ERR_OK);
	return key;
}

static enum err load(const char *passphrase, const struct key *wanted)
{
	struct key *key = NULL;
	enum err err = secret_load(dir, span_text(passphrase), &key, why, sizeof(why));
	if (err == ERR_OK) {
		assert_true(feed_id_equal(key_id(key), key_id(wanted)));
	}
	key_free(key);
	return err;
}

static size_t count_files(void)
{
	DIR *open = opendir(dir);
	size_t count = 0;
	assert_non_null(open);
	for (struct dirent *row = readdir(open); row != NULL; row = readdir(open)) {
		count += row->d_name[0] == '.' ? 0 : 1;
	}
	(void)closedir(open);
	return count;
}

static void makes_a_private_file_and_never_a_second(void **state)
{
	struct stat info;
	struct key *key = new_key();
	struct key *other = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(stat(path_of("secret"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(secret_create(dir, other, why, sizeof(why)), ERR_EXISTS);
	assert_int_equal(load("", key), ERR_OK);
	key_free(key);
	key_free(other);
}

static void the_file_is_synced_and_then_its_directory(void **state)
{
	struct key *key = new_key();
	struct key *other = new_key();
	(void)state;
	synced.count = 0;
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(when_synced(path_of("secret")), 1);
	assert_int_equal(when_synced(dir), 2);

	synced.count = 0;
	assert_int_equal(
		secret_rewrite(dir, key, span_text("a passphrase"), why, sizeof(why)), ERR_OK);
	assert_int_equal(when_synced(path_of("secret")), 1);
	assert_true(when_synced(dir) > 1);

	synced.count = 0;
	assert_int_equal(secret_replace(dir, other, 1795351736968, why, sizeof(why)), ERR_OK);
	assert_int_equal(when_synced(path_of("secret")), 1);
	assert_true(when_synced(path_of("replaced-2026-11-22")) > 1);
	assert_true(when_synced(dir) > 1);
	key_free(key);
	key_free(other);
}

static void refuses_a_file_that_others_may_read(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0610, 0666};
	struct secret_facts facts;
	struct key *key = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path_of("secret"), modes[i]), 0);
		assert_int_equal(load("", key), ERR_DENIED);
		assert_non_null(strstr(why, "chmod 600"));
		assert_int_equal(secret_look(dir, &facts, why, sizeof(why)), ERR_DENIED);
	}
	key_free(key);
}

static void says_what_is_there(void **state)
{
	static char big[1000 * LIMIT_SECRET_FILE_BYTES];
	struct key *key = new_key();
	(void)state;
	assert_int_equal(load("", key), ERR_NOT_FOUND);
	memset(big, ' ', sizeof(big));
	static const size_t sizes[] = {LIMIT_SECRET_FILE_BYTES + 1, sizeof(big)};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
			file_replace(path_of("secret"), span_of(big, sizes[i]), 0600), ERR_OK);
		assert_int_equal(load("", key), ERR_LIMIT);
	}
	assert_int_equal(
		file_replace(path_of("secret"), span_of(big, LIMIT_SECRET_FILE_BYTES), 0600),
		ERR_OK);
	assert_int_equal(load("", key), ERR_REFUSED);
	key_free(key);
}

static void locks_changes_and_unlocks(void **state)
{
	struct secret_facts facts;
	struct stat info;
	struct key *key = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(
		secret_rewrite(dir, key, span_text("first passphrase"), why, sizeof(why)), ERR_OK);
	assert_int_equal(stat(path_of("secret"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(secret_look(dir, &facts, why, sizeof(why)), ERR_OK);
	assert_true(facts.is_wrapped && feed_id_equal(&facts.id, key_id(key)));
	assert_int_equal(load("", key), ERR_LOCKED);
	assert_int_equal(load("second passphrase", key), ERR_LOCKED);
	assert_int_equal(load("first passphrase", key), ERR_OK);

	assert_int_equal(
		secret_rewrite(dir, key, span_text("second passphrase"), why, sizeof(why)), ERR_OK);
	assert_int_equal(load("first passphrase", key), ERR_LOCKED);
	assert_int_equal(load("second passphrase", key), ERR_OK);

	assert_int_equal(secret_rewrite(dir, key, span_text(""), why, sizeof(why)), ERR_OK);
	assert_int_equal(load("", key), ERR_OK);
	assert_int_equal(secret_look(dir, &facts, why, sizeof(why)), ERR_OK);
	assert_false(facts.is_wrapped);
	assert_int_equal(count_files(), 1);
	key_free(key);
}

static void leaves_no_plain_byte_when_it_locks(void **state)
{
	uint8_t bytes[4096];
	struct key *key = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	/* What an earlier attempt left behind, and somebody who still has the old file open. */
	assert_int_equal(
		file_create(path_of("secret.new"), span_text("old plain bytes"), 0600), ERR_OK);
	FILE *old = fopen(path_of("secret"), "rb");
	assert_non_null(old);
	assert_int_equal(
		secret_rewrite(dir, key, span_text("a passphrase"), why, sizeof(why)), ERR_OK);
	assert_int_equal(count_files(), 1);
	size_t count = fread(bytes, 1, sizeof(bytes), old);
	assert_true(count > 100);
	assert_true(sodium_is_zero(bytes, count) == 1);
	(void)fclose(old);
	key_free(key);
}

static void leaves_alone_what_has_another_name(void **state)
{
	struct buf before = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	struct buf after = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	char other[PATH_BYTES];
	struct key *key = new_key();
	(void)state;
	(void)snprintf(other, sizeof(other), "%s/ssb-secret", dir);
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(link(path_of("secret"), other), 0);
	assert_int_equal(file_read(other, &before), ERR_OK);
	assert_int_equal(
		secret_rewrite(dir, key, span_text("a passphrase"), why, sizeof(why)), ERR_OK);
	assert_int_equal(file_read(other, &after), ERR_OK);
	assert_true(span_equal(buf_span(&before), buf_span(&after)));

	/* A symbolic link is not followed and not replaced. */
	assert_int_equal(unlink(path_of("secret")), 0);
	assert_int_equal(symlink(other, path_of("secret")), 0);
	assert_int_equal(
		secret_rewrite(dir, key, span_text("a passphrase"), why, sizeof(why)), ERR_REFUSED);
	assert_int_equal(load("", key), ERR_OK);
	buf_fini(&before);
	buf_fini(&after);
	key_free(key);
}

static void keeps_what_it_was_when_it_cannot_write(void **state)
{
	struct key *key = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(secret_rewrite(dir, key, span_text("short"), why, sizeof(why)), ERR_LIMIT);
	assert_int_equal(load("", key), ERR_OK);
	/* A directory where the temporary file would be. */
	assert_int_equal(mkdir(path_of("secret.new"), 0700), 0);
	assert_int_not_equal(
		secret_rewrite(dir, key, span_text("a passphrase"), why, sizeof(why)), ERR_OK);
	assert_int_equal(load("", key), ERR_OK);
	key_free(key);
}

static void moves_everything_of_the_key_before_it_aside(void **state)
{
	static const char *const names[] = {"kith.db", "kith.db-wal", "fence"};
	struct key *first = new_key();
	struct key *second = new_key();
	struct key *third = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, first, why, sizeof(why)), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(file_create(path_of(names[i]), span_text(names[i]), 0600), ERR_OK);
	}
	/* 2026-11-22 */
	assert_int_equal(secret_replace(dir, second, 1795351736968, why, sizeof(why)), ERR_OK);
	assert_int_equal(load("", second), ERR_OK);
	assert_int_equal(count_files(), 2);
	for (size_t i = 0; i < 3; i++) {
		char moved[PATH_BYTES];
		struct buf text = BUF_INIT(64);
		(void)snprintf(moved, sizeof(moved), "%s/replaced-2026-11-22/%s", dir, names[i]);
		assert_int_equal(file_read(moved, &text), ERR_OK);
		assert_true(span_equal_text(buf_span(&text), names[i]));
		buf_fini(&text);
	}
	/* Twice on one day: nothing is overwritten. */
	assert_int_equal(secret_replace(dir, third, 1795351736968, why, sizeof(why)), ERR_OK);
	assert_int_equal(load("", third), ERR_OK);
	(void)snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/replaced-2026-11-22");
	assert_int_equal(load("", first), ERR_OK);
	(void)snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "-2");
	assert_int_equal(load("", second), ERR_OK);
	*strrchr(dir, '/') = '\0';
	key_free(first);
	key_free(second);
	key_free(third);
}

static void a_replacement_that_fails_changes_nothing(void **state)
{
	struct key *first = new_key();
	struct key *second = new_key();
	(void)state;
	assert_int_equal(secret_create(dir, first, why, sizeof(why)), ERR_OK);
	assert_int_equal(file_create(path_of("kith.db"), span_text("messages"), 0600), ERR_OK);
	assert_int_equal(mkdir(path_of("secret.new"), 0700), 0);
	assert_int_not_equal(secret_replace(dir, second, 1795351736968, why, sizeof(why)), ERR_OK);
	assert_true(why[0] != '\0');
	assert_int_equal(load("", first), ERR_OK);
	assert_int_equal(access(path_of("kith.db"), F_OK), 0);
	assert_int_not_equal(access(path_of("replaced-2026-11-22"), F_OK), 0);
	key_free(first);
	key_free(second);
}

#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(makes_a_private_file_and_never_a_second),
		IN_A_DIRECTORY(the_file_is_synced_and_then_its_directory),
		IN_A_DIRECTORY(refuses_a_file_that_others_may_read),
		IN_A_DIRECTORY(says_what_is_there),
		IN_A_DIRECTORY(locks_changes_and_unlocks),
		IN_A_DIRECTORY(leaves_no_plain_byte_when_it_locks),
		IN_A_DIRECTORY(leaves_alone_what_has_another_name),
		IN_A_DIRECTORY(keeps_what_it_was_when_it_cannot_write),
		IN_A_DIRECTORY(moves_everything_of_the_key_before_it_aside),
		IN_A_DIRECTORY(a_replacement_that_fails_changes_nothing),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
