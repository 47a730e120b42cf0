/* feed/claim: what bytes say of themselves is what their tree says, or nothing. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/limits.h"
#include "feed/claim.h"

#include <stdlib.h>

#define AUTHOR "@CyBVI+VCzD4kbq4cIGlX2HBtRN/67REahLYG5NAksW0=.ed25519"
#define KEY "%CyBVI+VCzD4kbq4cIGlX2HBtRN/67REahLYG5NAksW0=.sha256"

static bool tree_claim(struct span text, struct claim *out)
{
	struct json_doc *doc = NULL;
	bool is_read =
		json_parse(text, LIMIT_JSON_DEPTH, &doc) == ERR_OK && claim_of(json_root(doc), out);
	json_doc_free(doc);
	return is_read;
}

static void assert_same(struct span text, bool must_be_quick)
{
	struct claim quick = {0};
	struct claim tree = {0};
	bool is_quick = claim_read(text, &quick);
	assert_true(is_quick || !must_be_quick);
	if (is_quick && tree_claim(text, &tree)) {
		assert_true(feed_id_equal(&quick.author, &tree.author));
		assert_int_equal(quick.sequence, tree.sequence);
	}
}

static void says_what_the_tree_says_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-encoding");
	size_t quick = 0;
	size_t i;
	const json_t *vector;
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct claim claim;
		struct buf raw = BUF_INIT(1 * MIB);
		assert_true(vectors_hex(vector, "wire_hex", &raw));
		assert_same(buf_span(&raw), false);
		quick += claim_read(buf_span(&raw), &claim);
		/* Cut anywhere it is read within its bytes, and never says another thing. */
		for (size_t len = 0; len < raw.len && len < 300; len++) {
			uint8_t *part = malloc(len + 1);
			assert_non_null(part);
			memcpy(part, raw.at, len);
			struct claim cut;
			if (claim_read(span_of(part, len), &cut)) {
				assert_true(claim_read(buf_span(&raw), &claim));
				assert_int_equal(cut.sequence, claim.sequence);
			}
			free(part);
		}
		buf_fini(&raw);
	}
	assert_true(quick > 70);
	json_decref(root);
}

static void reads_both_orders_of_the_fields(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{\"previous\":null,\"sequence\":1,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"author\":\"" AUTHOR "\",\"sequence\":1,\"timestamp\":1}",
		"{\"previous\":\"" KEY "\",\"sequence\":9007199254740991,\"author\":\"" AUTHOR
		"\",\"timestamp\":1}",
		"{\"previous\":\"" KEY "\",\"author\":\"" AUTHOR
		"\",\"sequence\":20,\"timestamp\":1}",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_same(span_text(texts[i]), true);
	}
}

static void leaves_every_other_form_to_the_tree(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"{}",
		"[1]",
		"{\"clock\":{}}",
		"{\"" AUTHOR "\":2}",
		" {\"previous\":null,\"sequence\":1,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\": null,\"sequence\":1,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":0,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":-1,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":01,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":1.5,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":1e2,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":\"1\",\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":9007199254740992,\"author\":\"" AUTHOR
		"\",\"timestamp\":1}",
		"{\"previous\":null,\"sequence\":99999999999999999999999,\"author\":\"" AUTHOR
		"\",\"timestamp\":1}",
		"{\"previous\":null,\"author\":\"" KEY "\",\"sequence\":1,\"timestamp\":1}",
		"{\"previous\":\"x\",\"sequence\":2,\"author\":\"" AUTHOR "\",\"timestamp\":1}",
		"{\"key\":\"" KEY "\",\"value\":{\"previous\":null}}",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct claim claim;
		if (claim_read(span_text(texts[i]), &claim)) {
			fail_msg("%s", texts[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_tree_says_of_the_vectors),
		cmocka_unit_test(reads_both_orders_of_the_fields),
		cmocka_unit_test(leaves_every_other_form_to_the_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
