#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a supervisor may do once its programs are in the kernel: look at its target and kill it, whoever's it is.

load common

setup() {
	need_bpf
	[ "$(id -u)" -eq 0 ] || cannot_run 'needs root, to give something up'
	cd "$BATS_TEST_TMPDIR"
	PATH+=:/usr/sbin
	mkfifo input
}

teardown() {
	[ -z "${supervisor:-}" ] || kill -9 "$supervisor" 2>/dev/null || true
}

# capabilities PID: of all its threads, of each set, once.
capabilities() {
	cat "/proc/$1/task/"*/status | sed -n 's/^\(Cap...\):\t*/\1 /p' | sort -u
}

# hold BACKEND COMMAND…: until it reads.
hold() {
	"$SYSGAIT" enforce -q --backend "$1" --on-violation log --log log -m model.gait -- "${@:2}" <input 3>&- &
	supervisor=$!
	exec 8>input
	wait_for 'target=$(pgrep -P $supervisor) && grep -q "^0 0x0 " /proc/$target/syscall'
}

let_go() {
	exec 8>&-
	wait "$supervisor"
	supervisor=
	[ ! -s log ]
}

learn() { # COMMAND…
	for i in 1 2; do "$SYSGAIT" record --backend bpf -q -o "$i.trace" -- "$@" </dev/null; done
	"$SYSGAIT" learn -q -o model.gait ?.trace
}

@test "bpf backends keep four capabilities, in every thread; the target keeps all" {
	learn cat
	for backend in bpf-notify bpf-kill; do
		hold "$backend" cat
		capabilities "$supervisor" >has
		capabilities "$target" >targets
		let_go
		cat has
		# CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE.
		[ "$(sed -n 's/^CapEff //p' has)" = 0000010000080024 ]
		[ "$(sed -n 's/^CapPrm //p' has)" = 0000010000080024 ]
		[ "$(sed -n 's/^CapBnd //p' has)" = 0000010000080024 ]
		[ "$(grep -c . has)" -eq 5 ]
		diff targets <(capabilities self)
	done
}

@test "a target that becomes another user is judged, and killed, all the same" {
	cp "$(command -v setpriv)" "$(command -v cat)" .
	# Who may not be read by others.
	chmod 700 setpriv && chmod 711 cat . && chown 65534 cat
	as_nobody=(./setpriv --reuid 65534 --clear-groups ./cat)
	learn "${as_nobody[@]}"
	hold bpf-notify "${as_nobody[@]}"
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$target/status")" -eq 65534 ]
	let_go
	printf x >file
	chmod 644 file
	run "$SYSGAIT" enforce --backend bpf-notify --on-violation kill --log log -m model.gait -- "${as_nobody[@]}" ./file
	echo "$output"
	[ "$status" -eq 137 ]
	[[ $output == *'openat(O_RDONLY)'*'[kill]'* ]]
}

@test "an ordinary user who has CAP_BPF and CAP_PERFMON, from a file or from who started them" {
	chmod 755 . && learn cat && chmod 644 model.gait
	as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	two=-all,+bpf,+perfmon
	cp "$SYSGAIT" sysgait
	run "${as_user[@]}" --inh-caps "$two" --ambient-caps "$two" --bounding-set "$two" ./sysgait enforce \
		-m model.gait --backend bpf-notify -- cat </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *', 0 violations'* ]]
	setcap cap_bpf,cap_perfmon+ep ./sysgait || cannot_run 'no capabilities of files here'
	run "${as_user[@]}" ./sysgait enforce -m model.gait --backend bpf-notify -- cat </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *', 0 violations'* ]]
}
