"""Neural collaborative filtering: two implementations, one model, PyTorch's gradients as the
oracle.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from coursekit.core.errors import ArithmeticOverflowError, InvalidParameterError, StateFormatError
from coursekit.core.events import Chunk, OnlineSample
from coursekit.core.state import load_state, save_state
from coursekit.datasets.streams import rating_stream
from coursekit.learning.learners.neural_cf import (
    OnlineNeuralCollaborativeFiltering,
    one_torch_thread,
)
from coursekit.learning.learners.neural_cf_compiled import CompiledNeuralCollaborativeFiltering

SMALL = {"embedding_dim": 4, "hidden_dims": (8, 5), "dtype": "float64", "seed": 1}
TWINS = {
    "torch": OnlineNeuralCollaborativeFiltering,
    "compiled": CompiledNeuralCollaborativeFiltering,
}
both = pytest.mark.parametrize("kind", TWINS.values(), ids=TWINS)


@pytest.fixture(autouse=True)
def one_thread():
    with one_torch_thread():
        yield


def stream(n=400, seed=0, n_users=20, n_items=30):
    return rating_stream(n, n_users, n_items, seed=seed, drift=None)


def sample(user="u", item="i", target=4.0, **others):
    return OnlineSample(user_id=user, item_id=item, target=target, **others)


def state_arrays(model):
    """Network, and rows by id, as plain arrays."""
    state = model.get_model_state()["memory"]
    sides = (("users", model.users), ("items", model.items))
    rows = {
        side: dict(zip(ids, state[f"_{side}"]["memory"]["table"], strict=True))
        for side, ids in sides
    }
    return state["layers"], rows


def squares_of(model, side):
    """AdaGrad's memory of the rows in use."""
    return model.get_model_state()["memory"][f"_{side}"]["memory"]["memory"]


def autograd(network, rows, mean, events, max_error=3.0):
    """Slopes of the mean Huber loss, by PyTorch, from the model's formula and nothing of ours."""
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in network.items()}
    tables = {
        side: {id_: torch.tensor(row, requires_grad=True) for id_, row in rows[side].items()}
        for side in ("users", "items")
    }
    total = torch.tensor(0.0, dtype=torch.float64)
    for user, item, target, weight in events:
        x = torch.cat([tables["users"][user], tables["items"][item]])
        hidden = F.relu(x @ leaves["weight1"] + leaves["bias1"])
        hidden = F.relu(hidden @ leaves["weight2"] + leaves["bias2"])
        output = hidden @ leaves["weight3"] + leaves["bias3"][0]
        loss = F.huber_loss(
            mean + output, torch.tensor(target, dtype=torch.float64), delta=max_error
        )
        total = total + weight * loss / len(events)
    total.backward()
    zero = {
        name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        for name, leaf in leaves.items()
    }
    return {name: value.numpy() for name, value in zero.items()}, {
        side: {id_: row.grad.numpy() for id_, row in tables[side].items() if row.grad is not None}
        for side in tables
    }


def trained(kind, **settings):
    model = kind(**{**SMALL, **settings})
    model.predict_then_learn_many(stream())
    return model


@both
@pytest.mark.parametrize("max_error", [3.0, 0.05])
@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_a_step_on_one_event_follows_pytorchs_gradient(kind, max_error, weight):
    rate, row_rate, memory0 = (
        0.003,
        0.1,
        1e12,
    )  # with a huge memory AdaGrad takes plain gradient steps of rate / 1e6
    model = trained(kind, max_error=max_error)
    fresh = kind(
        **SMALL,
        learning_rate=rate,
        embedding_rate=row_rate * 1e6,
        initial_memory=memory0,
        max_error=max_error,
    )
    state, blank = model.get_model_state(), fresh.get_model_state()
    state["config"], state["memory"]["learning_rate"] = blank["config"], rate
    for side in ("users", "items"):
        embedding = state["memory"][f"_{side}"]["memory"]
        embedding["memory"] = np.full_like(embedding["memory"], memory0)
    fresh.set_model_state(state)
    network, rows = state_arrays(fresh)
    user, item = fresh.users[3], fresh.items[4]
    slopes, row_slopes = autograd(network, rows, fresh.mean, [(user, item, 4.5, weight)], max_error)
    fresh.partial_fit(sample(user, item, 4.5, weight=weight))
    after, rows_after = state_arrays(fresh)
    for name, slope in slopes.items():
        np.testing.assert_allclose(
            (network[name] - after[name]) / rate, slope, rtol=1e-5, atol=1e-10
        )
    for side, id_ in (("users", user), ("items", item)):
        moved = (rows[side][id_] - rows_after[side][id_]) / row_rate
        np.testing.assert_allclose(moved, row_slopes[side][id_], rtol=1e-5, atol=1e-9)
    assert np.abs(slopes["weight1"]).max() > 1e-4


@both
def test_a_batch_is_one_step_down_the_gradient_of_the_mean_loss(kind):
    model = trained(kind)
    network, rows = state_arrays(model)
    events = [
        (sample_.user_id, sample_.item_id, sample_.target, 1.0) for sample_ in stream(50, seed=3)
    ]
    events = [event for event in events if event[0] in rows["users"] and event[1] in rows["items"]]
    assert len(events) > len({event[0] for event in events})  # some user occurs twice
    slopes, row_slopes = autograd(network, rows, model.mean, events)
    memories = {
        side: dict(zip(ids, squares_of(model, side), strict=True))
        for side, ids in (("users", model.users), ("items", model.items))
    }
    users, items, targets, _ = zip(*events, strict=True)
    expected_loss = np.mean((model.predict_many(users, items) - targets) ** 2)
    loss = model.batch_update(Chunk(user_ids=users, item_ids=items, targets=targets))
    assert loss == pytest.approx(expected_loss)
    after, rows_after = state_arrays(model)
    for name, slope in slopes.items():
        np.testing.assert_allclose(
            (network[name] - after[name]) / model.learning_rate, slope, rtol=1e-5, atol=1e-10
        )
    for side, slopes_of_side in row_slopes.items():
        for id_, slope in slopes_of_side.items():
            expected = rows[side][id_] - 0.1 * slope / np.sqrt(memories[side][id_] + slope**2)
            np.testing.assert_allclose(rows_after[side][id_], expected, rtol=1e-8)


@pytest.mark.parametrize("regularization", [0.0, 0.02])
@pytest.mark.parametrize("sizes", [(10_000, 10_000), (7, 5)])
def test_the_twins_are_the_same_model_to_the_last_digits(regularization, sizes):
    settings = {
        **SMALL,
        "regularization": regularization,
        "user_vocab_size": sizes[0],
        "item_vocab_size": sizes[1],
    }
    ours, theirs = (
        CompiledNeuralCollaborativeFiltering(**settings),
        OnlineNeuralCollaborativeFiltering(**settings),
    )
    chunk = stream(600)
    for part in chunk.chunks(97):
        np.testing.assert_allclose(
            ours.predict_then_learn_many(part), theirs.predict_then_learn_many(part), rtol=1e-9
        )
        np.testing.assert_allclose(ours.batch_update(part), theirs.batch_update(part), rtol=1e-9)
        assert (ours.users, ours.items) == (theirs.users, theirs.items)
    more = stream(50, seed=2)
    np.testing.assert_allclose(
        ours.partial_fit_many(more), theirs.partial_fit_many(more), rtol=1e-8
    )


def test_the_twins_can_exchange_states():
    ours, theirs = (
        trained(CompiledNeuralCollaborativeFiltering),
        OnlineNeuralCollaborativeFiltering(**SMALL),
    )
    theirs.set_model_state(ours.get_model_state())
    chunk = stream(100, seed=4)
    np.testing.assert_allclose(
        theirs.partial_fit_many(chunk), ours.partial_fit_many(chunk), rtol=1e-9
    )


@both
def test_where_nothing_is_known_it_answers_the_running_mean(kind):
    model, seen = kind(**SMALL), []
    for each in stream(200):
        assert model.predict("nobody", "nothing") == pytest.approx(np.mean(seen) if seen else 0.0)
        model.partial_fit(each)
        seen.append(each.target)
    weighted = kind(**SMALL)
    weighted.partial_fit(sample(target=5.0, weight=3.0))
    weighted.partial_fit(sample(target=1.0, weight=1.0))
    assert weighted.mean == pytest.approx(4.0)


@both
def test_an_unknown_id_is_predicted_alike_before_and_after_it_has_a_row(kind):
    model = trained(kind)
    before, mean = model.predict("stranger", model.items[0]), model.mean
    model.partial_fit(
        sample("stranger", model.items[0], target=before)
    )  # no error: nothing but the mean moves
    assert "stranger" in model.users
    assert model.predict("stranger", model.items[-1]) - model.mean == pytest.approx(
        before - mean, rel=1e-12
    )
    assert before != mean


@both
def test_nobody_who_is_absent_moves(kind):
    model = trained(kind)
    _, before = state_arrays(model)
    present = (model.users[5], model.items[6])
    model.partial_fit(sample(*present))
    model.batch_update([sample(*present), sample("new", present[1])])
    _, after = state_arrays(model)
    for side, moving in (("users", present[0]), ("items", present[1])):
        for id_, row in before[side].items():
            assert np.array_equal(row, after[side][id_]) == (id_ != moving)


@both
@pytest.mark.parametrize("learn", ["one by one", "in a batch"])
def test_a_reused_row_starts_from_the_beginning_with_its_optimizers_memory(kind, learn):
    model = kind(**SMALL, user_vocab_size=2, item_vocab_size=1)
    start = kind(**SMALL)._users.unknown.tolist()
    for user in ("ada", "bob", "ada", "bob"):
        model.partial_fit(sample(user, "i", target=5.0))
    event = sample("eve", "i", target=1.0)
    model.partial_fit(event) if learn == "one by one" else model.batch_update([event])
    assert model.users == ["bob", "eve"]
    state = model.get_model_state()["memory"]["_users"]["memory"]
    slopes = np.sqrt(state["memory"][1] - 0.1)  # what the one event added to a memory of 0.1
    np.testing.assert_allclose(
        np.abs(state["table"][1] - start), 0.1 * slopes / np.sqrt(state["memory"][1]), atol=1e-9
    )
    assert model.predict("ada", "i") == pytest.approx(model.predict("never seen", "i"), rel=1e-12)


@both
def test_a_batch_with_more_users_than_rows_gives_no_two_of_them_one_row(kind):
    model = kind(**SMALL, user_vocab_size=3, item_vocab_size=2)
    chunk = stream(40, n_users=12, n_items=9)
    predictions = model.predict_then_batch_update(chunk)
    assert np.isfinite(predictions).all()
    assert len(model.users) == 3
    assert len(model.items) == 2
    assert sorted(model._users.vocabulary.rows.tolist()) == [0, 1, 2]


@both
def test_known_ids_of_a_batch_keep_their_rows(kind):
    model = kind(**SMALL, user_vocab_size=3, item_vocab_size=10)
    for user in ("ada", "bob", "eve"):
        model.partial_fit(sample(user))
    model.batch_update(
        [sample("new"), sample("ada")]
    )  # ada was learnt longest ago, but she is in the batch
    assert set(model.users) == {"ada", "new", "eve"}


@both
def test_chunks_with_evictions_are_the_same_as_one_by_one(kind):
    settings = {**SMALL, "user_vocab_size": 4, "item_vocab_size": 6}
    one, many = kind(**settings), kind(**settings)
    chunk = stream(200)
    losses = [one.partial_fit(each) for each in chunk]
    np.testing.assert_allclose(
        np.concatenate([many.partial_fit_many(part) for part in chunk.chunks(61)]),
        losses,
        rtol=1e-12,
    )
    assert one.users == many.users


@both
def test_a_state_on_disk_continues_bit_for_bit_in_single_precision(kind, tmp_path):
    settings = {**SMALL, "dtype": "float32", "user_vocab_size": 12}
    straight, second = kind(**settings), kind(**settings)
    straight.partial_fit_many(stream(300))
    save_state(tmp_path / "m", straight.get_model_state(), kind="ncf")
    second.partial_fit_many(stream(50, seed=9))
    second.set_model_state(load_state(tmp_path / "m", kind="ncf"))
    chunk = stream(200, seed=5)
    np.testing.assert_array_equal(second.partial_fit_many(chunk), straight.partial_fit_many(chunk))
    assert second.batch_update(chunk) == straight.batch_update(chunk)
    assert second.mean == straight.mean


@both
def test_a_state_of_another_size_is_refused(kind):
    with pytest.raises(StateFormatError, match="embedding_dim"):
        kind(**SMALL).set_model_state(kind(**{**SMALL, "embedding_dim": 5}).get_model_state())


@both
def test_the_learning_rate_moves_network_and_rows(kind):
    moves = []
    for factor in (1.0, 4.0):
        model = trained(kind)
        model.learning_rate *= factor
        network, rows = state_arrays(model)
        model.partial_fit(sample(model.users[0], model.items[0], 5.0))
        after, rows_after = state_arrays(model)
        latest = model.users[-1]
        of_row = rows_after["users"][latest] - rows["users"][latest]
        of_network = after["weight3"] - network["weight3"]
        moves.append((np.abs(of_network).max(), np.abs(of_row).max()))
    assert moves[1][0] == pytest.approx(4 * moves[0][0])
    assert moves[1][1] == pytest.approx(4 * moves[0][1])


@both
def test_discounted_evidence_makes_rows_move_further(kind):
    plain, discounted = trained(kind), trained(kind)
    discounted.discount_evidence(0.05)
    for model in (plain, discounted):
        np.testing.assert_array_equal(
            model.predict_many([1, 2], [3, 4]), plain.predict_many([1, 2], [3, 4])
        )
    memory = [squares_of(model, "users") for model in (plain, discounted)]
    np.testing.assert_allclose(memory[1], 0.1 + 0.05 * (memory[0] - 0.1))


@both
def test_a_batch_that_would_overflow_is_refused_before_anything_changes(kind):
    model, twin = trained(kind), trained(kind)
    with pytest.raises(ArithmeticOverflowError, match="Event 1 of the batch"):
        model.batch_update([sample("new"), sample("newer", target=-1e200)])
    chunk = stream(100, seed=7)
    np.testing.assert_array_equal(model.partial_fit_many(chunk), twin.partial_fit_many(chunk))


@both
def test_a_network_that_has_exploded_says_so(kind):
    model = trained(kind, dtype="float32")
    state = model.get_model_state()
    for layer in (1, 2, 3):
        for part in ("weight", "bias"):
            state["memory"]["layers"][f"{part}{layer}"] = np.full_like(
                state["memory"]["layers"][f"{part}{layer}"], 1e30
            )
    model.set_model_state(state)
    for learn in (
        model.partial_fit,
        lambda each: model.partial_fit_many(Chunk.of([each])),
        lambda each: model.batch_update([each]),
    ):
        with pytest.raises(ArithmeticOverflowError, match="Use a smaller `learning_rate`"):
            learn(sample(model.users[0], model.items[0]))


@both
def test_it_learns_better_than_biases_on_a_stream_with_tastes(kind):
    chunk = rating_stream(4000, 40, 40, seed=2, drift=None, taste_std=1.0)
    model = kind(16, (32, 16))
    losses = model.partial_fit_many(chunk)
    biases = np.var(chunk.targets[2000:])
    assert losses[2000:].mean() < 0.7 * biases


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"embedding_dim": 0}, "embedding_dim"),
        ({"hidden_dims": (8,)}, "hidden_dims"),
        ({"hidden_dims": (8, 0)}, "hidden_dims"),
        ({"user_vocab_size": 0}, "user_vocab_size"),
        ({"item_vocab_size": 1.5}, "item_vocab_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"embedding_rate": -1.0}, "embedding_rate"),
        ({"regularization": -1.0}, "regularization"),
        ({"initial_memory": 0.0}, "initial_memory"),
        ({"max_error": 0.0}, "max_error"),
        ({"dtype": "float16"}, "dtype"),
        ({"seed": -1}, "seed"),
    ],
)
@both
def test_a_setting_out_of_range_is_named(kind, settings, name):
    with pytest.raises(InvalidParameterError, match=f"`{name}`"):
        kind(**{**SMALL, **settings})


def test_one_thread_is_given_back():
    torch.set_num_threads(1)
    with one_torch_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 1


@both
def test_its_config_makes_it_again(kind):
    model = trained(kind, max_error=None, user_vocab_size=7)
    twin = model.clone()
    assert twin.max_error == np.inf
    twin.set_model_state(model.get_model_state())
    assert twin.predict(1, 2) == model.predict(1, 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_the_same_numbers_come_out_on_a_gpu():
    on_gpu, on_cpu = (
        OnlineNeuralCollaborativeFiltering(**SMALL, device=device) for device in ("cuda", "cpu")
    )
    chunk = stream(200)
    np.testing.assert_allclose(
        on_gpu.partial_fit_many(chunk), on_cpu.partial_fit_many(chunk), rtol=1e-6
    )
    assert on_gpu.batch_update(chunk) == pytest.approx(on_cpu.batch_update(chunk), rel=1e-6)
    other = OnlineNeuralCollaborativeFiltering(**SMALL)
    other.set_model_state(on_gpu.get_model_state())
    assert other.predict(1, 2) == pytest.approx(on_gpu.predict(1, 2), rel=1e-6)
