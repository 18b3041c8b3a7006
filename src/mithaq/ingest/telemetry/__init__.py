"""Where telemetry comes from: files, folders and pipes, whole or as they grow."""

from mithaq.ingest.telemetry.files import files, read, stream
from mithaq.ingest.telemetry.following import Batch, Cursor, Following

__all__ = ["Batch", "Cursor", "Following", "files", "read", "stream"]
