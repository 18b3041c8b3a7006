"""A wire in bad weather: it loses, cuts, doubles, reorders, delays, replays, parts and forges, by its seed alone."""

import random
from dataclasses import dataclass, field

from mithaq.exchange.transport import sign
from mithaq.exchange.wire import PeerUnreachable, Response
from tests.values import replace


@dataclass
class Storm:
    """Faults of a wire; ``calm`` ends them. What it did is counted."""

    seed: int
    rate: float = 0.3
    did: dict = field(default_factory=dict)
    past: list = field(default_factory=list)  # (sender, host, request, answer) seen on the wire
    late: list = field(default_factory=list)  # (host, request) held back
    apart: set = field(default_factory=set)  # (sender, host): nothing gets from one to the other
    signers: dict = field(default_factory=dict)  # by nation: for old frames in new requests
    over: bool = False

    def __post_init__(self):
        self.chance = random.Random(self.seed)

    def calm(self):
        self.over = True
        self.apart.clear()

    def part(self, names):
        """Part the nations in two for a while: nothing passes between them, or nothing in one direction."""
        some = set(self.chance.sample(names, self.chance.randint(1, len(names) - 1)))
        rest = [name for name in names if name not in some]
        here = {(one, f"{other}.example") for one in sorted(some) for other in rest}
        there = {(other, f"{one}.example") for one in sorted(some) for other in rest}
        way = self.chance.choice(["both", "out"])
        self.apart = here | there if way == "both" else here
        self._count(f"part-{way}")

    def _count(self, what):
        self.did[what] = self.did.get(what, 0) + 1

    def __call__(self, wire, sender, request):
        """Answer in place of the wire, raise, or leave it alone."""
        host = request.url.split("/")[2]
        if self.over:
            return None
        while self.late and self.chance.random() < self.rate:
            wire.deliver(*self.late.pop(self.chance.randrange(len(self.late))))
        if (sender, host) in self.apart:
            raise PeerUnreachable("parted")
        if (host.removesuffix(".example"), f"{sender}.example") in self.apart:
            self._deliver(wire, sender, host, request)  # it arrives, and the answer does not
            raise PeerUnreachable("parted")
        if self.chance.random() > self.rate:
            return self._deliver(wire, sender, host, request)
        what = self.chance.choice(
            ["lose", "lose-answer", "double", "delay", "bend", "bend-answer", "cut", "cut-answer",
             "swap-answer", "replay", "old-frame", "misdirect"]
        )  # fmt: skip
        self._count(what)
        return getattr(self, "_" + what.replace("-", "_"))(wire, sender, host, request)

    def _deliver(self, wire, sender, host, request):
        answer = wire.deliver(host, request)
        self.past.append((sender, host, request, answer))
        return answer

    def _lose(self, wire, sender, host, request):
        raise PeerUnreachable("lost")

    def _lose_answer(self, wire, sender, host, request):
        self._deliver(wire, sender, host, request)
        raise PeerUnreachable("lost")

    def _double(self, wire, sender, host, request):
        wire.deliver(host, request)
        return self._deliver(wire, sender, host, request)

    def _delay(self, wire, sender, host, request):
        self.late.append((host, request))
        raise PeerUnreachable("late")

    def _bend(self, wire, sender, host, request):
        if request.body:
            return wire.deliver(host, replace(request, body=self._bent(request.body)))
        signature = request.headers.get("signature", "")
        headers = {**request.headers, "signature": signature.swapcase()}
        return wire.deliver(host, replace(request, headers=headers))

    def _bend_answer(self, wire, sender, host, request):
        answer = self._deliver(wire, sender, host, request)
        return replace(answer, body=self._bent(answer.body))

    def _cut(self, wire, sender, host, request):
        """Let the line break in the middle of the body; what arrived is all that arrived."""
        whole = request.body
        wire.deliver(host, replace(request, body=whole[: self.chance.randrange(len(whole) + 1)]))
        raise PeerUnreachable("cut")

    def _cut_answer(self, wire, sender, host, request):
        answer = self._deliver(wire, sender, host, request)
        return replace(answer, body=answer.body[: self.chance.randrange(len(answer.body) + 1)])

    def _swap_answer(self, wire, sender, host, request):
        """Give an answer to another question: another channel's frames, another recipient's, an old page."""
        self._deliver(wire, sender, host, request)
        alike = [past for _, _, past_request, past in self.past if past_request.method == "GET"]
        return self.chance.choice(alike) if alike else Response(status=200)

    def _replay(self, wire, sender, host, request):
        if self.past:
            _, there, old, _ = self.chance.choice(self.past)
            wire.deliver(there, old)
        return self._deliver(wire, sender, host, request)

    def _old_frame(self, wire, sender, host, request):
        """Bring again what the sender brought some time ago, signed anew as only the sender can."""
        brought = [
            (to, old)
            for of, to, old, _ in self.past
            if of == sender and old.method == "POST" and of in self.signers
        ]
        if brought:
            to, old = self.chance.choice(brought)
            kept = {k: v for k, v in old.headers.items() if k in {"accept", "content-type"}}
            signer, now = self.signers[sender]
            wire.deliver(to, sign(replace(old, headers=kept), signer, now()))
        return self._deliver(wire, sender, host, request)

    def _misdirect(self, wire, sender, host, request):
        return wire.deliver(self.chance.choice(sorted(wire.listeners)), request)

    def _bent(self, body):
        if not body:
            return b"\x00"
        at = self.chance.randrange(len(body))
        return body[:at] + bytes([body[at] ^ 1 << self.chance.randrange(8)]) + body[at + 1 :]
