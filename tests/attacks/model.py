# SPDX-License-Identifier: Apache-2.0
"""A model as an attacker reads it, who knows it: where a call could be made from so that it looks right, and a way through
an automaton to it. It is read from the model's file, not by sysgait, and so is also the judge of whether an attack that
took effect was allowed."""
import collections
import functools
import json
import os
import re
import subprocess

# Calls that do nothing where they fail, with what they are made to fail with: arguments as `inject` takes them, by the
# function of libc that makes the call. {} is the class of the call's argument.
HARMLESS = {
    'recv': '-1 @ 1 0', 'recvfrom': '-1 @ 1 0 0 0', 'send': '-1 @ 1 0x4000', 'sendto': '-1 @ 1 0x4000 0 0', 'read': '-1 @ 1', 'write': '-1 @ 1',
    'readv': '-1 0 0', 'writev': '-1 0 0', 'pread64': '-1 @ 1 0', 'pread': '-1 @ 1 0', 'pwrite64': '-1 @ 1 0', 'close': '-1', 'accept': '-1 0 0', 'accept4': '-1 0 0 0',
    'fstat': '-1 @', 'fstat64': '-1 @', 'fstatat': '-1 = @ 0x1000', 'fstatat64': '-1 = @ 0x1000', 'stat': '=/absent/file @', 'stat64': '=/absent/file @', 'open': '=/absent/file {}', 'open64': '=/absent/file {}', 'openat': '-1 =/absent/file {}',
    'sendfile': '-1 -1 0 0', 'sendfile64': '-1 -1 0 0', 'setsockopt': '-1 0 0 0 0', 'getsockopt': '-1 0 0 0 0', 'getsockname': '-1 0 0', 'getpeername': '-1 0 0',
    'shutdown': '-1 0', 'epoll_ctl': '-1 {} -1 0', 'fcntl': '-1 {} 0', 'fcntl64': '-1 {} 0', 'ioctl': '-1 {} 0', 'lseek': '-1 0 0', 'lseek64': '-1 0 0', 'fsync': '-1', 'fdatasync': '-1',
    'ftruncate': '-1 0', 'ftruncate64': '-1 0', 'flock': '-1 8', 'unlink': '=/absent/file', 'rename': '=/absent/file =/absent/other', 'getpid': '', 'gettid': '', 'getppid': '',
    'sync_file_range': '-1 0 0 0', 'posix_fadvise': '-1 0 0 0', 'fallocate': '-1 0 0 0', 'fallocate64': '-1 0 0 0', 'epoll_wait': '-1 @ 1 0',
}
MAX_STEPS = 20  # as many calls as a payload may have


@functools.cache
def functions_of(path):
    """What a library exports: [(start, end, name)]."""
    listing = subprocess.run(['readelf', '--dyn-syms', '-W', path], capture_output=True, text=True, check=True).stdout
    found = []
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[3] == 'FUNC' and fields[6] != 'UND':
            start = int(fields[1], 16)
            found.append((start, start + int(fields[2], 0), re.split('@', fields[7])[0]))
    return found


class Symbol:
    """A state of a library's automaton: a call from a site."""

    def __init__(self, module, name, call, site, count):
        self.module, self.name, self.call, self.site, self.count = module, name, call, site, count

    @property
    def syscall(self):
        return self.call.partition('(')[0]

    def __str__(self):
        return f'{self.call} at {self.site}'


class Model:
    def __init__(self, path, program):
        with open(path, encoding='utf-8') as f:
            model = json.load(f)
        modules = {module['id']: module for module in model['modules']}
        self.program = next(found for found in model['programs'] if found['path'] == program)
        self.classes = {call['id']: (call['nr'], call['class']) for call in self.program['calls']}
        self.paths = {name: module['path'] for name, module in modules.items()}
        self.issuers = collections.defaultdict(list)
        for issuer in self.program['issuers']:
            self.issuers[issuer['nr']].append((issuer['module'], int(issuer['offset'], 16)))
        self.symbols, self.edges = {}, {}
        for library in self.program['libraries']:
            if modules[library['module']]['runtime']:
                continue
            name = library['module']
            self.symbols[name] = {symbol['id']: self.make_symbol(name, symbol) for symbol in library['symbols']}
            self.edges[name] = collections.defaultdict(list)
            for edge in library['edges']:
                self.edges[name][edge['from']].append(edge['to'])

    def make_symbol(self, module, symbol):
        base = os.path.basename(os.path.realpath(self.paths[module]))
        return Symbol(module, symbol['id'], symbol['call'], f"{base}+{symbol['site']}", symbol['count'])

    def sites(self, *syscalls):
        """Where the program makes these calls."""
        return sorted({symbol.site for symbols in self.symbols.values() for symbol in symbols.values() if symbol.syscall in syscalls})

    def sleeping_in(self, nr):
        """The state of a task that now waits in this call: of the sites that make it, the one that does so most."""
        return max((symbol for symbols in self.symbols.values() for symbol in symbols.values() if self.classes[symbol.call][0] == nr),
                   key=lambda symbol: symbol.count)

    def allows(self, steps):
        """Whether each of the symbols may follow the one before it."""
        return all(after.name in self.edges[before.module][before.name] for before, after in zip(steps, steps[1:]))

    def function(self, symbol):
        """A function of libc in which the call is known to be made."""
        for module, offset in self.issuers[self.classes[symbol.call][0]]:
            if 'libc' not in module:
                continue
            for start, end, name in functions_of(self.paths[module]):
                if start <= offset < end and name in HARMLESS:
                    return name
        return None

    def compose(self, symbol, arguments=None):
        """The call as `inject` takes it; where no arguments are given, so that it fails."""
        function = self.function(symbol)
        if arguments is None:
            arguments = HARMLESS[function].format(self.classes[symbol.call][1])
        return f'{function} {symbol.site} {arguments}'.rstrip()

    def way(self, start, goals):
        """The shortest way from a state through symbols that meet the goals one after the other, over calls that can be
        made to fail. Returns [(symbol, index of the goal it meets or None)], or None."""
        queue = collections.deque([(start, 0, ())])
        seen = {(start.name, 0)}
        while queue:
            at, n_met, steps = queue.popleft()
            if n_met == len(goals):
                return list(steps)
            if len(steps) == MAX_STEPS:
                continue
            for name in self.edges[at.module][at.name]:
                symbol = self.symbols[at.module][name]
                meets = goals[n_met](symbol)
                if self.function(symbol) is None or (name, n_met + meets) in seen:
                    continue
                seen.add((name, n_met + meets))
                queue.append((symbol, n_met + meets, (*steps, (symbol, n_met if meets else None))))
        return None
