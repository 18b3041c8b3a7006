"""Bugs that leak, planted one at a time: the oracle, the cases or the golden world must notice each.

Each bug is one change of a module's text; the policy is imported anew with it, and put back after. Modelled on
what has leaked elsewhere: a granular marking dropped, the first marking wins, an approver who is the author.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader  # noqa: TID251 to plant a bug
from importlib.util import find_spec, spec_from_file_location  # noqa: TID251 to plant a bug
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

anew = importlib.import_module  # noqa: TID251 what was forgotten has to be imported again
WORLD = Path(__file__).parents[2].parent / "shared" / "golden" / "world1.json"
ANEW = ("mithaq.policy", "tests.unit.policy", "tests.golden")
WORLDS = 1500  # seeds tried at most; nearly every bug shows within fifty

BUGS = [
    # markings
    ("views", "        candidate.label_floor,\n", ""),
    ("views", "join(read.label, label)", "label"),
    ("views", "label=join(read.label, *kept)", "label=read.label"),
    ("views", "        if not permits_level(clause, join(read.label, label))\n", "        if False\n"),
    ("views", "beside.tlp > (borne.tlp or Tlp.CLEAR)", "borne.tlp is None"),
    ("permit", "if label.tlp is None or label.unresolved:", "if label.tlp is None:"),
    ("permit", "at <= self.tlp or at in self.named", "at <= max(self.tlp, *self.named, Tlp.CLEAR)"),
    ("permit", " and label.pap <= action_level(clause)", ""),
    ("permit", "        yield Reason(rule=Rule.UNMARKED)\n", "        pass\n"),
    ("permit", "label.embargo is not None and situation.instants.opens < label.embargo", "False"),
    ("permit", "situation.instants.opens < label.embargo", "situation.instants.opens <= label.embargo"),
    ("permit", "situation.instants.closes >= label.expiry", "situation.instants.closes > label.expiry"),
    ("permit", "situation.purpose not in label.purposes", "not label.purposes"),
    # clauses
    ("permit", "        if against is None:\n            return clause, ()\n", "        return clause, ()\n"),
    ("permit", "if not clause.covers(situation.us, peer.name):", "if False:"),
    ("permit", 'found |= {name, name.partition(".")[0]}', "found |= {name}"),
    # whose it is, and what may be passed on
    ("permit", "{candidate.owner, candidate.sent_by, candidate.voucher}", "{candidate.owner}"),
    ("permit", "if candidate.own or label.tlp is None:", "if True:"),
    ("permit", "return yes and at is Tlp.AMBER_STRICT", "return yes"),
    ("permit", 'return inside and candidate.onward != "none"', "return inside"),
    ("permit", "return inside and peer.name in candidate.via_parties", "return inside"),
    ("permit", "return yes or (scoped and peer.name in candidate.via_parties)", "return yes or scoped"),
    ("permit", "candidate.object.version, peer.name, situation", "c.version, peer.name, situation"),
    ("permit", "at <= Tlp.GREEN or (at is Tlp.AMBER and peer.need_to_know)", "at <= Tlp.AMBER"),
    ("permit", "label.originator_control and not yes", "False"),
    ("permit", "not chosen <= peer.readers", "not chosen & peer.readers"),
    ("permit", "label.tlp is Tlp.AMBER and agreement.recall", "False and agreement.recall"),
    # references
    ("decide", "pointer in made.reading.required", "False"),
    ("decide", "who <= self._emission.have(target) or who <= self._has(target)", "who & self._has(target)"),
    ("decide", "any(who <= self._has(target) for target in named)", "named"),
    ("grounds", "        if made.reading.sco:\n            return Rule.SCO_PARTIAL\n", ""),
    ("grounds", "made.reading.candidate.relayed and not sink", "False"),
    ("known", "(ours or not many)", "True"),
    ("known", "        self._recall(Orders(situation, agreement), candidates)\n", ""),
    ("emission", "        return self._users.get(id_, [])\n", "        return []\n"),
    # views
    ("grounds", "        elif not is_valid(seen):", "        elif False:"),
    ("shown", "_but_time(latest.body) == _but_time(seen.body)", "False"),
    ("shown", "first is not None and seen.digest != first.view", "False"),
    ("shown", "not candidate.newest and not stands", "False"),
    ("decide", "if made.shape != chosen.shape:", "if False:"),
    ("redact", "selector_of(moves[at])", 'selector_of(tuple(at[1:].split("/")))'),
    ("redact", "if len(self.fell) > before and not left:", "if False:"),
    # persons
    ("persons", "not in {approval.proposer, candidate.author}", "not in {approval.proposer}"),
    ("persons", "not in {approval.proposer, candidate.author}", "not in {candidate.author}"),
    ("persons", "return bound and peer in approval.peers and", "return bound and"),
    ("persons", " and cleared and seen_to", " and seen_to"),
    ("persons", "(level < Tlp.RED and not candidate.lowers)", "not candidate.lowers"),
    ("persons", "(level < Tlp.RED and not candidate.lowers)", "level < Tlp.RED"),
    ("persons", "        terms,\n        seen.digest,\n", "        terms,\n        approval.view,\n"),
    ("persons", "        terms,\n        seen.digest,\n", "        approval.agreement_digest,\n        seen.digest,\n"),
    ("persons", "candidate.lowers or ", ""),
    ("persons", "or not candidate.own", ""),
    ("persons", 'if any("policy-owner" in a.approver.roles and', "if any("),
    ("persons", "in a.approver.roles and not a.standing for", "in a.approver.roles for"),
    ("grounds", "row is not None and row.view == seen.digest", "row is not None"),
    # recall
    ("known", "order.by == owner and this", "this"),
    ("known", "else moment(stored.version) <= moment(order.issued)", "else True"),
    ("grounds", "if any(order.view == seen.digest for order in orders):", "if False:"),
]  # fmt: skip


class _Planted(SourceFileLoader):
    def __init__(self, name: str, path: str, change: tuple[str, str]) -> None:
        super().__init__(name, path)
        self.change = change

    def get_code(self, fullname: str) -> CodeType:
        text = Path(self.path).read_text("utf-8")
        old, new = self.change
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {self.path}"
        return compile(text.replace(old, new), self.path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, module: str, path: str, change: tuple[str, str]) -> None:
        self.module, self.path, self.change = module, path, change

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        loader = _Planted(fullname, self.path, self.change)
        return spec_from_file_location(fullname, self.path, loader=loader)


@contextmanager
def planted(module: str, change: tuple[str, str]) -> Iterator[None]:
    """Import the policy and what tests it anew, with one text changed; put all back after."""
    path = str(find_spec(module).origin)
    before = {n: m for n, m in sys.modules.items() if n.startswith(ANEW)}
    finder = _Finder(module, path, change)
    _forget()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget()
        sys.modules.update(before)
        for name, old in before.items():
            _bind(name, old)


def _forget() -> None:
    for name in [n for n in sys.modules if n.startswith(ANEW)]:
        del sys.modules[name]


def _bind(name: str, module: ModuleType) -> None:
    parent, _, last = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], last, module)


def noticed(worlds: int = WORLDS) -> bool:
    """Say whether any of the three judges finds fault with the policy as it is imported now."""
    return _by_the_golden_world() or _by_the_cases() or _by_the_oracle(worlds)


def _by_the_oracle(many: int) -> bool:
    worlds = anew("tests.unit.policy.worlds")
    agreeing = anew("tests.unit.policy.agreeing")
    kinds = ("bilateral", "forum", "grant", "forum")
    return any(agreeing.differences(worlds.world(n, kinds[n % 4])) for n in range(many))


def _by_the_cases() -> bool:
    cases = vars(anew("tests.unit.policy.test_cases"))
    try:
        for name, case in cases.items():
            if name.startswith("test_"):
                for given in _table(case):
                    case(**given)
    except Exception:  # noqa: BLE001 whatever breaks a case is a bug noticed
        return True
    return False


def _table(case: Any) -> list[dict[str, Any]]:
    """Return what each run of a case is given: the rows of its table, or nothing, once."""
    given: list[dict[str, Any]] = [{}]
    for mark in getattr(case, "pytestmark", []):
        names, rows = mark.args
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        told = [dict(zip(names, [row] if len(names) == 1 else row, strict=True)) for row in rows]
        given = [one | more for one in given for more in told]
    return given


def _by_the_golden_world() -> bool:
    if not WORLD.exists():
        return False
    golden = anew("tests.golden.test_world1")
    world = json.loads(WORLD.read_text("utf-8"))
    found = golden.outcomes(world)
    return any(
        golden.difference(r, found[r["agreement"], r["peer"], r["key"]]) for r in world["expected"]
    )


@pytest.mark.parametrize(("room", "old", "new"), BUGS)
def test_a_planted_bug_is_noticed(room, old, new):
    with planted(f"mithaq.policy.{room}", (old, new)):
        assert noticed()


def test_without_a_bug_nothing_is_noticed():
    with planted(
        "mithaq.policy.emission", ("Audience = frozenset[str]\n", "Audience = frozenset[str]\n\n")
    ):
        assert not noticed(worlds=100)
