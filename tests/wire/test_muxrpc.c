/* wire/muxrpc against the packets that packet-stream-codec made. */
#include "wire/vectors.h"

#include "wire/muxrpc.h"

static enum muxrpc_type type_of(const json_t *packet)
{
	const char *type = vectors_text(packet, "type");
	return strcmp(type, "json") == 0     ? MUXRPC_JSON
	       : strcmp(type, "string") == 0 ? MUXRPC_STRING
					     : MUXRPC_BINARY;
}

static void reads_and_writes_every_head(void **state)
{
	(void)state;
	json_t *root = vectors_load("muxrpc");
	size_t i;
	json_t *packet;
	json_array_foreach(json_object_get(root, "packets"), i, packet)
	{
		uint8_t bytes[MUXRPC_HEAD_BYTES];
		uint8_t written[MUXRPC_HEAD_BYTES];
		struct muxrpc_head head;
		struct span hex =
			span_take(span_text(vectors_text(packet, "hex")), 2 * MUXRPC_HEAD_BYTES);
		assert_int_equal(hex_decode(hex, bytes, sizeof(bytes)), ERR_OK);
		assert_int_equal(muxrpc_head_read(bytes, &head), ERR_OK);
		assert_int_equal(head.is_stream, json_is_true(json_object_get(packet, "stream")));
		assert_int_equal(head.is_end, json_is_true(json_object_get(packet, "end")));
		assert_int_equal(head.is_goodbye, json_is_true(json_object_get(packet, "goodbye")));
		assert_int_equal(head.type, type_of(packet));
		assert_int_equal(
			head.length, json_integer_value(json_object_get(packet, "length")));
		assert_int_equal(head.request, json_integer_value(json_object_get(packet, "req")));
		muxrpc_head_write(&head, written);
		assert_memory_equal(written, bytes, sizeof(bytes));
	}
	assert_int_equal(i, 21);
	json_decref(root);
}

static void only_nine_zero_bytes_are_a_goodbye(void **state)
{
	(void)state;
	for (size_t i = 0; i < MUXRPC_HEAD_BYTES; i++) {
		uint8_t bytes[MUXRPC_HEAD_BYTES] = {0};
		struct muxrpc_head head;
		assert_int_equal(muxrpc_head_read(bytes, &head), ERR_OK);
		assert_true(head.is_goodbye);
		bytes[i] = 1;
		assert_int_equal(muxrpc_head_read(bytes, &head), ERR_OK);
		assert_false(head.is_goodbye);
	}
}

static void refuses_heads_that_mean_nothing(void **state)
{
	(void)state;
	static const uint8_t bad[][MUXRPC_HEAD_BYTES] = {
		{0x03, 0, 0, 0, 1, 0, 0, 0, 1}, /* body type 3 */
		{0x0b, 0, 0, 0, 1, 0, 0, 0, 1}, /* the same in a stream */
		{0x12, 0, 0, 0, 1, 0, 0, 0, 1}, /* unknown flags */
		{0x82, 0, 0, 0, 1, 0, 0, 0, 1}, {0x02, 0, 0, 0, 1, 0x80, 0, 0, 0}, /* −2^31 */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct muxrpc_head head;
		assert_int_equal(muxrpc_head_read(bad[i], &head), ERR_REFUSED);
	}
}

static void numbers_reach_both_ends_of_32_bits(void **state)
{
	(void)state;
	static const int32_t numbers[] = {1, -1, INT32_MAX, -INT32_MAX, 0, 256, -256};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct muxrpc_head head = {
			.type = MUXRPC_JSON, .length = UINT32_MAX, .request = numbers[i]};
		struct muxrpc_head again;
		uint8_t bytes[MUXRPC_HEAD_BYTES];
		muxrpc_head_write(&head, bytes);
		assert_int_equal(muxrpc_head_read(bytes, &again), ERR_OK);
		assert_int_equal(again.request, numbers[i]);
		assert_true(again.length == UINT32_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_every_head),
		cmocka_unit_test(only_nine_zero_bytes_are_a_goodbye),
		cmocka_unit_test(refuses_heads_that_mean_nothing),
		cmocka_unit_test(numbers_reach_both_ends_of_32_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
