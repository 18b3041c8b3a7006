"""Codes of countries: ISO 3166-1 alpha-2, as assigned; and those that it leaves to its users (AA, QM-QZ, XA-XZ, ZZ).

Users' codes serve what has no code of its own, exercises and examples. ``EU`` and ``UN`` are no countries, but the
standard reserves them, and organisations that answer for no single country bear them.
"""

import re

_ASSIGNED = {  # by the first letter: the second
    "A": "DEFGILMOQRSTUWXZ",
    "B": "ABDEFGHIJLMNOQRSTVWYZ",
    "C": "ACDFGHIKLMNORUVWXYZ",
    "D": "EJKMOZ",
    "E": "CEGHRST",
    "F": "IJKMOR",
    "G": "ABDEFGHILMNPQRSTUWY",
    "H": "KMNRTU",
    "I": "DELMNOQRST",
    "J": "EMOP",
    "K": "EGHIMNPRWYZ",
    "L": "ABCIKRSTUVY",
    "M": "ACDEFGHKLMNOPQRSTUVWXYZ",
    "N": "ACEFGILOPRUZ",
    "O": "M",
    "P": "AEFGHKLMNRSTWY",
    "Q": "A",
    "R": "EOSUW",
    "S": "ABCDEGHIJKLMNORSTVXYZ",
    "T": "CDFGHJKLMNORTVWZ",
    "U": "AGMSYZ",
    "V": "ACEGINU",
    "W": "FS",
    "Y": "ET",
    "Z": "AMW",
}
_USERS = re.compile(r"AA|Q[M-Z]|X[A-Z]|ZZ")
_RESERVED = frozenset({"EU", "UN"})
_FORM = re.compile(r"[A-Z]{2}")


def is_country(code: str) -> bool:
    """Say whether ``code`` is one that a country, or whoever acts like one here, may bear."""
    if not looks_like_one(code):
        return False
    assigned = code[1] in _ASSIGNED.get(code[0], "")
    return assigned or code in _RESERVED or _USERS.fullmatch(code) is not None


def looks_like_one(code: str) -> bool:
    """Say whether ``code`` is written as one: two capital letters."""
    return _FORM.fullmatch(code) is not None
