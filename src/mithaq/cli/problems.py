"""An error as people and programs are told it: one sentence, its code, and what to do."""

import json
import traceback

from mithaq.cli.common import BadUsage
from mithaq.cli.exits import Found
from mithaq.cli.screen import Screen
from mithaq.errors import MithaqError


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
    said = screen.words.say("error.form", sentence=_sentence(screen, error), code=error.code)
    screen.line(said, style="bold", console=screen.err)
    detail = str(error)
    if screen.words.language != "en" and not isinstance(error, BadUsage) and detail:
        screen.line(screen.words.say("error.detail", detail=detail), console=screen.err)
    key = _key(screen, error, "do")
    if key:
        screen.line(screen.words.say("error.do", todo=screen.words.say(key)), console=screen.err)


def _sentence(screen: Screen, error: MithaqError) -> str:
    """Say what happened: in English as it was raised, which is exact; else by its code."""
    if isinstance(error, BadUsage):
        return screen.words.say(f"error.{error.code}.says", **error.facts)
    if screen.words.language == "en" or isinstance(error, Found):
        return str(error)
    return screen.words.say(_key(screen, error, "says") or "error.fault.says")


def _key(screen: Screen, error: MithaqError, which: str) -> str:
    """Return the key of the sentence for the error's own code, or for the nearest of its kinds."""
    kinds = (kind.code for kind in type(error).__mro__ if issubclass(kind, MithaqError))
    for code in (error.code, *kinds):
        if screen.has(f"error.{code}.{which}"):
            return f"error.{code}.{which}"
    return ""
