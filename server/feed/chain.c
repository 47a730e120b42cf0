/* The chain rule: numbers go up by one, and each message names the one before it. */
#include "feed/chain.h"

enum chain_verdict chain_judge(const struct chain_head *head, const struct message *message)
{
	if (message->sequence <= head->sequence) {
		return CHAIN_KNOWN;
	}
	if (message->sequence > head->sequence + 1) {
		return CHAIN_GAP;
	}
	if (head->sequence == 0) {
		return message->has_previous ? CHAIN_FORK : CHAIN_NEXT;
	}
	bool is_ours = message->has_previous && message_id_equal(&message->previous, &head->key);
	return is_ours ? CHAIN_NEXT : CHAIN_FORK;
}

const char *chain_text(enum chain_verdict verdict)
{
	switch (verdict) {
	case CHAIN_NEXT:
		return "it is the next message of its feed";
	case CHAIN_KNOWN:
		return "its sequence is not above the feed's newest";
	case CHAIN_GAP:
		return "its sequence leaves a gap after the feed's newest";
	case CHAIN_FORK:
		return "its previous is not the feed's newest message";
	}
	return "unknown";
}
