#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The backends of enforce come to the same verdicts on the same events, live and replayed, and to the same attribution.

load common

compare() { # WORKLOAD OPTION…
	need_bpf
	run "$PYTHON" "$BATS_TEST_DIRNAME/../attribution/backends" --sysgait "$SYSGAIT" "${@:2}" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "$output" | sed -n 's/^ok [0-9]* - \(.*lined up.*agree\)/# \1/p' >&3
}

@test "sqlite3: every call and every verdict is the same" {
	compare sqlite3 --same sqlite3
}

@test "nginx: the same verdicts, library and site" {
	compare nginx
}

@test "redis-server: the same verdicts, library and site" {
	compare redis
}

@test "python3: the same verdicts, library and site" {
	compare python3
}

@test "bash: the same verdicts, library and site" {
	compare bash --backend notify --backend bpf-notify
}

# Two runs of a Go program cannot be lined up.
@test "a Go server: the same verdicts of the kernel and of check" {
	compare go --backend bpf-kill
}

@test "sshd: the same verdicts of the kernel and of check" {
	[ "$(id -u)" -eq 0 ] || cannot_run 'sshd separates privileges as root only'
	compare sshd --backend bpf-notify
}

# Of one task, some judged by the supervisor and some walked in the kernel.
@test "the log has violations in the order in which they happened" {
	need_bpf
	cd "$BATS_TEST_TMPDIR"
	"$SYSGAIT" record -q -o trace -- sqlite3 1.db 'create table t(a);'
	"$SYSGAIT" learn -q -o model.gait trace
	for backend in notify bpf-notify bpf-notify bpf-notify; do
		rm -f 2.db
		"$SYSGAIT" enforce -q --backend $backend --on-violation log --log log -m model.gait -- \
			sqlite3 2.db 'create table t(a); insert into t values(1), (2); select sum(a) from t; vacuum;'
		"$PYTHON" -c 'import json, sys
for line in open("log"):
    v = json.loads(line)
    print(v["kind"], v["call"], (v["site"] or {}).get("offset"), v["state"])' >$backend
		rm log
		[ "$(wc -l <$backend)" -ge 10 ]
		cmp notify $backend
	done
}

# The kernel does not say what is mapped where while others change it.
@test "a library's first call while other threads change mappings: it is known whose it is" {
	need_bpf
	cd "$BATS_TEST_TMPDIR"
	"$SYSGAIT" record -q --backend ptrace -o trace -- "$BUILD/fixtures/churn" 4
	"$SYSGAIT" learn -q -o model.gait trace
	for backend in bpf-notify bpf-kill; do
		for i in 1 2 3; do
			"$SYSGAIT" enforce -q -m model.gait --backend "$backend" --on-violation log --log log -- "$BUILD/fixtures/churn" 4
		done
	done
	# Which thread is first is chance.
	cat log || return 0
	! grep -vE '"kind":"(sequence|phase)"' log
}
