"""People who go on working while somebody kills: acts, a killer at a random point of one of them, and the restart."""

import json
import threading
import time
from dataclasses import asdict, dataclass

from tests.faults.town import Died
from tests.faults.witness import Journal, Judge, body, id_of
from tests.journeys.test_processes import wait

PHASES = ("import", "release", "sync", "recall", "post")
SECRETS = (
    "RED",
    "AMBER+STRICT",
    "GREEN",
)  # withheld; waits for a second person; proposed to nobody
VICTIMS = ("all", "worker", "listener", "hands")


@dataclass
class Strike:
    """One kill: in the middle of what, whom, after how long, and what came of it."""

    phase: str
    victim: str
    nation: str
    after: float
    acknowledged: bool = False
    restart: float = 0.0  # seconds until the nation answers its peers again
    work: float = 0.0  # seconds of a core in them


class Story:
    """One run over a town, the same acts and kills for the same seed; what they meet is up to the machine."""

    def __init__(self, town, chance, folder):
        self.town, self.chance, self.folder = town, chance, folder
        self.journal = Journal((folder / "journal").open("a"))
        self.judge = Judge(town, self.journal)
        self.strikes = []
        self.falls = {}  # of listeners, since their node was started
        self.number = 0
        self.usual = dict.fromkeys(PHASES, 0.2) | {"sync": 1.5}  # seconds that an act takes here

    # --- acts: each returns when it was acknowledged, or raises Died -----------------------------------
    def bring(self, nation, number, level="GREEN"):
        file = self.folder / f"{number}.json"
        file.write_text(json.dumps(body(number)))
        words = ("import", file, "--own", "--tlp", level, "--as", "ana", "--json")
        code, said = nation.hands.ask(*words)
        assert code == 0, said
        self.journal.write("import", number, nation=nation.name)
        self.journal.imported[number] = nation.name

    def release(self, nation, number, agreement):
        words = ("release", id_of(number), "--agreement", agreement, "--as", "ana", "--json")
        code, said = nation.hands.ask(*words)
        if number in self.journal.secret:
            return
        assert code == 0, said
        self.journal.write("release", number, agreement=agreement)
        self.journal.released.setdefault(number, set()).add(agreement)

    def recall(self, nation, number):
        words = ("recall", id_of(number), "--cause", "wrong", "--basis", "a test", "--yes")
        code, said = nation.hands.ask(*words, "--as", "dora", "--json")
        assert code == 0, said
        self.journal.write("recall", number)
        self.journal.recalled.add(number)

    def post(self, number):
        client = self.town.client
        if self.root is None:
            self.root = client.root()
        code, told = client.ask(
            "POST", f"{self.root}collections/inbox/objects/", {"objects": [body(number)]}
        )
        if code != 202:  # not ready: a listener is up before its stores are
            assert code == 503, told
            raise Died
        self.journal.write("post", number, status=told["id"])
        self.journal.posted.setdefault(number, []).append(f"{self.root}status/{told['id']}/")

    root = None

    # --- calm --------------------------------------------------------------------------------------------
    def fresh(self, nation=None, *, secret=False):
        """Return a number nobody has used; of ``nation``'s own object if it is given."""
        self.number += 1
        if nation is not None:
            self.journal.tried[self.number] = nation.name
        if secret:
            self.journal.secret.add(self.number)
        return self.number

    def calm(self):
        """Let people work for a moment: something for each partner, and something for nobody."""
        for name in ("aurelia", "borea"):
            nation = self.town.nations[name]
            number = self.fresh(nation)
            self.bring(nation, number)
            agreements = ["ab", "ac"] if name == "aurelia" else ["ab"]
            for agreement in self.chance.sample(
                agreements, self.chance.randint(1, len(agreements))
            ):
                self.release(nation, number, agreement)
            number, level = self.fresh(nation, secret=True), self.chance.choice(SECRETS)
            self.bring(nation, number, level)
            if level != "GREEN":
                self.release(nation, number, "ab")
        number = self.fresh()  # a policy may just be worked out anew: a client is told to ask again
        wait(lambda: self._again(lambda: self.post(number)), "nothing can be posted")

    # --- the strike --------------------------------------------------------------------------------------
    def strike(self):
        """Kill somebody in the middle of an act, start again, do again what nobody acknowledged, and judge."""
        self.calm()
        phase = self.chance.choice(PHASES)
        name = "aurelia" if phase == "post" else self.chance.choice(["aurelia", "borea"])
        nation = self.town.nations[name]
        attempt = self._prepared(phase, nation)
        victim = self.chance.choice([v for v in VICTIMS if phase != "post" or v != "hands"])
        whom = nation
        if phase == "sync":  # the one that sends or the one that fetches
            whom = self.town.nations[self.chance.choice(["aurelia", "borea"])]
        victim = self._bearable(victim, whom.name)
        after = self.chance.random() * self.usual[phase] * 1.2
        done = Strike(phase=phase, victim=victim, nation=whom.name, after=after)
        old = whom.tree()[1:]
        killer = threading.Timer(after, lambda: self._kill(whom, victim))
        began = time.monotonic()
        killer.start()
        try:
            attempt()
            done.acknowledged = True
            if phase != "sync":
                self.usual[phase] = (self.usual[phase] + time.monotonic() - began) / 2
        except Died:
            pass
        killer.join()
        done.restart, done.work = self._restarted(whom, victim, old)
        if not done.acknowledged:
            wait(lambda: self._again(attempt), f"{phase} cannot be done again")
        self.strikes.append(done)
        self.journal.write("strike", len(self.strikes), **asdict(done))
        self.judge.settled(whole=len(self.strikes) % 5 == 0)

    def _bearable(self, victim, name):
        """Let all fall instead of a listener that fell thrice of late: a fifth time in a minute stops its node."""
        falls = self.falls.setdefault(name, [])
        if victim == "listener":
            falls[:] = [at for at in falls if at > time.monotonic() - 90]
            victim = "all" if len(falls) == 3 else victim
        if victim in ("all", "worker"):
            falls.clear()
        elif victim == "listener":
            falls.append(time.monotonic())
        return victim

    def _prepared(self, phase, nation):
        """Do what must be there before an act, and return the act."""
        number = self.fresh() if phase == "post" else self.fresh(nation)
        match phase:
            case "post":
                return lambda: self.post(number)
            case "import":
                return lambda: self.bring(nation, number)
        self.bring(nation, number)
        if phase in ("release", "sync"):
            return lambda: self.release(nation, number, "ab")
        self.release(nation, number, "ab")
        if self.chance.random() < 0.5:  # else it is taken back while it is under way
            self.judge.settled(whole=False)
        return lambda: self.recall(nation, number)

    def _kill(self, nation, victim):
        match victim:
            case "all":
                nation.kill_all()
            case "worker":
                nation.kill_worker()
            case "listener":
                nation.kill_listener()
            case _:
                nation.kill_hands()

    def _restarted(self, nation, victim, old):
        """Start again what was killed; return after how many seconds the nation answers its peers, and its work."""
        if victim in ("all", "hands"):
            nation.hands.start()
        if victim in ("all", "worker"):
            return nation.serve_again()
        if victim == "hands":
            return 0.0, 0.0
        began = time.monotonic()
        wait(lambda: not set(old) & set(nation.tree()), "the dead listener is still there")
        wait(nation.answers, "no new listener")
        return time.monotonic() - began, 0.0

    def _again(self, attempt):
        try:
            attempt()
        except Died:
            return False
        return True
