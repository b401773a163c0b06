#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The backends of enforce come to the same verdicts on the same events, live and replayed, and to the same attribution.

load common

compare() { # WORKLOAD OPTION…
	need_bpf
	run "$PYTHON" "$BATS_TEST_DIRNAME/../attribution/backends" --sysgait "$SYSGAIT" "${@:2}" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "$output" | sed -n 's/^ok [0-9]* - \(.*lined up.*agree\)/# \1/p' >&3
}

@test "sqlite3: every call and every verdict is the same" {
	compare sqlite3 --same sqlite3
}

@test "nginx: the same verdicts, library and site" {
	compare nginx
}

@test "redis-server: the same verdicts, library and site" {
	compare redis
}

@test "python3: the same verdicts, library and site" {
	compare python3
}

@test "bash: the same verdicts, library and site" {
	compare bash --backend notify --backend bpf-notify
}

# Two runs of a Go program cannot be lined up.
@test "a Go server: the same verdicts of the kernel and of check" {
	compare go --backend bpf-kill
}

@test "sshd: the same verdicts of the kernel and of check" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'sshd separates privileges as root only'
	compare sshd --backend bpf-notify
}
