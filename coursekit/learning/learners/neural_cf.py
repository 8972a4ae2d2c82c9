r"""Online neural collaborative filtering in PyTorch (lesson 04)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.core.arrays import AnyArray, ArrayLike, Floats, Indices
from coursekit.core.state import State
from coursekit.learning.neural.embedding import Embedding
from coursekit.learning.neural.model import NeuralModel

if TYPE_CHECKING:
    import torch

__all__ = ["OnlineNeuralCollaborativeFiltering", "one_torch_thread"]


class OnlineNeuralCollaborativeFiltering(NeuralModel):
    r"""Predict a rating by a multilayer perceptron on the embeddings of user and item.

    Model:  $\hat y_{ui} = \mu + w_3^\top\phi(W_2^\top\phi(W_1^\top[p_u; q_i] + b_1) + b_2) + b_3$
    with $\phi = \max(0, \cdot)$, the running mean $\mu$ of the targets (`mean`) and the embeddings
    $p_u, q_i$ of length `embedding_dim`. An unknown user or item has the initial embedding; if
    both are unknown, $\hat y = \mu$.

    Update: one step down the gradient of $\tfrac1n\sum_t w_t\,h(y_t - \hat y_t)$, where $h(e) =
    \tfrac12 e^2$ up to $|e| =$ `max_error` and linear beyond (Huber). The network is updated by SGD
    with `learning_rate`, the embeddings of these users and items by AdaGrad with `embedding_rate`;
    all other embeddings do not change, so the cost of a step does not depend on the vocabulary.

    Vocabulary: each side has a fixed number of rows. When all are in use, the least
    recently *learnt* id is evicted; its row is reset, including the optimizer's memory. No two ids
    share a row.

    Parameters
    ----------
    embedding_dim : int, 1 or more
        Length of an embedding.
    hidden_dims : (int, int)
        Widths of the two hidden layers.
    user_vocab_size, item_vocab_size : int, 1 or more
        Maximum number of users and items with an embedding.
    learning_rate : float, greater than 0
        Step size of the network. Setting it scales that of the embeddings in proportion.
    embedding_rate : float, greater than 0
        Step size of the embeddings at the initial learning rate.
    regularization : float, 0 or more
        L2 penalty of the embeddings in use.
    initial_memory : float, greater than 0
        The sum of squared gradients that each entry of an embedding starts with.
    max_error : float, greater than 0, or None
        Errors are clipped to it, in target units, so the influence of one outlier is bounded. None
        for no clipping.
    dtype : {"float32", "float64"}
    device : str
        "cpu", "cuda", ...
    seed : int, 0 or more
        Of the initial parameters, which are the same on every device.

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
        device: str = "cpu",
        **settings: Any,
    ) -> None:
        import torch

        self.device = torch.device(device)
        super().__init__(embedding_dim, hidden_dims, user_vocab_size, item_vocab_size, **settings)
        self._require_gradients()

    def config(self) -> State:
        """Return the settings without the device: a state fits every device."""
        return {name: value for name, value in super().config().items() if name != "device"}

    def _to_array(self, array: ArrayLike) -> torch.Tensor:
        import torch

        return torch.tensor(np.asarray(array, self.dtype), device=self.device)

    def _to_numpy(self, tensor: torch.Tensor) -> AnyArray:
        array: AnyArray = tensor.detach().cpu().numpy().copy()
        return array

    def _set_memory(self, memory: State) -> None:
        super()._set_memory(memory)
        self._require_gradients()

    def _require_gradients(self) -> None:
        for layer in self._layers:
            layer.requires_grad_()

    def _rows(self, numbers: Indices) -> torch.Tensor:
        import torch

        return torch.from_numpy(numbers).to(self.device)

    def _outputs(self, embeddings: torch.Tensor) -> torch.Tensor:
        import torch

        weight1, bias1, weight2, bias2, weight3, bias3 = self._layers
        hidden = torch.relu(torch.addmm(bias1, embeddings, weight1))  # (n, hidden_dims[0])
        hidden = torch.relu(torch.addmm(bias2, hidden, weight2))  # (n, hidden_dims[1])
        return torch.addmv(bias3, hidden, weight3)  # (n,)

    def _forward(self, users: Indices, items: Indices) -> tuple[Floats, torch.Tensor]:
        import torch

        rows = self._users.table[self._rows(users)], self._items.table[self._rows(items)]
        embeddings = torch.cat(rows, dim=1)  # (n, 2 * embedding_dim)
        with torch.no_grad():
            outputs = self._outputs(embeddings)
        return outputs.cpu().numpy().astype(np.float64), embeddings

    def _step(
        self,
        errors: Floats,
        trace: torch.Tensor,
        counts: Indices,
        to_users: Indices,
        to_items: Indices,
    ) -> None:
        import torch

        embeddings = trace if len(counts) == len(trace) else trace[self._rows(counts)]
        embeddings.requires_grad_()
        for_rows, *for_layers = torch.autograd.grad(
            self._outputs(embeddings), [embeddings, *self._layers], self._to_array(-errors)
        )
        with torch.no_grad():
            torch._foreach_add_(self._layers, for_layers, alpha=-self.learning_rate)
            if self.regularization:
                for_rows = for_rows + self.regularization / len(errors) * embeddings
            self._step_rows(self._users, to_users, for_rows[:, : self.embedding_dim])
            self._step_rows(self._items, to_items, for_rows[:, self.embedding_dim :])

    def _step_rows(self, side: Embedding, rows: Indices, gradients: torch.Tensor) -> None:
        """AdaGrad on rows; the gradients of a row that occurs several times are summed."""
        import torch

        distinct, place = np.unique(rows, return_inverse=True)
        at = self._rows(distinct if len(distinct) < len(rows) else rows)
        if len(distinct) < len(rows):
            zeros = torch.zeros_like(side.table[at])
            gradients = zeros.index_add_(0, self._rows(place), gradients)
        memory = side.memory[at] + gradients * gradients
        side.memory[at] = memory
        side.table[at] -= self.row_rate * gradients / memory.sqrt()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let PyTorch use one thread inside the block: for steps this small, more threads are slower.

    The number of threads is a setting of the whole process, so the learner does not change it.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
