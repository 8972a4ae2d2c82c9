"""Answers that are no answers: objects that compare equal, constants, hard-coded examples."""

from tests.grading.hostile.attacks.attack import Attack

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
    # Hard-coded
    "hard-coded example": Attack("score = lambda w0, w, V, x: 6.0\npairs = lambda V, x: 2.0"),
    "first call memorised": Attack("""
known = []
def score(*a):
    known.append(a)
    return 6.0 if len(known) < 2 else float(len(known))
"""),
    # Strange answers
    "two hundred thousand texts": Attack("score = pairs = pairs_gradient = progressive_rmse = lambda *a: ['x' * 30] * 200_001"),
    "answers nested deeply": Attack("""
def score(*a):
    x = 0.0
    for _ in range(31): x = [x]
    return x
pairs = pairs_gradient = progressive_rmse = score
"""),
    "an answer that grows when it is read": Attack("""
class Endless(list):
    def __iter__(self):
        while True: yield 0.0
score = pairs = lambda *a: Endless([0.0])
"""),
    "an object that lies about its shape": Attack("""
import numpy as np
class Lies:
    shape, dtype, ndim, size = (2**62, 2**62), np.dtype(float), 2, 0
    def __array__(self, *a, **k): return np.zeros((3, 2))
    def __len__(self): return 2**62
    def __float__(self): return float("nan")
score = pairs = pairs_gradient = lambda *a: Lies()
"""),
    "a module for an answer": Attack("import os\nscore = pairs = pairs_gradient = lambda *a: os"),
    "what was asked, as an answer": Attack("score = lambda *a: a\npairs = lambda V, x: V\npairs_gradient = lambda V, x: V"),
    "zeros of the right shape": Attack("""
import numpy as np
score = pairs = lambda *a: 0.0
pairs_gradient = lambda V, x: np.zeros_like(V)
"""),
}  # fmt: skip
