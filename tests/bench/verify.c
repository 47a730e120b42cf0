/*
 * How much of message_verify() is the signature? The same messages are verified whole by kith, and
 * by libsodium's bare check of text, signature and key prepared before; on one thread and on two.
 * The ways take turns every few messages, and medians are printed: the machine may be busy, the
 * ratios of one run still hold. CPU time counts, not the clock on the wall.
 */
#include "bench/corpus.h"

#include "base/limits.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	MESSAGES = 10000,
	AUTHORS = 100,
	ROUNDS = 5,
	THREADS_MAX = 2,
	CHUNK = 50,
	SIGNATURE_TEXT_BYTES = 100
};

struct sample {
	struct span raw;
	struct span signed_text;
	uint8_t signature[64];
	uint8_t author[32];
};

static struct sample samples[MESSAGES];

enum way { WAY_KITH, WAY_BARE, WAY_REREAD, WAY_COUNT };

struct part {
	size_t from;
	size_t to;
	double cpu_seconds[WAY_COUNT];
	bool is_fine;
};

static void must(bool is_fine)
{
	if (!is_fine) {
		(void)fputs("bench-verify: a message did not verify\n", stderr);
		exit(1);
	}
}

static struct span keep(struct buf *bytes)
{
	uint8_t *copy = malloc(bytes->len);
	must(copy != NULL);
	memcpy(copy, bytes->at, bytes->len);
	return span_of(copy, bytes->len);
}

static size_t prepare(void)
{
	struct corpus *corpus = corpus_new(AUTHORS, 1);
	struct buf bytes = BUF_INIT(LIMIT_MESSAGE_BYTES);
	size_t total = 0;
	for (size_t i = 0; i < MESSAGES; i++) {
		struct message *message = NULL;
		struct span text;
		const char *why = NULL;
		size_t count = 0;
		buf_clear(&bytes);
		corpus_next(corpus, &bytes);
		samples[i].raw = keep(&bytes);
		total += bytes.len;
		must(message_verify(samples[i].raw, NULL, &message, &why) == ERR_OK);
		buf_clear(&bytes);
		must(message_write_signed_text(message, &bytes) == ERR_OK);
		samples[i].signed_text = keep(&bytes);
		memcpy(samples[i].author, message->author.at, ID_BYTES);
		/* The compact text ends with the signature's text, a quote and a brace. */
		text = span_skip(message->compact, message->compact.len - SIGNATURE_TEXT_BYTES - 2);
		must(base64_decode(span_take(text, BASE64_BYTES(64)), samples[i].signature, 64,
			     &count) == ERR_OK);
		message_free(message);
	}
	buf_fini(&bytes);
	corpus_free(corpus);
	return total / MESSAGES;
}

static bool check(enum way way, const struct sample *sample)
{
	struct message *message = NULL;
	const char *why = NULL;
	if (way == WAY_BARE) {
		return crypto_sign_verify_detached(sample->signature, sample->signed_text.at,
			       sample->signed_text.len, sample->author) == 0;
	}
	enum err err = way == WAY_KITH ? message_verify(sample->raw, NULL, &message, &why)
				       : message_reread(sample->raw, &message, &why);
	message_free(message);
	return err == ERR_OK;
}

static double thread_seconds(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The ways take turns every few messages, so that whatever else the machine does slows all of them
 * alike. */
static void *run_part(void *argument)
{
	struct part *part = argument;
	part->is_fine = true;
	for (size_t i = part->from; i < part->to; i += CHUNK) {
		size_t end = i + CHUNK < part->to ? i + CHUNK : part->to;
		for (enum way way = 0; way < WAY_COUNT; way++) {
			double start = thread_seconds();
			for (size_t k = i; k < end; k++) {
				part->is_fine = check(way, &samples[k]) && part->is_fine;
			}
			part->cpu_seconds[way] += thread_seconds() - start;
		}
	}
	return NULL;
}

/* CPU µs per message of each way. */
static void run(size_t threads, double took[static WAY_COUNT])
{
	struct part parts[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	memset(took, 0, WAY_COUNT * sizeof(took[0]));
	for (size_t i = 0; i < threads; i++) {
		parts[i] = (struct part){
			.from = i * MESSAGES / threads, .to = (i + 1) * MESSAGES / threads};
		must(pthread_create(&ids[i], NULL, run_part, &parts[i]) == 0);
	}
	for (size_t i = 0; i < threads; i++) {
		must(pthread_join(ids[i], NULL) == 0 && parts[i].is_fine);
		for (enum way way = 0; way < WAY_COUNT; way++) {
			took[way] += parts[i].cpu_seconds[way] * 1e6 / MESSAGES;
		}
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double values[static ROUNDS])
{
	qsort(values, ROUNDS, sizeof(double), compare);
	return values[ROUNDS / 2];
}

static void measure(size_t threads)
{
	double took[WAY_COUNT][ROUNDS];
	double ratios[ROUNDS];
	for (size_t round = 0; round < ROUNDS; round++) {
		double once[WAY_COUNT];
		run(threads, once);
		for (enum way way = 0; way < WAY_COUNT; way++) {
			took[way][round] = once[way];
		}
		ratios[round] = once[WAY_BARE] / once[WAY_KITH];
	}
	double kith = median(took[WAY_KITH]);
	double bare = median(took[WAY_BARE]);
	(void)printf("%zu thread%s: message_verify %.1f µs CPU (%.0f/s), bare libsodium %.1f µs "
		     "(%.0f/s): %.3f of bare; "
		     "all but the signature %.1f µs\n",
		threads, threads == 1 ? "" : "s", kith, (double)threads * 1e6 / kith, bare,
		(double)threads * 1e6 / bare, median(ratios), median(took[WAY_REREAD]));
}

int main(void)
{
	must(sodium_init() >= 0);
	(void)printf(
		"%d messages of %d authors, %zu bytes on average\n", MESSAGES, AUTHORS, prepare());
	for (size_t threads = 1; threads <= THREADS_MAX; threads++) {
		measure(threads);
	}
	return 0;
}
