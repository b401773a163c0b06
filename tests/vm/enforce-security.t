#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `guest/` asks of real programs that are held by fmod_ret on security_*, where the boot line has no bpf among its LSMs.
# Long: goes first.
if [ ! -e "${BUILD:=build}/vm/vmlinux" ] && [ -z "${GAIT_MUST_RUN:-}" ]; then
	echo '1..0 # SKIP no virtual machine: make vm'
	exit
fi
export MEANS='fmod_ret on security hooks' READING=copied
exec "${0%/*}/run" -t 240 -b lsm=landlock,yama,apparmor bats "${0%/*}/guest/enforce.bats" "$@"
