"""A page of HTML that stands by itself: no script, nothing from a network, and its marking on each printed page.

The marking is written as FIRST's TLP 2.0 standard says: in its colour on black, 12 points or more, at the right, in the
header and the footer of each page, in Latin letters whatever the language.
"""

import hashlib
from base64 import b64encode
from importlib.resources import files

from mithaq.brief.html import Html, tag, text
from mithaq.brief.parts import colour_of
from mithaq.languages import RIGHT_TO_LEFT
from mithaq.model.labels import Tlp

_INK = {"clear": "#ffffff", "green": "#33ff00", "amber": "#ffc000", "strict": "#ffc000", "red": "#ff2b2b"}  # fmt: skip


def framed(body: Html, title: str, level: Tlp, language: str, more: str = "") -> str:
    """Return a page whose body is written already.

    Args:
        more: a style sheet of this package, beside that of all pages.
    """
    turned = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    style = _style(level, more)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}" dir="{turned}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"{tag('title', text(title))}"
        f"<style>{style}</style></head><body>{body}</body></html>\n"
    )


def _policy(style: str) -> str:
    """Let nothing be loaded or run; of styles, this one alone."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _style(level: Tlp, more: str) -> str:
    """Return the style, with what stands on each printed page; all that varies is of ours."""
    sheets = ["style.css", *filter(None, [more])]
    sheet = "".join((files("mithaq.brief") / name).read_text("utf-8") for name in sheets)
    ink = _INK[colour_of(level)]
    label = (
        f'content:"TLP:{level}";background:#000;color:{ink};font:600 12pt "Noto Sans",sans-serif;'
        "height:7mm;margin:4.5mm 0;padding:0 5pt;vertical-align:middle;width:max-content;direction:ltr"
    )
    small = 'font:8pt "Noto Sans","Noto Sans Arabic",sans-serif;color:#5c6573'
    number = f'content:counter(page) " / " counter(pages);{small};direction:ltr'
    whose = f'content:string(title) " · " string(when);{small};width:max-content'
    return (
        f"{sheet}@page{{size:A4;margin:17mm 18mm 16mm;@top-right{{{label}}}"
        f"@bottom-right{{{label}}}@bottom-center{{{whose}}}@bottom-left{{{number}}}}}"
    )
