#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is peculiar to `sysgait record --backend bpf`: its ring, whom it joins, what it needs. That it records what the
# other backend does is for record-bpf.bats and attribution.bats to show.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	lives=$BUILD/fixtures/lives
	pids=()
}

teardown() {
	local pid
	for pid in "${pids[@]}"; do
		kill -9 "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
}

record() { "$SYSGAIT" record --backend bpf -q -o trace "$@"; }
print() { "$SYSGAIT" print trace; }
is_complete() { ! "$SYSGAIT" print trace 2>&1 | grep -qi partial; }

# --- the ring --------------------------------------------------------------------------------------

# stall CALLS OPTION…: `burst`, the recorder of which is stopped at its height. Threads are done with their calls then, or wait.
stall() {
	local worker n=$1
	shift
	rm -f input out
	mkfifo input
	"$SYSGAIT" record --backend bpf "$@" -o trace -- "$lives" burst 4 "$n" <input >out 2>err 9>&- &
	pids=($!)
	exec 8>input
	wait_for 'grep -q ready out'
	worker=$(awk '{ print $1 }' "/proc/$!/task"/*/children)
	target=$(awk '{ print $1 }' "/proc/$worker/task"/*/children)
	kill -STOP "$worker"
	exec 8>&-
	# At the last, in exit(), which stops.
	wait_for '[ "$(awk '\''$3 == "t"'\'' /proc/$target/task/*/stat | wc -l)" -eq 4 ]'
	kill -CONT "$worker"
	wait "${pids[0]}"
	print >log
}

@test "a ring that is full: what is lost is counted, where it was" {
	# In a small one each call is sent off by itself, in a large one several together.
	for each in 20000:64K 120000:8M; do
		stall "${each%:*}" --ring "${each#*:}"
		grep -q '^done' out
		! is_complete
		grep -q 'events are lost: the trace is partial' err
		# The main thread had nothing to lose; each of the others has lost something, and does nothing afterwards but end.
		lost=$(sed -n 's/.*!!! \([0-9]*\) events lost !!!/\1/p' log)
		[ "$(wc -l <<<"$lost")" -ge 4 ]
		# Together they are all; a read or a futex more or less is chance.
		there=$(grep -cvE '\+\+\+|!!!' log)
		total=$((there + $(paste -sd+ <<<"$lost")))
		[ "$total" -ge $((4 * ${each%:*})) ] && [ "$total" -le $((4 * ${each%:*} + 150)) ]
		# In each task they are missing where the number says so: nothing but its end comes after it.
		for tid in $(awk '/events lost/ { sub(/\]/, "", $2); print $2 }' log | sort -u); do
			grep "^\[pid *$tid\]" log >task
			! sed '1,/events lost/d' task | grep getppid || sed '1,/events lost/d' task | grep -q 'events lost'
		done
	done
}

@test "killed while it waits: what it did up to then is there" {
	record -- "$PYTHON" -c 'import signal, time; signal.setitimer(signal.ITIMER_REAL, 0.3); [time.sleep(s) for s in [0] * 45 + [100]]' ||
		[ $? -eq 142 ]
	[ "$(print | grep -c clock_nanosleep)" -eq 46 ]
	is_complete
}

# Calls of each task are told of several at a time.
@test "two that take turns, call by call: all is there, and in order" {
	record -- "$PYTHON" -c 'if True:
		import os
		ping, pong = os.pipe(), os.pipe()
		to, by = (pong, ping) if os.fork() == 0 else (ping, pong)
		if to is ping:
		    os.write(to[1], b".")
		for i in range(5000):
		    os.read(by[0], 1)
		    os.write(to[1], b".")'
	"$SYSGAIT" print --json trace >calls
	"$PYTHON" - <<-'END'
		import json
		calls = [call for call in map(json.loads, open("calls")) if "syscall" in call]
		first = next(i for i, call in enumerate(calls) if call["syscall"] == "clone")
		turns = [(call["tid"], call["syscall"]) for call in calls[first:] if call["syscall"] in ("read", "write")]
		for task in {tid for tid, _ in turns}:
		    own = [syscall for tid, syscall in turns if tid == task]
		    assert len(own) in (10000, 10001) and all(a != b for a, b in zip(own, own[1:])), len(own)
		# Each writes and waits; of two at the same moment either may be first.
		n_switches = sum(a[0] != b[0] for a, b in zip(turns, turns[1:]))
		assert n_switches > 9000, n_switches
	END
}

@test "--lossless: the program waits for the reader, and nothing is lost" {
	for each in 20000:64K 120000:8M; do
		stall "${each%:*}" --ring "${each#*:}" --lossless
		[ "$(grep -c getppid log)" -eq $((4 * ${each%:*})) ]
		is_complete
	done
	"$SYSGAIT" record --backend bpf -q --ring 64K --lossless -o trace -- "$lives" threads 8 20000
	[ "$(print | grep -c getppid)" -eq 160000 ]
	is_complete
}

@test "--ring and --lossless: wrong ones are said" {
	for words in '--ring 1' '--ring 2G' '--ring 64X' '--ring x' '--ring 64KB' '--ring -1M'; do
		# shellcheck disable=SC2086
		run "$SYSGAIT" record --backend bpf $words -- true
		echo "$output"
		[ "$status" -eq 2 ]
		[[ "$output" == *"must be a size from 64K to 1G"* ]]
	done
	for words in '--ring 1M' --lossless; do
		# shellcheck disable=SC2086
		run "$SYSGAIT" record --backend ptrace $words -- true
		[ "$status" -eq 2 ]
		[[ "$output" == *"needs --backend bpf"* ]]
	done
}

# --- whom it joins --------------------------------------------------------------------------------

# A control group of version 2 in $group, or this test cannot be run.
make_group() {
	local mount
	mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	group=$mount/sysgait-test-$$
	mkdir "$group" 2>/dev/null || cannot_run 'no control groups that can be written'
}

@test "--cgroup: who is in the group, who comes in, and who is below it; it ends with the group" {
	make_group
	mkdir "$group/below"
	for backend in bpf ptrace; do
		[ -d "$group" ] || mkdir "$group" "$group/below"
		rm -f ready
		mkfifo ready
		sh -c 'echo $$ >"$1/below/cgroup.procs"; exec "$2" serve 2' _ "$group" "$lives" >ready 9>&- &
		first=$!
		pids=("$first")
		read -r _ <ready
		"$SYSGAIT" record --backend $backend -o trace --cgroup "$group" 2>messages 9>&- &
		recorder=$!
		pids+=("$recorder")
		wait_for '[ "$(print 2>/dev/null | grep -c getppid)" -gt 10 ]'
		"$lives" serve 3 >ready 9>&- &
		second=$!
		pids+=("$second")
		read -r _ <ready
		echo "$second" >"$group/cgroup.procs"
		wait_for '[ "$(print 2>/dev/null | awk '\''/getppid/ { print $2 }'\'' | sort -u | wc -l)" -eq 5 ]'
		kill -USR1 "$first" "$second"
		wait "$first" || [ $? -eq 42 ]
		wait "$second" || [ $? -eq 42 ]
		kill -0 "$recorder"
		rmdir "$group/below" "$group"
		wait "$recorder"
		is_complete
		[ "$(print | grep -c 'exited with 42')" -ge 2 ]
	done
}

@test "--cgroup: what is none is said" {
	for path in /no/such/group /tmp '' / "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)"; do
		run "$SYSGAIT" record --backend bpf -o trace --cgroup "$path"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"no control group of version 2"* ]]
		[ ! -e trace ]
	done
	run "$SYSGAIT" record --cgroup /sys/fs/cgroup -- true
	[ "$status" -eq 2 ]
}

# joined COMMAND…: starts it, joins it once it waits for its standard input, and ends that.
joined() {
	rm -f input
	mkfifo input
	"$@" <input >out 2>&1 9>&- &
	target=$!
	pids=("$target")
	exec 8>input
	wait_for 'grep -qs "^0 " /proc/$target/syscall'
	"$SYSGAIT" record --backend "$backend" -v -o trace -p "$target" 2>messages 8>&- 9>&- &
	recorder=$!
	pids+=("$recorder")
	wait_for 'grep -q "^TracerPid:.[1-9]" /proc/$target/status'
	# Joined it is once the file tells of it, which is when it is written out.
	wait_for 'print 2>/dev/null | grep -q joined'
	exec 8>&-
	wait "$recorder"
	is_complete
}

@test "-p: code that comes later, a program that is executed, calls of other architectures" {
	for backend in bpf ptrace; do
		joined "$PYTHON" -c 'import sys; sys.stdin.read(); import ssl, sqlite3; sqlite3.connect("new.db").execute("create table a(b)")'
		rm -f new.db
		[ "$(print | grep -c 'libsqlite3')" -gt 10 ]
		if [ $backend = bpf ]; then grep -q ' 0 unattributed' messages; fi
		joined sh -c 'read x; exec "$0" calls 50' "$lives"
		[ "$(print | grep -c getppid)" -eq 50 ]
		joined "$BUILD/fixtures/steps" stdin getppid int80 x32 getppid
		print | sed 's/^\[pid *[0-9]*\] [0-9.]* //' | grep -vE 'restart_syscall|joined' >told-$backend
	done
	grep -q 'arch 0x40000003' told-bpf
	diff told-bpf told-ptrace
}

# --- what it needs --------------------------------------------------------------------------------

@test "more tasks than the kernel program has room for: the others stop at their calls, and nothing is lost" {
	mkfifo input
	"$SYSGAIT" record --backend bpf -v -o trace -- sh -c \
		'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do "$0" burst 250 2 <input & done; wait' "$lives" \
		>out 2>messages 9>&- &
	pids=($!)
	exec 8>input
	wait_for '[ "$(grep -c ready out)" -eq 17 ]'
	exec 8>&-
	wait "${pids[0]}"
	cat messages
	# The shell makes one, too.
	[ "$(print | grep -c 'getppid  *lives')" -eq 8500 ]
	is_complete
}

@test "several recorders at a time, and one that joins what another has" {
	for i in 1 2 3; do
		"$SYSGAIT" record --backend bpf -q -o trace$i -- "$lives" forks 100 9>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3; do
		[ "$("$SYSGAIT" print trace$i | grep -c getppid)" -eq 100 ]
	done
	mkfifo ready
	"$SYSGAIT" record --backend bpf -q -o trace -- "$lives" serve 1 >ready 9>&- &
	pids=($!)
	read -r _ <ready
	worker=$(awk '{ print $1 }' "/proc/$!/task"/*/children)
	target=$(awk '{ print $1 }' "/proc/$worker/task"/*/children)
	run "$SYSGAIT" record --backend bpf -o other -p "$target"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"traced by another"* ]]
	[ ! -e other ]
	kill -USR1 "$target"
	wait "${pids[0]}" || [ $? -eq 42 ]
	is_complete
}

@test "in a PID namespace it says that it cannot, and what can" {
	unshare -pf true 2>/dev/null || cannot_run 'no PID namespaces'
	run unshare -pf --mount-proc "$SYSGAIT" record --backend bpf -o trace -- touch started
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"PID namespace"*"--backend ptrace"* || "$output" == *"--backend ptrace can"*"PID namespace"* ]]
	[ ! -e started ]
}

@test "--backend auto: the kernel where it can be had, else stops; -v says which, and why" {
	"$SYSGAIT" record --backend auto -v -o trace -- true 2>messages
	grep -qE 'in the kernel: .*; stacks (read where they lie|copied, which takes longer)$' messages
	"$SYSGAIT" record --backend auto --perturb -v -o trace -- true 2>messages
	if grep -q 'in the kernel: ' messages; then false; fi
	[ "$(id -u)" -eq 0 ] || skip 'not root: this was it'
	chmod 755 .
	mkdir --mode=777 own
	cp "$SYSGAIT" own/sysgait
	cd own
	setpriv --reuid 65534 --regid 65534 --clear-groups ./sysgait record --backend auto -v -o trace -- true 2>../messages
	grep -q 'by ptrace: .*CAP_BPF and CAP_PERFMON' ../messages
	is_complete
}
