# SPDX-License-Identifier: Apache-2.0
"""The plug-in that has been taken over (tests/fixtures/libkiosk.c): nothing is injected, a request makes the library do what
its code can do. Each row: how it is taken, the argument, the kind of violation that has to stop it, and a question."""
import contextlib
import os

from scene import SECRET


class Takeover:
    """kind None: the model allows it, and the reason says why."""

    def __init__(self, how, kind, summary, argument, has_effect, reason=None):
        self.how, self.kind, self.summary = how, kind, summary
        self.argument, self.has_effect, self.reason = argument, has_effect, reason


def ledger(scene):
    """The program's own file, and the number it has open."""
    for name in os.listdir(f'/proc/{scene.pid}/fd'):
        with contextlib.suppress(OSError):
            if os.readlink(f'/proc/{scene.pid}/fd/{name}').endswith('/ledger'):
                return int(name)
    return None


def text(scene, name):
    with open(scene.server.run.path(name), encoding='utf-8') as f:
        return f.read()


TAKEOVERS = [
    Takeover('send', 'library', 'a call of the program\'s that the library does not make', lambda scene: 'x',
             lambda scene, answer: answer.startswith('the table of contents')),
    Takeover('site', 'site', 'a call of its own, from another site', lambda scene: scene.secret,
             lambda scene, answer: answer == SECRET),
    Takeover('sequence', 'sequence', 'a call of its own from its own site, out of sequence', ledger,
             lambda scene, answer: 'forged' in text(scene, 'ledger')),
    Takeover('start', 'phase', 'what it does when it starts, while it serves', lambda scene: 'x',
             lambda scene, answer: text(scene, 'journal') == ''),
    Takeover('system', 'library', 'a shell', lambda scene: f"touch {scene.path('marker')}",
             lambda scene, answer: os.path.exists(scene.path('marker'))),
    Takeover('path', None, 'all as ever, but for the name of the file', lambda scene: scene.secret,
             lambda scene, answer: answer == SECRET, 'it opens and reads files here: which one is behind a pointer'),
    # The last: libc thinks from then on that there are threads, and makes all its calls elsewhere.
    Takeover('thread', 'library', 'a thread', lambda scene: scene.path('marker'),
             lambda scene, answer: os.path.exists(scene.path('marker'))),
]
