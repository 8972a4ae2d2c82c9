"""Import PyTorch without its compiler, which small exercises never use.

Half of the CPU time of a small exercise with an optimizer is the import of `torch._dynamo`. Every
optimizer loads it, to be left out of compiled code (`torch._compile`) and to mark where a compiled
graph ends (`torch.optim.optimizer`). Nothing can be compiled before the compiler is loaded, so
until somebody else loads it, these functions do their work without it; afterwards they are
PyTorch's own. And no garbage is collected while PyTorch's thousand modules are imported: all of it
stays.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

__all__ = ["install"]


def install() -> None:
    """Import PyTorch in this way from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds some modules of PyTorch as Python does, and wraps how they are executed."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of one of these modules, or None."""
        if name not in _EXECUTE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader = spec.loader
            loader.exec_module = functools.partial(_EXECUTE[name], loader, loader.exec_module)  # type: ignore[method-assign]
        return spec


def _without_collecting(
    _: Loader, execute: Callable[[ModuleType], None], module: ModuleType
) -> None:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        execute(module)
    finally:
        if was_enabled:
            gc.enable()


def _without_compiler(_: Loader, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
    execute(module)
    original: Callable[..., Any] = module._disable_dynamo

    @functools.wraps(original)
    def disable(function: Callable[..., Any] | None = None, recursive: bool = True) -> Any:
        if function is None:
            return functools.partial(disable, recursive=recursive)
        disabled = original(function, recursive)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            return (disabled if _COMPILER in sys.modules else function)(*args, **kwargs)

        return called

    module._disable_dynamo = disable  # type: ignore[attr-defined]


def _without_graph_breaks(
    _: Loader, execute: Callable[[ModuleType], None], module: ModuleType
) -> None:
    """Replace the decorator of `step`, which sets whether gradients are recorded meanwhile."""
    execute(module)
    original: Callable[..., Any] = module._use_grad_for_differentiable

    @functools.wraps(original)
    def use_grad(function: Callable[..., Any]) -> Any:
        compilable = original(function)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            if _COMPILER in sys.modules:
                return compilable(*args, **kwargs)
            with module.torch.set_grad_enabled(args[0].defaults["differentiable"]):
                return function(*args, **kwargs)

        return called

    module._use_grad_for_differentiable = use_grad  # type: ignore[attr-defined]


_COMPILER = "torch._dynamo"
_EXECUTE = {
    "torch": _without_collecting,
    "torch._compile": _without_compiler,
    "torch.optim.optimizer": _without_graph_breaks,
}
