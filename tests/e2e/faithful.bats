#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What runs under enforcement in log mode does as it does without: servers and shells, by every backend (traces/accept;
# nginx, redis, sqlite3 and python3 are in acceptance.bats). How much of a held-out run is new, and whether refusing it
# is felt, is not asked here. GAIT_LONG=1 trains longer and asks for that, too.
# Long: goes first.

bats_require_minimum_version 1.5.0
load common

# All by notify, and one or two by each of the others.
other=ptrace
[ -z "$(in_kernel)" ] || other=bpf

accept() { # PROGRAM [OPTION...]
	local runs=2
	[ -z "${GAIT_LONG:-}" ] || runs=8
	run "$BATS_TEST_DIRNAME/../../traces/accept" --runs "$runs" "${@:2}" "$1"
	echo "$output"
	echo "$output" | grep -A 20 '^not ok\|^Bail' | sed 's/^/# /' >&3
	echo "$output" | sed -n "s/^ok [0-9]* - \($1: .*\)/# \1/p" >&3
	[ -z "${GAIT_LONG:-}" ] || return "$status"
	[ "$(echo "$output" | grep -c '^ok .*: the same answers under enforcement (\(notify\|ptrace\|bpf\), log')" -eq 2 ]
	! echo "$output" | grep '^not ok\|^Bail' |
		grep -v 'more expected in the next run\|seed 1: served to its end\|under enforcement (notify, errno'
}

@test "a Go HTTP server: preemption signals, goroutines on many threads" {
	accept go --backend notify --backend "$other"
}

@test "bash: job control, traps, pipelines, substitutions" {
	accept bash
}

@test "sshd: separated privileges, commands, copies, a terminal" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'sshd separates privileges as root only'
	accept sshd --scale 1 --backend notify --backend "$other"
}

@test "postgres: one client session, checkpoint, fast shutdown" {
	accept postgres --backend notify --backend "$other"
}

# learned SCRIPT N…: a model of the script, run with each N.
learned() {
	cd "$BATS_TEST_TMPDIR"
	local n
	for n in "${@:2}"; do
		"$SYSGAIT" record -q -o "$n.trace" -- bash -c "$1" script "$n" >/dev/null || true
	done
	"$SYSGAIT" learn -q -o model.gait ./*.trace
}

# same BACKEND SCRIPT N: output and status as without.
same() {
	local free
	free=$(bash -c "$2" script "$3") || free+=" $?"
	# stderr is where the supervisor speaks.
	run --separate-stderr "$SYSGAIT" enforce -q --backend "$1" -m model.gait --on-violation log --log log -- bash -c "$2" script "$3"
	[ "$status" -eq 0 ] || output+=" $status"
	echo "$output"
	echo "$stderr"
	[ "$output" = "$free" ]
}

@test "10,000 forks" {
	script='for ((i = 0; i < $1; i++)); do (exit $((i % 7))); s=$((s + $?)); done; echo $s; exit 3'
	learned "$script" 20 100
	same notify "$script" 10000
	n=1000
	[ -z "${GAIT_LONG:-}" ] || n=10000
	same ptrace "$script" "$n"
	[ -z "$(in_kernel)" ] || same bpf "$script" 10000
}

@test "1,000 threads at once" {
	program='import sys, threading
n, done = int(sys.argv[1]), []
threading.stack_size(256 * 1024)
barrier = threading.Barrier(n + 1)
def work(i):
    barrier.wait()
    done.append(i)
threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
for thread in threads: thread.start()
barrier.wait()
for thread in threads: thread.join()
print(len(set(done)))'
	printf '%s\n' "$program" >"$BATS_TEST_TMPDIR/threads"
	script="exec $PYTHON -B $BATS_TEST_TMPDIR/threads \$1"
	learned "$script" 20 100
	same notify "$script" 1000
	n=200
	[ -z "${GAIT_LONG:-}" ] || n=1000
	same ptrace "$script" "$n"
	[ -n "$(in_kernel)" ] || return 0
	same bpf "$script" 1000
	# There are so many slots and no more.
	run "$SYSGAIT" enforce -q --backend bpf -m model.gait --on-violation log -- bash -c "$script" script 4200
	echo "$output"
	[ "$status" -eq 137 ]
	[[ $output == *'cannot be supervised (more than 4096 tasks at the same time): killing it'* ]]
}

@test "a supervisor does not grow" {
	seconds=8
	[ -z "${GAIT_LONG:-}" ] || seconds=300
	run "$BATS_TEST_DIRNAME/../bench/soak" "$seconds"
	echo "$output"
	echo "$output" | sed 's/^/# /' >&3
	[ "$status" -eq 0 ]
}

@test "at a terminal: stopped by Ctrl-Z, continued in front and behind, and as a shell with jobs of its own" {
	cd "$BATS_TEST_TMPDIR"
	terminal=$BATS_TEST_DIRNAME/terminal
	export PS1='prompt> '
	job="$PYTHON $BATS_TEST_DIRNAME/job.py"
	in_shell=('<prompt> ' ">$job 30 0\r" '<ready\r' '@' '>\x1a' '<Stopped' '<prompt> ' '>fg\r' '<again\r' '@' '>\x03'
		'<prompt> ' '>echo "was $?"\r' '<was 130' '<prompt> ' '>exit 6\r')
	"$SYSGAIT" record -q -o 1.trace -- $job 0.1 3 || true
	"$terminal" "$SYSGAIT" record -q -o 2.trace -- bash --norc --noediting -i -- "${in_shell[@]}" || true
	"$SYSGAIT" learn -q -o model.gait 1.trace 2.trace
	for backend in notify ptrace $(in_kernel); do
		enforce="'$SYSGAIT' enforce -q --backend $backend -m model.gait --on-violation log --log log --"
		run "$terminal" bash --norc --noediting -i -- \
			'<prompt> ' ">$enforce $job 1 7 2>/dev/null | sed -u s/ready/seen/\r" \
			'<seen\r' '@' '>\x1a' '<Stopped' '<prompt> ' '>fg\r' '<again' '<prompt> ' \
			">$enforce $job 1 8 2>/dev/null\r" \
			'<ready\r' '@' '>\x1a' '<Stopped' '<prompt> ' '>bg\r' '<again' \
			'>wait %1; echo "ended with $?"\r' '<ended with 8' '<prompt> ' '>exit\r'
		echo "$output"
		[ "$status" -eq 0 ]
		run "$terminal" "$SYSGAIT" enforce -q --backend "$backend" -m model.gait --on-violation log --log log -- \
			bash --norc --noediting -i -- "${in_shell[@]}"
		echo "$output"
		[ "$status" -eq 6 ]
	done
}
