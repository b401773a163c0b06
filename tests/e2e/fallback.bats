#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The in-kernel tier seems to be had, and is refused when it is loaded: `--backend auto` takes the next one that will do
# and says so; who asked for it by name is told why not. Refused it is by limits, or by strace(1), which has the kernel's
# answers be others.

bats_require_minimum_version 1.5.0
load common

setup() {
	need_bpf
	cd "$BATS_TEST_TMPDIR"
	echo text >input
	for i in 1 2; do "$SYSGAIT" record -q -o "$i.trace" -- cat <input | cat >output; done
	"$SYSGAIT" learn -q -o model.gait ?.trace
}

# count OPTION…: which one of the bpf() calls that enforce makes loads the largest program ($largest), and which one
# attaches it ($attach).
count() {
	strace -qq -e trace=bpf -e signal=none -o calls "$SYSGAIT" enforce -q -m model.gait "$@" -- cat <input | cat >output
	largest=$(awk -F 'insn_cnt=' 'NF > 1 && $2 + 0 > most { most = $2 + 0; at = NR } END { print at }' calls)
	attach=$(awk -v largest="$largest" 'NR > largest && /BPF_LINK_CREATE|BPF_RAW_TRACEPOINT_OPEN/ { print NR; exit }' calls)
	[ "$attach" -gt "$largest" ]
}

# refused N ERROR OPTION…: from its Nth bpf() call on all are refused.
refused() {
	run --separate-stderr strace -qq -o /dev/null -e trace=bpf -e inject=bpf:error="$2:when=$1+" \
		"$SYSGAIT" enforce -m model.gait "${@:3}" <input
	printf '%s\n' "$output" "$stderr"
}

passed_over() { grep -c '^sysgait enforce: not bpf' <<<"$stderr"; }

@test "enforce: the program is too large for the verifier, or anything else is refused while it is loaded" {
	count --on-violation kill
	for call in "$largest E2BIG" "$largest EINVAL" "$largest ENOMEM" "$((largest - 1)) ENOMEM" "$((largest + 1)) EPERM" \
		"$(((largest + attach) / 2)) ENOMEM" "$attach EBUSY"; do
		# shellcheck disable=SC2086
		refused $call --on-violation kill -- cat
		[ "$status" -eq 0 ] && [ "$output" = text ]
		[ "$(passed_over)" -eq 1 ]
		[[ $stderr == *'sysgait enforce: notify; '*', 0 violations'* ]]
	done
	# What is out of gait is killed for all the same.
	refused "$largest" E2BIG --on-violation kill --trace trace -- cat input
	[ "$status" -eq 137 ] && [ -z "$output" ]
	[[ $stderr == *"not bpf-notify: loading a BPF program: Argument list too long (this kernel's verifier finds it too large)"* ]]
	[[ $stderr == *'openat(O_RDONLY)'*'[kill]'* ]]
	"$SYSGAIT" print --summary trace | grep -q notify
}

@test "enforce: where violations are only logged the fastest is tried first, and one line says that it is not to be had" {
	count --on-violation log
	refused "$largest" E2BIG --on-violation log -- cat input
	[ "$status" -eq 0 ] && [ "$output" = text ]
	[ "$(passed_over)" -eq 1 ]
	[[ $stderr == *'not bpf-kill: '*'sysgait enforce: notify; '* ]]
	refused "$largest" E2BIG -v --on-violation log -- cat input
	[ "$(passed_over)" -eq 3 ]
	refused "$largest" E2BIG -q --on-violation log -- cat input
	[ "$(passed_over)" -eq 0 ]
}

@test "enforce: who asked for it by name is told why not, and nothing runs" {
	for name in bpf bpf-notify bpf-kill; do
		count --backend $name
		refused "$largest" E2BIG --backend $name -- cat
		[ "$status" -eq 1 ] && [ -z "$output" ]
		[[ $stderr == *'loading a BPF program: Argument list too long '*'; try --backend notify' ]]
	done
}

# short COMMAND…: without memory for the ring that a recorder has by default.
short() {
	(ulimit -v 120000 && "$@")
}

@test "record: no memory for what is not read yet" {
	run --separate-stderr short "$SYSGAIT" record -o trace -- cat input
	echo "$stderr"
	[ "$status" -eq 0 ] && [ "$output" = text ]
	[ "$(grep -c 'by ptrace: mmap of a BPF ring: Cannot allocate memory' <<<"$stderr")" -eq 1 ]
	"$SYSGAIT" print trace | grep -q 'openat(O_RDONLY) .* cat '
	run --separate-stderr short "$SYSGAIT" record -q -o trace -- cat input
	[ "$status" -eq 0 ] && [ -z "$stderr" ]
}

@test "record: who asked for it, or for what it alone has, is told why not, and nothing runs" {
	for options in '--backend bpf' --lossless '--ring 64M'; do
		# shellcheck disable=SC2086
		run --separate-stderr short "$SYSGAIT" record $options -o trace -- cat input
		echo "$stderr"
		[ "$status" -eq 1 ] && [ -z "$output" ] && [ ! -e trace ]
		[[ $stderr == *'--backend bpf cannot be had here, --backend ptrace can: mmap of a BPF ring: Cannot allocate memory' ]]
	done
	short "$SYSGAIT" record -q --ring 1M -o trace -- cat input
}
