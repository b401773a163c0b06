#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The virtual machine itself: whose kernel it runs, what it sees of the host, and that nothing of it stays behind.

load common
bats_require_minimum_version 1.5.0

setup() {
	need_vm
	directory=$(mktemp -d "$BUILD/vm/test.XXXXXX")
}

teardown() {
	[ -z "${directory:-}" ] || rm -rf "$directory"
}

@test "it runs Debian's kernel, which has types for BPF, and BPF among its LSMs" {
	in_vm bash -c 'uname -r; id -u; wc -c </sys/kernel/btf/vmlinux; cat /sys/kernel/security/lsm; echo
		"$BUILD/vm/deny" probe'
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == 6.1.*-amd64 ]]
	[ "${lines[1]}" -eq 0 ]
	[ "${lines[2]}" -gt 1000000 ]
	[[ ,${lines[3]}, == *,bpf,* ]]
	# And with that: what refuses calls there.
	[[ $output == *'fmod_ret on system calls: loading: '* ]]
	[[ ${lines[-1]} == *'(BPF LSM)'* ]]
}

@test "its boot line can be another one, and its processors two" {
	in_vm -c 2 -b lsm=landlock bash -c 'cat /sys/kernel/security/lsm; echo; nproc; "$BUILD/vm/deny" probe'
	[ "$status" -eq 0 ]
	[[ ,${lines[0]}, != *,bpf,* ]]
	[ "${lines[1]}" -eq 2 ]
	[[ $output == *'BPF LSM: loads, but is not asked'* ]]
	[[ ${lines[-1]} == *'(fmod_ret)'* ]]
}

@test "a command has the host's files and variables, gives output and status, and what it writes is gone" {
	echo before >"$directory/file"
	cd "$directory"
	export GAIT_TOLD=$'two\nlines'
	in_vm bash -c 'cat file; echo after >file; cat file; touch new /run/gait-new /tmp/gait-new
		echo "$GAIT_TOLD"; echo "$0" >&2; exit 77' "an \"argument\" of \$several"
	[ "$status" -eq 77 ]
	[ "$output" = $'before\nafter\ntwo\nlines' ]
	[ "$stderr" = 'an "argument" of $several' ]
	[ "$(cat file)" = before ]
	[ ! -e new ]
	[ ! -e /run/gait-new ]
	[ ! -e /tmp/gait-new ]
}

@test "a command that does not end is ended, and a machine that dies is told from one that works" {
	in_vm -t 3 sleep 1000
	[ "$status" -eq 124 ]
	in_vm bash -c 'echo b >/proc/sysrq-trigger'
	[ "$status" -eq 125 ]
	in_vm -b rdinit=/nowhere true
	[ "$status" -eq 125 ]
	[[ $stderr == *'Kernel panic'* ]]
}

@test "no machine outlives who started it" {
	for signal in INT KILL; do
		mkfifo "$directory/$signal"
		# A shell starts what runs beside it with SIGINT ignored.
		setsid env --default-signal=INT "$vm" bash -c 'echo up; sleep 1000' >"$directory/$signal" 3>&- &
		pid=$!
		read -r up <"$directory/$signal"
		[ "$up" = up ]
		# The emulator is a grandchild: below `timeout`.
		emulator=$(pgrep -P "$(pgrep -P "$pid" timeout)" qemu)
		kill -s "$signal" "$pid"
		for _ in $(seq 500); do
			[ -e "/proc/$emulator/exe" ] || break
			sleep 0.02
		done
		[ ! -e "/proc/$emulator/exe" ]
	done
}
