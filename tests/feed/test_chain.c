/* feed/chain: which message may follow a head. */
#include "lib/cmocka.h"

#include "feed/chain.h"

static struct message message_at(uint64_t sequence, uint8_t previous)
{
	struct message message = {.sequence = sequence, .has_previous = sequence > 1};
	memset(message.previous.at, previous, ID_BYTES);
	return message;
}

static void takes_the_next_and_nothing_else(void **state)
{
	(void)state;
	struct chain_head empty = {0};
	struct chain_head head = {.sequence = 7};
	memset(head.key.at, 0xaa, ID_BYTES);
	struct message first = message_at(1, 0);
	struct message second = message_at(2, 0);
	struct message same = message_at(7, 0xaa);
	struct message next = message_at(8, 0xaa);
	struct message fork = message_at(8, 0xab);
	struct message gap = message_at(9, 0xaa);
	assert_int_equal(chain_judge(&empty, &first), CHAIN_NEXT);
	assert_int_equal(chain_judge(&empty, &second), CHAIN_GAP);
	assert_int_equal(chain_judge(&head, &first), CHAIN_KNOWN);
	assert_int_equal(chain_judge(&head, &same), CHAIN_KNOWN);
	assert_int_equal(chain_judge(&head, &next), CHAIN_NEXT);
	assert_int_equal(chain_judge(&head, &fork), CHAIN_FORK);
	assert_int_equal(chain_judge(&head, &gap), CHAIN_GAP);
}

static void takes_no_null_for_the_previous_of_a_later_message(void **state)
{
	(void)state;
	struct chain_head head = {.sequence = 1};
	struct message next = message_at(2, 0);
	assert_int_equal(chain_judge(&head, &next), CHAIN_NEXT);
	next.has_previous = false;
	assert_int_equal(chain_judge(&head, &next), CHAIN_FORK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_next_and_nothing_else),
		cmocka_unit_test(takes_no_null_for_the_previous_of_a_later_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
