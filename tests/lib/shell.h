/** tests/lib/shell: lines of a shell in which `kith` is the program of the same build, as a person
 * types them, in a folder of the test's own. Every helper ends the test when something fails. */
#ifndef TESTS_LIB_SHELL_H
#define TESTS_LIB_SHELL_H

#define SHELL_RUN "\"$KITH\" run --host 127.0.0.1 --port 0 --http-port 0 --no-lan"

extern char shell_program[4096]; /* the kith of the same build */
extern char shell_top[64];       /* of this test: data directories and files */

/** At the beginning of main(): where the program is. */
void shell_find(const char *argv0);
/** For cmocka. */
int shell_set_up(void **state);
int shell_tear_down(void **state);

/** Run a line in `shell_top`: all it prints (static). $KITH is the program, for what is to run
 * beside it. */
const char *shell_line(int *code, const char *line);
/** … which must succeed, or end with 1, and say `part`. */
const char *shell_good(const char *line, const char *part);
void shell_fails(const char *line, const char *part);

#endif
