"""RFC 9162 section 2.1: its example tree, the vectors of RFC 6962's reference logs, its recursive definitions."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.seal.merkle import (
    EMPTY,
    consistency,
    consistent,
    in_memory,
    includes,
    leaf_hash,
    node_hash,
    path,
    root,
)

# The reference logs' test leaves and the root over the first n of them (google/certificate-transparency).
ENTRIES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
sizes = st.integers(1, 70)


# --- the definitions, as the RFC writes them ---------------------------------------------------------
def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves):
    """2.1.1: MTH of hashed leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path_of(m, leaves):
    """2.1.3.1: PATH(m, D_n)."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path_of(m, leaves[:k]), mth(leaves[k:])]
    return [*path_of(m - k, leaves[k:]), mth(leaves[:k])]


def proof_of(m, leaves, *, whole=True):
    """2.1.4.1: SUBPROOF(m, D_n, b)."""
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = split(n)
    if m <= k:
        return [*proof_of(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*proof_of(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def tree(n):
    return [leaf_hash(str(i).encode()) for i in range(n)]


# --- vectors -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", range(9))
def test_the_roots_are_those_of_the_reference_logs(n):
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES[:n]]

    assert root(n, in_memory(leaves)).hex() == ROOTS[n]


def test_the_empty_tree_has_the_hash_of_nothing():
    assert EMPTY.hex() == ROOTS[0]


def test_a_leaf_never_looks_like_a_node():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert node_hash(left, right) != leaf_hash(left + right)


def test_the_proofs_of_the_example_tree_are_those_of_section_2_1_5():
    a, b, c, d, e, f, j = leaves = tree(7)
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, left = node_hash(i, j), node_hash(g, h)
    fetch = in_memory(leaves)

    assert path(0, 7, fetch) == [b, h, k]
    assert path(3, 7, fetch) == [c, g, k]
    assert path(4, 7, fetch) == [f, j, left]
    assert path(6, 7, fetch) == [i, left]
    assert consistency(3, 7, fetch) == [c, d, g, k]
    assert consistency(4, 7, fetch) == [k]
    assert consistency(6, 7, fetch) == [i, j, left]


# --- the definitions as oracles ----------------------------------------------------------------------
@given(sizes)
def test_the_root_is_the_recursive_definitions(n):
    assert root(n, in_memory(tree(n))) == mth(tree(n))


@given(sizes, st.data())
def test_an_older_tree_keeps_its_root_and_paths_in_a_log_that_grew(n, data):
    old = data.draw(st.integers(1, n), label="old")
    at = data.draw(st.integers(0, old - 1), label="at")
    fetch = in_memory(tree(n))

    assert root(old, fetch) == mth(tree(old))
    assert path(at, old, fetch) == path_of(at, tree(old))
    assert consistency(old, n, fetch) == (proof_of(old, tree(n)) if old < n else [])


@given(sizes, st.data())
def test_a_path_holds_for_its_own_leaf_place_and_tree_and_for_no_other(n, data):
    leaves = tree(n)
    at = data.draw(st.integers(0, n - 1), label="at")
    way = path_of(at, leaves)

    proved = [includes(mth(leaves), n, leaf, at, way) for leaf in leaves]

    assert proved == [leaf == leaves[at] for leaf in leaves]
    assert not any(includes(mth(leaves), n, leaves[at], i, way) for i in range(n + 2) if i != at)
    assert not includes(mth(leaves), n, leaves[at], -1, way)
    assert not includes(mth([*leaves, EMPTY]), n, leaves[at], at, way)


@given(sizes, st.data())
def test_a_path_changed_anywhere_proves_nothing(n, data):
    leaves = tree(n)
    at = data.draw(st.integers(0, n - 1), label="at")
    way = path_of(at, leaves)
    where = data.draw(st.integers(0, len(way)), label="where")
    other = [*way[:where], EMPTY, *way[where:]]
    shorter = way[:where] + way[where + 1 :]
    wrong = way[:where] + [EMPTY] * (where < len(way)) + way[where + 1 :]

    for each in (other, shorter, wrong):
        assert includes(mth(leaves), n, leaves[at], at, each) == (each == way)


@given(sizes, st.data())
def test_a_tree_extends_its_own_past_and_no_other(n, data):
    leaves = tree(n)
    old = data.draw(st.integers(1, n), label="old")
    proof = proof_of(old, leaves) if old < n else []
    past, now = (old, mth(leaves[:old])), (n, mth(leaves))
    changed = data.draw(st.integers(0, old - 1), label="changed")
    rewritten = [*leaves[:changed], EMPTY, *leaves[changed + 1 :]]

    assert consistent(past, now, proof)
    assert not consistent((old, mth(rewritten[:old])), now, proof)
    assert not consistent(past, (n, mth(rewritten)), proof)
    assert not consistent(past, now, [*proof, EMPTY])
    assert not consistent((0, EMPTY), now, proof)
    assert not consistent((-1, EMPTY), now, proof)
    if old < n:
        assert not consistent(past, now, proof[:-1])
        assert not consistent(now, past, proof)
        forged = proof_of(old, rewritten)
        assert not consistent(past, (n, mth(rewritten)), forged)


@given(sizes, sizes, st.lists(st.sampled_from(tree(6)), max_size=7), st.data())
def test_a_malformed_proof_is_a_false_one_and_raises_nothing(old, new, proof, data):
    """A peer cannot tell why its proof failed."""
    hashes = [*tree(6), b"", b"short"]
    first, second = data.draw(st.sampled_from(hashes)), data.draw(st.sampled_from(hashes))

    true = old == new and first == second and not proof
    assert consistent((old, first), (new, second), proof) == true
    includes(first, new, second, old, proof)
