# SPDX-License-Identifier: Apache-2.0
"""The scene of one attack: a directory that the server's user owns, with a secret in it, victims, listeners; and what can
be seen afterwards of what happened. Nobody's word counts: files are looked at, connections accepted, /proc read."""
import contextlib
import ctypes
import os
import re
import shutil
import socket
import stat
import subprocess

from server import workload

SECRET = 'the key to everything\n'


def field(pid, name):
    """A line of /proc/PID/status."""
    with open(f'/proc/{pid}/status', encoding='utf-8') as f:
        for line in f:
            if line.startswith(name + ':'):
                return line.split(':', 1)[1].strip()
    return None


def word_at(pid, address):
    with open(f'/proc/{pid}/mem', 'rb') as memory:
        memory.seek(address)
        return memory.read(8)


class Scene:
    def __init__(self, server, directory):
        self.server = server
        self.pid = server.target()
        self.uid = int(field(self.pid, 'Uid').split()[0])
        self.gid = int(field(self.pid, 'Gid').split()[0])
        self.directory = directory
        self.cleanups = []
        self.children = []
        self.sockets = []
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        self.secret = self.make('secret', SECRET)
        os.chown(directory, self.uid, self.gid)
        self.facts = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def make(self, name, text):
        """A file that the server's user owns."""
        path = self.path(name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        os.chown(path, self.uid, self.gid)
        return path

    def read(self, name):
        try:
            with open(self.path(name), encoding='utf-8', errors='replace') as f:
                return f.read()
        except OSError:
            return ''

    def start_victim(self, *command, **options):
        """A process of the server's user, which does nothing."""
        as_user = {'user': self.uid, 'group': self.gid, 'extra_groups': []} if os.geteuid() == 0 else {}
        victim = subprocess.Popen([*command, 'sleep', '1000'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  **{'stdin': subprocess.DEVNULL, **as_user, **options})
        self.children.append(victim)
        workload.wait_for('the victim to sleep', lambda: open(f'/proc/{victim.pid}/comm', encoding='utf-8').read() == 'sleep\n')
        return victim

    @staticmethod
    def heap_of(victim):
        """Address of a word of a process's own."""
        with open(f'/proc/{victim.pid}/maps', encoding='utf-8') as f:
            return next(int(line.split('-')[0], 16) for line in f if '[stack]' in line)

    def listen(self, kind=socket.SOCK_STREAM):
        """Returns a socket that is there to be connected to, and its port."""
        listener = socket.socket(socket.AF_INET, kind)
        listener.bind(('127.0.0.1', 0))
        if kind == socket.SOCK_STREAM:
            listener.listen(5)
        listener.setblocking(False)
        self.sockets.append(listener)
        return listener, listener.getsockname()[1]

    # --- what can be seen ---

    def tree(self):
        """All that is to be seen of the directory's files, but for when they were read."""
        seen = {}
        for name in sorted(os.listdir(self.directory)) + ['.']:
            path = self.path(name)
            at = os.lstat(path)
            content = None
            if stat.S_ISREG(at.st_mode):
                with open(path, 'rb') as f:
                    content = f.read()
            seen[name] = (at.st_ino, at.st_mode, at.st_uid, at.st_nlink, at.st_size if name != '.' else 0, content,
                          tuple(os.listxattr(path, follow_symlinks=False)))
        return seen

    def process(self):
        """All that must not change of a process because somebody else would have it so. Empty where it is dead."""
        try:
            return self.look_at_process(self.pid)
        except OSError:
            return {}

    def maps(self):
        with open(f'/proc/{self.pid}/maps', encoding='utf-8') as f:
            return f.read()

    @staticmethod
    def look_at_process(pid):
        with open(f'/proc/{pid}/maps', encoding='utf-8') as f:
            maps = f.read()
        facts = {name: field(pid, name) for name in ('Uid', 'Gid', 'Groups', 'Umask', 'CapEff', 'NoNewPrivs', 'Seccomp_filters', 'Name')}
        facts |= {name: os.readlink(f'/proc/{pid}/{name}') for name in ('exe', 'cwd', 'root', 'ns/uts', 'ns/user', 'ns/mnt')}
        facts['writable code'] = len(re.findall(r'^\S+ .wx', maps, re.MULTILINE))
        facts['code'] = len(re.findall(r'^\S+ ..x', maps, re.MULTILINE))
        for name in 'personality', 'limits':
            with open(f'/proc/{pid}/{name}', encoding='utf-8') as f:
                facts[name] = f.read()
        return facts

    def descriptors(self, kind):
        """How many descriptors of the target lead to what."""
        n = 0
        with contextlib.suppress(OSError):
            for name in os.listdir(f'/proc/{self.pid}/fd'):
                n += kind in os.readlink(f'/proc/{self.pid}/fd/{name}')
        return n

    def remember(self):
        """All before the attack."""
        self.facts = self.tree(), self.process(), os.uname().nodename

    def disturbances(self):
        """What is not as it was, in the directory, the process and the machine."""
        tree, process, node = self.facts
        found = []
        now = self.tree()
        found += [f'{name}: was {tree.get(name)}, is {now.get(name)}' for name in sorted(tree.keys() | now.keys()) if tree.get(name) != now.get(name)]
        found += [f'{name}: was {process[name]}, is {value}' for name, value in self.process().items() if process[name] != value]
        if os.uname().nodename != node:
            found.append('host name')
        for child in self.children:
            if child.poll() is not None:
                found.append('a victim is dead')
            elif field(child.pid, 'TracerPid') != '0':
                found.append('a victim is traced')
        for listener in self.sockets:
            with contextlib.suppress(BlockingIOError):
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recv(100)
                found.append('somebody came to the listener')
        return found

    def standstill(self):
        """Where the target hangs, when it does."""
        found = []
        for name in 'status', 'syscall', 'stack', 'wchan':
            with contextlib.suppress(OSError), open(f'/proc/{self.pid}/{name}', encoding='utf-8') as f:
                found.append(f'{name}: ' + ' '.join(line.strip() for line in f if name != 'status' or line.startswith(('State', 'TracerPid', 'Sig', 'Shd'))))
        return found

    def close(self):
        for undo in self.cleanups:
            undo()
        for listener in self.sockets:
            listener.close()
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def stand_apart():
    """Mounts and the host's name are this process's and its children's own from here on. False where that may not be."""
    new_ns, new_uts, rec_private = 0x20000, 0x4000000, 0x4000 | 0x40000
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(new_ns | new_uts) != 0:
        return False
    return libc.mount(b'none', b'/', None, ctypes.c_ulong(rec_private), None) == 0
