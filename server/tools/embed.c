/*
 * embed DIR SYMBOL [ENDING] > out.c: the files below DIR (whose names end so) as one C file, for
 * the host at build time.
 *
 * It defines `const struct embedded_file SYMBOL[]` sorted by name, `const size_t SYMBOL_count`, and
 * `const char SYMBOL_hash[]`: 32 hex digits over all names and bytes, the same for the same tree.
 * Web files also get their media type and a copy compressed by gzip where that saves a tenth.
 * Links, and names that begin with a dot, are left out.
 */
#include <dirent.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct bytes {
	unsigned char *at;
	size_t len;
};

struct item {
	char *name; /* below DIR */
	char *path;
};

struct tree {
	struct item *items;
	size_t count;
};

static void die(const char *what, const char *name)
{
	(void)fprintf(stderr, "embed: %s: %s\n", name, what);
	exit(1);
}

static void *must(void *memory)
{
	if (memory == NULL) {
		die("no memory", "malloc");
	}
	return memory;
}

static char *join(const char *a, const char *b)
{
	char *out = NULL;
	if (asprintf(&out, "%s%s%s", a, a[0] == '\0' ? "" : "/", b) < 0) {
		die("no memory", b);
	}
	return out;
}

static bool ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name);
	size_t end = strlen(ending);
	return len >= end && strcmp(name + len - end, ending) == 0;
}

static void walk(const char *dir, const char *below, const char *ending, struct tree *tree)
{
	DIR *open = opendir(dir);
	if (open == NULL) {
		die("cannot be opened", dir);
	}
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		char *path = join(dir, entry->d_name);
		char *name = join(below, entry->d_name);
		struct stat is;
		if (lstat(path, &is) != 0) {
			die("cannot be looked at", path);
		}
		if (S_ISDIR(is.st_mode)) {
			walk(path, name, ending, tree);
		}
		if (!S_ISREG(is.st_mode) || !ends_with(name, ending)) {
			free(path);
			free(name);
			continue;
		}
		tree->items = must(realloc(tree->items, (tree->count + 1) * sizeof(*tree->items)));
		tree->items[tree->count++] = (struct item){.name = name, .path = path};
	}
	(void)closedir(open);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static struct bytes slurp(FILE *from, const char *name)
{
	struct bytes out = {NULL, 0};
	size_t room = 0;
	for (;;) {
		if (out.len == room) {
			room = room == 0 ? 65536 : 2 * room;
			out.at = must(realloc(out.at, room));
		}
		size_t got = fread(out.at + out.len, 1, room - out.len, from);
		out.len += got;
		if (got == 0) {
			break;
		}
	}
	if (ferror(from)) {
		die("cannot be read", name);
	}
	return out;
}

static struct bytes gzip_of(const char *path)
{
	int ends[2];
	if (pipe(ends) != 0) {
		die("no pipe", path);
	}
	pid_t child = fork();
	if (child == 0) {
		if (freopen(path, "rb", stdin) == NULL || dup2(ends[1], STDOUT_FILENO) < 0) {
			_exit(127);
		}
		(void)close(ends[0]);
		(void)execlp("gzip", "gzip", "-9nc", (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	FILE *from = must(fdopen(ends[0], "rb"));
	struct bytes out = slurp(from, path);
	(void)fclose(from);
	int status = 0;
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
		WEXITSTATUS(status) != 0) {
		die("gzip failed", path);
	}
	return out;
}

static const char *mime_of(const char *name)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".webmanifest", "application/manifest+json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".txt", "text/plain; charset=utf-8"},
		{".webp", "image/webp"},
	};
	const char *end = strrchr(name, '.');
	for (size_t i = 0; end != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(end, types[i][0]) == 0) {
			return types[i][1];
		}
	}
	return "application/octet-stream";
}

static void print_array(const char *kind, size_t number, struct bytes bytes)
{
	(void)printf("static const unsigned char %s_%zu[] =", kind, number);
	for (size_t i = 0; i < bytes.len; i++) {
		if (i % 64 == 0) {
			(void)printf("%s\n\t\"", i == 0 ? "" : "\"");
		}
		(void)printf("\\%03o", bytes.at[i]);
	}
	(void)printf("%s;\n", bytes.len == 0 ? " \"\"" : "\"");
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 4 || sodium_init() < 0) {
		(void)fputs("usage: embed DIR SYMBOL [ENDING] > out.c\n", stderr);
		return 2;
	}
	struct tree tree = {NULL, 0};
	walk(argv[1], "", argc == 4 ? argv[3] : "", &tree);
	if (tree.count > 0) {
		qsort(tree.items, tree.count, sizeof(*tree.items), by_name);
	}
	crypto_hash_sha256_state hash;
	(void)crypto_hash_sha256_init(&hash);
	struct bytes *plain = must(calloc(tree.count + 1, sizeof(*plain)));
	struct bytes *packed = must(calloc(tree.count + 1, sizeof(*packed)));
	(void)printf("/* Made by embed from %s. */\n#include \"store/store.h\"\n\nextern const "
		     "char %s_hash[];\nextern const struct embedded_file %s[];\nextern const "
		     "size_t %s_count;\n\n",
		argv[2], argv[2], argv[2], argv[2]);
	for (size_t i = 0; i < tree.count; i++) {
		const struct item *item = &tree.items[i];
		FILE *from = fopen(item->path, "rb");
		if (from == NULL) {
			die("cannot be opened", item->path);
		}
		plain[i] = slurp(from, item->path);
		(void)fclose(from);
		packed[i] = gzip_of(item->path);
		unsigned long long size = plain[i].len;
		(void)crypto_hash_sha256_update(
			&hash, (const unsigned char *)item->name, strlen(item->name) + 1);
		(void)crypto_hash_sha256_update(&hash, (const unsigned char *)&size, sizeof(size));
		(void)crypto_hash_sha256_update(&hash, plain[i].at, plain[i].len);
		print_array("plain", i, plain[i]);
		if (packed[i].len < plain[i].len - plain[i].len / 10) {
			print_array("packed", i, packed[i]);
		} else {
			packed[i].len = 0;
		}
	}
	(void)printf("\nconst struct embedded_file %s[] = {\n", argv[2]);
	for (size_t i = 0; i < tree.count; i++) {
		(void)printf("\t{\"%s\", plain_%zu, %zu, ", tree.items[i].name, i, plain[i].len);
		if (packed[i].len > 0) {
			(void)printf("packed_%zu, %zu", i, packed[i].len);
		} else {
			(void)printf("NULL, 0");
		}
		(void)printf(", \"%s\"},\n", mime_of(tree.items[i].name));
	}
	unsigned char digest[crypto_hash_sha256_BYTES];
	char text[33];
	(void)crypto_hash_sha256_final(&hash, digest);
	(void)sodium_bin2hex(text, sizeof(text), digest, 16);
	(void)printf("\t{NULL, NULL, 0, NULL, 0, NULL},\n};\nconst size_t %s_count = %zu;\nconst "
		     "char %s_hash[] = \"%s\";\n",
		argv[2], tree.count, argv[2], text);
	return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
