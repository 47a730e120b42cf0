/* `kith safety`, `resume`, `drafts`, `want` and `check --repair` as somebody types them, on a
 * stopped node whose safety file is gone. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/err.h"

#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_BYTES = 16384, PATH_BYTES = 4096 };

static char program[PATH_BYTES];
static char dir[64];

static int set_up(void **state)
{
	(void)state;
	folder_make(dir, sizeof(dir), "kith-safety");
	return 0;
}

static int tear_down(void **state)
{
	char line[128];
	(void)state;
	(void)snprintf(line, sizeof(line), "rm -r %s", dir);
	return system(line) == 0 ? 0 : -1;
}

/* Both outputs of `kith ARGS --data DIR`; the exit code must be `code`. Static. */
static const char *kith(int code, const char *args)
{
	static char text[TEXT_BYTES];
	char line[PATH_BYTES + 1024];
	(void)snprintf(
		line, sizeof(line), "'%s' %s --data %s 2>&1 < /dev/null", program, args, dir);
	FILE *out = popen(line, "r");
	assert_non_null(out);
	text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
	int status = pclose(out);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != code) {
		fail_msg("kith %s: exit %d: %s", args, WEXITSTATUS(status), text);
	}
	return text;
}

static void expect(int code, const char *args, const char *part)
{
	const char *text = kith(code, args);
	assert_non_null(text);
	if (strstr(text, part) == NULL) {
		fail_msg("kith %s: no \"%s\" in: %s", args, part, text);
	}
}

static void lose_the_fence(void)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/fence", dir);
	assert_int_equal(unlink(path), 0);
}

static void a_pause_is_told_and_ended_by_the_owners_word(void **state)
{
	(void)state;
	(void)kith(0, "init");
	(void)kith(0, "post one");
	(void)kith(0, "post two");
	expect(0, "safety", "state     CLEAN\n");
	lose_the_fence();
	expect(1, "post kept", "It is kept as draft 1");
	expect(1, "follow @FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519",
		"It is kept as draft 2");
	expect(0, "safety", "state     SUSPECT: publishing is paused\n");
	expect(0, "safety", "`kith resume NUMBER`");
	expect(0, "safety --json", "\"cause\":\"no_fence\"");
	expect(0, "status", "paused    The safety file beside the database is missing");
	expect(0, "drafts", "post     kept\n");
	expect(0, "drafts --json", "\"content\":{\"type\":\"post\",\"text\":\"kept\"}");
	expect(1, "drafts publish 1", "It is kept as draft 1");
	/* The number is asked for, and must be one that is here. */
	expect(2, "resume", "it takes the number");
	expect(2, "resume 0", "it takes the number");
	expect(2, "resume 2 --accept", "it takes the number");
	expect(2, "resume two", "it takes the number");
	expect(1, "resume 3", "up to number 2.");
	expect(1, "resume 3", "`kith resume --accept`");
	expect(0, "safety", "SUSPECT");
	expect(0, "resume 2", "Publishing goes on. Your next message is number 3.\n");
	expect(0, "drafts publish 1", ".sha256\n");
	expect(1, "drafts publish 1", "There is no such draft");
	(void)kith(0, "drafts drop 2");
	expect(0, "drafts", "There are no drafts.\n");
	expect(2, "drafts drop", "it takes nothing, or");
	expect(2, "drafts drop x", "it takes nothing, or");
	/* For ever. */
	expect(0, "check", "SUSPECT at message 2");
	expect(0, "check", "CLEAN at message 2");
	expect(0, "check --json", "\"fault_count\":0");
}

static void what_is_missing_can_be_accepted(void **state)
{
	(void)state;
	(void)kith(0, "init");
	(void)kith(0, "post one");
	lose_the_fence();
	expect(0, "safety", "SUSPECT");
	expect(0, "resume --accept", "Your next message is number 2.\n");
	expect(0, "post two", ".sha256\n");
}

static void somebody_is_wanted_without_a_message(void **state)
{
	(void)state;
	(void)kith(0, "init");
	expect(0, "want @FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519 net:127.0.0.1:1",
		"@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519\n");
	expect(0, "safety --json",
		"\"wants\":[\"@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519\"]");
	expect(1, "want nobody", "There is no key in this text");
	expect(2, "want", "it takes a key");
}

static void damage(const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void check_finds_and_repair_mends(void **state)
{
	(void)state;
	(void)kith(0, "init");
	(void)kith(0, "post one");
	expect(0, "check --repair", "There was nothing to mend.\n");
	damage("DELETE FROM posts; DELETE FROM figures");
	expect(1, "check", "`kith check --repair` mends what can be.\n");
	expect(0, "check --repair", "1 steps were done.\n");
	expect(0, "check", "All is well");
	expect(0, "check", "repair at message 1: What follows from the messages was made again.");
	expect(0, "check --repair --json", "{\"steps\":[],\"step_count\":0,\"left\":0,\"own\":0}");
	/* Our own feed is told of, and left alone. */
	damage("UPDATE messages SET body = zeroblob(9)");
	expect(1, "check --repair", "Your own feed is never changed by this.");
	expect(1, "check --repair --json", "\"own\":");
	expect(1, "post two", "kith post: ");
	expect(2, "check --hmac-key short", "--hmac-key takes 32 bytes");
	/* With another key no signature is right. */
	expect(1, "check --hmac-key MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", "is not valid");
}

static void shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void shell(const char *format, ...)
{
	char line[PATH_BYTES + 1024];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	assert_int_equal(system(line), 0);
}

/* A node with one post, and a copy of its directory at `away`. */
static void copy_away(char away[static 2 * sizeof(dir)])
{
	(void)kith(0, "init");
	(void)kith(0, "post one");
	(void)snprintf(away, 2 * sizeof(dir), "%s/away", dir);
	shell("mkdir %s && cp -r %s/[!a]* %s", away, dir, away);
}

/* The copy posts, too; what it posted is brought here. */
static void import_from(const char *away, const char *part)
{
	char id[64];
	char import[2 * sizeof(dir)];
	(void)snprintf(id, sizeof(id), "%.53s", kith(0, "whoami"));
	shell("'%s' resume 1 --data %s > /dev/null 2>&1", program, away);
	shell("'%s' post there --data %s > /dev/null 2>&1", program, away);
	shell("'%s' post also --data %s > /dev/null 2>&1", program, away);
	shell("'%s' feed %s --json --data %s > %s/lines 2> /dev/null", program, id, away, dir);
	(void)snprintf(import, sizeof(import), "import %s/lines", dir);
	expect(0, import, part);
}

static void fork_off(void)
{
	char away[2 * sizeof(dir)];
	copy_away(away);
	(void)kith(0, "post here");
	import_from(away, "2 of another branch");
}

/* D2 of restore.md, by a file: whoever did not make them does not go on behind them at once. */
static void messages_of_ours_that_a_file_brings_pause(void **state)
{
	char away[2 * sizeof(dir)];
	char import[2 * sizeof(dir)];
	(void)state;
	copy_away(away);
	expect(0, "safety", "state     CLEAN\n");
	import_from(away, "2 stored, 1 known");
	expect(0, "safety", "state     SUSPECT: publishing is paused\n");
	expect(0, "safety --json", "\"cause\":\"returned\"");
	expect(1, "post early", "It is kept as draft 1");
	expect(1, "resume 4", "up to number 3.");
	expect(0, "resume 3", "Publishing goes on. Your next message is number 4.\n");
	/* What is here already changes nothing. */
	(void)snprintf(import, sizeof(import), "import %s/lines", dir);
	expect(0, import, "0 stored, 3 known");
	expect(0, "safety", "state     CLEAN\n");
	expect(0, "drafts publish 1", ".sha256\n");
	expect(0, "check", "All is well: 4 messages");
}

static void the_other_side_of_a_fork_can_be_adopted(void **state)
{
	(void)state;
	(void)kith(0, "init");
	expect(0, "fork", "Your feed is not forked.\n");
	expect(0, "fork --json", "null\n");
	expect(1, "fork adopt --yes", "not forked");
	expect(1, "fork keep --yes", "not forked");
	expect(2, "fork join", "it takes nothing, `adopt` or `keep`");
	expect(2, "fork adopt --hmac-key short", "--hmac-key takes 32 bytes");
	shell("rm -r %s/*", dir);
	fork_off();
	expect(0, "safety", "two messages carry number 2: `kith fork` shows both sides");
	expect(0, "fork", "two different messages carry the number 2.\n");
	expect(0, "fork", "post  here\n");
	expect(0, "fork", "Elsewhere: 2 messages\n");
	expect(0, "fork", "post  also\n");
	expect(0, "fork --json", "\"count\":2,\"posts\":[{\"sequence\":2,");
	expect(1, "post no", "It is kept as draft 1");
	expect(1, "fork adopt", "nothing was done; say --yes");
	expect(0, "safety", "FORKED");
	/* With another key no signature is right. */
	expect(1, "fork adopt --yes --hmac-key MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
		"Message 2 of the other side is not valid");
	expect(0, "fork adopt --yes", "Your feed ends with number 3 now. 1 messages were given up");
	expect(0, "drafts", "post     here\n");
	expect(0, "check", "All is well");
	expect(0, "safety", "state     SUSPECT: publishing is paused\n");
	expect(1, "post not-yet", "It is kept as draft 3");
	expect(0, "resume 3", "Your next message is number 4.\n");
	expect(0, "drafts publish 2", ".sha256\n");
	expect(0, "fork", "Your feed is not forked.\n");
}

static void this_side_of_a_fork_can_be_kept(void **state)
{
	(void)state;
	char import[2 * sizeof(dir)];
	fork_off();
	expect(0, "fork keep --yes --json",
		"{\"chosen\":\"keep\",\"sequence\":2,\"head\":2,\"given_up\":2,\"drafts\":2");
	expect(0, "drafts", "post     there\n");
	expect(0, "resume 2", "Your next message is number 3.\n");
	/* What was decided is not asked again. */
	(void)snprintf(import, sizeof(import), "import %s/lines", dir);
	expect(0, import, "2 of another branch");
	expect(0, "safety", "state     CLEAN\n");
	expect(0, "check", "All is well");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_pause_is_told_and_ended_by_the_owners_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_missing_can_be_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			somebody_is_wanted_without_a_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(check_finds_and_repair_mends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			messages_of_ours_that_a_file_brings_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_other_side_of_a_fork_can_be_adopted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(this_side_of_a_fork_can_be_kept, set_up, tear_down),
	};
	/* build/MODE/tests/cmd/test_safety -> build/MODE/kith */
	(void)argc;
	char self[PATH_BYTES];
	char *full = realpath(argv[0], NULL);
	(void)snprintf(self, sizeof(self), "%s", full == NULL ? argv[0] : full);
	free(full);
	(void)snprintf(program, sizeof(program), "%.4000s/kith", dirname(dirname(dirname(self))));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
