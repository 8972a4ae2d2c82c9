"""The line to the grader: the agent patched, replies forged, frames that lie, flood, stall, nest, repeat."""

from tests.grading.hostile.attacks.attack import Attack

LINE = """
import gc, os, sys, struct, json
def frames():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back
line = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Line" and hasattr(thing, "_writing"))
def raw(body): os.write(line._writing, struct.pack(">I", len(body)) + body)
"""
"""Finds the line to the grader, which lies in the memory of the same process."""

ATTACKS = {
    # Patching the protocol and what carries it
    "agent answers true": Attack("""
from coursekit.grading.inside import agent
agent.Agent.handle = lambda *a: 'FORGED_REPLY'
"""),
    "agent's class patched": Attack("import json\nfrom coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, r: json.dumps("
                                    "{'protocol': 1, 'replies': [{'value': 0.0, 'outcome': 'passed', 'points': 25}]})"),
    "agent repeats the question": Attack("from coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, request: request"),
    "agent echoes arguments": Attack("from coursekit.grading.inside import agent\nagent.Agent._call = lambda self, operation: operation['args'][0]"),
    "agent says not attempted and passed": Attack("import json\nfrom coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, r: json.dumps("
                                                  "{'protocol': 1, 'replies': [{'not_attempted': 'x', 'value': 1.0}]})"),
    "agent replaced in sys.modules and in memory": Attack("""
import gc, sys, types
fake = types.ModuleType("agent")
fake.Agent = type("Agent", (), {"handle": lambda *a: 'FORGED_REPLY'})
sys.modules["coursekit.grading.inside.agent"] = fake
for thing in gc.get_objects():
    if type(thing).__name__ == "Agent": thing.handle = lambda request: 'FORGED_REPLY'
"""),
    "import patched": Attack("import builtins\nreal = builtins.__import__\nbuiltins.__import__ = lambda name, *a, **k: "
                             "(_ for _ in ()).throw(SystemExit) if 'coursekit' in name or 'json' in name else real(name, *a, **k)"),
    "the shell's own functions patched": Attack("""
import sys
frame = sys._getframe()
while frame:
    if "_answer" in frame.f_globals:
        frame.f_globals["_answer"] = lambda *a: {"reply": 'FORGED_REPLY', "error": "", "points": 25}
    frame = frame.f_back
"""),
    "pickle in the reply": Attack("""
import json
from coursekit.grading.inside import agent
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [
    {"value": {"$pickle": "gASVHgAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg=="}}]})
"""),
    "code in the reply": Attack("""
from coursekit.grading.inside import agent
agent.Agent.handle = lambda self, r: "__import__('os').system('touch MARKER')"
"""),
    "deep reply": Attack("from coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, r: '[' * 1_000_000"),
    "endless reply": Attack("from coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, r: '{\"a\": \"' + 'x' * 50_000_000 + '\"}'"),
    "non-finite reply": Attack("from coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, r: "
                               "'{\"protocol\": 1, \"replies\": [{\"value\": 1e999}]}'"),
    "long integer reply": Attack("from coursekit.grading.inside import agent\nagent.Agent.handle = lambda self, r: "
                                 "'{\"protocol\": 1, \"replies\": [{\"value\": ' + '9' * 100_000 + '}]}'"),
    "negative array": Attack("""
import json
from coursekit.grading.inside import agent
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [
    {"value": {"$array": {"dtype": "<f8", "shape": [-1, 2**62], "data": ""}}}]})
"""),
    "object array": Attack("""
import json
from coursekit.grading.inside import agent
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [
    {"value": {"$array": {"dtype": "|O8", "shape": [1], "data": "AAAAAAAAAAA="}}}]})
"""),
    "handle of nothing": Attack("""
import json
from coursekit.grading.inside import agent
strange = {"$ref": "../../x", "type": "\\u001b[2J"}
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [{"value": strange}]})
"""),
    "colliding keys": Attack("""
import json
from coursekit.grading.inside import agent
pairs_ = [[i * (2**61 - 1), 1] for i in range(100_000)]
agent.Agent.handle = lambda self, r: json.dumps({"protocol": 1, "replies": [{"value": {"$dict": pairs_}}]})
"""),
    "raw frames": Attack(LINE + """
for junk in (b"", b"\\0", b"\\0\\0\\0\\1{", b"\\0\\0\\0\\2[]", b"\\0\\0\\0\\4null", b"\\0\\0\\3\\xe8" + b"\\xff" * 1000):
    for _ in range(20): os.write(line._writing, junk)
"""),
    "replies forged while a question is open": Attack(LINE + """
def score(*a):
    asked = next(f.f_locals["message"]["id"] for f in frames() if "shell" in f.f_locals and "message" in f.f_locals)
    for value in (1, 0.0, True): line.send({"id": asked, "reply": FORGED.replace("true", str(value).lower())})
    return 0.0
pairs = score
FORGED = 'FORGED_REPLY'
"""),
    "thirty thousand outputs": Attack("""
from IPython.display import display
for i in range(30_000): display({'text/plain': 'x'}, raw=True)
"""),
    "output flood": Attack("import sys\nwhile True: sys.stdout.write('x' * 100_000); sys.stdout.flush()"),
}  # fmt: skip

FRAMES = {
    "a frame that lies about its length": Attack(LINE + """
os.write(line._writing, b"\\xff\\xff\\xff\\xff" + b"x" * 1000)
"""),
    "a frame that is longer than it says": Attack(LINE + """
body = json.dumps({"id": "x", "reply": 'FORGED_REPLY'}).encode()
os.write(line._writing, struct.pack(">I", len(body) // 2) + body)
"""),
    "a frame that never ends": Attack(LINE + """
import time
os.write(line._writing, struct.pack(">I", 1_000_000) + b"{")
time.sleep(60)
"""),
    "a frame that comes byte by byte": Attack(LINE + """
import time
for byte in struct.pack(">I", 10_000) + b"[" * 10_000: os.write(line._writing, bytes([byte])); time.sleep(0.01)
"""),
    "a frame nested deeply": Attack(LINE + """
for opening in (b"[", b'{"a":'):
    for _ in range(5): raw(opening * 200_000)
"""),
    "a flood of empty frames": Attack(LINE + "while True: os.write(line._writing, bytes(4) * 1000)"),
    "a flood of readable frames": Attack(LINE + "while True: raw(b'{}')"),
    "a flood of large frames": Attack(LINE + """
while True: raw(b'{"a": "' + b'x' * 10_000_000 + b'"}')
"""),
    "a reply before the question": Attack(LINE + """
for asked in (None, "", 0, 1, "r0", [], {}, True): raw(json.dumps({"id": asked, "reply": 'FORGED_REPLY'}).encode())
"""),
    "a reply repeated for the next question": Attack(LINE + """
honest = type(line).send
kept = []
def send(self, message):
    if "reply" in message: kept.append(dict(message))
    for each in [*kept, message]: honest(self, each)
type(line).send = send
def score(*a): return 0.0
pairs = score
"""),
    "a reply without a question": Attack(LINE + """
import threading, time
def guess():
    while True: line.send({"id": os.urandom(8).hex(), "reply": 'FORGED_REPLY'}); time.sleep(0.001)
threading.Thread(target=guess, daemon=True).start()
"""),
    "five answers to each message": Attack(LINE + """
honest = type(line).receive
def receive(self):
    message = honest(self)
    for _ in range(5): self.send({"id": message["id"], "error": "", "reply": 'FORGED_REPLY'})
    return message
type(line).receive = receive
"""),
    "outputs of no known form": Attack(LINE + """
for output in (5, [], ["stream"], ["stream", 7], [7, {}], ["stream", {"text": {}}], ["x", {}], {"a": 1}, ["error", {"evalue": []}]):
    line.send({"output": output})
line.send({"error": 7}); line.send({"id": {}, "error": {}})
"""),
    "numbers of no known form in a frame": Attack(LINE + """
for body in (b'{"id": 1e999}', b'{"id": NaN}', b'{"id": ' + b"9" * 5000 + b"}", b'{"id": "\\ud800"}', b"\\xff\\xfe"): raw(body)
"""),
    "ready once more": Attack(LINE + "line.send({'ready': True}); line.send({'ready': False})"),
    "questions read away": Attack(LINE + """
import threading
def steal():
    while True: os.read(line._reading, 1 << 16)
threading.Thread(target=steal, daemon=True).start()
"""),
    "the pipe turned around": Attack(LINE + """
for descriptor in range(3, 64):
    try: os.dup2(line._writing, line._reading); os.write(descriptor, b'{"id": 1}')
    except OSError: pass
"""),
}  # fmt: skip
