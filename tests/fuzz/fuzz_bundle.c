/* The two parts of a backup that are parsed: the head in the clear, and the manifest, which whoever
 * knows the passphrase may have written. What is taken must come out again as it went in. */
#include "store/bundle.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_head(struct span bytes)
{
	struct bundle_head head;
	char why[160] = "";
	uint8_t with_sum[BUNDLE_HEAD_BYTES];
	enum err err = bundle_head_parse(bytes, &head, why, sizeof(why));
	assert(err == ERR_OK || why[0] != '\0');
	if (bytes.len < sizeof(with_sum)) {
		return;
	}
	/* The same with a sum that is right, as no chance would give it. */
	memcpy(with_sum, bytes.at, sizeof(with_sum));
	if (crypto_generichash(with_sum + 80, 16, with_sum, 80, NULL, 0) != 0) {
		abort();
	}
	err = bundle_head_parse(span_of(with_sum, sizeof(with_sum)), &head, why, sizeof(why));
	assert(err != ERR_OK || head.lock == BUNDLE_BY_KEY ||
		(head.passes <= LIMIT_BACKUP_WORK_OPS_MAX &&
			head.kib <= LIMIT_BACKUP_WORK_BYTES_MAX / KIB));
}

static void try_manifest(struct span bytes)
{
	static struct bundle_manifest one;
	static struct bundle_manifest two;
	struct buf text = BUF_INIT(LIMIT_BACKUP_MANIFEST_BYTES);
	if (bundle_manifest_parse(bytes, &one) == ERR_OK) {
		for (size_t i = 0; i < one.entry_count; i++) {
			for (const char *c = one.entries[i].name; *c != '\0'; c++) {
				if (*c < ' ' || *c == '"' || *c == '\\') {
					return; /* we write no such name */
				}
			}
		}
		assert(bundle_manifest_write(&one, &text) == ERR_OK);
		assert(bundle_manifest_parse(buf_span(&text), &two) == ERR_OK);
		assert(memcmp(&one, &two, sizeof(one)) == 0);
	}
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > LIMIT_BACKUP_MANIFEST_BYTES) {
		return 0;
	}
	try_head(span_of(data, size));
	try_manifest(span_of(data, size));
	return 0;
}
