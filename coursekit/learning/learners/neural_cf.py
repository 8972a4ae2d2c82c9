r"""Neural collaborative filtering in PyTorch, learnt online (lesson 04)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from coursekit.core.state import State
from coursekit.learning.neural.model import NeuralModel

if TYPE_CHECKING:
    import torch

__all__ = ["OnlineNeuralCollaborativeFiltering", "one_torch_thread"]

_FloatArray = npt.NDArray[np.float64]
_Array = npt.NDArray[Any]
_RowNumbers = npt.NDArray[np.intp]

_LAYERS = ("weight1", "bias1", "weight2", "bias2", "weight3", "bias3")


class OnlineNeuralCollaborativeFiltering(NeuralModel):
    r"""Predict a rating with a small network that sees a user's and an item's embedding.

    Model:  $\hat y_{ui} = \mu + w_3^\top\phi(W_2^\top\phi(W_1^\top[p_u; q_i] + b_1) + b_2) + b_3$ with $\phi = \max(0, \cdot)$,
    the running mean $\mu$ of the targets (`mean`) and the embeddings $p_u, q_i$ of length `embedding_dim`. An unknown user or
    item has the embedding that every new one starts with; where both are unknown, $\hat y = \mu$.

    Update: one step down the gradient of $\tfrac1n\sum_t w_t\,h(y_t - \hat y_t)$, where $h(e) =
    \tfrac12 e^2$ up to $|e| =$ `max_error` and linear beyond (Huber). The network moves by SGD with
    `learning_rate`. Of the embeddings only the rows of these users and items move, by AdaGrad with
    `embedding_rate`: a step costs the same whatever the vocabulary, and nobody who is absent moves.

    Vocabulary: each side has a fixed number of rows. When all are taken, the id that has gone
    longest *without being learnt* is forgotten; its row starts again from the beginning, the
    optimiser's memory included. No two live ids share a row.

    Parameters
    ----------
    embedding_dim : int, 1 or more
        Length of an embedding.
    hidden_dims : (int, int)
        Widths of the two hidden layers.
    user_vocab_size, item_vocab_size : int, 1 or more
        How many users and items can have a row at a time.
    learning_rate : float, greater than 0
        Step size of the network. Setting it speeds up or slows down the embeddings in proportion.
    embedding_rate : float, greater than 0
        Step size of the embeddings, at the learning rate that the model was made with.
    regularization : float, 0 or more
        Pull of the embeddings in use towards 0.
    initial_memory : float, greater than 0
        The sum of squared gradients that each entry of an embedding starts with.
    max_error : float, greater than 0
        Errors beyond it count as this large, in the unit of the target, so that one wild target
        cannot wreck the network.
    dtype : {"float32", "float64"}
    device : str
        "cpu", "cuda", ...
    seed : int, 0 or more
        Where the random start comes from; the same on every device.

    Raises
    ------
    InvalidParameterError
        If a setting is out of range.

    Examples
    --------
    >>> from coursekit.core.events import OnlineSample
    >>> model = OnlineNeuralCollaborativeFiltering(embedding_dim=4, hidden_dims=(8, 4), seed=1)
    >>> loves = OnlineSample(user_id="ada", item_id="Metropolis", target=5.0)
    >>> losses = [model.partial_fit(loves) for _ in range(50)]
    >>> losses[0], round(losses[-1], 1), model.predict("bob", "Solaris")
    (25.0, 0.0, 5.0)

    References
    ----------
    X. He et al. (2017), Neural collaborative filtering, WWW, doi:10.1145/3038912.3052569.
    """

    def __init__(
        self,
        embedding_dim: int = 64,
        hidden_dims: Sequence[int] = (128, 64),
        user_vocab_size: int = 10_000,
        item_vocab_size: int = 10_000,
        *,
        learning_rate: float = 0.003,
        embedding_rate: float = 0.1,
        regularization: float = 0.0,
        initial_memory: float = 0.1,
        max_error: float = 3.0,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        import torch

        super().__init__(
            embedding_dim,
            hidden_dims,
            user_vocab_size,
            item_vocab_size,
            learning_rate=learning_rate,
            embedding_rate=embedding_rate,
            regularization=regularization,
            initial_memory=initial_memory,
            max_error=max_error,
            dtype=dtype,
            seed=seed,
        )
        self.device = torch.device(device)
        self._type = torch.float32 if dtype == "float32" else torch.float64
        network = self._initial_network()
        self._layers = [self._tensor(network[name]).requires_grad_() for name in _LAYERS]
        self._unknown = {
            side: self._tensor(network[f"unknown_{side}"]) for side in ("user", "item")
        }
        sizes = {"user": user_vocab_size, "item": item_vocab_size}
        self._tables = {
            side: self._unknown[side].repeat(size + 1, 1) for side, size in sizes.items()
        }
        self._memories = {
            side: torch.full_like(table, self.initial_memory)
            for side, table in self._tables.items()
        }

    def _tensor(self, array: npt.ArrayLike) -> torch.Tensor:
        import torch

        return torch.tensor(np.asarray(array), dtype=self._type, device=self.device)

    def _rows(self, numbers: _RowNumbers) -> torch.Tensor:
        import torch

        return torch.from_numpy(numbers).to(self.device)

    # -- the arithmetic
    # ----------------------------------------------------------------------------------------------------

    def _look_up(self, users: _RowNumbers, items: _RowNumbers) -> torch.Tensor:
        """Embeddings side by side, shape (n, 2 * embedding_dim); row -1 is the last one:
        unknown.
        """
        import torch

        return torch.cat(
            [self._tables["user"][self._rows(users)], self._tables["item"][self._rows(items)]],
            dim=1,
        )

    def _outputs(self, embeddings: torch.Tensor) -> torch.Tensor:
        import torch

        weight1, bias1, weight2, bias2, weight3, bias3 = self._layers
        hidden = torch.relu(torch.addmm(bias1, embeddings, weight1))  # (n, hidden_dims[0])
        hidden = torch.relu(torch.addmm(bias2, hidden, weight2))  # (n, hidden_dims[1])
        return torch.addmv(bias3, hidden, weight3)  # (n,)

    def _forward(self, users: _RowNumbers, items: _RowNumbers) -> _FloatArray:
        import torch

        with torch.no_grad():
            outputs = self._outputs(self._look_up(users, items))
        return outputs.cpu().numpy().astype(np.float64)

    def _backward(
        self,
        errors: _FloatArray,
        users: _RowNumbers,
        items: _RowNumbers,
        to_users: _RowNumbers,
        to_items: _RowNumbers,
    ) -> None:
        import torch

        embeddings = self._look_up(users, items).requires_grad_()
        slopes = self._tensor(-errors)
        for_rows, *for_layers = torch.autograd.grad(
            self._outputs(embeddings), [embeddings, *self._layers], slopes
        )
        with torch.no_grad():
            torch._foreach_add_(self._layers, for_layers, alpha=-self._learning_rate)
            if self.regularization:
                for_rows = for_rows + self.regularization / len(errors) * embeddings
            self._move_rows("user", to_users, for_rows[:, : self.embedding_dim])
            self._move_rows("item", to_items, for_rows[:, self.embedding_dim :])

    def _move_rows(self, side: str, rows: _RowNumbers, gradients: torch.Tensor) -> None:
        """AdaGrad on the rows given, the gradients of a row that occurs several times added up."""
        import torch

        distinct, place = np.unique(rows, return_inverse=True)
        if len(distinct) < len(rows):
            zeros = torch.zeros(
                len(distinct), self.embedding_dim, dtype=self._type, device=self.device
            )
            gradients = zeros.index_add_(0, self._rows(place), gradients)
            at = self._rows(distinct)
        else:
            at = self._rows(rows)
        memory = self._memories[side][at] + gradients * gradients
        self._memories[side][at] = memory
        self._tables[side][at] -= self._row_rate * gradients / memory.sqrt()

    # -- rows and state
    # ----------------------------------------------------------------------------------------------------

    def _start_row(self, side: str, row: int) -> None:
        self._tables[side][row] = self._unknown[side]
        self._memories[side][row] = self.initial_memory

    def _discount(self, keep: float) -> None:
        for memory in self._memories.values():
            memory.sub_(self.initial_memory).mul_(keep).add_(self.initial_memory)

    def _network(self) -> dict[str, _Array]:
        layers = {
            name: layer.detach().cpu().numpy()
            for name, layer in zip(_LAYERS, self._layers, strict=True)
        }
        return {
            **layers,
            **{f"unknown_{side}": value.cpu().numpy() for side, value in self._unknown.items()},
        }

    def _load_network(self, network: dict[str, _Array]) -> None:
        self._layers = [self._tensor(network[name]).requires_grad_() for name in _LAYERS]
        self._unknown = {side: self._tensor(network[f"unknown_{side}"]) for side in self._unknown}

    def _rows_state(self, side: str, rows: _RowNumbers) -> dict[str, _Array]:
        at = self._rows(rows)
        return {
            "table": self._tables[side][at].cpu().numpy(),
            "memory": self._memories[side][at].cpu().numpy(),
        }

    def _load_rows(self, side: str, rows: _RowNumbers, state: State) -> None:
        at = self._rows(rows)
        self._tables[side][:] = self._unknown[side]
        self._memories[side].fill_(self.initial_memory)
        self._tables[side][at] = self._tensor(state["table"])
        self._memories[side][at] = self._tensor(state["memory"])


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let PyTorch use one thread inside the block: steps this small only lose time by sharing them.

    The number of threads belongs to the whole process, so a library must not change it on its own.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
