/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that may sleep until a signal comes (signal(7), and the kernel where that is silent). Any
 * other call does not know the result ERESTARTSYS, so where a task shows it, the call has not
 * begun. Reading and writing wait for pipes, sockets and terminals, not for files on disks.
 */
#include "enforce/interruptible.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* Of /dev/null, /dev/zero and their like. */
#define MEMORY_MAJOR 1

static gboolean
takes_descriptor(guint32 nr)
{
	switch (nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_preadv:
	case SYS_preadv2:
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
		return TRUE;
	}
	return FALSE;
}

static gboolean
may_sleep(guint32 nr)
{
	switch (nr) {
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
	case SYS_creat:
	case SYS_ioctl:
	case SYS_fcntl:
	case SYS_flock:
	case SYS_close: /* of a socket that lingers, or on NFS */
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_fallocate:
	case SYS_sendfile:
	case SYS_splice:
	case SYS_tee:
	case SYS_vmsplice:
	case SYS_copy_file_range:
	case SYS_accept:
	case SYS_accept4:
	case SYS_connect:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_futex:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_rt_sigtimedwait:
	case SYS_select:
	case SYS_pselect6:
	case SYS_poll:
	case SYS_ppoll:
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_msgsnd:
	case SYS_msgrcv:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
	case SYS_io_getevents:
	case SYS_getrandom:
	case SYS_keyctl:
	case SYS_request_key:
	case SYS_add_key:
	case SYS_restart_syscall:
		return TRUE;
	}
	/* Newer than this list: not known to return at once. */
	return nr > SYS_rseq;
}

gboolean
gait_call_is_interruptible(pid_t task, guint32 nr, guint64 first_arg)
{
	char path[64];
	struct stat file;

	if (!takes_descriptor(nr))
		return may_sleep(nr);
	g_snprintf(path, sizeof path, "/proc/%d/fd/%d", task, (int)first_arg);
	if (stat(path, &file) != 0)
		return TRUE;
	return !(S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) || S_ISBLK(file.st_mode) ||
	         (S_ISCHR(file.st_mode) && major(file.st_rdev) == MEMORY_MAJOR));
}
