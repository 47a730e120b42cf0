/* A backup that was damaged, cut, lengthened, reordered, exchanged or made by somebody newer is
 * noticed and said in one sentence; nothing of it is taken for true. */
#include "lib/cmocka.h"

#include "base/file.h"
#include "feed/key.h"
#include "store/bundle.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WHY_BYTES = 256, SMALL_BYTES = 300, RECORD_BYTES = BUNDLE_CHUNK_BYTES + BUNDLE_TAG_BYTES };

static char dir[] = "/tmp/kith-bundle-XXXXXX";
static char path[64];
static const uint8_t derived[32] = {7};
static const struct bundle_opener by_key = {.derived = derived};
static struct bundle_manifest manifest;

/* A file with one entry of `count` bytes; `path` and `out` get it. */
static void make(const struct bundle_opener *opener, size_t count, struct buf *out)
{
	struct bundle_writer *writer = NULL;
	uint8_t *bytes = malloc(count + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < count; i++) {
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	}
	memset(&manifest, 0, sizeof(manifest));
	manifest.identity.at[3] = 9;
	manifest.created_ms = 1795351736968;
	manifest.sequence = 102;
	manifest.head.at[0] = 4;
	manifest.was_served = true;
	manifest.messages = 4711;
	manifest.holder_count = 2;
	manifest.holders[0].sequence = 101;
	manifest.holders[1].seen_ms = 5;
	manifest.entry_count = 1;
	(void)snprintf(manifest.entries[0].name, BUNDLE_NAME_BYTES, "kith.db");
	manifest.entries[0].bytes = count;
	assert_int_equal(crypto_hash_sha256(manifest.entries[0].sha256, bytes, count), 0);
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(bundle_create(fd, opener, env_system(), &manifest, &writer), ERR_OK);
	assert_int_equal(bundle_write(writer, span_of(bytes, count / 3)), ERR_OK);
	assert_int_equal(
		bundle_write(writer, span_of(bytes + count / 3, count - count / 3)), ERR_OK);
	assert_int_equal(bundle_finish(writer), ERR_OK);
	bundle_writer_free(writer);
	assert_int_equal(close(fd), 0);
	buf_init(out, 64 * MIB);
	assert_int_equal(file_read(path, out), ERR_OK);
	free(bytes);
}

/* Read all of a file as it is in memory. */
static enum err read_with(const struct bundle_opener *opener, struct span bytes, char *why)
{
	struct bundle_reader *reader = NULL;
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	why[0] = '\0';
	enum err err = bundle_open(fd, opener, &reader, why, WHY_BYTES);
	if (err == ERR_OK) {
		for (size_t i = 0; err == ERR_OK && i < bundle_manifest(reader)->entry_count; i++) {
			err = bundle_read_entry(reader, NULL, NULL);
		}
		if (err == ERR_OK) {
			err = bundle_end(reader);
		}
		if (err != ERR_OK) {
			(void)snprintf(why, WHY_BYTES, "%s", bundle_why(reader));
		}
	}
	bundle_reader_free(reader);
	(void)close(fd);
	return err;
}

static void assert_refused(struct span bytes, enum err wanted, const char *part)
{
	char why[WHY_BYTES];
	enum err err = read_with(&by_key, bytes, why);
	if (err != wanted || strstr(why, part) == NULL) {
		fail_msg("%d instead of %d, \"%s\" instead of \"%s\"", err, wanted, why, part);
	}
}

static void gives_back_what_went_in_at_every_edge_of_a_chunk(void **state)
{
	(void)state;
	char why[WHY_BYTES];
	struct buf file;
	make(&by_key, 1000, &file);
	/* What stands before the entry: the length and the manifest (its length has a fixed width
	 * as long as the digits of the entry's size do not change). */
	size_t before = file.len - BUNDLE_HEAD_BYTES - BUNDLE_TAG_BYTES - 1000 + 1;
	buf_fini(&file);
	const size_t edges[] = {0, 1, SMALL_BYTES, BUNDLE_CHUNK_BYTES - before - 1,
		BUNDLE_CHUNK_BYTES - before, BUNDLE_CHUNK_BYTES - before + 1,
		2 * BUNDLE_CHUNK_BYTES - before, 5 * BUNDLE_CHUNK_BYTES + 17};
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		make(&by_key, edges[i], &file);
		assert_int_equal(read_with(&by_key, buf_span(&file), why), ERR_OK);
		buf_fini(&file);
	}
}

static void the_manifest_comes_back_as_it_went_in(void **state)
{
	(void)state;
	struct buf text = BUF_INIT(LIMIT_BACKUP_MANIFEST_BYTES);
	struct bundle_manifest *back = malloc(sizeof(*back));
	struct buf file;
	make(&by_key, 10, &file);
	assert_int_equal(bundle_manifest_write(&manifest, &text), ERR_OK);
	assert_int_equal(bundle_manifest_parse(buf_span(&text), back), ERR_OK);
	assert_memory_equal(back, &manifest, sizeof(manifest));
	buf_clear(&text);
	manifest.kind = BUNDLE_MOVE;
	manifest.holder_count = LIMIT_HOLDERS;
	for (size_t i = 0; i < LIMIT_HOLDERS; i++) {
		manifest.holders[i].sequence = UINT64_C(1) << 52;
		manifest.holders[i].seen_ms = INT64_C(1) << 52;
	}
	/* The largest one there can be fits. */
	assert_int_equal(bundle_manifest_write(&manifest, &text), ERR_OK);
	assert_int_equal(bundle_manifest_parse(buf_span(&text), back), ERR_OK);
	assert_memory_equal(back, &manifest, sizeof(manifest));
	free(back);
	buf_fini(&text);
	buf_fini(&file);
}

static void a_manifest_beyond_its_limits_is_refused(void **state)
{
	(void)state;
	struct bundle_manifest *back = malloc(sizeof(*back));
	struct buf text = BUF_INIT(4 * MIB);
	struct buf file;
	make(&by_key, 10, &file);
	assert_int_equal(bundle_manifest_write(&manifest, &text), ERR_OK);
	assert_non_null(buf_cstr(&text));
	/* One holder too many; far too many. */
	for (size_t count = LIMIT_HOLDERS + 1; count <= 10 * LIMIT_HOLDERS; count *= 3) {
		struct buf many = BUF_INIT(4 * MIB);
		const char *cut = strstr((const char *)text.at, "\"holders\":[");
		assert_non_null(cut);
		assert_int_equal(
			buf_append(&many,
				span_of(text.at, (size_t)((const uint8_t *)cut - text.at) + 11)),
			ERR_OK);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(buf_printf(&many,
						 "%s{\"id\":\"@%s.ed25519\",\"sequence\":1,"
						 "\"at\":1}",
						 i == 0 ? "" : ",",
						 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
				ERR_OK);
		}
		const char *rest = strstr((const char *)text.at, ",\"entries\"");
		assert_int_equal(buf_append_text(&many, "]"), ERR_OK);
		assert_int_equal(buf_append_text(&many, rest), ERR_OK);
		assert_int_equal(bundle_manifest_parse(buf_span(&many), back), ERR_REFUSED);
		buf_fini(&many);
	}
	static const char *const wrong[] = {"", "{}", "[]", "null", "{\"version\":1}",
		"{\"version\":0}", "{\"version\":1,\"kind\":\"other\"}"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(bundle_manifest_parse(span_text(wrong[i]), back), ERR_REFUSED);
	}
	assert_int_equal(bundle_manifest_parse(span_text("{\"version\":2}"), back), ERR_NEWER);
	free(back);
	buf_fini(&text);
	buf_fini(&file);
}

static void every_byte_that_is_flipped_is_noticed(void **state)
{
	(void)state;
	char why[WHY_BYTES];
	struct buf file;
	make(&by_key, SMALL_BYTES, &file);
	for (size_t i = 0; i < file.len; i++) {
		for (unsigned bit = 0; bit < 8; bit += i < BUNDLE_HEAD_BYTES ? 1 : 7) {
			file.at[i] ^= (uint8_t)(1u << bit);
			enum err err = read_with(&by_key, buf_span(&file), why);
			if (err != ERR_DAMAGED && err != ERR_REFUSED) {
				fail_msg("byte %zu: %d, %s", i, err, why);
			}
			assert_string_not_equal(why, "");
			file.at[i] ^= (uint8_t)(1u << bit);
		}
	}
	assert_int_equal(read_with(&by_key, buf_span(&file), why), ERR_OK);
	buf_fini(&file);
	/* In a file of several chunks too: one byte of each, and each end of it. */
	make(&by_key, 4 * BUNDLE_CHUNK_BYTES, &file);
	for (size_t at = BUNDLE_HEAD_BYTES; at < file.len; at += RECORD_BYTES) {
		const size_t places[] = {0, 1, RECORD_BYTES / 2, RECORD_BYTES - 1};
		for (size_t i = 0; i < 4 && at + places[i] < file.len; i++) {
			file.at[at + places[i]] ^= 0x10;
			assert_refused(buf_span(&file), ERR_DAMAGED, "damaged");
			file.at[at + places[i]] ^= 0x10;
		}
	}
	buf_fini(&file);
}

static void every_cut_is_noticed(void **state)
{
	(void)state;
	char why[WHY_BYTES];
	struct buf file;
	make(&by_key, SMALL_BYTES, &file);
	for (size_t len = 0; len < file.len; len++) {
		enum err err = read_with(&by_key, span_of(file.at, len), why);
		assert_true(err == ERR_DAMAGED || (err == ERR_REFUSED && len < 8));
		assert_string_not_equal(why, "");
	}
	buf_fini(&file);
	make(&by_key, 4 * BUNDLE_CHUNK_BYTES, &file);
	for (size_t at = BUNDLE_HEAD_BYTES; at < file.len; at += RECORD_BYTES) {
		assert_refused(span_of(file.at, at), ERR_DAMAGED, "cut short");
		assert_refused(span_of(file.at, at + 1), ERR_DAMAGED, "cut short");
		assert_refused(span_of(file.at, at - 1), ERR_DAMAGED, "cut short");
	}
	buf_fini(&file);
}

static void what_was_added_is_noticed(void **state)
{
	(void)state;
	struct buf file;
	make(&by_key, 4 * BUNDLE_CHUNK_BYTES, &file);
	assert_int_equal(buf_append_byte(&file, 0), ERR_OK);
	assert_refused(buf_span(&file), ERR_DAMAGED, "");
	buf_truncate(&file, file.len - 1);
	size_t len = file.len;
	uint8_t *copy = malloc(RECORD_BYTES);
	memcpy(copy, file.at + BUNDLE_HEAD_BYTES, RECORD_BYTES);
	assert_int_equal(buf_append(&file, span_of(copy, RECORD_BYTES)), ERR_OK);
	assert_refused(buf_span(&file), ERR_DAMAGED, "");
	buf_truncate(&file, len);
	free(copy);
	buf_fini(&file);
}

static void chunks_in_another_order_are_noticed(void **state)
{
	(void)state;
	struct buf file;
	uint8_t *copy = malloc(RECORD_BYTES);
	make(&by_key, 5 * BUNDLE_CHUNK_BYTES, &file);
	for (size_t i = 0; i < 4; i++) {
		uint8_t *one = file.at + BUNDLE_HEAD_BYTES + i * RECORD_BYTES;
		uint8_t *two = one + RECORD_BYTES;
		memcpy(copy, one, RECORD_BYTES);
		memcpy(one, two, RECORD_BYTES);
		memcpy(two, copy, RECORD_BYTES);
		assert_refused(buf_span(&file), ERR_DAMAGED, "damaged");
		memcpy(copy, one, RECORD_BYTES);
		memcpy(one, two, RECORD_BYTES);
		memcpy(two, copy, RECORD_BYTES);
	}
	/* One left out. */
	struct buf less = BUF_INIT(64 * MIB);
	size_t at = BUNDLE_HEAD_BYTES + 2 * RECORD_BYTES;
	assert_int_equal(buf_append(&less, span_of(file.at, at)), ERR_OK);
	assert_int_equal(buf_append(&less, span_skip(buf_span(&file), at + RECORD_BYTES)), ERR_OK);
	assert_refused(buf_span(&less), ERR_DAMAGED, "damaged");
	buf_fini(&less);
	free(copy);
	buf_fini(&file);
}

static void chunks_of_another_file_with_the_same_key_are_noticed(void **state)
{
	(void)state;
	struct buf one;
	struct buf two;
	make(&by_key, 3 * BUNDLE_CHUNK_BYTES, &one);
	make(&by_key, 3 * BUNDLE_CHUNK_BYTES, &two);
	size_t at = BUNDLE_HEAD_BYTES + RECORD_BYTES;
	memcpy(one.at + at, two.at + at, RECORD_BYTES);
	assert_refused(buf_span(&one), ERR_DAMAGED, "damaged");
	buf_fini(&one);
	buf_fini(&two);
}

/* The head as a later version would write it: its sum is right. */
static void sum_again(struct buf *file)
{
	assert_int_equal(crypto_generichash(file->at + 80, 16, file->at, 80, NULL, 0), 0);
}

static void a_newer_version_is_told_from_damage(void **state)
{
	(void)state;
	struct buf file;
	make(&by_key, SMALL_BYTES, &file);
	file.at[8] = BUNDLE_VERSION + 1;
	assert_refused(buf_span(&file), ERR_DAMAGED, "damaged in its first bytes");
	sum_again(&file);
	assert_refused(buf_span(&file), ERR_NEWER, "newer kith");
	buf_fini(&file);
}

static void asks_for_no_more_work_than_its_limits(void **state)
{
	(void)state;
	struct bundle_head head;
	char why[WHY_BYTES];
	struct buf file;
	static const struct {
		uint32_t passes, kib;
		enum err err;
	} rows[] = {
		{1, 8, ERR_OK},
		{LIMIT_BACKUP_WORK_OPS_MAX, LIMIT_BACKUP_WORK_BYTES_MAX / KIB, ERR_OK},
		{LIMIT_BACKUP_WORK_OPS_MAX + 1, 8, ERR_REFUSED},
		{1, LIMIT_BACKUP_WORK_BYTES_MAX / KIB + 1, ERR_REFUSED},
		{UINT32_MAX, UINT32_MAX, ERR_REFUSED},
		{0, 8, ERR_REFUSED},
		{1, 7, ERR_REFUSED},
	};
	make(&by_key, SMALL_BYTES, &file);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		file.at[12] = BUNDLE_BY_PASSPHRASE;
		for (unsigned byte = 0; byte < 4; byte++) {
			file.at[16 + byte] = (uint8_t)(rows[i].passes >> (8 * byte));
			file.at[20 + byte] = (uint8_t)(rows[i].kib >> (8 * byte));
		}
		sum_again(&file);
		assert_int_equal(
			bundle_head_parse(buf_span(&file), &head, why, sizeof(why)), rows[i].err);
	}
	buf_fini(&file);
}

static void what_is_no_backup_is_told_so(void **state)
{
	(void)state;
	assert_refused(span_text(""), ERR_REFUSED, "not a backup");
	assert_refused(span_text("kithbac"), ERR_REFUSED, "not a backup");
	assert_refused(span_text("SQLite format 3"), ERR_REFUSED, "not a backup");
	assert_refused(span_text("kithback"), ERR_DAMAGED, "cut short");
}

static void a_wrong_opener_is_told_from_damage(void **state)
{
	(void)state;
	static const uint8_t other[32] = {8};
	static const struct bundle_opener by_other = {.derived = other};
	const struct bundle_opener right = {.passphrase = span_text("correct horse")};
	const struct bundle_opener wrong = {.passphrase = span_text("correct house")};
	char why[WHY_BYTES];
	struct buf file;
	make(&by_key, SMALL_BYTES, &file);
	assert_int_equal(read_with(&by_other, buf_span(&file), why), ERR_DENIED);
	assert_non_null(strstr(why, "another key"));
	assert_int_equal(read_with(&right, buf_span(&file), why), ERR_DENIED);
	assert_non_null(strstr(why, "opens with your key"));
	buf_fini(&file);
	make(&right, SMALL_BYTES, &file);
	assert_int_equal(read_with(&right, buf_span(&file), why), ERR_OK);
	assert_int_equal(read_with(&wrong, buf_span(&file), why), ERR_DENIED);
	assert_non_null(strstr(why, "not the passphrase"));
	assert_int_equal(read_with(&by_key, buf_span(&file), why), ERR_DENIED);
	assert_non_null(strstr(why, "opens with a passphrase"));
	buf_fini(&file);
}

static void two_files_of_the_same_share_no_bytes_of_their_bodies(void **state)
{
	(void)state;
	struct buf one;
	struct buf two;
	make(&by_key, SMALL_BYTES, &one);
	make(&by_key, SMALL_BYTES, &two);
	assert_int_equal(one.len, two.len);
	assert_memory_not_equal(one.at + 24, two.at + 24, 16);
	assert_memory_not_equal(one.at + BUNDLE_HEAD_BYTES, two.at + BUNDLE_HEAD_BYTES, 64);
	buf_fini(&one);
	buf_fini(&two);
}

static void a_full_disk_is_told(void **state)
{
	(void)state;
	struct bundle_writer *writer = NULL;
	struct buf file;
	make(&by_key, SMALL_BYTES, &file);
	int fd = open("/dev/full", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(
		bundle_create(fd, &by_key, env_system(), &manifest, &writer), ERR_DISK_FULL);
	(void)close(fd);
	buf_fini(&file);
}

static void what_a_key_derives_depends_on_the_purpose_and_is_not_the_key(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {1};
	struct key *key = NULL;
	uint8_t one[32];
	uint8_t same[32];
	uint8_t two[32];
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(key_derive(key, BUNDLE_CONTEXT, one), ERR_OK);
	assert_int_equal(key_derive(key, BUNDLE_CONTEXT, same), ERR_OK);
	assert_int_equal(key_derive(key, "another purpose", two), ERR_OK);
	assert_memory_equal(one, same, 32);
	assert_memory_not_equal(one, two, 32);
	assert_memory_not_equal(one, seed, 32);
	assert_memory_not_equal(one, key_id(key)->at, 32);
	key_free(key);
}

static int set_up(void **state)
{
	(void)state;
	return sodium_init() < 0 || mkdtemp(dir) == NULL ||
	       snprintf(path, sizeof(path), "%s/file", dir) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_went_in_at_every_edge_of_a_chunk),
		cmocka_unit_test(the_manifest_comes_back_as_it_went_in),
		cmocka_unit_test(a_manifest_beyond_its_limits_is_refused),
		cmocka_unit_test(every_byte_that_is_flipped_is_noticed),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(what_was_added_is_noticed),
		cmocka_unit_test(chunks_in_another_order_are_noticed),
		cmocka_unit_test(chunks_of_another_file_with_the_same_key_are_noticed),
		cmocka_unit_test(a_newer_version_is_told_from_damage),
		cmocka_unit_test(asks_for_no_more_work_than_its_limits),
		cmocka_unit_test(what_is_no_backup_is_told_so),
		cmocka_unit_test(a_wrong_opener_is_told_from_damage),
		cmocka_unit_test(two_files_of_the_same_share_no_bytes_of_their_bodies),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(what_a_key_derives_depends_on_the_purpose_and_is_not_the_key),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
