# SPDX-License-Identifier: Apache-2.0
"""The servers that are attacked: how each is trained, started behind a prefix (nothing, or `sysgait enforce`), woken up,
asked whether it still serves, and which of its processes the attack goes into."""
import concurrent.futures
import contextlib
import importlib.machinery
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get('BUILD', os.path.join(ROOT, 'build'))
SYSGAIT = os.environ.get('SYSGAIT', os.path.join(BUILD, 'sysgait'))
FIXTURES = os.path.join(BUILD, 'fixtures')
TRACES = os.path.join(ROOT, 'traces')

sys.path.insert(0, TRACES)
import workload  # noqa: E402
from workload import wait_for  # noqa: E402

os.environ['PATH'] = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'


def load_driver(name):
    """A driver of traces/ as a module: it starts what it drives."""
    loader = importlib.machinery.SourceFileLoader('driver_' + name, os.path.join(TRACES, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def must(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', timeout=280, check=False, **options)
    if done.returncode:
        raise workload.Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def record_prefix(trace, seed):
    """Each second run is perturbed: a server that is slowed down does things in another order, and one that is not, too."""
    return [SYSGAIT, 'record', '-q', *(['--perturb'] if seed % 2 == 0 else ['--backend', 'auto']), '-o', trace, '--']


def record_runs(driver, directory, seeds):
    """Records runs of a driver, a few at a time. Returns the traces."""
    traces = [os.path.join(directory, f'{seed}.trace') for seed in seeds]
    running = []
    for seed, trace in zip(seeds, traces):
        command = [os.path.join(TRACES, driver), '--scale', '1', str(seed), os.path.join(directory, f'run{seed}'), *record_prefix(trace, seed)]
        running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        while len(running) > 2:
            finish(running.pop(0))
    for process in running:
        finish(process)
    return traces


def finish(process):
    _, errors = process.communicate(timeout=280)
    if process.returncode:
        raise workload.Failed(f'{process.args}: {errors}')


class Server:
    """One running server. What it was started behind is its prefix."""
    program = None  # path that the model knows it by
    STOP = signal.SIGTERM

    def __init__(self, directory, prefix):
        self.directory = directory
        self.prefix = prefix
        self.run = None
        self.port = None
        self.kicks = []

    def start(self):
        raise NotImplementedError

    def ask(self):
        """One request; whether the answer is right."""
        raise NotImplementedError

    def target(self):
        """The process that the attack goes into."""
        return self.run.pid

    @property
    def is_up(self):
        return self.run is not None and workload.is_alive(self.run.pid)

    def ensure(self):
        """Up, and serving. What died, or still is about to, is started again."""
        n_failed = 0

        def is_well():
            nonlocal n_failed
            if not self.is_up:
                self.stop()
                try:
                    self.start()
                except workload.Failed:
                    # A model that has not seen all may end a start, too, but hardly one after the other.
                    n_failed += 1
                    if n_failed == 3:
                        raise
                    return False
            return self.serves()
        wait_for('the server to serve', is_well, 20)

    def serves(self):
        try:
            return self.ask()
        except OSError:
            return False

    def stop(self):
        self.drop_kicks()
        if self.run:
            self.run.close()
            self.run = None

    def kick(self, data):
        """Wakes it up; the answer is not waited for, as it may wait for who attacks."""
        with contextlib.suppress(OSError):
            connection = socket.create_connection(('127.0.0.1', self.port), 1)
            self.kicks.append(connection)
            connection.sendall(data)

    def exercise(self):
        """What attacks make of a server beside what they do to it: connections that come in numbers and go in the middle."""
        for n in range(30):
            for _ in range(n % 7):
                self.wake()
            self.drop_kicks()
            self.ask()

    @classmethod
    def record_exercise(cls, directory, seed):
        """A run with what attacks make of a server. Returns the trace."""
        trace = os.path.join(directory, f'{seed}.trace')
        server = cls(directory, record_prefix(trace, seed))
        try:
            server.start()
            server.exercise()
            os.kill(server.run.pid, cls.STOP)
            server.run.process.wait(60)
        finally:
            server.stop()
        return trace

    def drop_kicks(self):
        for connection in self.kicks:
            connection.close()
        self.kicks = []

    def request(self, data):
        with socket.create_connection(('127.0.0.1', self.port), 5) as connection:
            connection.sendall(data)
            connection.settimeout(5)
            answer = b''
            while part := connection.recv(4096):
                answer += part
            return answer

    def new_run(self):
        options = types.SimpleNamespace(seed=1, scale=1, then=None, plain=False, prefix=self.prefix, outdir=tempfile.mkdtemp(dir=self.directory))
        return workload.Run(options)

    def said(self):
        """What the server and its supervisor said."""
        with open(os.path.join(self.run.out, 'log'), encoding='utf-8', errors='replace') as f:
            return f.read()


class Nginx(Server):
    """A master and a worker, which is attacked."""
    program = '/usr/sbin/nginx'
    driver = load_driver('nginx')
    ASK = b'GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

    STOP = signal.SIGQUIT

    @classmethod
    def train(cls, directory, model):
        traces = record_runs('nginx', directory, range(1, 6))
        traces += [cls.record_exercise(directory, seed) for seed in range(6, 10)]
        return must(SYSGAIT, 'learn', '-o', model, *traces)

    def exercise(self):
        """A worker that died is replaced: that, too, has to be learned, or the master may not do it."""
        for _ in range(2):
            self.driver.serve(self.run, self.port)
            super().exercise()
            worker = self.target()
            os.kill(worker, signal.SIGKILL)
            wait_for('another worker', lambda worker=worker: self.serves() and self.target() != worker)

    def start(self):
        self.run = self.new_run()
        self.port = self.driver.start(self.run)

    def target(self):
        return wait_for('a worker', lambda: [pid for pid in workload.children(self.run.pid) if workload.is_alive(pid)])[0]

    def ask(self):
        return self.request(self.ASK).endswith(b'fine\n')

    def wake(self):
        self.kick(self.ASK)


class Redis(Server):
    """Its main thread is attacked."""
    program = '/usr/bin/redis-check-rdb'  # what /usr/bin/redis-server is a link to
    driver = load_driver('redis')

    @classmethod
    def train(cls, directory, model):
        traces = record_runs('redis', directory, range(1, 7))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            traces += pool.map(lambda seed: cls.record_exercise(directory, seed), range(7, 13))
        return must(SYSGAIT, 'learn', '-o', model, *traces)

    def start(self):
        self.run = self.new_run()
        self.port = self.driver.start(self.run)

    def exercise(self):
        """For some of its seconds: what it does ten times in each falls between requests as it may."""
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            super().exercise()
            time.sleep(0.12)

    def ask(self):
        # Nothing is written: whether the append-only file has to wait for its disk is chance, and seldom seen in training.
        return self.request(b'ECHO value\r\nGET absent\r\nQUIT\r\n') == b'$5\r\nvalue\r\n$-1\r\n+OK\r\n'

    def wake(self):
        self.kick(b'PING\r\n')


class Kiosk(Server):
    """The fixture: a small server with a plug-in."""
    program = os.path.join(FIXTURES, 'kiosk')

    @classmethod
    def train(cls, directory, model):
        at = os.path.join(directory, 'kiosk')
        port = str(workload.free_port())
        cls.furnish(at)
        return must(SYSGAIT, 'train', '-o', model, '--runs', '6', '-d', f"'{HERE}/kiosk-driver' '{at}' {port}", '--',
                    cls.program, at, port)

    @staticmethod
    def furnish(at):
        os.makedirs(at, exist_ok=True)
        with open(os.path.join(at, 'table'), 'w', encoding='utf-8') as f:
            f.write('the table of contents\n')

    def start(self):
        self.run = self.new_run()
        self.furnish(self.run.directory)
        self.port = workload.free_port()
        self.run.launch([self.program, self.run.directory, str(self.port)])
        self.run.await_server(self.port, self.run.path('pid'))

    def tell(self, request):
        return self.request(request.encode() + b'\n').decode(errors='replace')

    def ask(self):
        return self.tell('note hello') == 'done\n' and self.tell('get table') == 'the table of contents\n'

    def wake(self):
        self.kick(b'get table\n')


SERVERS = {'nginx': Nginx, 'redis': Redis, 'kiosk': Kiosk}


def train(name, directory):
    """Returns the path of the model, and what was said of it."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    model = os.path.join(directory, f'{name}.gait')
    return model, SERVERS[name].train(directory, model)
