#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# In the machine: real programs, held by `enforce --backend bpf-hooks` in the way that this kernel has (MEANS).

bats_require_minimum_version 1.5.0
load ../../e2e/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	PATH+=:/usr/sbin
	export LC_ALL=C
}

teardown() {
	[ -z "${pid:-}" ] || kill -9 "$pid" 2>/dev/null || true
}

enforce() { # OPTION… -- COMMAND…
	"$SYSGAIT" enforce --backend bpf-hooks -m model.gait --log log "$@" 2>said
}

statements="create table t(a integer primary key, b text); insert into t values(1, 'one'), (2, 'two');
begin; update t set b = upper(b); commit; select * from t order by a desc;"

@test "sqlite3: what was learned runs as it did; what was not fails in the kernel before it acts" {
	for i in 1 2; do
		"$SYSGAIT" record --backend bpf -q -o "$i.trace" -- sqlite3 "$i.db" "$statements" >expected
	done
	"$SYSGAIT" learn -q -o model.gait ?.trace
	enforce -v -- sqlite3 3.db "$statements" >got
	cat said
	cmp expected got
	grep -qF ', 0 violations' said
	# By which means, and what that promises.
	grep -q "^sysgait enforce: bpf-hooks by $MEANS; " said
	grep -q "^sysgait enforce: in the kernel: stacks are $READING" said
	grep -qF 'bpf-hooks: calls are refused in the kernel before they act' said

	# A library that the database loads: opened for libsqlite3, which opens files all the time, but never from there.
	enforce -- sqlite3 4.db "select load_extension('/usr/lib/x86_64-linux-gnu/libz.so.1');" >got && return 1
	cat said
	[ ! -s got ]
	grep -q '^site: .* openat(O_RDONLY.* for libsqlite3.*\[errno EPERM\]' said
	grep -q ' 0 killed$' said
	# A file that it makes is not there.
	enforce -- sqlite3 4.db "select writefile('made', 'x');" >got || true
	cat said
	[ ! -e made ]
}

# ask PATH: the status of nginx's answer.
ask() {
	local line
	exec 7<>/dev/tcp/127.0.0.1/20500 || return 1
	printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&7
	read -r line <&7
	cat <&7 >/dev/null
	exec 7>&-
	echo "${line%$'\r'}"
}

# serve COMMAND…: nginx behind it, a few requests, and its orderly end.
serve() {
	rm -f nginx.pid
	"$@" nginx -p "$PWD" -c nginx.conf -g 'daemon off;' 2>said &
	pid=$!
	wait_for '[ -s nginx.pid ] && ask / >/dev/null 2>&1'
	for path in / /absent / /index.html; do ask "$path"; done >got
	kill -QUIT "$(cat nginx.pid)"
	wait "$pid"
	pid=
}

@test "nginx, as root: its worker becomes www-data as ever, and serves" {
	# Where www-data can get.
	cd "$(mktemp -d)" && chmod 755 . && mkdir -m 755 html && echo hello >html/index.html
	cat >nginx.conf <<-'END'
		user www-data;
		worker_processes 1;
		error_log error.log info;
		pid nginx.pid;
		events { worker_connections 16; }
		http { access_log access.log; server { listen 127.0.0.1:20500; root html; } }
	END
	for i in 1 2 3; do serve "$SYSGAIT" record --backend bpf -q -o "$i.trace" --; done
	cp got expected
	"$SYSGAIT" learn -q -o model.gait ?.trace
	serve "$SYSGAIT" enforce --backend bpf-hooks -m model.gait --log log --
	cat said error.log
	cat log
	cmp expected got
	grep -qF ', 0 violations' said
	[ "$(grep -c ' 200 OK' got)" -eq 3 ]
}
