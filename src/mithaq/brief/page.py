"""The brief as one page of HTML, its marking at its head and foot."""

from mithaq.brief.framing import framed
from mithaq.brief.gathering import Brief
from mithaq.brief.glance import Glance
from mithaq.brief.html import joined, outside, tag, text
from mithaq.brief.passed import Passed
from mithaq.brief.pictures import star
from mithaq.brief.rising import Rising
from mithaq.brief.waiting import Waiting
from mithaq.brief.writing import Writing
from mithaq.languages import catalogue


def page(brief: Brief, language: str) -> str:
    """Write a brief in a language."""
    writing = Writing(catalogue("mithaq.brief", language))
    glance, rising = Glance(brief, writing), Rising(brief, writing)
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
    head = f"TLP:{brief.level} {title}, {brief.ordered.until}"
    return framed(body, head, brief.level, writing.language)
