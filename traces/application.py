# SPDX-License-Identifier: Apache-2.0
"""What traces/python3 runs: a bit of everything a Python application does, decided by a seed. Works in
a directory in which cert.pem and key.pem are. Prints its answers.

usage: application.py DIRECTORY SEED SCALE"""
import asyncio
import csv
import glob
import gzip
import hashlib
import json
import os
import queue
import random
import shutil
import signal
import socket
import socketserver
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer

os.chdir(sys.argv[1])
dice = random.Random(int(sys.argv[2]))
scale = int(sys.argv[3])


def show(what, *values):
    print(what, *values)


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def text(n):
    return ''.join(dice.choice('abcdefghij \n') for _ in range(n))


def documents():
    """Written, read back, listed, renamed, removed."""
    data = {f'key{i}': [text(dice.randint(0, 40)), i, None, i / 3] for i in range(dice.randint(1, 50))}
    with open('data.json', 'w', encoding='utf-8') as f:
        json.dump(data, f, indent=1)
    with open('data.json', encoding='utf-8') as f:
        show('json', json.load(f) == data, digest(json.dumps(data).encode()))
    with open('table.csv', 'w', newline='') as f:
        csv.writer(f).writerows([i, text(5)] for i in range(20))
    with open('table.csv', newline='') as f:
        show('csv', sum(1 for _ in csv.reader(f)))
    os.replace('data.json', 'renamed.json')
    show('files', sorted(glob.glob('*.json')), os.path.getsize('renamed.json'))
    os.remove('renamed.json')


def archives():
    data = text(dice.randint(1000, 100000)).encode()
    show('zlib', zlib.decompress(zlib.compress(data)) == data, zlib.crc32(data))
    with gzip.open('data.gz', 'wb') as f:
        f.write(data)
    with gzip.open('data.gz') as f:
        show('gzip', digest(f.read()))
    with zipfile.ZipFile('data.zip', 'w') as archive:
        archive.writestr('inside', data)
    with zipfile.ZipFile('data.zip') as archive:
        show('zip', archive.namelist(), digest(archive.read('inside')))


def temporary():
    with tempfile.TemporaryDirectory(dir='.') as directory:
        with tempfile.NamedTemporaryFile(dir=directory) as f:
            f.write(text(20000).encode())
            f.seek(100)
            show('temporary', len(f.read()), len(os.listdir(directory)))
        os.makedirs(os.path.join(directory, 'a/b/c'))
        shutil.copyfile('cert.pem', os.path.join(directory, 'a/copy'))
        show('tree', sorted(names for _, _, names in os.walk(directory)))
    with tempfile.SpooledTemporaryFile(1000) as f:
        f.write(bytes(5000))
        show('spooled', f.tell())


def database():
    path = f'app{dice.randint(0, 2)}.db'
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, word TEXT)')
        db.executemany('INSERT INTO t(word) VALUES(?)', [(text(8),) for _ in range(dice.randint(1, 200))])
        show('sqlite', *db.execute('SELECT count(*), max(word) FROM t').fetchone())
    db.execute('DELETE FROM t WHERE id % 3 = 0')
    db.rollback()
    db.close()


def threads():
    """Workers on a queue; what they say is sorted, for nobody knows who comes first."""
    jobs, results = queue.Queue(), queue.Queue()

    def work():
        while (job := jobs.get()) is not None:
            results.put(digest(bytes(job)))
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(40):
        jobs.put(dice.randint(0, 5000))
    for _ in workers:
        jobs.put(None)
    for worker in workers:
        worker.join()
    show('threads', digest(''.join(sorted(results.queue)).encode()))


def processes():
    words = text(300)
    done = subprocess.run(['sort'], input=words, capture_output=True, text=True, env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'})
    show('sort', done.returncode, digest(done.stdout.encode()))
    show('shell', subprocess.getoutput('echo one; exit 3'), subprocess.call('exit 3', shell=True))
    try:
        subprocess.run(['/nonexistent/program'], check=True)
    except FileNotFoundError as error:
        show('missing', error.strerror)
    with subprocess.Popen(['/bin/cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        show('cat', cat.communicate(b'meow')[0])
    # Killed when it has answered: how far into its own start a child came that is killed at once, nobody knows.
    with subprocess.Popen(['/bin/cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        cat.stdin.write(b'awake\n')
        cat.stdin.flush()
        show('awake', cat.stdout.readline())
        cat.terminate()
        show('terminated', cat.wait())


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def converse(port, i):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.writelines([f'client {i}\n'.encode(), bytes(20000), b'\n'])
    answer = [await reader.readline() for _ in range(2)]
    writer.close()
    await writer.wait_closed()
    return answer[0], len(answer[1])


async def converse_at_once():
    loop, signalled = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, signalled.set)
    async with await asyncio.start_server(echo, '127.0.0.1', 0) as server:
        port = server.sockets[0].getsockname()[1]
        show('asyncio', await asyncio.gather(*(converse(port, i) for i in range(dice.randint(2, 6)))))
    child = await asyncio.create_subprocess_exec('/bin/cat', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    show('asyncio child', (await child.communicate(b'meow'))[0], child.returncode)
    show('asyncio thread', await loop.run_in_executor(None, digest, bytes(1000)))
    os.kill(os.getpid(), signal.SIGUSR1)
    await signalled.wait()
    loop.remove_signal_handler(signal.SIGUSR1)
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except asyncio.TimeoutError:
        show('asyncio timeout')


def coroutines():
    asyncio.run(converse_at_once())


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        body = self.path.encode() * 100
        self.send_response(404 if 'missing' in self.path else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = digest(self.rfile.read(int(self.headers['Content-Length']))).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def fetch(url, context, data=None):
    try:
        with urllib.request.urlopen(url, data, context=context) as answer:
            return answer.status, digest(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, digest(error.read())


class Server(HTTPServer):
    def server_bind(self):
        """Without asking a resolver, which may not be there, for our own name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def tls():
    """HTTPS on the loopback: the server in one thread, clients in this one."""
    server = Server(('127.0.0.1', 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('cert.pem', 'key.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05})
    thread.start()
    trusted = ssl.create_default_context(cafile='cert.pem')
    url = f'https://127.0.0.1:{server.server_port}/'
    for path in dice.sample(['a', 'b', 'missing', 'c'], 3):
        show('https', path, *fetch(url + path, trusted))
    show('post', *fetch(url, trusted, text(5000).encode()))
    try:
        fetch(url, ssl.create_default_context())
    except OSError as error:
        show('distrusted', error.reason.verify_code)
    server.shutdown()
    thread.join()
    server.server_close()


def sockets():
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b'word' * dice.randint(1, 100))
        one.shutdown(socket.SHUT_WR)
        show('pair', len(other.makefile('rb').read()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver.bind(('127.0.0.1', 0))
        sender.sendto(b'datagram', receiver.getsockname())
        show('datagram', receiver.recv(100))


def errors():
    for path in '/nonexistent', '/', 'cert.pem/below':
        try:
            open(path)
        except OSError as error:
            show('error', path, error.strerror)


JOBS = [documents, archives, temporary, database, threads, processes, coroutines, tls, sockets, errors]
jobs = JOBS * scale + [job for job in JOBS if dice.random() < 0.5]
dice.shuffle(jobs)
for job in jobs:
    job()
