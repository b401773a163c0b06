# SPDX-License-Identifier: Apache-2.0
# What the test files of the virtual machine share: `load common`.

export BUILD="${BUILD:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build}"
vm=${BASH_SOURCE[0]%/*}/run

# in_vm [OPTION…] COMMAND…: bats' `run`, in the machine.
in_vm() {
	run --separate-stderr "$vm" "$@"
	printf '%s\n' "$output" "$stderr"
}

# need_vm: skips this test where there is no machine; with GAIT_MUST_RUN it fails.
need_vm() {
	[ -e "$BUILD/vm/vmlinux" ] && return
	[ -z "${GAIT_MUST_RUN:-}" ] || return
	skip 'no virtual machine: `make vm`'
}
