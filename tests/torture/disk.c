/*
 * A file is an inode: the bytes as programs see them, the bytes that are safe, and the changes
 * between the two in their order. A sync plays all changes onto the safe bytes, a cut a random part
 * of them. Names are a table with the same two states.
 */
#include "torture/disk_inside.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local bool is_inside;

bool disk_is_inside(void)
{
	return is_inside;
}

void disk_enter(struct disk *disk)
{
	(void)pthread_mutex_lock(&disk->lock);
	is_inside = true;
}

void disk_leave(struct disk *disk)
{
	is_inside = false;
	(void)pthread_mutex_unlock(&disk->lock);
}

uint64_t disk_random(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

/* The disk is not what is tested without memory. */
static void *must(void *got)
{
	if (got == NULL) {
		(void)fprintf(stderr, "torture/disk: there is no memory left\n");
		abort();
	}
	return got;
}

static void bytes_resize(struct bytes *bytes, size_t len)
{
	if (len > bytes->room) {
		size_t room = bytes->room == 0 ? 4096 : bytes->room;
		while (room < len) {
			room *= 2;
		}
		bytes->at = must(realloc(bytes->at, room));
		bytes->room = room;
	}
	if (len > bytes->len) {
		memset(bytes->at + bytes->len, 0, len - bytes->len);
	}
	bytes->len = len;
}

static void bytes_put(struct bytes *bytes, uint64_t at, const uint8_t *from, size_t len)
{
	if (len == 0) {
		return;
	}
	if (at + len > bytes->len) {
		bytes_resize(bytes, (size_t)at + len);
	}
	memcpy(bytes->at + at, from, len);
}

static void bytes_copy(struct bytes *to, const struct bytes *from)
{
	bytes_resize(to, 0);
	bytes_put(to, 0, from->at, from->len);
}

struct inode *inode_new(void)
{
	struct inode *inode = must(calloc(1, sizeof(*inode)));
	inode->changes_end = &inode->changes;
	return inode;
}

void inode_hold(struct inode *inode)
{
	inode->refs++;
}

void inode_lose(struct inode *inode)
{
	while (inode->changes != NULL) {
		struct change *next = inode->changes->next;
		free(inode->changes);
		inode->changes = next;
	}
	inode->changes_end = &inode->changes;
}

void inode_drop(struct inode *inode)
{
	if (--inode->refs > 0) {
		return;
	}
	assert(inode->shm == NULL);
	inode_lose(inode);
	free(inode->now.at);
	free(inode->safe.at);
	free(inode);
}

static void add_change(
	struct inode *inode, bool is_write, uint64_t at, const uint8_t *bytes, size_t len)
{
	struct change *change = must(malloc(sizeof(*change) + len));
	*change = (struct change){.is_write = is_write, .at = at, .len = len};
	if (len > 0) {
		memcpy(change->bytes, bytes, len);
	}
	*inode->changes_end = change;
	inode->changes_end = &change->next;
}

void inode_write(struct inode *inode, uint64_t at, const uint8_t *bytes, size_t len)
{
	add_change(inode, true, at, bytes, len);
	bytes_put(&inode->now, at, bytes, len);
}

void inode_truncate(struct inode *inode, uint64_t len)
{
	add_change(inode, false, len, NULL, 0);
	bytes_resize(&inode->now, (size_t)len);
}

void inode_sync(struct inode *inode)
{
	for (const struct change *change = inode->changes; change != NULL; change = change->next) {
		if (change->is_write) {
			bytes_put(&inode->safe, change->at, change->bytes, change->len);
		} else {
			bytes_resize(&inode->safe, (size_t)change->at);
		}
	}
	inode_lose(inode);
}

/* How a cut chooses. One chance for everything would hardly ever leave all, or nothing. */
struct luck {
	uint64_t *random;
	unsigned keep;    /* of 256 */
	uint64_t in_time; /* so many changes reached the disk in their order, all of them */
};

static bool luck_keeps(struct luck *luck)
{
	if (luck->in_time > 0) {
		luck->in_time--;
		return true;
	}
	return (disk_random(luck->random) & 255) < luck->keep;
}

static struct luck luck_for(uint64_t *random, size_t count)
{
	static const unsigned keeps[] = {0, 0, 16, 128, 240, 256};
	struct luck luck = {.random = random, .keep = keeps[disk_random(random) % 6]};
	if ((disk_random(random) & 1) != 0) {
		luck.in_time = disk_random(random) % (count + 1);
	}
	return luck;
}

/* One sector's part of a write: there, not there, or torn. */
static void survive_part(
	struct inode *inode, uint64_t at, const uint8_t *bytes, size_t len, struct luck *luck)
{
	size_t kept = len;
	if (!luck_keeps(luck)) {
		return;
	}
	if (luck->in_time == 0 && (disk_random(luck->random) & 15) == 0) {
		kept = (size_t)(disk_random(luck->random) % (len + 1));
	}
	bool is_end = kept < len && (disk_random(luck->random) & 1) != 0;
	size_t skip = is_end ? len - kept : 0;
	bytes_put(&inode->safe, at + skip, bytes + skip, kept);
}

static size_t parts_of(const struct change *change)
{
	return change->len == 0 ? 1
				: 1 + (size_t)((change->at + change->len - 1) / SECTOR_BYTES -
					       change->at / SECTOR_BYTES);
}

static void inode_survive(struct inode *inode, uint64_t *random)
{
	size_t count = 0;
	for (const struct change *change = inode->changes; change != NULL; change = change->next) {
		count += parts_of(change);
	}
	struct luck luck = luck_for(random, count);
	for (const struct change *change = inode->changes; change != NULL; change = change->next) {
		if (!change->is_write && luck_keeps(&luck)) {
			bytes_resize(&inode->safe, (size_t)change->at);
		}
		for (size_t done = 0; done < change->len;) {
			size_t part = SECTOR_BYTES - (size_t)((change->at + done) % SECTOR_BYTES);
			part = part < change->len - done ? part : change->len - done;
			survive_part(inode, change->at + done, change->bytes + done, part, &luck);
			done += part;
		}
	}
	inode_lose(inode);
	bytes_copy(&inode->now, &inode->safe);
	inode->shm = NULL; /* it goes with the handles that have it */
	inode->shared = 0;
	inode->reserved = NULL;
	inode->is_exclusive = false;
}

struct inode *disk_find(const struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i].path, path) == 0) {
			return names->list[i].inode;
		}
	}
	return NULL;
}

static void names_drop(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i].path, path) == 0) {
			inode_drop(names->list[i].inode);
			names->list[i] = names->list[--names->count];
			return;
		}
	}
}

static void names_put(struct names *names, const char *path, struct inode *inode)
{
	inode_hold(inode);
	names_drop(names, path);
	assert(names->count < FILES_MAX);
	struct name *name = &names->list[names->count++];
	(void)snprintf(name->path, sizeof(name->path), "%s", path);
	name->inode = inode;
}

static void names_play(struct names *names, const struct name_change *change)
{
	if (change->from[0] != '\0' && disk_find(names, change->from) == change->inode) {
		names_drop(names, change->from);
	}
	if (change->to[0] != '\0') {
		names_put(names, change->to, change->inode);
	}
}

static void forget_name_changes(struct disk *disk)
{
	while (disk->changes != NULL) {
		struct name_change *next = disk->changes->next;
		inode_drop(disk->changes->inode);
		free(disk->changes);
		disk->changes = next;
	}
	disk->changes_end = &disk->changes;
}

static void change_name(struct disk *disk, struct inode *inode, const char *from, const char *to)
{
	struct name_change *change = must(calloc(1, sizeof(*change)));
	(void)snprintf(change->from, sizeof(change->from), "%s", from);
	(void)snprintf(change->to, sizeof(change->to), "%s", to);
	change->inode = inode;
	inode_hold(inode);
	*disk->changes_end = change;
	disk->changes_end = &change->next;
	names_play(&disk->now, change);
}

struct inode *disk_make(struct disk *disk, const char *path)
{
	struct inode *inode = inode_new();
	change_name(disk, inode, "", path);
	return inode;
}

bool disk_remove(struct disk *disk, const char *path)
{
	struct inode *inode = disk_find(&disk->now, path);
	if (inode != NULL) {
		change_name(disk, inode, path, "");
	}
	return inode != NULL;
}

void disk_move(struct disk *disk, struct inode *inode, const char *from, const char *to)
{
	change_name(disk, inode, from, to);
}

void disk_sync_names(struct disk *disk)
{
	for (const struct name_change *change = disk->changes; change != NULL;
		change = change->next) {
		names_play(&disk->safe, change);
	}
	forget_name_changes(disk);
}

static void drop_all_names(struct names *names)
{
	while (names->count > 0) {
		names_drop(names, names->list[0].path);
	}
}

static void survive_names(struct disk *disk, uint64_t *random)
{
	size_t count = 0;
	for (const struct name_change *change = disk->changes; change != NULL;
		change = change->next) {
		count++;
	}
	struct luck luck = luck_for(random, count);
	for (const struct name_change *change = disk->changes; change != NULL;
		change = change->next) {
		if (luck_keeps(&luck)) {
			names_play(&disk->safe, change);
		}
	}
	forget_name_changes(disk);
	drop_all_names(&disk->now);
	for (size_t i = 0; i < disk->safe.count; i++) {
		names_put(&disk->now, disk->safe.list[i].path, disk->safe.list[i].inode);
	}
}

/* What handles have is theirs; nobody finds it any more. */
static void leave_handles_alone(struct disk *disk)
{
	disk->generation++;
	disk->is_dead = false;
	disk->cut_in = 0;
}

void disk_cut(struct disk *disk, uint64_t seed)
{
	disk_enter(disk);
	uint64_t random = seed;
	for (size_t i = 0; i < disk->now.count; i++) {
		disk->now.list[i].inode->shm = NULL;
	}
	survive_names(disk, &random);
	for (size_t i = 0; i < disk->now.count; i++) {
		inode_survive(disk->now.list[i].inode, &random);
	}
	leave_handles_alone(disk);
	disk_leave(disk);
}

void disk_cut_at(struct disk *disk, uint64_t count)
{
	disk_enter(disk);
	disk->cut_in = count;
	disk_leave(disk);
}

bool disk_is_dead(const struct disk *disk)
{
	return disk->is_dead;
}

static bool fault_hits(struct disk *disk, enum disk_call kind)
{
	struct disk_fault *fault = &disk->fault;
	if ((fault->kinds & kind) == 0) {
		return false;
	}
	if (fault->at > 0 && --fault->at == 0) {
		disk->is_faulting = fault->is_for_good;
		return true;
	}
	return disk->is_faulting;
}

enum verdict disk_judge(struct disk *disk, enum disk_call kind)
{
	disk->calls[__builtin_ctz(kind)]++;
	if (disk->is_dead) {
		return CALL_FAILS;
	}
	if ((kind & DISK_CHANGES) != 0 && disk->cut_in > 0 && --disk->cut_in == 0) {
		disk->is_dead = true;
		return CALL_IS_LAST;
	}
	if (!fault_hits(disk, kind)) {
		return CALL_GOES_ON;
	}
	return disk->fault.is_full ? CALL_FAILS_FULL : CALL_FAILS;
}

uint64_t disk_calls(const struct disk *disk, unsigned kinds)
{
	uint64_t count = 0;
	for (int i = 0; i < 6; i++) {
		count += (kinds >> i & 1) != 0 ? disk->calls[i] : 0;
	}
	return count;
}

void disk_fail(struct disk *disk, const struct disk_fault *fault)
{
	disk_enter(disk);
	disk->fault = *fault;
	disk->is_faulting = false;
	disk_leave(disk);
}

void disk_room(struct disk *disk, int64_t bytes)
{
	disk->room = bytes;
}

int64_t disk_bytes(const struct disk *disk)
{
	int64_t sum = 0;
	for (size_t i = 0; i < disk->now.count; i++) {
		sum += (int64_t)disk->now.list[i].inode->now.len;
	}
	return sum;
}

void disk_ignore_syncs(struct disk *disk, const char *name_end)
{
	disk->unsynced_end = name_end;
}

void disk_place(struct disk *disk, uint64_t device, uint64_t inode)
{
	disk->place[0] = device;
	disk->place[1] = inode;
}

bool disk_get_file(const struct disk *disk, const char *path, struct buf *out)
{
	const struct inode *inode = disk_find(&disk->now, path);
	return inode != NULL && buf_append(out, span_of(inode->now.at, inode->now.len)) == ERR_OK;
}

void disk_put_file(struct disk *disk, const char *path, struct span bytes)
{
	struct inode *inode = disk_find(&disk->now, path);
	inode = inode == NULL ? disk_make(disk, path) : inode;
	inode_truncate(inode, 0);
	inode_write(inode, 0, bytes.at, bytes.len);
	inode_sync(inode);
	disk_sync_names(disk);
}

bool disk_drop_file(struct disk *disk, const char *path)
{
	bool is_there = disk_remove(disk, path);
	disk_sync_names(disk);
	return is_there;
}

void disk_copy(struct disk *to, const struct disk *from)
{
	disk_enter(to);
	leave_handles_alone(to);
	for (size_t i = 0; i < to->now.count; i++) {
		to->now.list[i].inode->shm = NULL;
	}
	forget_name_changes(to);
	drop_all_names(&to->now);
	drop_all_names(&to->safe);
	for (size_t i = 0; i < from->now.count; i++) {
		const struct name *name = &from->now.list[i];
		struct inode *inode = inode_new();
		bytes_copy(&inode->now, &name->inode->now);
		bytes_copy(&inode->safe, &name->inode->now);
		names_put(&to->now, name->path, inode);
		names_put(&to->safe, name->path, inode);
	}
	disk_leave(to);
}

struct disk *disk_new(void)
{
	static atomic_uint made;
	db_configure();
	struct disk *disk = must(calloc(1, sizeof(*disk)));
	disk->changes_end = &disk->changes;
	disk->room = -1;
	disk->place[0] = disk->place[1] = 1;
	(void)pthread_mutex_init(&disk->lock, NULL);
	(void)snprintf(
		disk->vfs_name, sizeof(disk->vfs_name), "disk-%u", atomic_fetch_add(&made, 1));
	disk_vfs_init(disk);
	return disk;
}

void disk_free(struct disk *disk)
{
	if (disk == NULL) {
		return;
	}
	int rc = sqlite3_vfs_unregister(&disk->vfs);
	assert(rc == SQLITE_OK);
	(void)rc;
	forget_name_changes(disk);
	drop_all_names(&disk->now);
	drop_all_names(&disk->safe);
	(void)pthread_mutex_destroy(&disk->lock);
	free(disk);
}

const char *disk_vfs(const struct disk *disk)
{
	return disk->vfs_name;
}
