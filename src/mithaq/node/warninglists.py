"""The lists of what is harmless that ship with pymispwarninglists (CC0), and what each means to us.

MISP treats all of them alike. We keep from tools what lists of owners and of common mistakes hold; what a list of
clouds, scanners, shorteners or dynamic names holds is as often an attacker's, so that is said and no more. The lists
of a million popular names say nothing: attackers' names are among them, and nobody reads them into memory for that.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import msgspec

from mithaq import config
from mithaq.config import InvalidConfig
from mithaq.model.benign import OWN_ADDRESSES, OWN_NAMES, Benign
from mithaq.model.listed import Effect, Family, Listed
from mithaq.model.values import Value, recognised

_SAID = Effect.ADVISE
_KEPT: Mapping[Family, frozenset[str]] = {  # lists whose entries are kept from tools
    "address": frozenset(
        {
            "akamai", "apple", "cloudflare", "fastly", "google-gmail-sending-ips", "googlebot",
            "microsoft-attack-simulator", "microsoft-office365-cn", "microsoft-office365-ip",
            "public-dns-v4", "public-dns-v6", "smtp-receiving-ips", "smtp-sending-ips", "stackpath",
            "umbrella-blockpage-v4", "umbrella-blockpage-v6", "wikimedia", "zscaler",
        }
    ),
    "name": frozenset(
        {
            "alexa", "automated-malware-analysis", "bank-website", "captive-portals",
            "cisco_top1000", "cisco_top5k", "cisco_top10k", "covid",
            "covid-19-cyber-threat-coalition-whitelist", "covid-19-krassi-whitelist",
            "crl-hostname", "dax30", "digitalside", "google", "majestic_million", "microsoft",
            "microsoft-attack-simulator", "microsoft-office365",
            "microsoft-win10-connection-endpoints", "moz-top500", "public-dns-hostname",
            "second-level-tlds", "security-provider-blogpost", "tlds", "tranco10k",
            "umbrella-blockpage-hostname", "university_domains",
        }
    ),
    "digest": frozenset(
        {
            "common-ioc-false-positive", "eicar.com", "empty-hashes", "mozilla-CA",
            "mozilla-IntermediateCA", "nioc-filehash", "ti-falsepositives", "windows-binary-hashes",
        }
    ),
    "certificate": frozenset({"mozilla-CA", "mozilla-IntermediateCA"}),
    "mail": frozenset(),
}  # fmt: skip
_NAMES = frozenset(  # lists of names whose entries are only said
    {
        "cisco_top20k", "dynamic-dns", "findip-host", "link-in-bio", "lots-project",
        "parking-domain-ns", "public-ipfs-gateways", "rfc6761", "url-shortener", "whats-my-ip",
    }
)  # fmt: skip
# Who is popular may let others have names and pages of their own.
_POPULAR = frozenset(
    {
        "alexa", "cisco_top1000", "cisco_top5k", "cisco_top10k", "cisco_top20k", "digitalside",
        "majestic_million", "moz-top500", "tranco10k",
    }
)  # fmt: skip
# Built in (mithaq.model.benign), too large for what they say, or of values that indicators here have none of.
_LEFT = frozenset(
    {
        "google-chrome-crux-1million", "ipv6-linklocal", "microsoft-azure-appid", "multicast",
        "phone_numbers", "common-contact-emails", "rfc1918", "rfc3849", "rfc5735", "rfc6598", "tranco",
    }
)  # fmt: skip
_MAIL = frozenset({"disposable-email"})
_LISTS = "pymispwarninglists/data/misp-warninglists/lists"


class _File(msgspec.Struct):
    list: list[str]


def known_here(settings: config.Benign) -> Benign:
    """Return what is known to be harmless on a node: the lists that ship, as its settings have them, and its own.

    Raises:
        InvalidConfig: what is ours, or evil, is no address, network or name.
    """
    made = Benign()
    know_anew(made, settings)
    return made


def known_where(written: str) -> Benign:
    """Return what is known to be harmless where settings are as ``written``, in JSON; empty: none.

    Raises:
        InvalidConfig: as ``known_here``.
    """
    return known_here(msgspec.json.decode(written or "{}", type=config.Benign))


def know_anew(benign: Benign, settings: config.Benign) -> None:
    """Let what is known to be harmless be what other settings say.

    Raises:
        InvalidConfig: as ``known_here``.
    """
    own = [_meant(written) for written in settings.own]
    addresses = [each.text for each in own if each.kind != "domain"]
    names = [each.text for each in own if each.kind == "domain"]

    def supply(family: Family) -> Iterator[Listed]:
        if family == "address" and addresses:
            yield _own(OWN_ADDRESSES, family, addresses)
        if family in {"name", "mail"} and names:
            yield _own(OWN_NAMES, family, names)
        yield from lists(family)

    benign.become(
        supply,
        effects={name: Effect(effect) for name, effect in settings.lists.items()},
        allowed=frozenset(_meant(written, any_kind=True).text for written in settings.evil),
    )


def as_settings_write(written: str, *, any_kind: bool) -> str:
    """Return a value that somebody rules on as settings write it.

    Args:
        any_kind: not only addresses, networks and names.

    Raises:
        InvalidConfig: it is none.
    """
    return _meant(written, any_kind=any_kind).text


def _own(name: str, family: Family, entries: list[str]) -> Listed:
    return Listed(name=name, family=family, effect=Effect.SUPPRESS, entries=entries, hosts=True)


def _meant(written: str, *, any_kind: bool = False) -> Value:
    found = recognised(written)
    if found is None and any_kind:
        return Value("", written.strip().lower())  # a digest
    if found is None or not (any_kind or found.kind in {"ipv4", "ipv6", "domain"}):
        raise InvalidConfig(f"benign: {written!r} is no address, network or name", key="benign")
    return found


def lists(family: Family) -> Iterator[Listed]:
    """Yield the lists of a family, by name."""
    for name, folder in sorted(_folders().items()):
        if family in _families(name):
            yield Listed(
                name=name,
                family=family,
                effect=Effect.SUPPRESS if name in _KEPT[family] else _SAID,
                entries=msgspec.json.decode(
                    folder.joinpath("list.json").read_bytes(), type=_File
                ).list,
                below=name not in _POPULAR,
            )


@cache
def _folders() -> Mapping[str, Path]:
    """Return where each list lies; the package itself is not loaded, for that takes a second."""
    root = Path(str(distribution("pymispwarninglists").locate_file(_LISTS)))
    return {each.name: each for each in root.iterdir() if each.name not in _LEFT}


def _families(name: str) -> frozenset[Family]:
    """Return the families of a list; one that we do not know is of addresses, as nearly all new ones are."""
    if name in _MAIL:
        return frozenset({"mail"})
    kept = frozenset(family for family, names in _KEPT.items() if name in names)
    return kept or frozenset[Family]({"name" if name in _NAMES else "address"})
