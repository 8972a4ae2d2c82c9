"""State on disk: what goes in comes out, and nothing broken is ever taken for whole."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from coursekit.core.errors import IntegrityError, StateFormatError
from coursekit.core.files import replaced_atomically
from coursekit.core.state import load_state, save_state

STATE = {
    "n": 3,
    "table": np.arange(12.0).reshape(3, 4),
    "nested": {"ids": np.array([1, 2]), "name": "é", "list": [1, np.eye(2)]},
}

arrays = hnp.arrays(
    dtype=st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    shape=hnp.array_shapes(min_dims=0),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | arrays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(state=st.dictionaries(st.text(), values, max_size=4))
def test_every_state_comes_back_exactly(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("state") / "a.state"
    digest = save_state(path, state, kind="Demo")
    np.testing.assert_equal(load_state(path, kind="Demo", digest=digest), state)


def test_types_and_shapes_of_arrays_come_back(tmp_path):
    save_state(
        tmp_path / "a", {"x": np.zeros((0, 3), dtype=np.float32), "y": np.array(1.5)}, kind="Demo"
    )
    loaded = load_state(tmp_path / "a", kind="Demo")
    assert (loaded["x"].shape, loaded["x"].dtype, loaded["y"].shape) == (
        (0, 3),
        np.dtype(np.float32),
        (),
    )


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"f": print}, "not JSON serializable"),
        ({"x": float("nan")}, "not JSON compliant"),
        ({1: 2}, "keys must be strings"),
        ({"words": np.array(["a"])}, "not numeric"),
        ({"objects": np.array([None])}, "not numeric"),
    ],
    ids=["function", "nan", "integer key", "text array", "object array"],
)
def test_what_cannot_be_kept_is_refused_and_the_old_file_stays(tmp_path, state, message):
    save_state(tmp_path / "a", STATE, kind="Demo")
    with pytest.raises(StateFormatError, match=message):
        save_state(tmp_path / "a", state, kind="Demo")
    assert load_state(tmp_path / "a", kind="Demo")["n"] == 3
    assert os.listdir(tmp_path) == ["a"]


def test_the_state_of_another_kind_is_refused(tmp_path):
    save_state(tmp_path / "a", STATE, kind="Demo")
    with pytest.raises(StateFormatError, match="holds the state of Demo, expected Other"):
        load_state(tmp_path / "a", kind="Other")


def test_a_file_that_is_no_state_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(StateFormatError, match="not a saved state"):
        load_state(tmp_path / "a", kind="Demo")


def test_every_flipped_byte_is_noticed(tmp_path):
    save_state(tmp_path / "a", STATE, kind="Demo")
    whole = (tmp_path / "a").read_bytes()
    for at in range(0, len(whole), 7):
        (tmp_path / "b").write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises((StateFormatError, IntegrityError)):
            load_state(tmp_path / "b", kind="Demo")


def test_a_cut_file_is_noticed(tmp_path):
    save_state(tmp_path / "a", STATE, kind="Demo")
    whole = (tmp_path / "a").read_bytes()
    for length in range(0, len(whole), 11):
        (tmp_path / "b").write_bytes(whole[:length])
        with pytest.raises((StateFormatError, IntegrityError)):
            load_state(tmp_path / "b", kind="Demo")


def test_another_format_version_is_refused(tmp_path):
    from safetensors.numpy import save_file

    header = {
        "format": "coursekit-state",
        "format_version": "99",
        "kind": "Demo",
        "values": json.dumps({}),
        "sha256": "",
    }
    save_file({}, tmp_path / "a", metadata=header)
    with pytest.raises(StateFormatError, match="format version 99"):
        load_state(tmp_path / "a", kind="Demo")


def test_a_digest_of_another_state_is_refused(tmp_path):
    digest = save_state(tmp_path / "a", STATE, kind="Demo")
    save_state(tmp_path / "a", {"n": 4}, kind="Demo")
    with pytest.raises(IntegrityError, match="sha256"):
        load_state(tmp_path / "a", kind="Demo", digest=digest)


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), replaced_atomically(tmp_path / "a") as temporary:
        with open(temporary, "w") as file:
            file.write("ne")
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]
