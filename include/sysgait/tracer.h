/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer: follows a process tree through PTRACE_SEIZE and reports its lifecycle exactly: who
 * created whom, exec (also from a non-leader thread), signals that run a handler, exits. Signals,
 * group stops, job control and wait statuses reach the target unchanged. Recorders and backends sit
 * on it: syscall stops are optional, because the notify backend gets its calls from elsewhere.
 */
#pragma once

#include "sysgait/event.h"
#include "sysgait/signal-context.h"
#include "sysgait/space.h"

#include <signal.h>
#include <sys/user.h>

typedef struct _GaitTracer GaitTracer;

/* One task. Fields are the tracer's; data is the owner's. */
typedef struct {
	pid_t tid, pid; /* pid: thread group */
	GaitSpace *space;
	gpointer data;
	guint32 flags;                /* GAIT_TASK_… of its creation */
	GaitSignalFrame signal_frame; /* during signalled(): where the handler's frame lies */
} GaitTask;

typedef enum {
	GAIT_TRACE_SYSCALLS_NONE,    /* lifecycle and signals only */
	GAIT_TRACE_SYSCALLS_SECCOMP, /* stop at SECCOMP_RET_TRACE: one stop an entry; the launcher
	                                installs the filter */
	GAIT_TRACE_SYSCALLS_PTRACE,  /* PTRACE_SYSCALL: entries and exits stop, entries are reported
	                                before any seccomp filter sees them; for running processes,
	                                and for launched ones under a filter of somebody else's that
	                                may take a call away from SECCOMP_RET_TRACE. What stops by
	                                that is not reported again. */
	GAIT_TRACE_SYSCALLS_N_,
} GaitTraceSyscalls;

/*
 * Callbacks; each may be NULL. The task is stopped during each of them (but exited()) and goes on
 * afterwards. A callback that fails ends the loop around gait_tracer_iterate() with
 * gait_tracer_stop().
 */
typedef struct {
	/* A task appears: parent is NULL for the root, for joined ones, and for one whose creator
	   was killed in the middle of creating it. Before any other event of task, after the
	   parent's creating call; the parent is stopped too. */
	void (*created)(GaitTracer *tracer, GaitTask *task, GaitTask *parent, gpointer data);
	/* A system call entry. The low half of registers->orig_rax is the number: the kernel looks
	   at no more. The callback may have it fail with gait_tracer_refuse(). */
	void (*syscall)(GaitTracer *tracer, GaitTask *task,
	                const struct user_regs_struct *registers, gpointer data);
	/* The task runs another program now; its address space is new. Other threads have had their
	 * exited() before. */
	void (*executed)(GaitTracer *tracer, GaitTask *task, gpointer data);
	/* A signal is about to be delivered; it may run a handler, stop, kill or be ignored.
	   registers are those that it interrupts; the result of a call that it ended is still the
	   kernel's (-ERESTARTSYS …), and gait_tracer_set_registers() may change it. */
	void (*delivering)(GaitTracer *tracer, GaitTask *task, int signo,
	                   const struct user_regs_struct *registers, gpointer data);
	/* A handler for signo is about to run: its frame is on the stack (task->signal_frame), its
	   first instruction has not run; registers are those it interrupts. Exact: not reported
	   for a signal that is ignored, stops or kills. */
	void (*signalled)(GaitTracer *tracer, GaitTask *task, int signo,
	                  const struct user_regs_struct *registers, gpointer data);
	/* Stopped by PTRACE_INTERRUPT (gait_tracer_interrupt). */
	void (*interrupted)(GaitTracer *tracer, GaitTask *task,
	                    const struct user_regs_struct *registers, gpointer data);
	/* Only where calls stop by GAIT_TRACE_SYSCALLS_PTRACE: the call that the task is leaving
	   has created a task that nobody traces (CLONE_UNTRACED, which another thread wrote into
	   the call's memory). child is its number, as the creator sees it. */
	void (*escaped)(GaitTracer *tracer, GaitTask *task, pid_t child, gpointer data);
	/* The task takes part in a group stop by signo, as its parent sees with WUNTRACED, and
	   stays so; or it is over (0). */
	void (*stopped)(GaitTracer *tracer, GaitTask *task, int signo, gpointer data);
	/* The task is gone: status as from waitpid, -1 if unknown (a thread that vanished in an
	   exec; a task that was let go by gait_tracer_detach_all()). data is to be freed here. */
	void (*exited)(GaitTracer *tracer, GaitTask *task, int status, gpointer data);
	/* Around everything that happens to tasks and spaces in gait_tracer_iterate(), and so
	   around the other callbacks: for an owner whose other threads look at them. Also around
	   the stops of tasks that wait for the owner by a SIGSTOP of the kernel's
	   (bpf_send_signal()), of which nothing else is told, and nobody else hears. */
	void (*handling)(GaitTracer *tracer, gboolean begins, gpointer data);
} GaitTracerCallbacks;

/*
 * modules is borrowed. A tracer belongs to the thread that made it (as ptrace does): the functions
 * below are called from that thread alone, unless they say otherwise. The target will get the
 * signal mask and the ignored signals that the thread has now: install handlers afterwards. SIGCHLD
 * is set to its default, and SIGRTMIN is the tracer's.
 */
GaitTracer *gait_tracer_new(GaitModules *modules, GaitTraceSyscalls syscalls,
                            const GaitTracerCallbacks *callbacks, gpointer data);
/* Frees what is known of tasks, without callbacks; the tasks themselves are not touched. */
void gait_tracer_free(GaitTracer *tracer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTracer, gait_tracer_free)
/* What is launched gets this signal mask, whatever the thread's own is. */
void gait_tracer_set_mask(GaitTracer *tracer, const sigset_t *mask);

/*
 * Starts argv[0] (searched in PATH) as a traced child. in_child, if any, runs in the child right
 * before execve (async-signal-safe calls only; returns 0 or an errno) and is where seccomp filters
 * are installed. in_child's own system calls and the execve are not reported; `created` is called
 * once exec has succeeded. EXITKILL is set: when the tracer dies so does the tree. GAIT_ERROR_EXEC
 * where the program cannot be executed: gait_tracer_get_exec_status() is then 127 where it was not
 * found, else 126.
 */
gboolean gait_tracer_launch(GaitTracer *tracer, const char *const *argv,
                            int (*in_child)(gpointer data), gpointer data, GError **error);
/* 126 or 127; means something only after gait_tracer_launch() has failed with GAIT_ERROR_EXEC. */
int gait_tracer_get_exec_status(const GaitTracer *tracer);
/*
 * Joins a running process with all its threads, and descendants from then on; a second time, the
 * threads that it did not get the first time. FALSE with error where it is not there or may not be
 * traced: the message says what may stand in the way.
 */
gboolean gait_tracer_attach(GaitTracer *tracer, pid_t pid, GError **error);
/* What is joined from now on is killed when the tracer dies, as what is launched is. */
void gait_tracer_set_exit_kill(GaitTracer *tracer);

/*
 * Handles what is pending and sleeps until there is more; returns TRUE while there are tasks. fds:
 * further descriptors to wait for, as poll() (revents is set); NULL for none. With none and
 * timeout_ms -1 it sleeps in waitpid, which is the fast path. With some, SIGCHLD is blocked from
 * then on, and must be so in every other thread of the process. The process may have other children
 * only where another thread started them. Returns FALSE with error set on failure, without when all
 * tasks are gone or gait_tracer_stop() was called.
 */
struct pollfd;
gboolean gait_tracer_iterate(GaitTracer *tracer, struct pollfd *fds, guint n_fds, int timeout_ms,
                             GError **error);
/* Async-signal-safe, from any thread: makes iterate return at once (within 2 ms at worst). */
void gait_tracer_wake(GaitTracer *tracer);
/* From a callback: iterate returns FALSE after it, and from then on. */
void gait_tracer_stop(GaitTracer *tracer);

/* Lets go of every task, which run on as if never traced. Only where syscalls are not stopped by
 * seccomp. */
void gait_tracer_detach_all(GaitTracer *tracer);
/* SIGKILL to every process of the tree, and to whatever of it is still being born. */
void gait_tracer_kill_all(GaitTracer *tracer);
/* Sends a signal to every process of the tree, as kill() does. */
void gait_tracer_signal_all(GaitTracer *tracer, int signo);

guint gait_tracer_get_n_tasks(const GaitTracer *tracer);
/* Whether each task that was joined has stopped since, and so is in no call that began before. */
gboolean gait_tracer_is_settled(const GaitTracer *tracer);
/* The task with this thread id, borrowed until its exited(); NULL where it is not traced. */
GaitTask *gait_tracer_find(GaitTracer *tracer, pid_t tid);
/* Wait status of the launched process once it is gone, else -1. */
int gait_tracer_get_root_status(const GaitTracer *tracer);
/* The process id of the launched process, kept when it is gone; 0 where none was launched. */
pid_t gait_tracer_get_root(const GaitTracer *tracer);
/*
 * AUDIT_ARCH_… of the call that the task is stopped at: int 0x80 in a 64-bit program counts as
 * AUDIT_ARCH_I386 (and its orig_rax is an i386 number). x32 calls are AUDIT_ARCH_X86_64 with bit 30
 * set in the number. Exact where calls stop by GAIT_TRACE_SYSCALLS_PTRACE. Elsewhere it costs
 * nothing for a call made by the `syscall` instruction, but believes rcx, which a program may forge
 * before int 0x80: who must not be fooled refuses foreign architectures in its seccomp filter.
 */
guint32 gait_tracer_get_arch(GaitTracer *tracer, const GaitTask *task,
                             const struct user_regs_struct *registers);
/* Of a task that is stopped in a callback. FALSE where it was killed meanwhile (no error: exited()
 * follows). */
gboolean gait_tracer_set_registers(GaitTracer *tracer, GaitTask *task,
                                   const struct user_regs_struct *registers);
/*
 * From the syscall callback: the call does not happen, and the target sees it fail with error (a
 * positive errno below 512), all else as after a call. Of a native call only. FALSE where the task
 * was killed meanwhile.
 */
gboolean gait_tracer_refuse(GaitTracer *tracer, GaitTask *task, int error);
/*
 * From the syscall callback: the task stays stopped at this call for hold_us microseconds (it may
 * be a millisecond more), while the other tasks run on. Once a stop.
 */
void gait_tracer_hold(GaitTracer *tracer, GaitTask *task, guint hold_us);
/*
 * From a callback: the task, and what it creates, stops at its calls from now on as by
 * GAIT_TRACE_SYSCALLS_PTRACE.
 */
void gait_tracer_stop_at_calls(GaitTracer *tracer, GaitTask *task);
/* Asks for a stop, reported as interrupted(). FALSE where the task is gone. */
gboolean gait_tracer_interrupt(GaitTracer *tracer, GaitTask *task);
