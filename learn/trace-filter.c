/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's seccomp filter: every call stops for the tracer, unless there is another one that
 * says which do. One instruction; it makes no
 * difference between architectures, so that int 0x80 and x32 calls are seen as well.
 */
#include "learn/trace-filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int
gait_trace_filter_install(gpointer data)
{
	struct sock_filter instruction = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	struct sock_fprog all = {.len = 1, .filter = &instruction};
	struct sock_fprog *program = data ? data : &all;

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) == 0)
		return 0;
	/* Without CAP_SYS_ADMIN the kernel wants to be sure that no set-user-ID program runs under
	 * a filter it does not expect. (A traced program would gain nothing by exec anyway.) */
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) == 0 ? 0 : errno;
}
