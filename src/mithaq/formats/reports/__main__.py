"""The process that reads one report: its bytes come in, what was found goes out, and it can do nothing else.

It takes no more memory and time than it may, writes no file, starts no process and, once it has read its program, opens
neither file nor socket: a hostile document costs this process, and nobody else.
"""

import codecs
import os
import resource
import sys
from contextlib import suppress
from encodings.aliases import aliases

import msgspec

from mithaq.errors import InputError
from mithaq.formats.reports.pages import MOST_BYTES, pages
from mithaq.formats.reports.reading import read

MEMORY = 1 << 30  # bytes of addresses
SECONDS = 60  # of the processor
_NOBODY = 65534
_FIRST = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>> endobj
4 0 obj <</Length 26>> stream
BT /F 9 Tf (evil.test) Tj ET
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
6 0 obj <</CreationDate(D:20260101000000Z)>> endobj
trailer <</Root 1 0 R/Info 6 0 R/Size 7>>
startxref
0
%%EOF
"""  # read beforehand, so that whatever reading needs is loaded


def main() -> None:
    """Answer with a report, or with what is wrong with the document: an array of its code and its words."""
    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    _confine(pdf=b"%PDF-" in raw[:1024])
    try:
        answer = msgspec.json.encode(read(pages(raw)))
    except InputError as error:
        answer = msgspec.json.encode((error.code, str(error)))
    except (MemoryError, RecursionError):
        answer = msgspec.json.encode(("report-memory", "reading it takes more memory than it may"))
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _confine(*, pdf: bool) -> None:
    """Load all that will be needed, then give up what is not."""
    for name in ("utf-8-sig", *frozenset(aliases.values())):  # they load when they are met
        with suppress(LookupError):
            codecs.lookup(name)
    read(pages("a@ä.example".encode()))
    if pdf:
        import pypdf.generic._image_inline  # noqa: F401, PLC0415 heavy, and needed for PDFs alone

        read(pages(_FIRST))
    if os.geteuid() == 0:  # whom no number of processes limits, and who may signal everybody
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))


if __name__ == "__main__":
    main()
