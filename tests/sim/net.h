/** tests/sim/net: machines and the network between them, behind the very interfaces that
 * net/loop.h, net/listen.h, net/dial.h and net/lan.h promise to the rest of the program. */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include "net/loop.h"
#include "sim/world.h"

enum { HOSTS_MAX = 16, HOST_PORT = 8008 };

struct end;

/* A machine: its clocks, its chance, its address. A node or a liar runs on it, or nothing. */
struct host {
	unsigned number;
	char name[16]; /* "10.0.0.7": what it is dialled by */
	struct env env;
	uint64_t chance;
	int64_t mono_base_ms;
	int64_t wall_offset_ms;
	struct loop *loop; /* of what runs there; NULL: nothing */
	struct listener *listener;
	struct lan *lan;
	struct end *ends; /* of its connections */
	bool is_on;       /* off: nothing answers, not even a refusal */
	/* After each turn of its loop. */
	void (*on_turn)(void *ctx);
	void *ctx;
	void (*on_log)(void *ctx, enum log_level level, const char *line);
};

struct path {
	int64_t delay_us; /* one way */
	int64_t rate;     /* bytes a second */
	bool is_cut;      /* packets vanish */
};

void net_begin(void);
void net_end(void);
/** `number` from 0; its address is 10.0.0.(number + 1). */
void host_init(struct host *host, unsigned number);
struct host *host_by_name(const char *name);
struct path *net_path(const struct host *a, const struct host *b);
void net_cut(struct host *a, struct host *b, bool is_cut);
/** Break what is connected between the two: both ends hear a reset. */
void net_reset(struct host *a, struct host *b);
/** All connections of a process that died: `is_heard`, its kernel says so to the others; else they
 * find out when nothing comes back. Its own ends hear a reset at once. */
void net_drop(struct host *host, bool is_heard);
/** Bytes on the way to and from this host, in all queues of the simulator. */
size_t net_buffered(const struct host *host);

/* sim/loop.c, beyond net/loop.h. */

/** Run what this loop has ready and then its timers, without the world's clock, until `is_done`
 * says so: for a process that is dying, which nobody hears any more. */
void loop_drain(struct loop *loop, bool (*is_done)(void *ctx), void *ctx);
/** Call `fn(ctx)` as a turn of the loop. */
void loop_turn(struct loop *loop, void (*fn)(void *ctx), void *ctx);
struct host *loop_host(const struct loop *loop);
/** The host whose turn it is; NULL between turns. */
extern struct host *host_now;

#endif
