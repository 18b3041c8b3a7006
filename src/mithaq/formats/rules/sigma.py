"""Sigma rules become indicators: the text of each is its pattern, and what it says of itself stands beside that.

The words are those of the Sigma specification, version 2.1. A rule's own identifier names the indicator, so the next
version of the rule is the next version of the object. What does not stand by itself stays together: documents that
build on a global one, and a correlation with the rules that it is about.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mithaq.errors import InputError
from mithaq.formats.registry import PLAIN, Layout, NotThisFormat, Read, Refusal, Undated
from mithaq.formats.rules import told
from mithaq.formats.rules.conditions import stands
from mithaq.formats.rules.told import BadRule, Body
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Limits
from mithaq.model.objects import IDENTIFIER
from mithaq.model.yaml import Document, Node, documents, read

_GLANCE = 1 << 16  # bytes in which a rule says that it is one
_TITLE = re.compile(rb"^(?:title|action)[ \t]*:", re.MULTILINE)
_WHERE = re.compile(rb"^(?:detection|correlation|logsource)[ \t]*:", re.MULTILINE)
# How far a rule was tried ("Status"), as sure as STIX 2.1 appendix A counts low, medium and high.
_TRIED = {"experimental": 15, "test": 50, "stable": 85}
_WITHDRAWN = "deprecated"  # replaced by another, or no longer of use
_TACTIC = re.compile(r"[a-z][a-z_-]{2,40}")
_MOST_NAME = 4096  # characters
_UNKNOWN = "a level that nobody knows is never taken for a lower one"
_UNKNOWN = "a level that nobody knows is never taken for a lower one"
# Times the length of a file that all its rules have together, with what they are about.
_SHARED = 16

Said = Mapping[str, Node]


class Sigma:
    """The format ``sigma``."""

    name = "sigma"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` begins as a rule does: with a title, and where to look for what."""
        begins = raw[:_GLANCE]
        return _TITLE.search(begins) is not None and _WHERE.search(begins) is not None

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, _layout: Layout = PLAIN) -> Read:
        """Read every rule; one that cannot be taken is refused by itself.

        Raises:
            GateRefused: ``raw`` is too long. NotThisFormat: it is no text.
        """
        if len(raw) > limits.max_bytes:
            raise GateRefused("too-long", str(limits.max_bytes))
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise NotThisFormat("no text in UTF-8", where="") from None
        return _File([_part(each) for each in documents(text)], left=_SHARED * len(text)).read()


def _bad(says: str, cause: str) -> BadRule:
    return BadRule("sigma", says, cause=cause)


@dataclass(frozen=True, slots=True)
class _Part:
    """One document of a file, and what it says or why that cannot be read."""

    document: Document
    said: Said
    bad: InputError | None = None


def _part(document: Document) -> _Part:
    try:
        said = read(document.text)
    except InputError as error:
        return _Part(document, {}, error)
    if not isinstance(said, dict):
        return _Part(document, {}, _bad("no rule: it says nothing by name", "form"))
    return _Part(document, said)


@dataclass(slots=True)
class _File:
    """The documents of a file on their way to rules."""

    parts: Sequence[_Part]
    left: int  # characters that its indicators may still have
    called: dict[str, list[int]] = field(default_factory=dict)  # what a correlation may call them
    keys: set[str] = field(default_factory=set)

    def read(self) -> Read:
        """Yield what each rule is, or why it is refused."""
        if any("action" in part.said for part in self.parts):
            yield self._one(self.parts, _merged(self.parts))
            return
        for number, part in enumerate(self.parts):
            for name in {_text(part.said, "name"), _text(part.said, "id")} - {""}:
                self.called.setdefault(name, []).append(number)
        about = self._about()
        for number, part in enumerate(self.parts):
            if number in about and _text(part.said, "generate").lower() != "true":
                continue
            needed = self._needed(number)
            if needed is None:
                error = _bad("it is about rules that are not in the file", "missing")
                yield _refusal(part, error)
            else:
                yield self._one([self.parts[each] for each in needed], part.said)

    def _about(self) -> set[int]:
        """Return the rules that correlations are about: such a one does not count alone unless it says so."""
        return {
            n for each in self.parts for name in _rules(each) for n in self.called.get(name, ())
        }

    def _needed(self, number: int) -> list[int] | None:
        """Return a rule and all that it is about, itself the last; None if some is not in the file."""
        found, due = {number}, [number]
        while due:
            for name in _rules(self.parts[due.pop()]):
                known = self.called.get(name, [])
                if not known:
                    return None
                due += [n for n in known if n not in found]
                found.update(known)
        return [*sorted(found - {number}), number]

    def _one(self, parts: Sequence[_Part], said: Said) -> Undated | Refusal:
        """Return the indicator that some documents are together."""
        head = parts[-1]
        try:
            for each in parts:
                if each.bad is not None:
                    raise each.bad
                if len(parts) == 1 or "action" not in said:
                    _must_stand(each.said)
            self.left -= sum(len(each.document.text) for each in parts)
            if self.left < 0:
                raise _bad("with all that the rules are about, the file says too much", "long")
            return self._indicator(parts, said)
        except InputError as error:
            return _refusal(head, error)

    def _indicator(self, parts: Sequence[_Part], said: Said) -> Undated:
        pattern = "\n---\n".join(each.document.text for each in parts)
        body, own = _body(said, pattern), _text(said, "id").lower()
        key = f"sigma {own or body['name']}"
        if key in self.keys:
            raise _bad("an earlier rule of the file bears its name", "twice")
        self.keys.add(key)
        id_ = f"indicator--{own}"
        created, modified = told.day(_text(said, "date")), told.day(_text(said, "modified"))
        return Undated(
            position=parts[-1].document.line,
            key=key,
            body=body,
            id=id_ if IDENTIFIER.fullmatch(id_) else "",
            created=created or modified,
            modified=max(created, modified),
        )


def _merged(parts: Sequence[_Part]) -> Said:
    """Return what documents that build on each other say together; of what several say, the first counts."""
    return {name: value for part in reversed(parts) for name, value in part.said.items()}


def _rules(part: _Part) -> list[str]:
    """Return what a correlation calls the rules that it is about."""
    about = part.said.get("correlation")
    named = about.get("rules") if isinstance(about, dict) else None
    some = [named] if isinstance(named, str) else named
    return [each for each in some if isinstance(each, str)] if isinstance(some, list) else []


def _refusal(part: _Part, error: InputError) -> Refusal:
    line = part.document.line
    return Refusal(position=line, id=None, code=error.code, where="", why=str(error), line=line + 1)


def _must_stand(said: Said) -> None:
    """Refuse what is no rule: a filter, or what lacks what every rule has."""
    if "filter" in said:
        raise _bad("a filter, which narrows the rules of others and is none itself", "filter")
    if isinstance(said.get("correlation"), dict):
        return
    detection = said.get("detection")
    if not isinstance(detection, dict) or not isinstance(said.get("logsource"), dict):
        raise _bad("no logsource or no detection: it does not say where to look for what", "form")
    condition = detection.get("condition")
    conditions = [condition] if isinstance(condition, str) else condition or ()
    names = detection.keys() - {"condition", "timeframe"}
    if not conditions or not all(isinstance(c, str) and stands(c, names) for c in conditions):
        raise _bad("no condition about searches that are there", "condition")


# --- what a rule says of itself -----------------------------------------------------------------------
def _body(said: Said, pattern: str) -> Body:
    title = _text(said, "title")
    if not title or len(title) > _MOST_NAME:
        raise _bad("no title", "title")
    body: Body = {"type": "indicator", "spec_version": "2.1", "name": title}
    body |= {"pattern": pattern, "pattern_type": "sigma"}
    if description := _text(said, "description"):
        body["description"] = description
    status = _text(said, "status").lower()
    if status in _TRIED:
        body["confidence"] = _TRIED[status]
    elif status == _WITHDRAWN:
        body["revoked"] = True
    source = said.get("logsource")
    within = source if isinstance(source, dict) else {}
    facts = [(name, _text(said, name)) for name in ("level", "status")]
    facts += [(name, _text(within, name)) for name in ("product", "category", "service")]
    labels = [f'sigma:{name}="{word}"' for name, word in facts if word]
    written = (*_texts(said, "references"), *_texts(said, "reference"))
    refs = [*_itself(said), *(told.reference("sigma", each) for each in written)]
    marks, phases = _take_tags(_texts(said, "tags"), labels, refs)
    told.put(body, "labels", labels)
    told.put(body, "external_references", refs)
    told.put(body, "object_marking_refs", [*marks, *_beside(said, pattern)])
    told.put(body, "kill_chain_phases", phases)
    return body


def _itself(said: Said) -> list[Body]:
    """Return the reference to the rule itself, with who wrote it and under which licence it may be passed on."""
    author = ", ".join(_texts(said, "author"))
    licence = _text(said, "license")
    about = "; ".join(each for each in (author and f"by {author}", licence) if each)
    found: Body = {"source_name": "sigma"}
    if own := _text(said, "id"):
        found["external_id"] = own
    if about:
        found["description"] = about
    return [found] if len(found) > 1 else []


def _beside(said: Said, text: str) -> list[str]:
    """Return the markings that comments, and what the specification has no name for, say of a rule."""
    comments = (line for line in text.splitlines() if line.lstrip().startswith("#"))
    free = (_text(said, name) for name in said if name not in {"title", "description"})
    marks = [mark for each in (*comments, *free) for mark in told.levels(each)]
    try:
        marks += told.level(f"tlp:{_text(said, 'tlp')}") if "tlp" in said else []
    except InputError:
        raise _bad(_UNKNOWN, "tlp") from None
    return marks


def _take_tags(
    tags: Sequence[str], labels: list[str], refs: list[Body]
) -> tuple[list[str], list[Body]]:
    """Sort tags into labels and references; return markings, and tactics of ATT&CK."""
    marks: list[str] = []
    phases: list[Body] = []
    for tag in tags:
        space, _, word = tag.partition(".")
        low = word.strip().lower()
        try:
            marks += told.level(tag)
        except InputError:
            raise _bad(_UNKNOWN, "tlp") from None
        if space in {"tlp", "pap"}:
            continue
        known = told.technique(low) if space == "attack" else None
        known = told.vulnerability(low) if space == "cve" else known
        if known:
            refs.append(known)
        elif space == "attack" and _TACTIC.fullmatch(low):
            tactic = low.replace("_", "-")
            phases.append({"kill_chain_name": "mitre-attack", "phase_name": tactic})
        else:
            labels.append(tag)
    return marks, phases


def _text(said: Said, name: str) -> str:
    value = said.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(said: Said, name: str) -> list[str]:
    value = said.get(name)
    some = [value] if isinstance(value, str) else value
    return (
        [e.strip() for e in some if isinstance(e, str) and e.strip()]
        if isinstance(some, list)
        else []
    )
