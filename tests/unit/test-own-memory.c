/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a task's memory as the in-kernel tier reads them, by page tables and the kernel's direct
 * map: of memory of every kind each is what the kernel's own copying finds, and there is none where
 * that finds none. What is no memory is left to the copying. Read in the kernel
 * (BPF_PROG_TEST_RUN), by the very source that the tier is made of; also run in the virtual
 * machines (tests/vm).
 */
#include "unit.h"

#ifndef GAIT_WITHOUT_BPF

#include "kernel/tier-private.h"

#include "own-memory.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HUGE_PAGE (2u * 1024 * 1024)

typedef struct {
	GaitTier tier; /* of which there is the object only */
	struct bpf_map *words;
	gboolean has_map; /* the direct map was found */
} Fixture;

/* What is to become of words. */
typedef enum {
	DIRECT,  /* all are found by the direct map */
	COPIED,  /* none is; the helper has them */
	ABSENT,  /* nobody has any */
	ANYHOW,  /* the same ones either way */
	NOWHERE, /* none is found by the direct map; the helper may have them, and they change */
} Kind;

static gsize page_size;

static int
say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static struct bpf_map *
find_map(const Fixture *fixture, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(fixture->tier.object, name);

	g_assert_nonnull(map);
	return map;
}

static guint64
get_direct_map(const Fixture *fixture)
{
	struct gait_tier_shared shared;
	guint32 zero = 0;

	g_assert_cmpint(
	    bpf_map_lookup_elem(bpf_map__fd(find_map(fixture, ".data.shared")), &zero, &shared), ==,
	    0);
	return shared.direct_map;
}

/* Linux can do what it takes since 6.2. */
static gboolean
has_direct_reads(void)
{
	struct utsname name;
	unsigned major, minor;

	uname(&name);
	g_assert_cmpint(sscanf(name.release, "%u.%u", &major, &minor), ==, 2);
	return major > 6 || (major == 6 && minor >= 2);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
	libbpf_set_print(say_nothing);
	page_size = (gsize)sysconf(_SC_PAGESIZE);
	fixture->tier.object =
	    bpf_object__open_file(GAIT_BPF_DIRECTORY "/tests/unit/own-memory.bpf.o", NULL);
	g_assert_nonnull(fixture->tier.object);
	if (bpf_object__load(fixture->tier.object) != 0) {
		unit_skip("no BPF here");
		return;
	}
	fixture->words = find_map(fixture, "words");
	fixture->has_map = gait_tier_find_direct_map(&fixture->tier);
	g_assert_cmpint(fixture->has_map, ==, get_direct_map(fixture) != 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	bpf_object__close(fixture->tier.object);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void
ask(const Fixture *fixture, const guint64 *addresses, guint32 n, struct gait_test_word *words)
{
	guint64 arguments[1] = {n};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments,
	            .ctx_size_in = sizeof(arguments));
	const struct bpf_program *program =
	    bpf_object__find_program_by_name(fixture->tier.object, "on_read_words");
	int map = bpf_map__fd(fixture->words);

	for (guint32 i = 0; i < n; i++) {
		words[i] = (struct gait_test_word){.address = addresses[i]};
		g_assert_cmpint(bpf_map_update_elem(map, &i, &words[i], BPF_ANY), ==, 0);
	}
	g_assert_cmpint(bpf_prog_test_run_opts(bpf_program__fd(program), &options), ==, 0);
	for (guint32 i = 0; i < n; i++)
		g_assert_cmpint(bpf_map_lookup_elem(map, &i, &words[i]), ==, 0);
}

static void
assert_word(const Fixture *fixture, const struct gait_test_word *word, Kind kind)
{
	gboolean is_direct = kind == DIRECT && fixture->has_map;

	if (kind != ANYHOW)
		g_assert_cmpuint(word->is_direct, ==, is_direct);
	if (kind == NOWHERE)
		return;
	if (kind != ANYHOW)
		g_assert_cmpuint(word->copied_status, ==, kind == ABSENT);
	g_assert_cmpuint(word->own_status, ==, word->copied_status);
	if (!word->own_status)
		g_assert_cmphex(word->own, ==, word->copied);
}

static void
assert_words(const Fixture *fixture, const guint64 *addresses, guint32 n, Kind kind)
{
	g_autofree struct gait_test_word *words = g_new0(struct gait_test_word, n);

	if (!fixture->words)
		return;
	ask(fixture, addresses, n, words);
	for (guint32 i = 0; i < n; i++)
		assert_word(fixture, &words[i], kind);
}

static void
assert_word_at(const Fixture *fixture, guint64 address, Kind kind)
{
	assert_words(fixture, &address, 1, kind);
}

/* Words all over it. */
static void
assert_memory(const Fixture *fixture, const void *memory, gsize size, Kind kind)
{
	g_autofree guint64 *addresses = g_new(guint64, GAIT_TEST_N_WORDS);

	for (guint32 i = 0; i < GAIT_TEST_N_WORDS; i++)
		addresses[i] = (guint64)memory + g_random_int_range(0, (gint32)(size / 8)) * 8ull;
	assert_words(fixture, addresses, GAIT_TEST_N_WORDS, kind);
}

static void *
map(gsize size, int protection, int flags, int fd)
{
	void *memory = mmap(NULL, size, protection, flags, fd, 0);

	g_assert_true(memory != MAP_FAILED);
	return memory;
}

static guint64 *
map_private(gsize size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* None of whose pages is huge. */
static guint64 *
map_small_pages(gsize size)
{
	guint64 *memory = map_private(size);

	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

/* No two words are the same, and none is 0. */
static void
fill(guint64 *memory, gsize size)
{
	for (gsize i = 0; i < size / 8; i++)
		memory[i] = (guint64)g_random_int() << 32 | (i + 1);
}

/* --- kinds of memory ----------------------------------------------------------------------------
 */

static void
test_found(Fixture *fixture, gconstpointer data)
{
	const char *expected = g_getenv("GAIT_DIRECT_MAP"); /* in the machines: it has to be so */

	if (!fixture->words)
		return;
	if (expected && strcmp(expected, "tell") == 0)
		g_printerr("direct map: %#" G_GINT64_MODIFIER "x\n", get_direct_map(fixture));
	if (expected && strcmp(expected, "none") == 0)
		g_assert_false(fixture->has_map);
	else if (expected || (g_getenv("GAIT_MUST_RUN") && has_direct_reads()))
		g_assert_true(fixture->has_map);
	else if (!fixture->has_map)
		g_test_skip("this kernel's direct map is not found");
}

static void
test_small(Fixture *fixture, gconstpointer data)
{
	gsize size = 16 * HUGE_PAGE;
	guint64 *memory = map_small_pages(size), on_stack[512];

	fill(memory, size);
	fill(on_stack, sizeof(on_stack));
	assert_memory(fixture, memory, size, DIRECT);
	assert_memory(fixture, on_stack, sizeof(on_stack), DIRECT);
	/* As it is now, not as it was. */
	fill(memory, size);
	assert_memory(fixture, memory, size, DIRECT);
	/* Not whole words; over the end of a page; zeroes. */
	for (guint i = 1; i < 8; i++)
		assert_word_at(fixture, (guint64)memory + page_size - i, ANYHOW);
	memset(memory, 0, size);
	assert_memory(fixture, memory, size, DIRECT);
	munmap(memory, size);
	assert_memory(fixture, memory, size, ABSENT);
}

/* Whether a huge page is there; it is not where there is no room, or they are turned off. */
static gboolean
is_huge(const void *memory)
{
	g_autofree char *text = NULL;
	g_autofree char *start = g_strdup_printf("\n%lx-", (gulong)memory);
	const char *mapping, *line;

	if (!g_file_get_contents("/proc/self/smaps", &text, NULL, NULL))
		return FALSE;
	mapping = strstr(text, start);
	line = mapping ? strstr(mapping, "AnonHugePages:") : NULL;
	return line && atoi(line + strlen("AnonHugePages:")) > 0;
}

/* Pages that are read again and again are looked for once; not where something else lies by then.
 */
static void
test_replaced(Fixture *fixture, gconstpointer data)
{
	guint64 *memory = map_small_pages(page_size), *again;

	for (guint i = 0; i < 8; i++) {
		fill(memory, page_size);
		assert_word_at(fixture, (guint64)memory, DIRECT);
		again = mmap(memory, page_size, PROT_READ | PROT_WRITE,
		             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		g_assert_true(again == memory);
	}
	munmap(memory, page_size);
	assert_word_at(fixture, (guint64)memory, ABSENT);
}

static void
test_huge(Fixture *fixture, gconstpointer data)
{
	gsize size = 4 * HUGE_PAGE;
	guint8 *room = (guint8 *)map_private(size + HUGE_PAGE);
	guint8 *memory = room + (HUGE_PAGE - (guint64)room % HUGE_PAGE) % HUGE_PAGE;

	/* A mapping of its own, which smaps shows. */
	munmap(room, (gsize)(memory - room));
	madvise(memory, size, MADV_HUGEPAGE);
	fill((guint64 *)memory, size);
	if (!is_huge(memory)) {
		g_test_skip("no huge page is to be had");
		return;
	}
	assert_memory(fixture, memory, size, DIRECT);
	/* Only a part may be read: the huge page is taken to pieces, or none. */
	mprotect(memory, HUGE_PAGE / 2, PROT_NONE);
	assert_memory(fixture, memory, HUGE_PAGE / 2, ABSENT);
	assert_memory(fixture, memory + HUGE_PAGE / 2, HUGE_PAGE / 2, DIRECT);
	mprotect(memory + HUGE_PAGE, HUGE_PAGE, PROT_NONE);
	assert_memory(fixture, memory + HUGE_PAGE, HUGE_PAGE, ABSENT);
	munmap(memory, size);
}

/* Of the huge pages that are set aside. */
static void
test_set_aside(Fixture *fixture, gconstpointer data)
{
	guint64 *memory = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
	                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED) {
		g_test_skip("no huge pages are set aside");
		return;
	}
	fill(memory, HUGE_PAGE);
	assert_memory(fixture, memory, HUGE_PAGE, DIRECT);
	munmap(memory, HUGE_PAGE);
}

static void
test_untouched(Fixture *fixture, gconstpointer data)
{
	gsize size = 64 * page_size;
	guint64 *memory = map_small_pages(size);
	guint64 sum = 0;

	assert_memory(fixture, memory, size, ABSENT);
	/* Read and never written: all have the one page of zeroes, which is like no memory. */
	for (gsize i = 0; i < size / 8; i += page_size / 8)
		sum += ((volatile guint64 *)memory)[i];
	g_assert_cmpuint(sum, ==, 0);
	assert_memory(fixture, memory, size, COPIED);
	fill(memory, size);
	assert_memory(fixture, memory, size, DIRECT);
	madvise(memory, size, MADV_DONTNEED);
	assert_memory(fixture, memory, size, ABSENT);
	munmap(memory, size);
}

static void
test_forbidden(Fixture *fixture, gconstpointer data)
{
	gsize size = 64 * page_size;
	guint64 *memory = map_small_pages(size);

	fill(memory, size);
	mprotect(memory, size, PROT_NONE);
	assert_memory(fixture, memory, size, ABSENT);
	mprotect(memory, size, PROT_READ);
	assert_memory(fixture, memory, size, DIRECT);
	munmap(memory, size);
}

static void
test_swapped(Fixture *fixture, gconstpointer data)
{
	gsize size = 64 * page_size;
	guint64 *memory = map_small_pages(size);
	guint8 in_core[64];

	fill(memory, size);
	for (guint i = 0; i < 100; i++) {
		madvise(memory, size, MADV_PAGEOUT);
		mincore(memory, size, in_core);
		/* What is being written is there until that has been done. */
		if (!memchr(in_core, 1, sizeof(in_core)))
			break;
		g_usleep(10000);
	}
	/* In core: in that mapping, or on its way. */
	assert_memory(fixture, memory, size, ANYHOW);
	if (memchr(in_core, 1, sizeof(in_core))) {
		g_test_skip("nothing is swapped out here");
	} else {
		assert_memory(fixture, memory, size, ABSENT);
		for (gsize i = 0; i < size / 8; i += page_size / 8)
			g_assert_cmpuint((guint32)memory[i], ==, i + 1);
		assert_memory(fixture, memory, size, DIRECT);
	}
	munmap(memory, size);
}

static void
test_files(Fixture *fixture, gconstpointer data)
{
	gsize size = 64 * page_size;
	int fd = memfd_create("words", MFD_CLOEXEC);
	guint64 *shared, *private;

	g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
	shared = map(2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	private = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd);
	fill(shared, size);
	assert_memory(fixture, shared, size, DIRECT);
	assert_memory(fixture, private, size, DIRECT);
	fill(private, size / 2); /* copied on that */
	assert_memory(fixture, private, size, DIRECT);
	/* Behind the file's end there is nothing, whoever asks. */
	assert_memory(fixture, (guint8 *)shared + size, size, ABSENT);
	g_assert_cmpint(ftruncate(fd, 0), ==, 0);
	assert_memory(fixture, shared, size, ABSENT);
	munmap(shared, 2 * size);
	munmap(private, size);
	close(fd);
	/* Code of this program's, of which parts may never have been read. */
	assert_memory(fixture, (void *)((guint64)test_files & ~(page_size - 1)), 4 * page_size,
	              ANYHOW);
}

/* Memory that the kernel takes out of its direct map. */
static void
test_secret(Fixture *fixture, gconstpointer data)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	guint64 *memory;

	if (fd < 0) {
		g_test_skip("no memfd_secret() here");
		return;
	}
	g_assert_cmpint(ftruncate(fd, (off_t)page_size), ==, 0);
	memory = map(page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	fill(memory, page_size);
	assert_memory(fixture, memory, page_size, ANYHOW);
	munmap(memory, page_size);
	close(fd);
}

/* What lies nowhere in a task's memory: above it, in the kernel's, and at no address at all. */
static void
test_outside(Fixture *fixture, gconstpointer data)
{
	static const guint64 addresses[] = {
	    0,
	    8,
	    0x00007ffffffff000,
	    0x0000800000000000,
	    0x00ffffffffffff00,
	    0x0100000000000000,
	    0x8000000000000000,
	    0xff11000000000000,
	    0xffff800000000000,
	    0xffff888000001000,
	    0xffffffff81000000,
	    0xffffffffff600000,
	    0xfffffffffffffff8,
	    G_MAXUINT64,
	};

	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++)
		assert_word_at(fixture, addresses[i], ABSENT);
}

/* --- what is no memory --------------------------------------------------------------------------
 */

/* Pages of the kernel's own that it shows without counting who has them. */
static void
test_vvar(Fixture *fixture, gconstpointer data)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint64 start;
	guint n = 0;

	g_assert_true(g_file_get_contents("/proc/self/maps", &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		if (!strstr(*line, "[vvar"))
			continue;
		n++;
		start = g_ascii_strtoull(*line, NULL, 16);
		assert_word_at(fixture, start, NOWHERE);
	}
	g_assert_cmpuint(n, >, 0);
}

/* Devices' registers, of which no word may be read that nobody has asked for: the interrupt
 * controller's, the clock's, a PCI device's, and the old screen's. Addresses of any PC. */
static void
test_devices(Fixture *fixture, gconstpointer data)
{
	static const off_t places[] = {0xb8000, 0xfec00000, 0xfed00000, 0xfee00000, 0xfebf0000};
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	guint n = 0;

	for (guint i = 0; fd >= 0 && i < G_N_ELEMENTS(places); i++) {
		void *memory = mmap(NULL, page_size, PROT_READ, MAP_SHARED, fd, places[i]);

		if (memory == MAP_FAILED)
			continue;
		n++;
		assert_word_at(fixture, (guint64)memory, NOWHERE);
		munmap(memory, page_size);
	}
	g_test_message("%u of devices", n);
	if (fd >= 0)
		close(fd);
	if (n == 0)
		g_test_skip("/dev/mem shows nothing");
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer))
{
	g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

static void
add_tests(void)
{
	add("/own-memory/found", test_found);
	add("/own-memory/small", test_small);
	add("/own-memory/replaced", test_replaced);
	add("/own-memory/huge", test_huge);
	add("/own-memory/set-aside", test_set_aside);
	add("/own-memory/untouched", test_untouched);
	add("/own-memory/forbidden", test_forbidden);
	add("/own-memory/swapped", test_swapped);
	add("/own-memory/files", test_files);
	add("/own-memory/secret", test_secret);
	add("/own-memory/outside", test_outside);
	add("/own-memory/vvar", test_vvar);
	add("/own-memory/devices", test_devices);
}

#else

static void
test_absent(void)
{
	unit_skip("built without the in-kernel tier");
}

static void
add_tests(void)
{
	g_test_add_func("/own-memory/absent", test_absent);
}

#endif

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	add_tests();
	return g_test_run();
}
