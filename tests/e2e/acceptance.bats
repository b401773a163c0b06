#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real programs, end to end: five training runs and one held out, learned, checked and enforced (traces/accept).

accept() {
	run "$BATS_TEST_DIRNAME/../../traces/accept" "$1"
	# How much a run brings that is new is chance; twice in a row it is not.
	if [ "$status" -ne 0 ]; then
		echo "$output" | grep -A 20 '^not ok\|^Bail' | sed 's/^/# at first: /' >&3
		run "$BATS_TEST_DIRNAME/../../traces/accept" "$1"
	fi
	echo "$output"
	echo "$output" | grep -A 20 '^not ok\|^Bail' | sed 's/^/# /' >&3 || true
	echo "$output" | sed -n "s/^ok [0-9]* - \($1: .*\)/# \1/p" >&3
	[ "$status" -eq 0 ]
}

@test "nginx walks as it was taught, and is none the worse for it" {
	accept nginx
}

@test "redis-server walks as it was taught, and is none the worse for it" {
	accept redis
}

@test "sqlite3 walks as it was taught, and is none the worse for it" {
	accept sqlite3
}

@test "python3 walks as it was taught, and is none the worse for it" {
	accept python3
}
