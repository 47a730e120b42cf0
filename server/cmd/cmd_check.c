/* kith check: the audit, in sentences and with an exit code. Read-only, beside a running node too.
 */
#include "cmd/cmd.h"
#include "cmd/local.h"

#include "base/limits.h"
#include "feed/json.h"
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>

enum { FAULTS_PRINTED_MAX = 1000 };

struct printer {
	bool is_json;
	uint64_t count;
};

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	const char *sentence = fault->sentence;
	struct printer *printer = ctx;
	if (printer->count++ >= FAULTS_PRINTED_MAX) {
		return;
	}
	if (!printer->is_json) {
		(void)printf("%s\n", sentence);
		return;
	}
	struct buf text = BUF_INIT(4 * KIB);
	if (json_write_string(span_text(sentence), &text) == ERR_OK) {
		(void)printf("%s%.*s", printer->count > 1 ? "," : "", (int)text.len,
			(const char *)text.at);
	}
	buf_fini(&text);
}

int cmd_check(int argc, char **argv)
{
	const char *data = NULL;
	struct printer printer = {0};
	struct store *store = NULL;
	struct reader *reader = NULL;
	const struct cmd_option options[] = {
		{.name = "--data", .value = &data}, {.name = "--json", .flag = &printer.is_json}};
	int plain = cmd_options("check", argc, argv, options, 2);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain != 0) {
		return cmd_usage(cmd_find("check"), "it takes no arguments");
	}
	if (local_open_read("check", data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	struct audit audit = {.on_fault = on_fault, .ctx = &printer};
	if (printer.is_json) {
		(void)printf("{\"faults\":[");
	}
	enum err err = audit_run(store, NULL, &audit);
	local_close_read(store, reader);
	if (printer.is_json) {
		(void)printf("],\"fault_count\":%" PRIu64 ",\"feeds\":%" PRIu64
			     ",\"messages\":%" PRIu64 ",\"complete\":%s}\n",
			audit.faults, audit.feeds, audit.messages,
			err == ERR_OK ? "true" : "false");
	} else if (err == ERR_OK && audit.faults == 0) {
		(void)printf("All is well: %" PRIu64 " messages of %" PRIu64
			     " feeds; every hash, signature and link is right.\n",
			audit.messages, audit.feeds);
	} else if (err == ERR_OK) {
		(void)printf("%" PRIu64 " messages of %" PRIu64 " feeds were checked; %" PRIu64
			     " faults were found.\n",
			audit.messages, audit.feeds, audit.faults);
	}
	if (err != ERR_OK) {
		return cmd_fail("check", "the check could not be finished: %s", err_text(err));
	}
	return audit.faults == 0 ? EXIT_GOOD : EXIT_BAD;
}
