"""GET the whole bundle with a token over loopback, against the same server sending the same pages."""

import json

import httpx2
import msgspec

from mithaq.exchange.asgi import VARIABLE
from mithaq.exchange.visit import Settings
from mithaq.node.build import CURSOR_KEY
from tests.bench.common import (
    Figure,
    client_of,
    collection,
    given_to_client,
    granian,
    pages,
    timed,
)
from tests.federation.world import Federation


def reads(folder):
    federation = Federation(folder / "read")
    node = federation.nation("aurelia", "QM")
    headers = client_of(node)
    given_to_client(node)
    told = Settings(
        url=node.us.url,
        shelf_url=node.config.shelf_url,
        spool_url=node.config.spool_url,
        cursor_key_path=str(node.config.home / CURSOR_KEY),
        realm="live",
    )
    with granian(
        "mithaq.exchange.asgi:app_from_environment", {VARIABLE: msgspec.json.encode(told).decode()}
    ) as port:
        base = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=base, headers=headers, timeout=60) as http:
            path = collection(http)
            found = [page.content for page in pages(http, path)]
            ours = min(timed(lambda: pages(http, path))[0] for _ in range(5))
    kept = folder / "pages.json"
    kept.write_text(json.dumps([page.decode("latin-1") for page in found]))
    with granian("tests.bench.still:app", {"BENCH_PAGES": str(kept)}) as port:
        base = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=base, timeout=60) as http:
            still = min(
                timed(lambda: [http.get(f"/{at}").content for at in range(len(found))])[0]
                for _ in range(5)
            )
    federation.close()
    count = sum(len(json.loads(page).get("objects", [])) for page in found)
    yield Figure(
        "GET with a token, against the same server sending the same pages", f"{still / ours:.2f}", "0.20",
        f"{count:,} objects, {sum(map(len, found)) / 1e6:.0f} MB in {len(found)} pages:"
        f" {ours:.2f} s, {still:.2f} s; {count / ours:,.0f} objects a second",
    )  # fmt: skip
