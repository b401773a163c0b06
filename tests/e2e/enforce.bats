#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# enforce, as a user runs it: what is learned from `steps` is let through, what is not is refused,
# logged or deadly; whole trees are followed; nothing outlives its supervisor. By the backend that BACKEND names.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	steps=$BUILD/fixtures/steps
	backend=${BACKEND:-notify}
	for name in execed fork role; do rm -f "$name"; done
	printf '#!/bin/true\n' >script
	chmod +x script
}

teardown() {
	for pid in ${started:-}; do kill -9 "$pid" 2>/dev/null || true; done
}

# train STEP…: learns the steps in any order, and none of them. What ends the process comes by itself.
train() {
	local backwards=() n=0 step
	for step in "$@"; do backwards=("$step" "${backwards[@]}"); done
	rm -f run*.trace
	record nothing nothing
	record "$@" nothing
	record nothing "${backwards[@]}"
	for step in "$@"; do record nothing "$step"; done
	"$SYSGAIT" learn -q -o model.gait run*.trace
	rm -f created
}

record() {
	n=$((n + 1))
	"$SYSGAIT" record -q -o "run$n.trace" -- "$steps" "$@" >/dev/null </dev/null || true
}

enforce() { # OPTION… -- STEP…
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	rm -f log
	run "$SYSGAIT" enforce --backend "$backend" -m model.gait --log log "${options[@]}" -- "$steps" "$@"
	echo "status $status"
	echo "$output"
	cat log 2>/dev/null || true
}

says() {
	echo "$output" | grep -qF -- "$1" || { echo "nothing says: $1"; return 1; }
}

# A call that is passive (enforce/passive.c) is walked in the kernel by the bpf backends, which cannot have it fail: they
# kill for it before it returns. What they let happen first is asked in the attack suite.
kills_for_passive() {
	[[ $backend = bpf* ]]
}

# refused STEP ERRNO: a passive call of the last run's, which was held to errno.
refused() {
	if kills_for_passive; then
		[ "$status" -eq 137 ]
		says '[kill]'
		says ' 1 killed'
	else
		says "$1: errno $2"
	fi
}

# The kinds in the log, one after the other.
kinds() {
	"$PYTHON" -c 'import json, sys
print(*(json.loads(line)["kind"] for line in open("log")))'
}

@test "what was learned is let through, without a violation" {
	train getppid getsid socket fork thread exec=/bin/true signal jump stdin
	enforce -- getppid getsid socket fork thread exec=/bin/true signal jump stdin
	[ "$status" -eq 0 ]
	says 'exec: ok'
	says ' 0 violations'
	[ ! -s log ]
}

@test "a call that was never learned: refused, with kind syscall" {
	train getppid getsid
	enforce -- getppid socket getsid
	[ "$status" -eq 1 ]
	says 'socket: errno 1'
	says 'getsid: ok'
	[ "$(kinds)" = syscall ]
}

@test "a refused call does not happen" {
	train getppid
	enforce -- getppid create=created
	says 'create: errno 1'
	[ ! -e created ]
	enforce --on-violation log -- getppid create=created
	says 'create: ok'
	[ -e created ]
}

@test "kinds: site, library, sequence, exec" {
	train getppid getsid socket plugin-getppid exec=/bin/true calls=ab
	enforce -- getsid2
	refused getsid2 1
	[ "$(kinds)" = site ]
	enforce -- plugin-getppid plugin-socket
	says 'plugin-socket: errno 1'
	[ "$(kinds)" = library ]
	enforce -- calls=ba
	says 'calls: errno 1'
	[ "$(kinds)" = sequence ]
	enforce -- exec=/bin/echo
	says 'exec: errno 1'
	[ "$(kinds | cut -d' ' -f1)" = exec ]
}

@test "a task that is created where none ever was is refused" {
	train getppid thread
	enforce -- getppid thread
	says 'thread: ok'
	[ ! -s log ]
	enforce -- fork
	says 'fork: errno 1'
}

@test "strict: kinds further in are only logged" {
	train getppid getsid calls=ab
	enforce --strict library -- getppid getsid2 calls=ba
	[ "$status" -eq 0 ]
	[ "$(kinds | tr ' ' '\n' | sort -u | tr '\n' ' ')" = 'sequence site ' ]
	enforce --strict site -- getppid calls=ba
	says 'calls: ok'
	enforce --strict site -- getppid getsid2
	refused getsid2 1
}

@test "actions: a named errno, kill, and one kind for itself" {
	train getppid getsid exec=/bin/true
	enforce --on-violation errno:EXDEV -- getppid create=created
	says 'create: errno 18'
	enforce --on-violation kill -- getppid create=created getsid
	[ "$status" -eq 137 ]
	[ ! -e created ]
	says ' 1 killed'
	enforce --on-violation kill,site=log -- getppid getsid2
	says 'getsid2: ok'
	enforce --on-violation kill,site=log -- getppid socket
	[ "$status" -eq 137 ]
}

@test "kill takes the process that did it, and not its parent" {
	train getppid fork exec=/bin/true
	enforce --on-violation kill -- exec=/bin/echo getppid
	[ "$status" -eq 1 ]
	says "exec: errno 1009"
	says 'getppid: ok'
}

@test "the log has one JSON object a violation, with who, where and what" {
	train getppid getsid
	enforce -- getppid create=created create=another
	"$PYTHON" - <<-'END'
		import json
		lines = [json.loads(line) for line in open("log")]
		assert [v["syscall"] for v in lines] == ["openat", "openat"], lines
		for v in lines:
		    assert v["pid"] == v["tid"] > 0 and v["action"] == "errno EPERM", v
		    assert v["program"].endswith("/steps") and v["role"] == "main", v
	END
}

@test "a full disk loses log lines, says so, and stops nothing" {
	train getppid getsid
	run "$SYSGAIT" enforce --backend "$backend" -m model.gait --log /dev/full -- "$steps" getppid create=created getsid
	echo "$output"
	[ "$status" -eq 1 ]
	says 'create: errno 1'
	says 'getsid: ok'
	says '/dev/full: No space left on device'
	says '1 violation did not get into the violation log'
}

@test "exit codes, signals and what cannot be executed" {
	train getppid kill=15 exit=0
	enforce -- getppid exit=7
	[ "$status" -eq 7 ]
	enforce -- getppid kill=15
	[ "$status" -eq 143 ]
	run -127 "$SYSGAIT" enforce --backend "$backend" -m model.gait -- ./not-there
	[ "$status" -eq 127 ]
	run "$SYSGAIT" enforce --backend "$backend" -m model.gait -- /etc/passwd
	[ "$status" -eq 126 ]
	run "$SYSGAIT" enforce --backend "$backend" -m model.gait -- /bin/true
	echo "$output"
	[ "$status" -eq 1 ]
	says 'does not know the program'
	run "$SYSGAIT" enforce --backend "$backend" -m model.gait
	[ "$status" -eq 2 ]
	run "$SYSGAIT" enforce --backend "$backend" -m model.gait --strict nonsense -- "$steps"
	[ "$status" -eq 2 ]
}

@test "exec: scripts, execveat and a thread's exec are judged by what would run" {
	train getppid exec=./script execveat=/bin/true
	enforce -- getppid exec=./script execveat=/bin/true
	says 'exec: ok'
	says 'execveat: ok'
	[ ! -s log ]
	printf '#!/bin/echo\n' >other
	chmod +x other
	enforce -- getppid exec=./other execveat=/bin/echo
	says 'exec: errno 1'
	says 'execveat: errno 1'
	train getppid thread-exec=/bin/true
	enforce -- getppid thread-exec=/bin/true
	[ "$status" -eq 0 ]
	[ ! -s log ]
	enforce -- getppid thread-exec=/bin/false
	# A thread that goes on makes a passive call that it never made in training.
	if kills_for_passive; then [ "$status" -eq 137 ]; else [ "$status" -eq 1 ]; fi
	[ "$(kinds | cut -d' ' -f1)" = exec ]
}

@test "exec: a name that changes between look and exec runs nothing that is not allowed" {
	cp /bin/true good
	cp /bin/touch evil
	"$SYSGAIT" record -q -o race1.trace -- "$BUILD/fixtures/exec-race" good
	"$SYSGAIT" record -q -o race2.trace -- "$BUILD/fixtures/exec-race" none
	"$SYSGAIT" learn -q -o model.gait race*.trace
	# The race is real.
	"$BUILD/fixtures/exec-race" evil
	[ -e raced ]
	rm raced
	run "$SYSGAIT" enforce --backend "$backend" -q -m model.gait --log log -- "$BUILD/fixtures/exec-race" evil
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ "ran "([0-9]+)" refused "([0-9]+)" killed "([0-9]+) ]]
	[ ! -e raced ]
	[ "${BASH_REMATCH[1]}" -gt 0 ]
	[ $((BASH_REMATCH[1] + BASH_REMATCH[2] + BASH_REMATCH[3])) -eq 200 ]
	[ "$(kinds | tr ' ' '\n' | grep -c exec)" -ge 1 ]
}

# cannot_hide CALL OTHER: the ptrace backend takes CLONE_UNTRACED away. What CALL creates is judged as any other task.
cannot_hide() {
	"$PYTHON" - "$@" <<-'END'
		import json, sys
		lines = [json.loads(line) for line in open("log")]
		creator, = [v["tid"] for v in lines if v["syscall"] == sys.argv[1]]
		created, = [v["tid"] for v in lines if v["syscall"] == sys.argv[2]]
		assert creator != created, lines
	END
}

@test "a child that hides from the tracer is killed before its first call" {
	train getppid
	"$steps" untraced=created
	[ -e created ]
	rm created
	enforce --on-violation log -- getppid untraced=created
	if [ "$backend" = ptrace ]; then
		cannot_hide clone3 openat
		return
	fi
	says 'hides its creator'
	says 'untraced: errno 1009'
	[ ! -e created ]
	"$steps" untraced-passive
	enforce --on-violation log -- getppid untraced-passive
	says 'hides its creator'
	says 'untraced-passive: errno 1009'
}

@test "a process that shares its descriptors is held only where what it does can be refused" {
	train getppid share-files
	enforce --on-violation log -- getppid share-files
	says 'share-files: ok'
	[ ! -s log ]
	enforce -- getppid share-files
	if kills_for_passive; then
		says 'shares its descriptors with the one that made it'
		says 'share-files: errno 1009'
	else
		says 'share-files: ok'
	fi
}

@test "a child that another thread hides from the tracer does nothing" {
	train getppid untraced-race
	"$steps" untraced-race=created
	[ -e created ]
	rm created
	enforce -- getppid untraced-race=created
	[ ! -e created ]
}

@test "a thread that hides from the tracer takes its process with it" {
	train getppid
	"$steps" untraced-thread=created
	[ -e created ]
	rm created
	enforce --on-violation log -- getppid untraced-thread=created
	if [ "$backend" = ptrace ]; then
		cannot_hide clone3 open
		return
	fi
	[ "$status" -eq 137 ]
	says 'hides its creator'
	[ ! -e created ]
}

@test "a library that was rebuilt since: a warning, and the kinds that do not need its sites" {
	mkdir lib
	export LD_LIBRARY_PATH=$PWD/lib
	cp "$BUILD/fixtures/libplugin.so" lib/
	train getppid plugin-getppid
	enforce -- plugin-getppid
	[ ! -s log ]
	sed '/<unistd/a int plugin_more(int); int plugin_more(int i) { return 3 * i; }' \
		"$BATS_TEST_DIRNAME/../fixtures/libplugin.c" >libplugin.c
	gcc -g -fPIC -shared -Wl,-soname,libplugin.so -o lib/libplugin.so libplugin.c
	enforce -- plugin-getppid getppid plugin-socket
	says 'libplugin.so was rebuilt since training'
	says 'plugin-socket: errno 1'
	[ "$(kinds)" = syscall ]
}

@test "a daemon is supervised to its end" {
	train getppid daemon=created
	enforce -- getppid daemon=created
	[ "$status" -eq 0 ]
	# The supervisor has waited for it.
	[ -e created ]
	[ ! -s log ]
}

@test "the floor: int 0x80 and x32 are killed, newer numbers do not exist" {
	train getppid
	enforce --on-violation log -- getppid int80
	[ "$status" -eq 159 ]
	says SIGSYS
	enforce --on-violation log -- getppid x32
	[ "$status" -eq 159 ]
	enforce --on-violation log -- getppid newest
	says 'newest: errno 38'
}

@test "the floor: what could undo supervision is refused in log mode too" {
	train getppid
	enforce --on-violation log -- getppid ptrace set-seccomp
	says 'ptrace: errno 1'
	says 'set-seccomp: errno 1'
	[ "$(kinds)" = 'syscall syscall' ]
}

@test "the floor: what was learned is let through, with a warning" {
	train getppid set-seccomp
	enforce --on-violation log -- getppid set-seccomp
	says 'warning: the model has learned prctl(PR_SET_SECCOMP)'
	# EINVAL: the kernel itself has answered.
	says 'set-seccomp: errno 22'
}

@test "the floor: a number is its low half, as for the kernel" {
	train getppid
	enforce -- getppid high-half
	says 'high-half: errno 1'
	[ "$(kinds)" = syscall ]
}

@test "a target under a filter of its own gets no listener, and is refused as any other" {
	train getppid own-filter listener
	enforce --on-violation errno:EACCES -- own-filter listener create=created getppid
	[ "$status" -eq 2 ]
	says 'own-filter: ok'
	says 'listener: errno 16'
	says 'create: errno 13'
	says 'getppid: ok'
}

@test "signals do not show in calls that never fail for one" {
	train getppid
	for _ in 1 2 3; do
		enforce --on-violation log -- uninterrupted repeated epoll getppid
		says 'uninterrupted: ok'
		says 'repeated: ok'
		says 'epoll: ok'
	done
}

@test "threads that never pause leave the others their turn" {
	train getppid
	timeout -s KILL 100 "$SYSGAIT" record -q -o crowd.trace -- "$steps" crowd
	run timeout -s KILL 100 "$SYSGAIT" enforce --backend "$backend" -q -m model.gait --on-violation log -- "$steps" crowd
	[ "$output" = 'crowd: ok' ]
}

@test "a program may always abort, and abort nobody else" {
	train nothing
	enforce -- abort
	if kills_for_passive; then
		grep -q '"action":"kill".*"syscall":"rt_sigprocmask"' log
	else
		[ "$status" -eq 134 ]
		grep -q '"action":"log".*"syscall":"tgkill"' log
	fi
	enforce -- abort-parent
	says 'abort-parent: errno 1'
	[ "$status" -eq 1 ]
}

@test "stdin, stdout and arguments are the target's" {
	train stdin getppid
	run bash -c "echo x | '$SYSGAIT' enforce --backend $backend -q -m model.gait -- '$steps' stdin getppid 2>/dev/null"
	[ "$output" = $'stdin: ok\ngetppid: ok' ]
}

@test "quiet says nothing, unquiet says what to expect" {
	train getppid getsid
	enforce -q -- getppid getsid
	[ "$output" = $'getppid: ok\ngetsid: ok' ]
	enforce -- getppid getsid
	says "$backend; after 5 runs the model expects"
}

@test "an action by name for a kind that is only logged is a mistake" {
	train getppid
	enforce --strict library --on-violation sequence=kill -- getppid
	[ "$status" -eq 2 ]
	says '--strict: strict up to library only logs sequence'
	enforce --strict library --on-violation kill,sequence=log -- getppid
	[ "$status" -eq 0 ]
}

@test "an ordinary user enforces on their own programs" {
	chmod 755 .
	# The checkout may lie where only its owner looks. So trained where it lies, run where it does.
	mkdir open
	cp "$steps" "$SYSGAIT" open
	for i in 1 2 3; do
		"$SYSGAIT" record -q -o own$i.trace -- open/steps getppid fork exec=/bin/true
	done
	"$SYSGAIT" learn -q -o own.gait own[123].trace
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
		open/sysgait enforce --backend "$backend" -m own.gait -- open/steps getppid fork exec=/bin/true socket
	echo "$output"
	if kills_for_passive; then
		[ "$status" -eq 1 ]
		says 'it takes CAP_BPF and CAP_PERFMON'
		says 'try --backend notify'
		return
	fi
	says 'exec: ok'
	says 'socket: errno 1'
}

@test "the supervisor is killed: the target dies" {
	train getppid stdin
	mkfifo fifo
	exec 9<>fifo
	for _ in 1 2 3 4 5; do
		"$SYSGAIT" enforce --backend "$backend" -q -m model.gait -- "$steps" getppid stdin <fifo 9>&- &
		supervisor=$!
		started="${started:-} $supervisor"
		wait_for "target=\$(pgrep -P $supervisor -x steps)"
		kill -9 "$supervisor"
		wait_for "! grep -q '^State:.[^ZX]' /proc/$target/status 2>/dev/null"
	done
}

@test "signals sent to the supervisor reach the target" {
	train getppid stdin
	mkfifo fifo
	exec 9<>fifo
	"$SYSGAIT" enforce --backend "$backend" -q -m model.gait -- "$steps" getppid stdin <fifo 9>&- &
	supervisor=$!
	started=$supervisor
	wait_for "pgrep -P $supervisor -x steps"
	wait_for "grep -q '^0 ' /proc/\$(pgrep -P $supervisor -x steps)/syscall"
	kill -TERM "$supervisor"
	wait "$supervisor" && return 1 || [ $? -eq 143 ]
}

@test "USR1 shows where every task stands" {
	train getppid stdin
	mkfifo fifo
	exec 9<>fifo
	"$SYSGAIT" enforce --backend "$backend" -q -m model.gait -- "$steps" getppid stdin <fifo 2>err 9>&- &
	supervisor=$!
	started=$supervisor
	wait_for "grep -q '^0 ' /proc/\$(pgrep -P $supervisor -x steps)/syscall"
	kill -USR1 "$supervisor"
	wait_for "grep -q '    steps: read at ' err"
	cat err
	grep -q 'sysgait enforce: [0-9]* events, 0 violations, 1 task:' err
	grep -q ', 0 violations: steps, main in phase [0-9]' err
	echo >fifo
	wait "$supervisor"
	[ "$(grep -c task: err)" -eq 1 ]
}

@test "a tree that asks for its own walkers is not answered" {
	train getppid
	enforce --on-violation log -- getppid kill-parent=10
	says 'kill-parent: ok'
	! says 'task:'
}

@test "a terminal has a status line, which gives way to the target's output" {
	local terminal=$BATS_TEST_DIRNAME/terminal
	local script='sleep 60 & trap "kill $!; echo done; exit 3" INT; echo ready; wait'
	run "$terminal" "$SYSGAIT" record -q -o run.trace -- sh -c "$script" -- '<ready' '>\x03' '<done'
	[ "$status" -eq 3 ]
	"$SYSGAIT" learn -q -o model.gait run.trace
	run "$terminal" "$SYSGAIT" enforce --backend "$backend" --on-violation log -m model.gait -- \
		sh -c "$script" -- '<ready' '<events/s' '>\x03' '<done'
	cat -v <<<"$output"
	[ "$status" -eq 3 ]
	says ' events/s, 2 tasks, '
	says '; dash main '
	# What was on the row is cleared before the target prints, and before we do.
	grep -qE $'^(.*\033\\[K)?done$' <<<"$output"
	grep -qE $'^(.*\033\\[K)?sysgait enforce: [0-9]+ events of ' <<<"$output"
}

@test "no status line for a program that reads the terminal, nor where none is wanted" {
	local terminal=$BATS_TEST_DIRNAME/terminal
	# Sleep is longer than the line is patient, and longer than it is away after an output.
	local script='echo ready; read x; echo "$x"; sleep 1.2; echo "$x"'
	run "$terminal" "$SYSGAIT" record -q -o run.trace -- sh -c "$script" -- '<ready' '>hello\r' '<hello'
	"$SYSGAIT" learn -q -o model.gait run.trace
	run "$terminal" "$SYSGAIT" enforce --backend "$backend" --on-violation log -m model.gait -- \
		sh -c "$script" -- '<ready' '>hello\r' '<hello'
	[ "$status" -eq 0 ]
	if says 'events/s'; then false; fi
	run "$terminal" "$SYSGAIT" enforce --backend "$backend" --no-status --on-violation log -m model.gait -- \
		sh -c "echo ready; sleep 1.2" -- '<ready'
	! says 'events/s'
}

@test "signals that the tree sends do not come back from the supervisor" {
	train getppid
	enforce --on-violation log -- getppid kill-parent=12
	[ "$status" -eq 0 ]
	says 'kill-parent: ok'
}

@test "a file name cannot forge a line on the terminal" {
	train getppid
	cp /bin/true $'t\e[31m\nsysgait enforce: all is well'
	enforce --on-violation log -- getppid exec=$'./t\e[31m\nsysgait enforce: all is well'
	says 't\x1b[31m\nsysgait enforce: all is well, which the model does not know'
	! grep -q '^sysgait enforce: all is well' <<<"$output"
}

@test "looking at what an exec would run opens no FIFO and no device" {
	train getppid
	mkfifo -m 755 fifo
	(echo >fifo; touch opened) &
	started="${started:-} $!"
	enforce --on-violation log -- getppid exec=./fifo
	says 'exec: errno 13'
	[ ! -e opened ]
}

# Whether the daemon that `steps sleeper` leaves is there, in pause(); sets sleeper.
sleeps() {
	sleeper=$(pgrep -nf "^$steps nothing sleeper.$BATS_TEST_NUMBER.$$") && grep -qs '^34 ' "/proc/$sleeper/syscall"
}

@test "a daemon whose first process is gone gets the signals" {
	n=0
	for run in 1 2; do
		"$SYSGAIT" record -q -o "run$run.trace" -- "$steps" nothing "sleeper=$BATS_TEST_NUMBER.$$" &
		started="${started:-} $!"
		wait_for sleeps
		kill -TERM "$sleeper"
		wait $!
	done
	"$SYSGAIT" learn -q -o model.gait run1.trace run2.trace
	"$SYSGAIT" enforce --backend "$backend" -m model.gait --log log -- "$steps" nothing "sleeper=$BATS_TEST_NUMBER.$$" &
	supervisor=$!
	started="$started $supervisor"
	wait_for sleeps
	wait_for "! pgrep -P $supervisor -x steps"
	kill -TERM "$supervisor"
	wait "$supervisor"
	[ ! -s log ]
	! grep -q '^State:.[^ZX]' "/proc/$sleeper/status"
}

# Starts "$@" on a FIFO, waits until the target sleeps in read(), stops and continues it, and lets it end.
stop_and_continue() {
	rm -f fifo
	mkfifo fifo
	exec 9<>fifo
	"$@" "$steps" nothing "stdin=$BATS_TEST_NUMBER.$$" <fifo >out 2>&1 9>&- &
	local supervisor=$! target
	started="${started:-} $supervisor"
	# `steps` has cut the argument at its equals sign.
	wait_for "target=\$(pgrep -f '^$steps nothing stdin.$BATS_TEST_NUMBER.$$')"
	for _ in 1 2 3; do
		wait_for "grep -q '^0 ' /proc/$target/syscall"
		kill -STOP "$target"
		wait_for "grep -q '^State:.[Tt]' /proc/$target/status"
		kill -CONT "$target"
		wait_for "! grep -q '^State:.[Tt]' /proc/$target/status"
	done
	wait_for "grep -q '^0 ' /proc/$target/syscall"
	echo >&9
	wait "$supervisor"
}

@test "a call that the kernel makes again after a stop is one call" {
	train nothing stdin
	stop_and_continue "$SYSGAIT" enforce --backend "$backend" -m model.gait --log log --
	cat out
	grep -qF ' 0 violations' out
	[ ! -s log ]
	stop_and_continue "$SYSGAIT" record -q -o again.trace --
	run "$SYSGAIT" check -m model.gait again.trace
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "sqlite3 and python3 give the same answers, with hardly a violation" {
	cat >script.sql <<-'END'
		create table t (a integer primary key, b text);
		insert into t values (1, 'one'), (2, 'two');
		begin; update t set b = upper(b); commit;
		select * from t order by a desc;
	END
	cat >script.py <<-'END'
		import json, sqlite3, subprocess
		print(json.dumps([1, 2]), sqlite3.connect(":memory:").execute("select 6 * 7").fetchone(), flush=True)
		subprocess.check_call(["/bin/echo", "hello"])
	END
	# Every run of python3 lays out its tables alike; when its heap grows still depends on addresses.
	export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
	for i in 1 2 3; do
		rm -f db
		"$SYSGAIT" record -q -o "sql$i.trace" -- sqlite3 db <script.sql >expected.sql
		"$SYSGAIT" record -q -o "py$i.trace" -- "$PYTHON" script.py >expected.py
	done
	"$SYSGAIT" learn -q -o sql.gait sql*.trace
	"$SYSGAIT" learn -q -o py.gait py*.trace
	rm -f db
	"$SYSGAIT" enforce --backend "$backend" --on-violation log --log sql.log -m sql.gait -- sqlite3 db <script.sql >got.sql
	"$SYSGAIT" enforce --backend "$backend" --on-violation log --log py.log -m py.gait -- "$PYTHON" script.py >got.py
	cmp expected.sql got.sql
	cmp expected.py got.py
	cat sql.log py.log
	[ ! -s sql.log ]
	[ "$(wc -l <py.log)" -le 2 ]
}

@test "a partial trace makes a model that is refused, unless told otherwise" {
	n=0
	record getppid
	# What a recorder leaves that is killed before its end.
	truncate -s -10 run1.trace
	"$SYSGAIT" learn -q --allow-partial -o model.gait run1.trace
	enforce -- getppid
	[ "$status" -eq 1 ]
	says 'partial trace'
	enforce --allow-partial -- getppid
	says 'getppid: ok'
}
