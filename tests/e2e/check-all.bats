#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What runs all tests: in which order, when it fails, what it runs again, and what it says of tests that passed only then.

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
	[[ ${lines[-6]} == *"only at the second try:" ]]
	# In the order in which they were over.
	[ "$(printf '%s\n' "${lines[-5]}" "${lines[-4]}" | sed 's|.*/||' | sort)" = $'b.t:not ok 2 two of b.t\nc.t:not ok 2 two of c.t' ]
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

@test "of a bats file that came to its end only what failed is run again, and all of it counts" {
	sed 's/^a test/@test/' >a.bats <<-'END'
		#!/usr/bin/env bats
		once() { echo x >>"$BATS_TEST_DIRNAME/tries$1"; [ "$(wc -l <"$BATS_TEST_DIRNAME/tries$1")" -gt "$2" ]; }
		a test "one" { once 1 0; }
		a test "two: (a|b) [c] *, 2.0 + 3?" { once 2 1; }
		a test "three" { once 3 0; }
		a test "two" { once 4 1; }
		a test "two: (a|b)" { once 5 0; }
	END
	printf '#!/bin/sh\n%s\n' 'exec env PATH=/usr/bin:/bin bats a.bats "$@"' >by-another
	chmod +x by-another
	for file in a.bats by-another; do
		rm -f tries?
		check 0 ./$file
		[[ ${lines[-1]} == "Result: PASS" ]]
		[[ ${lines[-2]} == "Files=1, Tests=5,"* ]]
		[[ "$output" == *"second try:"*"$file:not ok 2 two: (a|b) [c] *"*"$file:not ok 4 two"$'\n'"All tests successful."* ]]
		[ "$(wc -l <tries1) $(wc -l <tries2) $(wc -l <tries3) $(wc -l <tries4) $(wc -l <tries5)" = '1 2 1 2 1' ]
	done
	sed -i 's/once 4 1/once 4 2/' a.bats
	rm -f tries?
	check 1 ./a.bats
	[[ ${lines[-1]} == "Result: FAIL" ]]
}

@test "a bats file that did not come to its end is run again as a whole" {
	sed 's/^a test/@test/' >a.bats <<-'END'
		#!/usr/bin/env bats
		setup_file() { echo x >>"$BATS_TEST_DIRNAME/tries"; [ "$(wc -l <"$BATS_TEST_DIRNAME/tries")" -gt 1 ]; }
		a test "one" { :; }
		a test "two" { :; }
	END
	check 0 ./a.bats
	[[ ${lines[-2]} == "Files=1, Tests=2,"* ]]
	[[ "$output" == *"second try:"*"not ok 1 setup_file failed"* ]]
}

@test "a test that gives up fails, and ends no other" {
	printf '#!/bin/sh\n%s\n' 'echo 1..2; echo ok 1 one; echo "Bail out! no more"; exit 1' >a.t
	chmod +x a.t
	for name in b c d e f; do make_test $name.t 0; done
	check 1 ./a.t ./b.t ./c.t ./d.t ./e.t ./f.t
	[[ ${lines[-1]} == "Result: FAIL" ]]
	[[ ${lines[-2]} == "Files=6, Tests=11,"* ]]
	for name in b c d e f; do [ "$(wc -l <$name.t.tries)" -eq 1 ]; done
}

@test "who is long goes first" {
	tests=()
	for n in $(seq "$(($(nproc) + 5))"); do
		printf '#!/bin/bash\n%s\n' "echo 1..1; echo $n >>order; echo ok 1" >$n.t
		chmod +x $n.t
		tests+=(./$n.t)
	done
	sed -i '1a # Long: goes first.' $n.t
	check 0 "${tests[@]}"
	head -n "$(($(nproc) + 1))" order | grep -qx $n
}

@test "what chance decides is decided again as it was" {
	printf '#!/bin/sh\n%s\n' 'echo "$*" >>seeds; echo "# random seed: R02S1f"; echo 1..1; echo "# why"; kill -ABRT $$' >a.t
	chmod +x a.t
	check 1 ./a.t
	[ "$(cat seeds)" = $'\n--seed=R02S1f' ]
	[[ "$output" == *"said:"*"./a.t: # why"*"once more:"* ]]
}
