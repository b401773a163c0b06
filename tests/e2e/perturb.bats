#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# record --perturb: other orders of events, and nothing else.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "perturbed runs show both outcomes of a race" {
	seen=
	for _ in $(seq 100); do
		order=$("$SYSGAIT" record -q --perturb -o t.trace -- sh -c 'echo a & echo b; wait' | tr -d '\n')
		case $order in ab | ba) ;; *) echo "lost output: '$order'" && false ;; esac
		case " $seen " in *" $order "*) ;; *) seen="$seen $order" ;; esac
		[ "${#seen}" -ge 6 ] && return 0
	done
	echo "only$seen in 100 runs"
	false
}

@test "a perturbed run has the same calls, answer and status" {
	program='import threading, os
threads = [threading.Thread(target=lambda: [os.getppid() for _ in range(200)]) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print("done")
raise SystemExit(7)'
	for option in -q --perturb; do
		run "$SYSGAIT" record -q $option -o t.trace -- /usr/bin/python3 -c "$program"
		[ "$status" -eq 7 ]
		[ "$output" = done ]
		[ "$("$SYSGAIT" print t.trace | grep -cw getppid)" -eq 1600 ]
	done
}

@test "Ctrl-C while tasks are held back leaves them running and the trace good" {
	"$SYSGAIT" record -q --perturb -o t.trace -- sh -c 'trap "" INT; for i in $(seq 300); do /bin/true; echo >started; done; echo >done' &
	recorder=$!
	wait_for '[ -e started ]'
	kill -INT $recorder
	wait $recorder || true
	"$SYSGAIT" print t.trace >/dev/null
	for _ in $(seq 200); do
		[ -e done ] && return 0
		sleep 0.1
	done
	false
}
