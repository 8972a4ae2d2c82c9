"""BLAKE2b with a key over many short messages at once, compiled; equal to `hashlib.blake2b`.

Used through `hashing`; without numba the messages go through hashlib one by one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from coursekit.core.compiled import compiled

__all__ = ["digits_of", "keyed_state", "positions_of"]

_Words = npt.NDArray[np.uint64]

_IV = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    dtype=np.uint64,
)
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    dtype=np.int64,
)
_BLOCK = 128  # bytes
_DIGEST = 8  # bytes: the first word of the state
_BYTE = np.uint64(8)


@compiled
def _mix(v, a, b, c, d, x, y):
    """The function G of RFC 7693; rotations by 32, 24, 16 and 63 bits."""
    v[a] = v[a] + v[b] + x
    v[d] = v[d] ^ v[a]
    v[d] = (v[d] >> np.uint64(32)) | (v[d] << np.uint64(32))
    v[c] = v[c] + v[d]
    v[b] = v[b] ^ v[c]
    v[b] = (v[b] >> np.uint64(24)) | (v[b] << np.uint64(40))
    v[a] = v[a] + v[b] + y
    v[d] = v[d] ^ v[a]
    v[d] = (v[d] >> np.uint64(16)) | (v[d] << np.uint64(48))
    v[c] = v[c] + v[d]
    v[b] = v[b] ^ v[c]
    v[b] = (v[b] >> np.uint64(63)) | (v[b] << np.uint64(1))


@compiled
def _compress(h, m, v, n_bytes, is_last):
    """Mix a block `m`, shape (16,), into the state `h`, shape (8,); `v`, shape (16,), is space."""
    for i in range(8):
        v[i] = h[i]
        v[i + 8] = _IV[i]
    v[12] = v[12] ^ np.uint64(n_bytes)
    if is_last:
        v[14] = ~v[14]
    for turn in range(12):
        s = _SIGMA[turn % 10]
        _mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]])
        _mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]])
        _mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]])
        _mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]])
        _mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]])
        _mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]])
        _mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]])
        _mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]])
    for i in range(8):
        h[i] = h[i] ^ v[i] ^ v[i + 8]


@compiled
def _load(text, start, stop, m):
    """Write the bytes `start` to `stop` of the text into the words `m`, padded with zeros."""
    for i in range(16):
        m[i] = np.uint64(0)
    for at in range(start, stop):
        word = (at - start) // 8
        m[word] = m[word] | (np.uint64(text[at]) << (_BYTE * np.uint64((at - start) % 8)))


@compiled
def keyed_state(key):
    """Return the state after the block of the key, uint8, shape (n,), 1 <= n <= 64."""
    h, m, v = _IV.copy(), np.zeros(16, np.uint64), np.zeros(16, np.uint64)
    h[0] = h[0] ^ np.uint64(0x01010000 ^ (len(key) << 8) ^ _DIGEST)
    _load(key, 0, len(key), m)
    _compress(h, m, v, _BLOCK, False)
    return h


@compiled
def positions_of(text, starts, keyed):
    """Return the digests, as integers in [0, 2^64), of messages of one byte or more.

    text : uint8, shape (n_bytes,), all messages one after the other
    starts : int64, shape (n + 1,), where each begins; the last is n_bytes
    keyed : uint64, shape (8,), from `keyed_state`
    """
    n = len(starts) - 1
    found = np.empty(n, np.uint64)
    h, m, v = np.empty(8, np.uint64), np.empty(16, np.uint64), np.empty(16, np.uint64)
    for i in range(n):
        start, stop = starts[i], starts[i + 1]
        for j in range(8):
            h[j] = keyed[j]
        at = start
        while stop - at > _BLOCK:
            _load(text, at, at + _BLOCK, m)
            at += _BLOCK
            _compress(h, m, v, _BLOCK + at - start, False)
        _load(text, at, stop, m)
        _compress(h, m, v, _BLOCK + stop - start, True)
        found[i] = h[0]
    return found


@compiled
def digits_of(ids):
    """Return integers, int64, shape (n,), as decimal text: the bytes and where each begins."""
    text, starts = np.empty(20 * len(ids), np.uint8), np.empty(len(ids) + 1, np.int64)
    at, digits = 0, np.empty(20, np.uint8)
    for i in range(len(ids)):
        starts[i] = at
        rest = np.uint64(ids[i])
        if ids[i] < 0:
            text[at] = 45  # "-"
            at += 1
            rest = ~rest + np.uint64(1)
        n = 0
        while n == 0 or rest > np.uint64(0):
            digits[n] = np.uint8(48 + rest % np.uint64(10))
            rest = rest // np.uint64(10)
            n += 1
        for j in range(n):
            text[at] = digits[n - 1 - j]
            at += 1
    starts[len(ids)] = at
    return text[:at], starts
