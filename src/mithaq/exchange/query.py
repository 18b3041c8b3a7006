"""What a TAXII request asks for: media types, filters, pages (TAXII 2.1 sections 1.6.8, 3.4, 3.5)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.exchange.problems import HttpProblem

_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?Z")
_SPEC_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
_MOST_VALUES = 1000
_TAXII = "application/taxii+json"
_LATEST = "2.1"
_NONE = re.compile(r"0(?:\.0{0,3})?")  # the q of what is not wanted
_VERSION_WORDS = {"all", "first", "last"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One request's filters; empty tuples ask for nothing in particular."""

    added_after: str | None = None  # six decimals, exclusive
    limit: int
    next: str | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("last",)
    spec_versions: tuple[str, ...] = ()

    @property
    def filters(self) -> str:
        """A text equal for equal ``match`` filters; ``next`` is bound to it."""
        lists = (self.ids, self.types, self.versions, self.spec_versions)
        return repr([*map(sorted, lists)])


def accepts(header: str | None, *kinds: str) -> bool:
    """Say whether an Accept header takes TAXII 2.1; a bare type means the latest version (1.6.8.2).

    Of the ranges that name a type the most specific one decides, by its ``q`` (RFC 9110, section 12.5.1).

    Args:
        kinds: other media types that the endpoint defines, taken where they are named in full; STIX's, for manifests.
    """
    if header is None or not header.strip():
        return True
    named = [_media(part) for part in header.split(",")]
    wide = ("*/*", "application/*", _TAXII)
    return _takes(named, wide) or any(_takes(named, (kind,)) for kind in kinds)


def is_taxii_content(header: str | None) -> bool:
    """Say whether a Content-Type is TAXII 2.1."""
    if header is None:
        return False
    kind, given = _media(header)
    return kind == _TAXII and given.get("version", _LATEST) == _LATEST


def _media(written: str) -> tuple[str, dict[str, str]]:
    """Return a media type or range in lower case, and its parameters."""
    kind, *parameters = (part.strip().lower() for part in written.split(";"))
    given = (parameter.partition("=") for parameter in parameters)
    return kind, {name.strip(): value.strip().strip('"') for name, equals, value in given if equals}


def _takes(named: Sequence[tuple[str, Mapping[str, str]]], ranges: tuple[str, ...]) -> bool:
    """Say whether the most specific of ``ranges`` that is named is wanted; they are given widest first."""
    decided: dict[tuple[int, bool], bool] = {}
    for range_, given in named:
        if range_ not in ranges or given.get("version", _LATEST) != _LATEST:
            continue
        rank = (ranges.index(range_), "version" in given)
        decided[rank] = decided.get(rank, False) or not _NONE.fullmatch(given.get("q", "1"))
    return bool(decided) and decided[max(decided)]


def _instant(written: str) -> tuple[str, str]:
    """Return a UTC instant to the second and its fraction's digits.

    Raises:
        HttpProblem: 400, it is none.
    """
    match = _INSTANT.fullmatch(written)
    if match is None:
        raise HttpProblem(400, "a timestamp must be RFC 3339 in UTC")
    try:
        parse(match[1] + "Z")
    except InputError as error:
        raise HttpProblem(400, "a timestamp must be RFC 3339 in UTC") from error
    return match[1], match[2] or ""


def _added_after(written: str) -> str:
    """Write a TAXII timestamp with six decimals; finer ones are cut, so that nothing is passed over."""
    whole, fraction = _instant(written)
    return f"{whole}.{fraction[:6]:0<6}Z"


def _version(written: str) -> str:
    """Write a version as rows do: at least three decimals, no zeros beyond (STIX 2.1 section 3.2)."""
    if written in _VERSION_WORDS:
        return written
    whole, fraction = _instant(written)
    return f"{whole}.{fraction.rstrip('0'):0<3}Z"


def read_query(parameters: Mapping[str, list[str]], page_limit: int) -> Query:
    """Read the filters of a request; unknown parameters are ignored, malformed ones refused.

    Raises:
        HttpProblem: 400.
    """
    after = _one(parameters, "added_after")
    specs = _values(parameters, "match[spec_version]")
    if not all(_SPEC_VERSION.fullmatch(spec) for spec in specs):
        raise HttpProblem(400, "match[spec_version] is malformed")
    return Query(
        added_after=None if after is None else _added_after(after),
        limit=_limit(_one(parameters, "limit"), page_limit),
        next=_one(parameters, "next"),
        ids=_values(parameters, "match[id]"),
        types=_values(parameters, "match[type]"),
        versions=_versions(parameters),
        spec_versions=specs,
    )


def _versions(parameters: Mapping[str, list[str]]) -> tuple[str, ...]:
    written = _values(parameters, "match[version]")
    versions = tuple(_version(each) for each in written)
    if len(set(versions)) != len(versions) or ("all" in versions and len(versions) > 1):
        raise HttpProblem(400, "match[version] names a version twice, or all beside others")
    return versions or ("last",)


def _one(parameters: Mapping[str, list[str]], name: str) -> str | None:
    values = parameters.get(name, [])
    if len(values) > 1:
        raise HttpProblem(400, f"{name} is given more than once")
    return values[0] if values else None


def _values(parameters: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
    written = _one(parameters, name)
    if written is None:
        return ()
    values = tuple(part.strip() for part in written.split(","))
    if not all(each and each.isprintable() for each in values) or len(values) > _MOST_VALUES:
        raise HttpProblem(400, f"{name} is malformed")
    return values


def _limit(written: str | None, page_limit: int) -> int:
    if written is None:
        return page_limit
    if not re.fullmatch(r"[0-9]{1,18}", written) or int(written) == 0:
        raise HttpProblem(400, "limit must be a positive integer")
    return min(int(written), page_limit)
