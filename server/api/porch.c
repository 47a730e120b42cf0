/*
 * A list under one lock, walked whole: it is never longer than the library's own limit. Who gives
 * way is shut, not closed: the thread that serves the socket sees its end and leaves. Until then it
 * is not counted any more.
 */
#include "api/porch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	TICK_MS = 2000, /* a slow head is cut up to so much late */
	HOMES = 16      /* addresses that are remembered */
};

/* In the order in which they give way. */
enum rank {
	RANK_SILENT,
	RANK_SLOW,
	RANK_SPEAKING,
	RANK_HOME, /* the same three, from an address where sessions are */
	RANK_RESTING = 2 * RANK_HOME,
	RANK_NEVER
};

struct porch_conn {
	struct porch_conn *next, *previous;
	struct porch_guest guest;
	enum porch_phase phase;
	bool is_known, is_leaving;
	bool has_begun; /* bytes of a head are here, read by us or not */
	int64_t since_ms;
	uint64_t received; /* bytes, when it became idle */
};

struct porch {
	const struct env *env;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t wake;
	struct porch_conn *conns;
	struct place_address homes[HOMES]; /* where sessions came from, the last one first */
	size_t home_count;
	struct porch_figures figures;
	pthread_t watcher;
	bool is_watching, is_stopping;
};

static uint64_t received_bytes(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
		return 0;
	}
	return info.tcpi_bytes_received;
}

/* What came that nobody has read yet: the library does not say so. */
static void look(struct porch_conn *conn, int64_t now)
{
	if ((conn->phase == PORCH_IDLE || (conn->phase == PORCH_HEAD && !conn->has_begun)) &&
		received_bytes(conn->guest.fd) > conn->received) {
		conn->since_ms = conn->phase == PORCH_IDLE ? now : conn->since_ms;
		conn->phase = PORCH_HEAD;
		conn->has_begun = true;
	}
}

static void show_out(struct porch *porch, struct porch_conn *conn)
{
	if (!conn->guest.is_owner) {
		porch->figures.here--;
	}
	conn->is_leaving = true;
	(void)shutdown(conn->guest.fd, SHUT_RDWR);
}

/* Watching. */

static void watch(struct porch *porch, struct porch_conn *conn, int64_t now)
{
	look(conn, now);
	if (!conn->is_leaving && (conn->phase == PORCH_HEAD || conn->phase == PORCH_BODY) &&
		now - conn->since_ms > LIMIT_HTTP_HEAD_MS) {
		porch->figures.too_slow++;
		show_out(porch, conn);
	}
}

static void *watcher_main(void *arg)
{
	struct porch *porch = arg;
	(void)pthread_mutex_lock(&porch->lock);
	while (!porch->is_stopping) {
		if (porch->conns == NULL) {
			/* Nobody to watch: no tick until somebody comes. */
			(void)pthread_cond_wait(&porch->wake, &porch->lock);
			continue;
		}
		struct timespec until;
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&porch->wake, &porch->lock, &until);
		int64_t now = env_mono_ms(porch->env);
		for (struct porch_conn *conn = porch->conns; conn != NULL; conn = conn->next) {
			watch(porch, conn, now);
		}
	}
	(void)pthread_mutex_unlock(&porch->lock);
	return NULL;
}

enum err porch_new(const struct env *env, struct porch **out)
{
	pthread_condattr_t attributes;
	struct porch *porch = calloc(1, sizeof(*porch));
	if (porch == NULL) {
		return ERR_NOMEM;
	}
	porch->env = env;
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&porch->lock, NULL);
	(void)pthread_cond_init(&porch->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	porch->is_watching = pthread_create(&porch->watcher, NULL, watcher_main, porch) == 0;
	if (!porch->is_watching) {
		porch_free(porch);
		return ERR_NOMEM;
	}
	*out = porch;
	return ERR_OK;
}

void porch_free(struct porch *porch)
{
	if (porch == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&porch->lock);
	porch->is_stopping = true;
	(void)pthread_cond_signal(&porch->wake);
	(void)pthread_mutex_unlock(&porch->lock);
	if (porch->is_watching) {
		(void)pthread_join(porch->watcher, NULL);
	}
	(void)pthread_mutex_destroy(&porch->lock);
	(void)pthread_cond_destroy(&porch->wake);
	free(porch);
}

/* Places. */

static bool is_home(const struct porch *porch, const struct place_address *from)
{
	for (size_t i = 0; i < porch->home_count; i++) {
		if (memcmp(&porch->homes[i], from, sizeof(*from)) == 0) {
			return true;
		}
	}
	return false;
}

static void remember_home(struct porch *porch, const struct place_address *from)
{
	size_t i = 0;
	while (i < porch->home_count && memcmp(&porch->homes[i], from, sizeof(*from)) != 0) {
		i++;
	}
	porch->home_count += i == porch->home_count && i < HOMES ? 1 : 0;
	i = i < HOMES ? i : HOMES - 1;
	memmove(&porch->homes[1], &porch->homes[0], i * sizeof(porch->homes[0]));
	porch->homes[0] = *from;
}

static enum rank rank_of(const struct porch *porch, const struct porch_conn *conn, int64_t now)
{
	enum rank first = RANK_SILENT;
	bool is_waited_for = conn->phase != PORCH_BUSY && conn->phase != PORCH_AWAY;
	bool is_slow = now - conn->since_ms > LIMIT_HTTP_PATIENCE_MS;
	bool has_begun =
		conn->phase == PORCH_BODY || (conn->phase == PORCH_HEAD && conn->has_begun);
	if (conn->is_leaving || conn->guest.is_owner || conn->phase == PORCH_AWAY) {
		return RANK_NEVER;
	}
	if (conn->is_known) {
		return conn->phase == PORCH_IDLE ? RANK_RESTING : RANK_NEVER;
	}
	if (is_home(porch, &conn->guest.from)) {
		first = RANK_HOME;
	}
	if (is_waited_for) {
		return first + (has_begun && !is_slow ? RANK_SPEAKING : RANK_SILENT);
	}
	return is_slow ? first + RANK_SLOW : RANK_NEVER;
}

static bool is_of(const struct porch_conn *conn, const struct place_address *from)
{
	return from == NULL || memcmp(&conn->guest.from, from, sizeof(*from)) == 0;
}

/* Who is to give way for `newcomer`; NULL: nobody. `from` NULL: of any address. */
static struct porch_conn *choose(struct porch *porch, const struct porch_conn *newcomer,
	const struct place_address *from, enum rank last)
{
	int64_t now = env_mono_ms(porch->env);
	struct porch_conn *found = NULL;
	enum rank found_rank = RANK_NEVER;
	for (struct porch_conn *conn = porch->conns; conn != NULL; conn = conn->next) {
		enum rank rank = rank_of(porch, conn, now);
		if (conn == newcomer || !is_of(conn, from) || rank > last) {
			continue;
		}
		if (rank < found_rank || (rank == found_rank && conn->since_ms < found->since_ms)) {
			found = conn;
			found_rank = rank;
		}
	}
	if (found != NULL) {
		look(found, now);
		if (rank_of(porch, found, now) != found_rank) {
			/* It just began a request: of each that is told once. */
			return choose(porch, newcomer, from, last);
		}
	}
	return found;
}

static size_t strangers_of(const struct porch *porch, const struct place_address *from)
{
	size_t count = 0;
	for (const struct porch_conn *conn = porch->conns; conn != NULL; conn = conn->next) {
		count += !conn->is_known && !conn->is_leaving && !conn->guest.is_owner &&
					 is_of(conn, from)
				 ? 1
				 : 0;
	}
	return count;
}

static void give_way(struct porch *porch, struct porch_conn *conn)
{
	porch->figures.gave_way++;
	show_out(porch, conn);
}

/* Under the lock: `conn` is in the list and counted. */
static void make_room(struct porch *porch, struct porch_conn *conn)
{
	struct porch_conn *other = NULL;
	if (!conn->guest.is_proxy && !is_home(porch, &conn->guest.from) &&
		strangers_of(porch, &conn->guest.from) > LIMIT_HTTP_PER_ADDRESS) {
		/* When all of them are being answered, that ends soon: one more may wait for it. */
		other = choose(porch, conn, &conn->guest.from, RANK_SPEAKING);
		if (other != NULL) {
			give_way(porch, other);
		}
	}
	if (porch->figures.here > LIMIT_HTTP_CONNECTIONS) {
		other = choose(porch, conn, NULL, RANK_RESTING);
		if (other != NULL) {
			give_way(porch, other);
		} else {
			porch->figures.turned_away++;
			show_out(porch, conn);
		}
	}
}

struct porch_conn *porch_enter(struct porch *porch, const struct porch_guest *guest)
{
	struct porch_conn *conn = calloc(1, sizeof(*conn));
	if (conn == NULL) {
		return NULL;
	}
	*conn = (struct porch_conn){
		.guest = *guest, .phase = PORCH_HEAD, .since_ms = env_mono_ms(porch->env)};
	(void)pthread_mutex_lock(&porch->lock);
	conn->next = porch->conns;
	if (conn->next != NULL) {
		conn->next->previous = conn;
	}
	porch->conns = conn;
	if (!guest->is_owner) {
		porch->figures.here++;
		make_room(porch, conn);
	}
	if (conn->next == NULL) {
		(void)pthread_cond_signal(&porch->wake);
	}
	(void)pthread_mutex_unlock(&porch->lock);
	return conn;
}

void porch_leave(struct porch *porch, struct porch_conn *conn)
{
	if (conn == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&porch->lock);
	if (conn->previous != NULL) {
		conn->previous->next = conn->next;
	} else {
		porch->conns = conn->next;
	}
	if (conn->next != NULL) {
		conn->next->previous = conn->previous;
	}
	if (!conn->is_leaving && !conn->guest.is_owner) {
		porch->figures.here--;
	}
	(void)pthread_mutex_unlock(&porch->lock);
	free(conn);
}

void porch_set(struct porch *porch, struct porch_conn *conn, enum porch_phase phase)
{
	if (conn == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&porch->lock);
	conn->phase = phase;
	conn->since_ms = env_mono_ms(porch->env);
	conn->has_begun = false;
	if (phase == PORCH_IDLE) {
		conn->received = received_bytes(conn->guest.fd);
	}
	(void)pthread_mutex_unlock(&porch->lock);
}

void porch_know(struct porch *porch, struct porch_conn *conn)
{
	if (conn == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&porch->lock);
	conn->is_known = true;
	if (!conn->guest.is_owner) {
		remember_home(porch, &conn->guest.from);
	}
	(void)pthread_mutex_unlock(&porch->lock);
}

bool porch_is_answering(struct porch *porch)
{
	bool is = false;
	(void)pthread_mutex_lock(&porch->lock);
	for (const struct porch_conn *conn = porch->conns; conn != NULL && !is; conn = conn->next) {
		is = !conn->is_leaving && conn->phase >= PORCH_BODY;
	}
	(void)pthread_mutex_unlock(&porch->lock);
	return is;
}

void porch_figures(struct porch *porch, struct porch_figures *out)
{
	(void)pthread_mutex_lock(&porch->lock);
	*out = porch->figures;
	(void)pthread_mutex_unlock(&porch->lock);
}
