"""A report is read in a process that can do nothing else; a hostile one costs that process alone."""

import io
import os
import subprocess
import sys
import zlib

import pytest
from pypdf import PdfReader, PdfWriter

from mithaq.errors import InputError
from mithaq.formats.reports import MOST_BYTES, NoReport
from mithaq.intel.keeping import limited
from tests.papers import pdf, put_together


def cause(raw, **limits):
    with pytest.raises(InputError) as refused:
        limited.read(raw, **limits)
    return refused.value.code


@pytest.mark.parametrize("packed", [True, False])
def test_a_pdf_is_read(packed):
    report = limited.read(pdf("It asks evil[.]top.", "And 45.61.136[.]18.", packed=packed))

    assert [(each.value, each.page) for each in report.findings] == [
        ("evil.top", 1),
        ("45.61.136.18", 2),
    ]


@pytest.mark.parametrize(
    "raw", ["It asks b\u00fccher[.]top".encode(), "evil[.]top".encode("utf-16")]
)
def test_so_is_text_in_whatever_coding(raw):
    assert len(limited.read(raw).findings) == 1


def encrypted(password, algorithm):
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("It asks evil[.]top."))))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    into = io.BytesIO()
    writer.write(into)
    return into.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_anybody_may_open_is_read_though_it_is_encrypted(algorithm):
    assert [each.value for each in limited.read(encrypted("", algorithm)).findings] == ["evil.top"]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_one_that_needs_a_password_is_refused(algorithm):
    assert cause(encrypted("secret", algorithm)) == "report-encrypted"


def test_what_is_too_long_is_not_even_handed_over():
    assert cause(b" " * (MOST_BYTES + 1)) == "report-long"


def test_what_is_neither_text_nor_pdf_is_no_report():
    with pytest.raises(InputError) as refused:
        limited.read(b"PK\x03\x04\0\0")

    assert refused.value.code == "not-this-format"


def page_of(stream, extra=b""):
    """A PDF of one page whose content is this stream."""
    return put_together(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            b"<< %s /Length %d >>\nstream\n%s\nendstream" % (extra, len(stream), stream),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


def bomb(times):
    """A stream of some kilobytes that becomes gigabytes, packed as often as that takes."""
    raw = b"BT /F1 9 Tf " + b"(aaaaaaaa) Tj " * 8_000_000
    for _ in range(times):
        raw = zlib.compress(raw, 9)
    return page_of(raw, b"/Filter [" + b"/FlateDecode " * times + b"]")


HOSTILE = {
    "a stream that unpacks to 100 MB": lambda: bomb(2),
    "pages that are their own parents": lambda: put_together(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"]
    ),
    "a million pages that are not there": lambda: put_together(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [" + b"9 0 R " * 1_000_000 + b"] /Count 1000000 >>",
        ]
    ),
    "arrays in arrays": lambda: page_of(b"[" * 2_000_000),
    "words without end": lambda: page_of(b"(" * 5_000_000),
    "a name of 20 MB": lambda: page_of(b"/" + b"a" * 20_000_000),
    "noise": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 20_000,
    "objects without end": lambda: b"%PDF-1.7\n" + b"1 0 obj <<" * 500_000 + b"\nstartxref\n0\n%%EOF",
    "HTML in HTML": lambda: b"<html>" + b"<div>" * 1_000_000 + b"evil[.]top",
    "tags without end": lambda: b"<html>" + b"<a " * 3_000_000,
    "comments without end": lambda: b"<html>" + b"<!--" * 3_000_000,
    "ends without beginnings": lambda: b"<html>" + b"</" * 3_000_000,
    "one line of 10 MB": lambda: b"evil[.]top " + b"a.b" * 3_300_000,
}  # fmt: skip


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_costs_one_process_and_says_one_thing(make):
    try:
        report = limited.read(make(), seconds=2)
    except InputError as error:
        said = error.code
    else:
        said = "read"
        assert len(report.findings) < 10

    assert said in {
        "read",
        "report-broken",
        "report-empty",
        "report-time",
        "report-memory",
        "report-long",
    }


def test_a_document_that_takes_too_long_is_given_up():
    assert cause(pdf(*["evil[.]top " * 50] * 300), seconds=0.3) == "report-time"


TRIES = {
    "opens a file": "open('/etc/hostname')",
    "opens a socket": "__import__('socket').socket()",
    "writes a file": "open('/tmp/mithaq-written', 'w')",
    "starts a process": "os.posix_spawn('/bin/true', ['true'], {}, file_actions=[(0, 9, '/dev/null', 0, 0)])",
    "forks": "os.fork() or os._exit(0)",
    "takes memory": "bytearray(2 << 30)",
}


@pytest.mark.parametrize("act", TRIES.values(), ids=TRIES)
def test_what_reads_a_report_can_do_nothing_else(act):
    code = f"""
import socket, os
from mithaq.formats.reports import __main__ as child
child._confine(pdf=True)
try:
    {act}
except (OSError, MemoryError):
    os.write(1, b"refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=dict(os.environ), check=False
    )

    assert done.stdout == b"refused", done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root cannot become another")
def test_run_by_root_it_is_nobody_and_can_end_no_process_of_ours():
    code = "import os; from mithaq.formats.reports import __main__ as c; c._confine(pdf=False); "
    code += "print(os.getresuid(), os.getgroups()); os.kill(os.getppid(), 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert done.stdout == b"(65534, 65534, 65534) []\n"
    assert b"PermissionError" in done.stderr


def test_it_is_told_no_secret_of_ours(monkeypatch):
    monkeypatch.setenv("MITHAQ_PASSPHRASE", "hush")
    seen = {}
    monkeypatch.setattr(
        limited.subprocess, "Popen", lambda *_, env, **__: seen.update(env) or 1 / 0
    )

    with pytest.raises(ZeroDivisionError):
        limited.read(b"evil[.]top")

    assert "MITHAQ_PASSPHRASE" not in seen


@pytest.mark.parametrize("answer", [b"", b"{", b"[1]", b'{"form":1}', b"\xff", b"null"])
def test_an_answer_that_is_none_is_not_believed(answer):
    with pytest.raises(NoReport) as refused:
        limited._understood(answer, 1, late=False)

    assert refused.value.code == "report-memory"
