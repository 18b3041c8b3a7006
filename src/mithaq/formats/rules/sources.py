"""Files of YARA rules taken apart into rules, each with what it needs to stand on its own (YARA 4.5, "Writing rules").

Only what divides a file is read here: comments, texts, regular expressions, braces and names. Whether a rule is one the
compiler says, which sees it put together again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mithaq.formats.rules.told import BadRule

# Each begins and ends in one way only, and what never ends takes the rest: no sign is looked at twice.
_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*+"?)
    |(?P<expression>/(?:[^/\\\n]|\\.)++/?)
    |(?P<word>[$#@!]?[A-Za-z_][A-Za-z0-9_]*+)
    |(?P<sign>[^\s\w])
    |\w++|\s++""",
    re.VERBOSE,
)
_BEGINS = re.compile(r'(?:import|include)\s*"|(?:(?:private|global)\s+)*rule\s+[A-Za-z_]')
_RIGHTS = re.compile(r"copyright|licen[cs]e|redistribut|\bTLP\b", re.IGNORECASE)
_MOST_NEEDED = 64  # rules by one
_MOST_RIGHTS = 1 << 13  # characters of a comment that says who may do what with the rules

Token = tuple[str, str, int]  # kind, as it stands, where


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands in a file."""

    name: str
    text: str
    line: int  # in which it begins, from 0
    private: bool
    everywhere: bool  # a global rule, without which no other of its file matches
    words: frozenset[str] = field(repr=False)  # names that it uses


@dataclass(slots=True)
class Source:
    """A file of rules: what all of them may use, and the rules in their order."""

    rules: list[Rule] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)  # name of a module -> how it is imported
    includes: bool = False  # of other files, which nobody fetches
    rights: str = ""  # the comment on top, if it says who may do what with the rules
    bad: list[tuple[int, BadRule]] = field(default_factory=list)  # lines of what is no rule


class Needs:
    """Which rules of a file another does not stand without."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._first = {each.name: n for n, each in reversed([*enumerate(rules)])}
        self._everywhere = [n for n, each in enumerate(rules) if each.everywhere]

    def of(self, number: int) -> list[Rule]:
        """Return the rules that one needs, in the order of the file; it is not among them.

        Raises:
            BadRule: they are more than anybody means.
        """
        found, due = {number}, [number]
        for each in self._everywhere:
            due += [each] if each not in found else []
            found.add(each)
        while due:
            using = due.pop()
            for each in (self._first.get(word, using) for word in self._rules[using].words):
                if each < using and each not in found:  # it names what stands above it alone
                    found.add(each)
                    due.append(each)
                    if len(found) > _MOST_NEEDED:
                        says = f"it needs more than {_MOST_NEEDED} rules"
                        raise BadRule("yara", says, cause="long")
        return [self._rules[n] for n in sorted(found - {number})]


def looks(text: str) -> bool:
    """Say whether the first thing in a file that is no comment begins a rule, or gets something for rules."""
    return any(_BEGINS.match(text, at) for kind, _, at in _said(text))


def _said(text: str) -> Iterator[Token]:
    """Yield the first sign that is neither blank nor comment."""
    for found in _TOKEN.finditer(text):
        if found.lastgroup != "comment" and not found[0].isspace():
            yield found.lastgroup or "", found[0], found.start()
            return


def sources(text: str) -> Source:
    """Take a file apart."""
    return _Reader(text, [t for t in _tokens(text) if t[0] != "comment"]).whole()


def _tokens(text: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(text):
        if found.lastgroup is not None:
            yield found.lastgroup, found[0], found.start()


def _used(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the names that are used, not those that something is given to."""
    signs = [sign for _, sign, _ in tokens] + ["", ""]
    for number, (kind, word, _) in enumerate(tokens):
        if kind == "word" and (signs[number + 1] != "=" or signs[number + 2] == "="):
            yield word


def _rights(text: str) -> str:
    """Return the comments that a file begins with, if they say who may do what with its rules."""
    ends = next(_said(text), ("", "", len(text)))[2]
    head = text[:ends].strip()
    return head if _RIGHTS.search(head) and len(head) <= _MOST_RIGHTS else ""


@dataclass(slots=True)
class _Reader:
    text: str
    tokens: Sequence[Token]
    at: int = 0
    line: int = 0
    counted: int = 0  # characters whose ends of lines ``line`` counts
    source: Source = field(default_factory=Source)

    def whole(self) -> Source:
        self.source.rights = _rights(self.text)
        while self.at < len(self.tokens):
            begins = self.at
            if not (self._import() or self._rule()):
                self._skip(begins)
        return self.source

    def _word(self) -> str:
        """Return what stands here, and go on."""
        self.at += 1
        return self.tokens[self.at - 1][1] if self.at <= len(self.tokens) else ""

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("", "")

    def _line(self, at: int) -> int:
        self.line += self.text.count("\n", self.counted, at)
        self.counted = at
        return self.line

    def _import(self) -> bool:
        verb = self._peek()[1]
        if verb not in {"import", "include"}:
            return False
        self.at += 1
        kind, module = self._peek()
        if kind != "text":
            return False
        self.at += 1
        if verb == "include":
            self.source.includes = True
        else:
            self.source.imports.setdefault(module.strip('"'), f"import {module}")
        return True

    def _rule(self) -> bool:
        begins = self.at
        said: set[str] = set()
        while self._peek()[1] in {"private", "global"}:
            said.add(self._word())
        if self._word() != "rule" or self._peek()[0] != "word":
            return False
        name = self._word()
        while self._peek()[1] not in {"{", ""}:
            self.at += 1
        ends = self._body()
        if not ends:
            return False
        starts = self.tokens[begins][2]
        rule = Rule(
            name=name,
            text=self.text[starts:ends],
            line=self._line(starts),
            private="private" in said,
            everywhere="global" in said,
            words=frozenset(_used(self.tokens[begins : self.at])),
        )
        self.source.rules.append(rule)
        return True

    def _body(self) -> int:
        """Go past what stands in braces; return where it ends, 0 if it does not."""
        depth = 0
        while self.at < len(self.tokens):
            kind, sign, at = self.tokens[self.at]
            self.at += 1
            if kind == "sign" and sign in "{}":
                depth += 1 if sign == "{" else -1
                if depth == 0:
                    return at + 1
        return 0

    def _skip(self, begins: int) -> None:
        """Go on to what may be the next rule; what stands before it is none."""
        self.at = max(self.at, begins + 1)
        while self._peek()[1] not in {"rule", "private", "global", "import", "include", ""}:
            self.at += 1
        line = self._line(self.tokens[begins][2])
        self.source.bad.append((line, BadRule("yara", "no rule of YARA", cause="form")))
