#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a supervisor or recorder may do once its programs are in the kernel: look at its target and kill it, whoever's it
# is.

load common

four=0000010000080024 no_capability=0000000000000000

setup() {
	need_bpf
	[ "$(id -u)" -eq 0 ] || cannot_run 'needs root, to give something up'
	# bats's own directory need not be open to another user.
	directory=$(mktemp -d /tmp/privileges-XXXXXX)
	chmod 711 "$directory"
	cd "$directory"
	PATH+=:/usr/sbin
	mkfifo input
}

teardown() {
	for pid in ${supervisor:-} ${recorder:-} ${target:-}; do
		kill -9 "$pid" 2>/dev/null || true
	done
	[ -z "${group:-}" ] || rmdir "$group" 2>/dev/null || true
	rm -rf "$directory"
}

# capabilities PID: of all its threads, of each set, once.
capabilities() {
	cat "/proc/$1/task/"*/status | sed -n 's/^\(Cap...\):\t*/\1 /p' | sort -u
}

# What capabilities() says of who keeps CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE.
are_four() {
	diff <(printf '%s\n' "CapAmb $no_capability" "CapBnd $four" "CapEff $four" "CapInh $no_capability" "CapPrm $four") -
}

# hold BACKEND COMMAND…: until it reads.
hold() {
	"$SYSGAIT" enforce -q --backend "$1" --on-violation log --log log -m model.gait -- "${@:2}" <input 3>&- &
	supervisor=$!
	exec 8>input
	wait_for 'target=$(pgrep -P $supervisor) && grep -q "^0 0x0 " /proc/$target/syscall'
}

let_go() {
	exec 8>&-
	wait "$supervisor"
	supervisor=
	[ ! -s log ]
}

learn() { # COMMAND…
	for i in 1 2; do "$SYSGAIT" record --backend bpf -q -o "$i.trace" -- "$@" </dev/null; done
	"$SYSGAIT" learn -q -o model.gait ?.trace
}

@test "bpf backends keep four capabilities, in every thread; the target keeps all" {
	learn cat
	for backend in bpf-notify bpf-kill; do
		hold "$backend" cat
		capabilities "$supervisor" >has
		capabilities "$target" >targets
		let_go
		are_four <has
		diff targets <(capabilities self)
	done
}

@test "a target that becomes another user is judged, and killed, all the same" {
	cp "$(command -v setpriv)" "$(command -v cat)" .
	# Who may not be read by others.
	chmod 700 setpriv && chmod 711 cat . && chown 65534 cat
	as_nobody=(./setpriv --reuid 65534 --clear-groups ./cat)
	learn "${as_nobody[@]}"
	hold bpf-notify "${as_nobody[@]}"
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$target/status")" -eq 65534 ]
	let_go
	printf x >file
	chmod 644 file
	run "$SYSGAIT" enforce --backend bpf-notify --on-violation kill --log log -m model.gait -- "${as_nobody[@]}" ./file
	echo "$output"
	[ "$status" -eq 137 ]
	[[ $output == *'openat(O_RDONLY)'*'[kill]'* ]]
}

@test "an ordinary user who has CAP_BPF and CAP_PERFMON, from a file or from who started them" {
	chmod 755 . && learn cat && chmod 644 model.gait
	as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	two=-all,+bpf,+perfmon
	cp "$SYSGAIT" sysgait
	run "${as_user[@]}" --inh-caps "$two" --ambient-caps "$two" --bounding-set "$two" ./sysgait enforce \
		-m model.gait --backend bpf-notify -- cat </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *', 0 violations'* ]]
	setcap cap_bpf,cap_perfmon+ep ./sysgait || cannot_run 'no capabilities of files here'
	run "${as_user[@]}" ./sysgait enforce -m model.gait --backend bpf-notify -- cat </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *', 0 violations'* ]]
}

# keeper: that of the supervisor, which it watches.
keeper() {
	local pid
	for pid in $(pgrep -x sysgait-keeper); do
		if grep -qsE "^Pid:	$supervisor\$" "/proc/$pid/fdinfo/"*; then echo "$pid"; fi
	done
}

@test "the keeper keeps none, and outlives its master by no more than it has to" {
	learn cat
	hold bpf-notify cat
	keeper=$(keeper)
	capabilities "$keeper" >has
	cat has
	[ "$(grep -c '^Cap... 0000000000000000$' has)" -eq 5 ]
	[ "$(grep -c . has)" -eq 5 ]
	kill -9 "$supervisor"
	wait_for '! kill -0 $target 2>/dev/null && ! kill -0 $keeper 2>/dev/null'
	exec 8>&-
}

# --- record ---------------------------------------------------------------------------------------

# recording OPTION… -- COMMAND…: until it reads. In a directory that is another's, where nothing can be made any more.
recording() {
	mkdir -p theirs
	chown 65534 theirs && chmod 700 theirs
	"$SYSGAIT" record -v -o theirs/trace "$@" <input 2>messages 3>&- &
	recorder=$!
	exec 8>input
	wait_for 'worker=$(pgrep -P $recorder) && target=$(pgrep -P $worker) && grep -q "^0 0x0 " /proc/$target/syscall'
}

# ended: the recording is whole, and nobody's call is nobody's.
ended() {
	wait "$recorder"
	cat messages
	grep -q ' 0 unattributed' messages
	"$SYSGAIT" print theirs/trace >log 2>&1
	! grep -qi partial log
}

@test "record: of its processes one keeps four capabilities and one none; the target keeps all" {
	for backend in bpf ptrace; do
		recording --backend $backend -- cat
		[ "$(capabilities "$recorder" | grep -c ' 0000000000000000$')" -eq 5 ]
		[ "$(capabilities "$recorder" | grep -c .)" -eq 5 ]
		capabilities "$worker" >has
		capabilities "$target" >targets
		exec 8>&-
		ended
		are_four <has
		diff targets <(capabilities self)
	done
}

# What closes itself to others, loads code, starts a thread, and executes another program if it is given one.
changes='import ctypes, os, sys, threading
ctypes.CDLL(None).prctl(4, 0)
sys.stdin.read()
import sqlite3
thread = threading.Thread(target=lambda: sqlite3.connect("theirs/db").execute("create table if not exists a(b)"))
thread.start(); thread.join()
if sys.argv[1:]: os.execv(sys.argv[1], sys.argv[1:])'

# as_another COMMAND…: by a user to whom alone these programs can be read.
as_another() {
	exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

make_programs() {
	cp "$PYTHON" python && cp "$(command -v cat)" . && mkdir -p theirs
	chown 65534 python cat theirs && chmod 711 python cat && chmod 700 theirs
}

has_seen_all() {
	grep -q 'created thread' log
	grep -q ' libsqlite3' log
}

@test "record: a target that becomes another user" {
	make_programs
	for backend in bpf ptrace; do
		recording --backend $backend -- setpriv --reuid 65534 --regid 65534 --clear-groups ./python -c "$changes" ./cat
		exec 8>&-
		ended
		has_seen_all
		grep -q 'executes .*/cat' log
	done
}

# start: another user's program, until it reads.
start() {
	as_another ./python -c "$changes" <input 3>&- &
	target=$!
	exec 8>input
	wait_for 'grep -q "^0 0x0 " /proc/$target/syscall && grep -q "^Uid:.65534" /proc/$target/status'
}

# join OPTION…
join() {
	# Of an earlier one it says nothing that somebody was joined.
	rm -f theirs/trace
	"$SYSGAIT" record -v -o theirs/trace "$@" 2>messages 3>&- 8>&- &
	recorder=$!
}

has_joined() {
	"$SYSGAIT" print theirs/trace 2>/dev/null | grep -q joined
}

@test "record -p: another user's program, to its end; or let go, when it goes on" {
	make_programs
	for backend in bpf ptrace; do
		start
		join --backend $backend -p "$target"
		wait_for has_joined
		exec 8>&-
		ended
		has_seen_all
		wait "$target"
		start
		join --backend $backend -p "$target"
		wait_for has_joined
		kill -INT "$recorder"
		ended
		exec 8>&-
		wait "$target"
	done
}

@test "record --cgroup: another user's program that comes in once all is given up" {
	group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)/sysgait-privileges-$$
	mkdir "$group" 2>/dev/null || cannot_run 'no control groups that can be written'
	make_programs
	for backend in bpf ptrace; do
		[ -d "$group" ] || mkdir "$group"
		start
		join --backend $backend --cgroup "$group"
		wait_for 'worker=$(pgrep -P $recorder) && capabilities "$worker" | grep -q "^CapEff 0000010000080024"'
		echo "$target" >"$group/cgroup.procs"
		wait_for has_joined
		exec 8>&-
		wait "$target"
		rmdir "$group"
		ended
		has_seen_all
	done
}

@test "record: libraries that have no name any more when their process is joined" {
	libc=$(ldd "$(command -v cat)" | awk '/libc\.so/ { print $3 }')
	make_programs
	for backend in bpf ptrace; do
		mkdir libraries && cp "$libc" libraries && chmod 755 libraries
		LD_LIBRARY_PATH=$PWD/libraries as_another ./cat <input 3>&- &
		target=$!
		exec 8>input
		wait_for 'grep -q "^0 0x0 " /proc/$target/syscall'
		grep -q "$PWD/libraries/libc" "/proc/$target/maps"
		rm -r libraries
		join --backend $backend -p "$target"
		wait_for has_joined
		echo >&8
		exec 8>&-
		ended
		[ "$(grep -c ' cat ' log)" -gt 3 ]
		# Names are in the file alone.
		"$SYSGAIT" print -k theirs/trace | grep -q 'libc.so.6 read+'
	done
}
