#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# enforce -p: processes that run already are joined with all their threads and descendants, held as if they had been
# launched, and let go again.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	steps=$BUILD/fixtures/steps
	inject=$BUILD/fixtures/inject
	root=$BATS_TEST_DIRNAME/../..
}

teardown() {
	for pid in ${started:-}; do kill -9 "$pid" 2>/dev/null || true; done
}

says() {
	grep -qF -- "$1" "${2:-err}" || { echo "nothing says: $1"; cat "${2:-err}"; return 1; }
}

# join PID OPTION…: until the supervisor says that it has all of it. Sets supervisor.
join() {
	local pid=$1
	shift
	rm -f err
	"$SYSGAIT" enforce -m model.gait --log log "$@" -p "$pid" 2>err &
	supervisor=$!
	started="${started:-} $supervisor"
	wait_for 'grep -qs "joined process" err || ! kill -0 $supervisor'
	says 'joined process'
}

let_go() {
	kill -TERM "$supervisor"
	wait "$supervisor"
	says 'it runs on'
}

# tracers PID: the tracer of each of its threads, each once.
tracers() {
	sed -n 's/^TracerPid:[^0-9]*//p' "/proc/$1/task"/*/status | sort -u
}

# sleeper STEP…: `steps`, waiting in a read; then the steps, once something is written to descriptor 9. Sets target.
sleeper() {
	rm -f fifo
	mkfifo fifo
	exec 9<>fifo
	"$steps" stdin "$@" <fifo >out 2>&1 9>&- &
	target=$!
	started="${started:-} $target"
	wait_for "grep -q '^0 ' /proc/$target/syscall"
}

learn() { # STEP…
	for i in 1 2 3; do
		echo | "$SYSGAIT" record -q -o "run$i.trace" -- "$steps" "$@" >/dev/null || true
	done
	"$SYSGAIT" learn -q -o model.gait run[123].trace
}

@test "a process that sleeps in a call is joined there, and held from then on" {
	learn stdin nothing getppid
	sleeper getppid socket create=created getppid
	join "$target"
	[ "$(tracers "$target")" = "$supervisor" ]
	echo >&9
	wait "$supervisor" && return 1 || [ $? -eq 2 ]
	[ "$(cat out)" = $'stdin: ok\ngetppid: ok\nsocket: errno 1\ncreate: errno 1\ngetppid: ok' ]
	[ ! -e created ]
}

@test "a process that is let go runs on, and does again what it likes" {
	learn stdin nothing getppid
	for signal in TERM INT HUP QUIT; do
		sleeper create=created-$signal
		join "$target"
		kill -$signal "$supervisor"
		wait "$supervisor"
		says "let go of process $target"
		[ "$(tracers "$target")" = 0 ]
		echo >&9
		wait "$target"
		[ -e created-$signal ]
	done
}

@test "a process that is held cannot have itself let go" {
	learn stdin nothing getppid
	for signal in TERM INT HUP QUIT; do
		sleeper kill-tracer=$(kill -l $signal) getppid create=created
		join "$target" --on-violation log
		echo >&9
		wait "$supervisor"
		says 'asked to be let go'
		if grep -q 'it runs on' err; then false; fi
		[ "$(cat out)" = $'stdin: ok\nkill-tracer: ok\ngetppid: ok\ncreate: ok' ]
		# It was seen to its end.
		says 'openat(O_WRONLY|O_CREAT) for'
		rm created
	done
}

@test "USR1 shows where joined tasks may stand" {
	learn stdin nothing getppid
	sleeper getppid
	join "$target"
	kill -USR1 "$supervisor"
	wait_for 'grep -q "    steps: " err'
	says "$target, 0 violations: steps, "
	let_go
	echo >&9
	wait "$target"
}

@test "the supervisor of a joined process is killed: the process dies" {
	learn stdin nothing getppid
	sleeper create=created
	join "$target"
	kill -9 "$supervisor"
	wait "$target" && return 1 || [ $? -eq 137 ]
	[ ! -e created ]
}

@test "a stopped process stays stopped while it is joined, and is held when it goes on" {
	learn stdin nothing getppid
	sleeper socket
	kill -STOP "$target"
	wait_for "grep -q '^State:.T' /proc/$target/status"
	join "$target"
	grep -q '^State:.[Tt]' "/proc/$target/status"
	kill -CONT "$target"
	echo >&9
	wait "$supervisor" || true
	says 'socket: errno 1' out
}

@test "the floor holds without a filter" {
	learn stdin nothing getppid
	for step in int80 x32; do
		sleeper $step
		join "$target" --on-violation log
		echo >&9
		wait "$supervisor" && return 1 || [ $? -eq 137 ]
		says 'of another architecture or of x32'
	done
	sleeper newest ptrace set-seccomp listener
	join "$target" --on-violation log
	echo >&9
	wait "$supervisor" || true
	cat err out
	says 'newest: errno 38' out
	says 'ptrace: errno 1' out
	says 'set-seccomp: errno 1' out
	says 'listener: errno 1' out
}

@test "a child that another thread hides is noticed, and takes its creator with it" {
	learn stdin untraced-race
	sleeper untraced-race=created
	join "$target"
	echo >&9
	wait "$supervisor" && return 1 || [ $? -eq 137 ]
	says 'in a way that hides it'
}

@test "an exec after joining is judged by what would run" {
	# Twice, so that no phase ends with the first one's wait.
	learn stdin nothing exec=/bin/true exec=/bin/true
	sleeper exec=/bin/true exec=/bin/echo
	join "$target"
	echo >&9
	wait "$supervisor" || true
	says 'exec: errno 1' out
	grep -q '"kind":"exec"' log
}

@test "what cannot be joined is said, and nothing is touched" {
	learn stdin nothing
	run "$SYSGAIT" enforce -m model.gait -p 4194304
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"there is no process 4194304"* ]]
	sleep 1000 &
	started=$!
	wait_for "grep -q sleep /proc/$started/comm"
	run "$SYSGAIT" enforce -m model.gait -p "$started"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"runs /usr/bin/sleep, which the model does not know"* ]]
	kill -0 "$started"
	# A descendant counts.
	bash -c 'sleep 1000; true' &
	started="$started $!"
	wait_for "pgrep -P $! -x sleep"
	for i in 1 2; do
		"$SYSGAIT" record -q -o "bash$i.trace" -- bash -c :
	done
	"$SYSGAIT" learn -q -o bash.gait bash[12].trace
	run "$SYSGAIT" enforce -m bash.gait -p $!
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"runs /usr/bin/sleep"* ]]
	pkill -P $! -x sleep
	for words in "-p 1 -- true" "-p x" "-p 1 --backend notify"; do
		# shellcheck disable=SC2086
		run "$SYSGAIT" enforce -m model.gait $words
		echo "$output"
		[ "$status" -eq 2 ]
	done
}

# The program behind PREFIX is started, joined as soon as it runs, and left to the workload.
write_prefix() { # NAME
	cat >prefix <<-END
		#!/bin/bash
		"\$@" &
		pid=\$!
		until [[ \$(readlink /proc/\$pid/exe) == */$1* ]]; do :; done
		"$SYSGAIT" enforce -m "$PWD/model.gait" --on-violation log --log "$PWD/log" -p \$pid 2>"$PWD/err"
		wait \$pid
	END
	chmod +x prefix
}

@test "nginx: joined at its start it gives the same answers; master, worker and the worker of a reload are held" {
	for seed in 1 2 3; do
		"$root/traces/nginx" --scale 1 $seed "out$seed" "$SYSGAIT" record -q -o "run$seed.trace" --
	done
	"$SYSGAIT" learn -q -o model.gait run[123].trace
	write_prefix nginx
	"$root/traces/nginx" --scale 1 4 joined "$PWD/prefix"
	cat err
	"$root/traces/nginx" --scale 1 4 free
	cmp free/answers joined/answers
	# Held out: a few edges are new.
	[ "$(cat log | wc -l)" -le 6 ]
}

@test "nginx: an attack on a joined worker is refused, and works again once it is let go" {
	for seed in 1 2 3; do
		"$root/traces/nginx" --scale 1 $seed "out$seed" "$SYSGAIT" record -q -o "run$seed.trace" --
	done
	"$SYSGAIT" learn -q -o model.gait run[123].trace
	cat >attack.sh <<-END
		set -e
		echo 'the secret' >"\$DIR/secret"
		touch "\$DIR/leak"
		chmod 666 "\$DIR/leak"
		attack() {
			"$inject" -k "curl -s -o /dev/null http://127.0.0.1:\$PORT/status" \$WORKER "\$@"
		}
		"$SYSGAIT" enforce -m "$PWD/model.gait" --log "$PWD/log" -p \$PID 2>"$PWD/err" &
		supervisor=\$!
		until grep -q 'joined process' "$PWD/err"; do sleep 0.02; done
		curl -s -o /dev/null http://127.0.0.1:\$PORT/status
		attack read "\$DIR/secret" "\$DIR/leak" && exit 1 || [ \$? -eq 4 ]
		[ ! -s "\$DIR/leak" ]
		curl -s http://127.0.0.1:\$PORT/status | grep -q fine
		kill -TERM \$supervisor
		wait \$supervisor
		attack read "\$DIR/secret" "\$DIR/leak"
		cmp "\$DIR/secret" "\$DIR/leak"
	END
	"$root/traces/nginx" --scale 1 --then "bash $PWD/attack.sh" 4 attacked || { cat err; return 1; }
	says '2 tasks in all'
	grep -q '"call":"open(' log
}

@test "redis-server, python3 with threads and a Go server: all threads are joined, held and let go" {
	server() { # NAME COMMAND…: starts COMMAND, which listens on 127.0.0.1:PORT
		port=$1
		shift
		"$@" >server.out 2>&1 &
		target=$!
		started="${started:-} $target"
		wait_for "(: >/dev/tcp/127.0.0.1/$port) 2>/dev/null"
	}
	cat >threads.py <<-'END'
		import socketserver, sys
		class Handler(socketserver.StreamRequestHandler):
		    def handle(self):
		        for line in self.rfile:
		            self.wfile.write(line.upper())
		socketserver.ThreadingTCPServer.allow_reuse_address = True
		socketserver.ThreadingTCPServer.request_queue_size = 16
		with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
		    server.serve_forever()
	END
	cat >ask.py <<-'END'
		import socket, sys
		for _ in range(int(sys.argv[3])):
		    with_all = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(8)]
		    for i in range(5):
		        for s in with_all:
		            s.sendall((sys.argv[2] % i).encode())
		        for s in with_all:
		            assert s.recv(1000).strip(), i
		    for s in with_all:
		        s.close()
	END
	try() { # PORT COMMAND…
		rm -f run?.trace log err
		# Which thread does what for which connection is chance: often enough that hardly anything is new afterwards.
		for i in 1 2 3; do
			how=
			[ $i -ne 2 ] || how=--perturb
			server "$1" "$SYSGAIT" record -q $how -o "run$i.trace" -- "${@:2}"
			"$PYTHON" ask.py "$1" "$request" 20
			kill -TERM "$(pgrep -P "$(pgrep -P "$target")")"
			wait "$target" || true
		done
		"$SYSGAIT" learn -q -o model.gait run[123].trace
		server "$@"
		"$PYTHON" ask.py "$1" "$request" 3
		join "$target" --on-violation log
		[ "$(tracers "$target")" = "$supervisor" ]
		"$PYTHON" ask.py "$1" "$request" 3
		[ "$(tracers "$target")" = "$supervisor" ]
		let_go
		[ "$(tracers "$target")" = 0 ]
		"$PYTHON" ask.py "$1" "$request" 3
		kill -9 "$target"
		tail -n 1 err >&3
		cat err
		[ "$(cat log | wc -l)" -le 20 ]
	}
	request=$'ping %d\n'
	# Below those that are given out by chance (traces/workload.py).
	try 10111 redis-server --port 10111 --bind 127.0.0.1 --save '' --loglevel warning
	try 10112 "$PYTHON" threads.py 10112
	request=$'GET /allocate?n=%d HTTP/1.1\r\nHost: here\r\n\r\n'
	try 10113 "$BUILD/fixtures/go-server" 127.0.0.1:10113 "$PWD"
}
