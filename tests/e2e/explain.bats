#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a violation log says, as a user reads it (explain) and accepts it (amend): on `steps`, whose calls
# are known, and on sqlite3 and python3.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	steps=$BUILD/fixtures/steps
}

# train STEP…: a model of these steps, together and one by one.
train() {
	local n=0 step
	for step in nothing "$@"; do
		n=$((n + 1))
		"$SYSGAIT" record -q -o "run$n.trace" -- "$steps" nothing "$step" >/dev/null
	done
	"$SYSGAIT" record -q -o run0.trace -- "$steps" nothing "$@" >/dev/null
	"$SYSGAIT" learn -q -o model.gait run*.trace
}

# enforce MODEL ACTION STEP…: leaves the violations in log.
enforce() {
	rm -f log created
	run "$SYSGAIT" enforce -q -m "$1" --on-violation "$2" --log log -- "$steps" "${@:3}"
	echo "status $status"
	echo "$output"
	cat log 2>/dev/null || true
}

explain() {
	run "$SYSGAIT" explain -m model.gait "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

says() {
	echo "$output" | tr -s ' \n' ' ' | grep -qF -- "$1" || { echo "nothing says: $1"; return 1; }
}

# accept MODEL STEP…: amends MODEL until the steps run without a violation, four times at most.
accept() {
	local model=$1
	shift
	for _ in 1 2 3 4 5; do
		enforce "$model" log "$@"
		[ -s log ] || return 0
		"$SYSGAIT" amend -q -m "$model" -o "$model" --all --reason 'it may' log
	done
	echo "still violations"
	return 1
}

@test "each kind says who, where, why, what was allowed and what comes nearest" {
	train getppid getsid socket plugin-getppid calls=ab thread
	enforce model.gait errno nothing getsid2 calls=ba plugin-socket create=created fork
	explain log
	says 'The model was learned from 8 runs'
	says "who $(realpath "$steps"), role main"
	says 'syscall: openat(O_WRONLY|O_CREAT'
	says 'in training steps never made this call, from wherever'
	says 'library: socket'
	says 'the program makes this call, but never on behalf of libplugin.so'
	says 'steps makes it: socket'
	says 'site: getsid'
	says 'steps makes this call, but never from this place in it'
	says 'sequence: '
	says 'the shortest learned way from there to it: after '
	says 'training runs'
	says 'refused with EPERM'
	says 'sysgait amend -m model.gait -o model.gait --number 1 log'
	[ "$(echo "$output" | awk 'length > m { m = length } END { print m }')" -le 120 ]
}

@test "an instruction, a phase, a program and a task of their own" {
	train getppid exec=/bin/true
	enforce model.gait log nothing exec=/bin/echo
	explain log
	says "steps never ran $(realpath /bin/echo)"
	says "no training run had $(realpath /bin/echo) in it"
	says 'whoever takes the program over could then run'
	train getppid
	enforce model.gait log nothing thread
	explain --kind syscall log
	says 'is among the calls that an attacker needs most'
}

@test "source lines, where debug information is there" {
	train getppid getsid
	enforce model.gait errno nothing getsid2
	explain log
	echo "$output" | grep -Eq 'where .*steps\.c:[0-9]+'
	explain --no-source log
	[[ "$output" != *steps.c:* ]]
}

@test "what was accepted is refused no longer, of every kind" {
	train getppid getsid socket plugin-getppid calls=ab
	local -a new=(nothing getsid2 calls=ba plugin-socket create=created thread fork exec=/bin/echo)
	cp model.gait amended.gait
	accept amended.gait "${new[@]}"
	enforce amended.gait errno "${new[@]}"
	[ "$status" -eq 0 ]
	[ ! -s log ]
	[ -e created ]
	# The model itself is as it was, and what was learned is still accepted.
	enforce model.gait errno nothing getsid2
	[ "$status" -eq 1 ]
	enforce amended.gait errno nothing getppid getsid socket plugin-getppid calls=ab
	[ "$status" -eq 0 ]
	[ ! -s log ]
}

@test "what was accepted shows in print, graph and JSON, counts for nothing, and survives a merge" {
	train getppid getsid
	enforce model.gait log nothing getsid2
	"$SYSGAIT" amend -q -m model.gait -o amended.gait --all --reason 'a new report' log
	run "$SYSGAIT" print amended.gait
	says 'Accepted by hand'
	says 'a new report'
	says 'site: steps, main'
	"$SYSGAIT" graph --library steps amended.gait | grep -q 'accepted by hand'
	for model in model amended; do
		"$SYSGAIT" print --json $model.gait |
			"$PYTHON" -c 'import json, sys; m = json.load(sys.stdin); print(m["expected"], m["unseen_per_run"])' >$model.expected
	done
	cmp model.expected amended.expected
	"$SYSGAIT" merge -q -o a.gait model.gait amended.gait
	"$SYSGAIT" merge -q -o b.gait amended.gait model.gait
	cmp a.gait amended.gait
	cmp b.gait amended.gait
	"$SYSGAIT" amend -q -m amended.gait -o twice.gait --all log
	cmp twice.gait amended.gait
}

@test "nothing is accepted without a choice, nor what is not there" {
	train getppid getsid
	enforce model.gait log nothing getsid2 create=created
	cp model.gait before.gait
	run "$SYSGAIT" amend -m model.gait -o model.gait log
	[ "$status" -eq 2 ]
	says 'nothing was chosen'
	says 'site: steps, main'
	for choice in --number=7 --number=0 --number=1-9 --number=deadbeef --kind=nonsense; do
		run "$SYSGAIT" amend -m model.gait -o model.gait "$choice" log
		[ "$status" -eq 2 ]
	done
	run "$SYSGAIT" amend -m model.gait --all log
	[ "$status" -eq 2 ]
	says 'where to write was not given'
	cmp model.gait before.gait
	# By id, which the list has in its second column.
	id=$("$SYSGAIT" amend -m model.gait log 2>/dev/null | awk '/site: / { print $2; exit }')
	"$SYSGAIT" amend -q -m model.gait -o model.gait --number "$id" log
	enforce model.gait errno nothing getsid2
	[ "$status" -eq 0 ]
	enforce model.gait errno nothing create=created
	[ "$status" -eq 1 ]
}

@test "a trace's violations are explained and accepted, too" {
	train getppid
	"$SYSGAIT" record -q -o new.trace -- "$steps" nothing getsid getppid getsid2 >/dev/null
	run bash -c '"$SYSGAIT" check -m model.gait --json --quiet new.trace | "$SYSGAIT" explain -m model.gait -'
	[ "$status" -eq 0 ]
	says 's into the trace'
	for _ in 1 2 3; do
		"$SYSGAIT" check -m model.gait --json --quiet new.trace >log 2>/dev/null && break
		"$SYSGAIT" amend -q -m model.gait -o model.gait --all - <log
	done
	"$SYSGAIT" check -q -m model.gait new.trace
	"$SYSGAIT" explain -m model.gait --json log | "$PYTHON" -m json.tool >/dev/null
}

@test "the log of another model: said, and applied where names and places are the same" {
	train getppid getsid
	mkdir other
	(cd other && train getppid socket)
	enforce model.gait log nothing socket getsid2
	run "$SYSGAIT" explain -m other/model.gait log
	says 'lines are from another model'
	"$SYSGAIT" amend -q -m other/model.gait -o other/model.gait --kind syscall,site log
	(cd other && enforce model.gait errno nothing socket getsid2 && [ "$status" -eq 0 ])
	# Of a program that it does not know nothing can be applied, and that is said.
	"$SYSGAIT" record -q -o true.trace -- /bin/true
	"$SYSGAIT" learn -q -o true.gait true.trace
	run "$SYSGAIT" amend -m true.gait -o out.gait --all log
	[ "$status" -eq 1 ]
	says 'the model does not know the program'
}

@test "torn lines are said and left out, anything else names its line" {
	train getppid getsid
	enforce model.gait log nothing getsid2
	head -c 100 log >torn
	cat torn >>log
	explain log
	says '1 lines were cut off'
	printf '{"time":1,"kind":"site"}\n' >>bad
	run "$SYSGAIT" explain -m model.gait bad
	[ "$status" -eq 1 ]
	says 'bad: line 1: '
	run "$SYSGAIT" explain -m model.gait run1.trace
	[ "$status" -eq 1 ]
	says 'run1.trace: line 1: '
	run "$SYSGAIT" amend -m model.gait -o model.gait --all nowhere
	[ "$status" -eq 1 ]
	says 'nowhere'
}

@test "sqlite3 loads an extension, python3 imports what it never did" {
	for i in 1 2 3; do
		"$SYSGAIT" record -q -o "s$i.trace" -- sqlite3 :memory: 'create table t(a); select sum(a) from t' >/dev/null
		"$SYSGAIT" record -q -o "p$i.trace" -- "$PYTHON" -c 'print(1)' >/dev/null
	done
	"$SYSGAIT" learn -q -o model.gait s?.trace
	run "$SYSGAIT" enforce -q -m model.gait --log s.log -- \
		sqlite3 :memory: "select load_extension('/usr/lib/x86_64-linux-gnu/libz.so.1')"
	explain s.log
	says 'Look at 1 first'
	says 'sqlite3_load_extension+0x'
	says 'sqlite3_load_extension made no system call in any training run'
	"$SYSGAIT" learn -q -o model.gait p?.trace
	run "$SYSGAIT" enforce -q -m model.gait --on-violation log --log p.log -- \
		"$PYTHON" -c 'import socket; socket.socket()'
	explain p.log
	says 'syscall: socket(AF_INET, SOCK_STREAM)'
}
