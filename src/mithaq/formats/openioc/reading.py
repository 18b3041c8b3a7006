"""Indicators of OpenIOC 1.0 and 1.1 become indicators of STIX; the pattern of each matches no more than it means.

Terms of one kind of thing that must hold together hold of one thing; of several kinds, of what was seen together. A
term that STIX has no words for is refused by itself: of alternatives the others are kept; where all must hold, nothing
is kept, for the rest alone would match more than is meant.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mithaq.clock import text as instant_text
from mithaq.errors import InputError
from mithaq.formats.openioc.terms import Comparison, Term, Unsaid, said
from mithaq.formats.openioc.tree import BadXml, Element, read
from mithaq.formats.registry import PLAIN, Layout, NotThisFormat, Read, Refusal, Undated
from mithaq.formats.rules import told
from mithaq.formats.rules.told import Body
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Limits
from mithaq.model.objects import IDENTIFIER

_BEGINS = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)*<(?:\w+:)?(?:ioc|iocs|OpenIOC)[\s>]"
)
_GLANCE = 1 << 16
_ROOTS = ("ioc", "OpenIOC")
_MOST_BYTES, _MOST_CHARACTERS = 16 << 20, 1 << 20  # of a file, of a pattern
_NAME = re.compile(r"[A-Za-z0-9_/.-]{1,120}")  # of a term, so that it may be told
_RELATION = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")


class OpenIoc:
    """The format ``openioc``."""

    name = "openioc"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` begins with the element that OpenIOC begins with."""
        return _BEGINS.match(raw[:_GLANCE].removeprefix(b"\xef\xbb\xbf")) is not None

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, _layout: Layout = PLAIN) -> Read:
        """Read every indicator; one, or a term of one, that cannot be taken is refused by itself.

        Raises:
            GateRefused: ``raw`` is too long. BadXml: it is no XML, or declares a document type.
            NotThisFormat: it holds no indicator of OpenIOC.
        """
        most = min(limits.max_bytes, _MOST_BYTES)
        if len(raw) > most:
            raise GateRefused("too-long", str(most))
        root = read(raw)
        found = [root] if root.name in _ROOTS else [e for n in _ROOTS for e in root.every(n)]
        if not found:
            raise NotThisFormat("no indicator of OpenIOC", where="")
        return _each(found)


def _each(found: Sequence[Element]) -> Read:
    for each in found:
        whole = _Whole()
        try:
            one = whole.indicator(each)
        except InputError as error:
            whole.miss(each, error)
        else:
            yield one
        yield from whole.missed


@dataclass(frozen=True, slots=True)
class _Seen:
    """An expression of what was seen, in brackets of its own."""

    text: str


@dataclass(slots=True)
class _Whole:
    """One indicator on its way, and what of it cannot be said."""

    missed: list[Refusal] = field(default_factory=list)

    def miss(self, at: Element, error: InputError) -> None:
        """Take note of what is not said."""
        where = at.attributes.get("id", "")[:64] if at.name == "IndicatorItem" else ""
        where = where if _NAME.fullmatch(where) else ""
        self.missed.append(
            Refusal(position=at.line - 1, id=None, code=error.code, where=where, why=str(error), line=at.line)
        )  # fmt: skip

    def indicator(self, ioc: Element) -> Undated:
        """Return an indicator.

        Raises:
            InputError: nothing of it can be said.
        """
        bodies = next((e.parts for n in ("definition", "criteria") for e in ioc.every(n)), [])
        found = self._expression([e for e in bodies if e.name == "Indicator"], "OR", ioc)
        if found is None:
            raise BadXml("nothing of it can be said in STIX", cause="unsaid")
        pattern = found.text if isinstance(found, _Seen) else f"[{_bare(found.text)}]"
        if len(pattern) > _MOST_CHARACTERS:
            raise BadXml("its pattern is longer than a pattern may be", cause="large")
        id_ = f"indicator--{ioc.attributes.get('id', '').lower()}"
        created = _instant(ioc.first("authored_date"))
        changed = _instant(ioc.attributes.get("last-modified", ""))
        body = _body(ioc, pattern)
        return Undated(
            position=ioc.line - 1,
            key=f"openioc {ioc.attributes.get('id') or body['name']}",
            body=body,
            id=id_ if IDENTIFIER.fullmatch(id_) else "",
            created=created or changed,
            modified=max(created, changed),
        )

    def _expression(
        self, parts: Sequence[Element], operator: str, at: Element
    ) -> Comparison | _Seen | None:
        """Join what parts say by AND or OR; None: that cannot be said, and why is noted."""
        found: list[Comparison | _Seen] = []
        whole = bool(parts)
        for part in parts:
            one = self._part(part)
            if isinstance(one, Comparison) and one.negated and operator == "OR":
                self.miss(part, Unsaid("alone, what something is not is nearly everything"))
                one = None
            found += [one] if one is not None else []
            whole = whole and one is not None
        if operator == "AND" and not whole:
            if found:
                says = "one of what must hold together is missing, and the rest would match more"
                self.miss(at, BadXml(says, cause="wider"))
            return None
        return self._joined(found, operator, at) if found else None

    def _part(self, part: Element) -> Comparison | _Seen | None:
        if part.name == "Indicator":
            inner = [e for e in part.parts if e.name in {"Indicator", "IndicatorItem"}]
            operator = part.attributes.get("operator", "").upper()
            if operator not in {"AND", "OR"}:
                self.miss(part, BadXml("neither AND nor OR", cause="form"))
                return None
            return self._expression(inner, operator, part)
        about = next((e.attributes.get("search", "") for e in part.every("Context")), "")
        condition = part.attributes.get("condition", "")
        negated = part.attributes.get("negate", "").lower() == "true"
        try:
            return said(Term(about, condition, part.first("Content")), negated=negated)
        except Unsaid as error:
            name = about if _NAME.fullmatch(about) else "a term"
            how = condition if _RELATION.fullmatch(condition) else "?"
            self.miss(part, Unsaid(f"{name} ({how}): {error}"))
            return None

    def _joined(
        self, found: Sequence[Comparison | _Seen], operator: str, at: Element
    ) -> Comparison | _Seen | None:
        kinds: dict[str, list[Comparison]] = {}
        for each in found:
            if isinstance(each, Comparison):
                kinds.setdefault(each.type, []).append(each)
        if any(all(each.negated for each in some) for some in kinds.values()) and (
            len(found) > 1 or at.name != "Indicator"
        ):
            self.miss(at, BadXml("what something is not, of nothing that it is", cause="wider"))
            return None
        one = [Comparison(k, _all([e.text for e in s], operator), s[0].negated and len(s) == 1)
               for k, s in kinds.items()]  # fmt: skip
        seen = [each.text for each in found if isinstance(each, _Seen)]
        if len(one) == 1 and not seen:
            return one[0]
        return _Seen(_all([*(f"[{_bare(each.text)}]" for each in one), *seen], operator))


def _all(texts: Sequence[str], operator: str) -> str:
    return texts[0] if len(texts) == 1 else f"({f' {operator} '.join(texts)})"


def _bare(text: str) -> str:
    """Return a comparison without the brackets around all of it, which those around what is seen make needless."""
    if not text.startswith("("):
        return text
    depth, quoted, skipped = 0, False, False
    for at, sign in enumerate(text):
        if skipped:
            skipped = False
        elif sign == "\\":
            skipped = quoted
        elif sign == "'":
            quoted = not quoted
        elif not quoted:
            depth += (sign == "(") - (sign == ")")
            if depth == 0 and at < len(text) - 1:
                return text
    return text[1:-1]


def _instant(written: str) -> str:
    """Return an instant, in UTC unless it says otherwise; empty if it is none."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return ""
    return instant_text(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def _body(ioc: Element, pattern: str) -> Body:
    name = ioc.first("short_description") or ioc.attributes.get("id", "") or "OpenIOC"
    body: Body = {"type": "indicator", "spec_version": "2.1", "name": name}
    body |= {"pattern": pattern, "pattern_type": "stix"}
    if description := ioc.first("description"):
        body["description"] = description
    labels, refs, marks = [], [*_itself(ioc)], []
    for link in ioc.every("link"):
        relation, text = link.attributes.get("rel", ""), link.text
        if href := link.attributes.get("href", ""):
            refs.append(told.reference("openioc", href))
        if relation.lower() in {"tlp", "pap"} and text:
            marks += _levels(f"{relation}:{text}")
        elif text and _RELATION.fullmatch(relation) and relation != "license":
            labels.append(f'openioc:{relation.lower()}="{text}"')
        marks += told.levels(text)
    labels += ioc.first("keywords").split()
    told.put(body, "labels", labels)
    told.put(body, "external_references", refs)
    told.put(body, "object_marking_refs", marks)
    return body


def _levels(written: str) -> list[str]:
    try:
        return told.level(written)
    except InputError:
        says = "a level that nobody knows is never taken for a lower one"
        raise BadXml(says, cause="tlp") from None


def _itself(ioc: Element) -> Iterator[Body]:
    author = ioc.first("authored_by")
    licence = next((e.text for e in ioc.every("link") if e.attributes.get("rel") == "license"), "")
    about = "; ".join(each for each in (author and f"by {author}", licence) if each)
    found: Body = {"source_name": "openioc"}
    found |= {"external_id": ioc.attributes["id"]} if ioc.attributes.get("id") else {}
    found |= {"description": about} if about else {}
    if len(found) > 1:
        yield found
