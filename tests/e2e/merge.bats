#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Merging models of a real program's runs, and what cannot be merged.

bats_require_minimum_version 1.5.0
load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	for i in 1 2 3 4; do
		"$SYSGAIT" record -q -o "$i.trace" -- /bin/sh -c "for i in $(seq -s ' ' "$i"); do (echo \$i); done; ls -l /" >/dev/null
		"$SYSGAIT" learn -q -o "$i.gait" "$i.trace"
	done
	"$SYSGAIT" learn -q -o all.gait 1.trace 2.trace 3.trace 4.trace
}

setup() {
	cd "$BATS_FILE_TMPDIR"
}

@test "merging equals learning the traces together, in any order and grouping" {
	"$SYSGAIT" merge -q -o a.gait 4.gait 2.gait 1.gait 3.gait
	cmp a.gait all.gait
	"$SYSGAIT" merge -q -o left.gait 3.gait 1.gait
	"$SYSGAIT" merge -q -o right.gait 2.gait 4.gait
	"$SYSGAIT" merge -q -o b.gait right.gait left.gait
	cmp b.gait all.gait
}

@test "a run counts once, however often it is given" {
	"$SYSGAIT" merge -q -o pair.gait 1.gait 2.gait
	"$SYSGAIT" merge -q -o again.gait all.gait pair.gait 1.gait all.gait
	cmp again.gait all.gait
}

@test "merge writes to standard output, reads standard input, and may replace an input" {
	cat 1.gait | "$SYSGAIT" merge -q -o - - 2.gait >out.gait
	cp 1.gait one.gait
	"$SYSGAIT" merge -q -o one.gait one.gait 2.gait
	cmp out.gait one.gait
}

@test "models that overlap are refused, naming a run, and nothing is written" {
	"$SYSGAIT" merge -q -o ab.gait 1.gait 2.gait
	"$SYSGAIT" merge -q -o bc.gait 2.gait 3.gait
	run "$SYSGAIT" merge -o no.gait ab.gait bc.gait
	[ "$status" -eq 1 ]
	[[ "$output" == *"have some of them in common (one is "*"/bin/sh -c for i in 1 2;"* ]]
	[ ! -e no.gait ]
	"$SYSGAIT" merge -q -o yes.gait ab.gait bc.gait all.gait
	cmp yes.gait all.gait
}

@test "errors name the file and the place" {
	sed '0,/"runs": [0-9][0-9]*/s//"runs": 99/' 1.gait >many.gait
	run "$SYSGAIT" merge -o no.gait 2.gait many.gait
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == "sysgait merge: many.gait: programs[0]: it was seen in 99 runs, but the model has 1" ]]
	run "$SYSGAIT" merge -o no.gait missing.gait
	[ "$status" -eq 1 ]
	[[ "$output" == *"open(missing.gait): No such file or directory"* ]]
	[ ! -e no.gait ]
}

@test "wrong usage exits 2, a full disk 1" {
	run "$SYSGAIT" merge 1.gait
	[ "$status" -eq 2 ]
	run "$SYSGAIT" merge -o x.gait
	[ "$status" -eq 2 ]
	run "$SYSGAIT" merge --nonsense
	[ "$status" -eq 2 ]
	run "$SYSGAIT" merge -o /dev/full 1.gait
	[ "$status" -eq 1 ]
	[[ "$output" == *"No space left on device"* ]]
}

@test "what is not a model is neither read nor overwritten" {
	: >empty.gait
	echo precious >notes
	for command in "merge -o no.gait empty.gait" "check -m empty.gait notes" "graph empty.gait" \
		"enforce -m empty.gait -- true"; do
		run "$SYSGAIT" $command
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *": empty.gait: the file is empty" ]]
	done
	run "$SYSGAIT" merge -o notes 1.gait
	[ "$status" -eq 1 ]
	[[ "$output" == *"notes is there already and is not a model: it is not overwritten" ]]
	[ "$(cat notes)" = precious ]
	"$SYSGAIT" merge -q -o empty.gait 1.gait
	cmp empty.gait 1.gait
	printf 'x\xff\n' >bytes
	run "$SYSGAIT" merge -o no.gait bytes
	[ "$status" -eq 1 ]
	[[ "$output" == *"bytes: it is not a model: byte 1 is not UTF-8 text"* ]]
}

@test "a message cannot move the cursor" {
	run "$SYSGAIT" merge -o no.gait "$(printf 'a\xff\033[31m')"
	[ "$status" -eq 1 ]
	[[ "$output" == *'open(a\xff\x1b[31m): No such file'* ]]
}
