/* The table of subcommands, and nothing else. */
#include "cmd/cmd.h"
#include "config/options.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct cmd commands[] = {
	{"run", "[--config FILE] [--data DIR] [--OPTION VALUE …]",
		"start the node and print the link of its page",
		"Each of these may also be said in the environment, as KITH_HTTP_PORT=8989, and in "
		"kith.conf, as\nhttp-port = 8989; the command line goes first, then the "
		"environment. `kith config` shows what counts.\n",
		cmd_run},
	{"init", "[--secret FILE | --words | --seed B64] [--data DIR] [--json]",
		"make an identity, or bring one along; never over an existing one",
		"  --secret FILE  the secret file of another Scuttlebutt program, which must not "
		"run any more\n"
		"  --words        the 24 words of a key, typed or from standard input\n"
		"  --seed B64     32 bytes in base64; for tests: every process may read a command "
		"line\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"id\":\"@…\"}\n",
		cmd_init},
	{"words", "[--check] [--plain] [--data DIR]", "show your key as 24 words, for paper",
		"  --check        practise: asks for some of the words\n"
		"  --plain        print them to whatever standard output is, without asking\n"
		"  --data DIR     where the node keeps its data\n"
		"Whoever has these words can write as you. `kith init --words` makes a node of "
		"them.\n",
		cmd_words},
	{"passphrase", "set | change | remove [--passphrase-file F] [--new-file F] [--data DIR]",
		"lock your key with a passphrase, change it, or unlock it for good",
		"  --passphrase-file F  the passphrase it has, in a file that is yours alone\n"
		"  --new-file F         the passphrase it gets, likewise\n"
		"  --data DIR           where the node keeps its data\n"
		"Without them the terminal asks. Nobody can open the key when the passphrase is "
		"lost, but for\nyour 24 words (`kith words`).\n",
		cmd_passphrase},
	{"unlock", "[--passphrase-file F] [--data DIR]", "give a waiting node its passphrase",
		"  --passphrase-file F  from a file that is yours alone; else the terminal asks\n"
		"  --data DIR           where the node keeps its data\n",
		cmd_unlock},
	{"whoami", "[--data DIR] [--json]", "print your public key",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"id\":\"@…\"}\n",
		cmd_whoami},
	{"feed", "ID [--data DIR] [--json]", "print every stored message of a feed, in order",
		"  --data DIR     where the node keeps its data\n"
		"  --json         one {\"key\":\"%…\",\"value\":{…}} per line; value as it is "
		"stored\n",
		cmd_feed},
	{"state", "ID [--data DIR] [--json]", "print the newest stored message of a feed",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"sequence\":n,\"key\":\"%…\"}; 0 and null when nothing "
		"is stored\n",
		cmd_state},
	{"search", "WORDS [--limit N] [--data DIR] [--json]",
		"print posts that have all of these words, the newest first",
		"  --limit N      how many, 1 to 100 (default 20)\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         one {\"id\":\"%…\",\"author\":\"@…\",\"name\":\"…\","
		"\"sequence\":n,\"at\":ms,\"text\":\"…\"} per line\n"
		"At most 8 words, of which parts are found too. Case and accents do not matter; "
		"whom you block or\n"
		"mute is not found. Also: \"in a row\", -without, #tag, from:NAME (or key, or me), "
		"before:2026-05-01,\n"
		"after:2026. Put -- before words when one begins with -.\n",
		cmd_search},
	{"thread", "ID [--own] [--data DIR] [--json]",
		"print a conversation in its order, with what is missing of it",
		"  --own          the one that begins with this message, which is itself a reply\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print it as GET /api/thread answers it\n",
		cmd_thread},
	{"fetch", "ID [--data DIR] [--json]", "ask everybody connected for one message",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print "
		"{\"found\":…,\"came\":n,\"asked\":n,\"cannot\":n,\"silent\":n,\"blocked\":…}\n",
		cmd_fetch},
	{"tags", "[START] [--limit N] [--data DIR] [--json]",
		"print the tags used last; with a beginning, those that begin so",
		"  --limit N      how many, 1 to 100 (default 20)\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         one {\"tag\":\"…\",\"n\":posts,\"at\":ms} per line\n",
		cmd_tags},
	{"check", "[--repair] [--hmac-key B64] [--data DIR] [--json]",
		"verify every hash, signature and link of every stored feed, and all that follows",
		"  --repair         mend what is found; the node must not run. Other people's "
		"feeds "
		"are cut back to the\n"
		"                   last good message and come again from peers, what follows from "
		"messages is made\n"
		"                   again; your own feed is never changed\n"
		"  --hmac-key B64   of a network that signs with a key\n"
		"  --data DIR       where the node keeps its data\n"
		"  --json           print "
		"{\"faults\":[…],\"log\":[…],\"fault_count\":n,\"feeds\":n,\"messages\":n,"
		"\"complete\":true};\n"
		"                   of the faults the first 1000; with --repair "
		"{\"steps\":[…],\"step_count\":n,\"left\":n,\"own\":n}\n"
		"Each fault is one sentence, and so is each pause of publishing there ever was; "
		"the "
		"exit code is 1\n"
		"when there are faults. Files of pictures are not looked at: this version keeps "
		"none.\n",
		cmd_check},
	{"backup", "FILE [--passphrase-file F] [--data DIR] [--json]",
		"copy everything into one sealed file, also beside a running node",
		"  --passphrase-file F  the passphrase in a file; else it is asked for on the "
		"terminal. "
		"With one,\n"
		"                       your key is in the copy; without, the copy opens with your "
		"key only\n"
		"  --data DIR           where the node keeps its data\n"
		"  --json               print what is in it as an object\n"
		"The file is read back before it gets its name. `kith restore FILE --rehearse` "
		"shows "
		"what it would give.\n",
		cmd_backup},
	{"restore",
		"FILE [--rehearse] [--passphrase-file F] [--secret FILE | --words] [--data DIR] "
		"[--json]",
		"a data directory from a backup; publishing is paused then",
		"  --rehearse           do it all in a temporary directory, check every message, "
		"and "
		"remove it\n"
		"  --passphrase-file F  the passphrase of the backup, or of the locked key that "
		"opens it, in a file;\n"
		"                       else it is asked for on the terminal\n"
		"  --secret FILE        the secret file, for a copy that opens with your key\n"
		"  --words              the same with the 24 words, from standard input\n"
		"  --data DIR           an empty or new directory (default ~/.local/share/kith)\n"
		"  --json               print what is in it as an object\n",
		cmd_restore},
	{"move-out", "FILE [--passphrase-file F] [--data DIR] [--json]",
		"retire this node for good and write everything for another machine",
		"  --passphrase-file F  the passphrase in a file; else it is asked for on the "
		"terminal\n"
		"  --data DIR           where the node keeps its data\n"
		"  --json               print what is in it as an object\n"
		"First this node stops publishing, for ever; then the file is written, with your "
		"key in it.\n",
		cmd_move_out},
	{"rollback", "[--list] [--data DIR] [--json]",
		"the database as it was before the last upgrade; publishing is paused then",
		"  --list         only show which copies there are\n"
		"  --data DIR     where the node keeps its data; no node may be running on it\n"
		"  --json         print what was done, or the copies, as an object\n"
		"The database that is there now is kept beside it under another name.\n",
		cmd_rollback},
	{"import", "FILE [--hmac-key B64] [--data DIR] [--json]",
		"verify and store messages from a file",
		"FILE has one message per line, bare or as {\"key\":…,\"value\":…}; - is "
		"standard input.\n"
		"  --hmac-key B64 of a network that signs with a key\n"
		"  --data DIR     where the node keeps its data; no node may be running on it\n"
		"  --json         print the counts as an object\n",
		cmd_import},
	{"status", "[--data DIR] [--json]", "how the node is",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print the status as in API.md\n",
		cmd_status},
	{"post", "TEXT [--data DIR] [--json]", "publish a post and print its key",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"key\":\"%…\",\"sequence\":n}\n",
		cmd_post},
	{"publish", "[--to ID …] JSON|- [--data DIR] [--json]",
		"publish any content object with a type and print its key",
		"  --to ID        only they and you can read it; up to 6 times\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"key\":\"%…\",\"sequence\":n}\n",
		cmd_publish},
	{"private",
		"send --to ID [--to ID …] TEXT | list | conversations | search WORD… [--data DIR] "
		"[--json]",
		"write to certain people alone, and read what was written so",
		"  send           post TEXT (- reads it) to those named by --to and to yourself;\n"
		"                 prints its key\n"
		"  list           everything your key opens, in the order it came; with --json "
		"one\n"
		"                 {\"key\",\"author\",\"content\"} a line\n"
		"  conversations  who you write with, the latest first\n"
		"  search         words in private posts, as `kith search` finds public ones\n"
		"  --to ID        up to 6 times\n"
		"  --new          begin a thread; else it goes on in the latest one of these "
		"people\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print JSON\n",
		cmd_private},
	{"follow", "ID [ADDRESS] [--private] [--data DIR] [--json]",
		"follow somebody, and remember where to find them",
		"  --private      only you can read that you do; without ADDRESS\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print "
		"{\"key\":\"%…\",\"sequence\":n,\"id\":\"@…\",\"address\":\"net:…\"}; key is null "
		"when you follow them already\n",
		cmd_follow},
	{"unfollow", "ID [--private] [--data DIR] [--json]", "end following somebody",
		"  --private      only you can read it, as when the follow was private\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"key\":\"%…\",\"sequence\":n}\n",
		cmd_unfollow},
	{"block", "ID [--private] [--data DIR] [--json]", "block somebody",
		"  --private      only you can read that you do\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"key\":\"%…\",\"sequence\":n}\n",
		cmd_block},
	{"unblock", "ID [--private] [--data DIR] [--json]", "end blocking somebody",
		"  --private      only you can read it, as when the block was private\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"key\":\"%…\",\"sequence\":n}\n",
		cmd_unblock},
	{"mute", "ID [--data DIR] [--json]", "see nothing of somebody, without a word to anybody",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {}\n"
		"Nothing is signed. What they write is kept and passed on as before.\n",
		cmd_mute},
	{"unmute", "ID [--data DIR] [--json]", "see somebody again",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {}\n",
		cmd_unmute},
	{"petname", "ID [NAME] [--data DIR] [--json]",
		"call somebody by a name of your own; without one, by theirs",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"person\":{…}}\n"
		"Only you see it.\n",
		cmd_petname},
	{"blob",
		"add FILE | get ID | want ID | has ID [--seal] [--out FILE] [--unbox KEY] [--data "
		"DIR] "
		"[--json]",
		"pictures, sound and files, by their content",
		"  add FILE     keep a file (- is standard input) and print its id; smaller than 5 "
		"MiB\n"
		"  get ID       write it to standard output\n"
		"  want ID      ask everybody for it until it comes; returns at once\n"
		"  has ID       is it here? The exit code is 0 when it is, 1 when it is not\n"
		"  --seal       add: encrypt it first; the link that is printed has the key\n"
		"  --unbox KEY  get: open one that is encrypted; or behind the id, as "
		"'&…?unbox=KEY'\n"
		"  --out FILE   get: into a new file\n"
		"  --data DIR   where the node keeps its data\n"
		"  --json       add: {\"id\":\"&…\",…}; want and has: what is known of it\n",
		cmd_blob},
	{"bookmark", "add ID | remove ID | list [--data DIR] [--json]",
		"keep a post for yourself, or print what you keep",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print the node's answer\n"
		"Nothing is signed: only you know. The latest kept is printed first, 100 at "
		"most.\n",
		cmd_bookmark},
	{"suggest", "[--data DIR] [--json]",
		"print whom people you follow follow, and through whom",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print "
		"{\"suggestions\":[{\"id\":\"@…\",\"through\":[\"@…\"],\"total\":n}],"
		"\"people\":[…]}\n"
		"Who wrote most recently comes first.\n",
		cmd_suggest},
	{"connect", "ADDRESS [--data DIR] [--json]", "dial a peer; returns once the link is up",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"id\":\"@…\"}\n",
		cmd_connect},
	{"disconnect", "[ID] [--data DIR] [--json]", "end the connection with a peer, or all",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"closed\":n}\n",
		cmd_disconnect},
	{"peers", "[--data DIR] [--json]", "whom we are, or could be, connected with",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print a list of peers as in API.md\n",
		cmd_peers},
	{"link", "[--data DIR] [--json]", "print a fresh link that opens the page",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"code\":\"…\",\"link\":\"http://…\"}\n",
		cmd_link},
	{"safety", "[--data DIR] [--json]",
		"why publishing is paused, who holds your feed, what is missing",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print safety as in API.md\n",
		cmd_safety},
	{"fork", "[adopt | keep] [--yes] [--hmac-key B64] [--data DIR] [--json]",
		"your feed has split: both sides, and your choice between them",
		"Without a word it shows where the two sides part and who holds which. With one "
		"the "
		"node must not run:\n"
		"  adopt            the other side takes the place of this node's; what is given "
		"up "
		"here becomes drafts\n"
		"  keep             this node's side stays; what is given up of the other becomes "
		"drafts\n"
		"Whoever holds the side that is given up never sees you again, unless they begin "
		"anew with your feed.\n"
		"Nothing is deleted, and nothing is published before those who hold your feed were "
		"asked.\n"
		"  --yes            do it, without asking\n"
		"  --hmac-key B64   of a network that signs with a key\n"
		"  --data DIR       where the node keeps its data\n"
		"  --json           print `fork` of safety as in API.md, or what was done\n",
		cmd_fork},
	{"resume", "NUMBER | --accept [--data DIR] [--json]",
		"end a pause of publishing by your own word",
		"NUMBER is that of the newest message you remember: `kith safety` tells which one "
		"this node has.\n"
		"If others hold newer ones that this node does not know, what you publish next "
		"never reaches them.\n"
		"  --accept       whatever is missing is lost; also when you remember a newer one\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print safety as in API.md\n",
		cmd_resume},
	{"activity", "[mention|reply|like|follow] [--limit N] [--seen] [--data DIR] [--json]",
		"what others did that concerns you, the newest first",
		"  --limit N      so many at most, 20 unless you say otherwise\n"
		"  --seen         all of it was seen now, in every browser\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print what the API answers\n",
		cmd_activity},
	{"drafts", "[publish N | drop N] [--data DIR] [--json]",
		"what was written while publishing was paused",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print what the API answers\n",
		cmd_drafts},
	{"outbox", "[send ID] [--data DIR] [--json]", "posts that wait to be signed; send one now",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print what the API answers\n",
		cmd_outbox},
	{"undo", "[ID] [--data DIR] [--json]",
		"take back a post that waits, the newest without ID; nothing is signed",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"body\":{…},\"writing\":\"…\",\"rev\":n}\n"
		"Its words are drafts again. What is signed cannot be taken back by anybody.\n",
		cmd_undo},
	{"want", "ID [ADDRESS] [--data DIR] [--json]",
		"keep and dial somebody without following them, while publishing is paused",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print {\"id\":\"@…\",\"address\":\"net:…\"}\n",
		cmd_want},
	{"device", "list | add [--read-only] | rename ID NAME | revoke ID [--data DIR] [--json]",
		"which browsers are signed in; a code for another one; sign one out",
		"  --read-only    add: it may look at everything and change nothing\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print what the API answers\n"
		"A code is good once and for two minutes. Who is signed out is so at once.\n",
		cmd_device},
	{"password", "set | remove [--password-file FILE] [--data DIR] [--json]",
		"a password that opens the page where no code is at hand",
		"  --password-file FILE  read it from a file that only you can read; else it is "
		"asked for\n"
		"  --data DIR            where the node keeps its data\n"
		"  --json                print {}\n"
		"It has 10 characters or more. Every device is signed out when it changes.\n",
		cmd_password},
	{"settings", "[mention|reply|like|follow on|off] [--data DIR] [--json]",
		"which kinds of activity are shown",
		"  --data DIR     where the node keeps its data\n"
		"  --json         print settings as in API.md\n",
		cmd_settings},
	{"storage", "[ceiling SIZE [--try]] [--data DIR] [--json]",
		"what the node takes of the disk; ceiling says how much it may take",
		"  --try          print what would go, and change nothing\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print storage (with --try: goes) as in API.md\n"
		"SIZE is 5G, 500M or bytes, at least 64M. Files and old messages of people far\n"
		"away go first; what is yours, kept or private never goes.\n",
		cmd_storage},
	{"doctor", "proxy [URL] [--data DIR]",
		"ask for the page through the proxy before it, and name the line that is missing",
		"  URL            the address of the page, when kith.conf has no public-url yet\n"
		"  --data DIR     where the node keeps its data\n"
		"Uses curl. The lines are those of deploy/proxy.\n",
		cmd_doctor},
	{"person", "remove ID [--try] | again ID [--data DIR] [--json]",
		"remove what this node holds of somebody; fetch again what was let go",
		"  --try          print what would go, and change nothing\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print what the API answers\n"
		"Whom you follow is kept: unfollow them first. What you keep and what was\n"
		"private stays. Others still hold what they hold.\n",
		cmd_person},
	{"config", "check [FILE] | show [--origin] | example [--config FILE] [--data DIR] [--json]",
		"whether kith.conf is sound, what counts and who said it",
		"  check          every fault of kith.conf, flags and environment in a sentence; "
		"the exit code is 1\n"
		"                 when there is one\n"
		"  show           what a node would take that is started so\n"
		"  example        a kith.conf to begin with\n"
		"  --origin       show: and who says it\n"
		"  --config FILE  another file than kith.conf in the data directory, else "
		"/etc/kith/kith.conf\n"
		"  --data DIR     where the node keeps its data\n"
		"  --json         print the same as an object\n"
		"Every option of `kith run` may be said too.\n",
		cmd_config},
	{"verify", "< LINES", "judge messages given as JSON lines on standard input",
		"  Each line is "
		"{\"state\":null|{\"id\":\"%…\",\"sequence\":n},\"hmacKey\":null|BASE64,"
		"\"message\":…}; state is the message\n"
		"  before it in its feed. Each is answered by {\"valid\":true,\"id\":\"%…\"} or "
		"{\"valid\":false,\"error\":\"…\"}.\n",
		cmd_verify},
	{"shs", "server NETWORK_KEY SECRET_KEY PUBLIC_KEY | client NETWORK_KEY SERVER_PUBLIC_KEY",
		"one secret handshake over standard input and output",
		"Keys are lower-case hex; the secret key is 64 bytes, as libsodium has it. A "
		"client makes a\n"
		"fresh key. After the handshake 112 bytes follow: own encryption key 32, "
		"encryption nonce 24,\n"
		"decryption key 32, decryption nonce 24.\n",
		cmd_shs},
	{"version", "[--json]", "which kith this is, and what it was built with",
		"  --json         print {\"version\":\"…\",\"commit\":\"…\",…}\n", cmd_version},
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), HELP_BYTES = 32768 };

const struct cmd *cmd_find(const char *name)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static void print_commands(FILE *to)
{
	(void)fputs("kith: a node for a network of equals\n\n", to);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		(void)fprintf(to, "  kith %-10s %s\n", commands[i].name, commands[i].summary);
	}
	(void)fputs("\n`kith COMMAND --help` tells more of each.\n", to);
}

static void print_help(const struct cmd *cmd)
{
	struct buf options = BUF_INIT(HELP_BYTES);
	(void)printf("usage: kith %s %s\n\n%s\n", cmd->name, cmd->usage, cmd->summary);
	if (cmd->run == cmd_run && options_help(&options) == ERR_OK) {
		(void)printf("\n%.*s", (int)options.len, (const char *)options.at);
	}
	buf_fini(&options);
	if (cmd->help != NULL) {
		(void)printf("\n%s", cmd->help);
	}
}

/* What could not be printed was not done, whatever the command thought. */
static int finish(const struct cmd *cmd, int code)
{
	bool is_printed = fflush(stdout) == 0 && ferror(stdout) == 0;
	return is_printed || code != EXIT_GOOD
		       ? code
		       : cmd_fail(cmd->name, "standard output cannot be written");
}

int main(int argc, char **argv)
{
	static char version[] = "version";
	const struct rlimit none = {0, 0};
	/* The database, its log and its copies are as private as the key beside them. No command
	 * leaves a core dump, which would hold what passes through memory (one that is piped to a
	 * program heeds no limit, so the process is not dumpable either), and no other process of
	 * the same user reads it there. */
	(void)umask(077);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (sodium_init() < 0) {
		(void)fputs("kith: libsodium does not start on this machine\n", stderr);
		return EXIT_BAD;
	}
	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		argv[1] = version;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_commands(stdout);
		return EXIT_GOOD;
	}
	const struct cmd *cmd = cmd_find(argv[1]);
	if (cmd == NULL || cmd->run == NULL) {
		(void)fprintf(stderr, "kith: there is no command %s; `kith --help` lists them\n",
			argv[1]);
		return EXIT_USAGE;
	}
	for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_help(cmd);
			return EXIT_GOOD;
		}
	}
	return finish(cmd, cmd->run(argc - 1, argv + 1));
}
