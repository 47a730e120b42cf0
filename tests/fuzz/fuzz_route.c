/* api/route and what stands in targets: a path finds one row or none, its parts lie in the path,
 * and a place in a list is read as it is written. The input is a target. */
#include "api/body.h"
#include "api/gate.h"
#include "api/route.h"
#include "api/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void find(enum gate_method method, struct span path)
{
	struct span args[ROUTE_ARGS_MAX] = {{0}};
	bool is_known = false;
	const struct route *route = route_find(method, path, args, &is_known);
	if (route == NULL) {
		return;
	}
	must(is_known && route->serve != NULL);
	const char *name = strchr(route->pattern, ':');
	for (size_t i = 0; name != NULL; i++, name = strchr(name + 1, ':')) {
		must(args[i].len > 0 && args[i].at >= path.at &&
			args[i].at + args[i].len <= path.at + path.len);
		must(memchr(args[i].at, '/', args[i].len) == NULL);
	}
}

static void read_place(struct span query, const char *name)
{
	struct buf text = BUF_INIT(LIMIT_HTTP_TARGET_BYTES);
	char again[48];
	int64_t at_ms = 0;
	int64_t order = 0;
	if (body_query(query, name, &text) == ERR_OK &&
		shape_read_cursor(buf_span(&text), &at_ms, &order) == ERR_OK) {
		int64_t at_ms_again = 0;
		int64_t order_again = 0;
		int len = snprintf(again, sizeof(again), "%" PRId64 ".%" PRId64, at_ms, order);
		must(shape_read_cursor(span_of(again, (size_t)len), &at_ms_again, &order_again) ==
			ERR_OK);
		must(at_ms_again == at_ms && order_again == order);
	}
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_head head = {0};
	if (gate_judge_target(span_of(data, size), &head) != NULL) {
		return 0;
	}
	find(GATE_GET, head.path);
	find(GATE_HEAD, head.path);
	find(GATE_POST, head.path);
	find(GATE_DELETE, head.path);
	find(GATE_PUT, head.path);
	find(GATE_OTHER, head.path);
	read_place(head.query, "before");
	read_place(head.query, "after");
	return 0;
}
