"""CPU time of a process tree, beside what the processes say of themselves."""

import os
import subprocess
import sys

import pytest

from coursekit.grading.sandbox.cpu_time import cpu_seconds
from coursekit.grading.sandbox.process import end_tree

pytestmark = pytest.mark.needs("bubblewrap")

BURN = """
import os, sys, threading, time
def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass
def child():
    pid = os.fork()
    if pid == 0:
        burn(0.2); os._exit(0)
    return pid
burn(0.2)
thread = threading.Thread(target=burn, args=(0.2,)); thread.start(); thread.join()
os.waitpid(child(), 0)
if os.fork() == 0:
    burn(0.2); time.sleep(60)
time.sleep(HEAD)
print(time.process_time(), flush=True)
time.sleep(60)
"""


def test_threads_children_and_those_that_have_ended_are_counted():
    """0.2 s each by a process, a thread of it that ended, a child that ended and one that lives."""
    code = BURN.replace("HEAD", "1.5")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        own = float(process.stdout.readline())
        found = cpu_seconds(process.pid)
    finally:
        end_tree(process.pid)
        process.wait()
        process.stdout.close()
    assert found >= own + 0.2 - 0.03  # a child's time is counted in ticks of 10 ms
    assert found <= own + 0.4 + 0.1


def test_work_of_this_process_is_seen_at_once_and_sleep_is_not():
    before = cpu_seconds(os.getpid())
    sum(range(20_000_000))
    assert cpu_seconds(os.getpid()) > before


def test_a_process_that_is_not_there_has_used_nothing():
    assert cpu_seconds(4_194_999) == 0.0  # above every process id
