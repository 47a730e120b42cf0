/**
 * api/backup: what the page is told about the copies of this node; the endpoints are in
 * serve_backup.c.
 */
#ifndef API_BACKUP_H
#define API_BACKUP_H

#include "api/inside.h"

#include <jansson.h>

/** The member `backup` of GET /api/safety (API.md). NULL without memory. */
MUST_USE json_t *backup_json(struct api *api, struct reader *reader);
/** No copy was made for LIMIT_BACKUP_LATE_MS, though there is something to copy. */
bool backup_is_late(struct api *api, struct reader *reader);

#endif
