from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coursekit.core.errors import InvalidSampleError
from coursekit.core.state import load_state, save_state
from coursekit.forecasting.continual.periodic import stock_dataset
from coursekit.forecasting.fleet import MetricFrame, SimulatedFleet
from coursekit.forecasting.fleet.scaling import Scaling
from coursekit.forecasting.model import Forecaster
from coursekit.forecasting.network import quiet_lightning
from coursekit.forecasting.windows import Windows


def test_windows_equal_those_of_time_series_data_set(
    trained: Forecaster, old_days: MetricFrame
) -> None:
    import torch

    with quiet_lightning():
        dataset = stock_dataset(old_days, trained.config)
        loader = dataset.to_dataloader(train=False, batch_size=len(dataset))
        theirs, (target, weight) = next(iter(loader))
    windows = trained.windows(old_days)
    ours, y = windows.take().batch(trained.config.encoder_length)
    assert len(windows) == len(dataset)
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        assert tensor.dtype == ours[name].dtype, name
        assert torch.equal(tensor, ours[name]), name
    assert torch.equal(target, y)
    assert weight is None


def test_time_series_data_set_mixes_up_scales_without_an_encoder_for_the_group(
    old_days: MetricFrame,
) -> None:
    """The trap that `stock_dataset` avoids: server k is given the scale of server k - 1."""
    from pytorch_forecasting import TimeSeriesDataSet
    from pytorch_forecasting.data import GroupNormalizer, NaNLabelEncoder

    rows = old_days.to_pandas().rename(columns={"cpu_pct": "y"})[["server", "time", "y"]]
    with quiet_lightning():
        dataset = TimeSeriesDataSet(
            rows,
            time_idx="time",
            target="y",
            group_ids=["server"],
            max_encoder_length=24,
            max_prediction_length=6,
            static_categoricals=["server"],
            time_varying_unknown_reals=["y"],
            target_normalizer=GroupNormalizer(groups=["server"]),
            categorical_encoders={"server": NaNLabelEncoder(add_nan=True)},
        )
        x, _ = next(iter(dataset.to_dataloader(train=False, batch_size=len(dataset))))
    centers = Scaling.fit(old_days).center
    found = [float(x["target_scale"][x["groups"][:, 0] == at][0, 0]) for at in range(4)]
    assert found == pytest.approx(centers[:4])  # the median, then servers 0, 1, 2
    assert found != pytest.approx(centers[1:])


def test_later_rows_change_no_earlier_input(trained: Forecaster, fleet: SimulatedFleet) -> None:
    """Scaling is fitted once: what comes later neither leaks into windows nor moves them."""
    frame = fleet.frame
    part, whole = (trained.windows(each) for each in (frame.between(0, 400), frame))
    same = whole.take(whole.between(0, 400))
    alone = part.take()
    assert np.array_equal(same.inputs, alone.inputs)
    assert np.array_equal(same.scale, alone.scale)


def test_unseen_servers_get_class_0_and_the_median_scale(trained: Forecaster) -> None:
    scaling = trained.scaling
    frame = MetricFrame(
        servers=("new", "server-02"),
        metrics=scaling.metrics,
        known=scaling.known,
        server=np.repeat([0, 1], 40),
        time=np.tile(np.arange(40), 2),
        values=np.ones((80, 4)),
    )
    windows = trained.windows(frame).take()
    assert windows.category.tolist() == [0] * 11 + [3] * 11
    assert scaling.unseen(frame) == ("new",)
    assert windows.scale[0] == pytest.approx(
        [np.median(scaling.center[1:]), np.median(scaling.scale[1:])]
    )


def test_no_window_crosses_a_gap_or_two_servers(trained: Forecaster, old_days: MetricFrame) -> None:
    kept = (old_days.time != 100) | (old_days.server != 1)
    windows = trained.windows(old_days.where(kept))
    length = trained.config.length
    assert len(windows) == 4 * (14 * 24 - length + 1) - length
    of_1 = windows.origin[windows.server == 1]
    assert not ((of_1 + 6 > 100) & (of_1 - 24 <= 100)).any()


def test_a_short_frame_has_no_window(trained: Forecaster, old_days: MetricFrame) -> None:
    windows = trained.windows(old_days.between(0, 29))
    assert len(windows) == 0
    assert len(windows.take()) == 0


def test_windows_are_chosen_by_their_whole_horizon(
    trained: Forecaster, old_days: MetricFrame
) -> None:
    windows = trained.windows(old_days)
    chosen = windows.origin[windows.between(50, 60)]
    assert sorted(set(chosen.tolist())) == [50, 51, 52, 53, 54]


def test_another_metric_or_time_step_is_refused(trained: Forecaster, old_days: MetricFrame) -> None:
    state = old_days.to_state()
    for change in ({"step_seconds": 60}, {"metrics": ["load", "mem_pct", "requests", "event"]}):
        with pytest.raises(InvalidSampleError, match="like the model, got"):
            trained.windows(MetricFrame.from_state(state | change))


def test_a_scaling_needs_rows_of_every_server(old_days: MetricFrame) -> None:
    with pytest.raises(InvalidSampleError, match="server-02"):
        Scaling.fit(old_days.of_servers(["server-00", "server-01", "server-03"]))


def test_a_constant_metric_scales_to_zero() -> None:
    values = np.stack([np.arange(40.0), np.full(40, 7.0)], axis=1)
    frame = MetricFrame(
        servers=("a",), metrics=("y", "c"), server=[0] * 40, time=np.arange(40), values=values
    )
    inputs = Windows(frame, Scaling.fit(frame), 24, 6).take().inputs
    assert np.isfinite(inputs).all()
    assert (inputs[:, :, -1] == 0).all()


def test_a_scaling_survives_a_file(trained: Forecaster, tmp_path: Any) -> None:
    save_state(tmp_path / "s", trained.scaling.to_state(), kind="scaling")
    again = Scaling.from_state(load_state(tmp_path / "s", kind="scaling")).to_state()
    for name, value in trained.scaling.to_state().items():
        assert np.array_equal(again[name], value), name
