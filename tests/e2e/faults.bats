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
	rm -rf "$directory"
}

@test "150 supervisors of forks, execs, threads and daemons are killed: nothing lives on, nothing takes effect" {
	"$BATS_TEST_DIRNAME/kill-rounds" storm 150
}

@test "50 supervisors of nginx under load are killed: nothing lives on" {
	"$BATS_TEST_DIRNAME/kill-rounds" nginx 50
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
