# SPDX-License-Identifier: Apache-2.0
"""The work that is measured: real programs that do little else than system calls, and a loop of one call. Each has
measure(prefix), which runs it behind the words of prefix and returns how much it did a second, and how many microseconds
of processor time each of that took: of the program and of who supervises it, start and end apart. A busy machine disturbs
the second less."""
import collections
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('BUILD', os.path.join(ROOT, 'build'))
SECONDS = float(os.environ.get('BENCH_SECONDS', '2'))

sys.path.insert(0, os.path.join(ROOT, 'traces'))
import workload  # noqa: E402


# The server and who supervises it have one core, who asks it another one, where there are two.
CORES = sorted(os.sched_getaffinity(0))
SERVERS_CORE = ['taskset', '-c', str(CORES[0])]
CLIENTS_CORE = ['taskset', '-c', str(CORES[-1])]

Figures = collections.namedtuple('Figures', 'rate cpu_us')


def run_checked(command, **options):
    """Like subprocess.run, but what the command said is shown where it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', timeout=600, **options)
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def wait_with_cpu(process, timeout_s):
    """Waits for a process; returns the seconds of processor time that it, and what it has waited for, took."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime
        time.sleep(0.002)
    sys.exit(f"bench: {' '.join(process.args)} does not end")


def run_with_cpu(command):
    """Like run_checked, and what it took."""
    with tempfile.TemporaryFile('w+', errors='replace') as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        cpu_s = wait_with_cpu(process, 600)
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{text[-2000:]}")
    return text, cpu_s


class Server:
    """A server in a process group of its own, which is stopped in the end, whatever happened; cpu_s is then what it took."""

    def __init__(self, command, log, stop):
        self.stop = stop
        self.cpu_s = 0
        with open(log, 'wb') as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True)

    def __enter__(self):
        return self

    def find_own(self, pid):
        """Whom a signal for the server is for: pid, as it says; but in a sandbox numbers are others, and who started that hands
        signals on."""
        try:
            return pid if os.getsid(pid) == self.process.pid else self.process.pid
        except ProcessLookupError:
            return self.process.pid

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
                self.cpu_s = wait_with_cpu(self.process, 120)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


NGINX_CONFIG = '''\
daemon off; master_process on; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log; {user}
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; sendfile on; keepalive_requests 100000000;
server {{ listen 127.0.0.1:{port}; root {dir}; }} }}
'''


class Nginx:
    """Requests that nginx (one worker) answers with a file of 1 kB, asked by wrk over eight connections."""
    name, unit = 'nginx', 'requests/s'

    def __init__(self, directory):
        self.directory = tempfile.mkdtemp(dir=directory)
        os.chmod(self.directory, 0o755)
        with open(os.path.join(self.directory, 'file'), 'wb') as f:
            f.write(b'x' * 1024)

    def serve(self, prefix, ask):
        """Returns what ask(port) says, and the seconds of processor time that the server took."""
        port = workload.free_port()
        user = 'user nobody nogroup;' if os.geteuid() == 0 else ''
        config, log, pid_file = (os.path.join(self.directory, name) for name in ('conf', 'log', 'pid'))
        with open(config, 'w') as f:
            f.write(NGINX_CONFIG.format(dir=self.directory, port=port, user=user))
        with Server([*SERVERS_CORE, *prefix, 'nginx', '-p', self.directory, '-c', config], log,
                    lambda: os.kill(server.find_own(workload.read_pid(pid_file)), signal.SIGQUIT)) as server:
            workload.wait_for('nginx', lambda: workload.read_pid(pid_file) and workload.can_connect(port))
            said = ask(port)
        return said, server.cpu_s

    @staticmethod
    def ask(port):
        return run_checked([*CLIENTS_CORE, 'wrk', '-t1', '-c8', f'-d{max(1, round(SECONDS))}s', '--timeout', '10s',
                            f'http://127.0.0.1:{port}/file'])

    def measure(self, prefix):
        # Start and end are not the requests'.
        _, idle_cpu_s = self.serve(prefix, lambda port: None)
        output, cpu_s = self.serve(prefix, self.ask)
        # Under some supervisors, on a slow machine, not one: then it is one at most.
        rate = max(1 / SECONDS, float(re.search(r'Requests/sec: *([0-9.]+)', output).group(1)))
        n_requests = max(1, int(re.search(r'([0-9]+) requests in', output).group(1)))
        return Figures(rate, (cpu_s - idle_cpu_s) * 1e6 / n_requests)


class Redis:
    """Requests (GET and SET) that redis-server answers, asked by redis-benchmark over eight connections."""
    name, unit = 'redis', 'requests/s'
    n_first = 200

    def __init__(self, directory):
        self.directory = tempfile.mkdtemp(dir=directory)

    @staticmethod
    def ask(port, n_requests):
        output = run_checked([*CLIENTS_CORE, 'redis-benchmark', '-p', str(port), '-t', 'set,get', '-c', '8', '-n', str(n_requests),
                              '--csv'])
        rates = [float(line.split(',')[1].strip('"')) for line in output.splitlines()
                 if line.startswith(('"SET"', '"GET"'))]
        return len(rates) / sum(1 / rate for rate in rates)

    def serve(self, prefix, ask):
        """Returns what ask(port) says, and the seconds of processor time that the server took."""
        port = workload.free_port()
        with Server([*SERVERS_CORE, *prefix, 'redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--dir',
                     self.directory], os.path.join(self.directory, 'log'),
                    lambda: run_checked(['redis-cli', '-p', str(port), 'shutdown', 'nosave'])) as server:
            workload.wait_for('redis', lambda: workload.can_connect(port))
            said = ask(port)
        return said, server.cpu_s

    def measure(self, prefix):
        # As many as take the time: under some supervisors that is a thousandth of what is native. Start and end are not theirs.
        rate, first_cpu_s = self.serve(prefix, lambda port: self.ask(port, self.n_first))
        n_requests = max(self.n_first, int(rate * SECONDS / 2))
        rate, cpu_s = self.serve(prefix, lambda port: self.ask(port, self.n_first + n_requests))
        # SET and GET, each so many.
        return Figures(rate, (cpu_s - first_cpu_s) * 1e6 / (2 * n_requests))


class Sqlite:
    """Inserts of the sqlite3 shell, each a transaction of its own, as it is by default: on the disk when it is done; start
    and end are not counted."""
    name, unit = 'sqlite3', 'inserts/s'
    n_first, n_most = 20, 40000
    options = ''

    def __init__(self, directory):
        self.directory = tempfile.mkdtemp(dir=directory)

    def run(self, prefix, n_inserts):
        database, script = (os.path.join(self.directory, name) for name in ('db', 'script'))
        for leftover in database, database + '-journal':
            if os.path.exists(leftover):
                os.remove(leftover)
        with open(script, 'w') as f:
            f.write(self.options + 'CREATE TABLE t(a, b);\n' + "INSERT INTO t VALUES(1, 'two');\n" * n_inserts)
        start = time.monotonic()
        _, cpu_s = run_with_cpu([*prefix, 'sqlite3', database, '.read ' + script])
        return time.monotonic() - start, cpu_s

    def measure(self, prefix):
        start_s, start_cpu_s = self.run(prefix, 0)
        first_s, _ = self.run(prefix, self.n_first)
        # As many as take the time: under some supervisors that is a thousandth of what is native.
        each_s = max(1e-6, (first_s - start_s) / self.n_first)
        n_inserts = max(self.n_first, min(self.n_most, int(SECONDS / each_s)))
        took_s, cpu_s = self.run(prefix, n_inserts)
        return Figures(n_inserts / max(1e-6, took_s - start_s), (cpu_s - start_cpu_s) * 1e6 / n_inserts)


class SqliteInMemory(Sqlite):
    """The same without waiting for the disk (PRAGMA synchronous=off): little else than system calls, some thirty each."""
    name = 'sqlite3, no sync'
    options = 'PRAGMA synchronous=off; '


class Spin:
    """A loop of one system call."""
    unit = 'calls/s'

    def __init__(self, name, summary, *arguments):
        self.name, self.__doc__, self.arguments = name, summary, arguments

    def run(self, prefix, duration_ms):
        output, cpu_s = run_with_cpu([*prefix, os.path.join(BUILD, 'fixtures/spin'), str(duration_ms), *self.arguments])
        # A supervisor may say something afterwards.
        rate = float(output.split()[0])
        return rate, rate * duration_ms / 1e3, cpu_s

    def measure(self, prefix):
        # Start and end are not the loop's.
        _, n_first, cpu_first_s = self.run(prefix, 1)
        rate, n_calls, cpu_s = self.run(prefix, max(10, round(SECONDS * 500)))
        return Figures(rate, (cpu_s - cpu_first_s) * 1e6 / (n_calls - n_first))


def make_programs(directory):
    return [Nginx(directory), Redis(directory), Sqlite(directory), SqliteInMemory(directory)]


def make_crowds():
    return [Spin(f'{n} threads', f'One system call in a loop, in {n} threads at the same time, by a library.', 'library',
                 str(n)) for n in (2, 4)]


def make_loops():
    return [Spin('loop', 'One system call in a loop, by the program through libc.', 'direct'),
            Spin('loop, .so', 'One system call in a loop, by a library of the program through libc.', 'library')]
