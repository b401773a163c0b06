#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What code does that has taken a supervised task over and knows how supervision works. Each case of
# fixtures/bypass*.c is a trick; what it is for, or what it must not come to, is looked at by effect.
# Long: goes first.

bats_require_minimum_version 1.5.0
load common

# What each case is refused by, in errno mode, where that is part of what it shows. Where start-up ends is told by
# time, so a machine under load may find it elsewhere: late is a call of start-up then out of phase, or of sequence.
late='(phase|sequence)'
declare -A kinds_of=(
	[control]=$late [futex]="issuer $late" [restart]=$late [jump]=$late [handler]="$late $late"
	[sigreturn]=sequence [clone-thread]=role [vfork]="$late $late"
	[anonymous]="issuer $late" [libc-text]="issuer $late" [proc-mem]="issuer $late" [mremap]="issuer $late"
)

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	mkdir good rogue
	cp "$BUILD/fixtures/libplugin.so" good
	# Another build: it has no build-id, and so the hash of all that it is.
	objcopy --remove-section .note.gnu.build-id good/libplugin.so rogue/libplugin.so
	export TRAINED=$PWD/good/libplugin.so ROGUE=$PWD/rogue/libplugin.so
	for fixture in bypass-signals bypass-tasks bypass-code; do
		for i in 1 2; do
			"$SYSGAIT" record -q -o "$fixture.$i.trace" -- "$BUILD/fixtures/$fixture" control train || [ $? -eq 1 ]
		done
		for case in $("$BUILD/fixtures/$fixture"); do
			unshare --pid --fork --kill-child --mount-proc "$SYSGAIT" record -q -o case.trace -- "$BUILD/fixtures/$fixture" "$case" train || [ $? -eq 1 ]
			"$SYSGAIT" learn -q -o "$fixture.$case.gait" "$fixture".[12].trace case.trace
		done
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# enforce MODE BACKEND FIXTURE CASE [train]
enforce() {
	rm -f pwned log
	# A namespace of their own for those that choose the number of a process. BPF knows tasks by other numbers there.
	local namespace=(unshare --pid --fork --kill-child --mount-proc)
	[[ $2 != bpf* ]] || namespace=()
	run timeout -s KILL 60 "${namespace[@]}" "$SYSGAIT" enforce --backend "$2" \
		--on-violation "$1" -m "$BATS_FILE_TMPDIR/$3.$4.gait" --log log -- "$BUILD/fixtures/${@:3}"
	echo "$*: status $status"
	echo "$output"
}

kinds() {
	"$PYTHON" -c 'import json, sys
print(*(json.loads(line)["kind"] for line in open("log")))'
}

# attack BACKEND FIXTURE CASE...: none comes through, and none brings the supervisor down.
attack() {
	local backend=$1 fixture=$2 case
	for case in "${@:3}"; do
		[[ $backend.$case != bpf*.same-pid ]] || continue
		enforce errno "$backend" "$fixture" "$case"
		[ ! -e pwned ]
		[[ $status = 1 || $status = 137 || $status = 159 ]]
		[[ $(kinds) =~ ^${kinds_of[$case]:-.*}$ ]]
		enforce kill "$backend" "$fixture" "$case"
		[ ! -e pwned ]
		[[ $status = 137 || $status = 159 ]]
	done
}

@test "without supervision each trick works, and what it takes is learned" {
	for fixture in bypass-signals bypass-tasks bypass-code; do
		for case in $("$BUILD/fixtures/$fixture"); do
			rm -f pwned
			echo "$fixture $case"
			# 2: it came to more than it may, which it says itself.
			if [ "$case" = clone-outliving ]; then
				run "$BUILD/fixtures/$fixture" "$case"
				wait_for '[ -e pwned ]'
				continue
			fi
			run unshare --pid --fork --kill-child --mount-proc "$BUILD/fixtures/$fixture" "$case"
			[ -e pwned ] || [ "$status" -eq 2 ]
		done
	done
	# Where signals and deaths come when they come, what is learned need not be all.
	for case in control futex jump handler sigreturn sigreturn-inside again; do
		enforce errno notify bypass-signals "$case" train
		[ ! -s log ]
	done
	for case in clone-thread vfork listener; do
		enforce errno notify bypass-tasks "$case" train
		[ ! -s log ]
	done
	for case in anonymous libc-text proc-mem mremap library compat; do
		enforce errno notify bypass-code "$case" train
		[ ! -s log ]
	done
}

@test "signals: handlers, jumps out of them, frames made by hand" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-signals control jump deep handler autodisarm sigreturn sigreturn-inside
	done
}

@test "calls that are let through, or made again: nothing else comes with them" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-signals futex restart again again-later fork-storm
	done
}

@test "tasks: of another kind, of another parent, in a namespace, of a number just used" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-tasks clone-thread clone-vm clone-parent clone-pidns vfork same-pid
	done
}

@test "tasks that hide from the tracer: none of their calls passes, and none lives to see its supervisor go" {
	for backend in notify $(in_kernel); do
		attack $backend bypass-tasks clone-untraced clone-untold
	done
	for backend in notify ptrace $(in_kernel) $(in_kernel | sed s/notify/kill/); do
		enforce errno $backend bypass-tasks clone-outliving
		wait_for "! pgrep -f 'bypass-tasks clone-outliving'"
		[ ! -e pwned ]
	done
}

@test "deaths and execs at every step of a call" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-tasks deaths exec-descriptor execs
	done
}

@test "filters, listeners and tracers of the target's own, where it has learned to have any" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-tasks listener filter ptracer personality vsyscall
	done
}

@test "code of one's own: in memory, in libc's text, at libc's place" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-code anonymous libc-text proc-mem mremap flip
	done
}

@test "frames forged while they are read: neither number nor instruction are theirs to say" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-code forge
	done
}

@test "a library of a known name is not for that a known library" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-code library
		enforce errno $backend bypass-code library
		[[ $output == *'taken for a stranger'* ]]
	done
}

@test "other doors to the kernel: int 0x80, from segments of 32 bits too" {
	for backend in notify ptrace $(in_kernel); do
		attack $backend bypass-code int80 compat
	done
}

@test "joined while it runs, a process gets no further" {
	for fixture in bypass-signals bypass-tasks bypass-code; do
		for case in $("$BUILD/fixtures/$fixture"); do
			# It would choose the numbers of everybody's processes.
			[ "$case" != same-pid ] || continue
			# A byte that nobody took would wake the next one early.
			rm -f pwned fifo
			mkfifo fifo
			exec 9<>fifo
			WAIT=1 "$BUILD/fixtures/$fixture" "$case" <fifo 9>&- &
			target=$!
			wait_for "grep -q '^0 ' /proc/$target/syscall"
			"$SYSGAIT" enforce -m "$BATS_FILE_TMPDIR/$fixture.$case.gait" -p "$target" 2>err 9>&- &
			supervisor=$!
			wait_for "! grep -qs '^TracerPid:[[:space:]]*0' /proc/$target/status"
			echo >&9
			status=0
			wait "$supervisor" || status=$?
			echo "$fixture $case: $status"
			cat err
			[ ! -e pwned ]
			[[ $status = 1 || $status = 137 ]]
		done
	done
}
