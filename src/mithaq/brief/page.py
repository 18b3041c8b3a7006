"""The brief as one page of HTML: no script, nothing from a network, and its marking at its head and foot.

The marking is written as FIRST's TLP 2.0 standard says: in its colour on black, 12 points or more, at the right, in the
header and the footer of each page, in Latin letters whatever the language.
"""

import hashlib
from base64 import b64encode
from importlib.resources import files

from mithaq.brief.gathering import Brief
from mithaq.brief.glance import Glance
from mithaq.brief.html import joined, outside, tag, text
from mithaq.brief.parts import colour_of
from mithaq.brief.passed import Passed
from mithaq.brief.pictures import star
from mithaq.brief.rising import Rising
from mithaq.brief.waiting import Waiting
from mithaq.brief.writing import Writing
from mithaq.languages import RIGHT_TO_LEFT, catalogue

_INK = {"clear": "#ffffff", "green": "#33ff00", "amber": "#ffc000", "strict": "#ffc000", "red": "#ff2b2b"}  # fmt: skip


def page(brief: Brief, language: str) -> str:
    """Write a brief in a language."""
    writing = Writing(catalogue("mithaq.brief", language))
    glance, rising = Glance(brief, writing), Rising(brief, writing)
    turned = "rtl" if writing.language in RIGHT_TO_LEFT else "ltr"
    band = tag("div", glance.label(brief.level), class_="band")
    days = writing.span(brief.ordered.since, brief.ordered.until)
    title = writing.say(f"title-{brief.ordered.period}")
    body = joined(
        band,
        tag(
            "header",
            tag("h1", star(), text(f" {title}")),
            tag("p", outside(brief.organisation or brief.nation), text(" · "), days, class_="when"),
            class_="masthead",
        ),
        tag("p", glance.lead(), class_="lead"),
        glance.figures(),
        rising.emerging(),
        Waiting(brief, writing).duties(),
        Passed(brief, writing).exchanged(),
        rising.evidence(),
        glance.foot(),
        band,
    )
    style = _style(brief)
    return (
        f'<!DOCTYPE html>\n<html lang="{writing.language}" dir="{turned}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"{tag('title', text(f'TLP:{brief.level} {title}, {brief.ordered.until}'))}"
        f"<style>{style}</style></head><body>{body}</body></html>\n"
    )


def _policy(style: str) -> str:
    """Let nothing be loaded or run; of styles, this one alone."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _style(brief: Brief) -> str:
    """Return the style, with what stands on each printed page; all that varies is of ours."""
    sheet = (files("mithaq.brief") / "style.css").read_text("utf-8")
    ink = _INK[colour_of(brief.level)]
    label = (
        f'content:"TLP:{brief.level}";background:#000;color:{ink};font:600 12pt "Noto Sans",sans-serif;'
        "height:7mm;margin:4.5mm 0;padding:0 5pt;vertical-align:middle;width:max-content;direction:ltr"
    )
    small = 'font:8pt "Noto Sans","Noto Sans Arabic",sans-serif;color:#5c6573'
    number = f'content:counter(page) " / " counter(pages);{small};direction:ltr'
    whose = f'content:string(title) " · " string(when);{small};width:max-content'
    return (
        f"{sheet}@page{{size:A4;margin:17mm 18mm 16mm;@top-right{{{label}}}"
        f"@bottom-right{{{label}}}@bottom-center{{{whose}}}@bottom-left{{{number}}}}}"
    )
