#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Training on a small server, with all the ways in which a run can go wrong.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	cat >server.py <<-'EOF'
		import os, signal, socket, sys
		if 'stubborn' in sys.argv:
		    signal.signal(signal.SIGTERM, signal.SIG_IGN)
		else:
		    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
		if os.path.exists('socket'):
		    os.unlink('socket')
		server = socket.socket(socket.AF_UNIX)
		server.bind('socket')
		server.listen()
		with open('pid', 'w') as f:
		    f.write(str(os.getpid()))
		while True:
		    client = server.accept()[0]
		    client.sendall(client.recv(100).upper())
		    client.close()
	EOF
	cat >driver.py <<-'EOF'
		import os, socket, time
		while True:
		    try:
		        client = socket.socket(socket.AF_UNIX)
		        client.connect('socket')
		        break
		    except OSError:
		        time.sleep(0.01)
		client.sendall(b'run ' + os.environ['SYSGAIT_RUN'].encode())
		answer = client.recv(100).decode()
		with open('pid') as f:
		    assert f.read() == os.environ['SYSGAIT_PID']
		with open('answers', 'a') as f:
		    f.write(answer + '\n')
		os.unlink('socket')
	EOF
}

server_is_gone() {
	! kill -0 "$(cat pid)" 2>/dev/null
}

@test "a server is driven, stopped and learned, run after run" {
	run "$SYSGAIT" train -o app.gait -n 3 --keep traces -d "$PYTHON driver.py" -- "$PYTHON" server.py
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(cat answers)" = $'RUN 1\nRUN 2\nRUN 3' ]
	[[ "$output" == *"run 3 of 3: "*" new edges, "*" in all; expect "* ]]
	[[ "$output" == *"python3"*": 3 runs, "* ]]
	server_is_gone
	"$SYSGAIT" learn -q -o same.gait traces/run-*.trace
	cmp same.gait app.gait
	"$SYSGAIT" check -q -m app.gait traces/run-*.trace
}

@test "training ends when the model is mature" {
	run "$SYSGAIT" train -o true.gait --until-mature -- /bin/true
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"run 3 of 30: 0 new edges"* ]]
	[[ "$output" != *"run 10 of"* ]]
	[[ "$output" != *"not mature"* ]]
}

@test "a stricter maturity takes as many runs as can tell" {
	run "$SYSGAIT" train -o true.gait --maturity 0.2 -- /bin/true
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"run 5 of 30: 0 new edges"* ]]
	[[ "$output" != *"run 12 of"* ]]
	[[ "$output" != *"not mature"* ]]
	run "$SYSGAIT" train -q -o true.gait --maturity 0.2 --runs 3 -- /bin/true
	[[ "$output" == *"not mature after 3 runs"* ]]
	for bad in 0 -1 nan x; do
		run "$SYSGAIT" train -q -o true.gait --maturity "$bad" -- /bin/true
		[ "$status" -eq 2 ]
	done
}

@test "a driver that fails ends the training, and the server" {
	run "$SYSGAIT" train -o app.gait -n 3 \
		-d "$PYTHON driver.py; test \$SYSGAIT_RUN != 2 || exit 7" -- "$PYTHON" server.py
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the driver ended with status 7 in run 2, which is not learned"* ]]
	server_is_gone
	"$SYSGAIT" print app.gait | grep -q '^1 run, '
}

@test "a server that does not stop is killed, and that is said" {
	run "$SYSGAIT" train -o app.gait -n 1 --grace 1 -d "$PYTHON driver.py" -- "$PYTHON" server.py stubborn
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"did not end within 1 s and was killed"* ]]
	server_is_gone
}

@test "a server that signals its whole process group hits itself alone" {
	cat >group.py <<-'EOS'
		import os, signal, sys, time
		signal.signal(signal.SIGHUP, signal.SIG_IGN)
		def end(*_):
		    signal.signal(signal.SIGTERM, signal.SIG_IGN)
		    os.kill(0, signal.SIGTERM)
		    time.sleep(0.2)
		    sys.exit(0)
		signal.signal(signal.SIGTERM, end)
		os.kill(0, signal.SIGHUP)
		open('ready', 'w').close()
		while True:
		    signal.pause()
	EOS
	run "$SYSGAIT" train -o app.gait -n 2 -d 'until [ -e ready ]; do sleep 0.02; done; rm ready' \
		-- "$PYTHON" group.py
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *"was killed"* ]]
	[[ "$output" == *"run 2 of 2: "* ]]
	run setsid -w "$SYSGAIT" train -o alone.gait -n 1 -- "$PYTHON" -c 'import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(0, signal.SIGTERM)'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"run 1 of 1: "* ]]
	# On a terminal, with no driver, the trainer is in it; what comes from a descendant is not for the trainer.
	cat >alone.py <<-'EOS'
		import os, signal, time
		def read(pid, field):
		    return next(line.split()[1] for line in open(f'/proc/{pid}/status') if line.startswith(field + ':'))
		signal.signal(signal.SIGTERM, signal.SIG_IGN)
		trainer = read(read(os.getppid(), 'PPid'), 'PPid')
		assert os.getpgid(int(trainer)) == os.getpgid(0)
		os.kill(0, signal.SIGTERM)
		# Until the trainer has seen who it is from.
		while int(read(trainer, 'ShdPnd'), 16) >> signal.SIGTERM - 1 & 1:
		    time.sleep(0.01)
		time.sleep(0.2)
	EOS
	run "$BATS_TEST_DIRNAME/terminal" "$SYSGAIT" train -o alone.gait -n 1 -- "$PYTHON" alone.py -- '<run 1 of 1: '
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *Error* ]]
}

@test "interrupting stops server and driver, and keeps the runs before" {
	"$SYSGAIT" train -o app.gait -n 3 -d "$PYTHON driver.py; test \$SYSGAIT_RUN != 2 || { touch second; sleep 600; }" \
		-- "$PYTHON" server.py >out 2>&1 3>&- &
	trainer=$!
	for _ in $(seq 1000); do
		[ ! -e second ] || break
		sleep 0.02
	done
	kill -TERM "$trainer"
	status=0
	wait "$trainer" || status=$?
	cat out
	[ "$status" -eq 1 ]
	grep -q 'broken off in run 2; app.gait has the runs before' out
	server_is_gone
	"$SYSGAIT" print app.gait | grep -q '^1 run, '
}

@test "a program that is not there is an error, once" {
	run "$SYSGAIT" train -o app.gait -- ./missing
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"missing"* ]]
	[ ! -e app.gait ]
	run "$SYSGAIT" train -o app.gait
	[ "$status" -eq 2 ]
	run "$SYSGAIT" train -o app.gait --stop NONSENSE -- true
	[ "$status" -eq 2 ]
	run "$SYSGAIT" train -o app.gait --runs 0 -- true
	[ "$status" -eq 2 ]
	run "$SYSGAIT" train -o missing/app.gait -- touch started
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot write missing/app.gait: No such file or directory" ]]
	[ ! -e started ]
}
