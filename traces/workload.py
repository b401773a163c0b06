# SPDX-License-Identifier: Apache-2.0
"""What the workload drivers share: arguments, the server's life, the answers, HTTP and RESP.

A driver is called as

    traces/PROGRAM [--scale N] [--then CMD] SEED OUTDIR [PREFIX...]

and runs the program behind PREFIX (nothing, `sysgait record -o F --`, `strace -f -o F`, ...), asks it
what the seed says, and writes everything it answered to OUTDIR/answers. Two runs with one seed give
the same bytes whatever PREFIX does, unless PREFIX changes what the program does: that is the test.
"""
import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

POLL_S = 0.01


class Failed(Exception):
    """The program did not do what the workload asks of it."""


def wait_for(what, condition, seconds=60):
    """Polls until condition() is true. There is no sleep that hopes."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f'gave up after {seconds} s waiting for {what}')
        time.sleep(POLL_S)


reserved = []  # sockets, one for each port that was given out


def free_port():
    """One below those that the kernel gives to clients: else somebody's connection could be sitting on it just when a
    server starts, or starts again. Nor does anybody else get it from here as long as this process lives, whether or not
    a server is there already, or still: that is what the name of a socket is taken for, which goes with its process."""
    with open('/proc/sys/net/ipv4/ip_local_port_range') as file:
        first = max(int(file.read().split()[0]), 10241)
    while True:
        port = random.SystemRandom().randrange(10240, first)
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe, contextlib.suppress(OSError):
            name.bind(f'\0workload-port-{port}')
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(('127.0.0.1', port))
            reserved.append(name)
            return port
        name.close()


def can_connect(port):
    try:
        socket.create_connection(('127.0.0.1', port), 5).close()
        return True
    except OSError:
        return False


def children(pid):
    """Pids of the live children of pid, in the order of their birth."""
    try:
        with open(f'/proc/{pid}/task/{pid}/children') as f:
            return [int(child) for child in f.read().split()]
    except OSError:
        return []


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as f:
            return f.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


def read_pid(path):
    """The pid in a pid file; None where it is not there yet."""
    try:
        with open(path) as f:
            return int(f.read())
    except (OSError, ValueError):
        return None


class Run:
    """One run of one program: the launched process, its directory, the seed's dice, the answers."""

    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.seed = options.seed
        self.scale = options.scale
        self.then = options.then
        self.prefix = options.prefix
        self.options = options
        self.out = os.path.abspath(options.outdir)
        os.makedirs(self.out, exist_ok=True)
        self.answers = open(os.path.join(self.out, 'answers'), 'w', encoding='utf-8')
        # Not in OUTDIR: a server that gives up root must be able to read what it serves.
        self.directory = tempfile.mkdtemp(prefix='workload-')
        os.chmod(self.directory, 0o755)
        self.process = None
        self.pid = None

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        # One date for all files: Last-Modified, ETag and listings are part of the answers.
        os.utime(path, (1700000000, 1700000000))
        return path

    def answer(self, *words):
        self.answers.write(' '.join(str(word) for word in words) + '\n')

    def shuffled(self, jobs):
        """Each job once, some of them oftener, in the seed's order."""
        many = list(jobs) * self.scale + [job for job in jobs if self.random.random() < 0.5]
        self.random.shuffle(many)
        return many

    def launch(self, command, stdin=None, stdout=None):
        """Starts PREFIX command in a session of its own, so that what is left over can be ended."""
        # What the caller's environment says must not change what the program does.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('PYTHON') and not name.lower().endswith('_proxy')}
        environment.update(LC_ALL='C.UTF-8', HOME=self.directory, TMPDIR=self.directory)
        log = open(os.path.join(self.out, 'log'), 'wb')
        self.process = subprocess.Popen(self.prefix + command, stdin=stdin or subprocess.DEVNULL,
                                        stdout=stdout or log, stderr=log,
                                        env=environment, start_new_session=True)
        log.close()

    def await_server(self, port, pid_file):
        """Waits until the server listens; its pid is its own word, for PREFIX may stand between."""
        def is_ready():
            if self.process.poll() is not None:
                raise Failed(f'{self.prefix + ["..."]} ended with {self.process.returncode}; see {self.out}/log')
            self.pid = read_pid(pid_file)
            return self.pid and can_connect(port)
        wait_for('the server', is_ready)

    def run_then(self, **environment):
        """Runs --then CMD while the server is up."""
        if not self.then:
            return
        names = {name.upper(): str(value) for name, value in environment.items()} | {'DIR': self.directory}
        status = subprocess.call(['/bin/sh', '-c', self.then], env={**os.environ, **names})
        if status:
            raise Failed(f'--then ended with {status}')

    def await_end(self):
        self.answer('exit', self.process.wait(timeout=120))

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.answers.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def main(drive, description, flags=()):
    """The main function of every driver. flags: (name, help) of what it can be told besides; run.options has them."""
    parser = argparse.ArgumentParser(description=description)
    for name, text in flags:
        parser.add_argument(name, action='store_true', help=text)
    parser.add_argument('--scale', type=int, default=2, metavar='N',
                        help='ask everything at least N times (default 2)')
    parser.add_argument('--then', metavar='CMD',
                        help='run this shell command before the program is stopped; PID, WORKER, PORT and DIR are set')
    parser.add_argument('seed', type=int, help='decides the order and the mix')
    parser.add_argument('outdir', help='answers, log and trace files go here')
    parser.add_argument('prefix', nargs=argparse.REMAINDER, help='what runs the program')
    options = parser.parse_args()
    # A run takes seconds; only something that hangs, or strace -k, takes minutes.
    limit = int(os.environ.get('WORKLOAD_TIMEOUT_S', '300'))

    def stop(number, frame):
        raise Failed(f'stopped by {signal.Signals(number).name}'
                     + (f' after {limit} s' if number == signal.SIGALRM else ''))
    for number in signal.SIGALRM, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, stop)
    signal.alarm(limit)
    run = Run(options)
    try:
        drive(run)
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        print(f'{sys.argv[0]}: seed {options.seed}: {error}', file=sys.stderr)
        return 1
    finally:
        run.close()
    return 0


def digest(data):
    return f'{len(data)} {hashlib.sha256(data).hexdigest()[:16]}'
