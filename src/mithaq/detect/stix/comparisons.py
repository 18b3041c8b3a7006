"""Which constants each operator of a STIX pattern takes (STIX 2.1 section 9.6.1), told before anything is compared."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

import re2

from mithaq.detect.stix.language import Comparison, Constant, Operator, refusal

Network: TypeAlias = IPv4Network | IPv6Network

_ORDERED = {Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST}
_OF_TEXT = {Operator.LIKE, Operator.MATCHES, Operator.SUBSET, Operator.SUPERSET}
_MEMORY = 1 << 20  # bytes that an expression of RE2 may take


def comparison(asked: Comparison, at: int) -> Comparison:
    """Return a comparison that can be made.

    Raises:
        PatternRefused: its operator takes no such constant, or the constant is no expression or network.
    """
    constants, operator = asked.constants, asked.operator
    if operator in _OF_TEXT and not isinstance(constants[0], str):
        raise refusal("constant", f"{operator.value} takes a text", at=at)
    if operator in _ORDERED and isinstance(constants[0], bool):
        raise refusal("constant", "true and false have no order", at=at)
    if operator is Operator.IN and len({_sort(each) for each in constants}) > 1:
        raise refusal("set", "a set holds values of one type", at=at)
    if operator is Operator.MATCHES and expression(str(constants[0])) is None:
        raise refusal(
            "expression", "no regular expression, or one that only backtracking answers", at=at
        )
    if operator in {Operator.SUBSET, Operator.SUPERSET} and network(str(constants[0])) is None:
        raise refusal("network", "no address and no network", at=at)
    return asked


@lru_cache(maxsize=4096)
def expression(written: str) -> "re2._Regexp[str] | None":
    """Return a regular expression of RE2, in which a dot is any sign; None if it is none."""
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(written, options)
    except re2.error:
        return None


@lru_cache(maxsize=1 << 16)
def network(written: str) -> Network | None:
    """Return an address or network; None if it is none."""
    try:
        return ip_network(written, strict=False)
    except ValueError:
        return None


def _sort(constant: Constant) -> type:
    if isinstance(constant, int | float) and not isinstance(constant, bool):
        return float
    return type(constant)
