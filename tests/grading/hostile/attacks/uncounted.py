"""Memory and processes that limits on one process do not count."""

from tests.grading.hostile.attacks.attack import Attack

ATTACKS = {
    "System V shared memory": Attack("""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for key in range(200):
    segment = libc.shmget(0, 100_000_000, 0o1600)
    place = libc.shmat(segment, None, 0)
    if place not in (0, -1): ctypes.memset(ctypes.c_void_p(place), 1, 100_000_000)
"""),
    "System V and POSIX message queues": Attack("""
import ctypes
libc = ctypes.CDLL(None)
for key in range(10_000):
    queue = libc.msgget(0, 0o1600)
    for _ in range(100): libc.msgsnd(queue, b"\\1" + b"\\0" * 8000, 7000, 0o4000)
"""),
    "memory behind descriptors": Attack("""
import os
held = []
for _ in range(200):
    try:
        held.append(os.memfd_create("x")); os.write(held[-1], bytes(100_000_000))
    except OSError: break
"""),
    "memory in socket buffers": Attack("""
import socket
held = []
try:
    while True:
        pair = socket.socketpair(); held.append(pair)
        for each in pair:
            each.setblocking(False)
            try:
                while True: each.send(bytes(65536))
            except BlockingIOError: pass
except OSError: pass
"""),
    "memory in pipes": Attack("""
import fcntl, os
held = []
try:
    while True:
        reading, writing = os.pipe(); held.append(reading)
        os.set_blocking(writing, False)
        try: fcntl.fcntl(writing, 1031, 1 << 20); os.write(writing, bytes(1 << 20))
        except OSError: pass
except OSError: pass
"""),
    "a child that outlives its parent's death signal": Attack("""
import ctypes, os, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
if os.fork() == 0:
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0); os.setsid()
    while True: time.sleep(1)
"""),
    "memory while an answer is read": Attack("""
import os, threading, time
def grow():
    xs = []
    while True: xs.append(bytearray(b"x" * 10_000_000)); time.sleep(0.001)
def score(*a):
    for _ in range(4):
        if os.fork() == 0: grow()
    return [0.0] * 300_000
pairs = score
"""),
    "page tables": Attack("""
import mmap
held = []
while True:
    place = mmap.mmap(-1, 1 << 36, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)
    held.append(place)
    for at in range(0, 1 << 36, 1 << 21): place[at]
"""),
    "page tables in many processes": Attack("""
import mmap, os, time
for _ in range(40):
    if os.fork() == 0:
        place = mmap.mmap(-1, 1 << 33, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)
        for at in range(0, 1 << 33, 1 << 21): place[at]
        time.sleep(60); os._exit(0)
time.sleep(10)
"""),
    "shared pages that no process has mapped": Attack("""
import mmap
held = []
def fill(place):
    for at in range(0, len(place), 4096): place[at] = 1
    place.madvise(mmap.MADV_DONTNEED); held.append(place)
zero = open("/dev/zero", "r+b")
for source in (-1, zero.fileno()):
    try:
        while True: fill(mmap.mmap(source, 50_000_000))
    except (OSError, ValueError): pass
"""),
    "socket buffers in many processes": Attack("""
import os, socket, time
for _ in range(80):
    if os.fork() == 0: break
held = []
try:
    while True:
        held.append(socket.socketpair())
        for each in held[-1]:
            each.setblocking(False)
            try:
                while True: each.send(bytes(65536))
            except BlockingIOError: pass
except OSError: pass
time.sleep(10)
"""),
    "socket buffers made large": Attack("""
import socket
held = []
try:
    while True:
        held.append(socket.socketpair())
        for each in held[-1]:
            each.setblocking(False)
            try: each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 23)
            except OSError: pass
            try:
                while True: each.send(bytes(65536))
            except BlockingIOError: pass
except OSError: pass
"""),
    "datagrams that nobody reads": Attack("""
import os, socket
held = []
try:
    for n in range(100):
        to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); to.bind(f"/tmp/{n}"); held.append(to)
        by = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); by.setblocking(False); held.append(by)
        try:
            while True: by.sendto(bytes(60_000), f"/tmp/{n}")
        except BlockingIOError: pass
except OSError: pass
"""),
    "descriptors in flight": Attack("""
import array, os, socket
a, b = socket.socketpair()
a.setblocking(False)
try:
    for _ in range(10_000):
        r, w = os.pipe(); os.set_blocking(w, False)
        try: os.write(w, bytes(65536))
        except BlockingIOError: pass
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r, w]))])
        os.close(r); os.close(w)
except OSError: pass
"""),
    "pipes in many processes": Attack("""
import os, time
for _ in range(80):
    if os.fork() == 0: break
held = []
try:
    while True:
        held.append(os.pipe()); os.set_blocking(held[-1][1], False)
        try:
            while True: os.write(held[-1][1], bytes(4096))
        except BlockingIOError: pass
except OSError: pass
time.sleep(10)
"""),
    "pages held by pipes after they were unmapped": Attack("""
import ctypes, mmap, os
libc = ctypes.CDLL(None)
class Piece(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
held = []
for _ in range(100):
    place = mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); place.madvise(14)
    for at in range(0, len(place), 4096): place[at] = 1
    held.append(os.pipe()); os.set_blocking(held[-1][1], False)
    start = ctypes.addressof(ctypes.c_char.from_buffer(place))
    for n in range(16): libc.vmsplice(held[-1][1], ctypes.byref(Piece(start + (n << 21), 4096)), 1, 0)
"""),
    "three million empty files": Attack("""
import os
for place in ("/tmp", "/dev/shm", "/home/student"):
    try:
        for n in range(3_000_000): os.mknod(f"{place}/{n}")
    except OSError: pass
"""),
    "files with long names, links and attributes": Attack("""
import os
for n in range(20_000):
    try:
        os.symlink("x" * 4000, f"/tmp/link{n}")
        open("/tmp/" + "y" * 240 + str(n), "w").close(); os.setxattr("/tmp/" + "y" * 240 + str(n), "user.x", bytes(60_000))
    except OSError: pass
"""),
    "folders without end": Attack("""
import os
try:
    while True: os.mkdir("d" * 200); os.chdir("d" * 200)
except OSError: pass
"""),
    "disk in every folder, and memory": Attack("""
for place in ("/tmp", "/dev/shm", "/home/student"):
    try:
        with open(place + "/big", "wb") as f:
            while True: f.write(bytes(1_000_000))
    except OSError: pass
xs = []
while True: xs.append(bytearray(b"x" * 5_000_000))
"""),
    "children that grow while the judge reads": Attack("""
import os
def score(*a):
    for _ in range(60):
        if os.fork() == 0:
            xs = []
            while True: xs.append(bytearray(b"x" * 1_000_000))
    return [[0.0] * 1000] * 300
pairs = score
"""),
    "a fork bomb that grows": Attack("""
import os
xs = []
while True:
    try:
        if os.fork() == 0: xs.append(bytearray(b"x" * 10_000_000))
    except OSError: pass
"""),
    "a fork bomb in new sessions": Attack("""
import os
while True:
    try:
        if os.fork() == 0: os.setsid()
    except OSError: pass
"""),
    "eighty busy processes": Attack("""
import os
for _ in range(80):
    if os.fork() == 0:
        while True: pass
"""),
    "memory behind a process that cannot be looked at": Attack("""
import ctypes, os, shutil, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
for _ in range(20):
    if os.fork() == 0: x = bytearray(b"x" * 100_000_000); time.sleep(60)
time.sleep(10)
"""),
    "memory in threads' stacks": Attack("""
import threading, time
threading.stack_size(256 << 20)
def deep(): x = bytearray(b"x" * 30_000_000); time.sleep(30)
for _ in range(80):
    try: threading.Thread(target=deep, daemon=True).start()
    except RuntimeError: pass
time.sleep(5)
"""),
    "timers, locks and watches": Attack("""
import ctypes, fcntl, select
libc = ctypes.CDLL(None)
libc.setitimer.argtypes = None
held = []
try:
    for n in range(200): held.append(select.epoll())
except OSError: pass
for a in held:
    for b in held:
        try: a.register(b.fileno())
        except (OSError, ValueError): pass
timer = ctypes.c_void_p()
for _ in range(200_000):
    if libc.timer_create(1, None, ctypes.byref(timer)): break
"""),
    "more than the kernel may be asked": Attack("""
import ctypes
libc = ctypes.CDLL(None)
for number in (206, 278, 425, 444, 319, 447, 29, 68, 240, 250, 321, 298, 310, 323): libc.syscall(number, 1, 1, 1, 1, 1)
"""),
}  # fmt: skip
