from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from coursekit.core.errors import FileFormatError
from coursekit.forecasting.fleet import read_metrics, read_one_file_per_server

LINES = """when;host;cpu;mem
2024-01-01 02:00;b;30;
2024-01-01 00:00;a;10;1
2024-01-01 01:00;a;20;n/a
2024-01-01 00:00;b;40;2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.csv"
    path.write_text(LINES, encoding="utf-8")
    return path


def test_a_file_in_long_form_is_read_in_any_order_with_missing_values(file: Path) -> None:
    frame, report = read_metrics(
        file, time="when", server="host", target="cpu", metrics=["mem"], step_seconds=3600
    )
    assert frame.servers == ("a", "b")
    assert frame.metrics == ("cpu", "mem")
    assert frame.values.tolist() == [[10, 1], [20, 1], [40, 2], [40, 2], [30, 2]]
    assert (report.n_unsorted, report.n_filled) == (1, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when;host;cpu\n1;a;x\n", r"line 2: expected a number as `cpu`, got 'x'"),
        ("when;host;load\n1;a;5\n", r"no column `cpu`; its header names when, host, load"),
        ("when;host;cpu;cpu\n1;a;5;5\n", r"2 columns `cpu`"),
        ("when;host;cpu\nsoon;a;5\n", r"line 2: expected a time"),
        ("when;host;cpu\n", r"a header but no rows"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_metrics(path, time="when", server="host", target="cpu")


def test_files_of_one_server_that_count_from_zero_again_continue(tmp_path: Path) -> None:
    for name, values in (("train", (1, 2)), ("test", (3, 4))):
        lines = "\n".join(f"{at},{value}" for at, value in enumerate(values))
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(f"t,m\n{lines}\n".encode()))
    paths = [tmp_path / "train.csv.gz", tmp_path / "test.csv.gz"]
    frame, reports = read_one_file_per_server(
        {"s": paths}, time="t", target="m", time_unit_seconds=60
    )
    assert frame.time.tolist() == [0, 1, 2, 3]
    assert frame.values[:, 0].tolist() == [1, 2, 3, 4]
    assert frame.step_seconds == 60
    assert len(reports) == 2


def test_smd_is_read_as_ten_minute_means(real_data: Path) -> None:
    path = real_data / "smd" / "machine-1-6_train.csv.gz"
    frame, report = read_metrics(
        path, time="t", target="m00", metrics=["m04"], time_unit_seconds=60, step_seconds=600
    )
    raw = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(1, 5))
    assert report.n_readings == len(raw) == 23_688
    assert len(frame) == 2369
    np.testing.assert_allclose(frame.values[0], raw[:10].mean(axis=0))


def test_nab_has_dates_and_one_file_per_server(real_data: Path) -> None:
    folder = real_data / "nab" / "realAWSCloudwatch"
    names = ("ec2_cpu_utilization_24ae8d", "ec2_cpu_utilization_53ea38")
    frame, _ = read_one_file_per_server(
        {name: [folder / f"{name}.csv.gz"] for name in names}, time="timestamp", target="value"
    )
    assert frame.servers == names
    assert frame.step_seconds == 300
    assert frame.span[0] * 300 == 1392388200  # 2014-02-14 14:30 UTC


def test_azure_has_irregular_stamps_in_any_order(real_data: Path) -> None:
    path = real_data / "azure-vm-noise" / "syscall_basic_eastus_B8ms_ops_sec.csv.gz"
    frame, report = read_metrics(
        path, time="starttime", server="VM_id", target="value", step_seconds=6 * 3600
    )
    assert len(frame.servers) == 3
    assert report.n_readings == 6_944
    assert report.n_irregular == 6_944
    assert report.n_merged > 0
