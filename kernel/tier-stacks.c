/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record to a call stack: where the kernel has walked, of the frames that it found; else of
 * the registers and the copy of the stack that it sent, unwound as a stopped task's would be. (The
 * copy needs to know where modules lie now, which the frames do not.)
 */
#include "kernel/tier-private.h"

#include <string.h>
#include <sys/user.h>

/* The modules of a record's frames up to the site. FALSE where one is not known. */
static gboolean
get_frames(const GaitTier *tier, const struct gait_tier_raw *raw,
           GaitStackFrame frames[GAIT_TIER_MAX_FRAMES + 1])
{
	if (raw->how != GAIT_TIER_FOUND || raw->site > GAIT_TIER_MAX_FRAMES)
		return FALSE;
	for (guint32 i = 0; i <= raw->site; i++) {
		frames[i].module = gait_tier_get_module(tier, GAIT_TIER_FRAME_FILE(raw->frames[i]));
		frames[i].offset = GAIT_TIER_FRAME_OFFSET(raw->frames[i]);
		if (!frames[i].module)
			return FALSE;
	}
	return TRUE;
}

const GaitStack *
gait_tier_attribute(const GaitTier *tier, GaitAttributor *attributor, GaitSpace *space, pid_t task,
                    const struct gait_tier_raw *raw)
{
	GaitStackFrame frames[GAIT_TIER_MAX_FRAMES + 1];
	/* The kernel's order is that of struct pt_regs, which user_regs_struct begins with. */
	struct user_regs_struct user = {0};
	GaitRegisters registers;

	G_STATIC_ASSERT(sizeof(raw->registers) <= sizeof(user));
	if (get_frames(tier, raw, frames))
		return gait_attributor_adopt(attributor, frames, raw->site);
	memcpy(&user, raw->registers, sizeof(raw->registers));
	gait_registers_from_user(&registers, &user);
	return gait_attributor_attribute_copy(attributor, space, task, raw->call.nr, &registers,
	                                      (const guint8 *)raw->stack,
	                                      MIN(raw->n_stack, sizeof(raw->stack)));
}
