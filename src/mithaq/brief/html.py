"""Writing HTML that nobody's words can steer: all text is escaped, and what comes from outside stands apart.

A name from outside is isolated (``bdi``), its control characters made visible and its length bounded; what is technical
(ids, addresses, numbers of ATT&CK) reads from left to right in every language.
"""

import re
import unicodedata
from html import escape

from mithaq.languages import plain

LONGEST = 90  # signs of a name that are shown


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(written: str) -> Html:
    """Return a sentence of ours as HTML."""
    return Html(escape(written))


def outside(written: str, most: int = LONGEST) -> Html:
    """Return a name from outside, isolated."""
    said = " ".join(plain(written).split())
    shown = said if len(said) <= most else f"{said[: most - 1]}…"
    return Html(f'<bdi dir="{_direction(shown)}">{escape(shown)}</bdi>')


def _direction(said: str) -> str:
    """Return the direction of the first letter that has one (UAX #9, P2): what sets PDFs does not look for it."""
    strong = (unicodedata.bidirectional(sign) for sign in said)
    first = next((each for each in strong if each in {"L", "R", "AL"}), "L")
    return "ltr" if first == "L" else "rtl"


def technical(written: str, most: int = LONGEST) -> Html:
    """Return what reads from left to right wherever it stands."""
    said = " ".join(plain(written).split())
    shown = said if len(said) <= most else f"{said[: most - 1]}…"
    return Html(f'<bdi dir="ltr" class="tech">{escape(shown)}</bdi>')


def number(written: str) -> Html:
    """Return a figure, whose signs keep their order."""
    return Html(f'<bdi dir="ltr" class="num">{escape(written)}</bdi>')


def commands(sentence: Html) -> Html:
    """Return a sentence of ours with what stands between backticks as what is typed."""
    return Html(re.sub(r"`([^`]+)`", r'<bdi dir="ltr" class="tech">\1</bdi>', sentence))


def tag(name: str, *inner: Html, **attributes: str) -> Html:
    """Return an element; ``class_`` is its class."""
    named = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    written = "".join(f' {key}="{escape(value)}"' for key, value in named if value)
    return Html(f"<{name}{written}>{''.join(inner)}</{name}>")


def joined(*inner: Html, by: str = "") -> Html:
    """Return pieces one after the other."""
    return Html(by.join(inner))
