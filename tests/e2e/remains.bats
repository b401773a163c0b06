#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is left of a call whose process is killed for it, for whoever has open what it was made on.

load common

@test "nothing is left of a call that is killed for, but for what reading takes away" {
	need_bpf
	run "$BATS_TEST_DIRNAME/remains" bpf-notify bpf-kill
	echo "$output"
	echo "$output" | sed -n 's/^ok [0-9]* - \(.*took effect before.*\)/# \1/p' >&3
	[ "$status" -eq 0 ]
}
