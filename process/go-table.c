// SPDX-License-Identifier: Apache-2.0
/*
 * Go's function table as Go 1.18 and later lay it out (pcHeader, functab and _func in Go's runtime
 * package): a header; the names; for each function, in the order of their addresses, where it
 * starts and where its record is; the record says where its name is, and where a little program
 * that gives the size of its frame at each of its instructions. Everything is an offset from
 * something, and the file may be an attacker's: every sum is checked against the table's size.
 */
#include "process/go-table.h"

#include <string.h>

enum {
	MAX_FUNCTIONS = 4 * 1024 * 1024,
	MAX_NAME = 4096,
	ENTRY_SIZE = 8, /* of functab: start and record, 32 bits each */
	NAME_IN_RECORD = 4,
	FRAME_SIZES_IN_RECORD = 16,
	MAX_STEPS = 4096, /* changes of a frame's size within one function */
};
static const guint64 MAX_TABLE = 256 * 1024 * 1024;
static const gint64 MAX_FRAME = 1 << 30;

typedef struct {
	guint32 magic;
	guint8 zero[2], quantum, pointer_size;
	guint64 n_functions, n_files, text, names, units, files, steps, functions;
} Header;
G_STATIC_ASSERT(sizeof(Header) == 72);

struct _GaitGoTable {
	Header header;
	gsize size;
	guint8 bytes[];
};

static gboolean
is_usable(const Header *header, guint64 size)
{
	/* Of Go 1.18 and of 1.20; the parts that matter are alike. */
	return (header->magic == 0xfffffff0 || header->magic == 0xfffffff1) &&
	       header->pointer_size == 8 && header->quantum == 1 && header->text != 0 &&
	       header->text <= G_MAXINT64 && header->n_functions <= MAX_FUNCTIONS &&
	       header->names <= size && header->steps <= size && header->functions <= size &&
	       (header->n_functions + 1) * ENTRY_SIZE <= size - header->functions;
}

GaitGoTable *
gait_go_table_new(GaitImage *image)
{
	GaitSection section;
	GaitGoTable *table;
	Header header;

	/* The second where the program is position-independent. */
	if ((!gait_image_find_section(image, ".gopclntab", &section) &&
	     !gait_image_find_section(image, ".data.rel.ro.gopclntab", &section)) ||
	    section.size > MAX_TABLE ||
	    !gait_image_read(image, section.offset, sizeof(header), &header) ||
	    !is_usable(&header, section.size))
		return NULL;
	table = g_malloc(sizeof(*table) + section.size);
	table->header = header;
	table->size = section.size;
	if (gait_image_read(image, section.offset, section.size, table->bytes))
		return table;
	g_free(table);
	return NULL;
}

gsize
gait_go_table_get_size(const GaitGoTable *table)
{
	return table->size;
}

void
gait_go_table_free(GaitGoTable *table)
{
	g_free(table);
}

/* 0 beyond the end. */
static guint32
get_word(const GaitGoTable *table, guint64 offset)
{
	guint32 word;

	if (offset > table->size || table->size - offset < sizeof(word))
		return 0;
	memcpy(&word, table->bytes + offset, sizeof(word));
	return word;
}

/* NULL where it does not end in time. */
static const char *
get_name(const GaitGoTable *table, guint32 offset)
{
	guint64 start = table->header.names + offset;

	if (start >= table->size ||
	    !memchr(table->bytes + start, '\0', MIN(table->size - start, MAX_NAME)))
		return NULL;
	return (const char *)table->bytes + start;
}

/* LEB128, 32 bits. FALSE where the table ends. */
static gboolean
take_number(const GaitGoTable *table, guint64 *at, guint32 *number)
{
	*number = 0;
	for (guint shift = 0; shift < 35 && *at < table->size; shift += 7) {
		guint8 byte = table->bytes[(*at)++];

		*number |= (guint32)(byte & 0x7f) << (shift & 31);
		if (!(byte & 0x80))
			return TRUE;
	}
	return FALSE;
}

/* Where in a function's frame sizes one is: pairs of by how much the size changes (zigzag; from
 * -1), and for how many bytes of code it then holds. */
typedef struct {
	guint64 at, end; /* end: distance from the function's start up to which size holds */
	gint64 size;
	guint n_steps;
} Steps;

static Steps
begin_steps(const GaitGoTable *table, guint64 record)
{
	guint32 steps = get_word(table, record + FRAME_SIZES_IN_RECORD);

	return (Steps){table->header.steps + steps, 0, -1, steps != 0 ? 0 : MAX_STEPS};
}

/* FALSE where there are no more. */
static gboolean
take_step(const GaitGoTable *table, Steps *steps)
{
	guint32 change, n_bytes;

	if (steps->n_steps == MAX_STEPS || !take_number(table, &steps->at, &change) ||
	    (change == 0 && steps->n_steps > 0) || !take_number(table, &steps->at, &n_bytes))
		return FALSE;
	steps->size += (gint32)(change >> 1 ^ -(change & 1));
	steps->end += n_bytes;
	steps->n_steps++;
	return TRUE;
}

static gint64
check_size(gint64 size)
{
	return size <= MAX_FRAME && (size >= 0 || size == GAIT_GO_POPPED) ? size : GAIT_GO_NO_SIZE;
}

static gint64
get_frame_size(const GaitGoTable *table, guint64 record, guint64 distance)
{
	Steps steps = begin_steps(table, record);

	while (take_step(table, &steps))
		if (distance < steps.end)
			return check_size(steps.size);
	return GAIT_GO_NO_SIZE;
}

/* Index of the function whose start is the last one at or before; -1: none. */
static gint64
search(const GaitGoTable *table, guint64 distance)
{
	guint64 low = 0, high = table->header.n_functions;

	while (low < high) {
		guint64 middle = low + (high - low) / 2;

		if (get_word(table, table->header.functions + middle * ENTRY_SIZE) <= distance)
			low = middle + 1;
		else
			high = middle;
	}
	return (gint64)low - 1;
}

/* What is known of the i-th function, but its frame size. */
static gboolean
get_function(const GaitGoTable *table, guint64 i, GaitGoFunction *function, guint64 *record)
{
	guint64 functions = table->header.functions, entry = functions + i * ENTRY_SIZE;

	*record = functions + get_word(table, entry + 4);
	function->name = get_name(table, get_word(table, *record + NAME_IN_RECORD));
	if (!function->name)
		return FALSE;
	function->kind = gait_go_get_kind(function->name);
	function->start = table->header.text + get_word(table, entry);
	function->frame_size = GAIT_GO_NO_SIZE;
	return TRUE;
}

/* Where it ends: where the next one starts; after the last one comes the end of Go's code. */
static guint64
get_end(const GaitGoTable *table, guint64 i)
{
	return table->header.text + get_word(table, table->header.functions + (i + 1) * ENTRY_SIZE);
}

gboolean
gait_go_table_find(const GaitGoTable *table, guint64 vaddr, GaitGoFunction *function)
{
	gint64 i = vaddr < table->header.text ? -1 : search(table, vaddr - table->header.text);
	guint64 record;

	if (i < 0 || vaddr >= get_end(table, (guint64)i) ||
	    !get_function(table, (guint64)i, function, &record))
		return FALSE;
	function->frame_size = get_frame_size(table, record, vaddr - function->start);
	return TRUE;
}

gboolean
gait_go_table_foreach_range(const GaitGoTable *table, guint64 n, guint64 *budget,
                            GaitGoRangeFunc function, gpointer data)
{
	GaitGoFunction found;
	guint64 record, start, end;
	Steps steps;

	if (n >= table->header.n_functions || *budget == 0)
		return FALSE;
	--*budget;
	if (!get_function(table, n, &found, &record))
		return TRUE;
	start = found.start;
	end = get_end(table, n);
	steps = begin_steps(table, record);
	while (start < end && take_step(table, &steps)) {
		guint64 next = MIN(found.start + steps.end, end);

		found.frame_size = check_size(steps.size);
		if (next > start)
			function(&found, start, next, data);
		start = next;
	}
	*budget -= MIN(*budget, steps.n_steps);
	found.frame_size = GAIT_GO_NO_SIZE;
	if (start < end)
		function(&found, start, end, data);
	return TRUE;
}

/* --- packages -----------------------------------------------------------------------------------
 */

static gboolean
is_one_of(const char *const *packages, gsize n_packages, const char *name, gsize length)
{
	for (gsize i = 0; i < n_packages; i++) {
		gsize n = strlen(packages[i]);

		if (length >= n && memcmp(name, packages[i], n) == 0 &&
		    (length == n || packages[i][n - 1] == '/'))
			return TRUE;
	}
	return FALSE;
}

GaitGoKind
gait_go_get_kind(const char *name)
{
	static const char *const syscalls[] = {"syscall", "runtime/internal/syscall",
	                                       "internal/runtime/syscall", "internal/syscall/",
	                                       "golang.org/x/sys/unix"};
	static const char *const runtimes[] = {"runtime", "runtime/internal/", "internal/runtime/"};
	static const char vendored[] = "vendor/";
	/* Receivers and type arguments, which follow in brackets, name packages of their own. */
	gsize length = strcspn(name, "[(");
	const char *slash = memrchr(name, '/', length), *last = slash ? slash : name;
	const char *dot = memchr(last, '.', length - (gsize)(last - name));
	const char *vendor;

	if (!dot)
		return GAIT_GO_PLAIN;
	vendor = g_strrstr_len(name, dot - name, vendored);
	if (vendor && (vendor == name || vendor[-1] == '/'))
		name = vendor + strlen(vendored);
	length = (gsize)(dot - name);
	if (is_one_of(syscalls, G_N_ELEMENTS(syscalls), name, length))
		return GAIT_GO_SYSCALL;
	return is_one_of(runtimes, G_N_ELEMENTS(runtimes), name, length) ? GAIT_GO_RUNTIME
	                                                                 : GAIT_GO_PLAIN;
}
