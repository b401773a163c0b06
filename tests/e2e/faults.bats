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
