/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the in-kernel tier is to be had: its small programs are loaded, which need what the large
 * one needs (privileges, the kernel's types, its helpers and kinds of map), with maps that hold
 * next to nothing. The large one takes the verifier longer than all else at start, so it is not
 * loaded for this.
 */
#include "kernel/tier-private.h"

#include "sysgait/error.h"

#include <errno.h>
#include <string.h>

/* Far too small for the large program, which makes some sizes constants. */
static gboolean
make_small(struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);
		gboolean is_small = strcmp(name, "on_exit") == 0 || strcmp(name, "on_file") == 0;

		bpf_program__set_autoload(program, is_small);
	}
	bpf_object__for_each_map(map, object)
	{
		/* Task storage has no number of entries, a ring's is whole pages. */
		if (bpf_map__max_entries(map) > 1 && bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF &&
		    bpf_map__set_max_entries(map, 1) != 0)
			return FALSE;
	}
	return TRUE;
}

static gboolean
try_to_load(GError **error)
{
	struct bpf_object *object;
	gboolean is_loaded;

	if (!gait_tier_is_outermost(error))
		return FALSE;
	object = gait_tier_open();
	is_loaded = object && make_small(object) && bpf_object__load(object) == 0;
	if (!is_loaded)
		gait_tier_fail_to_load(errno, error);
	bpf_object__close(object);
	return is_loaded;
}

gboolean
gait_tier_probe(GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (try_to_load(&failure))
		return TRUE;
	g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "the in-kernel tier is not to be had here: %s", failure->message);
	return FALSE;
}
