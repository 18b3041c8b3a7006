"""Where telemetry comes from: files, folders, pipes and whatever brings it, whole or as it comes."""

from mithaq.ingest.telemetry.files import files, read, sifted, stream
from mithaq.ingest.telemetry.following import Batch, Cursor, Following
from mithaq.ingest.telemetry.opening import opened
from mithaq.ingest.telemetry.source import NoSource, Source, Taken, Ways

__all__ = [
    "Batch", "Cursor", "Following", "NoSource", "Source", "Taken", "Ways", "files", "opened", "read", "sifted",
    "stream",
]  # fmt: skip
