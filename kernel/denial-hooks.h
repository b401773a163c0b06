/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * What denial.bpf.c and its loader share: the security hooks at which a system call can be refused,
 * and what is noted of one that is to be. This header is compiled for BPF, too.
 */
#pragma once

/* X(HOOK, FUNCTION): an LSM hook, and the kernel function security_FUNCTION that calls it. */
#define GAIT_DENIAL_HOOKS(X)                                                                       \
	X(bpf, bpf)                                                                                \
	X(capable, capable)                                                                        \
	X(capget, capget)                                                                          \
	X(capset, capset)                                                                          \
	X(file_alloc_security, file_alloc)                                                         \
	X(file_fcntl, file_fcntl)                                                                  \
	X(file_ioctl, file_ioctl)                                                                  \
	X(file_lock, file_lock)                                                                    \
	X(file_mprotect, file_mprotect)                                                            \
	X(file_permission, file_permission)                                                        \
	X(file_receive, file_receive)                                                              \
	X(inode_create, inode_create)                                                              \
	X(inode_getattr, inode_getattr)                                                            \
	X(inode_getxattr, inode_getxattr)                                                          \
	X(inode_link, inode_link)                                                                  \
	X(inode_listxattr, inode_listxattr)                                                        \
	X(inode_mkdir, inode_mkdir)                                                                \
	X(inode_mknod, inode_mknod)                                                                \
	X(inode_permission, inode_permission)                                                      \
	X(inode_readlink, inode_readlink)                                                          \
	X(inode_removexattr, inode_removexattr)                                                    \
	X(inode_rename, inode_rename)                                                              \
	X(inode_rmdir, inode_rmdir)                                                                \
	X(inode_setattr, inode_setattr)                                                            \
	X(inode_setxattr, inode_setxattr)                                                          \
	X(inode_symlink, inode_symlink)                                                            \
	X(inode_unlink, inode_unlink)                                                              \
	X(ipc_permission, ipc_permission)                                                          \
	X(key_alloc, key_alloc)                                                                    \
	X(key_permission, key_permission)                                                          \
	X(mmap_file, mmap_file)                                                                    \
	X(move_mount, move_mount)                                                                  \
	X(msg_queue_alloc_security, msg_queue_alloc)                                               \
	X(msg_queue_associate, msg_queue_associate)                                                \
	X(msg_queue_msgctl, msg_queue_msgctl)                                                      \
	X(msg_queue_msgsnd, msg_queue_msgsnd)                                                      \
	X(path_chroot, path_chroot)                                                                \
	X(path_notify, path_notify)                                                                \
	X(perf_event_open, perf_event_open)                                                        \
	X(ptrace_access_check, ptrace_access_check)                                                \
	X(quotactl, quotactl)                                                                      \
	X(sb_mount, sb_mount)                                                                      \
	X(sb_pivotroot, sb_pivotroot)                                                              \
	X(sb_statfs, sb_statfs)                                                                    \
	X(sb_umount, sb_umount)                                                                    \
	X(sem_alloc_security, sem_alloc)                                                           \
	X(sem_associate, sem_associate)                                                            \
	X(sem_semctl, sem_semctl)                                                                  \
	X(sem_semop, sem_semop)                                                                    \
	X(settime, settime64)                                                                      \
	X(shm_alloc_security, shm_alloc)                                                           \
	X(shm_associate, shm_associate)                                                            \
	X(shm_shmat, shm_shmat)                                                                    \
	X(shm_shmctl, shm_shmctl)                                                                  \
	X(socket_bind, socket_bind)                                                                \
	X(socket_connect, socket_connect)                                                          \
	X(socket_create, socket_create)                                                            \
	X(socket_getpeername, socket_getpeername)                                                  \
	X(socket_getsockname, socket_getsockname)                                                  \
	X(socket_getsockopt, socket_getsockopt)                                                    \
	X(socket_listen, socket_listen)                                                            \
	X(socket_recvmsg, socket_recvmsg)                                                          \
	X(socket_sendmsg, socket_sendmsg)                                                          \
	X(socket_setsockopt, socket_setsockopt)                                                    \
	X(socket_shutdown, socket_shutdown)                                                        \
	X(syslog, syslog)                                                                          \
	X(task_alloc, task_alloc)                                                                  \
	X(task_fix_setgid, task_fix_setgid)                                                        \
	X(task_fix_setgroups, task_fix_setgroups)                                                  \
	X(task_fix_setuid, task_fix_setuid)                                                        \
	X(task_getioprio, task_getioprio)                                                          \
	X(task_getpgid, task_getpgid)                                                              \
	X(task_getscheduler, task_getscheduler)                                                    \
	X(task_getsid, task_getsid)                                                                \
	X(task_kill, task_kill)                                                                    \
	X(task_prctl, task_prctl)                                                                  \
	X(task_prlimit, task_prlimit)                                                              \
	X(task_setioprio, task_setioprio)                                                          \
	X(task_setnice, task_setnice)                                                              \
	X(task_setpgid, task_setpgid)                                                              \
	X(task_setrlimit, task_setrlimit)                                                          \
	X(task_setscheduler, task_setscheduler)                                                    \
	GAIT_DENIAL_LATER_HOOKS(X)

/* Those that came after Linux 6.1: a kernel without them asks another one of these instead. */
#define GAIT_DENIAL_LATER_HOOKS(X)                                                                 \
	X(inode_set_acl, inode_set_acl)                                                            \
	X(inode_remove_acl, inode_remove_acl)

#define GAIT_DENIAL_HOOK(hook, function) GAIT_DENIAL_HOOK_##hook,
enum gait_denial_hook { GAIT_DENIAL_HOOKS(GAIT_DENIAL_HOOK) GAIT_DENIAL_HOOK_N_ };
#undef GAIT_DENIAL_HOOK

/* Calls that are being refused at one time. The judge kills where there is no room for another. */
#define GAIT_DENIAL_MAX 4096

/* Of the map gait_denied, by thread id in the outermost PID namespace: its current call is refused.
 */
struct gait_denied {
	__s64 result; /* what it returns: a negative errno */
};

/* The one value of the map gait_denials. */
struct gait_denials {
	/* Elements of gait_denied. 0 nearly always: that is all that the hooks of others cost. */
	__u64 n_denied;
	__u64 n_without_room; /* could not be noted, so the judge had to kill */
	__u64 n_escaped;      /* came back as if done, and were killed for it */
	__u64 n_hits[GAIT_DENIAL_HOOK_N_];
	/* Hooks that do not answer, for tests: what is each of the others worth? */
	__u8 is_silent[GAIT_DENIAL_HOOK_N_];
};
