"""YARA rules become indicators: each stands on its own, with the imports and the rules of its file that it needs.

The compiler of YARA-X says whether a rule is one; nothing is ever matched with it. Rules that another needs are private
in its pattern, for they say nothing by themselves there: else it would match more than it means.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import yara_x

from mithaq.errors import InputError
from mithaq.formats.registry import PLAIN, Layout, Read, Refusal, Undated
from mithaq.formats.rules import told
from mithaq.formats.rules.sources import Needs, Rule, Source, looks, sources
from mithaq.formats.rules.told import BadRule, Body
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Limits
from mithaq.model.objects import IDENTIFIER

_GLANCE = 1 << 16
# What scanners tell rules from outside (LOKI and THOR do), texts all of them.
_EXTERNAL = frozenset({"extension", "filename", "filepath", "filetype", "owner"})
_MOST_BYTES = 16 << 20  # of a file
_MOST_CHARACTERS, _MOST_STRINGS = 1 << 18, 1 << 12  # of a rule with all that it needs
_TOGETHER = 256  # rules compiled at once, which is faster than each by itself
# Under which names rules tell their identifier, and when they were written and changed.
_OWN = ("id", "uuid")
_LEVELS, _SHARING = frozenset({"tlp", "pap"}), frozenset({"sharing", "tags", "classification"})
_CREATED = ("date", "created_date", "creation_date", "created")
_CHANGED = ("modified", "last_modified", "updated_date", "updated")
_SHARED = 16  # times the length of a file that all its rules have together, with what they need
_HASH = re.compile(r"(?:hash|md5|sha1|sha256|sha512|sample)[0-9_]*")
_DIGEST = re.compile(r"(?:[0-9a-f]{2}){16,64}", re.IGNORECASE)
_LINK = re.compile(r"(?:reference|ref|url|link|source)s?[0-9_]*")
_NUMBER = re.compile(r"\b(?:T[0-9]{4}(?:\.[0-9]{3})?|[GSC][0-9]{4})\b")
_ERROR = re.compile(r"error\[(E[0-9]+)\]: ([^\n]*)")
_QUOTED = re.compile(r"`[^`]*`")


class Yara:
    """The format ``yara``."""

    name = "yara"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` begins with a rule or an import, behind its comments."""
        return looks(raw[:_GLANCE].removeprefix(b"\xef\xbb\xbf").decode("latin-1"))

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, _layout: Layout = PLAIN) -> Read:
        """Read every rule; one that cannot be taken is refused by itself.

        Raises:
            GateRefused: ``raw`` is too long.
        """
        most = min(limits.max_bytes, _MOST_BYTES)
        if len(raw) > most:
            raise GateRefused("too-long", str(most))
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
        source = sources(text)
        return _File(source, Needs(source.rules), left=_SHARED * len(text)).read()


def _bad(says: str, cause: str) -> BadRule:
    return BadRule("yara", says, cause=cause)


def _refusal(line: int, error: InputError) -> Refusal:
    return Refusal(position=line, id=None, code=error.code, where="", why=str(error), line=line + 1)


@dataclass(frozen=True, slots=True)
class _Stands:
    """A rule put together with all that it needs, and names in it that scanners tell from outside."""

    rule: Rule
    text: str
    external: tuple[str, ...]
    rights: str  # what the file says on top of who may do what with it


@dataclass(slots=True)
class _File:
    """The rules of a file on their way to indicators."""

    source: Source
    needs: Needs
    left: int  # characters that its indicators may still have
    names: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)  # private rules that another needs

    def read(self) -> Read:
        """Yield what each rule is, or why it is refused."""
        for line, error in self.source.bad:
            yield _refusal(line, error)
        together: list[_Stands | Refusal] = []
        size = 0
        for number, rule in enumerate(self.source.rules):
            try:
                found = self._stands(number)
            except InputError as error:
                together.append(_refusal(rule.line, error))
                continue
            if found is not None:
                together.append(found)
                size += len(found.text)
            if len(together) > _TOGETHER or size > _MOST_CHARACTERS:
                yield from self._compiled(together)
                together, size = [], 0
        yield from self._compiled(together)
        for rule in self.source.rules:
            if rule.private and rule.name not in self.served:
                yield _refusal(rule.line, _bad("a private rule that no other needs", "private"))

    def _stands(self, number: int) -> _Stands | None:
        """Put a rule together; None: it is private, and says nothing alone."""
        rule = self.source.rules[number]
        if self.source.includes:
            raise _bad("its file includes others, whose rules may narrow it", "include")
        if rule.name in self.names:
            raise _bad("an earlier rule of the file bears its name", "twice")
        self.names.add(rule.name)
        if rule.private:
            return None
        needed = self.needs.of(number)
        self.served |= {each.name for each in needed}
        words = rule.words.union(*(each.words for each in needed))
        text = self._text(rule, needed, words)
        return _Stands(rule, text, tuple(sorted(words & _EXTERNAL)), self.source.rights)

    def _text(self, rule: Rule, needed: Sequence[Rule], words: frozenset[str]) -> str:
        """Return the text of a rule with all that it needs."""
        parts = [self.source.rights] if self.source.rights else []
        imports = [line for module, line in self.source.imports.items() if module in words]
        parts += ["\n".join(imports)] if imports else []
        parts += [each.text if each.private else f"private {each.text}" for each in needed]
        text = "\n\n".join([*parts, rule.text])
        self.left -= len(text)
        if len(text) > _MOST_CHARACTERS or text.count("=") > _MOST_STRINGS or self.left < 0:
            raise _bad("with all that it needs, it says more than a rule may", "long")
        if any(map(_is_no_text, text)):
            raise _bad("no text in UTF-8", "text")
        return text

    def _compiled(self, together: Sequence[_Stands | Refusal]) -> Read:
        """Yield what rules are that were compiled together, each in a space of its own."""
        compiler = yara_x.Compiler(relaxed_re_syntax=True)
        compiler.enable_includes(yes=False)
        for each in _EXTERNAL:
            compiler.define_global(each, "")
        wrong: dict[int, BadRule] = {}
        for number, one in enumerate(together):
            if isinstance(one, _Stands):
                compiler.new_namespace(str(number))
                try:
                    compiler.add_source(one.text)
                except (yara_x.CompileError, ValueError) as error:
                    wrong[number] = _wrong(error)
        known = {(int(r.namespace), r.identifier): r for r in compiler.build()}
        for number, one in enumerate(together):
            if isinstance(one, Refusal):
                yield one
            elif number in wrong or (number, one.rule.name) not in known:
                lost = _bad("no rule of that name is left of it", "compile")
                yield _refusal(one.rule.line, wrong.get(number, lost))
            else:
                try:
                    yield self._indicator(one, _Meta(known[number, one.rule.name]))
                except InputError as error:
                    yield _refusal(one.rule.line, error)

    def _indicator(self, one: _Stands, meta: "_Meta") -> Undated:
        id_ = f"indicator--{meta.first(*_OWN).lower()}"
        if id_ in self.ids or not IDENTIFIER.fullmatch(id_):
            id_ = ""  # some that were copied from each other bear the same
        self.ids.add(id_)
        created, changed = told.day(meta.first(*_CREATED)), told.day(meta.first(*_CHANGED))
        return Undated(
            position=one.rule.line,
            key=f"yara {one.rule.name}",
            body=meta.body(one),
            id=id_,
            created=created or changed,
            modified=max(created, changed),
        )


def _is_no_text(sign: str) -> bool:
    return sign == "\0" or "\ud800" <= sign <= "\udfff"


def _wrong(error: Exception) -> BadRule:
    """Return what the compiler says, without what it quotes."""
    said = _ERROR.match(str(error))
    title = f": {_QUOTED.sub('…', said[2])} ({said[1]})" if said else ""
    return _bad(f"it does not compile{title}", "compile")


class _Meta:
    """What a rule says of itself; in which case a name is written does not matter."""

    def __init__(self, rule: yara_x.Rule) -> None:
        self._said = [(str(n).lower(), str(v).strip()) for n, v in rule.metadata if v != ""]
        self._tags = [str(each) for each in rule.tags]

    def first(self, *names: str) -> str:
        """Return what stands first under one of some names."""
        return next((value for known, value in self._said if known in names), "")

    def every(self, name: re.Pattern[str]) -> Iterator[str]:
        """Yield what stands under all names of a form."""
        return (value for known, value in self._said if name.fullmatch(known))

    def body(self, one: _Stands) -> Body:
        """Return the body of the indicator that a rule is."""
        body: Body = {"type": "indicator", "spec_version": "2.1", "name": one.rule.name}
        body |= {"pattern": one.text, "pattern_type": "yara"}
        if description := self.first("description"):
            body["description"] = description
        labels = [*self._tags, *(f'yara:external="{each}"' for each in one.external)]
        labels += [f'yara:score="{score}"'] if (score := self.first("score")) else []
        told.put(body, "labels", labels)
        told.put(body, "external_references", [*self._references()])
        told.put(body, "object_marking_refs", self._markings(one.rights))
        return body

    def _references(self) -> Iterator[Body]:
        author = ", ".join(self.every(re.compile("authors?")))
        about = "; ".join(e for e in (author and f"by {author}", self.first("license")) if e)
        itself: Body = {"source_name": "yara"}
        itself |= {"external_id": own} if (own := self.first(*_OWN)) else {}
        itself |= {"description": about} if about else {}
        if len(itself) > 1:
            yield itself
        for each in self.every(_LINK):
            yield told.reference("yara", each)
        for each in self.every(_HASH):
            if _DIGEST.fullmatch(each):
                yield {
                    "source_name": "yara",
                    "external_id": each.lower(),
                    "description": "a file it was written for",
                }
        for known, value in self._said:
            if "mitre" in known or "att" in known.split("_"):
                yield from filter(None, map(told.technique, _NUMBER.findall(value)))

    def _markings(self, rights: str) -> list[str]:
        marks = told.levels(rights)
        for tag in self._tags:
            marks += told.levels(tag.replace("_", ":", 1))
        for known, value in self._said:
            if known in _LEVELS:
                said = [f"{known}:{value}"]
            elif known in _SHARING:
                said = value.split(",")
            else:
                marks += told.levels(value) if known != "description" else []
                continue
            try:
                marks += [mark for each in said for mark in told.level(each)]
            except InputError:
                says = "a level that nobody knows is never taken for a lower one"
                raise _bad(says, "tlp") from None
        return marks
