"""Terms of OpenIOC as comparisons of STIX patterning: what they are about, and how that is compared.

A term is said as exactly as STIX can, or not at all; texts are compared with their capitals there, which matches less.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.model import values

_PE = "file:extensions.'windows-pebinary-ext'"
_SERVICE = "process:extensions.'windows-service-ext'"
_REQUEST = "network-traffic:extensions.'http-request-ext'"
# What a term is about, as OpenIOC's own list names it -> the path of STIX, and what kind of value that has.
_PATHS: Mapping[str, tuple[str, str]] = {
    "FileItem/Md5sum": ("file:hashes.MD5", "md5"),
    "FileItem/Sha1sum": ("file:hashes.'SHA-1'", "sha1"),
    "FileItem/Sha256sum": ("file:hashes.'SHA-256'", "sha256"),
    "FileItem/FileName": ("file:name", ""),
    "FileItem/FilePath": ("file:parent_directory_ref.path", ""),
    "FileItem/SizeInBytes": ("file:size", "number"),
    "FileItem/PEInfo/PETimeStamp": (f"{_PE}.time_date_stamp", "instant"),
    "FileItem/PEInfo/NumberOfSections": (f"{_PE}.number_of_sections", "number"),
    "FileItem/PEInfo/ImpHash": (f"{_PE}.imphash", "imphash"),
    "ProcessItem/name": ("process:image_ref.name", ""),
    "ProcessItem/path": ("process:image_ref.parent_directory_ref.path", ""),
    "ProcessItem/arguments": ("process:command_line", ""),
    "ProcessItem/HandleList/Handle/Name": ("mutex:name", ""),
    "ServiceItem/name": (f"{_SERVICE}.service_name", ""),
    "ServiceItem/descriptiveName": (f"{_SERVICE}.display_name", ""),
    "RegistryItem/KeyPath": ("windows-registry-key:key", "registry-key"),
    "RegistryItem/ValueName": ("windows-registry-key:values[*].name", ""),
    "RegistryItem/Text": ("windows-registry-key:values[*].data", ""),
    "RegistryItem/Value": ("windows-registry-key:values[*].data", ""),
    "DnsEntryItem/RecordName": ("domain-name:value", "domain"),
    "DnsEntryItem/Host": ("domain-name:value", "domain"),
    "DnsEntryItem/RecordData/Host": ("domain-name:resolves_to_refs[*].value", "domain"),
    "DnsEntryItem/RecordData/IPv4Address": ("domain-name:resolves_to_refs[*].value", "ip"),
    "Network/DNS": ("domain-name:value", "domain"),
    "PortItem/remoteIP": ("network-traffic:dst_ref.value", "ip"),
    "PortItem/remotePort": ("network-traffic:dst_port", "number"),
    "PortItem/localIP": ("network-traffic:src_ref.value", "ip"),
    "PortItem/localPort": ("network-traffic:src_port", "number"),
    "Network/URI": ("url:value", ""),
    "UrlHistoryItem/URL": ("url:value", ""),
    "Network/UserAgent": (f"{_REQUEST}.request_header.'User-Agent'", ""),
    "Email/From": ("email-message:from_ref.value", ""),
    "Email/To": ("email-message:to_refs[*].value", ""),
    "Email/Subject": ("email-message:subject", ""),
    "Email/Attachment/Name": ("email-message:body_multipart[*].body_raw_ref.name", ""),
    "UserItem/Username": ("user-account:account_login", ""),
}
_WHOLE = {  # paths with a name at their end, of which STIX keeps the two apart
    "FileItem/FullPath": ("file:parent_directory_ref.path", "file:name"),
    "RegistryItem/Path": ("windows-registry-key:key", "windows-registry-key:values[*].name"),
}
_MUTANT = "ProcessItem/HandleList/Handle/Type"
_NUMBER = re.compile(r"[0-9]{1,15}")
_LIKE = {"contains": ("%", "%"), "starts-with": ("", "%"), "ends-with": ("%", "")}
_MOST = 4096  # characters of a value


class Unsaid(InputError):
    """A term that STIX has no words for; ``code`` says why."""

    code = "openioc-term"


class Term(NamedTuple):
    """A term of an indicator, as it is written."""

    about: str  # FileItem/FileName
    condition: str
    content: str


class Comparison(NamedTuple):
    """What a term is in STIX: of which type of object it speaks, and a comparison, or several joined."""

    type: str
    text: str
    negated: bool = False


def said(term: Term, *, negated: bool) -> Comparison:
    """Return the comparison that says the same.

    Raises:
        Unsaid: there is none.
    """
    condition = term.condition.lower()
    if condition in {"isnot", "containsnot"}:
        negated, condition = not negated, condition.removesuffix("not")
    if not 0 < len(term.content) <= _MOST:
        raise Unsaid(f"a value has 1 to {_MOST} characters")
    if term.about == _MUTANT and (term.content, condition) == ("Mutant", "is"):
        return Comparison("mutex", "mutex:name LIKE '%'", negated)
    if term.about in _WHOLE:
        if negated:
            raise Unsaid("that a whole path is not something")
        return _whole(_WHOLE[term.about], condition, term.content)
    path, kind = _PATHS.get(term.about, ("", ""))
    if not path:
        raise Unsaid("STIX has no word for what it is about")
    operator, constant = _compared(kind, condition, term.content)
    if negated:
        operator = "!=" if operator == "=" else f"NOT {operator}"
    return Comparison(path.partition(":")[0], f"{path} {operator} {constant}", negated)


def _compared(kind: str, condition: str, content: str) -> tuple[str, str]:
    """Return the operator, and what stands behind it."""
    order = {"greater-than": ">", "less-than": "<"}.get(condition, "")
    if kind in {"number", "instant"}:
        if condition != "is" and not order:
            raise Unsaid("a number or an instant is, is greater or is less")
        return order or "=", _constant(kind, content)
    if condition == "is":
        return "=", _constant(kind, content)
    if condition == "matches":
        return "MATCHES", _quoted(content)
    if condition not in _LIKE:
        raise Unsaid("STIX does not compare in that way")
    before, after = _LIKE[condition]
    return _like(before, content, after)


def _constant(kind: str, content: str) -> str:
    if kind == "number":
        if not _NUMBER.fullmatch(content):
            raise Unsaid("no number")
        return str(int(content))
    try:
        if kind == "instant":
            return f"t'{text(parse(content))}'"
        return _quoted(values.of_kind(kind, content).text if kind else content)
    except InputError:
        raise Unsaid("no value of that kind") from None


def _like(before: str, content: str, after: str) -> tuple[str, str]:
    """Compare with a part of a text; where LIKE would take a sign of it for any, by an expression."""
    if "%" in content or "_" in content:
        begins, ends = "" if before else "^", "" if after else "$"
        return "MATCHES", _quoted(f"{begins}{re.escape(content)}{ends}")
    return "LIKE", _quoted(f"{before}{content}{after}")


def _whole(paths: tuple[str, str], condition: str, content: str) -> Comparison:
    """Say that a path with a name at its end is something, or holds something: in the one, the other or both."""
    around, name = paths
    type_ = around.partition(":")[0]
    folder, slash, last = content.rpartition("\\")
    if condition == "is" and slash and folder and last:
        whole = f"({around} = {_quoted(folder)} AND {name} = {_quoted(last)})"
        return Comparison(type_, whole)
    if condition != "contains":
        raise Unsaid("that of a whole path")
    there = f"{around} {' '.join(_like('%', content, '%'))}"
    if not slash:
        return Comparison(type_, f"({there} OR {name} {' '.join(_like('%', content, '%'))})")
    split: list[str] = []
    split += [f"{around} {' '.join(_like('%', folder, ''))}"] if folder else []
    split += [f"{name} {' '.join(_like('', last, '%'))}"] if last else []
    both = f"({' AND '.join(split)})" if len(split) > 1 else "".join(split)
    return Comparison(type_, f"({both} OR {there})" if both else there)


def _quoted(written: str) -> str:
    escaped = written.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
