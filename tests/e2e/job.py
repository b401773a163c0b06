# SPDX-License-Identifier: Apache-2.0
"""usage: job.py SECONDS STATUS. A job of a shell, which says "ready", and "again" whenever it is continued."""
import os
import signal
import sys
import time

# Not print(): the signal may come while it is at work.
signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"again\n"))
os.write(1, b"ready\n")
# In naps: a signal that comes right before one Python sees only after it.
for _ in range(int(float(sys.argv[1]) * 20)):
    time.sleep(0.05)
sys.exit(int(sys.argv[2]))
