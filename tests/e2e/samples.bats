#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The recorded traces in traces/samples still give the models and pictures beside them, byte for byte.

load common

setup() {
	samples=$BATS_TEST_DIRNAME/../../traces/samples
	cd "$BATS_TEST_TMPDIR"
}

for_each_program() {
	for program in nginx redis sqlite3 python3; do
		"$@" "$program"
	done
}

same_model() {
	"$SYSGAIT" learn -q -o model.gait "$samples/$1-2.trace" "$samples/$1-1.trace"
	cmp model.gait "$samples/$1.gait"
}

accepted() {
	"$SYSGAIT" check -q -m "$samples/$1.gait" "$samples/$1-1.trace" "$samples/$1-2.trace"
}

same_pictures() {
	for picture in phases roles; do
		"$SYSGAIT" graph "$samples/$1.gait" "--$picture" -o picture.dot
		cmp picture.dot "$samples/$1-$picture.dot"
	done
}

@test "samples give the models expected of them" {
	for_each_program same_model
}

@test "samples are accepted by their models" {
	for_each_program accepted
}

@test "models give the pictures expected of them" {
	for_each_program same_pictures
}
