"""A server that sends pages as they lie in memory: the limit of what the same machine and server can do."""

import json
import os
from pathlib import Path


def app():
    """Build the application: ``/N`` answers page N."""
    written = json.loads(Path(os.environ["BENCH_PAGES"]).read_text("utf-8"))
    pages = [page.encode("latin-1") for page in written]

    async def answer(scope, _receive, send):
        body = pages[int(scope["path"].strip("/"))]
        headers = [(b"content-type", b"application/taxii+json;version=2.1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer
