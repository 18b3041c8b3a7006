"""What the console says: each part of it has its words, and all are read as one."""

from functools import cache

from mithaq.languages import Catalogue, catalogue

PARTS = ("mithaq.web", "mithaq.web.account", "mithaq.web.watch")


@cache
def sentences(language: str) -> Catalogue:
    """Return everything that the console says in a language."""
    parts = [catalogue(part, language) for part in PARTS]
    return Catalogue(
        parts[0].language, {key: said for part in parts for key, said in part.sentences.items()}
    )
