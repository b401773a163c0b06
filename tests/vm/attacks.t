#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A few of the attacks of tests/attacks, on the fixture that is a server, held by BPF LSM programs. Each that is killed for
# costs a start of the server, so these are fewer.
# Long: goes first.
if [ ! -e "${BUILD:=build}/vm/vmlinux" ] && [ -z "${GAIT_MUST_RUN:-}" ]; then
	echo '1..0 # SKIP no virtual machine: make vm'
	exit
fi
export ATTACK_BACKENDS=bpf-hooks
export ATTACKS='fork kill connect write unlink chmod setresuid plug-in:send plug-in:site plug-in:sequence plug-in:start plug-in:system plug-in:thread'
export ATTACKS_TO_KILL='setresuid plug-in:site plug-in:thread'
exec "${0%/*}/run" -t 240 "${PYTHON:-/usr/bin/python3}" -B "${0%/*}/../attacks/kiosk.t"
