#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# print: traces as text, JSON and sums.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	cat >log <<'END'
1 1700000000.000000 execve("/bin/x", ["x", "a b"], 0x7) = 0
1 1700000000.000100 openat(AT_FDCWD, "/x", O_RDONLY|O_CLOEXEC) = 3
 > /lib/libc.so.6(__open64+0x51) [0xf8011]
 > /lib/libq.so.1(q_open(int)+0x12) [0x1234]
 > /bin/x() [0x99]
1 1700000000.000200 vfork() = 2
 > /lib/libc.so.6(vfork+0x51) [0xf8111]
 > /bin/x() [0x88]
2 1700000000.000300 execve("/bin/y", ["y"], 0x7) = 0
2 1700000000.000400 +++ killed by SIGSEGV (core dumped) +++
1 1700000000.000500 +++ exited with 2 +++
END
	"$SYSGAIT" import -q --foreign log -o t.trace
}

@test "text" {
	run -0 "$SYSGAIT" print t.trace
	echo "$output"
	diff <(echo "$output" | tr -s ' ') - <<'END'
[pid 1] 0.000000 +++ started /bin/x +++
[pid 1] 0.000100 openat(O_RDONLY|O_CLOEXEC) libq.so.1 q_open(int)+0x12
[pid 1] 0.000200 vfork x 0x88
[pid 1] 0.000200 +++ created process (sharing memory) 2 +++
[pid 2] 0.000300 execve [unknown]
[pid 2] 0.000300 +++ executes /bin/y +++
[pid 2] 0.000400 +++ killed by SIGSEGV (core dumped) +++
[pid 1] 0.000500 +++ exited with 2 +++
END
}

@test "stacks: the site is marked" {
	run -0 "$SYSGAIT" print --stacks t.trace
	[[ $output == *"   > libc.so.6 __open64+0x51"$'\n'"   * libq.so.1 q_open(int)+0x12"* ]]
}

@test "one process only" {
	run -0 "$SYSGAIT" print --pid 2 t.trace
	[ "${#lines[@]}" -eq 3 ]
	run -0 "$SYSGAIT" print --pid 3 t.trace
	[ -z "$output" ]
}

@test "JSON: every line is an object with the right members" {
	"$SYSGAIT" print --json t.trace >out.json
	"$PYTHON" - <<'END'
import json
events = [json.loads(line) for line in open("out.json")]
assert [e["event"] for e in events] == \
    ["start", "syscall", "syscall", "fork", "syscall", "exec", "exit", "exit"], events
assert events[0]["program"] == "/bin/x" and not events[0]["is_joined"]
call = events[1]
assert (call["syscall"], call["args"], call["nr"]) == ("openat", "O_RDONLY|O_CLOEXEC", 257)
assert call["library"] == "/lib/libq.so.1" and call["site"] == 1
assert call["stack"][1]["function"] == "q_open(int)" and call["stack"][1]["offset"] == "0x1234"
assert abs(call["time"] - 0.0001) < 1e-9 and (call["pid"], call["tid"], call["seq"]) == (1, 1, 1)
assert events[3]["is_vfork"] and events[3]["child"] == 1 and events[3]["child_pid"] == 2
assert events[6]["status"] == 11 | 128
END
}

@test "summary: facts and counts, as text and as JSON" {
	run -0 "$SYSGAIT" print --summary t.trace
	echo "$output"
	[[ $output == *"command    x a b"* ]]
	[[ $output == *"tasks      2"* ]]
	[[ $output == *"complete   yes"* ]]
	[[ $output == *"run id     $(sha256sum <t.trace | cut -d' ' -f1)"* ]]
	"$SYSGAIT" print --summary --json t.trace | "$PYTHON" -c '
import json, sys
s = json.load(sys.stdin)
assert s["command"] == ["x", "a b"] and s["events"] == 3 and s["is_complete"] and s["has_stacks"]
assert sum(l["events"] for l in s["libraries"]) == 3'
}

@test "names from outside cannot play with the terminal" {
	printf '1 execve("/bin/\\33[2J\\n", ["\\33[2J"], 0x7) = 0\n1 +++ exited with 0 +++\n' >log
	"$SYSGAIT" import -q --foreign log -o t.trace
	run -0 "$SYSGAIT" print t.trace
	[[ ${lines[0]} == *'/bin/\x1b[2J\n +++' ]]
	run -0 "$SYSGAIT" print --summary t.trace
	[[ $output != *$'\33'* ]]
}

@test "a reader that has seen enough is not a failure" {
	"$SYSGAIT" print t.trace | head -n 1
	[ "${PIPESTATUS[0]}" -eq 0 ]
	for _ in $(seq 2000); do echo '1 1700000000.000100 getpid() = 3'; done >more
	{ head -n 1 log; cat more; tail -n 1 log; } >long
	"$SYSGAIT" import -q long -o long.trace
	"$SYSGAIT" print --json long.trace | head -n 1
	[ "${PIPESTATUS[0]}" -eq 0 ]
	run -1 bash -c '"$SYSGAIT" print t.trace >/dev/full'
	[[ $output == *"No space left"* ]]
}

@test "a trace that was cut off is printed as far as it goes" {
	size=$(stat -c %s t.trace)
	head -c $((size - 3)) t.trace >cut.trace
	run -0 --separate-stderr "$SYSGAIT" print cut.trace
	[ "${#lines[@]}" -eq 8 ]
	[[ $stderr == *"cut.trace is partial"* ]]
}

@test "a trace that was changed is refused, with file and offset" {
	cp t.trace bad.trace
	printf 'X' | dd of=bad.trace bs=1 seek=$(($(stat -c %s t.trace) - 40)) conv=notrunc status=none
	run -1 "$SYSGAIT" print bad.trace
	[[ $output == *"sysgait print: bad.trace: offset "*": chunk "* ]]
}

@test "a model prints as its table" {
	"$SYSGAIT" learn -q -o m.gait t.trace
	run -0 "$SYSGAIT" print m.gait
	[[ $output == *"/bin/x"* ]]
	"$SYSGAIT" print --json m.gait | "$PYTHON" -m json.tool >/dev/null
	run -2 "$SYSGAIT" print --stacks m.gait
}

@test "what is neither is refused" {
	run -1 "$SYSGAIT" print /etc/passwd
	[[ $output == *"/etc/passwd: this is not a trace"* ]]
	run -1 "$SYSGAIT" print /nonexistent
	[[ $output == *"/nonexistent: No such file"* ]]
	run -1 "$SYSGAIT" print .
	[[ $output == *"Is a directory"* ]]
	run -2 "$SYSGAIT" print
	run -2 "$SYSGAIT" print a b
	run -0 "$SYSGAIT" print --help
	[[ $output == *"Examples:"* ]]
}
