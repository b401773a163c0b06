/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else can step by an image's CFI: libdw's rules, evaluated here, and libunwind. Registers and
 * memory are made up, so that two that say the same rule come to the same caller, and two that do
 * not come to different ones.
 */
#pragma once

#include "process/cfi.h"
#include "sysgait/attribute.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libunwind-x86_64.h>
#include <string.h>

typedef enum {
	ORACLE_CALLER,
	ORACLE_END,
	ORACLE_NOTHING,
	ORACLE_N_,
} OracleResult;

typedef struct {
	OracleResult result;
	guint64 pc, sp, rbp; /* of CALLER */
	gboolean has_rbp;
} OracleCaller;

/* A number that depends on all bits of another (the finalizer of MurmurHash3). */
static inline guint64
oracle_mix(guint64 value)
{
	value = (value ^ value >> 33) * G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
	value = (value ^ value >> 33) * G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
	return value ^ value >> 33;
}

/* Looks like a place in a stack, so that it may be a CFA, too. */
static inline guint64
oracle_get_word(guint64 address)
{
	return G_GUINT64_CONSTANT(0x700000000000) + (oracle_mix(address) >> 24 << 3);
}

static inline guint64
oracle_get_register(guint number)
{
	return G_GUINT64_CONSTANT(0x100000000000) * (number == GAIT_REGISTER_RSP ? 1 : number + 2);
}

/* --- libdw --------------------------------------------------------------------------------------
 */

typedef struct {
	guint64 pc, cfa;
	gboolean failed; /* by an operation that is not known here */
	guint n;
	guint64 stack[16];
} OracleMachine;

static inline guint64
oracle_pop(OracleMachine *machine)
{
	if (machine->n == 0)
		machine->failed = TRUE;
	return machine->n > 0 ? machine->stack[--machine->n] : 0;
}

static inline void
oracle_push(OracleMachine *machine, guint64 value)
{
	if (machine->n == G_N_ELEMENTS(machine->stack))
		machine->failed = TRUE;
	else
		machine->stack[machine->n++] = value;
}

static inline guint64
oracle_get_any(const OracleMachine *machine, guint64 number)
{
	return number == GAIT_REGISTER_RIP ? machine->pc : oracle_get_register((guint)number);
}

static inline void
oracle_do_binary(OracleMachine *machine, guint8 atom)
{
	guint64 b = oracle_pop(machine), a = oracle_pop(machine);

	switch (atom) {
	case DW_OP_plus:
		oracle_push(machine, a + b);
		break;
	case DW_OP_and:
		oracle_push(machine, a & b);
		break;
	case DW_OP_ge:
		oracle_push(machine, (gint64)a >= (gint64)b);
		break;
	case DW_OP_shl:
		oracle_push(machine, a << (b & 63));
		break;
	default:
		machine->failed = TRUE;
	}
}

static inline void
oracle_do(OracleMachine *machine, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		oracle_push(machine, op->atom - DW_OP_lit0);
	else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		oracle_push(machine, oracle_get_any(machine, op->atom - DW_OP_breg0) + op->number);
	else if (op->atom == DW_OP_bregx)
		oracle_push(machine, oracle_get_any(machine, op->number) + op->number2);
	else if (op->atom == DW_OP_call_frame_cfa)
		oracle_push(machine, machine->cfa);
	else if (op->atom == DW_OP_plus_uconst)
		oracle_push(machine, oracle_pop(machine) + op->number);
	else if (op->atom == DW_OP_deref)
		oracle_push(machine, oracle_get_word(oracle_pop(machine)));
	else
		oracle_do_binary(machine, op->atom);
}

/* The value that a register's operations lead to: a location, a value or another register. */
static inline guint64
oracle_evaluate(OracleMachine *machine, const Dwarf_Op *ops, size_t n_ops)
{
	machine->n = 0;
	if (n_ops == 1 && ops->atom == DW_OP_regx)
		return oracle_get_any(machine, ops->number);
	if (n_ops == 1 && ops->atom >= DW_OP_reg0 && ops->atom <= DW_OP_reg31)
		return oracle_get_any(machine, ops->atom - DW_OP_reg0);
	for (size_t i = 0; i < n_ops; i++) {
		if (ops[i].atom == DW_OP_stack_value)
			return oracle_pop(machine);
		oracle_do(machine, &ops[i]);
	}
	return oracle_get_word(oracle_pop(machine));
}

/* FALSE: it is undefined. */
static inline gboolean
oracle_get_dw_register(OracleMachine *machine, Dwarf_Frame *frame, int number, guint64 *value)
{
	Dwarf_Op memory[3], *ops;
	size_t n_ops;

	g_assert_cmpint(dwarf_frame_register(frame, number, memory, &ops, &n_ops), ==, 0);
	if (n_ops == 0 && ops)
		return FALSE;
	*value = n_ops == 0 ? oracle_get_any(machine, (guint64)number)
	                    : oracle_evaluate(machine, ops, n_ops);
	return TRUE;
}

/* *end: the state at vaddr is the same up to there. */
static inline OracleCaller
oracle_ask_dw(Dwarf_CFI *cfi, guint64 vaddr, guint64 *end)
{
	OracleCaller caller = {ORACLE_NOTHING, 0, 0, 0, FALSE};
	OracleMachine machine = {.pc = vaddr};
	Dwarf_Frame *frame;
	Dwarf_Op *ops;
	size_t n_ops;

	*end = 0;
	if (dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
		return caller;
	dwarf_frame_info(frame, NULL, end, NULL);
	if (dwarf_frame_cfa(frame, &ops, &n_ops) == 0 && n_ops > 0) {
		for (size_t i = 0; i < n_ops; i++)
			oracle_do(&machine, &ops[i]);
		caller.sp = machine.cfa = oracle_pop(&machine);
		caller.result =
		    oracle_get_dw_register(&machine, frame, GAIT_REGISTER_RIP, &caller.pc)
		        ? ORACLE_CALLER
		        : ORACLE_END;
		caller.has_rbp =
		    oracle_get_dw_register(&machine, frame, GAIT_REGISTER_RBP, &caller.rbp);
		g_assert_false(machine.failed);
	}
	free(frame);
	return caller;
}

/* --- libunwind ----------------------------------------------------------------------------------
 */

/* As in process/unwind-access.c. */
int _Ux86_64_dwarf_search_unwind_table(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table,
                                       unw_proc_info_t *info, int need_unwind_info, void *data);

typedef struct {
	const GaitCfi *cfi;
	guint64 vaddr;
	gboolean has_info;
} OracleQuestion;

static inline int
oracle_find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info,
                      int need_unwind_info, void *data)
{
	OracleQuestion *question = data;
	const GaitCfiTable *table = gait_cfi_get_table(question->cfi);
	unw_dyn_info_t search = {
	    .format = UNW_INFO_FORMAT_REMOTE_TABLE,
	    .end_ip = G_MAXUINT64,
	    .u.rti = {.segbase = table->base,
	              .table_data = table->vaddr,
	              .table_len = table->n_entries},
	};
	int result =
	    _Ux86_64_dwarf_search_unwind_table(space, ip, &search, info, need_unwind_info, data);

	question->has_info |= result >= 0;
	return result;
}

static inline void
oracle_put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *data)
{
}

static inline int
oracle_get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *address, void *data)
{
	return -UNW_ENOINFO;
}

static inline int
oracle_access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *word, int write,
                  void *data)
{
	const OracleQuestion *question = data;

	/* Made-up registers and words are far above any image. */
	if (address >= oracle_get_register(GAIT_REGISTER_RSP) / 2)
		*word = oracle_get_word(address);
	else if (!gait_cfi_read(question->cfi, address, word))
		*word = 0;
	return 0;
}

static inline int
oracle_access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
                  void *data)
{
	const OracleQuestion *question = data;

	if (write || number > UNW_X86_64_RIP)
		return -UNW_EBADREG;
	*value = number == UNW_X86_64_RIP ? question->vaddr : oracle_get_register((guint)number);
	return 0;
}

static inline unw_addr_space_t
oracle_new_unw_space(void)
{
	static unw_accessors_t accessors = {
	    .find_proc_info = oracle_find_proc_info,
	    .put_unwind_info = oracle_put_unwind_info,
	    .get_dyn_info_list_addr = oracle_get_dyn_info_list_addr,
	    .access_mem = oracle_access_mem,
	    .access_reg = oracle_access_reg,
	};
	unw_addr_space_t space = unw_create_addr_space(&accessors, 0);

	g_assert_nonnull(space);
	/* The questions are the images' own addresses. */
	unw_set_caching_policy(space, UNW_CACHE_NONE);
	return space;
}

static inline OracleCaller
oracle_ask_unwind(unw_addr_space_t space, const GaitCfi *cfi, guint64 vaddr)
{
	OracleCaller caller = {ORACLE_NOTHING, 0, 0, 0, FALSE};
	OracleQuestion question = {cfi, vaddr, FALSE};
	unw_cursor_t cursor;
	unw_word_t word;
	int result = unw_init_remote(&cursor, space, &question);

	if (result == 0)
		result = unw_step(&cursor);
	if (!question.has_info || result < 0)
		return caller;
	caller.result = result == 0 ? ORACLE_END : ORACLE_CALLER;
	if (unw_get_reg(&cursor, UNW_REG_IP, &word) == 0)
		caller.pc = word;
	if (unw_get_reg(&cursor, UNW_REG_SP, &word) == 0)
		caller.sp = word;
	caller.has_rbp = unw_get_reg(&cursor, UNW_X86_64_RBP, &word) == 0;
	caller.rbp = word;
	return caller;
}
