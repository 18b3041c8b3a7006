"""An error as people and programs are told it: one sentence, its code, and what to do."""

import json
import re
import traceback
from collections.abc import Mapping
from functools import cache

from mithaq.cli.common import BadUsage
from mithaq.cli.exits import Found
from mithaq.cli.screen import Screen
from mithaq.errors import MithaqError
from mithaq.languages import catalogue

_PLACE = re.compile(
    r"(\S*[/.]\S*: )([^/].*)", re.DOTALL
)  # where in an object something is wrong, or in which file, and what
_FACT = re.compile(r"\\\{(\w+)\\\}")  # as ``re.escape`` writes it


def report(screen: Screen, error: MithaqError, *, debug: bool = False) -> None:
    """Print ``error`` to the error stream; never a traceback, unless ``debug``."""
    if debug:
        screen.err.out("".join(traceback.format_exception(error)), highlight=False)
    if screen.as_json:
        told = {"error": error.code, "message": _sentence(screen, error), "facts": error.facts}
        screen.err.out(json.dumps(told, ensure_ascii=False), highlight=False)
        return
    if isinstance(error, Found):
        screen.line(_sentence(screen, error), console=screen.err)
        return
    sentence = _sentence(screen, error)
    said = screen.words.say("error.form", sentence=sentence, code=error.code)
    screen.line(said, style="bold", console=screen.err)
    detail = "" if isinstance(error, BadUsage) else in_words(str(error), screen.words.language)
    if screen.words.language != "en" and detail and not _same(detail, sentence):
        screen.line(screen.words.say("error.detail", detail=detail), console=screen.err)
    key = _key(screen, error, "do")
    if key:
        screen.line(screen.words.say("error.do", todo=screen.words.say(key)), console=screen.err)


def _same(detail: str, sentence: str) -> bool:
    """Say whether both are one sentence, but for how it begins and ends."""
    return detail.casefold().rstrip(".") == sentence.casefold().rstrip(".")


def in_words(detail: str, language: str) -> str:
    """Return the exact words of an error in a reader's language; in English where nobody has put them in words.

    The floors below raise in English, whose words name the sentence: they know neither catalogues nor readers.
    """
    if language == "en":
        return detail
    for key, form in _forms().items():
        found = form.fullmatch(detail)
        if found is not None:
            return catalogue("mithaq.cli", language, "details").say(key, **found.groupdict())
    at = _PLACE.fullmatch(detail)
    return f"{at[1]}{in_words(at[2], language)}" if at is not None else detail


@cache
def _forms() -> Mapping[str, re.Pattern[str]]:
    """Return how each sentence of the catalogue is raised: its English, with whatever its facts are."""
    said = catalogue("mithaq.cli", "en", "details").sentences
    return {
        key: re.compile(_FACT.sub(r"(?P<\1>.+)", re.escape(s)), re.DOTALL)
        for key, s in said.items()
    }


def _sentence(screen: Screen, error: MithaqError) -> str:
    """Say what happened: in English as it was raised, which is exact; else by its code."""
    if isinstance(error, BadUsage):
        return screen.words.say(f"error.{error.code}.says", **error.facts)
    if screen.words.language == "en" or isinstance(error, Found):
        return str(error)
    return screen.words.say(_key(screen, error, "says") or "error.fault.says", **error.facts)


def _key(screen: Screen, error: MithaqError, which: str) -> str:
    """Return the key of the sentence for the error's own code, or for the nearest of its kinds."""
    kinds = (kind.code for kind in type(error).__mro__ if issubclass(kind, MithaqError))
    for code in (error.code, *kinds):
        if screen.has(f"error.{code}.{which}"):
            return f"error.{code}.{which}"
    return ""
