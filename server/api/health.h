/**
 * api/health: what machines ask a node that is left on, outside of /api and without a session:
 * GET /livez (does it answer?), GET /readyz (does it serve?) and GET /metrics (api/metrics).
 */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/inside.h"

bool health_is_asked(struct span path);
/** True: the path is one of these, and the answer is filled. */
MUST_USE bool health_serve(struct api *api, struct exchange *exchange);
/** What everything else answers while the node is on its way. */
void health_starting(const struct api *api, struct answer *answer);

#endif
