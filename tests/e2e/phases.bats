#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where serving begins: traces/phases-check, by hand for more programs and for halves of ten runs.

load common

@test "nginx, redis and sshd begin to serve where their sources say" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'sshd needs root'
	run "$BATS_TEST_DIRNAME/../../traces/phases-check" --runs 2 nginx 'nginx --plain' redis sshd
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ok .* serving .* begins with .* 0 calls before' <<<"$output")" -eq 6 ]
}
