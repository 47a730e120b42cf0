/* sync/wants: which bytes of which blob blobs.get and blobs.getSlice are asked for, in any JSON:
 * the part lies within what a blob may have, its end not before its beginning. */
#include "sync/wants_give.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct json *args, bool is_slice)
{
	struct give give = {0};
	const char *why = read_args(&give, args, is_slice);
	if (why != NULL ? why[0] == '\0' : give.at > give.end || give.end > LIMIT_BLOB_BYTES) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *doc = NULL;
	if (json_parse(span_of(data, size), LIMIT_RPC_ARGS_DEPTH, &doc) != ERR_OK) {
		return 0;
	}
	ask(json_root(doc), false);
	ask(json_root(doc), true);
	json_doc_free(doc);
	return 0;
}
