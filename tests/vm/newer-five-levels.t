#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On the newer kernel, by page tables of five levels that are the kernel's own (pti), and with everything at a random
# address: stacks are read directly, and right; all backends load, come to the same verdicts, and hold a real program.
# Long: goes first.
if [ ! -e "${BUILD:=build}/vm/backports/vmlinux" ] && [ -z "${GAIT_MUST_RUN:-}" ]; then
	echo '1..0 # SKIP no virtual machine: make vm'
	exit
fi
export MEANS='BPF LSM' READING='read where they lie' LEVELS=5
exec "${0%/*}/run" -n -z -p max,la57=on -b 'mitigations=auto pti=on' -t 240 \
	bats -f '^words|^sqlite3: what|^an immature' "${0%/*}/guest/own-memory.bats" "${0%/*}/guest/enforce.bats" "${0%/*}/guest/equal.bats" "$@"
