#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the in-kernel tier knows of earlier calls does not outlive what it was true of.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	need_bpf
}

# moved WAY: the first file's call through the second, at the same address, is refused by every backend; and nothing
# else is.
moved() {
	local moved=$BUILD/fixtures/moved
	mkdir -p code
	"$SYSGAIT" record -q --backend ptrace -o trace -- "$moved" code "$1"
	"$SYSGAIT" learn -q -o model trace
	for backend in ptrace notify bpf-notify bpf-kill; do
		echo "$backend"
		"$SYSGAIT" enforce -q -m model --backend "$backend" --on-violation log --log log -- "$moved" code "$1"
		[ ! -s log ]
		"$SYSGAIT" enforce -q -m model --backend "$backend" --on-violation log --log log -- "$moved" code "$1" attack
		[ "$(grep -c '"syscall":"getsid"' log)" -eq 1 ]
		[ "$(wc -l <log)" -eq 1 ]
		rm log
	done
}

@test "another file's code at the same address" {
	moved map
}

@test "another file's code at the same address, made executable later" {
	moved protect
}

@test "another file's code at the same address, while code moves" {
	moved thread
}

@test "another file's code at the same address, made executable by a personality" {
	moved personality
}

@test "another program's code at the same address, after an exec" {
	cp "$BUILD/fixtures/again" first
	cp "$BUILD/fixtures/again" second
	"$SYSGAIT" record -q --backend bpf -o trace -- ./first ./second
	"$SYSGAIT" print trace >log
	[ "$(grep -c 'getppid .* first main' log)" -eq 3 ]
	[ "$(grep -c 'getppid .* second main' log)" -eq 3 ]
}

@test "calls whose stack goes on beyond what the kernel tells are not put down to what lies there later" {
	mkdir -p "tree/$(printf 'd/%.0s' {1..40})"
	"$SYSGAIT" record -q --backend bpf -o trace -- "$BUILD/fixtures/deep" tree
	"$SYSGAIT" print trace >log
	# Of a directory near the top, and of one far below.
	grep -q 'getdents64 .* deep main' log
	grep -q 'getdents64 .* \[unknown\]' log
	run ! grep 'getdents64 .* deep visit' log
}

@test "a compiler at run time and memory that comes and goes keep nobody from being recognized" {
	local compiler=$BUILD/fixtures/compiler
	for i in 1 2 3; do "$SYSGAIT" record -q --backend bpf -o $i.trace -- "$compiler" 50; done
	"$SYSGAIT" learn -q -o model ./?.trace
	for backend in bpf-notify bpf-kill; do
		"$SYSGAIT" enforce -q -m model --backend "$backend" --on-violation log --log log -- "$compiler" 3000
	done
	# When which thread comes up is a matter of luck, what calls are made through is not.
	if [ -e log ]; then run ! grep -E '"kind":"(issuer|library)"' log; fi
}
