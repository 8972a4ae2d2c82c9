"""PyTorch without its compiler does what it does with it."""

import json
import subprocess
import sys

import pytest

from coursekit.core.processes import clean_environment

pytest.importorskip("torch", reason="PyTorch is not installed")

FIT = """
import json, sys
import torch
torch.manual_seed(0)
found = {}
def fit(kind, **options):
    w = torch.tensor([0.3, -0.2], requires_grad=True)
    optimizer = kind([w], lr=0.1, **options)
    x = torch.linspace(-1, 1, 20)
    for _ in range(5):
        optimizer.zero_grad()
        ((w[0] * x + w[1] - 3 * x) ** 2).mean().backward()
        optimizer.step()
    return [*w.tolist(), *map(repr, optimizer.state_dict()["param_groups"])]
found["fits"] = [fit(torch.optim.SGD, momentum=0.9), fit(torch.optim.Adam), fit(torch.optim.AdamW)]
from torch.optim.optimizer import _use_grad_for_differentiable
w = torch.ones(1, requires_grad=True)
seen = []
class Own(torch.optim.SGD):
    @_use_grad_for_differentiable
    def step(self, closure=None):
        seen.append(torch.is_grad_enabled())
        if closure: raise ValueError
for differentiable in (False, True):
    own = Own([w], lr=0.1, differentiable=differentiable)
    own.step()
    try: own.step(lambda: None)
    except ValueError: seen.append("raised")
    seen.append(torch.is_grad_enabled())
found["seen"] = seen
found["name"] = [own.step.__name__, own.zero_grad.__name__]
found["compiler"] = "torch._dynamo" in sys.modules
import gc
found["collecting"] = gc.isenabled()
import torch._dynamo
breaks = []
real = torch._dynamo.graph_break
torch._dynamo.graph_break = lambda *a, **k: breaks.append(1) or real(*a, **k)
found["again"] = fit(torch.optim.SGD, momentum=0.9)
found["breaks"] = len(breaks) > 0
print(json.dumps(found))
"""
QUICK = "from coursekit.grading.inside import quick_torch; quick_torch.install()\n"


def run(code):
    said = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=clean_environment() | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    return json.loads(said.stdout)


@pytest.mark.slow
def test_optimizers_do_the_same_and_the_compiler_is_loaded_by_who_wants_it():
    plain, quick = run(FIT), run(QUICK + FIT)
    assert (plain.pop("compiler"), quick.pop("compiler")) == (True, False)
    assert plain == quick
    assert quick["seen"] == [False, False, "raised", True, True, True, "raised", True]
    assert quick["breaks"]
