from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coursekit.core.errors import IntegrityError, InvalidSampleError, StateFormatError
from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.continual.periodic import stock_dataset
from coursekit.forecasting.fleet import MetricFrame
from coursekit.forecasting.fleet.scaling import Scaling
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.network import input_names, quiet_lightning
from coursekit.forecasting.windows import WindowSet


def test_the_network_equals_the_one_made_from_a_data_set(
    trained: Forecaster, old_days: MetricFrame, old_windows: WindowSet
) -> None:
    import torch
    from pytorch_forecasting import QuantileLoss, TemporalFusionTransformer

    with quiet_lightning():
        stock = TemporalFusionTransformer.from_dataset(
            stock_dataset(old_days, trained.config),
            hidden_size=8,
            hidden_continuous_size=4,
            attention_head_size=2,
            dropout=0.1,
            output_size=3,
            loss=QuantileLoss([0.1, 0.5, 0.9]),
        )
    stock.load_state_dict(trained.net.state_dict())  # strict: names and shapes are equal
    stock.eval()
    some = old_windows.take(slice(0, 50))
    with torch.no_grad():
        theirs = stock(some.batch(24)[0])["prediction"].numpy()
    np.testing.assert_array_equal(np.sort(theirs, axis=2), trained.quantiles(some))


def test_the_base_model_has_learnt(trained: Forecaster, old_windows: WindowSet) -> None:
    fresh = Forecaster(trained.config, trained.scaling)
    assert trained.errors(old_windows).mean() < 0.5 * fresh.errors(old_windows).mean()


def test_a_forecast_continues_each_server(trained: Forecaster, old_days: MetricFrame) -> None:
    forecast = trained.predict(old_days)
    assert forecast.servers == old_days.servers
    assert forecast.quantiles.shape == (4, 6, 3)
    assert forecast.origin.tolist() == [14 * 24] * 4
    assert (np.diff(forecast.quantiles, axis=2) >= 0).all()
    assert forecast.unseen == ()
    past = trained.windows(old_days.tail(30)).take()  # what the model sees before the last 6 hours
    earlier = trained.predict(old_days.between(0, 14 * 24 - 6), known=_events_of(old_days))
    np.testing.assert_array_equal(earlier.quantiles, trained.quantiles(past))


def _events_of(frame: MetricFrame) -> np.ndarray:
    return frame.tail(6).values[:, 3].reshape(4, 6, 1)


def test_a_forecast_does_not_see_the_future(trained: Forecaster, old_days: MetricFrame) -> None:
    windows = trained.windows(old_days).take([0, 50])
    before = trained.quantiles(windows)
    windows.targets[:, 24:] = 1e6
    reals = trained.scaling.reals
    observed = [reals.index(name) for name in ("cpu_pct", "mem_pct", "requests")]
    windows.inputs[:, 24:, observed] = 1e6
    np.testing.assert_array_equal(trained.quantiles(windows), before)


def test_servers_never_seen_are_forecast_and_named(
    trained: Forecaster, old_days: MetricFrame
) -> None:
    state = old_days.to_state() | {"servers": ["server-00", "x", "y", "server-03"]}
    forecast = trained.predict(MetricFrame.from_state(state))
    assert forecast.unseen == ("x", "y")
    assert np.isfinite(forecast.quantiles).all()


def test_too_few_rows_are_named(trained: Forecaster, old_days: MetricFrame) -> None:
    short = (old_days.server != 2) | (old_days.time >= 320)
    with pytest.raises(InvalidSampleError, match="server-02"):
        trained.predict(old_days.where(short))
    with pytest.raises(InvalidSampleError, match="empty"):
        trained.predict(old_days.between(0, 0))


def test_prediction_changes_neither_mode_nor_weights_nor_chance(
    model: Forecaster, old_windows: WindowSet
) -> None:
    import torch

    model.net.train()
    before, chance = model.weights(), torch.get_rng_state()
    model.quantiles(old_windows.take(slice(0, 10)))
    assert model.net.training
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(torch.equal(before[name], weight) for name, weight in model.weights().items())


def test_the_seed_decides_the_weights_and_leaves_chance_alone(trained: Forecaster) -> None:
    import torch

    chance = torch.get_rng_state()
    first, same, other = (
        next(iter(Forecaster(trained.config, trained.scaling, seed=seed).weights().values()))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), chance)


def test_a_copy_is_independent(model: Forecaster, old_windows: WindowSet) -> None:
    some = old_windows.take(slice(0, 5))
    before = model.quantiles(some)
    twin = model.copy()
    twin.set_weights({name: weight + 1 for name, weight in twin.weights().items()})
    np.testing.assert_array_equal(model.quantiles(some), before)
    assert not np.array_equal(twin.quantiles(some), before)


def test_a_file_holds_the_same_model(
    trained: Forecaster, old_windows: WindowSet, tmp_path: Path
) -> None:
    digest = trained.save(tmp_path / "m.safetensors")
    again = Forecaster.load(tmp_path / "m.safetensors", config=trained.config, digest=digest)
    some = old_windows.take(slice(0, 20))
    np.testing.assert_array_equal(again.quantiles(some), trained.quantiles(some))
    assert {id(p) for p in again.net.parameters()} and again.n_parameters == trained.n_parameters


def test_a_wrong_file_is_refused(trained: Forecaster, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    trained.save(path)
    with pytest.raises(IntegrityError):
        Forecaster.load(path, digest="0" * 64)
    wider = ModelConfig(hidden_size=16, hidden_continuous_size=4)
    with pytest.raises(StateFormatError, match=r"other hyper-parameters.*'hidden_size': \(8, 16\)"):
        Forecaster.load(path, config=wider)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        Forecaster.load(path)
    path.write_bytes(content[:1000])
    with pytest.raises(StateFormatError):
        Forecaster.load(path)


def test_weights_of_another_architecture_change_nothing(model: Forecaster) -> None:
    import torch

    before = model.weights()
    wrong = dict(before)
    name = next(reversed(wrong))
    wrong[name] = torch.zeros(1)
    with pytest.raises(StateFormatError, match="another architecture"):
        model.set_weights({key: value + 1 for key, value in wrong.items()})
    assert all(torch.equal(before[key], value) for key, value in model.weights().items())


def test_metrics_may_be_named_like_parts_of_a_module_or_like_one_another() -> None:
    names = ("cpu", "train", "net.in", "net_in", "forward")
    frame = MetricFrame(
        servers=("a",),
        metrics=names,
        server=[0] * 40,
        time=np.arange(40),
        values=np.random.default_rng(0).normal(size=(40, 5)),
    )
    scaling = Scaling.fit(frame)
    assert len(set(input_names(scaling))) == len(scaling.reals)
    model = Forecaster(ModelConfig(hidden_size=4, hidden_continuous_size=2), scaling)
    assert np.isfinite(model.predict(frame).quantiles).all()
