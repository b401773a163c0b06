#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# import: logs that strace writes of real programs, in its various ways, become the traces they stand for.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	export LC_ALL=C.UTF-8
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null && continue
		cannot_run "$tool is not installed"
	done
	strace -o /dev/null true && return
	cannot_run "strace may not trace here"
}

# import LOG…: imports, and sums up what came out
import() {
	"$SYSGAIT" import -q "$@" -o out.trace
	"$SYSGAIT" print --summary out.trace >summary
	"$SYSGAIT" print --json out.trace >events.json
}

# count FILTER: events that match
count() {
	"${PYTHON:-/usr/bin/python3}" - "$1" <<'END'
import json, sys
print(sum(bool(eval(sys.argv[1], {}, json.loads(line))) for line in open("events.json")))
END
}

# calls FILE: one line a call: name, class, library, offset of the site
calls() {
	"$SYSGAIT" print --json "$1" | "${PYTHON:-/usr/bin/python3}" -c '
import json, sys
for line in sys.stdin:
    e = locals()["e"] = json.loads(line)
    if e["event"] == "syscall" and "stack" in e:
        site = e["stack"][e["site"]]
        print(e["syscall"], e.get("args", ""), site["module"], site["build_id"], site["offset"])'
}

@test "sqlite3: with stacks the same calls come from the same sites as when recorded" {
	need strace sqlite3
	sql='create table t(a, b); insert into t values (1, 2); select * from t;'
	"$SYSGAIT" record -q -o recorded.trace -- sqlite3 one.db "$sql"
	strace -f -k -ttt -o log sqlite3 two.db "$sql"
	import log
	calls recorded.trace >recorded
	calls out.trace >imported
	[ "$(wc -l <recorded)" -gt 100 ]
	# How much is read at once may differ; which sites there are may not.
	diff <(sort -u recorded) <(sort -u imported)
}

@test "python3: threads, a handler, subprocesses" {
	need strace
	cat >script.py <<'END'
import os, signal, subprocess, threading
threads = [threading.Thread(target=lambda: open("/etc/hostname").read()) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
subprocess.run(["/bin/true"])
signal.signal(signal.SIGUSR1, lambda *_: None)
os.kill(os.getpid(), signal.SIGUSR1)
if os.fork() == 0: os._exit(3)
os.wait()
END
	for options in "-f" "-f -tt -i" "-f -r -y" "-f -k -ttt -T"; do
		# shellcheck disable=SC2086
		strace $options -o log "${PYTHON:-/usr/bin/python3}" script.py
		import log
		echo "$options: $(cat summary)"
		grep -q '^complete   yes' summary
		[ "$(count 'event == "start"')" -eq 1 ]
		[ "$(count 'event == "fork" and is_thread')" -eq 3 ]
		[ "$(count 'event == "fork" and not is_thread')" -eq 2 ]
		[ "$(count 'event == "exec" and program.endswith("/true")')" -eq 1 ]
		[ "$(count 'event == "signal" and signal == "SIGUSR1"')" -eq 1 ]
		[ "$(count 'event == "exit" and status == 3 << 8')" -eq 1 ]
		[ "$(count 'event == "exit"')" -eq 6 ]
		# Every call of the log, but the one that started it all.
		[ "$(count 'event == "syscall"')" -eq \
			"$(($(grep -vE '^ > |resumed>|^[0-9]+ +([0-9:.]+ +)?(\[[^]]*\] +)?(---|\+\+\+)' log | wc -l) - 1))" ]
	done
}

@test "nginx: master, worker and reload" {
	need strace nginx curl
	mkdir -p logs
	cat >nginx.conf <<END
daemon off; error_log $PWD/logs/error.log; pid $PWD/nginx.pid; worker_processes 1;
events { worker_connections 64; }
http { access_log off; server { listen unix:$PWD/socket; root $PWD; } }
END
	chmod 755 . && echo hello >index.html
	strace -f -ttt -o log nginx -p "$PWD" -c "$PWD/nginx.conf" &
	strace=$!
	wait_for '[ -S socket ] && [ -s nginx.pid ]'
	for _ in $(seq 10); do curl -s --unix-socket socket http://x/ >/dev/null || true; done
	worker=$(pgrep -P "$(cat nginx.pid)")
	kill -HUP "$(cat nginx.pid)"
	wait_for '! kill -0 "$worker" 2>/dev/null'
	kill -QUIT "$(cat nginx.pid)"
	wait "$strace"
	import log
	cat summary
	grep -q '^complete   yes' summary
	[ "$(count 'event == "fork"')" -eq 2 ]
	[ "$(count 'event == "signal" and signal == "SIGHUP"')" -ge 1 ]
	[ "$(count 'event == "signal" and signal == "SIGCHLD"')" -ge 1 ]
	"$SYSGAIT" learn -q -o model.gait out.trace
	"$SYSGAIT" check -m model.gait out.trace
}

@test "logs from a terminal, and one log a task, say the same" {
	need strace
	strace -f -o file sh -c '/bin/true; /bin/true' 2>&1
	import file
	"$SYSGAIT" print out.trace | sed 's/^\[pid [0-9]*\] //; s/[0-9]\{3,\}/N/' >expected
	[ "$(grep -c '+++ created process' expected)" -ge 1 ]
	strace -f sh -c '/bin/true; /bin/true' >/dev/null 2>terminal
	import terminal
	"$SYSGAIT" print out.trace | sed 's/^\[pid [0-9]*\] //; s/[0-9]\{3,\}/N/' >actual
	diff <(sort expected) <(sort actual)
	strace -ff -ttt -o each sh -c '/bin/true; /bin/true'
	import each.*
	"$SYSGAIT" print out.trace | sed 's/^\[pid [0-9]*\] [0-9.]* //; s/[0-9]\{3,\}/N/' >actual
	diff <(sort expected) <(sort actual)
}

@test "standard input and output" {
	need strace
	strace -f -o log true
	"$SYSGAIT" import -q - -o - <log | "$SYSGAIT" print - >piped
	import log
	"$SYSGAIT" print out.trace | cmp - piped
	grep -q '+++ started' piped
}

@test "the same log makes the same bytes" {
	need strace
	strace -f -k -o log sh -c '/bin/true & /bin/true & wait'
	import log
	cp out.trace first.trace
	import log
	cmp first.trace out.trace
}

@test "a log without stacks is said to have none, and so is the model" {
	need strace
	strace -f -o log true
	run -0 "$SYSGAIT" import log -o out.trace
	[[ $output == *"without stacks"* ]]
	"$SYSGAIT" learn -q -o model.gait out.trace
	grep -q '"is_stackless": *true\|"stackless": *true' model.gait ||
		"$SYSGAIT" print --json model.gait | grep -q '"is_stackless":true'
}

@test "damage is an error that names file and line, and leaves no trace behind" {
	printf '1 execve("/bin/x", ["x"], 0x7) = 0\n1 gr\xfc\xdfe, or so\n' >log
	run -1 "$SYSGAIT" import log -o out.trace
	[[ $output == "sysgait import: log:2: not understood: 1 gr\\xfc\\xdfe, or so" ]]
	[ ! -e out.trace ]
	head -c 100000 /dev/urandom | tr '\0' x >log
	run -1 "$SYSGAIT" import log -o out.trace
	[[ $output == *"log"* ]]
	[ ! -e out.trace ]
	printf 'noise\nnoise(1) = 0\n' >log
	run -1 "$SYSGAIT" import log -o out.trace
	[[ $output == *"not an strace log"* ]]
	[ ! -e out.trace ]
	: >log
	run -1 "$SYSGAIT" import log -o out.trace
	[[ $output == *"not an strace log"* ]]
	printf '1 read(0, "\0") = 1\n' >log
	run -1 "$SYSGAIT" import log -o out.trace
	[[ $output == *"log:1: "*NUL* ]]
}

@test "what is left out is counted and said" {
	printf 'execve("/bin/x", ["x"], 0x7) = 0\nhello\nworld\nfrob(1) = 0\n' >log
	printf 'ioctl(1, FROB_GET, 0) = 0\n+++ exited with 0 +++\n' >>log
	run -0 --separate-stderr "$SYSGAIT" import log -o out.trace
	[ -z "$output" ]
	[[ $stderr == *"2 lines are not strace's"*"log:2: hello"* ]]
	[[ $stderr == *"1 calls have a name that is not known"*"log:4: frob"* ]]
	[[ $stderr == *"1 calls have an argument that is not known"*"log:5: ioctl"* ]]
}

@test "options are checked" {
	: >log
	run -2 "$SYSGAIT" import
	run -2 "$SYSGAIT" import log
	run -2 "$SYSGAIT" import log -o log
	[[ $output == *overwrite* ]]
	run -2 "$SYSGAIT" import --format dtrace log -o out.trace
	[[ $output == *"known are: strace"* ]]
	run -1 "$SYSGAIT" import nothing -o out.trace
	[[ $output == *"nothing: No such file"* ]]
	printf 'execve("/bin/x", ["x"], 0x7) = 0\n' >log
	run -1 "$SYSGAIT" import log -o /nonexistent/out.trace
	[[ $output == *"/nonexistent/out.trace: No such file"* ]]
	run -1 "$SYSGAIT" import log -o /dev/full
	[[ $output == *"No space left"* ]]
	run -0 "$SYSGAIT" import --help
	[[ $output == *"Examples:"* ]]
}

@test "the program of a process that was joined can be named" {
	printf '7 read(3, "", 1) = 0\n7 poll([], 0, -1 <detached ...>\n' >log
	"$SYSGAIT" import -q --program "$SYSGAIT" log -o out.trace
	"$SYSGAIT" print out.trace | grep -F "+++ joined, running $(realpath "$SYSGAIT") +++"
}
