#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# In the machine: that this kernel's verifier takes every program, that the in-kernel tier attributes calls as libunwind does,
# and that all backends come to the same verdicts.

bats_require_minimum_version 1.5.0
load ../../e2e/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	export LC_ALL=C PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
}

# judge COMMAND…: in 99.9% of its calls libunwind and the kernel agree on every frame up to the site.
judge() {
	local calls same unknown walked ours theirs different missing extra
	"$BUILD/attribution/both" -v "$@" >/dev/null 2>said </dev/null || { cat said; return 1; }
	eval "$(grep -h '^both: calls=' said | cut -d' ' -f2-)"
	echo "$1: $(tail -n 1 said)"
	[ "$calls" -gt 100 ] || [ "$same" -eq "$calls" ]
	[ "$unknown" -eq 0 ]
	[ $((1000 * (ours + theirs + different + missing + extra))) -le "$calls" ] || { cat said; return 1; }
	[ $((same + ours + theirs + different + missing)) -eq "$calls" ]
}

@test "sqlite3, bash, python3: the same library and site by libunwind and in the kernel" {
	judge sqlite3 test.db 'create table a(b); insert into a values(1); select * from a'
	judge bash -c 'for i in 1 2; do ls | sort >/dev/null; done; x=$(echo a); (exit 0)'
	judge "$PYTHON" -c 'import subprocess, threading
threads = [threading.Thread(target=subprocess.run, args=(["true"],)) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]'
}

@test "--lossless, and a ring of the least size: nothing is lost" {
	"$SYSGAIT" record --backend bpf -q --ring 64K --lossless -o trace -- "$BUILD/fixtures/lives" threads 2 2000 >/dev/null
	"$SYSGAIT" print trace >printed 2>&1
	! grep -qi partial printed
	[ "$(grep -c getppid printed)" -eq 4000 ]
}

# What is out of gait, in the order in which it happened.
violations() {
	"$PYTHON" -c 'import json, sys
for line in open(sys.argv[1]):
    v = json.loads(line)
    print(v["kind"], v["program"], v["role"], v["phase"], v["call"], v["library"], (v["site"] or {}).get("offset"), v["state"])' "$1"
}

@test "an immature model: the same violations by each backend" {
	"$SYSGAIT" record --backend bpf -q -o trace -- sqlite3 1.db "create table t(a);"
	"$SYSGAIT" learn -q -o model.gait trace
	for backend in notify ptrace bpf-kill bpf-notify bpf-hooks; do
		rm -f 2.db
		"$SYSGAIT" enforce -q --backend "$backend" --on-violation log --log "$backend.log" -m model.gait -- \
			sqlite3 2.db "create table t(a); insert into t values(1), (2); select sum(a) from t; vacuum;" >got
		[ "$(cat got)" = 3 ]
		violations "$backend.log" >"$backend"
		cmp notify "$backend" || { diff notify "$backend"; return 1; }
	done
	cat notify
	[ "$(wc -l <notify)" -ge 10 ]
}
