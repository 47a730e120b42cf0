/* What was written to certain people, looked for in every byte that the real program leaves behind:
 * data directory, backups, what it logs, what commands print; while its key is locked nobody is
 * told any of it, and afterwards all of it is there again. */
#include "lib/cmocka.h"
#include "lib/folder.h"
#include "lib/shell.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/limits.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_BYTES = 40000, WINDOW_BYTES = 24, WINDOWS = 10, SECRETS_MAX = 40 };

/* What nobody may find, and what tells that looking finds anything. */
static const char *const words[] = {"Rhabarberkuchen", "Zwetschgenmus", "Johannisbeere",
	"Holunderblüten", "Brombeerwein", "Quittengelee", "Sanddorn", "Hagebutte"};
static const char public_word[] = "Marmeladenbrot";

static char own[64]; /* what the test itself keeps in the clear: never looked through */
static uint8_t image[IMAGE_BYTES];
static struct buf kept; /* the bytes of the secrets */
static struct span secrets[SECRETS_MAX];
static size_t secret_count;

static void add_secret(struct span bytes)
{
	assert_true(secret_count < SECRETS_MAX);
	size_t from = kept.len;
	assert_int_equal(buf_append(&kept, bytes), ERR_OK);
	secrets[secret_count++] = span_of(kept.at + from, bytes.len);
}

static int set_up(void **state)
{
	char path[sizeof(own) + 16];
	(void)shell_set_up(state);
	folder_make(own, sizeof(own), "kith-own");
	assert_int_equal(setenv("OWN", own, 1), 0);
	buf_init(&kept, 64 * KIB);
	assert_non_null(buf_reserve(&kept, 16 * KIB)); /* and never moves */
	secret_count = 0;
	randombytes_buf(image, sizeof(image));
	(void)snprintf(path, sizeof(path), "%s/image", own);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(image, 1, sizeof(image), file), sizeof(image));
	assert_int_equal(fclose(file), 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		add_secret(span_text(words[i]));
	}
	for (size_t i = 0; i < WINDOWS; i++) {
		add_secret(span_of(image + i * (IMAGE_BYTES / WINDOWS), WINDOW_BYTES));
	}
	return 0;
}

static int tear_down(void **state)
{
	folder_remove(own);
	buf_fini(&kept);
	return shell_tear_down(state);
}

/* Every file below a folder; its name is looked through too. */
static void slurp(const char *dir, struct buf *out)
{
	DIR *folder = opendir(dir);
	assert_non_null(folder);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		char path[512];
		uint8_t part[64 * 1024];
		size_t len = 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		assert_int_equal(buf_append_text(out, path), ERR_OK);
		if (entry->d_type == DT_DIR) {
			slurp(path, out);
			continue;
		}
		FILE *file = entry->d_type == DT_REG ? fopen(path, "rb") : NULL;
		while (file != NULL && (len = fread(part, 1, sizeof(part), file)) > 0) {
			assert_int_equal(buf_append(out, span_of(part, len)), ERR_OK);
		}
		if (file != NULL) {
			(void)fclose(file);
		}
	}
	(void)closedir(folder);
}

static void expect_none_in(struct span all, const char *where)
{
	for (size_t i = 0; i < secret_count; i++) {
		if (memmem(all.at, all.len, secrets[i].at, secrets[i].len) != NULL) {
			fail_msg("secret %zu (%.*s) %s", i,
				i < sizeof(words) / sizeof(words[0]) ? (int)secrets[i].len : 0,
				(const char *)secrets[i].at, where);
		}
	}
}

/* The whole folder of the test: data directories, backups, logs. */
static void expect_nowhere(const char *when)
{
	struct buf all = BUF_INIT(256 * MIB);
	slurp(shell_top, &all);
	expect_none_in(buf_span(&all), when);
	assert_non_null(memmem(all.at, all.len, public_word, strlen(public_word)));
	buf_fini(&all);
}

/* The key in "&…?unbox=….boxs", in each form it might lie in. */
static void learn_key(void)
{
	char text[BASE64_BYTES(32) + 1] = "";
	uint8_t key[32];
	size_t count = 0;
	const char *link = shell_good("cat $OWN/blob", "?unbox=");
	(void)snprintf(text, sizeof(text), "%.44s", strstr(link, "?unbox=") + 7);
	assert_int_equal(base64_decode(span_text(text), key, sizeof(key), &count), ERR_OK);
	add_secret(span_of(key, sizeof(key)));
	add_secret(span_of(text, 43));
	for (char *at = text; *at != '\0'; at++) {
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	}
	add_secret(span_of(text, 43));
}

#define ASK                                                                    \
	"ask() { curl -s --max-time 60 --unix-socket a/api.sock "              \
	"-H 'Content-Type: application/json' -X \"$1\" ${3:+-d} ${3:+\"$3\"} " \
	"\"http://kith$2\"; }; ID=$(kith whoami --data b);"
#define LIVE(name, options)                                             \
	SHELL_RUN " --data a --verbose " options " > " name " 2> " name \
		  ".log & until test -s " name "; do sleep 0.05; done;"
/* As a crash ends it: what lies in the log of the database stays there. */
#define DIES "kill -9 $!; wait 2> /dev/null; true"

static void write_everything(void)
{
	(void)shell_good("kith init --data a && kith init --data b && kith init --data c &&"
			 "echo 'correct horse' > $OWN/pass",
		"ed25519");
	(void)shell_good(
		ASK LIVE("one",
			"") "kith post Marmeladenbrot --data a;"
			    "kith blob add $OWN/image --seal --data a > $OWN/blob;"
			    "kith private send --to $ID \"Rhabarberkuchen #Johannisbeere "
			    "![Hagebutte]($(cat $OWN/blob))\" --data a > $OWN/key;"
			    "kith publish --to $ID '{\"type\":\"gathering\","
			    "\"title\":\"Zwetschgenmus\"}' --data a;"
			    "kith follow --private \"$(kith whoami --data c)\" --data a;"
			    "kith bookmark \"$(cat $OWN/key)\" --data a;"
			    "kith private search Rhabarberkuchen --data a > $OWN/found;"
			    "kith private conversations --json --data a | grep -o "
			    "'[A-Za-z0-9_-]\\{43\\}"
			    "' | head -1 > $OWN/name;"
			    "ask POST /api/writing/p-$(cat $OWN/name) '{\"rev\":0,\"body\":"
			    "{\"text\":\"Holunderblüten\"}}';"
			    "ask POST /api/outbox '{\"text\":\"Brombeerwein\",\"cw\":\"Sanddorn\","
			    "\"nonce\":\"n\",\"hold_ms\":60000,\"readers\":[\"'$ID'\"]}';"
			    "ask POST /api/private/$(cat $OWN/name) '{\"hide\":true}';" DIES,
		"\"state\":\"held\"");
	learn_key();
	expect_nowhere("lies about after a crash");
}

/* All that was written, as its writer sees it. */
#define READ_ALL                                                                              \
	"kith private list --json --data a; kith outbox --json --data a; kith drafts --json " \
	"--data a;"                                                                           \
	"ask GET /api/writing; kith private conversations --json --data a;"                   \
	"kith private search Johannisbeere --data a;"                                         \
	"kith blob get \"$(cat $OWN/blob)\" --data a | cmp - $OWN/image && echo the same;"

static void expect_all_in(const char *text)
{
	static const char *const wanted[] = {"Rhabarberkuchen", "Zwetschgenmus", "Johannisbeere",
		"Holunderblüten", "Brombeerwein", "Sanddorn", "Hagebutte", "the same"};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strstr(text, wanted[i]) == NULL) {
			fail_msg("%s is lost: %s", wanted[i], text);
		}
	}
}

static void a_crash_and_every_backup_leave_only_seals(void **state)
{
	(void)state;
	write_everything();
	expect_all_in(shell_good(ASK LIVE("two", "") READ_ALL
		"kith backup plain --data a;"
		"kith backup wrapped --passphrase-file $OWN/pass --data a;"
		"ask POST /api/safety/backup '{}';"
		"until ls a/backups/kith-*.backup 2> /dev/null; do sleep 0.05; done;"
		"kith feed \"$(kith whoami --data a)\" --data a > feed;"
		"kith state \"$(kith whoami --data a)\" --json --data a > state;"
		"kith search Rhabarberkuchen --data a > found; kith tags --data a > tags;"
		"kith activity --json --data a > activity; kith status --json --data a > status;"
		"kith bookmark --json --data a > $OWN/kept;" DIES,
		""));
	expect_nowhere("is in a backup, an export or a log");
	/* A backup opened: what comes out of it is as sealed, and its owner can read it. */
	(void)shell_good("kith restore plain --data d --secret a/secret && "
			 "kith restore wrapped --data e --passphrase-file $OWN/pass &&"
			 "kith check --data d && kith check --data e",
		"");
	expect_nowhere("is in what a backup brings back");
	const char *text = shell_good("kith private list --json --data e", "Rhabarberkuchen");
	assert_non_null(strstr(text, "Zwetschgenmus"));
}

/* What is asked of a node whose key is locked; none of it may say a word. */
#define LOCKED_ASKS                                                                      \
	"for path in /api/private /api/private/all /api/private?requests=1 "             \
	"/api/private/$(cat $OWN/name) '/api/search?q=Rhabar&private=1' /api/outbox "    \
	"/api/writing /api/drafts /api/boot /api/bookmarks /api/timeline /api/activity " \
	"/api/tags /api/people /api/network /api/storage /api/status /api/safety "       \
	"/blob/$(cut -c2-44 $OWN/blob | tr +/ -_) /api/live; do ask GET $path; done;"    \
	"ask POST /api/private '{\"with\":[\"'$ID'\"]}';"                                \
	"ask DELETE /api/outbox/n '{}'; ask POST /api/outbox/n '{}';"                    \
	"ask POST /api/safety/backup '{}';"
#define LOCKED_COMMANDS                                                                     \
	"for words in 'private list' 'private list --json' 'private conversations --json' " \
	"'private search R' outbox drafts 'drafts --json' 'bookmark list' activity tags "   \
	"'search R' status 'status --json' safety peers storage check whoami undo words "   \
	"'backup x'; do kith $words --data a < /dev/null; done;"                            \
	"kith blob get \"$(cat $OWN/blob)\" --data a | cat;"                                \
	"kith feed \"$(kith whoami --data a)\" --data a;"                                   \
	"kith thread \"$(cat $OWN/key)\" --data a;"

/* … nor with whom, nor under which name a conversation goes. */
static void expect_silence(const char *text)
{
	char name[64] = "";
	char id[64] = "";
	(void)snprintf(name, sizeof(name), "%.43s", shell_good("cat $OWN/name", ""));
	(void)snprintf(id, sizeof(id), "%.53s", shell_good("kith whoami --data b", "ed25519"));
	expect_none_in(span_text(text), "is told while the key is locked");
	assert_int_equal(strlen(name), 43);
	assert_null(strstr(text, name));
	assert_null(strstr(text, id));
}

static char *copy_of(const char *text)
{
	char *copy = strdup(text);
	assert_non_null(copy);
	return copy;
}

static void a_locked_node_says_nothing_and_all_is_back_afterwards(void **state)
{
	(void)state;
	write_everything();
	(void)shell_good("kith passphrase set --new-file $OWN/pass --data a", "");
	char *text = copy_of(shell_good(ASK LIVE("two", "") LOCKED_ASKS LOCKED_COMMANDS
		"ask POST /api/unlock '{\"passphrase\":\"correct house\"}';" LOCKED_ASKS DIES,
		""));
	assert_non_null(strstr(text, "\"locked\""));
	assert_null(strstr(text, "\"conversations\""));
	expect_silence(text);
	free(text);
	/* Nobody runs it: what the files say by themselves. */
	text = copy_of(shell_good(ASK LOCKED_COMMANDS "true", ""));
	expect_silence(text);
	free(text);
	expect_nowhere("lies about while the key is locked");
	expect_all_in(shell_good(
		ASK LIVE("three", "") "ask POST /api/unlock '{\"passphrase\":\"correct horse\"}';"
				      "until kith status --data a > /dev/null 2>&1; do sleep 0.05; "
				      "done;" READ_ALL
				      /* A browser remembers more: what waits and what is written
					 now become drafts. */
				      "ask POST /api/safety/witness '{\"sequence\":99,\"key\":"
				      "\"%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256\"}';"
				      "kith private send --to $ID Quittengelee --data a;" DIES,
		""));
	expect_nowhere("lies about after a pause");
	text = copy_of(shell_good(ASK LIVE("four", "") LOCKED_ASKS LOCKED_COMMANDS DIES, ""));
	expect_silence(text);
	free(text);
	text = copy_of(shell_good(
		ASK LIVE("five", "--passphrase-file $OWN/pass") READ_ALL DIES, "Quittengelee"));
	expect_all_in(text);
	free(text);
	expect_nowhere("lies about at the end");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_crash_and_every_backup_leave_only_seals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_locked_node_says_nothing_and_all_is_back_afterwards, set_up, tear_down),
	};
	(void)argc;
	assert_true(sodium_init() >= 0);
	shell_find(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
