"""Which constants each operator of a STIX pattern takes (STIX 2.1 section 9.6.1), told before anything is compared."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from mithaq.detect.regexes import BadRegex, regex
from mithaq.detect.stix.language import Comparison, Constant, Operator, refusal

Network: TypeAlias = IPv4Network | IPv6Network

_ORDERED = {Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST}
_OF_TEXT = {Operator.LIKE, Operator.MATCHES, Operator.SUBSET, Operator.SUPERSET}
_MOST_LIKE = 1024  # signs of a text with wildcards


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
    if operator is Operator.MATCHES:
        try:
            regex(str(constants[0]), lines=True)
        except BadRegex as error:
            raise refusal("expression", str(error), at=at) from None
    if operator is Operator.LIKE and len(str(constants[0])) > _MOST_LIKE:
        raise refusal("constant", "LIKE takes a shorter text", at=at, most=_MOST_LIKE)
    if operator in {Operator.SUBSET, Operator.SUPERSET} and network(str(constants[0])) is None:
        raise refusal("network", "no address and no network", at=at)
    return asked


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
