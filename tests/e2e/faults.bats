#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Faults: whatever fails, and wherever the supervisor dies, nothing runs on unsupervised, and somebody says why.
# Long: goes first.

bats_require_minimum_version 1.5.0
load common

setup() {
	# bats's own directory is not open to nginx's workers, who are another user.
	directory=$(mktemp -d /tmp/faults-XXXXXX)
	chmod 755 "$directory"
	cd "$directory"
	steps=$BUILD/fixtures/steps
}

teardown() {
	for pid in ${started:-} $(storms); do kill -9 "$pid" 2>/dev/null || true; done
	rm -rf "$directory"
}

@test "100 supervisors of forks, execs, threads and daemons are killed: nothing lives on, nothing takes effect" {
	"$BATS_TEST_DIRNAME/kill-rounds" storm 100
}

@test "50 supervisors by ptrace alone are killed, too" {
	"$BATS_TEST_DIRNAME/kill-rounds" --backend ptrace storm 50
}

@test "30 supervisors of the in-kernel tier are killed, too" {
	need_bpf
	"$BATS_TEST_DIRNAME/kill-rounds" --backend bpf-notify storm 30
}

@test "while a supervisor dies nothing passes that it would have walked" {
	need_bpf
	"$PYTHON" -c 'import struct; open("words", "wb").write(struct.pack("5I", 1, 0, 0, 0, 0).ljust(4096))'
	"$SYSGAIT" record -q -o 1.trace -- "$BUILD/fixtures/last-words"
	"$SYSGAIT" learn -q -o model.gait 1.trace
	"$PYTHON" - "$SYSGAIT" "$BUILD/fixtures/last-words" <<-'END'
		import mmap, struct, subprocess, sys, time
		file = open('words', 'r+b')
		words = mmap.mmap(file.fileno(), 4096)
		def lives(pid):
		    try:
		        return open(f'/proc/{pid}/stat').read().rsplit(')')[1].split()[0] not in 'XZ'
		    except OSError:
		        return False
		for delay in range(0, 1000000, 20000):
		    words[:20] = struct.pack('5I', 0, delay, 0, 0, 0)
		    supervisor = subprocess.Popen([sys.argv[1], 'enforce', '-q', '--backend', 'bpf-notify',
		                                   '-m', 'model.gait', '--', sys.argv[2]])
		    while words[8:12] == bytes(4):
		        assert supervisor.poll() is None
		        time.sleep(0.001)
		    # It has all its programs by then, which take it longest to let go of.
		    time.sleep(0.03)
		    words[12] = 1
		    supervisor.kill()
		    supervisor.wait()
		    while lives(struct.unpack('I', words[8:12])[0]):
		        time.sleep(0.001)
		    assert words[16] == 0, f'after {delay}'
	END
}

@test "50 supervisors of nginx under load are killed: nothing lives on" {
	"$BATS_TEST_DIRNAME/kill-rounds" nginx 50
}

# The processes that run ./storm, by number. (Not pgrep: zombies are gone.)
storms() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		if [ "$(readlink "$exe")" = "$PWD/storm" ]; then basename "$(dirname "$exe")"; fi
	done
}

# Of these the one that is nobody's child any more, for which $started is no parent.
orphan() {
	local pid all
	all=" $(storms | tr '\n' ' ') "
	for pid in $all; do
		if [ "$pid" != "$started" ] && [[ $all != *" $(ps -o ppid= "$pid" | tr -d ' ') "* ]]; then echo "$pid"; fi
	done
}

@test "a supervisor that has joined is killed: what it has joined dies with it" {
	cp "$BUILD/fixtures/storm" .
	head -c 16 /dev/zero >counters
	for i in 1 2 3; do "$SYSGAIT" record -q -o $i.trace -- ./storm "$PWD" 9; done
	"$SYSGAIT" learn -q -o model.gait [123].trace
	for _ in 1 2 3; do
		./storm "$PWD" -1 9>&- &
		started=$!
		wait_for 'daemon=$(orphan); [[ $daemon =~ ^[0-9]+$ ]]'
		"$SYSGAIT" enforce -m model.gait --on-violation log -p "$started" -p "$daemon" 2>messages 9>&- &
		supervisor=$!
		wait_for 'grep -q joined messages'
		[ -n "$(storms)" ]
		kill -9 "$supervisor"
		wait_for '[ -z "$(storms)" ]'
	done
}

# model STEP…: of `steps`, of none and of these, in both orders.
model() {
	for i in 1 2; do "$SYSGAIT" record -q -o n$i.trace -- "$steps" nothing nothing; done
	"$SYSGAIT" record -q -o a.trace -- "$steps" nothing "$@" >/dev/null </dev/null
	"$SYSGAIT" record -q -o b.trace -- "$steps" "$@" nothing >/dev/null </dev/null
	for step in "$@"; do "$SYSGAIT" record -q -o "${step%=*}.trace" -- "$steps" "$step" >/dev/null </dev/null; done
	"$SYSGAIT" learn -q -o model.gait ./*.trace
}

# enforce_under COMMAND… -- OPTION… -- CMD…: under limits such as prlimit sets. It ends by itself, in some way that
# says why, and what is refused does not happen. Sets status and output.
enforce_under() {
	local under=()
	while [ "$1" != -- ]; do
		under+=("$1")
		shift
	done
	shift
	status=0
	output=$(timeout -s KILL 60 "${under[@]}" "$SYSGAIT" enforce -m model.gait --backend "$backend" "$@" 2>&1) || status=$?
	echo "${under[*]}: status $status"
	echo "$output"
	[ "$status" -ne 124 ]
	[ ! -e made ]
	# Who is refused to write, since it is not known where that comes from, cannot say so.
	[ "$status" -eq 0 ] || [[ $output == *sysgait* || $output == *'errno 1'* ]] ||
		grep -qs '"action":"errno EPERM".*"call":"write"' said
}

@test "hardly any descriptors: what is refused does not happen" {
	model forks=5
	for backend in notify ptrace; do
		n_short=0
		for limit in $(seq 4 20); do
			enforce_under prlimit --nofile=$limit -- -- "$steps" forks=5 create=made
			[ "$status" -ne 0 ]
			if [[ $output == *'Too many open files'* ]]; then
				n_short=$((n_short + 1))
				[[ $output != *'try --backend'* ]] # it would be short of them, too
			else # the dynamic linker's way to say so; or it was enough
				[[ $output == *'Error 24'* || $output == *'create: errno 1'* ]]
			fi
		done
		[ "$n_short" -ge 3 ]
		enforce_under prlimit --nofile=32 -- -q -- "$steps" forks=5 nothing
		[ "$output" = $'forks: ok\nnothing: ok' ]
	done
}

@test "more tasks than descriptors: not a violation more" {
	model forks=5
	for backend in notify ptrace $(in_kernel); do
		enforce_under prlimit --nofile=100 -- -- "$steps" forks=300
		[ "$status" -eq 0 ]
		[[ $output == *' 0 violations'* ]]
	done
}

@test "hardly any memory: what is refused does not happen" {
	model forks=5
	for backend in notify ptrace $(in_kernel); do
		n_failed=0
		# From what the dynamic linker needs to what a thread needs, and a little more.
		for kilobytes in 800 1000 1200 1500 1800 2200 2600 4000 $(seq 9000 300 12000); do
			rm -f said
			enforce_under prlimit --data=$((kilobytes * 1024)) -- -q --log said -- "$steps" forks=5 create=made
			# It said 1 for its one step that failed; else it was not started, or killed.
			if [[ $output != *'create: errno 1'* ]]; then n_failed=$((n_failed + 1)); fi
		done
		# Neither would prove anything.
		[ "$n_failed" -ge 3 ]
		enforce_under prlimit --data=100000000 -- -q -- "$steps" forks=5 create=made
		[[ $output == *'create: errno 1'* ]]
	done
}

@test "memory runs out while it watches: it ends, and takes the target with it, or refuses what it cannot judge" {
	model stdin forks=5
	mkfifo fifo
	exec 9<>fifo
	for backend in notify ptrace; do
		rm -f said
		"$SYSGAIT" enforce -q -m model.gait --backend $backend --log said -- "$steps" stdin forks=3000 create=made <fifo \
			2>messages >out 9>&- &
		supervisor=$!
		wait_for "target=\$(pgrep -P $supervisor -x steps) && grep -q '^0 ' /proc/\$target/syscall"
		prlimit --pid $supervisor --data=$(($(awk '/^VmData/ {print $2}' /proc/$supervisor/status) * 1024))
		echo >&9
		status=0
		wait $supervisor || status=$?
		echo "status $status"
		cat messages
		# A library that does not look at what malloc() gave it ends by a signal, without a word.
		[ "$status" -gt 128 ] || { [ "$status" -eq 1 ] && grep -q 'llocate' messages; } ||
			grep -q '"kind":"library","action":"errno EPERM".*"library":"\[unknown\]"' said
		[ ! -s out ]
		[ ! -e made ]
		wait_for "! grep -q '^State:.[^ZX]' /proc/$target/status 2>/dev/null"
	done
}

@test "a violation log on a disk that is full: what fits is kept, the rest is counted" {
	model nothing
	# Every name makes a violation of its own: repetitions would be counted, not written.
	for backend in notify ptrace; do
		enforce_under prlimit --fsize=5000 -- --log "log.$backend" -- "$steps" socket create=made getsid getsid2 \
			socket create=made getppid
		[[ $output == *'cannot write the violation log'*'lines are being lost'* ]]
		[[ $output == *' did not get into the violation log'* ]]
		[ "$(stat -c %s "log.$backend")" -le 5000 ]
		# Whole lines, and at most one that broke off.
		"$PYTHON" - "log.$backend" <<-'END'
			import json, sys
			lines = open(sys.argv[1]).read().split("\n")
			assert len(lines) > 2
			for line in lines[:-1]:
			    json.loads(line)
		END
	done
}

@test "a violation log into a FIFO: without a reader, with one that goes, with one that sleeps" {
	model nothing
	mkfifo fifo
	backend=notify
	enforce_under env -- --log fifo -- "$steps" create=made
	[ "$status" -eq 1 ]
	[[ $output == *'a FIFO needs its reader first'* ]]
	head -c 1 fifo >/dev/null 3>&- &
	started=$!
	wait_for "grep -q '^257 ' /proc/$started/syscall"
	enforce_under env -- --log fifo -- "$steps" socket create=made getsid
	[[ $output == *'create: errno 1'*'getsid: '* ]]
	"$PYTHON" -c 'if True:
		import fcntl, time
		pipe = open("fifo")
		fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
		open("opened", "w").close()
		time.sleep(100)' 3>&- 9>&- &
	started="$started $!"
	exec 9>fifo
	wait_for '[ -e opened ]'
	enforce_under env -- --log fifo -- "$steps" socket create=made getsid getsid2 socket create=made getsid getsid2 nothing
	[[ $output == *'lines are being lost'*'did not get into the violation log'* ]]
	exec 9>&-
}

@test "closed standard descriptors: nothing but violations gets into the log" {
	model nothing
	"$SYSGAIT" enforce -m model.gait --log log -- "$steps" socket create=made 0<&- 1>&- 2>&- && return 1
	[ ! -e made ]
	[ "$("$PYTHON" -c 'import json; print(*(json.loads(line)["syscall"] for line in open("log")))')" = 'socket openat' ]
}

@test "a stderr that nobody reads holds up nobody" {
	model nothing
	mkfifo fifo
	exec 9<>fifo
	dd if=/dev/zero of=/dev/fd/9 bs=4096 oflag=nonblock 2>/dev/null || true
	for backend in notify ptrace; do
		status=0
		output=$(timeout -s KILL 60 "$SYSGAIT" enforce -m model.gait --backend $backend -- "$steps" socket create=made 2>&9) ||
			status=$?
		echo "$output"
		[ "$status" -eq 2 ]
		[ ! -e made ]
	done
}

@test "a supervisor that is stopped holds its target, and goes on with it" {
	model stdin
	mkfifo fifo
	exec 9<>fifo
	for backend in notify ptrace $(in_kernel); do
		"$SYSGAIT" enforce -q -m model.gait --backend $backend -- "$steps" stdin create=made nothing <fifo >out 2>messages 9>&- &
		supervisor=$!
		started=$supervisor
		wait_for "target=\$(pgrep -P $supervisor -x steps) && grep -q '^0 ' /proc/\$target/syscall"
		kill -STOP $supervisor
		wait_for "grep -q '^State:.T' /proc/$supervisor/status"
		echo >&9
		# It has left read(), and waits at its next call.
		wait_for "! grep -q '^0 ' /proc/$target/syscall"
		[ ! -e made ]
		kill -CONT $supervisor
		wait $supervisor && return 1
		[ "$(cat out)" = $'stdin: ok\ncreate: errno 1\nnothing: ok' ]
		[ ! -e made ]
	done
}

@test "a terminal that hangs up: the target is held to its gait to its end" {
	model stdin
	mkfifo fifo
	exec 9<>fifo
	for backend in notify ptrace $(in_kernel); do
		rm -f out
		"$PYTHON" - "$SYSGAIT" $backend "$steps" 9>&- <<-'END'
			import os, pty, signal, subprocess, sys, time
			pid, terminal = pty.fork()
			if pid == 0:
			    # As under nohup: what hangs up is not what ends it.
			    signal.signal(signal.SIGHUP, signal.SIG_IGN)
			    os.dup2(os.open("fifo", os.O_RDWR), 0)
			    os.dup2(os.open("out", os.O_WRONLY | os.O_CREAT), 1)
			    os.execv(sys.argv[1], ["sysgait", "enforce", "-m", "model.gait", "--backend", sys.argv[2], "--",
			                           sys.argv[3], "stdin", "create=made", "nothing"])
			assert b"floor in place" in os.read(terminal, 4096)
			os.close(terminal)
			with open("fifo", "w") as fifo:
			    fifo.write("x")
			sys.exit(0 if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1 else 1)
		END
		[ "$(cat out)" = $'stdin: ok\ncreate: errno 1\nnothing: ok' ]
		[ ! -e made ]
	done
}

@test "a /proc that does not show its own processes is said, and nothing is started" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'mounting needs root'
	model nothing
	for backend in notify ptrace; do
		enforce_under unshare -m sh -c 'mount -t tmpfs none /proc && "$@"' sh -- -- "$steps" nothing
		[ "$status" -eq 1 ]
		[[ $output == *'/proc does not show this process'* ]]
	done
	run unshare -m sh -c 'mount -t tmpfs none /proc && "$@"' sh "$SYSGAIT" record -o none.trace -- "$steps" nothing
	[ "$status" -eq 1 ]
	[ ! -e none.trace ]
}

@test "an ordinary user: hidden processes, and hardly any to be had" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'mounting, and becoming another user, needs root'
	# The checkout may lie where only its owner looks.
	cp "$steps" "$SYSGAIT" .
	steps=$PWD/steps
	model forks=3
	chmod 644 model.gait
	SYSGAIT=$PWD/sysgait
	backend=notify
	user="setpriv --reuid 65533 --regid 65533 --clear-groups"
	enforce_under unshare -m sh -c 'mount -t proc -o hidepid=2 none /proc && "$@"' sh $user -- -- "$steps" forks=3 create=/tmp/made-by-nobody
	[[ $output == *$'forks: ok\ncreate: errno 1'* ]]
	for limit in 1 2 3 4 5 8; do
		enforce_under $user prlimit --nproc=$limit -- -- "$steps" forks=3 create=/tmp/made-by-nobody
		[[ $output == *'Resource temporarily unavailable'* || $output == *'create: errno 1'* ]]
	done
	[ ! -e /tmp/made-by-nobody ]
}

@test "an ordinary user is told of a target that hides itself" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'becoming another user needs root'
	cp "$steps" "$SYSGAIT" .
	steps=$PWD/steps
	SYSGAIT=$PWD/sysgait
	mkdir -m 777 own
	cd own
	user="setpriv --reuid 65533 --regid 65533 --clear-groups"
	for i in 1 2 3; do $user "$SYSGAIT" record -q -o $i.trace -- "$steps" nothing hide fork nothing; done
	$user "$SYSGAIT" learn -q -o model.gait [123].trace
	for backend in notify ptrace; do
		output=$($user "$SYSGAIT" enforce -q -m model.gait --backend $backend -- "$steps" nothing hide fork nothing 2>&1) || true
		echo "$output"
		[ "$(grep -c 'does not let you look at it' <<<"$output")" -eq 1 ]
		output=$("$SYSGAIT" enforce -q -m model.gait --on-violation log --backend $backend -- "$steps" nothing hide fork 2>&1)
		[[ $output != *'does not let you look'* ]]
	done
}

@test "what an ordinary user's target can do to its supervisor: starve it, and so itself" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'becoming another user needs root'
	cp "$BUILD/fixtures/supervisor" "$SYSGAIT" .
	SYSGAIT=$PWD/sysgait
	supervisor=$PWD/supervisor
	mkdir -m 777 own
	cd own
	user="setpriv --reuid 65533 --regid 65533 --clear-groups"
	# A recorder can be looked at: these are all real.
	for i in 1 2 3; do $user "$SYSGAIT" record -q -o $i.trace -- "$supervisor" >recorded; done
	[ "$(grep -c done recorded)" -eq 8 ]
	$user "$SYSGAIT" learn -q -o model.gait [123].trace
	for backend in notify ptrace; do
		output=$($user "$SYSGAIT" enforce -q -m model.gait --on-violation log --log log --backend $backend -- "$supervisor" 2>/dev/null)
		echo "$output"
		[ "$(grep -c refused <<<"$output")" -eq 8 ]
		# By the kernel, not by sysgait.
		if grep '"action":"errno' log; then false; fi
		for _ in 1 2 3; do
			status=0
			# Through a pipe: it may not write to a file any more.
			output=$(timeout -s KILL 60 $user "$SYSGAIT" enforce -q -m model.gait --strict library --backend $backend -- \
				"$supervisor" starve 2>&1) || status=$?
			echo "$backend: status $status"
			echo "$output"
			[ "$status" -ne 124 ]
			grep "^sysgait enforce:" <<<"$output" | grep -qv 'has learned'
			[ ! -e made ]
			wait_for '! pgrep -u 65533 -x supervisor -r RSDTt'
		done
	done
}

@test "help that nobody gets is a failure" {
	for command in record enforce learn; do
		run bash -c "'$SYSGAIT' $command --help >/dev/full"
		[ "$status" -eq 1 ]
		[ "$output" = "sysgait $command: cannot write to standard output" ]
	done
	run bash -c "'$SYSGAIT' --version >/dev/full"
	[ "$status" -eq 1 ]
}

@test "an option that takes no value is not given one" {
	run "$SYSGAIT" record --perturb=3 -o x.trace -- true
	[ "$status" -eq 2 ]
	[[ $output == *"--perturb takes no value, but there is '3'"* ]]
	# Neither a value nor an argument of the command is an option.
	"$SYSGAIT" record -q -o --quiet=3 -- sh -c 'exit $#' sh --quiet=3 || [ $? -eq 1 ]
	[ -s ./--quiet=3 ]
}
