#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pictures of recorded traces over time.

bats_require_minimum_version 1.5.0
load common

setup_file() {
	export TRACE="$BATS_TEST_DIRNAME/../../traces/samples/nginx-1.trace"
	export MODEL="$BATS_TEST_DIRNAME/../../traces/samples/nginx.gait"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# well_formed FILE: as XML, with at least one shape.
well_formed() {
	"$PYTHON" - "$1" <<-'EOF'
		import sys, xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		assert root.tag.endswith("svg"), root.tag
		assert len(root.findall(".//{*}path")) > 5
	EOF
}

@test "a lane for each task, a row for each library, the phases of each role" {
	"$SYSGAIT" timeline "$TRACE" -m "$MODEL" -o a.svg
	well_formed a.svg
	[ "$(grep -c '>nginx [0-9]' a.svg)" -eq "$("$SYSGAIT" print --json "$TRACE" | grep -c '"event": "\(start\|fork\)"')" ]
	grep -q '>libcrypto.so.3<' a.svg
	grep -q 'phase 2 of [0-9]*: ' a.svg
	grep -q '>close in ngx_close_listening_sockets, nginx<' a.svg
	grep -q ', 0 violations' a.svg
	run ! grep -q 'class="bad"' a.svg
}

@test "without a model there are tasks and libraries, but no phases" {
	"$SYSGAIT" timeline "$TRACE" >a.svg
	well_formed a.svg
	run ! grep -q 'phase 2' a.svg
	run ! grep -q violations, a.svg
}

@test "violations are marked where they were" {
	"$SYSGAIT" record -q -o more.trace -- /bin/sh -c 'echo a; cat /etc/hostname | wc' >/dev/null
	"$SYSGAIT" record -q -o one.trace -- /bin/sh -c 'echo a' >/dev/null
	"$SYSGAIT" learn -q -o one.gait one.trace
	n=$("$SYSGAIT" check --json -m one.gait more.trace 2>/dev/null | wc -l) || true
	[ "$n" -gt 0 ]
	"$SYSGAIT" timeline more.trace -m one.gait -o b.svg
	grep -q ", $n violations<" b.svg
	grep -q '<path class="bad"' b.svg
}

@test "HTML holds the same picture; the same trace gives the same bytes" {
	"$SYSGAIT" timeline "$TRACE" -m "$MODEL" -o a.svg
	"$SYSGAIT" timeline "$TRACE" -m "$MODEL" -o a.html
	"$SYSGAIT" timeline "$TRACE" -m "$MODEL" --format svg >b
	cmp a.svg b
	grep -qi '<!doctype html>' a.html
	sed -n '/<svg/,/<\/svg>/p' a.html | cmp - a.svg
	run ! grep -qE 'https?://' <(grep -v 'xmlns=' a.html)
}

@test "by events, start-up is as wide as it is rich" {
	"$SYSGAIT" timeline --by-events "$TRACE" -o a.svg
	well_formed a.svg
	run ! grep -q ' ms<' a.svg
}

@test "Perfetto's JSON has every call, phase and task" {
	"$SYSGAIT" timeline "$TRACE" -m "$MODEL" -o a.json
	n=$("$SYSGAIT" print --json "$TRACE" | grep -c '"event": "syscall"')
	"$PYTHON" - "$n" <<-'EOF'
		import json, sys
		events = json.load(open("a.json"))["traceEvents"]
		calls = [e for e in events if e["ph"] == "i"]
		assert len(calls) == int(sys.argv[1]), (len(calls), sys.argv)
		assert all(e["args"]["library"] for e in calls)
		begun = sum(e["ph"] == "B" for e in events)
		assert begun > 5 and begun == sum(e["ph"] == "E" for e in events)
	EOF
}

@test "what cannot be drawn is said" {
	run -2 "$SYSGAIT" timeline
	run -2 "$SYSGAIT" timeline --format gif "$TRACE"
	[[ $output == *"svg, html, perfetto"* ]]
	run -1 "$SYSGAIT" timeline nowhere.trace
	run -1 "$SYSGAIT" timeline "$TRACE" -m "$TRACE"
	run -1 "$SYSGAIT" timeline "$TRACE" -o nowhere/a.svg
	[[ $output == *nowhere/a.svg* ]]
	run -1 sh -c '"$SYSGAIT" timeline "$TRACE" >/dev/full'
	run -1 sh -c '"$SYSGAIT" timeline --format perfetto "$TRACE" >/dev/full'
	head -c 3000 "$TRACE" >cut.trace
	"$SYSGAIT" timeline cut.trace -o cut.svg || [ "$?" -eq 1 ]
	[ ! -e cut.svg ] || grep -q 'the trace is partial' cut.svg
}

@test "where a trace is of several programs, the phases say of which" {
	samples=$BATS_TEST_DIRNAME/../../traces/samples
	"$SYSGAIT" timeline "$samples/python3-1.trace" -m "$samples/python3.gait" -o "$BATS_TEST_TMPDIR/python3.svg"
	grep -q '>python3.11: main<' "$BATS_TEST_TMPDIR/python3.svg"
	grep -q '>cat: main<' "$BATS_TEST_TMPDIR/python3.svg"
	"$SYSGAIT" timeline "$samples/nginx-1.trace" -m "$samples/nginx.gait" -o "$BATS_TEST_TMPDIR/nginx.svg"
	grep -q '>main<' "$BATS_TEST_TMPDIR/nginx.svg"
}
