"""What was asked, where an event is an answer of DNS: an address means nothing without the name that led to it."""

from collections.abc import Iterable, Mapping
from typing import Final

from mithaq.model.telemetry import Event, Value

_QUESTIONS: Final[Mapping[str, tuple[str, ...]]] = {  # by the fields of answers (``detect.fields``)
    "QueryResults": ("QueryName",),
    "dns.rdata": ("dns.rrname",),
    "dns.answers.rdata": ("dns.rrname", "dns.query.rrname", "dns.queries.rrname"),
    "dns.grouped.A": ("dns.rrname", "dns.query.rrname", "dns.queries.rrname"),
    "dns.grouped.AAAA": ("dns.rrname", "dns.query.rrname", "dns.queries.rrname"),
    "dns.answers.data": ("dns.question.name",),
    "answers.rdata": ("query.hostname",),
    **dict.fromkeys(("answers", "answer", "record", "rdata"), ("query", "rrname", "qname")),
}


def question(names: Iterable[str]) -> tuple[str, ...]:
    """Return the fields that say what was asked, if all of ``names`` hold answers; else none."""
    found: dict[str, None] = {}
    for name in names:
        if name not in _QUESTIONS:
            return ()
        found |= dict.fromkeys(_QUESTIONS[name])
    return tuple(found)


def beside(event: Event, names: Iterable[str]) -> dict[str, Value]:
    """Return what was asked, with its field, where ``names`` hold answers alone."""
    fields = event.fields
    return {name: fields[name] for name in question(names) if name in fields}
