/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of other architectures in words. Private to model/. */
#pragma once

#include <glib.h>

/* Appends "openat(O_RDONLY)", "call 5 of i386". arch: AUDIT_ARCH_…, 0 for a native call. */
void gait_syscall_format_arch(GString *out, guint32 arch, guint32 nr, guint32 klass);
