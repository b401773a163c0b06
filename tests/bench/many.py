# SPDX-License-Identifier: Apache-2.0
"""A program of a hundred libraries, and a model of as many with more than 20,000 edges: what start-up is measured with."""
import os
import subprocess

from works import run_checked

N_LIBRARIES, N_SITES = 100, 15

LIBRARY = '''\
#include <unistd.h>
int call_{n}(void); int call_{n}(void) {{ int n = getppid(); __asm__ volatile("" ::: "memory"); return n; }}
'''


def make_program(directory):
    """Links a program with its libraries, each of which makes one system call; returns its path."""
    numbers = range(N_LIBRARIES)
    sources = [os.path.join(directory, f'many{n}.c') for n in numbers]
    for n, source in zip(numbers, sources):
        with open(source, 'w') as f:
            f.write(LIBRARY.format(n=n))
        subprocess.run(['gcc', '-O1', '-shared', '-fPIC', '-o', f'{directory}/libmany{n}.so', source], check=True)
    with open(os.path.join(directory, 'many.c'), 'w') as f:
        f.write(''.join(f'int call_{n}(void);\n' for n in numbers) + 'int main(void) { return ' +
                ' + '.join(f'call_{n}()' for n in numbers) + ' < 0; }\n')
    program = os.path.join(directory, 'many')
    subprocess.run(['gcc', '-O1', '-o', program, program + '.c', f'-L{directory}', f'-Wl,-rpath,{directory}',
                    *(f'-lmany{n}' for n in numbers)], check=True)
    return program


def make_round():
    """Sites in such an order that each follows each other once."""
    order = []
    for i in range(N_SITES):
        order.append(i)
        for j in range(i + 1, N_SITES):
            order += [i, j]
    return order


def make_model(directory, sysgait):
    """Learns a model of the log of a run that there never was; returns its path."""
    log, trace, model = (os.path.join(directory, 'much.' + end) for end in ('strace', 'trace', 'gait'))
    with open(log, 'w') as f:
        f.write('1 execve("/opt/much", ["much"], 0x7ffc /* 1 var */) = 0\n')
        for n in range(N_LIBRARIES):
            for site in make_round():
                f.write(f'1 getppid() = 0\n > /opt/libc.so.6(getppid+0x7) [0x1007]\n'
                        f' > /opt/libmuch{n}.so(work+{16 * site + 4:#x}) [{0x1000 + 16 * site + 4:#x}]\n')
        f.write('1 +++ exited with 0 +++\n')
    run_checked([sysgait, 'import', '-q', '--foreign', '-o', trace, log])
    run_checked([sysgait, 'learn', '-q', '-o', model, trace])
    return model
