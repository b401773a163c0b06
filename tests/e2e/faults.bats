#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Faults: whatever fails, and wherever the supervisor dies, nothing runs on unsupervised, and somebody says why.

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
