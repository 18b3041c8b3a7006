"""PDFs made for tests: lines of Helvetica on pages, as plain as the format allows."""

import zlib


def pdf(*pages, title="", packed=False):
    """Return a PDF whose pages hold these texts, a line each."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, text in enumerate(pages):
        drawn = _drawn(text)
        how = b"/Filter /FlateDecode " if packed else b""
        drawn = zlib.compress(drawn, 9) if packed else drawn
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * n} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode(),
            b"<< %s/Length %d >>\nstream\n%s\nendstream" % (how, len(drawn), drawn),
        ]
    info = len(objects) + 1
    objects.append(f"<< /Title ({title}) /CreationDate (D:20260102030405Z) >>".encode())
    return put_together(objects, info)


def put_together(objects, info=0):
    """Return a PDF of numbered objects, the first of which is its catalogue."""
    raw, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(raw)
    raw += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    raw += b"".join(b"%010d 00000 n \n" % place for place in places)
    about = b" /Info %d 0 R" % info if info else b""
    return raw + b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, about, start,
    )  # fmt: skip


def _drawn(text):
    lines = [
        line.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
        for line in text.split("\n")
    ]
    return (
        b"BT /F1 9 Tf 11 TL 40 760 Td " + b" ".join(b"(%s) Tj T*" % line for line in lines) + b" ET"
    )
