/** tests/lib/openmetrics: a strict reader of OpenMetrics text 1.0, for what kith uses of it: gauge,
 * counter, info, histogram. */
#ifndef TESTS_LIB_OPENMETRICS_H
#define TESTS_LIB_OPENMETRICS_H

#include <stdbool.h>

/** Does `text` keep every rule? Else `why` says which line does not, and why. */
bool openmetrics_is_sound(const char *text, char why[static 256]);
/** The value of a sample written exactly so ("kith_peers{state=\"connected\"}"); −1: there is none.
 */
double openmetrics_value(const char *text, const char *sample);

#endif
