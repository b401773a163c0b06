# SPDX-License-Identifier: Apache-2.0
# What several test files share: `load common`.

export PYTHON="${PYTHON:-/usr/bin/python3}"
export BUILD="${BUILD:-$(dirname "${BASH_SOURCE[0]}")/../../build}"
export SYSGAIT="${SYSGAIT:-$BUILD/sysgait}"

# wait_for COMMAND: until it succeeds, ten seconds at most.
wait_for() {
	for _ in $(seq 500); do
		if eval "$1"; then return 0; fi
		sleep 0.02
	done
	echo "gave up waiting for: $1"
	return 1
}

# cannot_run REASON: skips this test; with GAIT_MUST_RUN it fails.
cannot_run() {
	if [ -n "${GAIT_MUST_RUN:-}" ]; then
		echo "must run, but: $1"
		return 1
	fi
	skip "$1"
}

# need_bpf: skips this test where the in-kernel tier is not to be had.
need_bpf() {
	local said
	said=$("$SYSGAIT" record -q --backend bpf -o "$BATS_TEST_TMPDIR/need-bpf.trace" -- true 2>&1) || cannot_run "$said"
}

# The backend that walks calls in the kernel, for loops over backends; nothing where it is not to be had.
in_kernel() {
	if [ -n "${GAIT_MUST_RUN:-}" ] || "$SYSGAIT" record -q --backend bpf -o /dev/null -- true 2>/dev/null; then
		echo bpf-notify
	fi
}
