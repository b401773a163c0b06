#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attribution against perf's unwinder, event by event, on runs of real servers.

load common

compare() {
	if ! perf record --quiet --event raw_syscalls:sys_enter --call-graph dwarf,1024 \
		--output "$BATS_TEST_TMPDIR/try" -- true 2>"$BATS_TEST_TMPDIR/why"; then
		cat "$BATS_TEST_TMPDIR/why"
		cannot_run "perf may not trace system calls here"
	fi
	run "${PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../attribution/compare" \
		--sysgait "$SYSGAIT" --at-least 99 "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "nginx: perf finds the same library and site for at least 99% of the calls" {
	compare nginx
}

@test "redis: perf finds the same library and site for at least 99% of the calls" {
	compare redis
}
