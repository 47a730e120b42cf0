/*
 * kith check: the audit, in sentences and with an exit code; read-only, beside a running node too.
 * With --repair what can be mended is, and then the node must not run.
 */
#include "cmd/cmd.h"
#include "cmd/local.h"

#include "base/limits.h"
#include "feed/json.h"
#include "store/repair.h"
#include "store/safety.h"

#include <inttypes.h>
#include <stdio.h>

enum { FAULTS_PRINTED_MAX = 1000, LOG_PRINTED_MAX = 10000 };

/* Lines of text, or one JSON object with lists of texts in it. */
struct printer {
	bool is_json;
	uint64_t faults;  /* told so far */
	uint64_t in_list; /* of the present JSON list */
};

static void print_text(struct printer *printer, const char *text)
{
	struct buf out = BUF_INIT(4 * KIB);
	if (!printer->is_json) {
		(void)printf("%s\n", text);
	} else if (json_write_string(span_text(text), &out) == ERR_OK) {
		(void)printf("%s%.*s", printer->in_list++ > 0 ? "," : "", (int)out.len,
			(const char *)out.at);
	}
	buf_fini(&out);
}

static void begin_list(struct printer *printer, const char *before)
{
	printer->in_list = 0;
	if (printer->is_json) {
		(void)printf("%s[", before);
	}
}

static void end_list(const struct printer *printer)
{
	if (printer->is_json) {
		(void)printf("]");
	}
}

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	struct printer *printer = ctx;
	if (printer->faults++ < FAULTS_PRINTED_MAX) {
		print_text(printer, fault->sentence);
	}
}

static void on_step(void *ctx, const char *sentence)
{
	print_text(ctx, sentence);
}

/* The safety log: when publishing was paused, and whose word ended it. For ever, so that whoever
 * looks for a fork finds it. Copies and drafts are not told here. */
static void on_entry(void *ctx, const struct log_row *row)
{
	struct printer *printer = ctx;
	char when[CMD_TIME_BYTES];
	struct buf line = BUF_INIT(4 * KIB);
	if (span_equal_text(row->event, "backup") || span_equal_text(row->event, "draft")) {
		return;
	}
	if (!printer->is_json && printer->in_list++ == 0) {
		(void)printf("What happened to publishing, the newest first:\n");
	}
	enum err err = buf_printf(&line, "%s%s  %.*s at message %" PRIu64 ": %.*s",
		printer->is_json ? "" : "  ", cmd_time(row->at_ms, when), (int)row->event.len,
		(const char *)row->event.at, row->sequence, (int)row->text.len,
		(const char *)row->text.at);
	if (err == ERR_OK && buf_cstr(&line) != NULL) {
		print_text(printer, buf_cstr(&line));
	}
	buf_fini(&line);
}

static enum err print_log(struct printer *printer, struct store *store)
{
	struct reader *reader = NULL;
	enum err err = reader_open(store, &reader);
	if (err != ERR_OK) {
		return err;
	}
	begin_list(printer, ",\"log\":");
	err = reader_safety_log(reader, LOG_PRINTED_MAX, on_entry, printer);
	end_list(printer);
	reader_close(reader);
	return err;
}

static int fail(enum err err)
{
	if (err == ERR_DAMAGED) {
		return cmd_fail("check",
			"the database file itself is damaged and cannot be read to its end: "
			"restore a backup with `kith restore FILE`");
	}
	return cmd_fail("check", "the check could not be finished: %s", err_text(err));
}

static int check(struct store *store, const uint8_t *hmac_key, struct printer *printer)
{
	struct audit audit = {.on_fault = on_fault, .ctx = printer};
	begin_list(printer, "{\"faults\":");
	enum err err = audit_run(store, hmac_key, &audit);
	end_list(printer);
	enum err log_err = print_log(printer, store);
	err = err == ERR_OK ? log_err : err;
	if (printer->is_json) {
		(void)printf(",\"fault_count\":%" PRIu64 ",\"feeds\":%" PRIu64
			     ",\"messages\":%" PRIu64 ",\"complete\":%s}\n",
			audit.faults, audit.feeds, audit.messages,
			err == ERR_OK ? "true" : "false");
	} else if (err == ERR_OK && audit.faults == 0) {
		(void)printf("All is well: %" PRIu64 " messages of %" PRIu64
			     " feeds; every hash, signature and link is right, and so is all that "
			     "follows from them.\n",
			audit.messages, audit.feeds);
	} else if (err == ERR_OK) {
		(void)printf("%" PRIu64 " messages of %" PRIu64 " feeds were checked; %" PRIu64
			     " faults were found. `kith check --repair` mends what can be.\n",
			audit.messages, audit.feeds, audit.faults);
	}
	if (err != ERR_OK) {
		return fail(err);
	}
	return audit.faults == 0 ? EXIT_GOOD : EXIT_BAD;
}

/* What the owner can do about what is left. */
static void print_advice(const struct repair *repair)
{
	if (repair->left[AUDIT_OWN] > 0) {
		(void)printf("Your own feed is never changed by this. Publishing is paused; `kith "
			     "run` asks those who hold your feed. To get back what is damaged "
			     "here, restore a backup (`kith restore FILE`), or begin an empty "
			     "node with your paper words (`kith init --words`): your friends "
			     "fill it again.\n");
	}
	if (repair->left[AUDIT_FENCE] > 0) {
		(void)printf("The safety file is looked at by the next start, which pauses "
			     "publishing until those who hold your feed were asked.\n");
	}
	if (repair->left[AUDIT_FILE] > 0) {
		(void)printf("The file of the database cannot be mended: restore a backup with "
			     "`kith restore FILE`.\n");
	}
}

static int mend(struct store *store, const uint8_t *hmac_key, struct printer *printer)
{
	struct repair repair = {.on_step = on_step, .ctx = printer};
	begin_list(printer, "{\"steps\":");
	enum err err = repair_run(store, hmac_key, &repair);
	end_list(printer);
	if (err != ERR_OK) {
		(void)printf("%s", printer->is_json ? "}\n" : "");
		return fail(err);
	}
	if (!printer->is_json) {
		(void)printf(repair.steps == 0 ? "There was nothing to mend.\n"
					       : "%" PRIu64 " steps were done.\n",
			repair.steps);
		print_advice(&repair);
		return check(store, hmac_key, printer);
	}
	uint64_t left = 0;
	for (int i = 0; i < AUDIT_KINDS; i++) {
		left += repair.left[i];
	}
	(void)printf(",\"step_count\":%" PRIu64 ",\"left\":%" PRIu64 ",\"own\":%" PRIu64 "}\n",
		repair.steps, left, repair.left[AUDIT_OWN]);
	return left == 0 ? EXIT_GOOD : EXIT_BAD;
}

static int run_read(const char *data, const uint8_t *hmac_key, struct printer *printer)
{
	struct store *store = NULL;
	struct reader *reader = NULL;
	if (local_open_read("check", data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	int code = check(store, hmac_key, printer);
	local_close_read(store, reader);
	return code;
}

static int run_repair(const char *data, const uint8_t *hmac_key, struct printer *printer)
{
	struct local_writable local;
	if (local_open_care("check", data, &local) != ERR_OK) {
		return EXIT_BAD;
	}
	int code = mend(local.store, hmac_key, printer);
	local_close_write(&local);
	return code;
}

int cmd_check(int argc, char **argv)
{
	const char *data = NULL;
	const char *hmac = NULL;
	uint8_t room[HMAC_KEY_BYTES];
	const uint8_t *hmac_key = NULL;
	bool is_repair = false;
	struct printer printer = {0};
	const struct cmd_option options[] = {{.name = "--data", .value = &data},
		{.name = "--hmac-key", .value = &hmac}, {.name = "--repair", .flag = &is_repair},
		{.name = "--json", .flag = &printer.is_json}};
	int plain = cmd_options("check", argc, argv, options, 4);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain != 0) {
		return cmd_usage(cmd_find("check"), "it takes no arguments");
	}
	if (local_hmac_key("check", hmac, room, &hmac_key) != ERR_OK) {
		return EXIT_USAGE;
	}
	return is_repair ? run_repair(data, hmac_key, &printer)
			 : run_read(data, hmac_key, &printer);
}
