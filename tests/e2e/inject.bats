#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The attacks that other tests see refused are real: without enforcement each of them takes effect.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	inject=$BUILD/fixtures/inject
	mkfifo fifo
	exec 9<>fifo
	cat <fifo >copied 9>&- &
	victim=$!
	echo first >fifo
	wait_for 'grep -q first copied'
}

teardown() {
	kill "$victim" 2>/dev/null || true
	[ -z "${listener:-}" ] || kill "$listener" 2>/dev/null || true
}

attack() {
	run "$inject" -k 'echo kick >fifo' "$victim" "$@"
	echo "$output"
}

@test "the victim survives an injection that does nothing" {
	attack none
	[ "$status" -eq 0 ]
	echo last >fifo
	wait_for 'grep -q last copied'
}

@test "execve takes effect" {
	attack execve 'echo $$ >marker'
	wait_for '[ -s marker ]'
	[ "$(cat marker)" = "$victim" ]
}

@test "a secret is read and leaked, and the victim goes on" {
	echo 'the secret' >secret
	attack read "$PWD/secret" "$PWD/leak"
	[ "$status" -eq 0 ]
	cmp secret leak
	echo last >fifo
	wait_for 'grep -q last copied'
}

@test "a connection goes out" {
	${PYTHON:-/usr/bin/python3} -c '
import socket
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(20)
print(listener.getsockname()[1], file=open("port", "w"), flush=True)
print(listener.accept()[0].recv(100).decode(), file=open("heard", "w"), flush=True)' 9>&- &
	listener=$!
	wait_for '[ -s port ]'
	attack connect "$(cat port)"
	[ "$status" -eq 0 ]
	wait_for 'grep -q owned heard'
}

@test "a call that fails is told as such" {
	attack read /nonexistent/secret "$PWD/leak"
	[ "$status" -eq 4 ]
	[[ "$output" == *"open: No such file or directory"* ]]
	[ ! -e leak ]
}

@test "injection into an nginx worker takes effect, and the server goes on" {
	cat >attack.sh <<-END
		# The worker may be nobody: it can write where it finds a file that is open to all.
		echo 'the secret' >"\$DIR/secret"
		touch "\$DIR/leak"
		chmod 666 "\$DIR/leak"
		"$inject" -k "curl -s -o /dev/null http://127.0.0.1:\$PORT/status" "\$WORKER" \
			read "\$DIR/secret" "\$DIR/leak" || exit
		cmp "\$DIR/secret" "\$DIR/leak"
	END
	run "$BATS_TEST_DIRNAME/../../traces/nginx" --scale 1 --then "sh '$PWD/attack.sh'" 1 "$PWD/out"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"read: read = 11"* ]]
	[ "$(tail -1 out/answers)" = "exit 0" ]
}
