/**
 * base/version: which kith this is.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#ifndef KITH_VERSION
#define KITH_VERSION "0.1.0"
#endif

#endif
