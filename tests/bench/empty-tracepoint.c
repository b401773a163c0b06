/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program while a BPF program that does nothing is at every system call's entry: what the
 * in-kernel tier cannot be cheaper than. usage: empty-tracepoint PROGRAM [ARG…]
 */
#include <bpf/libbpf.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern const guint8 empty_program[];
extern const guint64 empty_program_size;
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global empty_program, empty_program_size\n"
        "empty_program:\n"
        ".incbin \"" GAIT_BPF_DIRECTORY "/tests/bench/empty-tracepoint.bpf.o\"\n"
        "0:\n"
        ".balign 8\n"
        "empty_program_size: .quad 0b - empty_program\n"
        ".popsection\n");

static struct bpf_link *
attach(void)
{
	struct bpf_object *object = bpf_object__open_mem(empty_program, empty_program_size, NULL);
	struct bpf_program *program;

	if (!object || bpf_object__load(object) != 0)
		return NULL;
	program = bpf_object__find_program_by_name(object, "on_enter");
	return program ? bpf_program__attach(program) : NULL;
}

int
main(int argc, char **argv)
{
	int status;
	pid_t child;

	if (argc < 2)
		return 2;
	if (!attach()) {
		perror("empty-tracepoint: attaching to sys_enter");
		return 1;
	}
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
