/**
 * api/metrics: GET /metrics, as OpenMetrics text, for a program that collects figures. On this
 * machine it is open to who asks without a proxy in between; from elsewhere it takes
 * `Authorization: Bearer` with what the file `metrics-token` of the data directory says.
 *
 * Nothing in it tells who anybody is: no id, no name, no address.
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/inside.h"

void metrics_serve(struct api *api, struct exchange *exchange);

#endif
