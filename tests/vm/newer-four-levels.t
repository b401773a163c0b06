#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On the newer kernel, by page tables of four levels, and with everything at a random address: stacks are read right.
if [ ! -e "${BUILD:=build}/vm/backports/vmlinux" ] && [ -z "${GAIT_MUST_RUN:-}" ]; then
	echo '1..0 # SKIP no virtual machine: make vm'
	exit
fi
export READING='read where they lie' LEVELS=4
exec "${0%/*}/run" -n -z -t 240 bats "${0%/*}/guest/own-memory.bats" "$@"
