#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The ptrace backend where notify cannot be used, and what is its own. All that both backends do is in enforce.bats,
# which enforce-ptrace runs for this one.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	steps=$BUILD/fixtures/steps
}

learn() { # STEP…
	for i in 1 2 3; do
		"$SYSGAIT" record -q -o "run$i.trace" -- "$steps" "$@" >/dev/null
	done
	"$SYSGAIT" learn -q -o model.gait run[123].trace
}

says() {
	echo "$output" | grep -qF -- "$1" || { echo "nothing says: $1"; return 1; }
}

@test "under a listener that lets calls run, notify says what else to try, and auto takes it" {
	learn getppid
	run "$BUILD/fixtures/listener" "$SYSGAIT" enforce --backend notify -m model.gait -- "$steps" getppid
	echo "$output"
	[ "$status" -eq 1 ]
	says 'Device or resource busy'
	says 'try --backend ptrace'
	run "$BUILD/fixtures/listener" "$SYSGAIT" enforce -m model.gait -- "$steps" getppid
	echo "$output"
	[ "$status" -eq 0 ]
	says 'sysgait enforce: ptrace;'
	says 'getppid: ok'
}

@test "under a listener that lets calls run, none of them goes past the ptrace backend" {
	learn getppid
	run "$BUILD/fixtures/listener" "$SYSGAIT" enforce --backend ptrace --on-violation errno:EXDEV --log log \
		-m model.gait -- "$steps" getppid getsid create=created socket getppid
	echo "$output"
	[ "$status" -eq 3 ]
	says 'getsid: errno 18'
	says 'create: errno 18'
	says 'socket: errno 18'
	[ "$(grep -c 'getppid: ok' <<<"$output")" -eq 2 ]
	[ ! -e created ]
	[ "$(grep -c '"kind":"syscall"' log)" -eq 3 ]
	run "$BUILD/fixtures/listener" "$SYSGAIT" enforce --backend ptrace --on-violation kill \
		-m model.gait -- "$steps" getppid create=created
	[ "$status" -eq 137 ]
	[ ! -e created ]
	for step in int80 x32; do
		run "$BUILD/fixtures/listener" "$SYSGAIT" enforce --backend ptrace --on-violation log \
			-m model.gait -- "$steps" $step
		echo "$output"
		[ "$status" -eq 137 ]
		says 'of another architecture or of x32'
	done
}

@test "calls that the target's own filter refuses are judged as they were learned" {
	learn own-filter getsid getppid || true
	run "$SYSGAIT" enforce --backend ptrace --log log -m model.gait -- "$steps" own-filter getsid getppid
	echo "$output"
	says 'getsid: errno 18'
	says 'getppid: ok'
	[ ! -s log ]
}
