/*
 * What private messages of others cost: COUNT boxes that our key does not open are stored, then the
 * book of store/private looks through them for the first time, and starts again. Times are CPU
 * times of the thread that does it, so they mean something on a machine that does other things too.
 */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/private.h"

#include <inttypes.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { AUTHORS = 100, BOX_BYTES = 600, BATCH = 500, OURS = 10000 };

static double cpu_ms(void)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static size_t heap_bytes(void)
{
	return mallinfo2().uordblks;
}

/* Bytes nobody boxed cost as much to try as a box for others: a product and every slot there is. */
static struct message *say_box(struct author *author)
{
	uint8_t bytes[BOX_BYTES];
	char text[BASE64_BYTES(BOX_BYTES) + 1];
	randombytes_buf(bytes, sizeof(bytes));
	text[base64_encode(span_of(bytes, sizeof(bytes)), text)] = '\0';
	return author_say(author, "\"%s.box\"", text);
}

static struct message *say_to_us(struct author *author, const struct feed_id *us)
{
	char content[256];
	const struct feed_id to[] = {*us, author->id};
	struct buf text = BUF_INIT(4096);
	(void)snprintf(content, sizeof(content),
		"{\"type\":\"post\",\"text\":\"number %d of many words\",\"recps\":[\"%s\"]}",
		(int)author->head.sequence, author->text);
	if (signer_seal(author->signer, span_text(content), to, 2, &text) != ERR_OK ||
		buf_cstr(&text) == NULL) {
		abort();
	}
	struct message *message = author_say(author, "%s", (const char *)text.at);
	buf_fini(&text);
	return message;
}

static void fill(struct shelf *shelf, struct author *authors, size_t count, bool is_ours)
{
	struct message *messages[BATCH];
	for (size_t done = 0; done < count; done += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			struct author *author = &authors[(done + i) % AUTHORS];
			messages[i] =
				is_ours ? say_to_us(author, &shelf->self.id) : say_box(author);
		}
		if (shelf_append_all(shelf, messages, BATCH, NULL) != ERR_OK) {
			abort();
		}
	}
}

static void measure(struct shelf *shelf, const char *what, size_t count)
{
	struct private_book *book = NULL;
	const struct private_opts opts = {.store = shelf->store,
		.writer = shelf->writer,
		.signer = shelf->self.signer,
		.is_stepped = true};
	struct rusage usage;
	size_t heap = heap_bytes();
	double start = cpu_ms();
	if (private_start(&opts, &book) != ERR_OK) {
		abort();
	}
	double loaded = cpu_ms();
	while (private_step(book)) {
	}
	double end = cpu_ms();
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("%s: start %.0f ms, looked through in %.0f ms (%.1f us each), %ld KiB more in use, "
	       "peak %ld MiB\n",
		what, loaded - start, end - loaded, (end - loaded) * 1e3 / (double)count,
		((long)heap_bytes() - (long)heap) / 1024, usage.ru_maxrss / 1024);
	private_stop(book);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	struct shelf shelf;
	struct author *authors = calloc(AUTHORS, sizeof(*authors));
	if (sodium_init() < 0 || authors == NULL) {
		return 1;
	}
	shelf_init(&shelf);
	for (unsigned i = 0; i < AUTHORS; i++) {
		author_init(&authors[i], i + 1);
	}
	fill(&shelf, authors, count, false);
	printf("%zu boxes for others, %d bytes each\n", count, BOX_BYTES);
	measure(&shelf, "the first time", count);
	measure(&shelf, "the next start", count);
	fill(&shelf, authors, OURS, true);
	measure(&shelf, "and 10000 for us", OURS);
	measure(&shelf, "the next start", OURS);
	for (unsigned i = 0; i < AUTHORS; i++) {
		author_fini(&authors[i]);
	}
	shelf_fini(&shelf);
	free(authors);
	return 0;
}
