/*
 * Machines, paths, and streams of bytes between them. What is written to an end waits in its queue,
 * leaves in pieces of chance as fast as the path carries it, and arrives in order after the path's
 * delay. What the other side has not read fills its window, and then nothing leaves any more. A cut
 * path carries nothing; what waits for it leaves when it is whole again, unless
 * LIMIT_WRITE_STALL_MS passed: then the connection is given up, as net/link_tcp does.
 */
#include "sim/net.h"

#include "base/buf.h"
#include "base/limits.h"
#include "net/dial.h"
#include "net/lan.h"
#include "net/listen.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { WINDOW_BYTES = 64 * KIB, PIECE_BYTES_MAX = 16 * KIB, TURN_US = 5 };
#define WALL_BASE_MS 1760000000000LL

static struct host *hosts[HOSTS_MAX];
static struct path paths[HOSTS_MAX][HOSTS_MAX];

/* Machines. */

static int64_t mono_ms(void *ctx)
{
	const struct host *host = ctx;
	return host->mono_base_ms + world.now_us / MILLI_US;
}

static int64_t wall_ms(void *ctx)
{
	const struct host *host = ctx;
	return WALL_BASE_MS + host->wall_offset_ms + world.now_us / MILLI_US;
}

static void draw(void *ctx, uint8_t *out, size_t count)
{
	struct host *host = ctx;
	dice_fill(&host->chance, out, count);
}

static void log_line(void *ctx, enum log_level level, const char *line)
{
	struct host *host = ctx;
	if (host->on_log != NULL) {
		host->on_log(host->ctx, level, line);
	}
}

void host_init(struct host *host, unsigned number)
{
	assert(number < HOSTS_MAX);
	*host = (struct host){.number = number, .is_on = true};
	(void)snprintf(host->name, sizeof(host->name), "10.0.0.%u", number + 1);
	host->env = (struct env){.mono_ms = mono_ms,
		.wall_ms = wall_ms,
		.random = draw,
		.log_line = log_line,
		.ctx = host};
	host->chance = world.seed * 1000003 + number + 1;
	host->mono_base_ms = 1000 * (int64_t)(number + 1);
	hosts[number] = host;
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct path path = {.delay_us = dice_between(DICE_NET, 200, 60000),
			.rate = dice_between(DICE_NET, 20 * KIB, 4 * MIB)};
		paths[number][i] = paths[i][number] = path;
	}
}

struct host *host_by_name(const char *name)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		if (hosts[i] != NULL && strcmp(hosts[i]->name, name) == 0) {
			return hosts[i];
		}
	}
	return NULL;
}

struct path *net_path(const struct host *a, const struct host *b)
{
	return &paths[a->number][b->number];
}

void net_begin(void)
{
	memset(hosts, 0, sizeof(hosts));
}

void net_end(void)
{
	memset(hosts, 0, sizeof(hosts));
}

/* One direction of a stream is a chain of packets on their way to an end. */

struct packet {
	struct packet *next;
	int64_t at_us;
	size_t len;
	uint8_t at[];
};

struct end {
	struct link link; /* first: the interface */
	struct loop *loop;
	struct host *host, *far;
	struct end *next, *prev; /* in host->ends */
	struct end *other;       /* NULL: it is gone */
	struct buf out;
	struct packet *first, *last;
	size_t travelling; /* bytes in packets to us */
	struct event send, arrive, close, stall;
	int64_t free_us; /* when the path has carried what we gave it */
	bool is_paused, was_full;
	bool is_closing; /* by link_close(true): what waits goes out first */
	bool is_shut;    /* we send no more, and said so */
	bool is_over;    /* the other side will send no more */
	int64_t over_us; /* … from then on */
	const char *reason;
};

static struct end *end_of(struct link *link)
{
	return (struct end *)(void *)link;
}

static void count_out(struct end *end, size_t more, size_t less)
{
	*loop_buffered(end->loop) += more;
	*loop_buffered(end->loop) -= less;
}

static void packets_free(struct end *end)
{
	while (end->first != NULL) {
		struct packet *next = end->first->next;
		free(end->first);
		end->first = next;
	}
	end->last = NULL;
	end->travelling = 0;
}

static void unlink_end(struct end *end)
{
	if (end->prev != NULL) {
		end->prev->next = end->next;
	} else {
		end->host->ends = end->next;
	}
	if (end->next != NULL) {
		end->next->prev = end->prev;
	}
}

/* The last callback, and the end of the memory. */
static void bury(void *ctx)
{
	struct end *end = ctx;
	if (end->other != NULL) {
		end->other->other = NULL;
	}
	unlink_end(end);
	if (end->link.events.on_closed != NULL) {
		end->link.events.on_closed(end->link.events.ctx, end->reason);
	}
	free(end);
}

static void on_close(void *ctx)
{
	struct end *end = ctx;
	loop_turn(end->loop, bury, end);
}

/* Tell the other side that nothing more comes from here, after what is on its way. */
static void tell_over(struct end *end)
{
	struct end *other = end->other;
	if (other == NULL || end->is_shut) {
		return;
	}
	end->is_shut = true;
	other->is_over = true;
	if (other->reason != NULL) {
		return;
	}
	int64_t lag = net_path(end->host, end->far)->delay_us;
	int64_t last = other->last == NULL ? 0 : other->last->at_us - world.now_us;
	other->over_us = world.now_us + (last > lag ? last : lag);
	if (!event_is_set(&other->arrive)) {
		event_set(&other->arrive, other->over_us - world.now_us);
	}
}

static void shut_down(struct end *end, const char *reason, bool is_heard)
{
	if (end->reason != NULL) {
		return;
	}
	end->reason = reason;
	event_clear(&end->send);
	event_clear(&end->arrive);
	event_clear(&end->stall);
	count_out(end, 0, end->out.len);
	buf_fini(&end->out);
	packets_free(end);
	if (is_heard) {
		tell_over(end);
	} else if (end->other != NULL) {
		end->other->other = NULL;
		end->other = NULL;
	}
	event_set(&end->close, TURN_US);
}

static void low_water(struct end *end)
{
	if (end->was_full && end->out.len <= LIMIT_PEER_OUT_LOW_BYTES) {
		end->was_full = false;
		if (end->link.events.on_low != NULL && !end->is_closing) {
			end->link.events.on_low(end->link.events.ctx);
		}
	}
}

static void plan_arrival(struct end *end)
{
	if (end->reason != NULL || (end->is_paused && !end->is_closing) ||
		event_is_set(&end->arrive)) {
		return;
	}
	if (end->first != NULL) {
		event_set(&end->arrive, end->first->at_us - world.now_us);
	} else if (end->is_over) {
		event_set(&end->arrive, end->over_us - world.now_us);
	}
}

static void plan_send(struct end *end)
{
	if (end->reason != NULL || end->out.len == 0) {
		return;
	}
	bool may = end->other != NULL && !net_path(end->host, end->far)->is_cut &&
		   end->other->travelling < WINDOW_BYTES;
	if (may && !event_is_set(&end->send)) {
		event_clear(&end->stall);
		event_set(&end->send,
			end->free_us > world.now_us ? end->free_us - world.now_us : TURN_US);
	} else if (!may && !event_is_set(&end->stall)) {
		event_set(&end->stall, (int64_t)LIMIT_WRITE_STALL_MS * MILLI_US);
	}
}

static void send_piece(struct end *end)
{
	const struct path *path = net_path(end->host, end->far);
	size_t len = end->out.len < PIECE_BYTES_MAX ? end->out.len
						    : 1 + dice_below(DICE_NET, PIECE_BYTES_MAX);
	struct packet *packet = malloc(sizeof(*packet) + len);
	assert(packet != NULL);
	end->free_us = world.now_us + (int64_t)len * SECOND_US / path->rate;
	*packet = (struct packet){.at_us = end->free_us + path->delay_us, .len = len};
	memcpy(packet->at, end->out.at, len);
	buf_consume(&end->out, len);
	count_out(end, 0, len);
	struct end *other = end->other;
	if (other->reason != NULL) { /* nobody is there any more: the kernel over there says so */
		free(packet);
		return;
	}
	if (other->last == NULL) {
		other->first = packet;
	} else {
		packet->at_us =
			packet->at_us > other->last->at_us ? packet->at_us : other->last->at_us;
		other->last->next = packet;
	}
	other->last = packet;
	other->travelling += len;
	trace_mix(len << 8 | end->host->number);
	plan_arrival(other);
}

static void send_turn(void *ctx)
{
	struct end *end = ctx;
	if (end->other == NULL || net_path(end->host, end->far)->is_cut ||
		end->other->travelling >= WINDOW_BYTES) {
		plan_send(end);
		return;
	}
	send_piece(end);
	if (end->out.len == 0 && end->is_closing) {
		tell_over(end);
		event_set(&end->stall, (int64_t)LIMIT_LINGER_MS * MILLI_US);
		return;
	}
	low_water(end);
	plan_send(end);
}

static void on_send(void *ctx)
{
	struct end *end = ctx;
	loop_turn(end->loop, send_turn, end);
}

static void stall_turn(void *ctx)
{
	struct end *end = ctx;
	if (end->other != NULL && end->other->reason != NULL) {
		end->other = NULL;
	}
	shut_down(end, end->is_closing ? LINK_CLOSED : "the other side takes nothing any more",
		!net_path(end->host, end->far)->is_cut);
}

static void on_stall(void *ctx)
{
	struct end *end = ctx;
	loop_turn(end->loop, stall_turn, end);
}

static void arrive_turn(void *ctx)
{
	struct end *end = ctx;
	struct packet *packet = end->first;
	if (end->is_paused && !end->is_closing) {
		return;
	}
	if (packet == NULL) {
		if (end->is_over && world.now_us >= end->over_us && !end->is_closing) {
			shut_down(end, LINK_ENDED, true);
		} else if (end->is_over && end->is_closing && end->out.len == 0) {
			shut_down(end, LINK_CLOSED, true);
		}
		return;
	}
	end->first = packet->next;
	end->last = packet->next == NULL ? NULL : end->last;
	end->travelling -= packet->len;
	if (end->other != NULL) {
		plan_send(end->other);
	}
	trace_mix(packet->len << 8 | end->host->number | 0x80);
	if (!end->is_closing && end->link.events.on_bytes != NULL) {
		end->link.events.on_bytes(end->link.events.ctx, span_of(packet->at, packet->len));
	}
	free(packet);
	plan_arrival(end);
}

static void on_arrive(void *ctx)
{
	struct end *end = ctx;
	loop_turn(end->loop, arrive_turn, end);
}

/* The interface. */

static enum err end_write(struct link *link, struct span bytes)
{
	struct end *end = end_of(link);
	if (end->reason != NULL || end->is_closing) {
		return ERR_CLOSED;
	}
	if (*loop_buffered(end->loop) + bytes.len > LIMIT_PEERS_BUFFER_BYTES) {
		return ERR_LIMIT;
	}
	enum err err = buf_append(&end->out, bytes);
	if (err == ERR_OK) {
		count_out(end, bytes.len, 0);
		plan_send(end);
	}
	return err;
}

static bool end_is_full(const struct link *link)
{
	struct end *end = (struct end *)(void *)(uintptr_t)link;
	bool is = end->out.len > LIMIT_PEER_OUT_LOW_BYTES ||
		  *loop_buffered(end->loop) > LIMIT_PEERS_BUFFER_BYTES / 4 * 3;
	end->was_full |= is;
	return is;
}

static void end_pause(struct link *link)
{
	end_of(link)->is_paused = true;
}

static void end_resume(struct link *link)
{
	struct end *end = end_of(link);
	end->is_paused = false;
	plan_arrival(end);
}

static void end_close(struct link *link, bool flush)
{
	struct end *end = end_of(link);
	if (!flush || end->out.len == 0) {
		shut_down(end, LINK_CLOSED, true);
	} else if (!end->is_closing && end->reason == NULL) {
		end->is_closing = true;
		if (!event_is_set(&end->stall)) {
			event_set(&end->stall, (int64_t)LIMIT_WRITE_STALL_MS * MILLI_US);
		}
		plan_arrival(end);
	}
}

static const struct link_class end_class = {
	.write = end_write,
	.is_full = end_is_full,
	.pause = end_pause,
	.resume = end_resume,
	.close = end_close,
};

static struct end *end_new(struct host *host, struct host *far, unsigned port)
{
	struct end *end = calloc(1, sizeof(*end));
	assert(end != NULL);
	end->link.class = &end_class;
	(void)snprintf(end->link.remote, sizeof(end->link.remote), "%s:%u", far->name, port);
	end->loop = host->loop;
	end->host = host;
	end->far = far;
	end->next = host->ends;
	if (end->next != NULL) {
		end->next->prev = end;
	}
	host->ends = end;
	buf_init(&end->out, LIMIT_PEER_OUT_BYTES);
	end->send = (struct event){.fn = on_send, .ctx = end};
	end->arrive = (struct event){.fn = on_arrive, .ctx = end};
	end->close = (struct event){.fn = on_close, .ctx = end};
	end->stall = (struct event){.fn = on_stall, .ctx = end};
	return end;
}

static void heal(struct host *host, const struct host *far)
{
	for (struct end *end = host->ends; end != NULL; end = end->next) {
		if (end->far == far) {
			plan_send(end);
		}
	}
}

void net_cut(struct host *a, struct host *b, bool is_cut)
{
	paths[a->number][b->number].is_cut = paths[b->number][a->number].is_cut = is_cut;
	if (!is_cut) {
		heal(a, b);
		heal(b, a);
	}
}

static void reset_side(struct host *host, const struct host *far)
{
	for (struct end *end = host->ends; end != NULL; end = end->next) {
		if (end->far == far) {
			shut_down(end, LINK_RESET, false);
		}
	}
}

void net_reset(struct host *a, struct host *b)
{
	reset_side(a, b);
	reset_side(b, a);
}

void net_drop(struct host *host, bool is_heard)
{
	struct end *next;
	for (struct end *end = host->ends; end != NULL; end = next) {
		next = end->next;
		shut_down(end, LINK_RESET, is_heard);
		event_clear(&end->close);
		on_close(end);
	}
}

size_t net_buffered(const struct host *host)
{
	size_t total = 0;
	for (const struct end *end = host->ends; end != NULL; end = end->next) {
		total += end->out.len + end->travelling;
	}
	return total;
}

/* Listening. */

struct listener {
	struct host *host;
	struct listen_opts opts;
	struct listener_figures figures;
};

enum err listener_start(
	const struct listen_opts *opts, struct listener **out, char *why, size_t why_bytes)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	assert(listener != NULL);
	listener->host = loop_host(opts->loop);
	listener->opts = *opts;
	assert(listener->host->listener == NULL);
	listener->host->listener = listener;
	*out = listener;
	(void)snprintf(why, why_bytes, "%s", "");
	return ERR_OK;
}

uint16_t listener_port(const struct listener *listener)
{
	(void)listener;
	return HOST_PORT;
}

void listener_set_peers_max(struct listener *listener, size_t peers_max)
{
	listener->opts.peers_max = peers_max;
}

void listener_handshake_over(struct listener *listener, struct link *link)
{
	(void)listener;
	(void)link;
}

void listener_figures(const struct listener *listener, struct listener_figures *out)
{
	*out = listener->figures;
}

void listener_stop(struct listener *listener)
{
	if (listener != NULL) {
		listener->host->listener = NULL;
		free(listener);
	}
}

/* Dialling. */

struct dial {
	struct loop *loop;
	struct host *far;
	void (*on_done)(void *ctx, struct link *link, const char *reason);
	void *ctx;
	struct event event;
};

struct accepted {
	struct listener *listener;
	struct end *end;
};

static void accept_turn(void *ctx)
{
	struct accepted *accepted = ctx;
	accepted->listener->figures.accepted++;
	accepted->listener->opts.on_link(accepted->listener->opts.ctx, &accepted->end->link);
}

static void dial_turn(void *ctx)
{
	struct dial *dial = ctx;
	struct host *host = loop_host(dial->loop);
	struct host *far = dial->far;
	if (far == NULL || !far->is_on || net_path(host, far)->is_cut) {
		dial->on_done(dial->ctx, NULL, "timed out");
	} else if (far->listener == NULL) {
		dial->on_done(dial->ctx, NULL, "connection refused: nothing listens there");
	} else {
		struct end *ours = end_new(host, far, HOST_PORT);
		struct end *theirs =
			end_new(far, host, 40000 + (unsigned)dice_below(DICE_NET, 20000));
		struct accepted accepted = {.listener = far->listener, .end = theirs};
		ours->other = theirs;
		theirs->other = ours;
		loop_turn(far->loop, accept_turn, &accepted);
		dial->on_done(dial->ctx, &ours->link, NULL);
	}
	free(dial);
}

static void on_dial(void *ctx)
{
	struct dial *dial = ctx;
	loop_turn(dial->loop, dial_turn, dial);
}

enum err dial_start(struct loop *loop, const char *host, uint16_t port, bool is_learned,
	void (*on_done)(void *ctx, struct link *link, const char *reason), void *ctx,
	struct dial **out)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	assert(dial != NULL);
	(void)port;
	(void)is_learned;
	*dial = (struct dial){.loop = loop, .on_done = on_done, .ctx = ctx};
	dial->far = host_by_name(host);
	dial->event = (struct event){.fn = on_dial, .ctx = dial};
	const struct host *near = loop_host(loop);
	bool is_there = dial->far != NULL && dial->far->is_on && !net_path(near, dial->far)->is_cut;
	event_set(&dial->event, is_there ? 2 * net_path(near, dial->far)->delay_us
					 : (int64_t)LIMIT_DIAL_MS * MILLI_US);
	*out = dial;
	return ERR_OK;
}

void dial_cancel(struct dial *dial)
{
	event_clear(&dial->event);
	free(dial);
}

/* Beacons. */

struct lan {
	struct lan_opts opts;
	struct host *host;
	struct event due;
	struct lan_figures figures;
};

static void hear(struct lan *lan, const struct address *address);

static void on_beacon(void *ctx)
{
	struct lan *lan = ctx;
	struct address address = {.port = lan->opts.peer_port, .key = lan->opts.self};
	(void)snprintf(address.host, sizeof(address.host), "%s", lan->host->name);
	lan->figures.sent++;
	event_set(&lan->due, (int64_t)LIMIT_BEACON_MS * MILLI_US);
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *host = hosts[i];
		if (host != NULL && host != lan->host && host->lan != NULL && host->is_on &&
			!net_path(host, lan->host)->is_cut) {
			hear(host->lan, &address);
		}
	}
}

enum err lan_start(const struct lan_opts *opts, struct lan **out, char *why, size_t why_bytes)
{
	struct lan *lan = calloc(1, sizeof(*lan));
	assert(lan != NULL);
	lan->opts = *opts;
	lan->host = loop_host(opts->loop);
	lan->due = (struct event){.fn = on_beacon, .ctx = lan};
	lan->host->lan = lan;
	if (opts->peer_port != 0) {
		event_set(&lan->due, dice_between(DICE_NET, 0, SECOND_US));
	}
	(void)snprintf(why, why_bytes, "%s", "");
	*out = lan;
	return ERR_OK;
}

void lan_stop(struct lan *lan)
{
	if (lan != NULL) {
		event_clear(&lan->due);
		lan->host->lan = NULL;
		free(lan);
	}
}

void lan_figures(const struct lan *lan, struct lan_figures *out)
{
	*out = lan->figures;
}

struct heard {
	struct lan *lan;
	const struct address *address;
};

static void hear_turn(void *ctx)
{
	const struct heard *heard = ctx;
	struct lan *lan = heard->lan;
	if (!feed_id_equal(&heard->address->key, &lan->opts.self)) {
		lan->figures.heard++;
		lan->opts.on_heard(lan->opts.ctx, heard->address);
	} else if (lan->opts.on_own_key != NULL) {
		lan->opts.on_own_key(lan->opts.ctx, heard->address);
	}
}

static void hear(struct lan *lan, const struct address *address)
{
	struct heard heard = {.lan = lan, .address = address};
	loop_turn(lan->opts.loop, hear_turn, &heard);
}
