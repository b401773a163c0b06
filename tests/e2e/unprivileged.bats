#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Nobody has to be root: an ordinary user records, learns and enforces programs of their own.

load common

setup() {
	# Neither the build nor bats's own directory need be open to another user.
	directory=$(mktemp -d /tmp/unprivileged-XXXXXX)
	cp "$SYSGAIT" "$directory/sysgait"
	cp -r "$BATS_TEST_DIRNAME/../../traces" "$directory/traces"
	mkdir "$directory/home"
	chmod -R a+rX "$directory"
	user=()
	if [ "$(id -u)" -eq 0 ]; then
		chown 65534:65534 "$directory/home"
		user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	cd "$directory/home"
}

teardown() {
	rm -rf "$directory"
}

as_user() {
	HOME=$PWD TMPDIR=$PWD SYSGAIT=$directory/sysgait "${user[@]}" "$@"
}

@test "the user of these tests is not root" {
	[ "$(as_user id -u)" -ne 0 ]
}

@test "record, learn, check and enforce sqlite3" {
	run as_user ../traces/accept --runs 2 sqlite3
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "record, learn, check and enforce python3" {
	run as_user ../traces/accept --runs 2 python3
	echo "$output"
	[ "$status" -eq 0 ]
}
