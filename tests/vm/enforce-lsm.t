#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `guest/` asks of real programs that are held by BPF LSM programs, on a kernel where stacks are copied.
# Long: goes first.
if [ ! -e "${BUILD:=build}/vm/vmlinux" ] && [ -z "${GAIT_MUST_RUN:-}" ]; then
	echo '1..0 # SKIP no virtual machine: make vm'
	exit
fi
export MEANS='BPF LSM' READING=copied
exec "${0%/*}/run" -t 240 bats "${0%/*}/guest/enforce.bats" "${0%/*}/guest/equal.bats" "${0%/*}/guest/own-memory.bats" "$@"
