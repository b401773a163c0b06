#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `sysgait graph`, from recorded runs of real programs to what graphviz makes of it.

bats_require_minimum_version 1.5.0
load common

setup_file() {
	export MODEL="$BATS_FILE_TMPDIR/shell.gait"
	for n in 1 2; do
		"$SYSGAIT" record -q -o "$BATS_FILE_TMPDIR/$n.trace" -- \
			/bin/sh -c "ls / >/dev/null; (cat /proc/version; sleep 0.$n) | sort >/dev/null"
	done
	"$SYSGAIT" learn -q -o "$MODEL" "$BATS_FILE_TMPDIR"/*.trace >/dev/null
}

# Graphviz takes it without a word.
render() {
	"$SYSGAIT" graph "$MODEL" "$@" | dot -Tsvg -o "$BATS_TEST_TMPDIR/out.svg" 2>"$BATS_TEST_TMPDIR/complaints"
	cat "$BATS_TEST_TMPDIR/complaints"
	[ ! -s "$BATS_TEST_TMPDIR/complaints" ]
	grep -q '</svg>' "$BATS_TEST_TMPDIR/out.svg"
}

@test "graph: dot renders every view" {
	render
	grep -q 'libc.so.6' "$BATS_TEST_TMPDIR/out.svg"
	render --phases
	grep -q 'phase 1' "$BATS_TEST_TMPDIR/out.svg"
	render --roles
	grep -q 'executes' "$BATS_TEST_TMPDIR/out.svg"
	render --library ld-linux --program ls
	grep -q 'mprotect' "$BATS_TEST_TMPDIR/out.svg"
	render --library ld-linux --program ls --role main --full
}

@test "graph: --full has a box for each state, and each says which call from where" {
	run -0 --separate-stderr "$SYSGAIT" graph "$MODEL" --library ls --role main --full
	n_states=$(grep -o '[0-9]* states' <<<"$output" | head -1 | cut -d' ' -f1)
	n_sequenced=$(grep -cE '^[[:space:]]+r0s([2-9]|[0-9]{2,})[[:space:]]+\[' <<<"$output")
	n_others=$(grep -o 'outside the sequence.*' <<<"$output" | grep -o '<TR>' | wc -l)
	echo "$n_states states, $n_sequenced boxes, $n_others others"
	[ "$n_states" -gt 5 ]
	[ $((n_sequenced + n_others)) -eq "$n_states" ]
	grep -q '<B>getdents64</B>' <<<"$output"
}

@test "graph: --fold says what it folds, and folds more by syscall than by function" {
	for fold in none function syscall; do
		render --library ls --role main --full --fold "$fold"
		"$SYSGAIT" graph "$MODEL" --library ls --role main --full --fold "$fold" >"$BATS_TEST_TMPDIR/$fold"
		grep -cE '^[[:space:]]+r0s([2-9]|[0-9]{2,})[[:space:]]+\[' "$BATS_TEST_TMPDIR/$fold"
	done >"$BATS_TEST_TMPDIR/boxes"
	cat "$BATS_TEST_TMPDIR/boxes"
	sort -c -n -r "$BATS_TEST_TMPDIR/boxes"
	[ "$(sed -n 1p "$BATS_TEST_TMPDIR/boxes")" -gt "$(sed -n 3p "$BATS_TEST_TMPDIR/boxes")" ]
	run ! grep -q 'folded by' "$BATS_TEST_TMPDIR/none"
	grep -q 'folded by syscall: [0-9]* states stand for [0-9]*' "$BATS_TEST_TMPDIR/syscall"
	grep -q '[0-9] sites' "$BATS_TEST_TMPDIR/syscall"
	cmp "$BATS_TEST_TMPDIR/none" <("$SYSGAIT" graph "$MODEL" --library ls --role main --full)
	run -2 "$SYSGAIT" graph "$MODEL" --fold syscall
	[[ "$output" == *"--library"* ]]
	run -2 "$SYSGAIT" graph "$MODEL" --library ls --fold library
	[[ "$output" == *"by function"* ]]
}

@test "graph: the same model gives the same bytes, on standard output and in a file" {
	for n in 1 2 3; do
		"$SYSGAIT" graph "$MODEL" >"$BATS_TEST_TMPDIR/$n.dot"
	done
	"$SYSGAIT" graph "$MODEL" -T dot -o "$BATS_TEST_TMPDIR/4.dot"
	cmp "$BATS_TEST_TMPDIR/1.dot" "$BATS_TEST_TMPDIR/2.dot"
	cmp "$BATS_TEST_TMPDIR/1.dot" "$BATS_TEST_TMPDIR/3.dot"
	cmp "$BATS_TEST_TMPDIR/1.dot" "$BATS_TEST_TMPDIR/4.dot"
}

@test "graph: renders SVG and PNG, by -T or by the name of the output, the same bytes each time" {
	cd "$BATS_TEST_TMPDIR"
	"$SYSGAIT" graph "$MODEL" -o a.svg
	"$SYSGAIT" graph "$MODEL" -T svg >b.svg
	cmp a.svg b.svg
	grep -q '</svg>' a.svg
	grep -q 'getdents64' a.svg
	# Else a browser drops the spaces between fonts, and words stick together.
	[ "$(grep -c '<text ' a.svg)" -eq "$(grep -c '<text xml:space="preserve" ' a.svg)" ]
	"$SYSGAIT" graph "$MODEL" --phases -o a.png
	"$SYSGAIT" graph "$MODEL" --phases -T png -o b
	cmp a.png b
	[ "$(head -c 8 a.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
	"$SYSGAIT" graph "$MODEL" -T dot -o c.svg
	grep -q '^digraph' c.svg
	run -1 sh -c '"$SYSGAIT" graph -T png "$MODEL" >/dev/full'
}

@test "graph: a name that fits several things or none is answered with what there is" {
	run -2 "$SYSGAIT" graph "$MODEL" --library ld-linux
	[[ "$output" == *"more than one library"*"/ls"* ]]
	run -2 "$SYSGAIT" graph "$MODEL" --library libnone.so
	[[ "$output" == *"no library 'libnone.so'"*"libc.so.6"* ]]
	run -2 "$SYSGAIT" graph "$MODEL" --role nobody
	[[ "$output" == *"no role 'nobody'"*"main"* ]]
	run -2 "$SYSGAIT" graph "$MODEL" --program nothing
	[[ "$output" == *"/ls"* ]]
}

@test "graph: --diff draws what a diff says, and nothing where nothing changed" {
	cd "$BATS_TEST_TMPDIR"
	"$SYSGAIT" record -q -o more.trace -- /bin/sh -c 'ls / >/dev/null; mkdir made; rmdir made'
	"$SYSGAIT" learn -q -o more.gait "$BATS_FILE_TMPDIR/1.trace" more.trace >/dev/null
	"$SYSGAIT" learn -q -o once.gait "$BATS_FILE_TMPDIR/1.trace" >/dev/null
	run -2 "$SYSGAIT" diff -q once.gait more.gait

	for view in "" --phases "--library dash --program dash"; do
		# shellcheck disable=SC2086 # options, or none
		"$SYSGAIT" graph --diff once.gait $view more.gait -o new.dot
		grep -q 'what changed from <B>once.gait</B> to <B>more.gait</B>' new.dot
		dot -Tsvg -o new.svg new.dot 2>complaints
		[ ! -s complaints ]
		# shellcheck disable=SC2086
		"$SYSGAIT" graph --diff more.gait $view more.gait -o same.dot
		[ "$(grep -cE '[>"](\+|−) ' same.dot)" -eq "$(grep -c '+ green' same.dot)" ]
	done
	"$SYSGAIT" graph --diff once.gait more.gait | grep -q '<B>+ </B>.*mkdir'
	"$SYSGAIT" graph --diff more.gait once.gait | grep -q '<B>− </B>.*<S>mkdir'
	run -2 "$SYSGAIT" graph --diff once.gait --roles more.gait
	[[ "$output" == *"leave out --roles"* ]]
	run -1 "$SYSGAIT" graph --diff none.gait more.gait
	[[ "$output" == *"none.gait"* ]]
}

# read_rv FILE MODEL PROGRAM LIBRARY FOLD: reads FILE by the rules of the kernel's tools (dot2 of Linux 6.1, rvgen of
# newer ones), and compares it with the model's own edges. These rules are: the first two words say what it is. A block of
# lines that begin with {node: the last word is a state, but with __init_ the initial one; who is a doublecircle or an
# ellipse is final. One line is passed over. Then a block of lines that begin with a quote: a state, with a label that
# says no more than its name (more would be a clock's condition), or two with -> between them, where what stands between
# `label =` and the last word are the events, in one word, with no ; (a clock's condition, too).
read_rv() {
	"$PYTHON" - "$@" <<-'EOF'
		import collections, json, re, sys
		path, model_path, program_name, library_name, fold = sys.argv[1:]
		lines = [line.strip() for line in open(path)]
		assert lines[0].split()[:2] == ["digraph", "state_automaton"], lines[0]
		at = next(i for i, line in enumerate(lines) if line.split()[:1] == ["{node"])
		states, final, initial = set(), set(), None
		while lines[at].split()[:1] == ["{node"]:
		    name = re.fullmatch(r'"(\w+)"\};', lines[at].split()[-1]).group(1)
		    if name.startswith("__init_"):
		        assert initial is None
		        initial = name[len("__init_"):]
		    else:
		        states.add(name)
		        if "doublecircle" in lines[at] or "ellipse" in lines[at]:
		            final.add(name)
		    at += 1
		assert final == {initial}, final
		assert lines[at] == f'"__init_{initial}" -> "{initial}";', lines[at]
		matrix, pairs, labelled = {}, set(), set()
		at += 1
		while lines[at].startswith('"'):
		    line = lines[at]
		    at += 1
		    words = line.split()
		    if words[1] != "->":
		        state, label = words[0].strip('"'), line.split("label", 1)[1].split('"')[1]
		        assert state in states and label == state, line
		        labelled.add(state)
		        continue
		    assert words[words.index("label") + 1] == "=" and words.index("label") + 4 == len(words), line
		    assert words[-1] == "];" and ";" not in words[-2], line
		    origin, target = words[0].strip('"'), words[2].strip('"')
		    assert origin in states and target in states, line
		    assert (origin, target) not in pairs, line
		    pairs.add((origin, target))
		    for event in words[-2].strip('"').split("\\n"):
		        assert (origin, event) not in matrix, "not deterministic: " + line
		        matrix[origin, event] = target
		assert labelled == states, states ^ labelled
		# Nothing of the automaton lies behind that block, where it would not be read.
		assert not any("->" in line for line in lines[at:]), lines[at:]
		events = {event for _, event in matrix}
		# Enumerators of one scope, of which the kernel keeps 31 characters.
		for name in states | events:
		    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,30}", name), name
		assert not states & events and initial in states
		reached, todo = {initial}, [initial]
		while todo:
		    state = todo.pop()
		    for (origin, _), target in matrix.items():
		        if origin == state and target not in reached:
		            reached.add(target)
		            todo.append(target)
		assert reached == states, states - reached

		model = json.load(open(model_path))
		program = next(p for p in model["programs"] if p["path"].endswith("/" + program_name))
		library = next(l for l in program["libraries"] if l["module"] == library_name)
		sites = {s["id"]: (s["call"].split("(")[0], s["site"][2:]) for s in library["symbols"]}
		if fold == "none":
		    learned = collections.Counter()
		    for edge in library["edges"]:
		        assert edge["from"] != "signal"
		        start = "start" if edge["from"] == "start" else sites[edge["from"]][1]
		        learned[start, sites[edge["to"]][1]] += 1
		    written = collections.Counter()
		    for (origin, event), target in matrix.items():
		        if target == "at_" + event:
		            written[origin.rsplit("_", 1)[-1], event.rsplit("_", 1)[-1]] += 1
		        else:
		            assert origin == target, (origin, event)
		    assert written == learned, (written - learned, learned - written)
		else:
		    assert len(states) - 1 <= len(library["calls"])
		print(len(states), "states,", len(events), "events")
	EOF
}

@test "graph: --dialect rv is what the kernel's tools read, deterministic, with the model's edges" {
	cd "$BATS_TEST_TMPDIR"
	"$SYSGAIT" graph "$MODEL" --library ls --role main --program ls --dialect rv -o ls.dot
	read_rv ls.dot "$MODEL" ls ls none
	"$SYSGAIT" graph "$MODEL" --library ls --role main --program ls --dialect rv --fold syscall -o folded.dot
	read_rv folded.dot "$MODEL" ls ls syscall
	[ "$(wc -l <folded.dot)" -lt "$(wc -l <ls.dot)" ]
	dot -Tsvg -o ls.svg ls.dot 2>complaints
	[ ! -s complaints ]
	run -2 "$SYSGAIT" graph "$MODEL" --dialect rv
	run -2 "$SYSGAIT" graph "$MODEL" --library ls --dialect rv --full
	run -2 "$SYSGAIT" graph "$MODEL" --library ls --dialect rv --fold function
	run -2 "$SYSGAIT" graph "$MODEL" --library ls --dialect rv -T png
	run -2 "$SYSGAIT" graph "$MODEL" --library ls --dialect smv
	# A stack, or several kinds of task, are not for it.
	samples=$BATS_TEST_DIRNAME/../../traces/samples
	run -2 "$SYSGAIT" graph "$samples/nginx.gait" --library nginx --dialect rv
	[[ "$output" == *"choose with --role"*main/ngx_spawn_process* ]]
	run -1 "$SYSGAIT" graph "$samples/nginx.gait" --library nginx --role main --dialect rv
	[[ "$output" == *"signal handlers"* ]]
	"$SYSGAIT" graph "$samples/nginx.gait" --library nginx --role main/ngx --dialect rv | grep -q '"start" -> "at_set_robust_list'
}

@test "graph: wrong usage is told from failure" {
	run -2 "$SYSGAIT" graph
	run -2 "$SYSGAIT" graph "$MODEL" "$MODEL"
	run -2 "$SYSGAIT" graph "$MODEL" --phases --roles
	run -2 "$SYSGAIT" graph "$MODEL" --full
	run -2 "$SYSGAIT" graph "$MODEL" -T gif
	[[ "$output" == *"dot -Tgif"* ]]
	run -2 "$SYSGAIT" graph --no-such-option "$MODEL"
	run -0 "$SYSGAIT" graph --help
	[[ "$output" == *"dot -Tpdf"* ]]
	run -1 "$SYSGAIT" graph "$BATS_TEST_TMPDIR/none.gait"
	[[ "$output" == *"none.gait"* ]]
	run -1 "$SYSGAIT" graph "$MODEL" -o "$BATS_TEST_TMPDIR/none/out.dot"
	[[ "$output" == *"none/out.dot"* ]]
}

@test "graph: a full disk is a failure, on standard output and as a file" {
	run -1 sh -c '"$SYSGAIT" graph "$MODEL" >/dev/full'
	[[ "$output" == *"No space left"* ]]
	run -1 "$SYSGAIT" graph "$MODEL" -o /dev/full
	[[ "$output" == *"/dev/full"*"No space left"* ]]
}

@test "graph: a drawing in a file is made without a word" {
	run -0 "$SYSGAIT" graph "$MODEL" --roles -o "$BATS_TEST_TMPDIR/roles.dot"
	[ -z "$output" ]
	[ -s "$BATS_TEST_TMPDIR/roles.dot" ]
}
