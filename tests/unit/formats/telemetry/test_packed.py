"""What telemetry is packed in, and what only looks like it."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib

import pytest
import zstandard

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Refusal, packed

RAW = b'{"a": 1}\n{"a": 2}\n'


def read(raw, name="x", piece=9973, **more):
    pieces = (raw[at : at + piece] for at in range(0, len(raw), piece))
    return list(telemetry.read(pieces, name, **more))


def values(found):
    return [one.fields["a"] for one in found if not isinstance(one, Refusal)]


def codes(found):
    return [one.code for one in found if isinstance(one, Refusal)]


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return out.getvalue()


PACKED = {
    "gzip": gzip.compress(RAW),
    "gzip twice": gzip.compress(RAW[:9]) + gzip.compress(RAW[9:]) + b"\0" * 600,
    "zstd": zstandard.compress(RAW[:9]) + zstandard.compress(RAW[9:]),
    "xz": lzma.compress(RAW),
    "bzip2": bz2.compress(RAW),
    "zip": zipped({"one.json": RAW[:9], "__MACOSX/._one.json": b"x", "two.json": RAW[9:]}),
    "tar": tar({"one.json": RAW[:9], "two.json.gz": gzip.compress(RAW[9:])}),
    "tar.gz": gzip.compress(tar({"in.zip": zipped({"one.json": RAW})})),
    "utf-16": ("\ufeff" + RAW.decode()).encode("utf-16-le"),
}


@pytest.mark.parametrize("raw", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_what_is_packed_is_the_same_unpacked(raw, piece):
    assert read(raw, piece=piece) == read(RAW)


def test_a_zip_that_can_be_sought_in_is_read_in_place():
    raw = PACKED["zip"]

    assert values(read(raw, place=io.BytesIO(raw))) == [1, 2]


@pytest.mark.parametrize("way", ["gzip", "zstd", "xz", "bzip2"])
def test_what_is_cut_off_says_so(way):
    found = read(PACKED[way][:-3])

    assert codes(found)[-1] == "telemetry-broken"
    assert len(found) < 4


def test_what_came_before_the_damage_is_kept():
    lines = b"".join(b'{"a": %d}\n' % number for number in range(20_000))

    found = read(gzip.compress(lines)[:-9_000])

    assert 1_000 < len(values(found)) < 20_000
    assert codes(found)[-1] == "telemetry-broken"


def test_a_member_has_the_name_of_its_archive_before_its_own():
    [refused] = read(zipped({"sub/a.bin": b"\0\1\2"}), "logs.zip")

    assert (refused.name, refused.code) == ("logs.zip/sub/a.bin", "telemetry-unknown")


def squeezed(inner, megabytes):
    """Pack as many blanks, without holding them."""
    packer = zlib.compressobj(9, wbits=31)
    out = [packer.compress(inner)]
    out += [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    return b"".join([*out, packer.flush()])


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(packed, "_ALLOWANCE", 1 << 20)
    bomb = squeezed(b'{"a": 1}\n', 4)

    found = read(bomb)

    assert values(found) == [1]
    assert codes(found)[-1] == "telemetry-bomb"


def test_archives_in_archives_in_archives_are_refused():
    raw = b'{"a": 1}\n'
    for _ in range(5):
        raw = gzip.compress(raw)

    assert codes(read(raw)) == ["telemetry-bomb"]


def test_an_archive_that_is_none_is_refused_as_one():
    assert codes(read(b"PK\x03\x04 and no more")) == ["telemetry-broken"]
    broken = bytearray(PACKED["tar"])
    broken[1100:1200] = b"\xff" * 100
    assert codes(read(bytes(broken)))
    assert codes(read(b"\x1f\x8b and no more")) == ["telemetry-broken"]


def test_an_empty_file_says_nothing():
    assert read(b"") == []
