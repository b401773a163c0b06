#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What runs all tests: when it fails, and what it says of tests that passed only at the second try.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	check_all=$BATS_TEST_DIRNAME/../check-all
	mkdir build
}

# make_test NAME FAILS: a test of two, the second of which fails FAILS times.
make_test() {
	cat >"$1" <<-END
		#!/bin/bash
		echo 1..2
		echo ok 1 one of $1
		echo x >>$1.tries
		[ "\$(wc -l <$1.tries)" -gt $2 ] || { echo not ok 2 two of $1; echo "# why"; exit 1; }
		echo ok 2 two of $1
	END
	chmod +x "$1"
}

# check STATUS TEST...: its output without times.
check() {
	local expected=$1
	shift
	# It is no part of the run that it is tested in.
	run -"$expected" env -u HARNESS_ACTIVE -u HARNESS_VERSION BUILD="$PWD/build" "$check_all" "$@"
	echo "$output"
}

@test "all tests pass: prove's summary, and no second run" {
	make_test a.t 0
	make_test b.t 0
	check 0 ./a.t ./b.t
	[[ ${lines[-1]} == "Result: PASS" ]]
	[[ ${lines[-2]} == "Files=2, Tests=4,"* ]]
	[[ "$output" != *check:* ]]
}

@test "two files that pass at the second try pass, and are named before the summary of all" {
	make_test a.t 0
	make_test b.t 1
	make_test c.t 1
	check 0 ./a.t ./b.t "$PWD/c.t"
	[[ ${lines[-1]} == "Result: PASS" ]]
	[[ ${lines[-2]} == "Files=3, Tests=6,"* ]]
	[[ ${lines[-3]} == "All tests successful." ]]
	[[ "${lines[-6]} ${lines[-5]} ${lines[-4]}" == *"only at the second try"*"b.t:not ok 2 two of b.t"*"c.t:not ok 2 two of c.t"* ]]
	# What was wrong at first is there, too.
	[ "$(grep -c '# why' <<<"$output")" -eq 2 ]
	[ "$(wc -l <a.t.tries)" -eq 1 ]
	[ "$(wc -l <b.t.tries)" -eq 2 ]
}

@test "a second failure, or more than two files that fail at first, are a failure" {
	make_test a.t 0
	make_test b.t 2
	check 1 ./a.t ./b.t
	[[ ${lines[-1]} == "Result: FAIL" ]]
	for name in b c d; do
		rm -f $name.t.tries
		make_test $name.t 1
	done
	check 1 ./a.t ./b.t ./c.t ./d.t
	[[ ${lines[-1]} == "Result: FAIL" ]]
	[[ "$output" == *"3 files failed"* ]]
}
