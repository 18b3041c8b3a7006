"""Whose an event is: the machine of ours that it is about, as its log source names it."""

from functools import lru_cache
from ipaddress import ip_address

from mithaq.model.telemetry import Event

# In this order: what names a machine, then what names the address it had. Windows, ECS, OCSF, NXLog; Zeek, EVE.
_NAMES = (
    "Computer", "Hostname", "host.name", "host.hostname", "device.hostname", "ComputerName", "hostname", "node",
    "id.orig_h", "src_ip", "source.ip", "src_endpoint.ip",
)  # fmt: skip
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_LONGEST = 255  # characters of a name, as of one in DNS


def of(event: Event) -> str:
    """Return the name of the machine, as the same letters whoever wrote them; empty: the event names none."""
    for name in sorted(event.fields.keys() & _PLACES.keys(), key=_PLACES.__getitem__):
        said = event.fields[name]
        if isinstance(said, str) and said:
            return said[:_LONGEST].casefold()
    return ""


@lru_cache(maxsize=1 << 14)
def is_inside(name: str) -> bool:
    """Say whether it may be a machine of ours: not if all that is known of it is an address of the open net."""
    try:
        return not ip_address(name).is_global
    except ValueError:
        return True
