// SPDX-License-Identifier: Apache-2.0
/*
 * A few x86-64 instruction forms (Intel SDM vol. 2, CALL and ModR/M tables). Not a disassembler: a
 * return address is asked whether the bytes before it can be a call.
 */
#include "process/code.h"

#include <string.h>

static guint64
displace(const guint8 *bytes, guint64 next)
{
	gint32 displacement;

	memcpy(&displacement, bytes, sizeof(displacement));
	return next + (guint64)(gint64)displacement;
}

/* FF /2 with a ModR/M byte that makes the instruction n bytes long. */
static gboolean
is_indirect(const guint8 *instruction, guint n)
{
	guint8 modrm = instruction[1], mod = modrm >> 6, rm = modrm & 7;
	gboolean has_sib = mod != 3 && rm == 4;
	guint n_displacement = mod == 1                                           ? 1
	                       : mod == 2                                         ? 4
	                       : mod == 0 && rm == 5                              ? 4
	                       : mod == 0 && has_sib && (instruction[2] & 7) == 5 ? 4
	                                                                          : 0;

	return instruction[0] == 0xff && (modrm >> 3 & 7) == 2 &&
	       n == 2u + has_sib + n_displacement;
}

GaitCall
gait_code_get_call(const guint8 before[GAIT_CODE_BEFORE], guint64 address, guint64 *target)
{
	const guint8 *end = before + GAIT_CODE_BEFORE;

	if (end[-5] == 0xe8) {
		*target = displace(end - 4, address);
		return GAIT_CALL_DIRECT;
	}
	if (end[-6] == 0xff && end[-5] == 0x15) {
		*target = displace(end - 4, address);
		return GAIT_CALL_SLOT;
	}
	/* Lengths that the forms can have; a prefix before them changes nothing. */
	for (guint n = 2; n <= 7; n++)
		if (is_indirect(end - n, n))
			return GAIT_CALL_INDIRECT;
	return GAIT_CALL_NONE;
}

gboolean
gait_code_is_signal_return(const guint8 code[GAIT_CODE_AFTER])
{
	static const guint8 wide[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const guint8 narrow[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};

	return memcmp(code, wide, sizeof(wide)) == 0 || memcmp(code, narrow, sizeof(narrow)) == 0;
}

gboolean
gait_code_is_context_start(const guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER])
{
	static const guint8 start[] = {0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24};

	return memmem(code, GAIT_CODE_BEFORE + GAIT_CODE_AFTER, start, sizeof(start)) != NULL;
}

gboolean
gait_code_is_plt_entry(const guint8 code[GAIT_CODE_AFTER], guint64 address, guint64 *slot)
{
	static const guint8 endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	guint n = memcmp(code, endbr64, sizeof(endbr64)) == 0 ? sizeof(endbr64) : 0;

	if (code[n] == 0xf2)
		n++;
	if (code[n] != 0xff || code[n + 1] != 0x25)
		return FALSE;
	*slot = displace(code + n + 2, address + n + 6);
	return TRUE;
}

enum {
	REX = 0x40, /* 0100WRXB */
	REX_R = 4,
	REX_B = 1,
};

/* Bytes of a ModR/M byte with what belongs to it, as far as the moves before a call use it. */
static guint
modrm_size(const guint8 *bytes)
{
	guint8 mod = bytes[0] >> 6, rm = bytes[0] & 7;
	gboolean has_sib = mod != 3 && rm == 4;

	if (mod == 0 && (rm == 5 || (has_sib && (bytes[1] & 7) == 5)))
		return 1 + has_sib + 4;
	return 1 + has_sib + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/* Size of a move, or of an exclusive or, that leaves eax alone; 0 where it is none. */
static guint
harmless_size(const guint8 *bytes)
{
	guint8 rex = (bytes[0] & 0xf0) == REX ? bytes[0] : 0;
	const guint8 *opcode = bytes + (rex != 0), *modrm = opcode + 1;
	guint8 written;

	switch (*opcode) {
	case 0x8b: /* mov r/m,r */
	case 0x8d: /* lea */
	case 0x33: /* xor r/m,r */
	case 0x63: /* movslq */
		written = (*modrm >> 3 & 7) | (rex & REX_R);
		break;
	case 0x89: /* mov r,r/m */
	case 0x31: /* xor r,r/m */
		written = *modrm >> 6 == 3 ? (*modrm & 7) | (rex & REX_B) << 3 : 1;
		break;
	default:
		return 0;
	}
	return written == 0 ? 0 : (guint)(modrm - bytes) + modrm_size(modrm);
}

static gboolean
leads_on(const guint8 *from, const guint8 *end)
{
	guint size;

	for (; from < end; from += size)
		if ((size = harmless_size(from)) == 0)
			return FALSE;
	return from == end;
}

gboolean
gait_code_get_number(const guint8 before[GAIT_CODE_BEFORE], guint32 *nr)
{
	/* Room to look at an instruction's bytes near the end. */
	guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER] = {0};
	const guint8 *end = code + GAIT_CODE_BEFORE;

	memcpy(code, before, GAIT_CODE_BEFORE);
	for (const guint8 *from = end - 2; from > code; from--) {
		/* Another register's. */
		if ((from[-1] & 0xf0) == REX && (from[-1] & (REX_R | REX_B)))
			continue;
		if (from[0] == 0x31 && from[1] == 0xc0 && leads_on(from + 2, end)) {
			*nr = 0;
			return TRUE;
		}
		if (from[0] == 0xb8 && end - from >= 5 && leads_on(from + 5, end)) {
			memcpy(nr, from + 1, sizeof(*nr));
			return TRUE;
		}
	}
	return FALSE;
}
