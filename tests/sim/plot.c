/*
 * A seed: three to seven nodes that follow one another, sometimes a liar or two. For a while faults
 * come every few seconds; then all is made whole, the owners fall silent, and within 120 seconds
 * everybody must have everything. Sometimes the world then waits until paused nodes go on by
 * themselves, and they post once more.
 */
#include "sim/plot.h"

#include "sim/liar.h"
#include "sim/owner.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	CALM_S = 120,
	UNLOCK_S = 2400,
	LOOK_S = 3,
	IMAGES_MAX = 2,
	BLOCK_MIN_NODES = 4,
	CUT_CHANGES_MAX = 60,
	ROOM_BYTES_MAX = 200000
};
#define DAY_MS (24LL * 3600 * 1000)

enum sabotage plot_sabotage;

/* An image of a disk, to come back to. */
struct image {
	struct disk *disk;
	unsigned node;
};

static struct liar *liars[LIARS_MAX];
static unsigned liar_count;
static struct image images[IMAGES_MAX];
static unsigned image_count, disasters_left, blocks_left;
static bool is_lan; /* everybody hears everybody's beacons */
static struct event fault_event, watch_event;
static struct event restart_events[NODES_MAX], heal_events[NODES_MAX], room_events[NODES_MAX];
static struct event mend_events[NODES_MAX];

static struct node *some_node(void)
{
	return &sim.nodes[dice_below(DICE_PLOT, sim.node_count)];
}

/* Coming back. */

static void start(struct node *node)
{
	if (plot_sabotage == SABOTAGE_SYNC) {
		disk_ignore_syncs(node->disk, "");
	}
	if (!node_start(node) && !event_is_set(&restart_events[node->host.number])) {
		event_set(&restart_events[node->host.number],
			dice_between(DICE_PLOT, SECOND_US / 2, 3 * SECOND_US));
	}
}

static void on_restart(void *ctx)
{
	struct node *node = ctx;
	node->host.is_on = true;
	if (node->life == NODE_DOWN) {
		start(node);
	} else if (node->life == NODE_STOPPING) {
		event_set(&restart_events[node->host.number], SECOND_US);
	}
}

static void restart_soon(struct node *node)
{
	event_set(&restart_events[node->host.number], dice_between(DICE_PLOT, 1000, 8 * SECOND_US));
}

/* Who died by itself (killed between two steps, power lost at a write) comes back too. */
static void raise_the_dead(void)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		if (sim.nodes[i].life == NODE_DOWN && !event_is_set(&restart_events[i])) {
			restart_soon(&sim.nodes[i]);
		}
	}
}

/* Faults. */

static void kill_one(struct node *node)
{
	figures.kills++;
	node_kill(node);
	restart_soon(node);
}

static void kill_publishing(struct node *node)
{
	figures.kills++;
	node->die_at = (int)dice_below(DICE_PLOT, WRITER_ANNOUNCED + 1);
}

static void stop_one(struct node *node)
{
	if (node->life == NODE_UP) {
		node_stop(node);
		restart_soon(node);
	}
}

static void cut_one(struct node *node)
{
	figures.cuts++;
	node->host.is_on = dice_percent(DICE_PLOT, 50);
	node_cut(node);
	restart_soon(node);
}

static void cut_writing(struct node *node)
{
	figures.cuts++;
	disk_cut_at(node->disk, 1 + dice_below(DICE_PLOT, CUT_CHANGES_MAX));
}

static void on_room(void *ctx)
{
	struct node *node = ctx;
	disk_room(node->disk, -1);
}

static void set_bad_disk(struct node *node, struct event *end, int64_t seconds)
{
	event_set(end, dice_between(DICE_PLOT, SECOND_US, seconds * SECOND_US));
	node->disk_bad_us = end->at_us > node->disk_bad_us ? end->at_us : node->disk_bad_us;
}

static void fill_disk(struct node *node)
{
	trace("%u: its disk is full", node->host.number);
	disk_room(node->disk, disk_bytes(node->disk) + dice_between(DICE_PLOT, 0, ROOM_BYTES_MAX));
	set_bad_disk(node, &room_events[node->host.number], 15);
}

static void on_mended(void *ctx)
{
	static const struct disk_fault none;
	struct node *node = ctx;
	disk_fail(node->disk, &none);
}

static void fail_disk(struct node *node)
{
	static const unsigned kinds[] = {
		DISK_WRITE, DISK_SYNC, DISK_READ, DISK_CHANGES, DISK_OPEN, DISK_REMOVE};
	const struct disk_fault fault = {.kinds = kinds[dice_below(DICE_PLOT, 6)],
		.at = 1 + dice_below(DICE_PLOT, 40),
		.is_for_good = dice_percent(DICE_PLOT, 40),
		.is_full = dice_percent(DICE_PLOT, 30),
		.is_lossy = dice_percent(DICE_PLOT, 50)};
	trace("%u: its disk fails", node->host.number);
	disk_fail(node->disk, &fault);
	set_bad_disk(node, &mend_events[node->host.number], 10);
}

static void heal_around(struct host *host)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		net_cut(host, &sim.nodes[i].host, false);
	}
}

static void on_heal(void *ctx)
{
	struct node *node = ctx;
	trace("%u: its network is whole", node->host.number);
	heal_around(&node->host);
}

static void part_network(struct node *node)
{
	trace("%u: its network is cut", node->host.number);
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *other = &sim.nodes[i];
		if (other != node && dice_percent(DICE_PLOT, 60)) {
			net_cut(&node->host, &other->host, true);
			if (dice_percent(DICE_PLOT, 30)) {
				net_reset(&node->host, &other->host);
			}
		}
	}
	event_set(&heal_events[node->host.number],
		dice_between(DICE_PLOT, SECOND_US, 25 * SECOND_US));
}

static void reset_links(struct node *node)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		if (dice_percent(DICE_PLOT, 50)) {
			net_reset(&node->host, &sim.nodes[i].host);
		}
	}
}

static void jump_clock(struct node *node)
{
	static const int64_t jumps[] = {1500, 90000, 3600000, DAY_MS, 30 * DAY_MS, 3650 * DAY_MS};
	int64_t jump = jumps[dice_below(DICE_PLOT, sizeof(jumps) / sizeof(jumps[0]))];
	node->host.wall_offset_ms += dice_percent(DICE_PLOT, 50) ? jump : -jump;
	trace("%u: its clock jumps", node->host.number);
}

static void block_somebody(struct node *node)
{
	unsigned person = (unsigned)dice_below(DICE_PLOT, sim.honest_count);
	if (blocks_left > 0 && person != node->person && sim.honest_count >= BLOCK_MIN_NODES) {
		blocks_left--;
		owner_blocks(node, person, true);
	}
}

/* Older disks. */

static void take_image(struct node *node)
{
	unsigned at = image_count < IMAGES_MAX ? image_count++ : (unsigned)dice_below(DICE_PLOT, 2);
	if (images[at].disk == NULL) {
		images[at].disk = disk_new();
	}
	trace("%u: an image of its disk is taken", node->host.number);
	disk_copy(images[at].disk, node->disk);
	images[at].node = node->host.number;
}

static void drop_fence(struct node *node)
{
	node->must_pause = true;
	if (plot_sabotage != SABOTAGE_FENCE && !disk_drop_file(node->disk, "/node/fence")) {
		trace("there was no fence");
	}
}

static const char *lose_disk(struct node *node, const struct image *image, unsigned how)
{
	struct disk *empty = NULL;
	switch (how) {
	case 0: /* a snapshot of the machine: all of it, fence included */
		disk_copy(node->disk, image->disk);
		return "the snapshot of the machine";
	case 1: /* a backup: never with the fence */
		disk_copy(node->disk, image->disk);
		drop_fence(node);
		return "a backup";
	case 2: /* somebody deleted the fence */
		drop_fence(node);
		return "its disk without the fence";
	default:
		empty = disk_new();
		disk_copy(node->disk, empty);
		disk_free(empty);
		drop_fence(node);
		return "nothing but its key";
	}
}

static void strike(struct node *node)
{
	const struct image *image = NULL;
	unsigned how = 2 + (unsigned)dice_below(DICE_PLOT, 2);
	for (unsigned i = 0; i < image_count; i++) {
		if (images[i].node == node->host.number) {
			image = &images[i];
			how = (unsigned)dice_below(DICE_PLOT, 4);
		}
	}
	if (disasters_left == 0) {
		return;
	}
	disasters_left--;
	node_kill(node);
	if (node->sync != NULL) {
		return;
	}
	const char *what = lose_disk(node, image, how);
	trace("%u has %s", node->host.number, what);
	judge_disaster(node);
	if (dice_percent(DICE_PLOT, 30)) {
		trace("%u: its browser is lost, too", node->host.number);
		node->browser = (struct browser){.is_alive = false};
	}
	if (dice_percent(DICE_PLOT, 40)) { /* nobody to be asked at first */
		part_network(node);
	}
	start(node);
	for (unsigned i = 0; i < 3; i++) {
		struct node *other = some_node();
		if (other->person != node->person) {
			owner_names(node, other);
		}
	}
}

/* A second machine with the disk of `node`. */
static struct node *make_twin(struct node *node, uint64_t place)
{
	struct node *twin = &sim.nodes[sim.node_count];
	node_init(twin, sim.node_count, node->person);
	disk_copy(twin->disk, node->disk);
	twin->place = place;
	disk_place(twin->disk, 1, place);
	twin->is_lan_on = node->is_lan_on;
	twin->followed = PERSONS_MAX;
	node->may_pause = twin->may_pause = true;
	sim.node_count++;
	judge_twin(twin);
	owner_begin(twin);
	return twin;
}

/* The same directory, or the whole machine, twice. */
static void clone(struct node *node)
{
	bool is_machine = dice_percent(DICE_PLOT, 40);
	if (disasters_left == 0 || sim.node_count == NODES_MAX || node->is_retired) {
		return;
	}
	disasters_left = 0;
	struct node *twin = make_twin(node, is_machine ? node->place : 100);
	trace("%u is a copy of %u, %s", twin->host.number, node->host.number,
		is_machine ? "machine and all" : "its directory");
	figures.clones++;
	if (dice_percent(DICE_PLOT, 60)) {
		part_network(twin);
		net_cut(&twin->host, &node->host, true);
	}
	start(twin);
	owner_names(twin, some_node());
}

/* Moving: the old machine says farewell, the new one gets all but the fence. */
static void move(struct node *node)
{
	char why[256] = "";
	if (disasters_left == 0 || sim.node_count == NODES_MAX || node->life != NODE_UP ||
		!owner_retires(node, why, sizeof(why))) {
		return;
	}
	disasters_left = 0;
	struct node *heir = make_twin(node, 200);
	heir->browser = node->browser;
	node->browser.is_alive = false;
	trace("%u moves to %u", node->host.number, heir->host.number);
	drop_fence(heir);
	if (dice_percent(DICE_PLOT, 70)) {
		node_kill(node);
		restart_soon(node);
	}
	start(heir);
	owner_names(heir, some_node());
}

static void (*const faults[])(struct node *node) = {kill_one, kill_one, kill_publishing,
	kill_publishing, stop_one, cut_one, cut_one, cut_writing, cut_writing, fill_disk, fail_disk,
	part_network, part_network, part_network, reset_links, jump_clock, block_somebody,
	take_image, take_image, strike, strike, clone, move};

static void on_fault(void *ctx)
{
	(void)ctx;
	raise_the_dead();
	faults[dice_below(DICE_PLOT, sizeof(faults) / sizeof(faults[0]))](some_node());
	event_set(&fault_event, dice_between(DICE_PLOT, SECOND_US / 2, 9 * SECOND_US));
}

static void on_watch(void *ctx)
{
	(void)ctx;
	judge_watch();
	event_set(&watch_event, SECOND_US);
}

/* The course of a seed. */

/* Without beacons people type one another's addresses; a ring of them connects all. */
static void name_friends(void)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *node = &sim.nodes[i];
		for (unsigned k = 1; k < sim.node_count && !is_lan; k++) {
			if (k == 1 || dice_percent(DICE_PLOT, 60)) {
				owner_names(node, &sim.nodes[(i + k) % sim.node_count]);
			}
		}
	}
}

/* How the owners are, and their networks. */
static void set_mood(void)
{
	is_lan = dice_percent(DICE_PLOT, 60);
	/* A block could part who is connected through the blocked one alone. */
	blocks_left = is_lan ? 1 : 0;
	bool are_impatient = dice_percent(DICE_PLOT, 15);
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *node = &sim.nodes[i];
		node->is_lan_on = is_lan || dice_percent(DICE_PLOT, 50);
		node->is_impatient = are_impatient;
		node->browser.is_alive =
			plot_sabotage != SABOTAGE_GUARD && dice_percent(DICE_PLOT, 85);
	}
}

static void begin(void)
{
	sim.honest_count = (unsigned)(dice_percent(DICE_PLOT, 70) ? dice_between(DICE_PLOT, 3, 4)
								  : dice_between(DICE_PLOT, 5, 7));
	liar_count = dice_percent(DICE_PLOT, 50) ? 0 : (unsigned)dice_between(DICE_PLOT, 1, 2);
	sim.person_count = sim.honest_count + liar_count;
	sim.node_count = sim.honest_count;
	disasters_left = dice_percent(DICE_PLOT, 60) ? 1 : dice_percent(DICE_PLOT, 50) ? 0 : 2;
	image_count = 0;
	net_begin();
	ledger_begin(sim.person_count);
	for (unsigned i = 0; i < NODES_MAX; i++) {
		restart_events[i] = (struct event){.fn = on_restart, .ctx = &sim.nodes[i]};
		heal_events[i] = (struct event){.fn = on_heal, .ctx = &sim.nodes[i]};
		room_events[i] = (struct event){.fn = on_room, .ctx = &sim.nodes[i]};
		mend_events[i] = (struct event){.fn = on_mended, .ctx = &sim.nodes[i]};
	}
	for (unsigned i = 0; i < sim.node_count; i++) {
		node_init(&sim.nodes[i], i, i);
		sim.nodes[i].is_first_start = true;
		owner_begin(&sim.nodes[i]);
	}
	judge_begin();
	set_mood();
	for (unsigned i = 0; i < sim.node_count; i++) {
		start(&sim.nodes[i]);
	}
	name_friends();
	for (unsigned i = 0; i < liar_count; i++) {
		liars[i] = liar_new(NODES_MAX + i, sim.honest_count + i);
	}
	fault_event = (struct event){.fn = on_fault};
	watch_event = (struct event){.fn = on_watch};
	event_set(&watch_event, SECOND_US);
}

/* Everything works again, for good. */
static void calm(void)
{
	sim.is_calm = true;
	event_clear(&fault_event);
	trace("all is calm");
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct node *node = &sim.nodes[i];
		event_clear(&heal_events[i]);
		event_clear(&room_events[i]);
		event_clear(&mend_events[i]);
		on_mended(node);
		heal_around(&node->host);
		disk_room(node->disk, -1);
		disk_cut_at(node->disk, 0);
		node->die_at = -1;
		node->host.is_on = true;
		if (node->life == NODE_DOWN) {
			event_set(&restart_events[i], 0);
		}
	}
}

static void converge(void)
{
	int64_t until_us = world.now_us + CALM_S * (int64_t)SECOND_US;
	world_run(world.now_us + 2 * LOOK_S * SECOND_US);
	while (world.now_us < until_us && !judge_converged(false)) {
		world_run(world.now_us + LOOK_S * SECOND_US);
	}
	trace("%s", judge_converged(true) ? "all have everything" : "not all have everything");
	judge_stores();
}

static bool is_somebody_paused(void)
{
	for (unsigned i = 0; i < sim.node_count; i++) {
		struct guard_report report;
		if (sim.nodes[i].writer != NULL) {
			writer_guard(sim.nodes[i].writer, &report);
			if (report.state == FENCE_SUSPECT) {
				return true;
			}
		}
	}
	return false;
}

/* The clocks of the unlocking rules. */
static void wait_for_unlocking(void)
{
	int64_t until_us = world.now_us + UNLOCK_S * (int64_t)SECOND_US;
	while (world.now_us < until_us && is_somebody_paused()) {
		world_run(world.now_us + 30 * SECOND_US);
	}
	for (unsigned i = 0; i < sim.node_count; i++) {
		(void)owner_posts(&sim.nodes[i]);
	}
	converge();
}

static void end(void)
{
	for (unsigned i = 0; i < liar_count; i++) {
		liar_free(liars[i]);
	}
	for (unsigned i = 0; i < sim.node_count; i++) {
		event_clear(&restart_events[i]);
		event_clear(&heal_events[i]);
		event_clear(&room_events[i]);
		event_clear(&mend_events[i]);
		node_fini(&sim.nodes[i]);
	}
	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		if (images[i].disk != NULL) {
			disk_free(images[i].disk);
			images[i].disk = NULL;
		}
	}
	event_clear(&watch_event);
	judge_end();
	ledger_end();
	net_end();
}

bool plot_run(uint64_t seed, bool is_verbose, uint64_t *trace_out)
{
	world_begin(seed, is_verbose);
	begin();
	world_run(dice_between(DICE_PLOT, 3, 12) * SECOND_US);
	event_set(&fault_event, 0);
	world_run(world.now_us + dice_between(DICE_PLOT, 15, 70) * SECOND_US);
	calm();
	converge();
	bool is_long = dice_percent(DICE_PLOT, 25);
	if (is_long && is_somebody_paused()) {
		wait_for_unlocking();
	}
	*trace_out = world.trace;
	bool is_good = world.broken == 0;
	if (!is_good) {
		world_show();
	}
	end();
	world_end();
	return is_good;
}
