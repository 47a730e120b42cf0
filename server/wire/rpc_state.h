/**
 * wire/rpc_state: what the two halves of wire/rpc share: rpc.c (calls and sending) and rpc_in.c
 * (receiving). Nobody else includes it.
 */
#ifndef WIRE_RPC_STATE_H
#define WIRE_RPC_STATE_H

#include "base/limits.h"
#include "wire/rpc.h"

enum { RPC_NUMBERS_REMEMBERED = 64 };

struct rpc_call {
	struct rpc *rpc;
	struct rpc_call *prev;
	struct rpc_call *next;
	struct rpc_handler handler;
	int32_t number; /* as the opener counts, above 0 */
	enum rpc_kind kind;
	bool is_ours;
	bool is_accepted;
	bool is_finished;
	bool we_ended;
	bool they_ended;
	bool waits_for_room;
	size_t json_max; /* bytes of a JSON body */
	bool passes_large;
};

struct rpc_calls {
	struct rpc_call *first;
	struct rpc_call *last;
	size_t count;
};

/* A number whose call is over; as it stands in the peer's packets, so ours are negative. */
struct rpc_old_number {
	int32_t request;
	size_t json_max;
	bool passes_large;
};

struct rpc {
	struct rpc_opts opts;
	struct rpc_calls ours;
	struct rpc_calls theirs;
	struct rpc_calls finished;
	struct rpc_old_number old[RPC_NUMBERS_REMEMBERED];
	size_t old_next;
	int32_t next_number;
	int32_t highest_seen; /* of the peer's requests */
	int64_t errors_since_ms;
	unsigned errors;
	enum err failed; /* why the connection is lost */
	bool is_busy;    /* in rpc_feed() or rpc_room() */
	bool has_room;   /* rpc_room() was called meanwhile */
	bool is_over;    /* a goodbye was said or heard */
	bool heard_goodbye;
	uint8_t head_bytes[MUXRPC_HEAD_BYTES];
	size_t head_len;
	struct muxrpc_head head;
	bool is_skipped; /* nobody wants this packet's body */
	size_t skip_left;
	struct buf body;
};

/** The live call that packets with this number belong to, or NULL. */
struct rpc_call *rpc_find_call(const struct rpc *rpc, int32_t request);
/** A finished call that had this number, unless that is long ago. */
const struct rpc_old_number *rpc_find_old(const struct rpc *rpc, int32_t request);
/** A live call; NULL without memory. */
struct rpc_call *rpc_call_new(struct rpc *rpc, int32_t number, enum rpc_kind kind, bool is_ours);
/** Take a call out of the living; its memory stays until rpc_free_finished(). */
void rpc_call_finish(struct rpc_call *call);
void rpc_free_finished(struct rpc *rpc);
/** Send our end, once; an async call of ours has none. A failure to send shows in rpc->failed. */
void rpc_send_end(struct rpc_call *call, struct span json);
void rpc_send_end_error(struct rpc_call *call, const char *message);
/** The peer's half is over: tell the owner. */
void rpc_tell_end(struct rpc_call *call, const char *error);

#endif
