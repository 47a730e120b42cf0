/*
 * bare FILE [MESSAGES]: the ceiling for `kith import FILE`: libsodium's signature check alone, on
 * two threads, on the first messages of the file. Text, signature and key are prepared before the
 * clock starts. Prints {"messages","seconds","cpu_seconds"} as JSON.
 */
#include "base/encode.h"
#include "base/limits.h"
#include "feed/message.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 2, MESSAGES_MAX = 20000, SIGNATURE_TEXT_BYTES = 100 };

struct sample {
	struct buf text; /* signed */
	uint8_t signature[64];
	uint8_t author[ID_BYTES];
};

static struct sample samples[MESSAGES_MAX];

struct part {
	size_t from, to;
	bool is_fine;
};

static void must(bool is_fine)
{
	if (!is_fine) {
		(void)fputs("bare: no such file, no memory, or a message that is none\n", stderr);
		exit(1);
	}
}

static void prepare(struct span line, struct sample *sample)
{
	struct message *message = NULL;
	const char *why = NULL;
	struct span text;
	size_t count = 0;
	must(message_reread(line, &message, &why) == ERR_OK);
	buf_init(&sample->text, LIMIT_MESSAGE_BYTES);
	must(message_write_signed_text(message, &sample->text) == ERR_OK);
	memcpy(sample->author, message->author.at, ID_BYTES);
	/* The compact text ends with the signature's text, a quote and a brace. */
	text = span_skip(message->compact, message->compact.len - SIGNATURE_TEXT_BYTES - 2);
	must(base64_decode(span_take(text, BASE64_BYTES(64)), sample->signature, 64, &count) ==
		ERR_OK);
	message_free(message);
}

static size_t prepare_all(const char *path, size_t count_max)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	size_t count = 0;
	must(file != NULL);
	while (count < count_max) {
		ssize_t len = getline(&line, &room, file);
		if (len <= 0) {
			break;
		}
		prepare(span_of((const uint8_t *)line, (size_t)len - 1), &samples[count++]);
	}
	free(line);
	(void)fclose(file);
	return count;
}

static void *verify(void *argument)
{
	struct part *part = argument;
	part->is_fine = true;
	for (size_t i = part->from; i < part->to; i++) {
		const struct sample *sample = &samples[i];
		part->is_fine = crypto_sign_verify_detached(sample->signature, sample->text.at,
					sample->text.len, sample->author) == 0 &&
				part->is_fine;
	}
	return NULL;
}

static double now(clockid_t clock)
{
	struct timespec at;
	must(clock_gettime(clock, &at) == 0);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	must(sodium_init() >= 0 && argc >= 2);
	size_t wanted = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : MESSAGES_MAX;
	size_t count = prepare_all(argv[1], wanted < MESSAGES_MAX ? wanted : MESSAGES_MAX);
	struct part parts[THREADS];
	pthread_t threads[THREADS];
	double wall = now(CLOCK_MONOTONIC);
	double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < THREADS; i++) {
		parts[i] =
			(struct part){.from = i * count / THREADS, .to = (i + 1) * count / THREADS};
		must(pthread_create(&threads[i], NULL, verify, &parts[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		must(pthread_join(threads[i], NULL) == 0 && parts[i].is_fine);
	}
	(void)printf("{\"messages\":%zu,\"seconds\":%.4f,\"cpu_seconds\":%.4f}\n", count,
		now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	return 0;
}
