/**
 * cmd: one subcommand per file, one row per subcommand in main.c. A command prints what it was
 * asked for on standard output and, on failure, one clear sentence on standard error, and returns
 * an exit code that is not 0.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

struct cmd {
	const char *name;
	const char *usage;                 /* what follows the name on the line */
	const char *summary;               /* one line */
	const char *help;                  /* options, one per line, for --help; may be NULL */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

/** "kith NAME: <sentence>\n" on standard error; returns EXIT_BAD. */
int cmd_fail(const char *name, const char *format, ...) PRINTF_LIKE(2, 3);
/** As cmd_fail() for wrong arguments, followed by the usage line; returns EXIT_USAGE. */
int cmd_usage(const struct cmd *cmd, const char *format, ...) PRINTF_LIKE(2, 3);
/** A sentence on standard output, with a full stop; no control characters. */
void cmd_print_sentence(const char *text);
/** A time in this machine's zone, "2026-11-22 20:11"; "never" for 0. Returns `out`. */
enum { CMD_TIME_BYTES = 32 };
const char *cmd_time(int64_t ms, char out[static CMD_TIME_BYTES]);
/** The first line of what somebody wrote, as much of it as fits on one; no control characters. */
void cmd_print_line(const char *text);
/** The row of a command, or NULL. */
const struct cmd *cmd_find(const char *name);

/**
 * Options every command has. cmd_options() takes them (and those named in `extra`) out of argv
 * wherever they stand before `--`, checks that no unknown option is left and returns the number of
 * plain arguments, which it moves to argv[1…] with a NULL behind them; −1 after it printed what is
 * wrong (the caller returns EXIT_USAGE).
 */
struct cmd_option {
	const char *name;   /* "--port" */
	const char **value; /* takes a value when not NULL */
	bool *flag;         /* set to true when not NULL */
};
int cmd_options(
	const char *name, int argc, char **argv, const struct cmd_option *extra, int extra_count);

/* An option that may stand there again and again. */
enum { CMD_LIST_MAX = 64 };
struct cmd_list {
	const char *at[CMD_LIST_MAX];
	int count;
};
/** Take the option `name` and its values out of argv, before cmd_options(). Returns what is left of
 * argc; −1 after it printed what is wrong. */
int cmd_take_list(
	const char *command, int argc, char **argv, const char *name, struct cmd_list *out);

int cmd_run(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_whoami(int argc, char **argv);
int cmd_words(int argc, char **argv);
int cmd_passphrase(int argc, char **argv);
int cmd_unlock(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_feed(int argc, char **argv);
int cmd_state(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_thread(int argc, char **argv);
int cmd_fetch(int argc, char **argv);
int cmd_tags(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_move_out(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_rollback(int argc, char **argv);
int cmd_post(int argc, char **argv);
int cmd_publish(int argc, char **argv);
int cmd_follow(int argc, char **argv);
int cmd_unfollow(int argc, char **argv);
int cmd_block(int argc, char **argv);
int cmd_unblock(int argc, char **argv);
int cmd_mute(int argc, char **argv);
int cmd_unmute(int argc, char **argv);
int cmd_petname(int argc, char **argv);
int cmd_bookmark(int argc, char **argv);
int cmd_blob(int argc, char **argv);
int cmd_suggest(int argc, char **argv);
int cmd_connect(int argc, char **argv);
int cmd_disconnect(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_safety(int argc, char **argv);
int cmd_fork(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_activity(int argc, char **argv);
int cmd_drafts(int argc, char **argv);
int cmd_private(int argc, char **argv);
int cmd_outbox(int argc, char **argv);
int cmd_undo(int argc, char **argv);
int cmd_want(int argc, char **argv);
int cmd_device(int argc, char **argv);
int cmd_password(int argc, char **argv);
int cmd_settings(int argc, char **argv);
int cmd_storage(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_person(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_shs(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
