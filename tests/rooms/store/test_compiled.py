"""Compiled rules are given back to the home that wrote them, and to nobody who only put a file there."""

import stat

from mithaq.store.compiled import Compiled


def digest(number):
    return f"sha256:{number:064x}"


def test_what_was_kept_comes_back_and_only_its_owner_can_read_it(tmp_path):
    kept = Compiled(tmp_path / "compiled")
    assert kept.get(digest(1)) is None
    kept.put(digest(1), b"rules")

    assert Compiled(tmp_path / "compiled").get(digest(1)) == b"rules"
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "compiled").iterdir()} == {
        0o600
    }


def test_what_was_changed_or_put_there_or_renamed_is_none(tmp_path):
    kept, other = Compiled(tmp_path / "compiled"), Compiled(tmp_path / "other")
    for each in (kept, other):
        each.put(digest(1), b"rules")
    one = tmp_path / "compiled" / f"{1:064x}.rules"
    whole = one.read_bytes()

    for changed in (
        whole[:-1],
        whole[:40] + b"x" + whole[41:] if len(whole) > 41 else whole + b"x",
        whole + b"x",
        b"",
        b"rules",
        (tmp_path / "other" / one.name).read_bytes(),
    ):
        one.write_bytes(changed)
        assert kept.get(digest(1)) is None
        assert not one.exists()
    one.with_name(f"{2:064x}.rules").write_bytes(whole)
    assert kept.get(digest(2)) is None

    one.write_bytes(whole)
    assert kept.get(digest(1)) == b"rules"
    (tmp_path / "compiled" / "key").unlink()
    assert kept.get(digest(1)) is None


def test_few_are_kept_and_where_there_is_no_room_none(tmp_path):
    kept = Compiled(tmp_path / "compiled")
    for number in range(12):
        kept.put(digest(number), b"rules")
    assert [kept.get(digest(number)) for number in (0, 3, 4, 11)] == [
        None,
        None,
        b"rules",
        b"rules",
    ]

    (tmp_path / "file").write_bytes(b"")
    nowhere = Compiled(tmp_path / "file" / "compiled")
    nowhere.put(digest(1), b"rules")
    assert nowhere.get(digest(1)) is None
