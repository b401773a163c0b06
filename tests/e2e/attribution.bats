#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attribution against perf's unwinder, event by event, on runs of real servers; and the in-kernel tier's against
# libunwind's, call by call of the same run.

load common

compare() {
	if ! perf record --quiet --event raw_syscalls:sys_enter --call-graph dwarf,1024 \
		--output "$BATS_TEST_TMPDIR/try" -- true 2>"$BATS_TEST_TMPDIR/why"; then
		cat "$BATS_TEST_TMPDIR/why"
		cannot_run "perf may not trace system calls here"
	fi
	run "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../attribution/compare" \
		--sysgait "$SYSGAIT" --at-least 99 "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "nginx: perf finds the same library and site for at least 99% of the calls" {
	compare nginx
}

@test "redis: perf finds the same library and site for at least 99% of the calls" {
	compare redis
}

# --- the in-kernel tier ---------------------------------------------------------------------------

setup() {
	both=$BUILD/attribution/both
	cd "$BATS_TEST_TMPDIR"
	PATH+=:/usr/sbin:/sbin
}

# judge N_UNKNOWN FILE: in the file is what `both` said. N_UNKNOWN calls, no more and no less, can be attributed by
# nobody; of the others the two have to agree in 99.9%, on every frame up to the site.
judge() {
	local calls same unknown walked ours theirs different missing extra
	cat "$2"
	eval "$(grep -h '^both: calls=' "$2" | tail -n 1 | cut -d' ' -f2-)"
	[ "$calls" -gt 0 ] && [ "$unknown" -eq "$1" ]
	[ $((1000 * (ours + theirs + different + missing + extra))) -le "$calls" ]
	[ $((same + unknown + ours + theirs + different + missing)) -eq "$calls" ]
	# What the kernel cannot walk is unwound of copies: a few, or all of a program without tables.
	echo "walked in the kernel: $walked of $calls"
}

compare_tier() { # COMMAND…
	"$both" true 2>why || { cat why; cannot_run 'no in-kernel tier here'; }
	"$both" -v "$@" >/dev/null 2>said </dev/null || { cat said; return 1; }
	judge "${n_unknown:-0}" said
}

drive_tier() { # WORKLOAD
	"$both" true 2>why || { cat why; cannot_run 'no in-kernel tier here'; }
	"$BATS_TEST_DIRNAME/../../traces/$1" --scale 1 1 out "$both" >said 2>&1 || { cat said; return 1; }
	if ! grep -q '^both: calls=' said; then cat out/log >>said; fi
	judge 0 said
}

@test "tier: git, gcc, curl, bash, python3, sqlite3: as libunwind" {
	compare_tier git -C "$BATS_TEST_DIRNAME" log -n 1 --stat
	echo 'int main(void) { return 0; }' >one.c
	compare_tier gcc -O2 -o one one.c
	compare_tier curl -s file:///etc/passwd
	compare_tier bash -c 'for i in 1 2 3; do ls | sort >/dev/null; done; x=$(echo a); (exit 0)'
	compare_tier "$PYTHON" -c 'import json, ssl, subprocess, threading
threads = [threading.Thread(target=subprocess.run, args=(["true"],)) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]'
	compare_tier sqlite3 test.db 'create table a(b); insert into a values(1); select * from a'
}

@test "tier: static programs, of glibc and Go" {
	compare_tier busybox sh -c 'ls | sort | head -n 1; true'
	compare_tier "$BUILD/fixtures/attr-go"
	compare_tier "$BUILD/fixtures/attr-go-stripped"
	compare_tier "$BUILD/fixtures/attr-bare"
	n_unknown=4 compare_tier "$BUILD/fixtures/attr-static"
}

@test "tier: alloca, alternate stacks, coroutines, vfork, posix_spawn, JIT; what is corrupt is unknown to both" {
	for name in attr attr-fixed attr-frames attr-o3; do
		n_unknown=4 compare_tier "$BUILD/fixtures/$name"
	done
}

@test "tier: dlopen, siglongjmp, every way to create a task, exec from a thread, tasks that are killed" {
	cd "$BUILD/fixtures"
	for command in "./attr-dlopen $BATS_TEST_TMPDIR" './lives jumps' './lives family' './lives torn 20' './lives threads 20 20'; do
		cp /dev/null "$BATS_TEST_TMPDIR/said"
		# shellcheck disable=SC2086
		"$both" -v $command >/dev/null 2>"$BATS_TEST_TMPDIR/said"
		judge 0 "$BATS_TEST_TMPDIR/said"
	done
}

@test "tier: nginx, redis" {
	drive_tier nginx
	rm -rf out
	drive_tier redis
}

# What a trace tells, without times; tasks one after the other, by what they are and not by their numbers.
tell() {
	"$SYSGAIT" print "$1" | awk '
		{ tid = $2; sub(/\]/, "", tid); if (!(tid in order)) { order[tid] = n++ } }
		{ $1 = $2 = $3 = ""; gsub(/(process|thread) [0-9]+/, "task"); print order[tid], $0 }' | sort -s -n -k 1,1
}

@test "both recorders write the same of programs that do always the same" {
	"$both" true 2>why || { cat why; cannot_run 'no in-kernel tier here'; }
	for command in 'git --version' 'sqlite3 :memory: select(1)' 'busybox ls /' "$BUILD/fixtures/lives forks 20" \
		'curl -s file:///etc/passwd' "$PYTHON -c pass" 'bash -c :'; do
		for backend in ptrace bpf; do
			# shellcheck disable=SC2086
			setarch -R "$SYSGAIT" record -q --backend $backend -o $backend.trace -- $command >/dev/null
			tell $backend.trace >$backend.told
		done
		[ "$(wc -l <ptrace.told)" -gt 10 ]
		diff ptrace.told bpf.told
	done
}
