#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Learning from recorded runs of a real shell, and checking others against the model.

bats_require_minimum_version 1.5.0
load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	for i in 1 2 3; do
		"$SYSGAIT" record -q -o "run$i.trace" -- /bin/bash --norc -c \
			'echo a >out; read x <out; for i in 1 2; do (echo "$i"); done; ls >/dev/null' >/dev/null
	done
	# Does what the others did, and then what they never did.
	"$SYSGAIT" record -q -o odd.trace -- /bin/bash --norc -c \
		'echo a >out; read x <out; for i in 1 2; do (echo "$i"); done; ls >/dev/null
		exec 5<>/dev/tcp/127.0.0.1/1; kill -0 $$; cat out' >/dev/null 2>&1 || true
	# Makes known calls only, in another order.
	"$SYSGAIT" record -q -o order.trace -- /bin/bash --norc -c \
		'for i in 1 2; do (echo "$i"); done; read x <out; echo a >out; ls >/dev/null' >/dev/null
	"$SYSGAIT" learn -q -o shell.gait run1.trace run2.trace run3.trace
}

setup() {
	cd "$BATS_FILE_TMPDIR"
}

@test "learn shows programs, roles, phases and libraries, within 100 columns" {
	run "$SYSGAIT" learn -o new.gait run1.trace run2.trace run3.trace
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == "3 runs, "* ]]
	[[ "$output" == *"/bash: 3 runs, "* ]]
	[[ "$output" == *"runs "*"/ls"* ]]
	[[ "$output" == *"main/make_child"* ]]
	[[ "$output" == *"    1  start"* ]]
	[[ "$output" == *"ld-linux-x86-64.so.2"* ]]
	[[ "$output" == *"3 runs; expect "*" unseen edges in the next run."* ]]
	[ "$(printf '%s\n' "$output" | LC_ALL=C.UTF-8 awk '{ if (length($0) > 100) n++ } END { print n + 0 }')" -eq 0 ]
	cmp new.gait shell.gait
}

@test "print shows a model as learn did" {
	"$SYSGAIT" learn -o new.gait run1.trace run2.trace >learned
	"$SYSGAIT" print new.gait | cmp - learned
	"$SYSGAIT" print --json new.gait | "$PYTHON" -m json.tool >/dev/null
	run "$SYSGAIT" print --pid 1 new.gait
	[ "$status" -eq 2 ]
	[[ "$output" == *"new.gait is a model"* ]]
}

@test "order, grouping and doubles make no difference" {
	"$SYSGAIT" learn -q -o other.gait run3.trace run1.trace run2.trace run1.trace
	cmp other.gait shell.gait
	"$SYSGAIT" learn -q -o part.gait run2.trace run3.trace
	"$SYSGAIT" learn -q -o part.gait part.gait run1.trace
	cmp part.gait shell.gait
}

@test "learn --json is one JSON object" {
	"$SYSGAIT" learn --json -o new.gait run1.trace run2.trace >summary.json
	"$PYTHON" - <<-'EOF'
		import json
		summary = json.load(open('summary.json'))
		assert summary['runs'] == 2
		bash = next(p for p in summary['programs'] if p['path'].endswith('/bash'))
		assert any(r['name'] == 'main/make_child' for r in bash['roles'])
		assert sum(l['events'] for l in bash['libraries']) == bash['events'] > 0
	EOF
}

@test "every training trace is accepted" {
	run "$SYSGAIT" check -m shell.gait run1.trace run2.trace run3.trace
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c ' 0 violations; 0 unseen edges$' <<<"$output")" -eq 3 ]
}

@test "what was never done is found, explained and counted" {
	run "$SYSGAIT" check -m shell.gait odd.trace
	echo "$output"
	[ "$status" -eq 3 ]
	[[ "$output" == *"syscall: bash "*": socket(AF_INET"*"this program never makes this call"* ]]
	[[ "$output" == *"    it may call: "* ]]
	[[ "$output" == *"exec: bash "*"this program never runs "*"/cat"* ]]
	[[ "$output" == *"    it may run: "*"/ls"* ]]
	[[ "$output" == *"calls are by programs that the model does not know"* ]]
}

@test "check --json prints the lines of the violation log, and nothing else" {
	run -3 "$SYSGAIT" check -q --json -m shell.gait odd.trace
	printf '%s\n' "$output" >lines
	"$PYTHON" - <<-'EOF'
		import json
		lines = [json.loads(l) for l in open('lines')]
		for line in lines:
		    for key in 'time pid tid program role phase library site syscall args kind action state allowed'.split():
		        assert key in line, key
		connect = next(l for l in lines if l['syscall'] == 'socket')
		assert connect['kind'] == 'syscall' and connect['allowed'] and connect['n_allowed'] >= len(connect['allowed'])
		assert any(l['kind'] == 'exec' and l['exec'].endswith('/cat') for l in lines)
	EOF
}

@test "--strict makes notes of what is further in" {
	run -3 "$SYSGAIT" check -m shell.gait order.trace
	echo "$output"
	[[ "$output" != *"(note"* ]]
	run -0 "$SYSGAIT" check -m shell.gait --strict syscall order.trace
	echo "$output"
	[[ "$output" == *"(note) "* ]]
	[[ "$output" == *" 0 violations: "*"(noted)"* ]]
	run -3 "$SYSGAIT" check -m shell.gait --strict syscall odd.trace
	run "$SYSGAIT" check -m shell.gait --strict nonsense odd.trace
	[ "$status" -eq 2 ]
	[[ "$output" == *"--strict goes up to one of"* ]]
}

@test "a partial trace is refused, and taken when told to" {
	head -c $(($(stat -c %s run1.trace) * 2 / 3)) run1.trace >partial.trace
	run "$SYSGAIT" learn -o partial.gait partial.trace
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"partial.trace"*"partial"*"--allow-partial"* ]]
	[ ! -e partial.gait ]
	"$SYSGAIT" learn -q --allow-partial -o partial.gait partial.trace
	run "$SYSGAIT" check -m partial.gait partial.trace
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"the trace is partial"* ]]
}

@test "slips and damage are told, and cost nothing" {
	cp run1.trace kept.trace
	run "$SYSGAIT" learn -o kept.trace run2.trace
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"kept.trace is there already and is not a model"* ]]
	cmp kept.trace run1.trace
	run "$SYSGAIT" learn run1.trace
	[ "$status" -eq 2 ]
	[[ "$output" == *"-o MODEL"* ]]
	run "$SYSGAIT" learn -o x.gait missing.trace
	[ "$status" -eq 1 ]
	[[ "$output" == *"missing.trace"*"No such file"* ]]
	run "$SYSGAIT" learn -o x.gait /bin/ls
	[ "$status" -eq 1 ]
	[[ "$output" == *"/bin/ls"* ]]
	printf '{"not":' >bad.gait
	run "$SYSGAIT" check -m bad.gait run1.trace
	[ "$status" -eq 1 ]
	[[ "$output" == *"bad.gait"* ]]
	[ ! -e x.gait ]
}

@test "a trace of another program is no violation but an error" {
	"$SYSGAIT" record -q -o true.trace -- /bin/true
	run "$SYSGAIT" check -m shell.gait true.trace
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"true.trace is a trace of "*"/true, which the model does not know"* ]]
}

@test "a full disk is a failure" {
	run bash -c '"$SYSGAIT" learn -o full.gait run1.trace >/dev/full'
	[ "$status" -eq 1 ]
	[[ "$output" == *"cannot write to standard output"* ]]
}
