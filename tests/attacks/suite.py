# SPDX-License-Identifier: Apache-2.0
"""The attack suite: every attack against a live server, first left to itself and then enforced, judged by its effect.

Without sysgait each attack has to take effect, or a declared reason says why it cannot. Under sysgait none may but those that
are declared mimicry, and those only where the model really allows each step; what was refused or killed has to be in the
violation log (or be the floor's, which decides in the kernel). Prints TAP; the table goes to BUILD/attacks/SERVER.txt."""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import attacks
import mimicry
import plugin
import server as servers
from server import workload
from model import Model
from scene import Scene, stand_apart

INJECT = os.path.join(servers.FIXTURES, 'inject')
EFFECT, REFUSED, KILLED = 0, 4, 5
# Each server by some of them.
BACKENDS_OF = {'nginx': 'notify ptrace', 'redis': 'bpf-notify bpf-kill', 'kiosk': 'notify bpf-notify'}
# These walk some calls in the kernel, where they cannot have them fail: they kill for them in errno mode, too.
WALKING = {'bpf-notify', 'bpf-kill'}
# Containment only: what a call does before its process is dead is looked at and said, and is no failure.
CONTAINING = {'bpf-kill'}
# What is refused in the kernel, without a line in the log.
FLOOR = {'new-setxattr': REFUSED, 'int80-kill': KILLED, 'sysenter-kill': KILLED, 'x32-kill': KILLED}
# After these a server left to itself is not what it was.
SPOILS = {'permission', 'memory'}

TAKES_EFFECT = 'TAKES EFFECT'
BEFORE_THE_KILL = 'took effect before the kill'
MAX_MORE_TRIES = 2

Mode = collections.namedtuple('Mode', 'name backend action')
Row = collections.namedtuple('Row', 'attack family by site label')
# What an attack came to: its payload's end and words, whether its effect was seen, what else was not as before, and the log.
Strike = collections.namedtuple('Strike', 'status told has_effect disturbances lines')


def choose_backends(name):
    """The in-kernel tier is not to be had everywhere."""
    chosen = os.environ.get('ATTACK_BACKENDS', BACKENDS_OF[name]).split()
    probe = subprocess.run([servers.SYSGAIT, 'record', '-q', '--backend', 'bpf', '-o', '/dev/null', '--', 'true'],
                           check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if probe.returncode == 0 or os.environ.get('GAIT_MUST_RUN'):
        return chosen
    print(f'# without the in-kernel tier: {probe.stderr.strip()}')
    return [backend for backend in chosen if backend not in WALKING] or ['notify']


class Suite:
    def __init__(self, name, directory):
        self.name = name
        self.kind = servers.SERVERS[name]
        self.backends = choose_backends(name)
        self.directory = directory
        self.server = None
        self.mode = None
        self.model = None
        self.log = os.path.join(directory, 'violations')
        self.n_read = 0
        self.n_tests = self.n_failed = 0
        self.n_scenes = self.n_second_tries = 0
        self.table = collections.defaultdict(dict)  # label → mode → what came of it
        self.reasons = {}
        catalogue = subprocess.run([INJECT, '-l'], capture_output=True, text=True, check=True).stdout
        self.families = {fields[0]: fields[1] for fields in (line.split('\t') for line in catalogue.splitlines())}

    # --- what is said ---

    def ok(self, holds, what, details=()):
        self.n_tests += 1
        self.n_failed += not holds
        print(f"{'ok' if holds else 'not ok'} {self.n_tests} - {what}")
        if not holds:
            for line in details:
                print(f'#   {line}')
        sys.stdout.flush()

    def settle(self, label, came_of_it, holds, details=()):
        self.table[label][self.mode.name] = came_of_it
        self.ok(holds, f'{self.name}, {self.mode.name}: {label}: {came_of_it}', details)

    def came_of_it(self, row, action):
        """What came of a row's attack by all backends, which are told apart only where they differ."""
        cells = {mode.backend: row.get(mode.name, '-') for mode in self.modes() if mode.action == action}
        if len(set(cells.values())) == 1:
            return next(iter(cells.values()))
        return ', '.join(f'{cell} ({backend})' for backend, cell in cells.items())

    def write_table(self):
        actions = list(dict.fromkeys(mode.action for mode in self.modes()))
        lines = [[f'{self.name}: attack', 'without sysgait', *(action for action in actions if action)]]
        lines += [[label, *(self.came_of_it(row, action) for action in actions)] for label, row in self.table.items()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        directory = os.path.join(servers.BUILD, 'attacks')
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, f'{self.name}.txt'), 'w', encoding='utf-8') as f:
            for line in lines:
                f.write('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() + '\n')
            f.write('\n' + self.summary() + '\n')
            for label, reason in self.reasons.items():
                f.write(f'{label}: {reason}\n')
            f.write('\n')

    def summary(self):
        held = [cell for row in self.table.values() for mode, cell in row.items() if mode != 'free']
        free = [row.get('free') for row in self.table.values()]
        return (f"{len(self.table)} attacks, of which {free.count('takes effect')} take effect where nobody holds the server. "
                f"Held ({', '.join(self.backends)}; errno and kill): {sum(cell.startswith('refused') for cell in held)} times refused, "
                f"{sum(cell.startswith('killed') for cell in held)} killed, {sum(cell.startswith('mimicry') for cell in held)} mimicry "
                f"that takes effect, {sum(cell.startswith(BEFORE_THE_KILL) for cell in held)} that took effect before the kill "
                f"(bpf-kill, which only contains), {held.count(TAKES_EFFECT) + held.count('NOT STOPPED')} that must not.")

    # --- what is done ---

    def modes(self):
        return [Mode('free', None, None)] + [Mode(f'{backend} {action}', backend, action) for action in ('errno', 'kill') for backend in self.backends
                                             if action == 'kill' or backend not in CONTAINING]

    def rows(self):
        rows = [Row(name, self.families[name], 'code', None, name) for name in self.families if name in attacks.ATTACKS and name not in attacks.FUNCTIONS]
        # To kill costs a restart. That ways in are told apart is shown once: who ends a process is one place in each backend.
        is_short = self.mode.action == 'kill'
        if not is_short or self.mode.backend == self.backends[0]:
            rows += self.rows_by_libc(1 if is_short else attacks.MAX_FORGED_SITES)
        return [row for row in rows if self.is_wanted(row.attack)]

    def is_wanted(self, name):
        """For who looks for something: ATTACKS="read fork plug-in:site" makes only these; ATTACKS_TO_KILL says so of those to kill for,
        of which each costs a start."""
        wanted = os.environ.get('ATTACKS', '')
        if self.mode.action == 'kill':
            wanted = os.environ.get('ATTACKS_TO_KILL', wanted)
        return not wanted or name in wanted.split()

    def rows_by_libc(self, max_sites):
        rows = [Row(name, self.families[name], 'gadget', None, f'{name} by a gadget') for name in attacks.BY_GADGET]
        rows += [Row(name, self.families[name], 'libc', None, f'{name} by libc') for name in attacks.BY_LIBC]
        for name, syscall in attacks.FORGED.items():
            for site in self.model.sites(syscall)[:max_sites] or [self.sleeping().site]:
                rows.append(Row(name, self.families[name], 'libc', site, f'{name} by libc, forged at {site}'))
        return rows

    def sleeping(self):
        """The symbol that the target waits in."""
        def waits():
            with open(f'/proc/{self.server.target()}/syscall', encoding='utf-8') as f:
                number = f.read().split()[0]
            return number.isdigit() and [int(number)]
        return self.model.sleeping_in(workload.wait_for('the target to sleep', waits)[0])

    def prefix(self):
        if not self.mode.backend:
            return []
        return [servers.SYSGAIT, 'enforce', '-m', self.model_path, '--backend', self.mode.backend, '--on-violation', self.mode.action,
                '--log', self.log, '--']

    def new_lines(self):
        """Of the violation log, since it was last asked. What is just being written may be there in part: it counts when it is whole."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, 'rb') as f:
            f.seek(self.n_read)
            whole, newline, _ = f.read().rpartition(b'\n')
        self.n_read += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines()]

    def new_scene(self):
        self.n_scenes += 1
        scene = Scene(self.server, os.path.join(self.directory, f'scene{self.n_scenes}'))
        self.new_lines()
        return scene

    def inject(self, scene, question, patience_s, *arguments):
        """Injects, and wakes the target up until the payload has come to its end."""
        process = subprocess.Popen([INJECT, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = process.stdout.readline()
        has_effect, pause_s = False, 0.004
        while process.poll() is None:
            self.server.wake()
            has_effect = has_effect or answer(question)
            try:
                process.wait(pause_s)
            except subprocess.TimeoutExpired:
                pause_s = min(1, 2 * pause_s)
        # A shell may need a moment. What was refused has had it.
        deadline = time.monotonic() + patience_s
        has_effect = has_effect or answer(question)
        while not has_effect and process.returncode != REFUSED and time.monotonic() < deadline:
            time.sleep(0.01)
            has_effect = answer(question)
        if process.returncode not in (EFFECT, REFUSED, KILLED):
            said += '; '.join(scene.standstill())
        told = '; '.join((said.replace('ready\n', '') + process.stdout.read()).splitlines())
        process.stdout.close()
        self.server.drop_kicks()
        return Strike(process.returncode, told, has_effect, scene.disturbances(), self.lines_of(scene.pid, process.returncode == KILLED))

    def lines_of(self, pid, is_sure):
        """What the log has new of a process. What is sure to get there may do so after the process's death."""
        lines = self.new_lines()
        deadline = time.monotonic() + 0.5
        while is_sure and self.mode.backend and not lines and time.monotonic() < deadline:
            time.sleep(0.01)
            lines = self.new_lines()
        return [line for line in lines if line['pid'] == pid]

    def patience(self, row, scene):
        """How long to look for an effect: not for one that must not be, or where there is a reason why it cannot."""
        return 0 if self.mode.backend else 0.3 if attacks.excuse(row.attack, scene.uid) else 10

    def strike(self, row):
        scene = self.new_scene()
        generator = attacks.ATTACKS[row.attack](scene)
        words = [str(word) for word in next(generator)]
        question = next(generator)
        scene.remember()
        options = ['-b', row.by] + (['-s', row.site] if row.site else [])
        try:
            return scene, self.inject(scene, question, self.patience(row, scene), *options, str(scene.pid), row.attack, *words)
        finally:
            if not self.mode.backend and (row.family in SPOILS or row.attack == 'ptrace'):
                self.server.stop()
            scene.close()

    # --- how it is judged ---

    @staticmethod
    def judge_free(row, scene, strike):
        reason = attacks.excuse(row.attack, scene.uid)
        if strike.has_effect:
            return 'takes effect', True
        return f'none: {reason}', reason is not None and strike.status in (EFFECT, REFUSED, KILLED)

    def is_due(self, word):
        """What is walked in the kernel and no hook can refuse is killed for, if it is a call that leaves nothing behind."""
        if self.mode.action == 'kill':
            return word == 'killed'
        return word == 'refused' or (word == 'killed' and self.mode.backend.startswith('bpf'))

    def is_mimicry(self, row, from_where):
        """One call, forged at a site where the program may make it just then."""
        sites = [symbol for symbols in self.model.symbols.values() for symbol in symbols.values()
                 if symbol.site == row.site and symbol.syscall == row.attack == attacks.FORGED.get(row.attack)]
        return any(symbol.module == from_where.module and self.model.allows([from_where, symbol]) for symbol in sites)

    def judge_held(self, row, from_where, strike):
        """Nothing of it may be left to see, and the log has to say that it was sysgait that stopped it. Returns what came
        of it, and whether that is as it has to be."""
        stopped = [line for line in strike.lines if line['action'] != 'log']
        if row.attack in attacks.POLICY and not stopped:
            self.reasons[row.label] = attacks.POLICY[row.attack]
            return 'policy: logged', self.mode.action == 'errno' and strike.lines != []
        if (strike.has_effect and row.attack not in attacks.POLICY) or strike.disturbances:
            is_dead = strike.status == KILLED and any(line['action'] == 'kill' for line in stopped)
            if self.mode.backend in CONTAINING and is_dead:
                return f'{BEFORE_THE_KILL}: ' + '+'.join(sorted({line['kind'] for line in stopped})), True
            return ('mimicry: takes effect', True) if self.is_mimicry(row, from_where) else (TAKES_EFFECT, False)
        is_floor = FLOOR.get(row.attack) == strike.status
        # A function may come to its end though what it wanted was refused: system() tells so by another result.
        word = {KILLED: 'killed', REFUSED: 'refused', EFFECT: 'refused'}.get(strike.status)
        if word is None or not (stopped or is_floor):
            return 'NOT STOPPED', False
        kinds = '+'.join(sorted({line['kind'] for line in stopped})) or 'floor'
        return f'{word}: {kinds}', is_floor or self.is_due(word)

    def try_attack(self, row):
        """Returns what came of it, whether that is as it has to be, and details."""
        self.server.ensure()
        target = self.server.target()
        from_where = self.sleeping()
        scene, strike = self.strike(row)
        details = [strike.told, *strike.disturbances, *map(describe, strike.lines)]
        if not self.mode.backend:
            return *self.judge_free(row, scene, strike), details
        came_of_it, holds = self.judge_held(row, from_where, strike)
        if strike.status == REFUSED:
            self.server.ensure()
            if self.server.target() != target:
                return f'{came_of_it}, but it did not survive', False, details + list(map(describe, self.new_lines()))
        return came_of_it, holds, details

    def attack(self, row):
        came_of_it, holds, details = self.try_attack(row)
        # What was without effect is tried again: a task that repeats itself gets ten lines for that and then one a second;
        # and a model that has not seen all may have ended the server for something else.
        for _ in range(MAX_MORE_TRIES):
            if holds or came_of_it == TAKES_EFFECT:
                break
            self.n_second_tries += 1
            print('\n'.join([f'# second try of {row.label}: {came_of_it}', *(f'#   {line}' for line in details[:10])]))
            time.sleep(1.1)
            self.server.stop()
            came_of_it, holds, details = self.try_attack(row)
        self.settle(row.label, came_of_it, holds, details)

    def mimic(self, name, reason, attack):
        label = f'mimicry: {name}'
        self.server.ensure()
        scene = self.new_scene()
        try:
            way, calls, question = attack(self.model, scene, self.sleeping())
            if way is None:
                return self.settle(label, 'none: the model has no way there', True)
            self.reasons[label] = f"{reason}. By {' → '.join(map(str, way))}"
            scene.remember()
            strike = self.inject(scene, question, 5, str(scene.pid), '--', *calls)
        finally:
            scene.close()
        # By sysgait's log and by the model's file: each step may follow the one before. What comes after may not.
        stopped = [line for line in strike.lines if line['action'] != 'log' and is_step(line, way)]
        details = [strike.told, *calls, *map(describe, strike.lines)]
        if not self.mode.backend:
            return self.settle(label, 'takes effect' if strike.has_effect else 'none', strike.has_effect, details)
        if strike.has_effect:
            noticed = ', noticed after it' if strike.lines else ''
            return self.settle(label, f'mimicry: takes effect{noticed}', self.model.allows(way) and not stopped, details)
        return self.settle(label, '+'.join(sorted({line['kind'] for line in stopped})) or 'NOT STOPPED', bool(stopped), details)

    def take(self, way):
        """The plug-in's back door."""
        label = f'plug-in: {way.summary}'
        self.server.ensure()
        scene = self.new_scene()
        try:
            try:
                said = self.server.tell(f'taken {way.how} {way.argument(scene)}')
            except OSError:
                said = ''
            has_effect = way.has_effect(scene, said)
        finally:
            scene.close()
        lines = self.lines_of(scene.pid, way.kind is not None)
        kinds = [line['kind'] for line in lines if line['action'] != 'log']
        if not self.mode.backend:
            return self.settle(label, 'takes effect' if has_effect else 'none', has_effect, [said])
        if way.kind is None:
            self.reasons[label] = way.reason
            return self.settle(label, 'mimicry: takes effect' if has_effect else 'none', has_effect and not lines, map(describe, lines))
        word = 'killed' if any(line['action'] == 'kill' for line in lines) else 'refused'
        holds = not has_effect and kinds[:1] == [way.kind] and self.is_due(word)
        return self.settle(label, TAKES_EFFECT if has_effect else f"{word}: {''.join(kinds[:1])}", holds, map(describe, lines))

    # --- all of it ---

    def run_mode(self, mode):
        self.mode = mode
        self.server = self.kind(self.directory, self.prefix())
        try:
            self.server.ensure()
            for row in self.rows():
                self.attack(row)
            for name, reason, attack in mimicry.MIMICRY.get(self.name, []):
                if self.is_wanted('mimicry'):
                    self.mimic(name, reason, attack)
            for way in plugin.TAKEOVERS if self.name == 'kiosk' else []:
                if self.is_wanted(f'plug-in:{way.how}'):
                    self.take(way)
        finally:
            self.server.stop()

    def run(self):
        self.model_path, said = servers.train(self.name, os.path.join(self.directory, 'training'))
        print(f'# {said.splitlines()[-1]}')
        self.model = Model(self.model_path, self.kind.program)
        for mode in self.modes():
            start = time.monotonic()
            self.run_mode(mode)
            print(f'# {mode.name}: {time.monotonic() - start:.1f} s, {self.n_second_tries} second tries so far')
        self.write_table()
        print(f'# {self.summary()}')
        print(f'1..{self.n_tests}')
        return 1 if self.n_failed else 0


def answer(question):
    """What it asks of may be gone."""
    try:
        return question()
    except OSError:
        return False


def is_step(line, way):
    """Whether a violation is one of a way's calls."""
    return any(line['call'] == symbol.call and line.get('site') and symbol.site.endswith('+' + line['site']['offset']) for symbol in way[1:])


def describe(line):
    site = line.get('site') or {}
    return (f"{line['kind']} [{line['action']}]: {line['role']}, phase {line['phase']}: {line['call']} for {line['library']} "
            f"({site.get('function')}, {site.get('offset')}), after {line['state']}")


def main(name):
    stand_apart()
    directory = tempfile.mkdtemp(prefix='attacks-')
    os.chmod(directory, 0o755)
    try:
        return Suite(name, directory).run()
    except workload.Failed as error:
        print(f'Bail out! {error}')
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
