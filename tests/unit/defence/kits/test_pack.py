"""A kit is what its node signed, whole, or nothing of it is read."""

import io
import zipfile
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.clock import text
from mithaq.defence.kits import pack
from mithaq.defence.kits.pack import BadKit, KitOver, Strangers, opened, whose
from mithaq.errors import MithaqError
from mithaq.seal.documents import Revoked
from mithaq.seal.envelope import BadEnvelope
from mithaq.seal.keys import keyid
from tests.unit.defence.kits.values import DOCUMENT, LINES, MADE, WORDS, kit
from tests.unit.seal.values import KEY, NOW, document, signed


def parts(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(files, how=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as packed:
        for name, body in files.items():
            packed.writestr(name, body)
    return out.getvalue()


def test_a_kit_is_read_by_whoever_heard_the_words_of_its_node():
    read = opened(kit(), WORDS.upper(), MADE)

    assert tuple(read.lines) == LINES
    assert read.manifest.to == "water"
    assert whose(kit()) == ("CERT Aurelia", tuple(WORDS.split()))
    assert kit() == kit()


def test_the_words_are_of_the_first_document_whatever_keys_came_after():
    newer = document(version=2, exchange=[*document().exchange])
    chain = (DOCUMENT, signed(newer, *KEY[:2]))

    assert opened(kit(keys=chain), WORDS, MADE).digest
    with pytest.raises(Strangers):
        opened(kit(keys=chain), "abandon " * 12, MADE)


def test_a_kit_of_a_stranger_who_names_our_node_is_refused():
    theirs = KEY[4:6]
    fake = signed(document(roots=theirs, exchange=document().exchange), *theirs)
    with pytest.raises(Strangers):
        opened(kit(keys=[fake]), WORDS, MADE)
    with pytest.raises(BadEnvelope):
        opened(kit(signer=KEY[4]), WORDS, MADE)  # our keys, and another's signature


def test_a_key_that_was_revoked_or_does_not_count_yet_signs_no_kit():
    gone = [Revoked(key=keyid(KEY[3].public), since=text(NOW))]
    newer = signed(document(version=2, revoked=gone), *KEY[:2])
    with pytest.raises(BadEnvelope):
        opened(kit(keys=(DOCUMENT, newer)), WORDS, MADE)
    with pytest.raises(BadEnvelope):
        opened(kit(made=text(NOW - timedelta(days=5))), WORDS, MADE)


@pytest.mark.parametrize(("days", "error"), [(-2, KitOver), (29.9, None), (30, KitOver)])
def test_a_kit_counts_from_its_day_to_its_end(days, error):
    now = MADE + timedelta(days=days)
    if error is None:
        assert opened(kit(), WORDS, now)
        return
    with pytest.raises(error):
        opened(kit(), WORDS, now)


def test_a_kit_that_would_count_too_long_or_is_of_another_sender_is_refused():
    for changed in ({"until": text(MADE + timedelta(days=91))}, {"sender": "borealis"}):
        with pytest.raises(BadKit):
            opened(kit(**changed), WORDS, MADE)


@pytest.mark.parametrize("name", ["lines.jsonl", "README.en.txt", "kit.json", "keys.json"])
def test_no_file_of_a_kit_can_be_changed_left_out_or_doubled(name):
    whole = parts(kit())
    changed = whole | {name: whole[name].replace(b"a", b"b", 1)}
    less = {n: body for n, body in whole.items() if n != name}
    for files in (changed, less, whole | {"more.txt": b"more"}):
        with pytest.raises(MithaqError):
            opened(zipped(files), WORDS, MADE)
    doubled = io.BytesIO(kit())
    with zipfile.ZipFile(doubled, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr(name, whole[name])
    with pytest.raises(BadKit):
        opened(doubled.getvalue(), WORDS, MADE)


def test_what_unpacks_to_more_than_a_kit_is_not_unpacked(monkeypatch):
    bomb = zipped(parts(kit()) | {"bomb": bytes(50 << 20)})
    monkeypatch.setattr(pack, "MOST", 1 << 20)
    monkeypatch.setattr(pack, "_one", lambda *_: pytest.fail("it was unpacked"))

    with pytest.raises(BadKit) as refused:
        opened(bomb, WORDS, MADE)
    assert refused.value.facts["cause"] == "size"
    many = zipped(parts(kit()) | {f"{n}": b"" for n in range(20)})
    with pytest.raises(BadKit):
        opened(many, WORDS, MADE)


def test_a_file_that_is_longer_than_it_says_is_read_no_further():
    raw = bytearray(zipped(parts(kit()) | {"bomb": bytes(1 << 20)}, zipfile.ZIP_STORED))
    place = raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"bomb"))
    raw[place + 24 : place + 28] = (10).to_bytes(4, "little")  # uncompressed size, in the directory

    with pytest.raises(BadKit):
        opened(bytes(raw), WORDS, MADE)


@settings(max_examples=150)
@given(st.data())
def test_whatever_bytes_come_are_a_kit_or_refused_in_words(data):
    raw = bytearray(kit())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for some in (bytes(raw), cut):
        with suppress(MithaqError):
            assert tuple(opened(some, WORDS, MADE).lines) == LINES  # nothing that counts was hit
