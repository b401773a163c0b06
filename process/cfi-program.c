// SPDX-License-Identifier: Apache-2.0
/*
 * The interpreter of call frame instructions (DWARF 5, section 6.4.2). It is one's own because
 * libdw's, though exact, goes through a function anew for each of its rows, and allocates what a
 * register's number asks for: seven bytes of a file are enough for half a gigabyte. Here a function
 * is gone through once, and nothing is allocated. The tests hold it against libdw's.
 */
#include "process/cfi-program.h"

#include "sysgait/attribute.h"

#include <dwarf.h>

enum {
	MAX_REMEMBERED = 16, /* compilers nest these once */
	OPERAND = 0x3f,      /* of an instruction that has it in the same byte */
};

typedef struct {
	const GaitCfiFde *fde;
	GaitCfiState state, initial;
	guint n_remembered;
	GaitCfiState remembered[MAX_REMEMBERED];
	guint64 at; /* the row's start */
	guint64 *budget;
	GaitCfiRowFunc function;
	gpointer data;
} Run;

/* Where the state has a register; NULL: it is passed over. */
static GaitCfiRule *
get_rule(const Run *run, GaitCfiState *state, guint64 number)
{
	if (number == run->fde->cie.return_register)
		return &state->rip;
	return number == GAIT_REGISTER_RBP ? &state->rbp : NULL;
}

static void
set_rule(Run *run, guint64 number, GaitCfiRule rule)
{
	GaitCfiRule *place = get_rule(run, &run->state, number);

	if (place)
		*place = rule;
}

static void
restore(Run *run, guint64 number)
{
	const GaitCfiRule *initial = get_rule(run, &run->initial, number);

	if (initial)
		set_rule(run, number, *initial);
}

static gboolean
move_to(Run *run, guint64 address)
{
	if (address < run->at || address > run->fde->end)
		return FALSE;
	if (address > run->at)
		run->function(run->at, address, &run->state, run->data);
	run->at = address;
	return TRUE;
}

static gboolean
advance(Run *run, guint64 delta)
{
	guint64 distance;

	return !__builtin_mul_overflow(delta, run->fde->cie.code_factor, &distance) &&
	       distance <= run->fde->end - run->at && move_to(run, run->at + distance);
}

static gboolean
remember(Run *run)
{
	if (run->n_remembered == MAX_REMEMBERED)
		return FALSE;
	run->remembered[run->n_remembered++] = run->state;
	return TRUE;
}

static gboolean
recall(Run *run)
{
	if (run->n_remembered == 0)
		return FALSE;
	run->state = run->remembered[--run->n_remembered];
	return TRUE;
}

static gint64
scale(const Run *run, guint64 factored)
{
	return (gint64)(factored * (guint64)run->fde->cie.data_factor);
}

static GaitCfiRule
take_expression(GaitCfiCursor *program, GaitCfiRuleKind kind)
{
	guint64 n_bytes = gait_cfi_take_leb128(program);

	return (GaitCfiRule){.kind = kind, .expression = gait_cfi_take_part(program, n_bytes)};
}

/* Those about the CFA. FALSE: it is none of them. */
static gboolean
run_cfa_instruction(Run *run, GaitCfiCursor *program, guint8 opcode)
{
	GaitCfiRule *cfa = &run->state.cfa;

	switch (opcode) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
		*cfa = (GaitCfiRule){.kind = GAIT_RULE_REGISTER,
		                     .number = gait_cfi_take_leb128(program)};
		cfa->offset = opcode == DW_CFA_def_cfa
		                  ? (gint64)gait_cfi_take_leb128(program)
		                  : scale(run, (guint64)gait_cfi_take_signed_leb128(program));
		return TRUE;
	case DW_CFA_def_cfa_register:
		/* After an expression it would say nothing. */
		if (cfa->kind != GAIT_RULE_REGISTER)
			program->failed = TRUE;
		cfa->number = gait_cfi_take_leb128(program);
		return TRUE;
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
		if (cfa->kind != GAIT_RULE_REGISTER)
			program->failed = TRUE;
		cfa->offset = opcode == DW_CFA_def_cfa_offset
		                  ? (gint64)gait_cfi_take_leb128(program)
		                  : scale(run, (guint64)gait_cfi_take_signed_leb128(program));
		return TRUE;
	case DW_CFA_def_cfa_expression:
		*cfa = take_expression(program, GAIT_RULE_VALUE_EXPRESSION);
		return TRUE;
	default:
		return FALSE;
	}
}

/* Those that give a register its rule. FALSE: it is none of them. */
static gboolean
run_register_instruction(Run *run, GaitCfiCursor *program, guint8 opcode)
{
	static const guint8 kinds[] = {
	    [DW_CFA_offset_extended] = GAIT_RULE_SAVED,
	    [DW_CFA_offset_extended_sf] = GAIT_RULE_SAVED,
	    [DW_CFA_GNU_negative_offset_extended] = GAIT_RULE_SAVED,
	    [DW_CFA_val_offset] = GAIT_RULE_VALUE,
	    [DW_CFA_val_offset_sf] = GAIT_RULE_VALUE,
	    [DW_CFA_undefined] = GAIT_RULE_UNDEFINED,
	    [DW_CFA_register] = GAIT_RULE_REGISTER,
	    [DW_CFA_expression] = GAIT_RULE_EXPRESSION,
	    [DW_CFA_val_expression] = GAIT_RULE_VALUE_EXPRESSION,
	};
	GaitCfiRule rule = {.kind = GAIT_RULE_SAME};
	guint64 number;

	if (opcode != DW_CFA_same_value && (opcode >= G_N_ELEMENTS(kinds) || kinds[opcode] == 0))
		return FALSE;
	number = gait_cfi_take_leb128(program);
	if (opcode != DW_CFA_same_value)
		rule.kind = kinds[opcode];
	switch (rule.kind) {
	case GAIT_RULE_SAVED:
	case GAIT_RULE_VALUE:
		rule.offset = opcode == DW_CFA_offset_extended_sf || opcode == DW_CFA_val_offset_sf
		                  ? scale(run, (guint64)gait_cfi_take_signed_leb128(program))
		                  : scale(run, gait_cfi_take_leb128(program));
		if (opcode == DW_CFA_GNU_negative_offset_extended)
			rule.offset = (gint64)(0 - (guint64)rule.offset);
		break;
	case GAIT_RULE_REGISTER:
		rule.number = gait_cfi_take_leb128(program);
		break;
	case GAIT_RULE_EXPRESSION:
	case GAIT_RULE_VALUE_EXPRESSION:
		rule = take_expression(program, rule.kind);
		break;
	case GAIT_RULE_SAME:
	case GAIT_RULE_UNDEFINED:
	case GAIT_RULE_N_:
		break;
	}
	set_rule(run, number, rule);
	return TRUE;
}

static gboolean
run_other_instruction(Run *run, GaitCfiCursor *program, guint8 opcode)
{
	switch (opcode) {
	case DW_CFA_nop:
		return TRUE;
	case DW_CFA_set_loc:
		return move_to(run, gait_cfi_take_encoded(program, run->fde->cie.encoding, 0));
	case DW_CFA_advance_loc1:
		return advance(run, gait_cfi_take(program, 1));
	case DW_CFA_advance_loc2:
		return advance(run, gait_cfi_take(program, 2));
	case DW_CFA_advance_loc4:
		return advance(run, gait_cfi_take(program, 4));
	case DW_CFA_restore_extended:
		restore(run, gait_cfi_take_leb128(program));
		return TRUE;
	case DW_CFA_remember_state:
		return remember(run);
	case DW_CFA_restore_state:
		return recall(run);
	case DW_CFA_GNU_args_size:
		gait_cfi_take_leb128(program);
		return TRUE;
	default:
		return FALSE;
	}
}

static gboolean
run_instruction(Run *run, GaitCfiCursor *program)
{
	guint8 opcode = (guint8)gait_cfi_take(program, 1), operand = opcode & OPERAND;

	switch (opcode & ~OPERAND) {
	case DW_CFA_advance_loc:
		return advance(run, operand);
	case DW_CFA_offset:
		set_rule(run, operand,
		         (GaitCfiRule){.kind = GAIT_RULE_SAVED,
		                       .offset = scale(run, gait_cfi_take_leb128(program))});
		return TRUE;
	case DW_CFA_restore:
		restore(run, operand);
		return TRUE;
	default:
		return run_cfa_instruction(run, program, opcode) ||
		       run_register_instruction(run, program, opcode) ||
		       run_other_instruction(run, program, opcode);
	}
}

static gboolean
run_program(Run *run, GaitCfiCursor program)
{
	while (program.position < program.size) {
		if (*run->budget == 0)
			return FALSE;
		--*run->budget;
		if (!run_instruction(run, &program) || program.failed)
			return FALSE;
	}
	return TRUE;
}

gboolean
gait_cfi_run(const GaitCfiFde *fde, guint64 *budget, GaitCfiRowFunc function, gpointer data)
{
	Run run = {
	    .fde = fde, .at = fde->start, .budget = budget, .function = function, .data = data};
	gboolean is_sound;

	run.state.cfa.kind = GAIT_RULE_UNDEFINED;
	is_sound = run_program(&run, fde->cie.program) && run.at == fde->start;
	run.initial = run.state;
	is_sound = is_sound && run_program(&run, fde->program);
	if (!is_sound)
		run.state = (GaitCfiState){.cfa.kind = GAIT_RULE_UNDEFINED};
	move_to(&run, fde->end);
	return is_sound;
}
