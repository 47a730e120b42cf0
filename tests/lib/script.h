/** tests/lib/script: a peer that does what the test says, on a loop of its own in the test's
 * thread. Everything it hears is kept as text. */
#ifndef TESTS_LIB_SCRIPT_H
#define TESTS_LIB_SCRIPT_H

#include "lib/authors.h"
#include "lib/nodes.h"
#include "net/listen.h"
#include "net/peer.h"

enum { SCRIPT_CALLS_MAX = 128 };

struct script;

struct script_call {
	struct script *script;
	struct rpc_call *call; /* NULL when it is over */
	char name[64];
	enum rpc_kind kind;
	bool is_ours;
	char *args;      /* theirs: JSON */
	struct buf text; /* items, each with a newline */
	size_t items;
	bool is_ended;
	bool has_error;
	char error[160];
};

struct script {
	struct author self;
	struct loop *loop;
	struct peer *peer;
	struct listener *listener;
	uint16_t port;
	bool is_ready, is_closed;
	bool refuses_ebt; /* as a peer that does not know ebt.replicate */
	char reason[160];
	struct script_call *calls[SCRIPT_CALLS_MAX];
	size_t call_count;
};

void script_init(struct script *script, unsigned number);
void script_fini(struct script *script);
/** Dial and wait until the connection is ready or closed. */
void script_dial(struct script *script, const struct node *node);
/** Listen; then the node may dial. */
void script_listen(struct script *script);
struct address script_address(const struct script *script);
void script_close(struct script *script);
/** Let the loop turn once, and nap when it had nothing. */
void script_turn(struct script *script);

struct script_call *script_open(
	struct script *script, const char *name, enum rpc_kind kind, const char *args);
/** The n-th call of that name the node opened, or NULL so far. */
struct script_call *script_called(struct script *script, const char *name, size_t n);
void script_send(struct script_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
void script_send_span(struct script_call *call, struct span text);
bool script_has(const struct script_call *call, const char *text);

#define SCRIPT_UNTIL(script, condition)                    \
	do {                                               \
		int turns_left = 20000;                    \
		while (!(condition) && turns_left-- > 0) { \
			script_turn(script);               \
		}                                          \
		assert_true(condition);                    \
	} while (0)
/** Long enough for a mistake to show. */
void script_linger(struct script *script, int ms);

#endif
