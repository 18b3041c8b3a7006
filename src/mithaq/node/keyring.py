"""Our exchange keys: of those that our key document names and whose files are here, the newest that counts signs."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from mithaq.border import peers
from mithaq.clock import Clock, text
from mithaq.errors import Conflict
from mithaq.seal.documents import KeyDocument
from mithaq.seal.keys import BadKey, KeySigner, decode, from_pem
from mithaq.store.parties import document_versions


class NoExchangeKey(Conflict):
    """No exchange key that our key document names can be read in the home: nothing can be signed."""

    code = "no-exchange-key"


class Keyring:
    """A ``Signer`` that turns to the next key at its instant, in every process alike (border.md 9.3)."""

    def __init__(self, party: str, first: Path, clock: Clock) -> None:
        """Know whose keys they are and where they lie: the first one's file, and beside it those that follow."""
        self._party = party
        self._first = first
        self._clock = clock
        self._keys: Sequence[tuple[str, KeySigner]] = ()
        self._version = 0  # of the document that was read

    def beside(self, name: str) -> Path:
        """Return where the key of that id lies."""
        return self._first.with_name(f"{self._first.stem}-{name.removeprefix('sha256:')[:16]}.pem")

    def follow(self, unit: Connection) -> None:
        """Take the keys of our newest key document.

        Every unit of work on core begins with this, so that none signs by a key that is revoked before it.
        """
        if max(document_versions(unit, self._party), default=0) <= self._version:
            return
        document = peers.document_of(unit, self._party)
        if document is not None:
            self._keys = self.here(document)
            self._version = document.version

    def here(self, document: KeyDocument) -> Sequence[tuple[str, KeySigner]]:
        """Return the keys here that ``document`` names and has not revoked, each with the instant it begins."""
        files = sorted(self._first.parent.glob(f"{self._first.stem}*.pem"))
        here = {key.public: key for key in map(_read, files) if key is not None}
        gone = {entry.key for entry in document.revoked}
        named = [(key.not_before, here.get(decode(key.public))) for key in document.exchange]
        found = [(at, key) for at, key in named if key is not None and key.keyid not in gone]
        return sorted(found, key=lambda each: each[0])

    @property
    def lost(self) -> bool:
        """Say whether there is nothing to sign with."""
        return not self._keys

    @property
    def _current(self) -> KeySigner:
        if not self._keys:
            raise NoExchangeKey(
                f"no exchange key that our key document names can be read beside {self._first}"
            )
        at = text(self._clock())
        started = [key for begins, key in self._keys if begins <= at]
        return started[-1] if started else self._keys[0][1]

    @property
    def keyid(self) -> str:
        """See ``Signer``."""
        return self._current.keyid

    @property
    def public(self) -> bytes:
        """See ``Signer``."""
        return self._current.public

    def sign(self, message: bytes) -> bytes:
        """See ``Signer``."""
        return self._current.sign(message)


def _read(file: Path) -> KeySigner | None:
    """Return a file's key; None if it cannot be read: then it is lost, as if the file were."""
    try:
        return from_pem(file.read_bytes())
    except (BadKey, OSError):
        return None
