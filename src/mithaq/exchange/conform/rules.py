"""What is examined: each rule's name, the section it rests on, and whether it is a MUST.

The sentence of each rule stands in ``words``, in three languages; what it says in full, in ``docs/conformance.md``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

TAXII = "TAXII 2.1, "
BORDER = "border, "


class Part(StrEnum):
    """A chapter of the report."""

    LINE = "line"  # in every report
    TAXII = "taxii"
    SEALS = "seals"
    ADMISSION = "admission"
    RECALL = "recall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that another node or TAXII server must or should do."""

    code: str
    part: Part
    cites: str
    must: bool = True


def _rules(part: Part, text: str, named: Mapping[str, str]) -> Iterator[Rule]:
    for code, section in named.items():
        must = not section.endswith("?")
        yield Rule(code=code, part=part, cites=text + section.rstrip("?"), must=must)


# A question mark behind a section makes it a SHOULD.
_SERVER = {
    "no-fault": "3.6",
    "media-type": "3.1",
    "error-message": "3.6.1",
    "timestamps": "2",
    "no-empty-lists": "2",
    "discovery": "4.1",
    "api-roots": "4.1.1",
    "api-root": "4.2.1",
    "api-root-unknown": "4.2",
    "auth-none": "5.1",
    "auth-wrong": "5.1",
    "auth-challenge": "1.6.9",
    "accept": "3.1",
    "collections": "5.1.1",
    "collections-order": "3.3",
    "collection": "5.2.1",
    "collection-unknown": "5.2",
}
_READING = {
    "objects": "5.4",
    "manifest": "5.3.1",
    "manifest-agrees": "5.3",
    "date-headers": "3.2",
    "ascending": "3.3",
    "object": "5.6",
    "object-unknown": "5.6",
    "versions": "5.8.1",
    "versions-unknown": "5.8",
    "filter-id": "3.4.1",
    "filter-type": "3.4.1",
    "filter-together": "3.4.1",
    "filter-version": "3.4.1",
    "filter-spec-version": "3.4.1",
    "filter-malformed": "3.4.1",
    "added-after": "3.4",
    "added-after-malformed": "3.4",
    "limit": "3.4",
    "limit-malformed": "3.4",
    "more": "3.7",
    "next": "3.5",
    "next-without-limit": "3.5",
    "next-with-added-after": "3.5",
    "next-again": "3.5?",
    "by-date": "3.5?",
}
_WRITING = {
    "post": "5.5",
    "post-media-type": "3.1",
    "status": "4.3.1",
    "status-kept": "4.3",
    "post-stored": "5.5",
    "post-dates-apart": "3.4?",
    "post-again": "5.5",
    "post-no-envelope": "5.5",
    "post-bad-objects": "5.5",
    "post-good-neighbour": "5.5?",
    "post-survived": "5.4",
    "post-too-large": "5.5",
    "delete": "5.7",
    "delete-unknown": "5.7",
    "write-refused": "5.5",
}
_SEALS = {
    "key-document": "9.1",
    "strangers-alike": "9.2",
    "replay-refused": "6.1",
    "heartbeat-signed": "5",
    "heartbeat-fresh": "5",
    "frames-signed": "5",
    "frames-order": "5.1",
    "frames-body": "5.4",
    "batches": "5.2",
    "heads": "5",
    "channel-unknown": "4.3",
    "intel-sealed": "5.4",
}
_ADMISSION = {
    "push-alike": "6",
    "push-stranger": "6.1",
    "push-nothing-held": "6",
    "heartbeat-alike": "6",
    "nudge-malformed": "6.1",
}
_RECALL = {
    "order-signed": "7.1",
    "recalled-gone": "7.1",
    "recalled-blank": "7.1",
    "receipts": "7.2",
}
RULES: Mapping[str, Rule] = {
    rule.code: rule
    for part, text, named in (
        (Part.LINE, "", {"answers": "RFC 9110"}),
        (Part.TAXII, TAXII, _SERVER | _READING | _WRITING),
        (Part.SEALS, BORDER, _SEALS),
        (Part.ADMISSION, BORDER, _ADMISSION),
        (Part.RECALL, BORDER, _RECALL),
    )
    for rule in _rules(part, text, named)
}
READING = frozenset(_READING)
ADMISSION = frozenset(_ADMISSION)
BETWEEN = frozenset({*_SEALS, *_ADMISSION, *_RECALL})
WRITING = frozenset(_WRITING)
