/*
 * Copies of this node, as the page sees them: when the last one was made, which files there are; to
 * ask for one, to fetch one, and to move this node to another machine.
 */
#include "api/backup.h"

#include "api/body.h"
#include "store/nightly.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTING_BYTES = 512 };

/* A setting as a number; 0 when it was never set. */
static int64_t read_time(struct reader *reader, const char *name)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	int64_t value = 0;
	if (reader_setting(reader, name, &text) == ERR_OK && buf_cstr(&text) != NULL) {
		value = strtoll((const char *)text.at, NULL, 10);
	}
	buf_fini(&text);
	return value;
}

static json_t *read_sentence(struct reader *reader, const char *name)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	json_t *sentence = NULL;
	if (reader_setting(reader, name, &text) == ERR_OK && text.len > 0) {
		sentence = json_stringn((const char *)text.at, text.len);
	}
	buf_fini(&text);
	return sentence == NULL ? json_null() : sentence;
}

static bool take_time(void *ctx, const struct stored *message)
{
	*(int64_t *)ctx = (int64_t)message->received_ms;
	return false;
}

bool backup_is_late(struct api *api, struct reader *reader)
{
	const struct nightly *nightly = api->opts.nightly;
	int64_t since_ms = read_time(reader, "backup_ok");
	if (nightly != NULL && !nightly_is_by_itself(nightly)) {
		return false; /* the owner sees to it */
	}
	if (since_ms == 0 &&
		reader_feed(reader, &api->opts.self, 1, 1, take_time, &since_ms) != ERR_OK) {
		return false;
	}
	return since_ms != 0 && env_wall_ms(api->opts.env) - since_ms > LIMIT_BACKUP_LATE_MS;
}

static json_t *list_files(const struct nightly *nightly)
{
	struct nightly_file files[NIGHTLY_FILES_MAX];
	size_t count = 0;
	json_t *list = json_array();
	if (nightly == NULL || nightly_list(nightly_dir(nightly), files, &count) != ERR_OK) {
		return list;
	}
	for (size_t i = 0; i < count; i++) {
		(void)json_array_append_new(list,
			json_pack("{s:s,s:I,s:I}", "name", files[i].name, "at",
				(json_int_t)files[i].at_ms, "bytes", (json_int_t)files[i].bytes));
	}
	return list;
}

static json_t *show_job(struct nightly *nightly)
{
	struct nightly_job job = {.job = 0};
	if (nightly != NULL) {
		nightly_report(nightly, &job);
	}
	if (job.job == 0) {
		return json_null();
	}
	const char *phase = !job.is_over        ? backup_phase_text(job.phase)
			    : job.err == ERR_OK ? "done"
						: "failed";
	return json_pack("{s:I,s:s,s:s,s:I,s:I,s:s?,s:s?}", "id", (json_int_t)job.job, "kind",
		job.kind == NIGHTLY_MOVE ? "move" : "backup", "phase", phase, "done",
		(json_int_t)job.done_bytes, "total", (json_int_t)job.total_bytes, "name",
		job.is_over && job.name[0] != '\0' ? job.name : NULL, "said",
		job.is_over && job.said[0] != '\0' ? job.said : NULL);
}

json_t *backup_json(struct api *api, struct reader *reader)
{
	struct nightly *nightly = api->opts.nightly;
	/* The job first: what it wrote down before it was over is then seen below. */
	json_t *job = show_job(nightly);
	int64_t ok_ms = read_time(reader, "backup_ok");
	return json_pack("{s:o,s:o,s:b,s:s?,s:o,s:o}", "last_ok",
		ok_ms == 0 ? json_null() : json_integer(ok_ms), "last_error",
		read_sentence(reader, "backup_error"), "is_late", backup_is_late(api, reader),
		"dir", nightly == NULL ? NULL : nightly_dir(nightly), "files", list_files(nightly),
		"job", job);
}

/* Asking for one. */

static void say_busy(struct answer *answer)
{
	answer_error(answer, SAID_BUSY, "Another backup is being made. Try again soon.");
	answer->status = 409;
}

static void ask(struct call *call, enum nightly_kind kind, struct span passphrase)
{
	struct answer *answer = &call->exchange->answer;
	uint64_t job = 0;
	enum err err = nightly_ask(call->api->opts.nightly, kind, passphrase, &job);
	if (err == ERR_OK) {
		answer_json(answer, 202, json_pack("{s:I}", "job", (json_int_t)job));
	} else if (err == ERR_BUSY) {
		say_busy(answer);
	} else if (err == ERR_LIMIT) {
		answer_error(answer, SAID_REFUSED,
			"A passphrase has at least 8 characters, and at most 1024.");
	} else {
		answer_err(answer, err);
	}
}

void serve_backup(struct call *call)
{
	struct span passphrase = span_of(NULL, 0);
	bool has_passphrase = body_text(call->body, "passphrase", &passphrase);
	if (body_has(call->body, "passphrase") && !has_passphrase) {
		answer_error(
			&call->exchange->answer, SAID_BAD_REQUEST, "The passphrase must be text.");
	} else if (call->api->opts.nightly == NULL) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING, NULL);
	} else {
		ask(call, has_passphrase ? NIGHTLY_AWAY : NIGHTLY_PLAIN, passphrase);
	}
}

/* Moving. */

static bool is_passphrase(struct span text)
{
	return text.len >= LIMIT_PASSPHRASE_BYTES_MIN && text.len <= LIMIT_PASSPHRASE_BYTES;
}

static bool is_job_running(const struct call *call)
{
	struct nightly_job job;
	nightly_report(call->api->opts.nightly, &job);
	return job.job != 0 && !job.is_over;
}

/* For good; once more is as good as once. False: answered. */
static bool retire(struct call *call)
{
	struct writer *writer = call->api->opts.writer;
	char why[SETTING_BYTES] = "";
	if (strcmp(writer_state(writer, why, sizeof(why)), "RETIRED") == 0) {
		return true;
	}
	enum err err = writer_retire(writer, why, sizeof(why));
	if (err == ERR_PAUSED) {
		answer_error(&call->exchange->answer, SAID_PAUSED,
			why[0] != '\0' ? why
				       : "Publishing is paused. This node can be moved when it is "
					 "known that nothing of yours is missing here.");
	} else if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	}
	return err == ERR_OK;
}

void serve_move(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct span confirm;
	struct span passphrase = span_of(NULL, 0);
	const json_t *bundle = json_object_get(call->body, "bundle");
	/* "bundle": false is of a command that writes the file itself. */
	bool has_bundle = bundle == NULL || json_is_true(bundle);
	if (!body_text(call->body, "confirm", &confirm) || !span_equal_text(confirm, "move")) {
		answer_error(answer, SAID_BAD_REQUEST,
			"Moving retires this node for good: confirm it with \"move\".");
		return;
	}
	if (has_bundle && call->api->opts.nightly == NULL) {
		answer_error(answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	/* What could fail is looked at before what cannot be taken back. */
	if (has_bundle &&
		(!body_text(call->body, "passphrase", &passphrase) || !is_passphrase(passphrase))) {
		answer_error(answer, SAID_REFUSED,
			"A passphrase has at least 8 characters, and at most 1024.");
		return;
	}
	if (has_bundle && is_job_running(call)) {
		say_busy(answer);
		return;
	}
	if (!retire(call)) {
		return;
	}
	if (has_bundle) {
		ask(call, NIGHTLY_MOVE, passphrase);
	} else {
		answer_json(answer, 200, json_object());
	}
}

/* Fetching one. */

static int open_backup(const char *dir, struct span name, struct stat *is)
{
	char text[NIGHTLY_NAME_BYTES];
	int fd = -1;
	if (!nightly_name_is_ours(name)) {
		return -1;
	}
	memcpy(text, name.at, name.len);
	text[name.len] = '\0';
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at >= 0) {
		fd = openat(at, text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		(void)close(at);
	}
	if (fd >= 0 && (fstat(fd, is) != 0 || !S_ISREG(is->st_mode))) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

void serve_backup_file(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	const struct nightly *nightly = call->api->opts.nightly;
	struct stat is;
	if (nightly == NULL) {
		answer_error(answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	int fd = open_backup(nightly_dir(nightly), call->args[0], &is);
	if (fd < 0) {
		answer_error(answer, SAID_NOT_FOUND, "There is no such backup.");
		return;
	}
	answer_download(answer, fd, (uint64_t)is.st_size, call->args[0]);
}
