#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real programs, end to end: five training runs and one held out, learned, checked and enforced (traces/accept).
# Long: goes first.

load common

TEST=$BATS_TEST_DIRNAME/../../traces/accept

failures() { echo "$output" | grep -A 20 '^not ok\|^Bail' | sed "s/^/# $1/"; }

# What a held-out run brings that is new, and whether a refusal of it (seed 1, errno) is felt, is chance.
# Everything else (training traces accepted, the same model in any order, answers when recorded or logged) is not.
is_chance() {
	echo "$output" | grep '^not ok\|^Bail' |
		grep -v 'more expected in the next run\|seed 1: served to its end\|under enforcement (notify, errno' >/dev/null && return 1
	echo "$output" | grep -q '^not ok'
}

accept() {
	run "$TEST" "$1"
	if [ "$status" -ne 0 ] && is_chance; then
		failures 'at first: ' >&3
		run "$TEST" "$1"
	fi
	echo "$output"
	failures '' >&3
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
