#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec under enforcement, by every way there is and by every backend: into what training ran it goes unhindered,
# into anything else it is refused before it happens; and one that fails does so with the same error.

bats_require_minimum_version 1.5.0
load common

ways='path search directory descriptor proc memory deleted link relative thread spawn vfork daemon'
[ "$(id -u)" -ne 0 ] || ways+=' root mount'
backends="notify ptrace $(in_kernel)"

setup() {
	cd "$BATS_TEST_TMPDIR"
	execs=$BUILD/fixtures/execs
	cp /bin/true good
	cp /bin/touch evil
}

# record COMMAND…: one more training run.
record() {
	n=$((${n:-0} + 1))
	"$SYSGAIT" record -q -o "run$n.trace" -- "$@" >/dev/null 2>&1 || true
}

learn() {
	"$SYSGAIT" learn -q -o model.gait run*.trace
}

# enforce BACKEND COMMAND…: acts on exec and role alone, so that only they can make a difference here.
enforce() {
	rm -f log
	run --separate-stderr "$SYSGAIT" enforce -q --backend "$1" -m model.gait --log log --on-violation log,exec=errno,role=errno -- "${@:2}"
	echo "$output"
	echo "$stderr"
	grep -o '"kind":"[a-z]*","action":"[^"]*"' log 2>/dev/null || true
}

n_execs() { grep -c '"kind": *"exec"' log || true; }

# each TARGET: WAY=TARGET for all ways.
each() {
	local way
	for way in $ways; do echo "$way=$PWD/$1"; done
}

@test "every way to exec: into a known program" {
	mapfile -t all < <(each good)
	record "$execs" "$PWD/marker" "${all[@]}"
	learn
	"$execs" "$PWD/marker" "${all[@]}" >free
	for backend in $backends; do
		enforce "$backend" "$execs" "$PWD/marker" "${all[@]}"
		[ "$status" -eq 0 ]
		[ "$output" = "$(cat free)" ]
		[ "$(n_execs)" -eq 0 ]
	done
}

@test "every way to exec: into another program nothing runs" {
	mapfile -t all < <(each good)
	mapfile -t others < <(each evil)
	# One at a time, so that no program of these names was there in training.
	for way in "${all[@]}"; do
		case $way in memory=* | deleted=* | mount=*) ;; *) record "$execs" "$PWD/marker" "$way" ;; esac
	done
	learn
	for way in "${others[@]}"; do
		"$execs" "$PWD/marker" "$way"
		[ -e marker ]
		rm marker
		for backend in $backends; do
			enforce "$backend" "$execs" "$PWD/marker" "$way"
			[ ! -e marker ]
			[ "$(n_execs)" -eq 1 ]
			case $way in daemon=*) ;; *) [[ $output == "${way%%=*}: errno 1"* ]] ;; esac
		done
	done
}

@test "scripts: chains of interpreters, env, a descriptor in /dev/fd" {
	for kind in good evil; do
		printf '#!%s\n' "$PWD/$kind" >direct-$kind
		printf '#!%s\n' "$PWD/direct-$kind" >chain-$kind
		printf '#!/usr/bin/env %s\n' "$PWD/$kind" >env-$kind
		chmod +x ./*-$kind
	done
	record "$execs" "$PWD/marker" path="$PWD/direct-good" path="$PWD/chain-good" path="$PWD/env-good" path=/dev/fd/7 7<good
	learn
	for backend in $backends; do
		enforce "$backend" "$execs" "$PWD/marker" path="$PWD/direct-good" path="$PWD/chain-good" path="$PWD/env-good" path=/dev/fd/7 7<good
		[ "$(echo "$output" | sort -u)" = 'path: status 0' ]
		[ "$(n_execs)" -eq 0 ]
		enforce "$backend" "$execs" "$PWD/marker" path="$PWD/direct-evil" path="$PWD/chain-evil" path=/dev/fd/7 7<evil
		[ "$(echo "$output" | sort -u)" = 'path: errno 1' ]
		[ "$(n_execs)" -eq 3 ]
		enforce "$backend" "$execs" "$PWD/marker" path="$PWD/env-evil"
		[ "$(n_execs)" -eq 1 ]
		[ ! -e marker ]
	done
}

@test "names lead where they lead in the task's own root" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'chroot needs root'
	mkdir -p jail/bin
	cp "$BUILD/fixtures/attr-bare" jail/good
	cp "$BUILD/fixtures/attr-bare" jail/evil
	# Both ends of these are within the jail; outside of it there is no such file.
	ln -s /good jail/bin/good
	ln -s ../../../../evil jail/bin/evil
	record chroot jail /bin/good
	learn
	for backend in $backends; do
		enforce "$backend" chroot jail /bin/good
		[ "$status" -eq 0 ]
		[ "$(n_execs)" -eq 0 ]
		enforce "$backend" chroot jail /bin/evil
		[ "$status" -eq 126 ]
		[ "$(n_execs)" -eq 1 ]
	done
}

@test "an exec that fails is no violation, and fails as it would" {
	: >plain
	: >empty
	chmod +x empty
	printf '#!/no/such/interpreter\n' >orphan
	chmod +x orphan
	ln -sf loop loop
	fails=()
	for name in none plain empty orphan loop . none/none plain/none; do fails+=(path="$PWD/$name" directory="$PWD/$name"); done
	record "$execs" "$PWD/marker" path="$PWD/good" "${fails[@]}"
	learn
	"$execs" "$PWD/marker" "${fails[@]}" >free
	[ "$(sort -u free | wc -l)" -ge 8 ]
	for backend in $backends; do
		enforce "$backend" "$execs" "$PWD/marker" "${fails[@]}"
		[ "$output" = "$(cat free)" ]
		[ "$(n_execs)" -eq 0 ]
	done
}

@test "set-user-id programs: with privileges for root, without for others, as without sysgait" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'only root becomes somebody else'
	record su -s /usr/bin/id nobody
	record mount
	learn
	for backend in $backends; do
		enforce "$backend" su -s /usr/bin/id nobody
		[ "$output" = "$(su -s /usr/bin/id nobody)" ]
		[ "$(n_execs)" -eq 0 ]
	done
	chmod 777 .
	rm -f run*.trace
	as_nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
	cp /usr/bin/id identity
	chmod 4755 identity
	"${as_nobody[@]}" "$SYSGAIT" record -q -o run1.trace -- ./identity
	learn
	chmod 644 model.gait
	[[ $("${as_nobody[@]}" ./identity) == *euid=0* ]]
	# Nobody but root has the other ones.
	for backend in notify ptrace; do
		rm -f log
		run --separate-stderr "${as_nobody[@]}" "$SYSGAIT" enforce -q --backend "$backend" -m model.gait --log log -- ./identity
		[ "$output" = "$("${as_nobody[@]}" --no-new-privs ./identity)" ]
		[ ! -s log ]
	done
}

@test "a program that was replaced is known by its name, and that it was replaced is said" {
	record "$execs" "$PWD/marker" path="$PWD/good"
	learn
	cp /bin/false other
	mv other good
	for backend in $backends; do
		enforce "$backend" "$execs" "$PWD/marker" path="$PWD/good"
		[[ $output == *'path: status 1'* ]]
		[[ $stderr == *'good was rebuilt since training'* ]]
	done
}

@test "a program that executes itself goes on in a role of its own" {
	outer() { echo "/bin/bash -c '$1'; kill -0 \$\$; /bin/true"; }
	again='/bin/bash -c :; /bin/bash -c :'
	for _ in 1 2; do record /bin/bash -c "$(outer "$again")"; done
	learn
	"$SYSGAIT" check -m model.gait run*.trace
	# The innermost shells are forked and executed by what is in their chain already.
	roles=$(grep -o '"name": "main[^"]*"' model.gait | grep shell_execve)
	[ "$roles" = '"name": "main/make_child/shell_execve"' ]
	for backend in $backends; do
		run "$SYSGAIT" enforce -q --backend "$backend" -m model.gait -- /bin/bash -c "$(outer "$again")"
		echo "$output"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		# What only the outer shell does, the inner one may not.
		run "$SYSGAIT" enforce --backend "$backend" --on-violation log -m model.gait -- /bin/bash -c "$(outer "$again; kill -0 \$\$")"
		echo "$output"
		[[ $output == *'phase: bash '*', main/make_child/shell_execve in phase '*': kill(0)'* ]]
		[ "$(grep -c ': kill(0)' <<<"$output")" -eq 1 ]
	done
}
