/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A violation as one JSON line: of the violation log and of `check --json`, documented in
 * sysgait-enforce(1) and read again by log-record.c. It has what `explain` and `amend` need to find
 * the very place again, in this model or in another one: numbers, offsets and build-ids beside the
 * names, a role by the calls that created it, a phase by the milestones that it lies between.
 * 64-bit values are strings in hex, since JSON readers keep 53 bits. Same violation, same bytes.
 */
#include "model/violation-private.h"
#include "sysgait/violation-log.h"

#include "model/syscall-arch.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

static void
append_string(GString *out, const char *key, const char *value)
{
	g_string_append_printf(out, ",\"%s\":", key);
	if (value)
		gait_text_append_json(out, value);
	else
		g_string_append(out, "null");
}

static void
append_hex(GString *out, const char *key, guint64 value)
{
	g_string_append_printf(out, "\"%s\":\"0x%" G_GINT64_MODIFIER "x\"", key, value);
}

typedef struct {
	const char *build_id;
	guint64 offset;
	const char *function;
	guint64 delta;
} Place;

static void
append_place(GString *out, const char *key, const Place *place)
{
	g_string_append_printf(out, ",\"%s\":{", key);
	append_hex(out, "offset", place->offset);
	if (place->build_id && place->build_id[0])
		append_string(out, "build_id", place->build_id);
	if (place->function) {
		append_string(out, "function", place->function);
		g_string_append_c(out, ',');
		append_hex(out, "delta", place->delta);
	}
	g_string_append_c(out, '}');
}

/* A symbol of the model, by which another one finds it. */
static void
append_symbol(GString *out, const GaitScene *scene, GaitSymbolRef ref)
{
	const GaitLibrary *library = gait_program_get_library(scene->program, ref.library);
	const GaitModelModule *module = g_ptr_array_index(scene->model->modules, library->module);
	const GaitSymbol *symbol = gait_program_get_symbol(scene->program, ref);

	g_string_append(out, "{\"library\":");
	gait_text_append_json(out, module->path);
	if (module->build_id[0])
		append_string(out, "build_id", module->build_id);
	append_string(out, "syscall", gait_syscall_name(symbol->nr));
	g_string_append_printf(out, ",\"nr\":%u,\"class\":%u,", symbol->nr, symbol->klass);
	append_hex(out, "site", symbol->site);
	g_string_append_c(out, '}');
}

/* The calls that created the role, from main on. */
static void
append_creations(GString *out, const GaitScene *scene)
{
	const GaitRole *chain[GAIT_MAX_ROLE_DEPTH];
	guint n = 0;

	for (const GaitRole *role = scene->role;
	     role && role->parent != GAIT_NONE && n < G_N_ELEMENTS(chain);
	     role = gait_program_get_role(scene->program, role->parent))
		chain[n++] = role;
	if (n == 0)
		return;
	g_string_append(out, ",\"created_by\":[");
	while (n-- > 0) {
		append_symbol(out, scene, chain[n]->creation);
		g_string_append(out, n ? "," : "]");
	}
}

/* The roles that a task may be of whose role is not known; not where they are too many to be any
 * help. */
static void
append_possible(GString *out, const GaitScene *scene)
{
	const guint8 *roles = scene->walker->roles;
	guint n = 0;

	for (guint32 r = 0; roles && r < scene->program->roles->len; r++)
		n += roles[r] != 0;
	if (n == 0 || n > GAIT_LOG_MAX_POSSIBLE)
		return;
	g_string_append(out, ",\"possible\":[");
	for (guint32 r = 0; r < scene->program->roles->len; r++) {
		if (!roles[r])
			continue;
		gait_text_append_json(out, gait_program_get_role(scene->program, r)->name);
		g_string_append(out, --n ? "," : "]");
	}
}

static void
append_milestone(GString *out, const char *key, const GaitScene *scene, guint32 phase)
{
	const GaitPhase *found;

	if (phase == 0 || phase >= scene->role->phases->len)
		return;
	found = g_ptr_array_index(scene->role->phases, phase);
	g_string_append_printf(out, ",\"%s\":", key);
	append_symbol(out, scene,
	              g_array_index(scene->role->symbols, GaitSymbolRef, found->milestone));
}

static void
append_role(GString *out, const GaitScene *scene)
{
	const struct gait_walk_position *at = &scene->walker->position;

	append_string(out, "role", scene->role ? scene->role->name : NULL);
	if (!scene->role) {
		append_possible(out, scene);
		return;
	}
	append_creations(out, scene);
	g_string_append_printf(out, ",\"phase\":%u,\"phases\":%u", at->phase + 1,
	                       scene->role->phases->len);
	if (at->is_loose)
		g_string_append(out, ",\"loose\":true");
	append_milestone(out, "since", scene, at->phase);
	append_milestone(out, "until", scene, at->phase + 1);
}

static void
append_call(GString *out, const GaitViolation *violation)
{
	g_autoptr(GString) call = g_string_new(NULL);

	gait_syscall_format_arch(call, violation->arch, violation->event.nr,
	                         violation->event.klass);
	append_string(out, "call", call->str);
	if (violation->arch == 0)
		append_string(out, "syscall", gait_syscall_name(violation->event.nr));
	else
		g_string_append_printf(out, ",\"arch\":\"0x%x\"", violation->arch);
	g_string_append_printf(out, ",\"nr\":%u,\"class\":%u", violation->event.nr,
	                       violation->event.klass);
	if (violation->exec_path)
		append_string(out, "exec", violation->exec_path);
	if (!violation->args)
		return;
	g_string_append(out, ",\"args\":[");
	for (guint i = 0; i < 6; i++)
		g_string_append_printf(out, "%s\"0x%" G_GINT64_MODIFIER "x\"", i ? "," : "",
		                       violation->args[i]);
	g_string_append_c(out, ']');
}

static void
append_code(GString *out, const GaitViolation *violation)
{
	const Place site = {violation->library_build_id, violation->event.site, violation->function,
	                    violation->delta};
	const Place instruction = {violation->issuer_build_id, violation->event.issuer_offset,
	                           violation->issuer_function, violation->issuer_delta};

	append_string(out, "library", violation->library);
	if (violation->library)
		append_place(out, "site", &site);
	if (!violation->issuer)
		return;
	append_string(out, "issuer", violation->issuer);
	append_place(out, "instruction", &instruction);
}

static void
append_state(GString *out, const GaitScene *scene)
{
	g_autofree char *name = gait_scene_name_state(scene);

	append_string(out, "state", name);
	if (scene->state == GAIT_NONE || scene->state < GAIT_STATE_FIRST)
		return;
	g_string_append(out, ",\"from\":");
	append_symbol(out, scene, (GaitSymbolRef){scene->library, scene->state - GAIT_STATE_FIRST});
}

static void
append_allowed(GString *out, const GaitScene *scene)
{
	g_auto(GaitAllowed) allowed = {0};

	gait_allowed_init(&allowed, scene->walker, scene->violation);
	g_string_append(out, ",\"allowed\":[");
	for (guint i = 0; i < allowed.names->len; i++) {
		if (i)
			g_string_append_c(out, ',');
		gait_text_append_json(out, g_ptr_array_index(allowed.names, i));
	}
	g_string_append_printf(out, "],\"n_allowed\":%u", allowed.n_total);
}

void
gait_violation_print_json(const GaitViolation *violation, const GaitWalker *walker, GString *out)
{
	GaitScene scene;

	gait_scene_init(&scene, violation, walker);
	g_string_append_printf(out, "{\"time\":%.6f,\"pid\":%d,\"tid\":%d", violation->time_s,
	                       violation->pid, violation->tid);
	append_string(out, "kind", gait_verdict_name(violation->verdict));
	append_string(out, "action", violation->action);
	append_string(out, "program", scene.program->path);
	append_role(out, &scene);
	append_call(out, violation);
	append_code(out, violation);
	append_state(out, &scene);
	append_allowed(out, &scene);
	append_string(out, "model", gait_walk_table_get_digest(walker->table));
	if (violation->n_repeats > 0)
		g_string_append_printf(out, ",\"repeats\":%" G_GUINT64_FORMAT,
		                       violation->n_repeats);
	g_string_append(out, "}\n");
}
