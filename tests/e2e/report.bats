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

# browse FILE: what a browser makes of a page, its scripts run; its complaints go to the file log.
browse() {
	timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$PWD/profile" \
		--enable-logging=stderr --virtual-time-budget=5000 --dump-dom "file://$PWD/$1" 2>log
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
