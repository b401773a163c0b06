#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# sysgait built where there is no compiler for the kernel's side, or no libbpf: without that tier, and whole otherwise.

bats_require_minimum_version 1.5.0
load common

# Once for all of them. Not as part of the `make` that runs this.
setup_file() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS make -C "$BATS_TEST_DIRNAME/../.." --no-print-directory -j2 \
		BUILD="$BATS_FILE_TMPDIR/build" BPF_CC=no-such-compiler CFLAGS='-O0 -Wno-cpp' >"$BATS_FILE_TMPDIR/log" 2>&1 || {
		tail -20 "$BATS_FILE_TMPDIR/log"
		return 1
	}
}

setup() {
	without=$BATS_FILE_TMPDIR/build/sysgait
	why='sysgait was built without libbpf (or clang): make deps, build again'
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "it says so when it is built, and when it is asked" {
	grep -q 'without its in-kernel tier' "$BATS_FILE_TMPDIR/log"
	run -0 "$without" --version
	[[ $output == *'without the in-kernel tier'* ]]
	run ! grep -q libbpf <(ldd "$without")
}

@test "record --backend bpf says what is missing, and what there is; auto takes that" {
	run -1 "$without" record -q --backend bpf -o true.trace -- true
	[[ $output == *"$why"* && $output == *'--backend ptrace can'* ]]
	"$without" record -q --backend auto -o true.trace -- true
	"$without" check -q -m <("$without" learn -q -o /dev/stdout true.trace) true.trace
}

@test "enforce --backend bpf says what is missing, and what there is; auto takes that" {
	"$without" record -q -o true.trace -- true
	"$without" learn -q -o true.gait true.trace
	for backend in bpf bpf-kill bpf-hooks bpf-notify; do
		run -1 "$without" enforce -m true.gait --backend $backend -- true
		[[ $output == *"$why; try --backend notify" ]]
	done
	for backend in auto notify ptrace; do
		run -0 "$without" enforce -m true.gait --on-violation log --backend $backend -- true
		[[ $output == *', 0 violations'* ]]
	done
}
