/* sync/history: what createHistoryStream is asked for, in any JSON: numbers of any size and kind
 * become places in a feed, and nothing else. */
#include "sync/history.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *doc = NULL;
	struct history history = {0};
	if (json_parse(span_of(data, size), LIMIT_RPC_ARGS_DEPTH, &doc) != ERR_OK) {
		return 0;
	}
	if (read_args(&history, json_root(doc)) &&
		(history.from < 1 || history.from > (uint64_t)1 << 53)) {
		abort();
	}
	json_doc_free(doc);
	return 0;
}
