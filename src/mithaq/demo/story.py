"""The demonstration, told in the terminal while it happens; every line is about what was just done."""

import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from mithaq.border import peers
from mithaq.border.publish import Outcome
from mithaq.clock import monotonic, text
from mithaq.demo import acts, loop, nations
from mithaq.demo.acts import BILATERAL, FORUM
from mithaq.demo.incident import Incident
from mithaq.demo.nations import Nation, wait
from mithaq.demo.teller import Teller
from mithaq.errors import Fault
from mithaq.intel import Copy, Source
from mithaq.languages import catalogue
from mithaq.model.labels import Tlp
from mithaq.policy.decision import Hold, Release, Withhold
from mithaq.policy.explain import sentence

ATTACK, REPORT = "attack-subset.json", "indicator-report.json"


def run(language: str, *, leave: bool = False, console: Console | None = None) -> None:
    """Play the demonstration; without ``leave`` the nodes go on until Ctrl-C.

    Raises:
        Fault: something that must happen did not happen in time.
    """
    teller = Teller(
        words=catalogue("mithaq.demo", language),
        console=console or Console(highlight=False),
        began=monotonic(),
    )
    with ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="mithaq-demo-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        teller.say("opening")
        teller.act("act.nations")
        made = nations.found(folder)
        for nation in made:
            ends.callback(nation.node.close)
        ends.enter_context(nations.served(made))
        _introduce(teller, made)
        _play(teller, made, folder)
        teller.act("act.end")
        if not leave:
            _addresses(teller, made)
            with _told_to_end() as told:
                _invite(teller, made[1])
                told.wait()
        teller.say("ending")


def _introduce(teller: Teller, made: Sequence[Nation]) -> None:
    for nation in made:
        teller.say(
            "nation", organisation=nation.organisation, country=nation.country, url=nation.url
        )


def _play(teller: Teller, made: Sequence[Nation], folder: Path) -> None:
    aurelia, borea, corvia = made
    _keys(teller, made)
    _agreements(teller, made)
    attack, report, own, incident = _imports(teller, aurelia)
    forum = _to_forum(teller, aurelia, [*attack, *report, *own])
    bilateral = _to_borea(teller, aurelia, own, incident)
    _received(teller, (borea, corvia), (forum, bilateral))
    _stayed(teller, aurelia, own)
    _two_views(teller, borea, own, incident)
    _loop(teller, (aurelia, borea), incident, folder)
    _proof(teller, (aurelia, borea), own, (incident, folder))


def _keys(teller: Teller, made: Sequence[Nation]) -> None:
    teller.act("act.keys")
    teller.say("keys.why")
    said: dict[str, str] = {}
    for one in made:
        for other in made:
            if one is not other:
                said[other.name] = acts.meet(one, other, teller.phrase)
    for name, words in said.items():
        teller.say("keys.words", nation=name, words=words)
    teller.say("keys.done", pairs=len(made) * (len(made) - 1) // 2)


def _agreements(teller: Teller, made: Sequence[Nation]) -> None:
    teller.act("act.agreements")
    two = acts.agree(made[:2], "team-to-team", BILATERAL, teller.words.say("title.bilateral"))
    teller.say("agreed.bilateral", id=two.id, parties=", ".join(two.names))
    three = acts.agree(made, "forum", FORUM, teller.words.say("title.forum"))
    teller.say("agreed.forum", id=three.id, parties=", ".join(three.names))


def _imports(
    teller: Teller, aurelia: Nation
) -> tuple[list[Copy], list[Copy], list[Copy], Incident]:
    teller.act("act.import")
    attack = acts.import_sample(
        aurelia, ATTACK, Source(name="file:attack", kind="file", reference=True), Tlp.CLEAR
    )
    teller.say("import.attack", count=len(attack))
    members = frozenset(nation for nation, _, _ in nations.NATIONS)
    report = acts.import_sample(
        aurelia,
        REPORT,
        Source(name="file:report", kind="file", community=members, onward="open"),
        Tlp.GREEN,
    )
    teller.say("import.report", count=len(report))
    with aurelia.node.core.read() as unit:
        document = peers.document_of(unit, aurelia.name)
    if document is None:
        raise Fault("a nation without a key document", party=aurelia.name)
    now = aurelia.node.clock()
    incident = Incident(document.identities[0], text(now), text(now - timedelta(days=2)))
    own = acts.write_up(aurelia, incident)
    teller.say("import.own", count=len(own))
    names = {seen.id: str(level) for seen, level in incident.levels.items()}
    rows = [
        (copy.object.type, str(copy.object.body.get("name", "—")), f"TLP:{names[copy.object.id]}")
        for copy in own
    ]
    teller.table(("type", "name", "level"), rows)
    return attack, report, own, incident


def _to_forum(teller: Teller, aurelia: Nation, copies: Sequence[Copy]) -> Outcome:
    teller.act("act.forum")
    outcome = acts.release(aurelia, FORUM, copies)
    teller.say("forum.proposed", count=len(copies))
    _tally(teller, outcome)
    return outcome


def _to_borea(teller: Teller, aurelia: Nation, own: Sequence[Copy], incident: Incident) -> Outcome:
    teller.act("act.bilateral")
    outcome = acts.release(aurelia, BILATERAL, own)
    _tally(teller, outcome)
    grouping = _copy(own, incident.grouping.id)
    waiting = outcome.decisions["borea", grouping.seq]
    if not isinstance(waiting, Hold):
        raise Fault("the release did not wait for a second person", object=grouping.object.id)
    for reason in waiting.reasons:
        teller.line(sentence(reason, teller.language), indent=4, style="yellow")
    teller.say("bilateral.waits", name=incident.grouping.body["name"], person="omar")
    acts.second_person(aurelia, BILATERAL, grouping)
    teller.say("bilateral.approved", person="omar", proposer="ana")
    return acts.look(aurelia, BILATERAL, own)


def _tally(teller: Teller, outcome: Outcome) -> None:
    """Show how many go to each peer, wait and stay."""
    count: Counter[tuple[str, type]] = Counter()
    for (peer, _), decision in outcome.decisions.items():
        count[peer, type(decision)] += 1
    rows = [
        (peer, *(str(count[peer, kind]) for kind in (Release, Hold, Withhold)))
        for peer in dict.fromkeys(peer for peer, _ in outcome.decisions)
    ]
    teller.table(("peer", "goes", "waits", "stays"), rows)


def _received(teller: Teller, receivers: Sequence[Nation], outcomes: Sequence[Outcome]) -> None:
    teller.act("act.received")
    wanted = {
        nation.name: {
            (made.agreement.id, made.gathered.copies[seq].object.id)
            for made in outcomes
            for (peer, seq), decision in made.decisions.items()
            if peer == nation.name and isinstance(decision, Release)
        }
        for nation in receivers
    }
    for nation in receivers:
        lacks = f"{nation.name} lacks what was released to it"
        took = wait(lambda n=nation: len(acts.held(n)) >= len(wanted[n.name]), lacks)  # type: ignore[misc]
        per = Counter(agreement for agreement, _ in wanted[nation.name])
        got = {f"{agreement} {id_}" for agreement, id_ in wanted[nation.name]}
        if acts.held(nation).keys() != got:
            raise Fault("what arrived is not what was released", peer=nation.name)
        teller.say(
            "arrived",
            nation=nation.organisation,
            forum=per[FORUM],
            bilateral=per[BILATERAL],
            seconds=f"{took:.1f}",
        )
    teller.say("received.exactly")


def _stayed(teller: Teller, aurelia: Nation, own: Sequence[Copy]) -> None:
    """Say what stayed, and the clause that kept it."""
    teller.act("act.stayed")
    for agreement, peer in ((BILATERAL, "borea"), (FORUM, "corvia")):
        outcome = acts.look(aurelia, agreement, own)
        for copy in own:
            decision = outcome.decisions[peer, copy.seq]
            if isinstance(decision, Withhold):
                name = str(copy.object.body.get("name") or copy.object.type)
                teller.say("kept", name=name, peer=peer, agreement=agreement)
                teller.line(sentence(decision.reasons[0], teller.language), indent=4, style="cyan")


def _two_views(teller: Teller, borea: Nation, own: Sequence[Copy], incident: Incident) -> None:
    teller.act("act.views")
    ours = _copy(own, incident.grouping.id)
    theirs = acts.held(borea)[f"{BILATERAL} {incident.grouping.id}"]
    teller.say("views.one")
    teller.compared(acts.pretty(ours), acts.pretty(theirs))
    teller.say("views.why", victim=incident.victim.id)
    teller.say("views.marking")


def _loop(teller: Teller, between: tuple[Nation, Nation], incident: Incident, folder: Path) -> None:
    """Let Borea look for what it was told of, and Aurelia learn what was seen."""
    owner, receiver = between
    teller.act("act.loop")
    hunted = loop.hunt(receiver, loop.write_logs(folder / "logs", receiver.node.clock()))
    teller.say("loop.hunted", events=hunted.events, files=hunted.files, count=hunted.looked_for)
    rows = [(each.group.title, str(each.group.count), each.group.source) for each in hunted.groups]
    teller.table(("name", "hits", "logs"), rows)
    for each in hunted.groups:
        if each.against:
            teller.say("loop.against", name=each.group.title)
        for reason in each.against:
            teller.line(reason.sentence(teller.language), indent=4, style="yellow")
    good = [each for each in hunted.groups if not each.against]
    if [each.group.rule for each in good] != [incident.implant.id]:
        raise Fault("the gate let something else through", peer=receiver.name)
    loop.tell(receiver, good[0])
    teller.say("loop.judged", name=good[0].group.title, person="ana")
    sighting, took = loop.told(owner, incident)
    if not loop.names_nothing(sighting):
        raise Fault("a sighting names where it was seen", object=sighting.object.id)
    teller.say(
        "loop.told",
        owner=owner.organisation,
        receiver=receiver.organisation,
        seconds=f"{took:.1f}",
        count=sighting.object.body["count"],
        days=loop.days(sighting),
    )


def _proof(
    teller: Teller,
    between: tuple[Nation, Nation],
    own: Sequence[Copy],
    about: tuple[Incident, Path],
) -> None:
    teller.act("act.proof")
    incident, folder = about
    owner, receiver = between
    proven = acts.prove(owner, receiver, _copy(own, incident.grouping.id), folder)
    if not (proven.same_bytes and proven.same_seal):
        raise Fault("the proof does not fit what arrived", object=incident.grouping.id)
    teller.say("proof.made", owner=owner.organisation, receiver=receiver.organisation)
    record = proven.record
    teller.say(
        "proof.says",
        clause=record["clause"],
        agreement=record["agreement"],
        version=record["agreement_version"],
        proposer=record["proposer"],
        at=record["at"],
    )
    teller.say("proof.fits")


def _copy(own: Sequence[Copy], id_: str) -> Copy:
    return next(copy for copy in own if copy.object.id == id_)


def _addresses(teller: Teller, made: Sequence[Nation]) -> None:
    rows = [(n.name, n.url, str(n.node.config.home)) for n in made]
    teller.table(("nation", "address", "home"), rows)


def _invite(teller: Teller, nation: Nation) -> None:
    """Say what can be tried while the nodes run."""
    home = nation.node.config.home
    teller.say("running")
    for command in ("status", "agreement list --as ana", "search poison --as ana"):
        teller.verbatim(f"./mithaq {command} --home {home}", style="bold")


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set; only the main thread may ask for signals."""
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: told.set()) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
