// SPDX-License-Identifier: Apache-2.0
/*
 * Damaged ELF files, the whole way: the input is mapped executable in this very process, becomes a
 * module, gives up its build-id and symbols, and then is unwound through, from places that the
 * input chooses, over a stack that is the input again.
 */
#include "process/module-private.h"
#include "sysgait/attribute.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

enum {
	STACK_SIZE = 8192,
	N_PLACES = 16,
	MAX_MODULES = 200,
};

static void
symbolize(GaitModule *module, gsize size)
{
	const char *name;
	guint64 delta;

	for (gsize offset = 0; offset <= size; offset += size / 64 + 1)
		if (gait_module_symbolize(module, offset, &name, &delta))
			g_assert_cmpuint(strlen(name), <=, 4096);
}

/* Attributes calls that the input says lie here and there in it. */
static void
unwind(GaitModules *modules, const guint8 *code, const guint8 *data, gsize size)
{
	static guint64 stack[STACK_SIZE / 8];
	g_autoptr(GaitAttributor) attributor =
	    gait_attributor_new(modules, &(GaitAttributorOptions){.full_stacks = TRUE});
	g_autoptr(GaitSpace) space = gait_space_new(modules, getpid());

	memset(stack, 0, sizeof(stack));
	for (guint i = 0; i < N_PLACES; i++) {
		GaitRegisters registers = {.known = (1u << GAIT_N_REGISTERS) - 1};
		gsize place = (i * 7919u * (size / N_PLACES + 1)) % size;
		const GaitStack *found = NULL;

		/* Plausible return addresses, then whatever there is. */
		for (gsize j = 0; j < G_N_ELEMENTS(stack); j++)
			stack[j] =
			    (guint64)(guintptr)code + (j * 8191u + data[j % size] * 16u) % size;
		for (guint j = 0; j < GAIT_N_REGISTERS; j++)
			registers.value[j] = (guint64)(guintptr)(stack + (j * 5u + data[0]) % 64);
		registers.value[GAIT_REGISTER_RIP] = (guint64)(guintptr)code + place + 2;
		registers.value[GAIT_REGISTER_RSP] = (guint64)(guintptr)stack;
		if (gait_attributor_attribute(attributor, space, getpid(), 0, &registers, &found) ==
		    GAIT_ATTRIBUTION_DONE)
			g_assert_true(found->site < found->n_frames);
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	/* This process has modules of its own, which need not be read for each input. */
	static GaitModules *modules;
	guint n_before;
	void *code;
	int fd;

	if (size < 64)
		return 0;
	if (modules && gait_modules_get_n(modules) > MAX_MODULES)
		g_clear_pointer(&modules, gait_modules_free);
	if (!modules)
		modules = gait_modules_new(NULL);
	n_before = gait_modules_get_n(modules);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
	code = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	g_assert_true(code != MAP_FAILED);
	unwind(modules, code, data, size);
	for (guint i = n_before; i < gait_modules_get_n(modules); i++)
		if (g_str_has_prefix(gait_module_get_path(gait_modules_get(modules, i)), "/memfd:"))
			symbolize(gait_modules_get(modules, i), size);
	munmap(code, size);
	close(fd);
	return 0;
}
