"""Merkle trees as RFC 9162 section 2.1 has them; digests are raw SHA-256 values of 32 bytes.

A tree is stored as its complete subtrees: ``(level, index)`` covers leaves ``index·2^level`` to
``(index+1)·2^level - 1``. A complete subtree never changes, so appending never rewrites.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

Fetch = Callable[[int, int], bytes]  # (level, index) of a complete subtree -> its digest
SIZE = 32  # bytes of a digest
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the digest of a leaf (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the digest of an inner node (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(start: int, size: int, fetch: Fetch) -> bytes:
    """Return the digest over ``size`` leaves from ``start``, where start is a multiple of the split."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return fetch(level, start >> level)
    k = _split(size)
    return node_hash(_range_hash(start, k, fetch), _range_hash(start + k, size - k, fetch))


def levels(leaves: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the complete subtrees over ``leaves`` level by level, the leaves first."""
    level = list(leaves)
    while level:
        yield level
        level = above(level)


def above(level: Sequence[bytes]) -> list[bytes]:
    """Return the complete subtrees of the next level over those of one that begins at an even number."""
    pairs = zip(level[::2], level[1::2], strict=False)
    return [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over ``leaves``, which fit in memory (a batch, a test)."""
    return root(len(leaves), in_memory(leaves))


def root(size: int, fetch: Fetch) -> bytes:
    """Return the root of the first ``size`` leaves."""
    return _range_hash(0, size, fetch) if size else EMPTY


def path(index: int, size: int, fetch: Fetch) -> list[bytes]:
    """Return the inclusion path of leaf ``index`` in the tree of ``size`` leaves (RFC 9162, 2.1.3.1)."""

    def walk(at: int, start: int, n: int) -> list[bytes]:
        if n == 1:
            return []
        k = _split(n)
        if at < k:
            return [*walk(at, start, k), _range_hash(start + k, n - k, fetch)]
        return [*walk(at - k, start + k, n - k), _range_hash(start, k, fetch)]

    return walk(index, 0, size)


def consistency(old: int, new: int, fetch: Fetch) -> list[bytes]:
    """Return the proof that the tree of ``new`` leaves extends that of ``old`` (RFC 9162, 2.1.4.1)."""

    def walk(m: int, start: int, n: int, *, whole: bool) -> list[bytes]:
        if m == n:
            return [] if whole else [_range_hash(start, n, fetch)]
        k = _split(n)
        if m <= k:
            return [
                *walk(m, start, k, whole=whole),
                _range_hash(start + k, n - k, fetch),
            ]
        return [
            *walk(m - k, start + k, n - k, whole=False),
            _range_hash(start, k, fetch),
        ]

    return walk(old, 0, new, whole=True) if 0 < old < new else []


def includes(root_: bytes, size: int, leaf: bytes, index: int, proof: Sequence[bytes]) -> bool:
    """Say whether ``proof`` shows ``leaf`` at ``index`` in a tree of ``size`` leaves.

    The algorithm of RFC 9162, section 2.1.3.2; the numbers below are its steps. A malformed proof is a
    false one: nothing is raised.
    """
    if not 0 <= index < size:  # 1
        return False
    position, last, digest = index, size - 1, leaf  # 2, 3
    for sibling in proof:  # 4
        if last == 0:
            return False
        if position & 1 or position == last:
            digest = node_hash(sibling, digest)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and digest == root_  # 5


def consistent(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Say whether ``proof`` shows that the tree ``new`` (size, root) extends ``old`` (RFC 9162, 2.1.4.2)."""
    (first, first_root), (second, second_root) = old, new
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second:
        return False
    rest = list(proof)
    if first & (first - 1) == 0:
        rest.insert(0, first_root)
    if not rest:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = rest[0]
    for node in rest[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(node, fr), node_hash(node, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, node)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def in_memory(leaves: Sequence[bytes]) -> Fetch:
    """Return a fetch over ``leaves``, for trees that fit in memory (a batch, a test)."""
    nodes = list(levels(leaves))
    return lambda level, index: nodes[level][index]
