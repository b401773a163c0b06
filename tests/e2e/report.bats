#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Reports on models: their figures against the model itself, and the page in a browser.

bats_require_minimum_version 1.5.0
load common

setup_file() {
	export SAMPLES="$BATS_TEST_DIRNAME/../../traces/samples"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# browse FILE [OPTION...]: what a browser makes of a page, its scripts run; its complaints go to the file log.
browse() {
	local file=$1
	shift
	timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$PWD/profile" \
		--enable-logging=stderr --virtual-time-budget=5000 "$@" --dump-dom "file://$PWD/$file" 2>log
}

# measure FILE WIDTH light|dark: how a page lies in a window; `cut` counts what ends beyond it and cannot be scrolled to.
measure() {
	local scheme=1
	[ "$3" = light ] || scheme=0
	cat "$1" - >measured.html <<-'EOF'
		<script>
		const style = getComputedStyle(document.body);
		const beyond = [...document.querySelectorAll('h1,h2,h3,h4,p,.wide,details,summary,.strip,.zoom,table,td,th')].filter(e => {
			const box = e.closest('.wide');
			return (box && box !== e && getComputedStyle(box).overflowX === 'auto') ? false
				: e.getBoundingClientRect().right > innerWidth + 1;
		});
		const scrolled = [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1);
		const said = ['window ' + innerWidth, 'page ' + document.documentElement.scrollWidth, 'cut ' + beyond.length,
			'scrolled ' + scrolled.length, 'ground ' + style.backgroundColor, 'ink ' + style.color];
		parent.postMessage(said, '*');
		</script>
	EOF
	# A window cannot be as narrow as a telephone's; a frame can.
	cat >frame.html <<-EOF
		<meta name="color-scheme" content="light dark">
		<script>
		onmessage = e => document.body.innerHTML = e.data.map(s => '<p class="said">' + s + '</p>').join('\\n');
		</script>
		<body><iframe src="measured.html" width="$2" height="900" style="border:0"></iframe>
	EOF
	browse frame.html --hide-scrollbars --blink-settings=preferredColorScheme=$scheme |
		sed -n 's/.*class="said">\([^<]*\)<.*/\1/p' | tee measures
}

# measured LINE...: what it said.
measured() {
	local line
	for line; do
		grep -qx "$line" measures || { echo "not so: $line"; return 1; }
	done
}

has_browser() {
	command -v chromium >/dev/null || cannot_run "there is no chromium"
}

@test "figures agree with the model" {
	for program in nginx redis sqlite3 python3; do
		"$SYSGAIT" report --json "$SAMPLES/$program.gait" >report.json
		"$PYTHON" - "$SAMPLES/$program.gait" <<-'EOF'
			import json, re, sys
			model = json.load(open(sys.argv[1]))
			report = json.load(open("report.json"))
			assert report["payloads_tried"] >= 40
			for known, said in zip(model["programs"], report["programs"]):
			    assert known["path"] == said["path"]
			    numbers = lambda calls: len({re.sub(r"\(.*", "", call) for call in calls})
			    phases = [(role["name"], phase) for role in known["roles"] for phase in role["phases"]]
			    assert len(phases) == len(said["phases"])
			    for (role, phase), row in zip(phases, said["phases"]):
			        assert role == row["role"]
			        inside = {call for i in phase.get("interludes", []) for call in i["calls"]}
			        assert numbers(set(phase["allowed"]) - inside) == row["allowed"]
			        assert numbers(phase["retained"]) == row["retained"]
			        assert row["surface"] <= row["retained_surface"] + 1e-9
			        # Choices: edges to calls that the phase allows, weighed by how often the role took them.
			        total = weight = 0
			        for library in known["libraries"]:
			            name = {symbol["id"]: symbol["call"] for symbol in library["symbols"]}
			            edges = [e for e in library["edges"] if name[e["to"]] in phase["allowed"]]
			            for edge in edges:
			                count = sum(n for who, n, _ in edge["roles"] if who == role)
			                total += count * sum(e["from"] == edge["from"] for e in edges)
			                weight += count
			        assert abs(row["branching"] - (total / weight if weight else 0)) < 1e-3, (role, row)
			    assert abs(sum(row["time_share"] for row in said["phases"]) - 1) < 1e-3
			    # Each filter knows more than the one before and so lets pass no more.
			    passing = [row["payloads"] + row["payloads_padded"] for row in said["filters"]]
			    assert passing == sorted(passing, reverse=True), passing
			    assert said["filters"][1]["syscalls"] == numbers(c["id"] for c in known["calls"])
			    surface = {row["filter"]: row["surface"] for row in said["filters"]}
			    assert surface["a set for each phase"] <= surface["one set for the program"] + 1e-9
		EOF
	done
}

@test "the text says for each role, phase and library what is exposed" {
	run -0 --separate-stderr "$SYSGAIT" report "$SAMPLES/nginx.gait"
	[[ $output == *"one set for the program"* ]]
	[[ $output == *"sysgait: sequences in phases"* ]]
	[[ $output == *"main/ngx_spawn_process"* ]]
	[[ $output == *"libcrypto.so.3"* ]]
	[ "$(awk '{ if (length($0) > 120) n++ } END { print n + 0 }' <<<"$output")" -eq 0 ]
}

@test "a program that runs others has more payloads than one that does not" {
	passing() {
		"$SYSGAIT" report --json "$1" | "$PYTHON" -c '
import json, sys
for program in json.load(sys.stdin)["programs"]:
    if program["path"].endswith(sys.argv[1]):
        print("\n".join(row["payload"] for row in program["payloads"]))' "$2"
	}
	passing "$SAMPLES/python3.gait" python3.11 >python
	passing "$SAMPLES/sqlite3.gait" sqlite3 >sqlite
	grep -qx 'shell' python
	grep -qx 'shell in a child' python
	run ! grep -qx 'shell' sqlite
	grep -qx 'remove a file' sqlite
}

@test "the page needs nothing from elsewhere, and is the same each time" {
	"$SYSGAIT" report "$SAMPLES/nginx.gait" --html a.html
	"$SYSGAIT" report "$SAMPLES/nginx.gait" --html - >b.html
	cmp a.html b.html
	run ! grep -oE '(src|href)="[^#"][^"]*"' a.html
	run ! grep -oE 'url\([^)]*\)|@import' a.html
}

@test "in a browser the page loads without an error, its pictures are there, its controls work" {
	has_browser
	"$SYSGAIT" report "$SAMPLES/nginx.gait" --html page.html
	cat page.html - >driven.html <<-'EOF'
		<script>
		const said = [];
		const svgs = [...document.querySelectorAll('.zoom svg')].filter(s => s.clientWidth);
		said.push('pictures ' + svgs.filter(s => s.querySelectorAll('text').length > 5).length);
		said.push('strips ' + document.querySelectorAll('.strip').length);
		const before = svgs[0].getAttribute('viewBox');
		const box = svgs[0].getBoundingClientRect();
		svgs[0].parentNode.dispatchEvent(new WheelEvent('wheel', {deltaY: -100, cancelable: true,
			clientX: box.x + box.width / 2, clientY: box.y + box.height / 2}));
		said.push('zoomed ' + (svgs[0].getAttribute('viewBox') !== before));
		svgs[0].parentNode.dispatchEvent(new MouseEvent('dblclick'));
		said.push('whole ' + (svgs[0].getAttribute('viewBox').split(' ').join() === before.split(/[ ,]+/).map(Number).join()));
		const rows = () => [...document.querySelectorAll('tr.no')].filter(r => !r.hidden).length;
		said.push('folded ' + (rows() === 0));
		const control = document.querySelector('.refused');
		control.checked = true;
		control.dispatchEvent(new Event('change'));
		said.push('unfolded ' + (rows() > 20));
		said.push('wider ' + (document.documentElement.scrollWidth > innerWidth));
		document.body.innerHTML = said.map(s => '<p class="said">' + s + '</p>').join('\n');
		</script>
	EOF
	browse driven.html >dom || { cat log; false; }
	cat dom log | grep -E 'said|CONSOLE' || true
	run ! grep -E 'CONSOLE|Uncaught' log
	for line in 'pictures [2-9]' 'strips 2' 'zoomed true' 'whole true' 'folded true' 'unfolded true' 'wider false'; do
		grep -q ">$line<" dom || { echo "not so: $line"; return 1; }
	done
}

@test "no page is wider than its window, light or dark, or than paper" {
	has_browser
	for program in nginx redis sqlite3 python3; do
		"$SYSGAIT" report "$SAMPLES/$program.gait" --html $program.html
		measure $program.html 390 dark
		# Wide tables scroll in a box of their own.
		measured 'window 390' 'page 390' 'cut 0' 'scrolled [1-9].*' 'ground rgb(20, 23, 28)' 'ink rgb(229, 231, 235)'
	done
	measure nginx.html 1280 light
	measured 'window 1280' 'page 1280' 'cut 0' 'scrolled 0' 'ground rgb(255, 255, 255)' 'ink rgb(31, 41, 55)'
	# What is printed, shown in a window of a sheet's width, where nothing may scroll, and on white.
	for program in nginx redis sqlite3 python3; do
		sed 's/@media print/@media all/' $program.html >printed.html
		measure printed.html 720 light
		measured 'page 720' 'cut 0' 'scrolled 0'
	done
}

@test "trouble is said" {
	run -2 "$SYSGAIT" report
	run -2 "$SYSGAIT" report --json --html a.html "$SAMPLES/nginx.gait"
	run -1 "$SYSGAIT" report nowhere.gait
	[[ $output == *nowhere.gait* ]]
	run -1 sh -c '"$SYSGAIT" report "$SAMPLES/nginx.gait" >/dev/full'
	run -1 "$SYSGAIT" report "$SAMPLES/nginx.gait" --html nowhere/a.html
}

@test "the busiest program comes first, in the text and on the page" {
	run -0 --separate-stderr "$SYSGAIT" report "$SAMPLES/python3.gait"
	[ "$(grep -m1 '^/' <<<"$output" | cut -d: -f1)" = /usr/bin/python3.11 ]
	"$SYSGAIT" report --html page.html "$SAMPLES/python3.gait"
	grep -q '<h1>python3.11, ' page.html
	[ "$(grep -o '<h2>/[^<]*' page.html | head -1)" = '<h2>/usr/bin/python3.11' ]
}
