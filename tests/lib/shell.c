/* One sh for each line; what stays between two lines are the files. */
#include "lib/shell.h"

#include "lib/cmocka.h"
#include "lib/folder.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { TEXT_BYTES = 65536, COMMAND_BYTES = 16384 };

char shell_program[4096];
char shell_top[64];

void shell_find(const char *argv0)
{
	/* build/release/tests/cmd/test_backup -> build/release/kith */
	char *real = realpath(argv0, NULL);
	assert_non_null(real);
	(void)snprintf(shell_program, sizeof(shell_program), "%s/../../kith", dirname(real));
	free(real);
}

int shell_set_up(void **state)
{
	(void)state;
	folder_make(shell_top, sizeof(shell_top), "kith-shell");
	return 0;
}

int shell_tear_down(void **state)
{
	(void)state;
	folder_remove(shell_top);
	return 0;
}

const char *shell_line(int *code, const char *line)
{
	static char text[TEXT_BYTES];
	char command[sizeof(shell_program) + COMMAND_BYTES];
	int len = snprintf(command, sizeof(command),
		"cd %s; umask 077; export TMPDIR=%s KITH='%s'; kith() { \"$KITH\" \"$@\"; }; { %s; "
		"} 2>&1",
		shell_top, shell_top, shell_program, line);
	assert_in_range(len, 1, sizeof(command) - 1);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
	int status = pclose(out);
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return text;
}

static const char *expect(const char *line, int wanted, const char *part)
{
	int code = -1;
	const char *text = shell_line(&code, line);
	if (code != wanted || strstr(text, part) == NULL) {
		fail_msg("%s: exit %d, \"%s\" without \"%s\"", line, code, text, part);
	}
	return text;
}

const char *shell_good(const char *line, const char *part)
{
	return expect(line, 0, part);
}

void shell_fails(const char *line, const char *part)
{
	(void)expect(line, 1, part);
}
