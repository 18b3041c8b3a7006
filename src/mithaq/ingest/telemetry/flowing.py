"""Flows that routers and probes push as they end: IPFIX, NetFlow 9 and 5, by datagrams.

A record is explained by a template that its exporter sent before, so flows are read as they come and spooled as what
they say. Nothing is acknowledged: what there is no room for is dropped and counted, as is what no template explains.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from mithaq.formats.telemetry import Found, Reader, Refusal, kind
from mithaq.formats.telemetry.reading import PLAIN
from mithaq.ingest.telemetry.listening import Datagrams, Listener, place
from mithaq.ingest.telemetry.pending import Pending
from mithaq.ingest.telemetry.source import NoSource, Ways
from mithaq.ingest.telemetry.spool import Full

_EXPORTERS: Final = 1024  # whose templates are known at once


class Flowing(Listener):
    """Listens for datagrams of flows."""

    async def start(self) -> None:
        """Begin to listen."""
        self._kind = kind("netflow")
        self._readers: OrderedDict[str, Reader] = (
            OrderedDict()
        )  # of each exporter; the one heard last at the end
        self._pending = Pending(self.spooled, "json")
        where, loop = self.where, asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: Datagrams(self.datagram), local_addr=(where.host, where.port)
        )
        self._flushing = asyncio.create_task(self._pending.flush_on())

    async def stop(self) -> None:
        """Close and spool what is at hand."""
        if not hasattr(self, "_flushing"):
            return
        self._datagrams.close()
        self._flushing.cancel()
        with suppress(Full, OSError):
            await self._pending.flush()

    def datagram(self, raw: bytes, sender: str) -> None:
        """Take the flows of a datagram, or drop and count it."""
        if not self._kind.fits(raw, ""):
            self.inbox.turn_away("no datagrams of flows")
            return
        for found in self._read(raw, sender):
            if isinstance(found, Refusal):
                self.inbox.turn_away(found.why)
            elif self._pending.has_room(sender):
                self._pending.add(found.raw, sender)
            else:
                self.inbox.turn_away("flows that there was no room for")

    def _read(self, raw: bytes, sender: str) -> list[Found]:
        reader = self._readers.pop(sender, None) or self._kind.open("", PLAIN)
        self._readers[sender] = reader
        if len(self._readers) > _EXPORTERS:
            self._readers.popitem(last=False)
        return [*reader.feed(raw), *reader.end()]


def opened(text: str, ways: Ways) -> Flowing:
    """Listen at ``netflow://HOST:PORT``.

    Raises:
        NoSource: it is not possible there, or something is asked for that datagrams have not.
    """
    where = place(text, ways)
    if where.token or where.certificate or where.key:
        raise NoSource("flows come by datagrams, which know no token and no TLS")
    return Flowing(where, ways)
