#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several workers judge the calls of a target with many threads: the verdicts are those of one.
load common

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	local i
	for i in 1 2; do
		LD_LIBRARY_PATH=$BUILD/fixtures "$SYSGAIT" record -q -o "$i.trace" -- "$BUILD/fixtures/crowd" 3 16
	done
	"$SYSGAIT" learn -q -o crowd.gait 1.trace 2.trace
}

# A crowd under attack: 8 threads, 40 rounds each. Every attack has to be refused, whoever makes it in
# the midst of what; all else has to happen.
crowd() { # COMMAND-PREFIX... : ends with the options of enforce
	LD_LIBRARY_PATH=$BUILD/fixtures run "$@" -v -m "$BATS_FILE_TMPDIR/crowd.gait" --strict syscall --log log -- \
		"$BUILD/fixtures/crowd" 8 40 attack
	[ "$status" -eq 0 ] || { echo "status $status: $output" && false; }
	[[ $output =~ ([0-9]+)" refused, 0 let through; 40 of 40 children good; signals came" ]] ||
		{ echo "$output" && false; }
	[ "${BASH_REMATCH[1]}" -ge 320 ]
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "one worker" {
	crowd "$SYSGAIT" enforce --workers 1
	[[ $output == *"; 1 worker"$'\n'* ]]
}

@test "four workers, again and again" {
	local i
	for i in 1 2 3 4 5; do
		crowd "$SYSGAIT" enforce --workers 4
		[[ $output == *"; 4 workers"$'\n'* ]]
	done
}

@test "as many workers as pay" {
	crowd "$SYSGAIT" enforce
}

@test "where BPF may not be used registers come from /proc and ptrace" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'an ordinary user may not use it anyway'
	crowd setpriv --bounding-set=-bpf,-perfmon,-sys_admin "$SYSGAIT" enforce --workers 3
	[[ $output == *'registers by /proc and ptrace'* ]]
}

@test "--workers is checked" {
	run "$SYSGAIT" enforce --workers 65 -m "$BATS_FILE_TMPDIR/crowd.gait" -- true
	[ "$status" -eq 2 ]
	[[ $output == *'from 1 to 64'* ]]
}
