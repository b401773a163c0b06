# SPDX-License-Identifier: Apache-2.0
"""The attacks: for each payload of `inject` what it is to be called with and how its effect is seen.

An attack is a generator that is given the scene. It first yields the words of the payload's command line, and then a
question, whose answer is whether the attack has taken effect."""
import contextlib
import os
import shutil
import socket
import subprocess

from server import FIXTURES, workload
from scene import SECRET, field, word_at

ATTACKS = {}  # name of the payload → generator


def attack(*names):
    def add(generator):
        for name in names:
            ATTACKS[name] = generator
        return generator
    return add


# --- another program ---

@attack('execve', 'execveat', 'memfd-exec', 'system', 'posix-spawn', 'setreuid-execve')
def shell(scene):
    yield [f"echo owned >'{scene.path('marker')}'"]
    yield lambda: os.path.exists(scene.path('marker'))


@attack('chroot-break')
def break_out(scene):
    # From the new root the shell is only found where the way out was.
    yield [scene.path('root'), f"echo owned >'{scene.path('marker')}'"]
    yield lambda: os.path.exists(scene.path('marker'))


@attack('dlopen')
def load_library(scene):
    path = scene.path('library.so')
    shutil.copy(os.path.join(FIXTURES, 'libplugin.so'), path)
    yield [path]
    yield lambda: 'library.so' in scene.maps()


@attack('drop-and-run')
def drop(scene):
    script = f"#!/bin/sh\necho owned >'{scene.path('marker')}'\n"
    yield [scene.path('script'), script, len(script)]
    yield lambda: os.path.exists(scene.path('marker'))


@attack('reverse-shell')
def reverse_shell(scene):
    listener, port = scene.listen()
    told = []

    def has_come():
        if not told:
            try:
                connection = listener.accept()[0]
            except BlockingIOError:
                return False
            told.append(connection)
            connection.sendall(f"echo owned >'{scene.path('marker')}'; exit\n".encode())
        return os.path.exists(scene.path('marker'))
    yield [port]
    yield has_come


@attack('bind-shell')
def bind_shell(scene):
    port = workload.free_port()
    told = []

    def goes():
        if not told:
            try:
                connection = socket.create_connection(('127.0.0.1', port), 1)
            except OSError:
                return False
            told.append(connection)
            connection.sendall(f"echo owned >'{scene.path('marker')}'; exit\n".encode())
        return os.path.exists(scene.path('marker'))
    yield [port]
    yield goes


# --- another task ---

@attack('fork', 'vfork', 'clone', 'clone3', 'thread', 'clone-untraced', 'clone3-untraced')
def task(scene):
    yield [scene.path('marker')]
    yield lambda: os.path.exists(scene.path('marker'))


@attack('kill', 'tgkill', 'pidfd-kill', 'int80-kill', 'sysenter-kill', 'x32-kill')
def kill(scene):
    victim = scene.start_victim()
    yield [victim.pid]
    yield lambda: victim.poll() is not None


@attack('ptrace')
def trace(scene):
    victim = scene.start_victim()
    yield [victim.pid]
    yield lambda: field(victim.pid, 'TracerPid') == str(scene.pid)


@attack('process-vm-writev')
def write_memory(scene):
    victim = scene.start_victim()
    address = scene.heap_of(victim)
    yield [victim.pid, address]
    yield lambda: word_at(victim.pid, address).startswith(b'owned')


@attack('proc-mem')
def write_proc_mem(scene):
    victim = scene.start_victim()
    address = scene.heap_of(victim)
    yield [f'/proc/{victim.pid}/mem', address]
    yield lambda: word_at(victim.pid, address).startswith(b'owned')


@attack('pidfd-getfd')
def take_descriptor(scene):
    with open(scene.secret, encoding='utf-8') as f:
        victim = scene.start_victim(stdin=f)
    yield [victim.pid, scene.path('leak')]
    yield lambda: scene.read('leak') == SECRET


# --- the network ---

@attack('connect')
def connect(scene):
    listener, port = scene.listen()
    yield [port]
    yield lambda: received(listener) == b'owned\n'


@attack('send-file')
def send_file(scene):
    listener, port = scene.listen()
    yield [port, scene.secret]
    yield lambda: received(listener) == SECRET.encode()


def received(listener):
    try:
        with listener.accept()[0] as connection:
            connection.settimeout(5)
            return connection.recv(100)
    except BlockingIOError:
        return None


@attack('datagram')
def datagram(scene):
    listener, port = scene.listen(socket.SOCK_DGRAM)

    def has_come():
        try:
            return listener.recv(100) == b'owned\n'
        except BlockingIOError:
            return False
    yield [port]
    yield has_come


@attack('listen')
def listen(scene):
    port = workload.free_port()
    yield [port]
    yield lambda: workload.can_connect(port)


def new_descriptor(kind):
    def make(scene):
        before = scene.descriptors(kind)
        yield []
        yield lambda: scene.descriptors(kind) > before
    return make


# A server's own connections come and go, so that only sockets with a foreign name are counted by their protocol.
def new_socket(protocol):
    def make(scene):
        before = count_protocol(scene.pid, protocol)
        yield []
        yield lambda: count_protocol(scene.pid, protocol) > before
    return make


def count_protocol(pid, protocol):
    n = 0
    with contextlib.suppress(OSError):
        for name in os.listdir(f'/proc/{pid}/fd'):
            path = f'/proc/{pid}/fd/{name}'
            with contextlib.suppress(OSError):
                if os.readlink(path).startswith('socket:'):
                    n += os.getxattr(path, 'system.sockprotoname').rstrip(b'\0') == protocol
    return n


ATTACKS |= {'netlink': new_socket(b'NETLINK'), 'packet': new_socket(b'PACKET'), 'vsock': new_socket(b'AF_VSOCK'),
            'raw-socket': new_socket(b'RAW')}


# --- files ---

@attack('read', 'read-openat', 'read-openat2', 'sendfile')
def leak(scene):
    yield [scene.secret, scene.path('leak')]
    yield lambda: scene.read('leak') == SECRET


@attack('read-handle')
def leak_by_handle(scene):
    yield [scene.secret, scene.path('leak'), scene.directory]
    yield lambda: scene.read('leak') == SECRET


@attack('splice')
def leak_through_fifo(scene):
    fifo = scene.path('fifo')
    os.mkfifo(fifo)
    os.chown(fifo, scene.uid, scene.gid)
    yield [scene.secret, scene.path('leak'), fifo]
    yield lambda: scene.read('leak') == SECRET


@attack('write', 'creat')
def write(scene):
    yield [scene.path('new')]
    yield lambda: scene.read('new') == 'owned\n'


@attack('append')
def append(scene):
    yield [scene.make('users', 'root::0:0:::\n')]
    yield lambda: 'owned' in scene.read('users')


@attack('truncate')
def truncate(scene):
    yield [scene.secret]
    yield lambda: os.path.getsize(scene.secret) == 0


@attack('rename', 'renameat2')
def rename(scene):
    yield [scene.make('mine', 'mine'), scene.make('yours', 'yours')]
    yield lambda: scene.read('yours') == 'mine'


@attack('unlink', 'unlinkat')
def unlink(scene):
    yield [scene.secret]
    yield lambda: not os.path.exists(scene.secret)


@attack('link', 'symlink')
def link(scene):
    yield [scene.secret, scene.path('other')]
    yield lambda: scene.read('other') == SECRET


@attack('mkdir', 'mknod')
def make_node(scene):
    yield [scene.path('node')]
    yield lambda: os.path.exists(scene.path('node'))


@attack('setxattr', 'new-setxattr')
def attribute(scene):
    yield [scene.secret]
    yield lambda: 'user.owned' in os.listxattr(scene.secret)


@attack('chmod', 'fchmodat')
def chmod(scene):
    yield [scene.secret]
    yield lambda: os.stat(scene.secret).st_mode & 0o7777 == 0o4777


@attack('chown')
def chown(scene):
    yield [scene.secret]
    yield lambda: os.stat(scene.secret).st_uid == 12345


# --- memory ---

def changed_fact(name, words=lambda scene: []):
    """Something of the process is not what it was."""
    def make(scene):
        before = scene.process()[name]
        yield words(scene)
        yield lambda: scene.process().get(name, before) != before
    return make


ATTACKS |= {
    'mprotect-wx': changed_fact('writable code'),
    'pkey-mprotect-wx': changed_fact('writable code'),
    'mmap-wx': changed_fact('writable code'),
    'mmap-library': changed_fact('code', lambda scene: [scene.make('library', 'x' * 5000)]),
    'memfd': new_descriptor('/memfd:owned'),
    'userfaultfd': new_descriptor('[userfaultfd]'),
}

# --- who it is, and where ---

OTHER_ID = 12345
CLONE_NEWUTS = 0x04000000

ATTACKS |= {
    'setuid': changed_fact('Uid', lambda scene: [OTHER_ID if scene.uid == 0 else 0]),
    'setresuid': changed_fact('Uid', lambda scene: [OTHER_ID if scene.uid == 0 else 0]),
    'setgid': changed_fact('Gid', lambda scene: [OTHER_ID if scene.uid == 0 else 0]),
    'capset': changed_fact('CapEff'),
    'unshare': changed_fact('ns/uts', lambda scene: [CLONE_NEWUTS]),
    'chroot': changed_fact('root', lambda scene: [scene.directory]),
    'chdir': changed_fact('cwd', lambda scene: [scene.directory]),
    'umask': changed_fact('Umask'),
    'setrlimit': changed_fact('limits'),
    'personality': changed_fact('personality'),
    'prctl-name': changed_fact('Name'),
    'prctl-seccomp': changed_fact('Seccomp_filters'),
    'seccomp': changed_fact('Seccomp_filters'),
}


@attack('setns')
def setns(scene):
    if os.geteuid() == 0:
        victim = scene.start_victim('unshare', '--uts', user=0)
    else:
        victim = scene.start_victim()
    path = f'/proc/{victim.pid}/ns/uts'
    before = os.readlink(f'/proc/{scene.pid}/ns/uts')
    yield [path]
    yield lambda: os.readlink(f'/proc/{scene.pid}/ns/uts') != before


@attack('mount')
def mount(scene):
    place = scene.path('place')
    os.mkdir(place)
    scene.cleanups.append(lambda: os.path.ismount(place) and subprocess.run(['umount', place], check=False))
    yield [place]
    yield lambda: os.path.ismount(place)


@attack('umount')
def umount(scene):
    place = scene.path('place')
    os.mkdir(place)
    if os.geteuid() == 0:
        subprocess.run(['mount', '-t', 'tmpfs', 'none', place], check=True)
    scene.cleanups.append(lambda: os.path.ismount(place) and subprocess.run(['umount', place], check=False))
    yield [place]
    yield lambda: not os.path.ismount(place)


# --- the kernel's larger doors ---

ATTACKS |= {'io-uring': new_descriptor('[io_uring]'), 'bpf': new_descriptor('bpf-map'), 'perf-event': new_descriptor('[perf_event]')}


@attack('keyctl')
def key(scene):
    as_user = {'user': scene.uid, 'group': scene.gid, 'extra_groups': []} if os.geteuid() == 0 else {}

    name = f'owned-{os.getpid()}-{os.path.basename(scene.directory)}'

    def is_there():
        # Root does not see what is not its own.
        return name in subprocess.run(['cat', '/proc/keys'], capture_output=True, text=True, check=True, **as_user).stdout
    yield [name]
    yield is_there


@attack('sethostname')
def host_name(scene):
    before = os.uname().nodename
    scene.cleanups.append(lambda: os.uname().nodename != before and socket.sethostname(before))
    yield []
    yield lambda: os.uname().nodename == 'owned'


# --- other ways in ---

@attack('vsyscall-time')
def vsyscall(scene):
    yield [scene.path('marker')]
    yield lambda: os.path.exists(scene.path('marker'))


@attack('exit')
def end(scene):
    yield []
    yield lambda: not workload.is_alive(scene.pid)


# Attacks that sysgait lets through in all modes but kill, and why.
POLICY = {'exit': 'a call to end itself is only logged: who may not end runs on into code that was never meant to run'}
# Functions that are no system calls: only libc has them.
FUNCTIONS = {'system', 'posix-spawn', 'dlopen'}

# Why an attack may have no effect though nobody holds the server back. One that has none for another reason is a mistake
# of the suite's.
NATIVELY = {
    'x32-kill': 'the kernel has no x32',
    'sysenter-kill': 'the processor does not take it from 64-bit code',
    'new-setxattr': 'the kernel is older',
    'io-uring': 'the kernel does not offer it', 'bpf': 'not to this user', 'perf-event': 'not to this user', 'userfaultfd': 'not to this user',
    'keyctl': 'the kernel has no keys', 'vsock': 'the kernel has no vsock', 'vsyscall-time': 'the kernel has no vsyscall page',
}
# What only root may do.
NEEDS_ROOT = {'packet', 'raw-socket', 'read-handle', 'chown', 'setuid', 'setresuid', 'setgid', 'unshare', 'setns', 'mount', 'umount', 'chroot', 'chroot-break', 'setreuid-execve', 'sethostname'}
NATIVELY_POWERLESS = {'capset': 'it has no capabilities', **{name: 'it is not root' for name in NEEDS_ROOT}}


def excuse(name, uid):
    return NATIVELY.get(name) or (NATIVELY_POWERLESS.get(name) if uid != 0 else None)


# --- the same by other ways into the kernel ---

# Attacks whose calls are made by a `syscall; ret` of libc's.
BY_GADGET = ['execve', 'reverse-shell', 'fork', 'kill', 'connect', 'read', 'write', 'unlink', 'chmod', 'mprotect-wx', 'mmap-wx', 'setuid', 'ptrace', 'io-uring']
# Attacks that return to libc's functions.
BY_LIBC = ['execve', 'execveat', 'memfd-exec', 'system', 'posix-spawn', 'dlopen', 'reverse-shell', 'bind-shell', 'fork', 'vfork', 'clone', 'kill', 'ptrace',
           'process-vm-writev', 'connect', 'send-file', 'datagram', 'listen', 'read', 'read-openat', 'sendfile', 'splice', 'write', 'append',
           'rename', 'unlink', 'symlink', 'chmod', 'truncate', 'mprotect-wx', 'mmap-wx', 'mmap-library', 'setuid', 'unshare', 'chroot', 'prctl-name',
           'seccomp', 'io-uring']
# The same with a forged stack: the functions return to a site that makes this call in earnest, where the model has one, and
# else to where the target now is.
FORGED = {'execve': 'execve', 'system': 'clone3', 'posix-spawn': 'clone3', 'dlopen': 'openat', 'reverse-shell': 'socket', 'bind-shell': 'socket', 'fork': 'clone', 'kill': 'kill', 'connect': 'socket',
          'datagram': 'socket', 'read': 'openat', 'sendfile': 'openat', 'write': 'openat', 'append': 'openat', 'rename': 'rename', 'unlink': 'unlink', 'chmod': 'chmod',
          'mprotect-wx': 'mprotect', 'mmap-wx': 'mmap', 'mmap-library': 'openat', 'setuid': 'setuid', 'prctl-name': 'prctl'}
MAX_FORGED_SITES = 3
