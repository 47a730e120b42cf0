/* What all subcommands share: options and the form of an error. */
#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SENTENCE_BYTES = 600, LINE_CHARS = 60 };

/* A sentence for a person: an argument of any length, with whatever bytes, may be quoted in it. */
static void print_sentence(const char *name, const char *format, va_list args)
{
	char text[SENTENCE_BYTES];
	int len = vsnprintf(text, sizeof(text), format, args);
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			*c = '?';
		}
	}
	(void)fprintf(
		stderr, "kith %s: %s%s\n", name, text, len >= (int)sizeof(text) ? " (…)" : "");
}

int cmd_fail(const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_sentence(name, format, args);
	va_end(args);
	return EXIT_BAD;
}

int cmd_usage(const struct cmd *cmd, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_sentence(cmd->name, format, args);
	va_end(args);
	(void)fprintf(stderr, "usage: kith %s %s\n", cmd->name, cmd->usage);
	return EXIT_USAGE;
}

void cmd_print_sentence(const char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		(void)putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
	}
	(void)fputs(len > 0 && strchr(".?", text[len - 1]) != NULL ? "\n" : ".\n", stdout);
}

const char *cmd_time(int64_t ms, char out[static CMD_TIME_BYTES])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm at;
	if (ms == 0) {
		(void)snprintf(out, CMD_TIME_BYTES, "never");
	} else if (localtime_r(&seconds, &at) == NULL ||
		   strftime(out, CMD_TIME_BYTES, "%Y-%m-%d %H:%M", &at) == 0) {
		(void)snprintf(out, CMD_TIME_BYTES, "an unknown time");
	}
	return out;
}

void cmd_print_line(const char *text)
{
	int left = LINE_CHARS;
	for (const char *c = text; *c != '\0' && *c != '\n'; c++) {
		/* Cut between characters only. */
		if (left <= 0 && ((unsigned char)*c & 0xc0) != 0x80) {
			(void)fputs("…", stdout);
			break;
		}
		left--;
		(void)putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	}
	(void)putchar('\n');
}

static const struct cmd_option *find_option(
	const char *text, size_t len, const struct cmd_option *options, int count)
{
	for (int i = 0; i < count; i++) {
		if (strlen(options[i].name) == len && memcmp(options[i].name, text, len) == 0) {
			return &options[i];
		}
	}
	return NULL;
}

int cmd_options(
	const char *name, int argc, char **argv, const struct cmd_option *extra, int extra_count)
{
	const struct cmd *cmd = cmd_find(name);
	int plain = 0;
	bool is_over = false;
	for (int i = 1; i < argc; i++) {
		if (!is_over && strcmp(argv[i], "--") == 0) {
			is_over = true;
			continue;
		}
		if (is_over || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[++plain] = argv[i];
			continue;
		}
		const char *equals = strchr(argv[i], '=');
		size_t len = equals == NULL ? strlen(argv[i]) : (size_t)(equals - argv[i]);
		const struct cmd_option *option = find_option(argv[i], len, extra, extra_count);
		if (option == NULL) {
			(void)cmd_usage(cmd, "there is no option %.*s", (int)len, argv[i]);
			return -1;
		}
		if (option->value == NULL && equals != NULL) {
			(void)cmd_usage(cmd, "%s takes no value", option->name);
			return -1;
		}
		if (option->value == NULL) {
			*option->flag = true;
			continue;
		}
		if (equals == NULL && i + 1 >= argc) {
			(void)cmd_usage(cmd, "%s needs a value", option->name);
			return -1;
		}
		*option->value = equals != NULL ? equals + 1 : argv[++i];
	}
	argv[plain + 1] = NULL;
	return plain;
}

int cmd_take_list(
	const char *command, int argc, char **argv, const char *name, struct cmd_list *out)
{
	size_t len = strlen(name);
	int left = 1;
	int i = 1;
	out->count = 0;
	while (i < argc && strcmp(argv[i], "--") != 0) {
		bool has_equals = strncmp(argv[i], name, len) == 0 && argv[i][len] == '=';
		if (!has_equals && strcmp(argv[i], name) != 0) {
			argv[left++] = argv[i++];
			continue;
		}
		if (!has_equals && i + 1 >= argc) {
			(void)cmd_usage(cmd_find(command), "%s needs a value", name);
			return -1;
		}
		if (out->count == CMD_LIST_MAX) {
			(void)cmd_usage(cmd_find(command), "there are too many %s", name);
			return -1;
		}
		out->at[out->count++] = has_equals ? argv[i] + len + 1 : argv[i + 1];
		i += has_equals ? 1 : 2;
	}
	while (i < argc) {
		argv[left++] = argv[i++];
	}
	argv[left] = NULL;
	return left;
}
