"""The options that every command takes, wherever they stand on the line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mithaq.errors import InputError
from mithaq.languages import LANGUAGES, preferred

VALUED: Mapping[str, str] = {"--home": "home", "--language": "language", "--as": "actor"}
FLAGS: Mapping[str, str] = {"--json": "as_json", "--debug": "debug"}
METAVARS: Mapping[str, str] = {"--home": "DIR", "--language": "|".join(LANGUAGES), "--as": "NAME"}


class BadUsage(InputError):
    """The line cannot be read as a command; ``code`` is ``usage-`` and the cause."""

    code = "usage"

    def __init__(self, cause: str, **facts: str) -> None:
        """Name the cause, whose sentence stands in the catalogues."""
        super().__init__(cause, **facts)
        self.code = f"usage-{cause}"


UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def span(written: str) -> timedelta:
    """Read ``90d``, ``12h`` or ``2w``.

    Raises:
        BadUsage: it is none of these.
    """
    count, unit = written[:-1], written[-1:]
    if unit not in UNITS or not count.isdecimal() or len(count) > 4:  # noqa: PLR2004 27 years of days
        raise BadUsage("bad-time", name=written)
    return UNITS[unit] * int(count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every command is told."""

    home: str = ""
    language: str = ""
    actor: str = ""
    by_hand: bool = False  # that is who the line says, and not the environment
    as_json: bool = False
    debug: bool = False


def split(args: Sequence[str], environment: Mapping[str, str]) -> tuple[Common, list[str]]:
    """Take the common options out of a command line; return them and what is left.

    The environment stands in for what is not given: MITHAQ_HOME, MITHAQ_LANG or the locale, MITHAQ_ACTOR.

    Raises:
        BadUsage: one of them lacks its value, or there is no such language.
    """
    given = {
        "home": environment.get("MITHAQ_HOME", ""),
        "actor": environment.get("MITHAQ_ACTOR", ""),
    }
    said: set[str] = set()
    flags: set[str] = set()
    rest: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            rest += [word, *words]
            break
        name, equals, value = word.partition("=")
        if name in VALUED:
            said.add(name)
            given[VALUED[name]] = value if equals else _next(words, name)
        elif word in FLAGS:
            flags.add(FLAGS[word])
        else:
            rest.append(word)
    common = Common(
        home=given["home"],
        language=given.get("language", preferred(environment)),
        actor=given["actor"],
        by_hand="--as" in said,
        as_json="as_json" in flags,
        debug="debug" in flags,
    )
    return common, rest


def _next(words: Iterator[str], name: str) -> str:
    value = next(words, None)
    if value is None:
        raise BadUsage("no-value", name=name)
    return value


def language_of(args: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language to speak, even if the line cannot be read as a whole.

    Raises:
        BadUsage: there is no such language.
    """
    asked = preferred(environment)
    for at, word in enumerate(args):
        name, equals, value = word.partition("=")
        if name == "--language":
            asked = value if equals else next(iter(args[at + 1 :]), asked)
    if asked not in LANGUAGES:
        raise BadUsage("language", name=asked, known=", ".join(LANGUAGES))
    return asked


def home_of(common: Common) -> Path:
    """Return the node's home.

    Raises:
        BadUsage: none is named.
    """
    if not common.home:
        raise BadUsage("no-home")
    return Path(common.home).expanduser().absolute()
