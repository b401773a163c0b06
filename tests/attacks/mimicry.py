# SPDX-License-Identifier: Apache-2.0
"""What a model lets an attacker do who knows it: walk through a library's automaton as the program would, by libc's functions
and with forged stacks, and use what lies behind the pointers, which nobody looks at, for a purpose of one's own. These attacks
take effect, and the tables say so.

Each gives the model, the scene, and the symbol that the target now sleeps in; returns the way through the automaton and the
calls along it, and a question."""
import contextlib
import os
import socket

from scene import SECRET
from server import workload

MIMICRY = {}  # server → [(name, reason, attack)]


def mimicry(server, name, reason):
    def add(function):
        MIMICRY.setdefault(server, []).append((name, reason, function))
        return function
    return add


def follow(model, start, goals):
    """The way to the goals [(call begins with, arguments)] and back, so that the program goes on as if nothing had
    happened; and what is called on it. {0} in the arguments of a goal is the result of the first."""
    questions = [lambda symbol, call=call: symbol.call.startswith(call) for call, _ in goals]
    steps = model.way(start, [*questions, lambda symbol: symbol.name == start.name])
    if steps is None:
        return None, []
    met = [i for i, (_, goal) in enumerate(steps) if goal is not None]
    arguments = [text.format(*(f'%{i}' for i in met)) for _, text in goals] + [None]
    calls = [model.compose(symbol, None if goal is None else arguments[goal]) for symbol, goal in steps]
    return [start] + [symbol for symbol, _ in steps], calls


def descriptor_of(pid, ours):
    """The number that a connection of ours has in its server; None where it has not been accepted yet."""
    here, there = ours.getsockname()[1], ours.getpeername()[1]
    with open('/proc/net/tcp', encoding='utf-8') as f:
        inodes = [line.split()[9] for line in f if f':{there:04X} ' in line.split(None, 2)[1] + ' ' and f':{here:04X}' in line.split()[2]]
    for name in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(OSError):
            if os.readlink(f'/proc/{pid}/fd/{name}') in [f'socket:[{inode}]' for inode in inodes]:
                return int(name)
    return None


@mimicry('nginx', 'send-secret', 'it opens files and sends them: which one, and to whom, is behind pointers and in numbers')
def send_secret(model, scene, start):
    client = socket.create_connection(('127.0.0.1', scene.server.port), 5)
    client.settimeout(5)
    scene.cleanups.append(client.close)
    descriptor = workload.wait_for('the connection to be accepted', lambda: descriptor_of(scene.pid, client))
    way, calls = follow(model, start, [('openat(O_RDONLY)', f'={scene.secret} 0'), ('sendfile', f'{descriptor} {{0}} 0 1024')])

    def has_come():
        try:
            return client.recv(100) == SECRET.encode()
        except TimeoutError:
            return False
    return way, calls, has_come


@mimicry('redis', 'write-file', 'it writes files, as for SAVE: under which name, and what, is behind pointers')
def write_file(model, scene, start):
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    way, calls = follow(model, start, [('openat(O_WRONLY|O_CREAT|O_TRUNC)', f"={scene.path('new')} {flags} 0644"), ('write', '{0} =owned 5')])
    return way, calls, lambda: scene.read('new') == 'owned'
