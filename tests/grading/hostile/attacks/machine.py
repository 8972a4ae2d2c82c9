"""Files, other people, persistence; and right work that misbehaves, which keeps what it earned."""

from tests.grading.hostile.attacks.attack import Attack

ATTACKS = {
    # Files, other people, persistence
    "write everywhere": Attack("""
import os, sys, site
for place in ("MARKER", "/tmp/../MARKER", sys.prefix + "/hostile.pth", sys.base_prefix + "/lib/python3.11/sitecustomize.py",
              sys.prefix + "/lib/python3.11/site-packages/hostile.pth", "/root/.bashrc", "/etc/cron.d/x", "/opt/course/coursekit/grading/inside/agent.py",
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
open("numpy.py", "w").write("raise SystemExit"); open("json.py", "w").write("raise SystemExit")
import sys; sys.path.insert(0, "."); sys.modules.pop("json", None)
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
    # Files beside the notebook that take the place of ours
    "a package with our name": Attack("pass", files={"coursekit/__init__.py": "open('MARKER', 'w')",
        "coursekit/grading/__init__.py": "check = lambda *a: 25", "coursekit/grading/classroom/runner.py": "open('MARKER', 'w')"}),
    "modules with the names of the library's": Attack("pass", files={f"{name}.py": "open('MARKER', 'w')"
        for name in ("joblib", "select", "json", "socket", "base64", "struct", "typing", "linecache")}),
    "files that Python runs when it starts": Attack("pass", files={"sitecustomize.py": "open('MARKER', 'w')",
        "usercustomize.py": "open('MARKER', 'w')", "x.pth": "import os; os.system('touch MARKER')", "pyvenv.cfg": "home = /tmp"}),
    "files that IPython and matplotlib read": Attack("import matplotlib", files={"ipython_config.py": "open('MARKER', 'w')",
        "matplotlibrc": "backend: module://evil", "evil.py": "open('MARKER', 'w')", ".ipython/profile_default/startup/0.py": "open('MARKER', 'w')"}),
    "checks handed in": Attack("pass", files={"hidden.py": "open('MARKER', 'w')", "checks.py": "open('MARKER', 'w')",
        "exercise.toml": "points = 100", "hints.toml": ""}),
    "a program with the name of the sandbox's": Attack("""
import os
os.makedirs("bin", exist_ok=True)
for name in ("bwrap", "python", "python3"):
    with open(name, "w") as f: f.write("#!/bin/sh\\ntouch MARKER\\n")
    os.chmod(name, 0o755)
os.environ["PATH"] = "."
"""),
    # Right work that misbehaves keeps what it earned
    "solved, then killed": Attack("import os; os._exit(1)", deserved=25, solved=True, after="fm-6"),
    "solved, killed half way": Attack("import os; os._exit(9)", deserved=25, solved=True, after="fm-3"),
    "solved, memory half way": Attack(
        "xs = []\nwhile True: xs.append(bytearray(b'x' * 20_000_000))\n", deserved=25, solved=True, after="fm-2"
    ),
    "solved, noisy": Attack("import sys, warnings\nprint('error: 0 points', file=sys.stderr); warnings.warn('torch NNPACK')",
                            deserved=25, solved=True),
    "solved, greedy": Attack(
        "points = max_points = 1000\ngrade = 'A'\nclass Report: points = 1000\nReport()", deserved=25, solved=True
    ),
    "solved, a fork that runs on": Attack("import os\nos.fork()\nprint('twice')", deserved=25, solved=True, after="fm-1"),
    "solved, 20 MB printed": Attack("for _ in range(200): print('x' * 100_000)", deserved=25, solved=True, after="fm-2"),
    "solved, eighty busy children": Attack("import os\nfor _ in range(80):\n    if os.fork() == 0:\n        import time; time.sleep(9)",
                                           deserved=25, solved=True, after="fm-6"),
    "solved, fork bomb at the end": Attack("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
                                           deserved=25, solved=True, after="fm-6"),
    "solved, disk full": Attack("try:\n    f = open('/tmp/x', 'wb')\n    while True: f.write(bytes(10**6))\nexcept OSError: pass",
                                deserved=25, solved=True),
}  # fmt: skip
