"""Keyed hashing of units: equal to hashlib, mixing, and independent from salt to salt."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zlib
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from coursekit.core.errors import InvalidParameterError, InvalidSampleError
from coursekit.delivery.experiments import SaltedHash

N = 50_000
UNITS = ["ada", "é" * 100, "x" * 127, "x" * 128, "x" * 129, "x" * 400, "😀"]
NUMBERS = [0, 7, -5, 10**18, 2**63 - 1, -(2**63)]


def oracle(salt: str, unit: object) -> int:
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    digest = hashlib.blake2b(str(unit).encode(), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "little")


@pytest.mark.parametrize("salt", ["ranking", "ü" * 90])
def test_one_at_a_time_and_many_at_once_are_hashlib(salt: str) -> None:
    position = SaltedHash(salt)
    expected = [oracle(salt, unit) for unit in UNITS + NUMBERS]
    assert [position(unit) for unit in UNITS + NUMBERS] == expected
    assert position.many(UNITS + NUMBERS).tolist() == expected
    assert position.many(np.array(NUMBERS)).tolist() == expected[len(UNITS) :]
    assert position.many(np.array(UNITS)).tolist() == expected[: len(UNITS)]
    assert position.many([]).tolist() == []


def test_without_the_compiler_it_is_the_same() -> None:
    code = (
        "from coursekit.delivery.experiments import SaltedHash; import numpy as np;"
        "h = SaltedHash('a'); print(h.many(np.arange(3)).tolist(), h.many(['x', 'y']).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"COURSEKIT_COMPILE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    h = SaltedHash("a")
    expected = f"{h.many(np.arange(3)).tolist()} {h.many(['x', 'y']).tolist()}"
    assert done.stdout.strip() == expected


def test_golden_positions_for_other_languages() -> None:
    """BLAKE2b-64 of the id under the key BLAKE2b-256("experiment:ranking"), little-endian."""
    position = SaltedHash("experiment:ranking")
    assert [position(unit) for unit in ("ada", "bob", 42)] == GOLDEN


GOLDEN = [1461884615134830919, 2246114356273736026, 634823495569072034]


def test_positions_are_uniform() -> None:
    """A uniform hash has p < 1e-6 for one salt in a million."""
    positions = SaltedHash("uniform").many(np.arange(N)) / 2**64
    assert stats.kstest(positions, "uniform").pvalue > 1e-6


def test_one_bit_of_the_unit_moves_half_of_the_position() -> None:
    """Avalanche: 64 bits times 20,000 pairs; the share is within 5 standard errors of 1/2."""
    position = SaltedHash("avalanche")
    ids = np.arange(20_000) * 2
    flipped = position.many(ids) ^ position.many(ids + 1)
    bits = np.unpackbits(flipped.view(np.uint8)).reshape(-1, 64)
    assert bits.mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(bits.size))
    # each single bit: 64 of them, 5.5 standard errors
    np.testing.assert_allclose(bits.mean(axis=0), 0.5, atol=5.5 * 0.5 / np.sqrt(len(bits)))


def worst_correlation(hashes: list[np.ndarray]) -> float:
    """The largest correlation of two-way assignments over all pairs of experiments."""
    sides = [(each >= np.median(each)).astype(float) for each in hashes]
    return max(abs(np.corrcoef(a, b)[0, 1]) for a, b in combinations(sides, 2))


def test_experiments_are_uncorrelated() -> None:
    """45 pairs of ten experiments, each below 4 / sqrt(n): fails for 1 seed in 350."""
    ids = np.arange(N)
    hashes = [SaltedHash(f"experiment-{k}").many(ids).astype(float) for k in range(10)]
    assert worst_correlation(hashes) < 4 / np.sqrt(N)


def test_a_checksum_and_a_hash_without_salt_fail_the_same_test() -> None:
    ids = range(5000)

    def crc32(salt: int, unit: int) -> int:
        return zlib.crc32(f"experiment-{salt}:{unit}".encode())

    def md5_without_salt(salt: int, unit: int) -> int:
        return int(hashlib.md5(str(unit).encode()).hexdigest()[:8], 16)

    for wrong in (crc32, md5_without_salt):
        hashes = [np.array([wrong(k, unit) for unit in ids], float) for k in range(10)]
        assert worst_correlation(hashes) > 0.5


@pytest.mark.parametrize("unit", ["", None, 1.5, True, b"ada", ("a",)])
def test_a_unit_is_text_or_an_integer(unit: object) -> None:
    with pytest.raises(InvalidSampleError, match="A unit's id must be text"):
        SaltedHash("a")(unit)
    with pytest.raises(InvalidSampleError, match="A unit's id must be text"):
        SaltedHash("a").many(["ada", unit])


def test_a_salt_is_text() -> None:
    with pytest.raises(InvalidParameterError, match="`salt` must be text"):
        SaltedHash("")
