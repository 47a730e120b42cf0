/* base/file: whole or not at all, never overwritten by accident, one lock per directory. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static const char *path_of(const char *name)
{
	static char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int make_directory(void **state)
{
	(void)state;
	folder_make(directory, sizeof(directory), "kith-test");
	return 0;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"a", "a.new", "b", "lock", "link", "x/y/z", "x/y", "x"};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)remove(path_of(names[i]));
	}
	return rmdir(directory);
}

static void assert_holds(const char *name, const char *text)
{
	struct buf out = BUF_INIT(1000);
	assert_int_equal(file_read(path_of(name), &out), ERR_OK);
	assert_true(span_equal_text(buf_span(&out), text));
	buf_fini(&out);
}

static void creates_with_the_mode_and_never_over_a_file(void **state)
{
	(void)state;
	struct stat about;
	assert_int_equal(file_create(path_of("a"), span_text("first"), 0600), ERR_OK);
	assert_int_equal(stat(path_of("a"), &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(file_create(path_of("a"), span_text("second"), 0600), ERR_EXISTS);
	assert_holds("a", "first");
}

static void creates_through_no_symbolic_link(void **state)
{
	(void)state;
	char target[256];
	(void)snprintf(target, sizeof(target), "%s", path_of("b"));
	assert_int_equal(symlink(target, path_of("link")), 0);
	assert_int_not_equal(file_create(path_of("link"), span_text("x"), 0600), ERR_OK);
	assert_int_not_equal(access(target, F_OK), 0);
}

static void replaces_as_a_whole_and_leaves_nothing_beside(void **state)
{
	(void)state;
	assert_int_equal(file_replace(path_of("a"), span_text("one"), 0600), ERR_OK);
	assert_holds("a", "one");
	/* What a power cut left behind is no hindrance. */
	assert_int_equal(file_create(path_of("a.new"), span_text("half"), 0600), ERR_OK);
	assert_int_equal(file_replace(path_of("a"), span_text("two"), 0600), ERR_OK);
	assert_holds("a", "two");
	assert_int_not_equal(access(path_of("a.new"), F_OK), 0);
}

static void reads_up_to_the_cap(void **state)
{
	(void)state;
	struct buf fits = BUF_INIT(5);
	struct buf small = BUF_INIT(4);
	assert_int_equal(file_replace(path_of("a"), span_text("12345"), 0600), ERR_OK);
	assert_int_equal(file_read(path_of("a"), &fits), ERR_OK);
	assert_int_equal(fits.len, 5);
	assert_int_equal(file_read(path_of("a"), &small), ERR_LIMIT);
	assert_int_equal(file_read(path_of("none"), &fits), ERR_NOT_FOUND);
	buf_fini(&fits);
	buf_fini(&small);
}

static void makes_directories_for_the_owner_only(void **state)
{
	(void)state;
	struct stat about;
	assert_int_equal(file_make_dir(path_of("x/y/z")), ERR_OK);
	assert_int_equal(file_make_dir(path_of("x/y/z")), ERR_OK);
	assert_int_equal(stat(path_of("x/y"), &about), 0);
	assert_true(S_ISDIR(about.st_mode));
	assert_int_equal(about.st_mode & 0077, 0);
	assert_int_equal(file_create(path_of("a"), span_text("file"), 0600), ERR_OK);
	assert_int_equal(file_make_dir(path_of("a/b")), ERR_IO);
	assert_int_equal(file_make_dir(""), ERR_IO);
	assert_int_equal(file_make_dir("/"), ERR_OK);
}

static void locks_a_directory_for_one_process(void **state)
{
	(void)state;
	int fd = -1;
	assert_int_equal(file_lock_dir(directory, &fd), ERR_OK);
	pid_t pid = fork();
	if (pid == 0) {
		int other = -1;
		_exit(file_lock_dir(directory, &other) == ERR_BUSY ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(file_lock_dir(directory, &fd), ERR_OK);
	assert_int_equal(close(fd), 0);
}

#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(creates_with_the_mode_and_never_over_a_file),
		IN_A_DIRECTORY(creates_through_no_symbolic_link),
		IN_A_DIRECTORY(replaces_as_a_whole_and_leaves_nothing_beside),
		IN_A_DIRECTORY(reads_up_to_the_cap),
		IN_A_DIRECTORY(makes_directories_for_the_owner_only),
		IN_A_DIRECTORY(locks_a_directory_for_one_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
