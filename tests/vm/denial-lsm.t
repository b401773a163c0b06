#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Uses of system calls, refused by BPF LSM programs: none of them takes effect.
if [ ! -e "${BUILD:=build}/vm/vmlinux" ] && [ -z "${GAIT_MUST_RUN:-}" ]; then
	echo '1..0 # SKIP no virtual machine: make vm'
	exit
fi
exec "${0%/*}/run" -t 240 "$BUILD/vm/deny" lsm
