"""Ending processes and exhausting what they share: time, memory, processes, disk."""

from tests.grading.hostile.attacks.attack import Attack

ATTACKS = {
    # Ending and exhausting things
    "exit at once": Attack("import os; os._exit(0)"),
    "system exit": Attack("raise SystemExit(0)"),
    "segmentation fault": Attack("import ctypes; ctypes.string_at(0)"),
    "kill everybody": Attack("import os, signal\nos.kill(-1, 9)\nos.kill(1, 9)\nos.kill(os.getppid(), 9)"),
    "loop": Attack("while True: x = 1"),
    "loop in answers": Attack("import time\ndef score(*a):\n    while True: time.sleep(1)\npairs = score"),
    "deaf loop": Attack("""
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
def score(*a):
    while True:
        try: time.sleep(60)
        except BaseException: pass
"""),
    "memory": Attack("xs = []\nwhile True: xs.append(bytearray(b'x' * 20_000_000))"),
    "memory in many processes": Attack("""
import os, time
for _ in range(30):
    if os.fork() == 0:
        hold = bytearray(b"x" * 200_000_000); time.sleep(60); os._exit(0)
time.sleep(10)
"""),
    "fork bomb": Attack("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    "threads": Attack("""
import threading, time
for _ in range(5000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""),
    "disk": Attack("""
for place in ("/tmp", "/dev/shm", "/home/student", "."):
    try:
        with open(place + "/big", "wb") as f:
            for _ in range(2000): f.write(bytes(1_000_000))
    except OSError: pass
"""),
    "many files": Attack("""
import os
for i in range(200_000):
    try: open(f'/tmp/{i}', 'w').close()
    except OSError: break
"""),
    "output": Attack("print('x' * 300_000_000)"),
    "descriptors": Attack("fs = []\nwhile True: fs.append(open('/dev/null'))"),
    "recursion": Attack("import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()"),
    "close every descriptor": Attack("""
import os
for fd in range(3, 200):
    try: os.close(fd)
    except OSError: pass
"""),
    "input": Attack("x = input('your password: ')"),
}  # fmt: skip
