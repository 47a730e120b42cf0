/* generate [MESSAGES [AUTHORS [SEED]]]: the corpus as JSON lines, one bare message value each, for
 * `kith import` and its measurements. Before it come the hub's lines, which follow the authors. */
#include "bench/corpus.h"

#include "base/limits.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t argument(int argc, char **argv, int i, uint64_t otherwise)
{
	return i < argc ? strtoull(argv[i], NULL, 10) : otherwise;
}

static bool print_line(struct buf *line)
{
	return buf_append_byte(line, '\n') == ERR_OK &&
	       fwrite(line->at, 1, line->len, stdout) == line->len;
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0) {
		return 1;
	}
	uint64_t count = argument(argc, argv, 1, 100000);
	struct corpus *corpus =
		corpus_new((size_t)argument(argc, argv, 2, 100), argument(argc, argv, 3, 1));
	struct buf line = BUF_INIT(LIMIT_MESSAGE_BYTES);
	bool is_fine = true;
	while (is_fine && corpus_next_of_hub(corpus, &line)) {
		is_fine = print_line(&line);
		buf_clear(&line);
	}
	for (uint64_t i = 0; is_fine && i < count; i++) {
		corpus_next(corpus, &line);
		is_fine = print_line(&line);
		buf_clear(&line);
	}
	buf_fini(&line);
	corpus_free(corpus);
	return is_fine && fflush(stdout) == 0 ? 0 : 1;
}
