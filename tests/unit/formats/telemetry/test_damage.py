"""What an outsider writes costs his own line or file: no reader ends with anything but a refusal."""

import io
import zipfile

import pytest

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Refusal
from mithaq.model.telemetry import Event

DIGITS = b"9" * 5000  # more than Python reads as a number
GOOD = {
    "json": b'{"EventID": "4624", "Channel": "Security"}\n',
    "squid": b"1700000000.123 5 192.0.2.1 TCP_MISS/200 10 GET http://a.example/ - DIRECT/- text/html\n",
    "access-log": b'192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326\n',
}
LONG = {
    "json": GOOD["json"].replace(b"4624", DIGITS),
    "squid": GOOD["squid"].replace(b"/200 10 ", b"/200 " + DIGITS + b" "),
    "access-log": GOOD["access-log"].replace(b"2326", DIGITS),
}


def read(raw, kind=None):
    found = list(telemetry.read([raw], "x", as_kind=telemetry.kind(kind) if kind else None))
    return [one for one in found if isinstance(one, Event)], [
        one for one in found if isinstance(one, Refusal)
    ]


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_number_of_thousands_of_digits_costs_no_other_line(kind):
    events, _ = read(GOOD[kind] + LONG[kind] + GOOD[kind], kind)

    good = [event for event in events if event.raw == GOOD[kind].rstrip()]
    assert len(good) == 2


def zipped():
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a/b.json", GOOD["json"])
    return whole.getvalue()


def test_every_damage_to_one_byte_of_a_zip_is_a_refusal_and_no_reader_fails():
    whole = zipped()
    for at in range(len(whole)):
        for byte in (0x00, 0x7F, 0xFF):
            _, refused = read(whole[:at] + bytes([byte]) + whole[at + 1 :])
            assert not [one for one in refused if "a reader failed" in one.why]
    events, refused = read(whole)
    assert (len(events), refused) == (1, [])


def test_a_table_whose_head_has_ends_of_another_system_within_is_refused():
    events, refused = read(b"a,b\rc,d\n1,2\n", "csv")

    assert events == []
    assert [one.code for one in refused] == ["telemetry-broken"]


def test_a_log_of_zeek_that_names_no_separator_is_read_or_refused_line_by_line():
    _, refused = read(b"#separator \n#fields\tts\n#types\ttime\n1.0\tx\n")

    assert [one.code for one in refused] == ["telemetry-columns"]


def test_a_reader_that_fails_is_a_refusal_of_its_input(monkeypatch):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(telemetry.kinds, "fitting", fails)
    [refusal] = telemetry.read([b"{}\n"], "x")

    assert refusal == Refusal(
        number=0, code="telemetry-broken", why="a reader failed: ZeroDivisionError", name="x"
    )
