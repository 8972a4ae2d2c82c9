"""Events and clocks."""

from datetime import UTC, datetime

import numpy as np
import pytest

from coursekit.core.clock import ManualClock, SystemClock
from coursekit.core.errors import InvalidSampleError
from coursekit.core.events import Chunk, OnlineSample


def test_a_chunk_gives_back_the_samples_it_was_made_of():
    samples = [
        OnlineSample(
            user_id="u", item_id=1, target=2, features={"a": 1.0}, timestamp=5, weight=0.5
        ),
        OnlineSample(user_id="v", item_id=2, target=3.5),
    ]
    assert list(Chunk.of(samples)) == samples


def test_a_sample_keeps_floats_whatever_number_it_was_given():
    sample = OnlineSample(
        user_id="u", item_id=1, target=np.float32(2.5), weight=2, timestamp=np.int64(7)
    )
    assert [type(value) for value in (sample.target, sample.weight, sample.timestamp)] == [
        float
    ] * 3


def test_chunks_cut_and_join_again():
    chunk = Chunk(
        user_ids=np.arange(10), item_ids=np.arange(10), targets=np.arange(10.0), weights=np.ones(10)
    )
    assert [len(part) for part in chunk.chunks(4)] == [4, 4, 2]
    assert [sample for part in chunk.chunks(4) for sample in part] == list(chunk)


def test_ids_of_numpy_become_python_s_own():
    chunk = Chunk(user_ids=np.array([3]), item_ids=np.array(["film"]), targets=[1.0])
    assert (type(chunk.user_ids[0]), type(chunk.item_ids[0])) == (int, str)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"targets": [1.0, np.nan]}, r"`targets\[1\]` must be a finite number, got nan"),
        ({"targets": [1.0]}, r"`targets` must have shape \(2,\)"),
        ({"targets": [1.0, "x"]}, "`targets` must be numbers"),
        ({"item_ids": [1]}, "`item_ids` must have 2 entries"),
        ({"weights": [1.0, -1.0]}, r"`weights\[1\]` must be 0 or more"),
        ({"weights": [1.0, np.inf]}, r"`weights\[1\]` must be a finite number"),
        ({"features": [None]}, "`features` must have 2 entries"),
        ({"timestamps": [np.nan, 1.0]}, r"`timestamps\[0\]`"),
    ],
    ids=str,
)
def test_columns_that_cannot_be_learnt_from_are_named(columns, message):
    with pytest.raises(InvalidSampleError, match=message):
        Chunk(**{"user_ids": [1, 2], "item_ids": [1, 2], "targets": [1.0, 2.0], **columns})


def test_a_manual_clock_moves_only_when_told():
    clock = ManualClock(start=10.0)
    assert clock.now() == clock.now() == 10.0
    clock.advance(seconds=1, minutes=1, hours=1)
    assert clock.now() == 10.0 + 3661.0


def test_the_system_clock_says_seconds_since_1970():
    before = datetime.now(UTC).timestamp()
    assert before <= SystemClock().now() <= datetime.now(UTC).timestamp()
