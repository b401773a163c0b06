/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a model into the walk table: the flat block of walk-table.h. It takes a valid model
 * (gait_model_validate()) and adds nothing of its own; what a call is allowed to do is decided by
 * the step alone.
 *
 * Everything is collected in growing arrays, which walk-layout.c puts behind one header. The one
 * thing derived here is the loose set of a phase: what a task may do of which only a lower bound of
 * its phase is known (joined on its way, or events lost): all that some instance did at or after
 * the phase's milestone.
 */
#include "model/life.h"
#include "model/model-private.h"
#include "model/walk-layout.h"
#include "model/walk-step.h"
#include "model/walker-private.h"

#include "sysgait/error.h"

/* Bounds what hostile models can make the compiler do. */
#define MAX_ROLE_STEPS (1u << 26) /* from role to role */

typedef struct {
	const GaitModel *model;
	const GaitProgram *program; /* that is being compiled */
	guint32 index;              /* its index */
	GArray *bases;              /* per library of it: the table's index of its first symbol */
	GArray *entries;            /* guint32: of the role at hand, its symbols by bit */
	guint64 n_role_steps;
	guint64 n_set_words;
	GaitWalkParts parts;
} Builder;

static void
builder_init(Builder *builder, const GaitModel *model)
{
	*builder = (Builder){
	    .model = model,
	    .bases = g_array_new(FALSE, FALSE, sizeof(guint32)),
	    .entries = g_array_new(FALSE, FALSE, sizeof(guint32)),
	    .parts.programs = g_array_new(FALSE, TRUE, sizeof(struct gait_walk_program)),
	    .parts.roles = g_array_new(FALSE, TRUE, sizeof(struct gait_walk_role)),
	    .parts.phases = g_array_new(FALSE, TRUE, sizeof(struct gait_walk_phase)),
	    .parts.symbols = g_array_new(FALSE, TRUE, sizeof(struct gait_walk_symbol)),
	    .parts.sets = g_array_new(FALSE, TRUE, sizeof(guint32)),
	    .parts.keys = g_array_new(FALSE, TRUE, sizeof(struct gait_walk_key)),
	};
}

static void
builder_clear(Builder *builder)
{
	g_array_unref(builder->bases);
	g_array_unref(builder->entries);
	g_array_unref(builder->parts.programs);
	g_array_unref(builder->parts.roles);
	g_array_unref(builder->parts.phases);
	g_array_unref(builder->parts.symbols);
	g_array_unref(builder->parts.sets);
	g_array_unref(builder->parts.keys);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Builder, builder_clear)

static void
add_key(Builder *builder, guint32 kind, guint32 a, guint32 b, guint32 c, guint64 d, guint32 value)
{
	struct gait_walk_key key = {
	    .scope = kind | builder->index << GAIT_WALK_KEY_BITS,
	    .a = a,
	    .b = b,
	    .c = c,
	    .d = d,
	    .value = value,
	};

	g_array_append_val(builder->parts.keys, key);
}

static guint32
symbol_index(const Builder *builder, GaitSymbolRef ref)
{
	return g_array_index(builder->bases, guint32, ref.library) + ref.symbol;
}

static struct gait_walk_symbol *
symbol_at(const Builder *builder, GaitSymbolRef ref)
{
	return &g_array_index(builder->parts.symbols, struct gait_walk_symbol,
	                      symbol_index(builder, ref));
}

static void
add_library(Builder *builder, guint32 index)
{
	const GaitLibrary *library = gait_program_get_library(builder->program, index);
	const char *name = gait_model_module_name(builder->model, library->module);
	guint32 base = builder->parts.symbols->len;

	g_array_append_val(builder->bases, base);
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		struct gait_walk_symbol entry = {
		    .library = index,
		    .state = GAIT_STATE_FIRST + i,
		    .call = gait_calls_find(builder->program->calls, symbol->nr, symbol->klass),
		    .role = GAIT_WALK_NONE,
		    .flags = gait_walk_symbol_flags(symbol->nr, name),
		};

		if (symbol->is_amended)
			entry.flags |= GAIT_WALK_OPEN;
		g_array_append_val(builder->parts.symbols, entry);
		add_key(builder, GAIT_WALK_KEY_SYMBOL, symbol->nr, symbol->klass, library->module,
		        symbol->site, base + i);
	}
	for (guint32 i = 0; i < library->calls->len; i++) {
		const GaitCall *call = &g_array_index(library->calls, GaitCall, i);

		add_key(builder, GAIT_WALK_KEY_BY, call->nr, call->klass, index, 0, 1);
	}
	for (guint32 i = 0; i < library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, i);

		add_key(builder, GAIT_WALK_KEY_EDGE, edge->from, edge->to, index, 0, 1);
	}
}

/* Marks each symbol with the only role it occurs in. */
static void
add_sole_roles(Builder *builder)
{
	guint32 first = builder->bases->len ? g_array_index(builder->bases, guint32, 0) : 0;
	guint32 n_symbols = builder->parts.symbols->len - first;
	g_autofree guint32 *n_roles = g_new0(guint32, n_symbols);

	for (guint32 r = 0; r < builder->program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(builder->program, r);

		for (guint32 i = 0; i < role->symbols->len; i++) {
			GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);
			gboolean is_sole = n_roles[symbol_index(builder, ref) - first]++ == 0;

			symbol_at(builder, ref)->role = is_sole ? r : GAIT_WALK_NONE;
		}
	}
}

/* The role in the chain of role's creators, itself included, that this symbol creates. */
static guint32
find_in_chain(Builder *builder, guint32 role, GaitSymbolRef creation)
{
	while (builder->n_role_steps++ < MAX_ROLE_STEPS) {
		const GaitRole *creator = gait_program_get_role(builder->program, role);

		if (creator->parent == GAIT_NONE)
			break;
		if (creator->creation.library == creation.library &&
		    creator->creation.symbol == creation.symbol)
			return role;
		role = creator->parent;
	}
	return GAIT_NONE;
}

static guint32
find_child(Builder *builder, guint32 role, GaitSymbolRef creation)
{
	for (guint32 r = role + 1;
	     r < builder->program->roles->len && builder->n_role_steps++ < MAX_ROLE_STEPS; r++) {
		const GaitRole *child = gait_program_get_role(builder->program, r);

		if (child->parent == role && child->creation.library == creation.library &&
		    child->creation.symbol == creation.symbol)
			return r;
	}
	return GAIT_NONE;
}

/*
 * Which role a creation makes, for each that was seen in the role. One whose symbol is in the chain
 * of creators already makes that role again (DESIGN §1). One that never made a task is known all
 * the same: it failed, or the recording ended. One that executes is there where it ever executed
 * this program: into others it makes no role.
 */
static void
add_creations(Builder *builder, guint32 index)
{
	const GaitRole *role = gait_program_get_role(builder->program, index);

	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);
		guint32 flags = symbol_at(builder, ref)->flags, made;

		if (!(flags & (GAIT_WALK_CREATES | GAIT_WALK_EXECS)))
			continue;
		made = find_in_chain(builder, index, ref);
		if (made == GAIT_NONE)
			made = find_child(builder, index, ref);
		if (made == GAIT_NONE && (flags & GAIT_WALK_EXECS))
			continue;
		add_key(builder, GAIT_WALK_KEY_CREATE, index, symbol_index(builder, ref), 0, 0,
		        made == GAIT_NONE ? GAIT_WALK_NO_TASK : made);
	}
}

/* A bit set over the program's calls, empty; returns the index of its first word. */
static guint32
add_set(Builder *builder)
{
	guint32 first = builder->parts.sets->len;

	g_array_set_size(builder->parts.sets, first + (builder->program->calls->len + 31) / 32);
	return first;
}

static void
set_add(Builder *builder, guint32 set, guint32 call)
{
	g_array_index(builder->parts.sets, guint32, set + call / 32) |= 1u << (call % 32);
}

static void
fill_loose(Builder *builder, const GaitRole *role, const GaitPhase *phase, guint32 set)
{
	const guint64 *after = NULL;
	guint32 candidate = GAIT_NONE;

	if (phase->milestone != GAIT_NONE)
		candidate = gait_role_find_candidate(role, phase->milestone);
	if (candidate != GAIT_NONE)
		after = gait_role_row(role, role->after, candidate);
	for (guint32 i = 0; i < role->symbols->len; i++)
		if (!after || gait_bit_test(after, i))
			set_add(builder, set,
			        symbol_at(builder, g_array_index(role->symbols, GaitSymbolRef, i))
			            ->call);
	for (guint32 i = 0; i < phase->retained->len; i++)
		set_add(builder, set, g_array_index(phase->retained, guint32, i));
}

/* The bit that stands for an entry of the role; a new one where it has none yet. */
static guint32
find_entry(Builder *builder, guint32 role_index, guint32 symbol)
{
	const GaitRole *role = gait_program_get_role(builder->program, role_index);
	GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, symbol);

	for (guint32 i = 0; i < builder->entries->len; i++)
		if (g_array_index(builder->entries, guint32, i) == symbol)
			return i;
	if (builder->entries->len == 32)
		return GAIT_NONE;
	g_array_append_val(builder->entries, symbol);
	symbol_at(builder, ref)->flags |= GAIT_WALK_ENTRY;
	add_key(builder, GAIT_WALK_KEY_ENTRY, role_index, symbol_index(builder, ref), 0, 0,
	        builder->entries->len - 1);
	return builder->entries->len - 1;
}

/* A role has 32 entries at most; calls of further ones are not tied to theirs. */
static void
add_interludes(Builder *builder, guint32 role_index, guint32 index, struct gait_walk_phase *entry)
{
	const GaitRole *role = gait_program_get_role(builder->program, role_index);
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);

	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		guint32 bit = find_entry(builder, role_index, interlude->entry);

		if (bit == GAIT_NONE)
			return;
		if (!entry->led)
			entry->led = add_set(builder);
		for (guint32 k = 0; k < interlude->calls->len; k++) {
			guint32 call = g_array_index(interlude->calls, guint32, k);

			set_add(builder, entry->led, call);
			add_key(builder, GAIT_WALK_KEY_LED, role_index, index, call, 0, bit);
		}
	}
}

static void
add_phase(Builder *builder, guint32 role_index, guint32 index)
{
	const GaitRole *role = gait_program_get_role(builder->program, role_index);
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);
	struct gait_walk_phase entry = {0};

	entry.allowed = add_set(builder);
	entry.loose = add_set(builder);
	for (guint32 i = 0; i < phase->allowed->len; i++)
		set_add(builder, entry.allowed, g_array_index(phase->allowed, guint32, i));
	fill_loose(builder, role, phase, entry.loose);
	add_interludes(builder, role_index, index, &entry);
	g_array_append_val(builder->parts.phases, entry);
	if (phase->milestone != GAIT_NONE) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, phase->milestone);

		symbol_at(builder, ref)->flags |= GAIT_WALK_MILESTONE;
		add_key(builder, GAIT_WALK_KEY_MILESTONE, role_index, symbol_index(builder, ref), 0,
		        0, index);
	}
}

static gboolean
add_roles(Builder *builder, GError **error)
{
	for (guint32 r = 0; r < builder->program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(builder->program, r);
		struct gait_walk_role entry = {
		    .first_phase = builder->parts.phases->len,
		    .n_phases = role->phases->len,
		};

		g_array_append_val(builder->parts.roles, entry);
		builder->n_set_words +=
		    3 * (guint64)role->phases->len * ((builder->program->calls->len + 31) / 32);
		if (builder->n_set_words > GAIT_WALK_MAX_SIZE / 2 / sizeof(guint32)) {
			g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
			            "the phases of %s are too many to be walked",
			            builder->program->path);
			return FALSE;
		}
		g_array_set_size(builder->entries, 0);
		for (guint32 p = 0; p < role->phases->len; p++)
			add_phase(builder, r, p);
		add_creations(builder, r);
	}
	if (builder->n_role_steps < MAX_ROLE_STEPS)
		return TRUE;
	g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
	            "the roles of %s are too many to be walked", builder->program->path);
	return FALSE;
}

/* After the roles, because they know the milestones. */
static void
add_library_keys(Builder *builder)
{
	for (guint32 l = 0; l < builder->program->libraries->len; l++) {
		const GaitLibrary *library = gait_program_get_library(builder->program, l);
		guint32 value = l;

		for (guint32 i = 0; i < library->symbols->len; i++)
			if (symbol_at(builder, (GaitSymbolRef){l, i})->flags & GAIT_WALK_MILESTONE)
				value |= GAIT_WALK_HAS_MILESTONES;
		add_key(builder, GAIT_WALK_KEY_LIBRARY, library->module, 0, 0, 0, value);
	}
}

static gboolean
add_program(Builder *builder, guint32 index, GError **error)
{
	const GaitProgram *program = gait_model_get_program(builder->model, index);
	struct gait_walk_program entry = {
	    .n_libraries = program->libraries->len,
	    .n_calls = program->calls->len,
	    .first_role = builder->parts.roles->len,
	    .n_roles = program->roles->len,
	    .has_issuers = program->issuers->len > 0,
	};

	builder->program = program;
	builder->index = index;
	g_array_set_size(builder->bases, 0);
	g_array_append_val(builder->parts.programs, entry);
	for (guint32 i = 0; i < program->libraries->len; i++)
		add_library(builder, i);
	for (guint32 i = 0; i < program->calls->len; i++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, i);

		guint32 flags = gait_walk_call_flags(call->nr);

		add_key(builder, GAIT_WALK_KEY_CALL, call->nr, call->klass, 0, 0,
		        flags & GAIT_WALK_INCIDENTAL ? i | GAIT_WALK_IS_INCIDENTAL : i);
	}
	for (guint32 i = 0; i < program->issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(program->issuers, GaitIssuer, i);

		add_key(builder, GAIT_WALK_KEY_ISSUER, issuer->nr, 0, issuer->module,
		        issuer->offset, 1);
		/* Sorted: the first of a module stands for the others. */
		if ((gait_walk_call_flags(issuer->nr) & GAIT_WALK_INCIDENTAL) &&
		    (i == 0 || issuer[-1].nr != issuer->nr || issuer[-1].module != issuer->module))
			add_key(builder, GAIT_WALK_KEY_ISSUER, issuer->nr, 0, issuer->module,
			        GAIT_WALK_ANY_OFFSET, 1);
	}
	add_sole_roles(builder);
	if (!add_roles(builder, error))
		return FALSE;
	add_library_keys(builder);
	return TRUE;
}

struct gait_walk_header *
gait_walk_compile(const GaitModel *model, GError **error)
{
	g_auto(Builder) builder = {0};
	struct gait_walk_header *table = NULL;
	guint64 n_slots = 64;

	builder_init(&builder, model);
	if (model->programs->len > GAIT_WALK_MAX_PROGRAMS) {
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
		            "%u programs are too many to be walked", model->programs->len);
		return NULL;
	}
	for (guint32 i = 0; i < model->programs->len; i++)
		if (!add_program(&builder, i, error))
			return NULL;
	while (n_slots < 2 * (guint64)builder.parts.keys->len)
		n_slots *= 2;
	/* Half full, the longest probe is far below the bound; three doublings are for bad luck. */
	for (int i = 0; !table && i < 4 && n_slots <= GAIT_WALK_MAX_SIZE; i++, n_slots *= 2)
		table = gait_walk_lay_out(&builder.parts, model, n_slots);
	if (!table)
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
		            "the model is too large to be walked (%u keys)",
		            builder.parts.keys->len);
	return table;
}
