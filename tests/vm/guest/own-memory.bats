#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# In the machine: words of stacks that are read by way of the kernel's direct map (READING) are those that are copied, with
# page tables of so many LEVELS, wherever that map has come to lie, and of all kinds of memory.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
	PATH+=:/usr/sbin
	export GAIT_MUST_RUN=
}

# The lines of the test that say that something was left out.
skipped() {
	grep '^ok .* # SKIP' tap
}

@test "words are read as they are copied, of every kind of memory" {
	# Page tables of the kernel's own, where the boot line wants them.
	[[ $(</proc/cmdline) != *pti=on* ]] || grep -qw pti /proc/cpuinfo
	# Room for what is swapped out, and for pages that are huge from the start.
	mkswap /dev/ram0 >/dev/null
	swapon /dev/ram0
	echo 4 >/proc/sys/vm/nr_hugepages
	[ "$READING" = copied ] && export GAIT_DIRECT_MAP=none || export GAIT_DIRECT_MAP=tell
	"$BUILD/unit/test-own-memory" >tap 2>said || { cat tap said; return 1; }
	cat tap
	swapoff /dev/ram0
	if [ "$READING" = copied ]; then
		# Linux 6.1 has no secret memory unless asked for at boot.
		[ "$(skipped | grep -vc /own-memory/secret)" -eq 0 ]
		return
	fi
	[ -z "$(skipped)" ]
	map=$(sed -n 's/^direct map: //p' said)
	echo "$map"
	# Not where it is without randomness.
	if [ "$LEVELS" -eq 5 ]; then
		grep -qw la57 /proc/cpuinfo
		[[ $map == 0xff[0-9a-e]*0000000 && $map != 0xff11000000000000 ]]
	else
		grep -qw la57 /proc/cpuinfo && return 1
		[[ $map == 0xffff[89a-f]*0000000 && $map != 0xffff888000000000 ]]
	fi
}
