/*
 * What the node makes of a request that just came, for whoever sets up a proxy before it: nothing
 * that they did not say themselves.
 */
#include "api/inside.h"

void serve_door(struct call *call)
{
	const struct exchange *exchange = call->exchange;
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:s, s:b, s:b, s:b}", "address", exchange->address, "forwarded",
			exchange->head.is_forwarded, "believed", exchange->head.is_believed,
			"secure", exchange->head.is_secure));
}
