#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Differences between models, and the exit status that a build server gates on.

bats_require_minimum_version 1.5.0
load common

# build DIR CODE: a program with a library, whose work() is CODE.
build() {
	mkdir -p "$1"
	cat >"$1/lib.c" <<-EOF
		#include <fcntl.h>
		#include <unistd.h>
		#include <sys/stat.h>
		void work(void);
		$2
	EOF
	gcc -O1 -fPIC -shared -Wl,--build-id -o "$1/libwork.so" "$1/lib.c"
}

# learn NAME COMMAND…
learn() {
	local name=$1
	shift
	"$SYSGAIT" record -q -o "$name.trace" -- "$@" >/dev/null
	"$SYSGAIT" learn -q -o "$name.gait" "$name.trace"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	learn true /bin/sh -c 'echo a; echo b'
	learn again /bin/sh -c 'echo a; echo b'
	learn more /bin/sh -c 'echo a; echo b; ls / | wc'
	"$SYSGAIT" merge -q -o more.gait true.gait more.gait
	build old 'void work(void) { char c; int fd = open("/etc/hostname", O_RDONLY); (void)!read(fd, &c, 1); close(fd); }'
	# The same in another place, and a mkdir() of its own.
	build new 'void other(void); void other(void) { static volatile int n; for (int i = 0; i < 9; i++) n += i; }
		void work(void) { char c; other(); int fd = open("/etc/hostname", O_RDONLY); (void)!read(fd, &c, 1); close(fd); rmdir("/nowhere"); }'
	printf 'void work(void); int main(void) { work(); return 0; }\n' >main.c
	gcc -o main main.c -Lold -lwork
	learn old env LD_LIBRARY_PATH=old "$PWD/main"
	learn new env LD_LIBRARY_PATH=new "$PWD/main"
}

setup() {
	cd "$BATS_FILE_TMPDIR"
}

@test "the same behaviour is no difference, whatever the run" {
	run -0 --separate-stderr "$SYSGAIT" diff true.gait again.gait
	[ -z "$output" ]
	[ "$stderr" = "0 new, 0 gone" ]
}

@test "new behaviour exits 2, with the kind that enforcing the old model would find" {
	run -2 --separate-stderr "$SYSGAIT" diff true.gait more.gait
	[[ $output == *"+ syscall "*pipe2* ]]
	[[ $output == *"+ exec "*"runs /usr/bin/ls"* ]]
	[[ $output == *"+ role "* ]]
	[[ $output != *"- "* ]]
	run -3 "$SYSGAIT" check -m true.gait more.trace
	[[ $output == *pipe2* ]]
}

@test "what is only gone exits 1" {
	run -1 --separate-stderr "$SYSGAIT" diff more.gait true.gait
	[[ $output == *"- syscall "*pipe2* ]]
	[[ $output != *"+ "* ]]
}

@test "a rebuilt library is not a new one: only what it does anew shows" {
	run -2 --separate-stderr "$SYSGAIT" diff old.gait new.gait
	[[ $output == *"libwork.so was rebuilt"* ]]
	[[ $output == *"+ syscall   libwork.so: rmdir at work+"* ]]
	[ "$(grep -c '^  [+-] .* libwork.so: ' <<<"$output")" -eq 1 ]
	run -1 "$SYSGAIT" diff -q new.gait old.gait
	[ -z "$output" ]
}

@test "JSON has a line for each difference, with the danger of the call" {
	run -2 --separate-stderr "$SYSGAIT" diff --json true.gait more.gait
	printf '%s\n' "$output" >lines
	"$PYTHON" - lines <<-'EOF'
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		assert {line["change"] for line in lines} == {"new"}, lines
		pipe = [line for line in lines if line.get("syscall") == "pipe2"]
		assert pipe and pipe[0]["kind"] == "syscall" and pipe[0]["b"]["runs"] == 1, pipe
		assert all(0 <= line["danger"] <= 1 for line in lines if "danger" in line)
	EOF
}

@test "trouble is not taken for a difference" {
	run -4 "$SYSGAIT" diff true.gait nowhere.gait
	[[ $output == *nowhere.gait* ]]
	run -4 "$SYSGAIT" diff true.gait true.trace
	run -2 "$SYSGAIT" diff true.gait
	[[ $output == *"two models are compared"* ]]
}
