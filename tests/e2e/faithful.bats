#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What runs under enforcement in log mode does as it does without: servers and shells, by every backend (traces/accept;
# nginx, redis, sqlite3 and python3 are in acceptance.bats). How much of a held-out run is new, and whether refusing it
# is felt, is not asked here. GAIT_LONG=1 trains longer and asks for that, too.

bats_require_minimum_version 1.5.0
load common

accept() { # PROGRAM [OPTION...]
	local runs=3
	[ -z "${GAIT_LONG:-}" ] || runs=8
	run "$BATS_TEST_DIRNAME/../../traces/accept" --runs "$runs" "${@:2}" "$1"
	echo "$output"
	echo "$output" | grep -A 20 '^not ok\|^Bail' | sed 's/^/# /' >&3
	echo "$output" | sed -n "s/^ok [0-9]* - \($1: .*\)/# \1/p" >&3
	[ -z "${GAIT_LONG:-}" ] || return "$status"
	[ "$(echo "$output" | grep -c '^ok .*: the same answers under enforcement (\(notify\|ptrace\), log')" -eq 2 ]
	! echo "$output" | grep '^not ok\|^Bail' |
		grep -v 'more expected in the next run\|seed 1: served to its end\|under enforcement (notify, errno'
}

@test "a Go HTTP server: preemption signals, goroutines on many threads" {
	accept go
}

@test "bash: job control, traps, pipelines, substitutions" {
	accept bash
}

@test "sshd: separated privileges, commands, copies, a terminal" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'sshd separates privileges as root only'
	accept sshd --scale 1
}

@test "postgres: one client session, checkpoint, fast shutdown" {
	accept postgres
}
