"""What a TAXII request asks for: media types, filters, pages (TAXII 2.1 sections 1.6.8, 3.4, 3.5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mithaq.exchange.problems import HttpProblem

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z")
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
        """A text equal for equal filters; ``next`` is bound to it."""
        return repr(
            (self.added_after, self.ids, self.types, self.versions, self.spec_versions)
        )


def accepts(header: str | None) -> bool:
    """Say whether an Accept header takes TAXII 2.1; a bare type means the latest version (1.6.8.2)."""
    if header is None or not header.strip():
        return True
    return any(_is_taxii(part, ranges=True) for part in header.split(","))


def is_taxii_content(header: str | None) -> bool:
    """Say whether a Content-Type is TAXII 2.1."""
    return header is not None and _is_taxii(header, ranges=False)


def _is_taxii(written: str, *, ranges: bool) -> bool:
    kind, *parameters = (part.strip().lower() for part in written.split(";"))
    given = dict(p.split("=", 1) for p in parameters if "=" in p)
    given = {name.strip(): value.strip().strip('"') for name, value in given.items()}
    if given.get("q") in {"0", "0.0", "0.00", "0.000"}:
        return False
    if ranges and kind in {"*/*", "application/*"}:
        return True
    return kind == "application/taxii+json" and given.get("version", "2.1") == "2.1"


def instant(written: str, digits: int) -> str:
    """Normalise a UTC instant to ``digits`` decimals, so that texts sort as instants do.

    Raises:
        HttpProblem: 400, it is none.
    """
    match = _INSTANT.fullmatch(written)
    if match is None:
        raise HttpProblem(400, "a timestamp must be RFC 3339 in UTC")
    return f"{match[1]}.{(match[2] or '')[:digits]:0<{digits}}Z"


def read_query(parameters: Mapping[str, list[str]], page_limit: int) -> Query:
    """Read the filters of a request; unknown parameters are ignored, malformed ones refused.

    Raises:
        HttpProblem: 400.
    """
    single = {name: _one(parameters, name) for name in ("added_after", "limit", "next")}
    versions = _values(parameters, "match[version]")
    after = single["added_after"]
    return Query(
        added_after=None if after is None else instant(after, 6),
        limit=_limit(single["limit"], page_limit),
        next=single["next"],
        ids=_values(parameters, "match[id]"),
        types=_values(parameters, "match[type]"),
        versions=tuple(v if v in _VERSION_WORDS else instant(v, 3) for v in versions)
        or ("last",),
        spec_versions=_values(parameters, "match[spec_version]"),
    )


def _one(parameters: Mapping[str, list[str]], name: str) -> str | None:
    values = parameters.get(name, [])
    if len(values) > 1:
        raise HttpProblem(400, f"{name} is given more than once")
    return values[0] if values else None


def _values(parameters: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
    written = _one(parameters, name)
    if written is None:
        return ()
    values = tuple(dict.fromkeys(part.strip() for part in written.split(",")))
    if not all(values) or len(values) > 1000:
        raise HttpProblem(400, f"{name} is malformed")
    return values


def _limit(written: str | None, page_limit: int) -> int:
    if written is None:
        return page_limit
    if not re.fullmatch(r"\d{1,9}", written) or int(written) == 0:
        raise HttpProblem(400, "limit must be a positive integer")
    return min(int(written), page_limit)
