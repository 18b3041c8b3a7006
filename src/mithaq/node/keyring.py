"""Our exchange keys: of those that our key document names and whose files are here, the newest that counts signs."""

from collections.abc import Sequence
from pathlib import Path

from mithaq.clock import Clock, text
from mithaq.errors import Fault
from mithaq.seal.documents import KeyDocument
from mithaq.seal.keys import KeySigner, decode, from_pem


class Keyring:
    """A ``Signer`` that turns to the next key at its instant, in every process alike (border.md 9.3)."""

    def __init__(self, first: Path, clock: Clock) -> None:
        """Know where the keys lie: the first one's file, and beside it those that follow.

        Raises:
            BadKey: a key cannot be read; FileNotFoundError: the first one is not there.
        """
        self._first = first
        self._clock = clock
        self._keys: Sequence[tuple[str, KeySigner]] = [("", from_pem(first.read_bytes()))]
        self.version = 0  # of the document that was read

    def beside(self, name: str) -> Path:
        """Return where the key of that id lies."""
        return self._first.with_name(f"{self._first.stem}-{name.removeprefix('sha256:')[:16]}.pem")

    def read(self, document: KeyDocument) -> None:
        """Take the keys that ``document`` names and has not revoked.

        Raises:
            Fault: the file of none of them is here, so nothing can be signed.
        """
        found = self.here(document)
        if not found:
            raise Fault("no exchange key that our key document names is in the home")
        self._keys = found
        self.version = document.version

    def here(self, document: KeyDocument) -> Sequence[tuple[str, KeySigner]]:
        """Return the keys here that ``document`` names and has not revoked, each with the instant it begins."""
        files = sorted(self._first.parent.glob(f"{self._first.stem}*.pem"))
        here = {key.public: key for key in (from_pem(file.read_bytes()) for file in files)}
        gone = {entry.key for entry in document.revoked}
        named = [(key.not_before, here.get(decode(key.public))) for key in document.exchange]
        found = [(at, key) for at, key in named if key is not None and key.keyid not in gone]
        return sorted(found, key=lambda each: each[0])

    @property
    def _current(self) -> KeySigner:
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
