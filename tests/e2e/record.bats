#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A program under `sysgait record` behaves as without, and the trace has all that it did. This file is there twice: under
# the name record-bpf.bats it is about that backend.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	lives=$BUILD/fixtures/lives
	terminal=$BATS_TEST_DIRNAME/terminal
	backend='--backend ptrace'
	if [[ $BATS_TEST_FILENAME == *bpf* ]]; then backend='--backend bpf'; fi
	export backend
	pids=()
}

teardown() {
	local pid
	for pid in "${pids[@]}"; do
		kill -9 "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
}

record() {
	# shellcheck disable=SC2086
	"$SYSGAIT" record $backend -q -o trace "$@"
}
print() { "$SYSGAIT" print trace; }
# Exits with 0 where the trace says that it is whole.
is_complete() { ! "$SYSGAIT" print trace 2>&1 | grep -qi partial; }

skip_unless() {
	if "$@" >/dev/null 2>&1; then return 0; fi
	cannot_run "needs: $*"
}

# --- the target's end -----------------------------------------------------------------------------

@test "exit statuses are the program's own" {
	for code in 0 1 2 3 125 126 127 255; do
		run -"$code" record -- sh -c "exit $code"
		is_complete
	done
}

@test "death by a signal is death by that signal" {
	for signal in HUP INT QUIT ABRT KILL SEGV TERM USR1; do
		run bash -c 'ulimit -c 0; sh -c "kill -$1 \$\$"' _ "$signal"
		expected=$status
		run record -- sh -c "kill -$signal \$\$"
		[ "$status" -eq "$expected" ]
		is_complete
	done
}

@test "a program that cannot be run: 127 and 126, a message, no trace" {
	run -127 record -- no-such-program
	[[ "$output" == *no-such-program*"No such file"* ]]
	run record -- /
	[ "$status" -eq 126 ]
	[[ "$output" == *"Permission denied"* ]]
	[ ! -e trace ]
}

@test "wrong usage is status 2 and says what is wrong" {
	run record
	[ "$status" -eq 2 ]
	run record --no-such-option -- true
	[ "$status" -eq 2 ]
	run record --backend crystal-ball -- true
	[ "$status" -eq 2 ]
	run record --stacks some -- true
	[ "$status" -eq 2 ]
	run record -p 1x
	[ "$status" -eq 2 ]
	run record -p 1 -- true
	[ "$status" -eq 2 ]
	[[ "$output" == *"not both"* ]]
}

# --- nothing is lost, nothing is invented ---------------------------------------------------------

@test "every call of many threads is there" {
	record -- "$lives" threads 8 2000
	[ "$(print | grep -c getppid)" -eq 16000 ]
	is_complete
}

@test "every way to create a task, exec from a thread, a daemon that outlives its parents" {
	for _ in 1 2 3; do
		record -- "$lives" family
		[ "$(print | grep -c getppid)" -eq 360 ]
		is_complete
	done
}

@test "the same calls as strace sees, by name and number" {
	skip_unless strace -V
	strace -f -o log "$lives" forks 20
	sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' log | sort | uniq -c >expected
	record -- "$lives" forks 20
	print | sed -nE 's/^\[pid +[0-9]+\] +[0-9.]+ ([a-z0-9_]+).*/\1/p' | sort | uniq -c >actual
	# strace has the execve that started the program; the recording starts behind it.
	sed -i '/ execve$/d' expected
	diff expected actual
}

@test "a thousand forks" {
	record -- "$lives" forks 1000
	[ "$(print | grep -c getppid)" -eq 1000 ]
	[ "$(print | grep -c 'exited with 0')" -eq 1001 ]
}

@test "tasks that are killed at any moment, their creators too: who appears also ends" {
	record -- "$lives" storm 30
	is_complete
	print >log
	born=$(grep -cE '\+\+\+ (started|created|joined)' log)
	[ "$born" -gt 30 ]
	[ "$(grep -cE '\+\+\+ (exited|killed|is gone)' log)" -eq "$born" ]
}

@test "processes that are killed while a thread of theirs execs: both tasks end" {
	record -- "$lives" torn 200
	is_complete
	print >log
	born=$(grep -cE '\+\+\+ (started|created|joined)' log)
	[ "$born" -gt 300 ]
	[ "$(grep -cE '\+\+\+ (exited|killed|is gone)' log)" -eq "$born" ]
}

@test "handlers: those that run, those left by siglongjmp, those that return" {
	record -- "$lives" jumps
	[ "$(print | grep -c 'handler of SIGUSR1')" -eq 3 ]
	[ "$(print | grep -c 'left without return')" -eq 3 ]
	[ "$(print | grep -c 'handler of SIGUSR2')" -eq 1 ]
	[ "$(print | grep -c 'rt_sigreturn')" -eq 1 ]
}

# --- the target's life ----------------------------------------------------------------------------

@test "a parent sees its child stop and go on" {
	"$lives" stops
	record -- "$lives" stops
	is_complete
}

@test "the program inherits what it would: signals, descriptors, environment, directory" {
	script='grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ls /proc/self/fd; env | grep -v ^_=; pwd; umask; ulimit -a'
	run sh -c "trap '' PIPE USR1; exec sh -c '$script'"
	expected=$output
	run sh -c "trap '' PIPE USR1; exec \"$SYSGAIT\" record $backend -q -o trace -- sh -c '$script'"
	[ "$output" = "$expected" ]
}

@test "pipes see their end, and output is the program's alone" {
	[ "$(record -- sh -c 'seq 100000' | tail -n 1)" = 100000 ]
	[ "$(seq 1000 | record -- wc -l)" -eq 1000 ]
	# The reader goes away: SIGPIPE, as without.
	run bash -c 'set -o pipefail; "$1" record $backend -q -o trace -- yes | head -n 1' _ "$SYSGAIT"
	[ "$status" -eq 141 ]
}

@test "python3: subprocesses, threads, asyncio" {
	cat >script.py <<-'END'
		import asyncio, subprocess, threading
		print(subprocess.run("exit 3", shell=True).returncode)
		print(subprocess.check_output(["echo", "hello"]).decode().strip())
		threads = [threading.Thread(target=sum, args=(range(1000),)) for _ in range(10)]
		[t.start() for t in threads]
		[t.join() for t in threads]
		async def main():
		    process = await asyncio.create_subprocess_exec("sleep", "100")
		    process.terminate()
		    print(await process.wait())
		asyncio.run(main())
	END
	expected=$("${PYTHON:-python3}" script.py)
	[ "$(record -- "${PYTHON:-python3}" script.py)" = "$expected" ]
	is_complete
}

@test "Go: its threads and its preemption signals" {
	[ -x "$BUILD/fixtures/attr-go" ] || skip_unless go version
	record -- "$BUILD/fixtures/attr-go"
	is_complete
}

@test "a target that signals its own process group does not end its recording" {
	run setsid -w "$SYSGAIT" record $backend -q -o trace -- \
		sh -c 'trap : TERM INT HUP; kill -TERM 0; kill -INT 0; kill -HUP 0; sleep 0.3; exit 4'
	[ "$status" -eq 4 ]
	print | tail -n 1 | grep -q 'exited with 4'
}

# --- ending the recording -------------------------------------------------------------------------

# A program that outlives its recording, ends when it is told to, and leaves a file when it has ended well.
patient='trap "" INT TERM HUP; echo ready; echo >started; until [ -e go ]; do sleep 0.1; done; echo >survived'

@test "SIGINT, SIGTERM and SIGHUP end the recording; the program goes on" {
	for signal in INT TERM HUP; do
		rm -f started survived go
		"$SYSGAIT" record $backend -o trace -- sh -c "$patient" 2>messages 9>&- &
		pids=($!)
		wait_for '[ -e started ]'
		kill -$signal $!
		wait $!
		[ ! -e survived ]
		grep -q 'goes on' messages
		is_complete
		print | grep -q rt_sigaction
		touch go
		wait_for '[ -e survived ]'
	done
}

@test "Ctrl-C at a terminal: a program that handles it, one that dies of it, one that ignores it" {
	run "$terminal" "$SYSGAIT" record $backend -q -o trace -- \
		sh -c 'trap "echo bye; exit 5" INT; echo ready; while :; do sleep 0.05; done' -- '<ready' '>\x03' '<bye'
	echo "$output"
	[ "$status" -eq 5 ]
	is_complete
	run "$terminal" "$SYSGAIT" record $backend -q -o trace -- sh -c 'echo ready; exec sleep 30' -- '<ready' '>\x03'
	echo "$output"
	[ "$status" -eq 130 ]
	is_complete
	run "$terminal" "$SYSGAIT" record $backend -o trace -- \
		sh -c 'trap "" INT TERM HUP; echo ready; read -r _; echo >survived' -- '<ready' '>\x03' '<goes on' '>\r'
	echo "$output"
	[ "$status" -eq 0 ]
	is_complete
	wait_for '[ -e survived ]'
}

@test "Ctrl-C at a terminal that comes before the process in front is ready for it is not lost" {
	skip_unless strace -V
	# The leak sanitizer, where it is built in, does not work under strace.
	run env ASAN_OPTIONS=detect_leaks=0 "$terminal" strace -o calls -e trace=clone,clone3,fork -e inject=clone,clone3,fork:delay_exit=700000 \
		"$SYSGAIT" record $backend -q -o trace -- sh -c 'trap "echo bye; exit 5" INT; echo ready; while :; do sleep 0.05; done' \
		-- '<ready' '>\x03' '<bye'
	echo "$output"
	grep DELAYED calls
	[ "$status" -eq 5 ]
	is_complete
}

# No shells as jobs: between vfork and exec they cannot be stopped, recorded or not.
set_job() {
	job="${PYTHON:-python3} $BATS_TEST_DIRNAME/job.py"
	export PS1='prompt> '
}

@test "job control in a shell: stop, background, foreground, status" {
	set_job
	run "$terminal" bash --norc --noediting -i -- \
		'<prompt> ' ">'$SYSGAIT' record $backend -q -o trace -- $job 1 7 | sed -u s/ready/seen/\r" \
		'<seen\r' '@' '>\x1a' '<Stopped' '<prompt> ' '>fg\r' '<again' '<prompt> ' \
		'>echo "status ${PIPESTATUS[0]}"\r' '<status' '<prompt> ' \
		">'$SYSGAIT' record $backend -q -o trace -- $job 1 8\r" \
		'<ready\r' '@' '>\x1a' '<Stopped' '<prompt> ' '>bg\r' '<again' \
		'>wait %1; echo "ended with $?"\r' '<ended with 8' '<prompt> ' '>exit\r'
	echo "$output"
	[ "$status" -eq 0 ]
	is_complete
}

@test "a shell under the recorder keeps its own job control" {
	set_job
	run "$terminal" "$SYSGAIT" record $backend -q -o trace -- bash --norc --noediting -i -- \
		'<prompt> ' ">$job 30 0\r" '<ready\r' '@' '>\x1a' '<Stopped' '<prompt> ' \
		'>fg\r' '<again\r' '@' '>\x03' '<prompt> ' '>echo "was $?"\r' '<was 130' \
		'<prompt> ' '>exit 6\r'
	echo "$output"
	[ "$status" -eq 6 ]
	is_complete
}

@test "recorder killed: what was recorded is a valid prefix, and says that it is partial" {
	"$SYSGAIT" record $backend -q -o trace -- sh -c 'while :; do :; sleep 0.05; done' 9>&- &
	pids=($!)
	wait_for 'print 2>/dev/null | grep -q clock_nanosleep'
	# The worker is the process's only child, and the target's parent.
	worker=$(cat /proc/$!/task/*/children | awk '{ print $1 }')
	target=$(cat "/proc/$worker/task/$worker/children" | awk '{ print $1 }')
	pids+=("$target")
	kill -9 "$worker"
	status=0
	wait ${pids[0]} || status=$?
	[ "$status" -eq 1 ]
	wait_for "! kill -0 $target 2>/dev/null"
	print | grep -q clock_nanosleep
	! is_complete
}

@test "the process in front killed: the trace is ended in order, the program goes on" {
	"$SYSGAIT" record $backend -q -o trace -- sh -c "$patient" 9>&- &
	pids=($!)
	wait_for '[ -e started ]'
	kill -9 $!
	touch go
	wait_for '[ -e survived ]'
	is_complete
}

@test "a full disk: said at once, the program goes on, status 1" {
	skip_unless unshare -m true
	cat >script <<-'END'
		mkdir small
		mount -t tmpfs -o size=256k none small
		"$SYSGAIT" record $backend -o small/trace -- sh -c '"$0" calls 100000; echo >survived; exit 3' "$1"
		echo "status $?"
		cp small/trace .
	END
	run unshare -m sh script "$lives"
	echo "$output"
	[[ "$output" == *"small/trace: No space left"*"goes on unrecorded"*"status 1" ]]
	[ -e survived ]
	# What fitted is a valid prefix.
	print | grep -q getppid
	! is_complete
}

@test "a file that cannot be made: the program is not even started" {
	run "$SYSGAIT" record $backend -o no/such/directory/trace -- touch started
	[ "$status" -eq 1 ]
	[[ "$output" == *no/such/directory/trace* ]]
	[ ! -e started ]
}

# --- joining --------------------------------------------------------------------------------------

@test "joining a process with threads, and letting go of it" {
	mkfifo ready
	"$lives" serve 6 >ready 9>&- &
	target=$!
	pids=("$target")
	read -r _ <ready
	"$SYSGAIT" record $backend -o trace -p "$target" 2>messages 9>&- &
	wait_for '[ "$("$SYSGAIT" print trace 2>/dev/null | grep -c getppid)" -gt 100 ]'
	kill -INT $!
	wait $!
	is_complete
	[ "$(print | awk '/getppid/ { print $2 }' | sort -u | wc -l)" -eq 6 ]
	grep -q 'ended by' messages
	# Nothing of us is left on it, and it ends as it would.
	[ "$(cat /proc/"$target"/task/*/status | grep -c '^TracerPid:.0$')" -eq 7 ]
	grep -q '^Seccomp:.0$' "/proc/$target/status"
	kill -USR1 "$target"
	status=0
	wait "$target" || status=$?
	[ "$status" -eq 42 ]
}

@test "joining a process that ends" {
	mkfifo input
	cat <input 9>&- &
	exec 8>input
	wait_for 'grep -qs "^0 " /proc/$!/syscall'
	"$SYSGAIT" record $backend -q -o trace -p $! 8>&- 9>&- &
	recorder=$!
	wait_for 'print 2>/dev/null | grep -q joined'
	exec 8>&-
	wait $recorder
	is_complete
	print | tail -n 1 | grep -q 'exited with 0'
}

@test "joining what is not there" {
	run record -p 999999999
	[ "$status" -eq 1 ]
	[[ "$output" == *999999999* ]]
}

# --- who may --------------------------------------------------------------------------------------

@test "an ordinary user records own programs" {
	[ "$(id -u)" -eq 0 ] || skip "not root: all the other tests show it"
	chmod 755 "$BATS_TEST_TMPDIR"
	mkdir --mode=777 own
	cp "$lives" "$SYSGAIT" own/
	cd own
	user="setpriv --reuid 65534 --regid 65534 --clear-groups"
	if [[ $backend == *bpf ]]; then
		run $user ./sysgait record $backend -o trace -- touch started
		[ "$status" -eq 1 ]
		[[ "$output" == *"CAP_BPF and CAP_PERFMON"* ]]
		[[ "$output" == *"--backend ptrace can"* ]]
		[ ! -e started ] && [ ! -e trace ]
		return
	fi
	$user ./sysgait record $backend -q -o trace -- ./lives family
	[ "$(print | grep -c getppid)" -eq 360 ]
	is_complete
	$user sleep 2 9>&- &
	wait_for '[ "$(cat /proc/$!/comm)" = sleep ]'
	$user ./sysgait record $backend -q -o joined -p $!
	# But not those of others.
	sleep 30 9>&- &
	pids=($!)
	run $user ./sysgait record $backend -q -o others -p $!
	[ "$status" -eq 1 ]
	[[ "$output" == *"not permitted"* ]]
}

@test "the trace is for its owner alone" {
	record -- true
	[ "$(stat -c %a trace)" = 600 ]
}
