"""What is found in reports, beside iocextract and ioc-finder: precision and recall on a set labelled as it is made.

Sixty reports are put together with a fixed seed. Their prose is that of MITRE ATT&CK, with its links, file names,
commands and versions; what they refer to are its references; and what they are about are values from public lists of
indicators, written in every style that the documentation of either rival names, and in the usual ones. A value put in
is to be found; anything else of its kind that is found is wrong. The host of a URL or of a mail address counts neither
way. Both rivals say everything they find; ours is scored as advised to take, and as advised to take or to look at.

They are installed from PyPI into the measure's folder and go with it: one is GPL, the other LGPL.
"""

import base64
import json
import lzma
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import quote

from mithaq.errors import InputError
from mithaq.formats.reports import Advice, pages, read
from mithaq.model import values
from tests.bench.common import ATTACK, Figure
from tests.papers import pdf

IOCS = ATTACK.parents[1] / "detection/iocs"
PACKAGES = (
    "iocextract==1.16.1",
    "requests",
    "ioc-finder==9.4.1",
)  # the second is what the first imports
REPORTS = 60
KINDS = ("domain", "ipv4", "url", "email", "md5", "sha1", "sha256")
WIDTH = 96  # characters of a line of a PDF

RIVALS = """
import json, sys, time, iocextract, ioc_finder
texts = json.load(sys.stdin)
found = {"iocextract": [], "ioc-finder": []}
seconds = dict.fromkeys(found, 0.0)
for text in texts:
    begin = time.process_time()
    found["iocextract"].append({
        "url": list(iocextract.extract_urls(text, refang=True)),
        "ipv4": list(iocextract.extract_ipv4s(text, refang=True)),
        "email": list(iocextract.extract_emails(text, refang=True)),
        "md5": list(iocextract.extract_md5_hashes(text)),
        "sha1": list(iocextract.extract_sha1_hashes(text)),
        "sha256": list(iocextract.extract_sha256_hashes(text)),
    })
    seconds["iocextract"] += time.process_time() - begin
    begin = time.process_time()
    told = ioc_finder.find_iocs(text)
    seconds["ioc-finder"] += time.process_time() - begin
    names = {"url": "urls", "ipv4": "ipv4s", "email": "email_addresses", "domain": "domains",
             "md5": "md5s", "sha1": "sha1s", "sha256": "sha256s"}
    found["ioc-finder"].append({kind: list(told[name]) for kind, name in names.items()})
json.dump({"found": found, "seconds": seconds}, sys.stdout)
"""


# --- the set -----------------------------------------------------------------------------------------
def lines_of(name, kind, count, chance):
    """Some values of a list that are of the kind they should be."""
    with lzma.open(IOCS / f"{name}.tsv.xz", "rt", encoding="utf-8", errors="replace") as file:
        some = [line.split("\t")[0].strip() for line in file]
    chance.shuffle(some)
    good = []
    for each in some:
        try:
            value = values.of_kind(kind, each)
        except InputError:
            continue
        if each.isascii() and len(each) < 120 and not _harmless(value):
            good.append(value.text)
        if len(good) == count:
            return good
    return good


_HARMLESS = re.compile(
    r"^(?:10|127|0|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|22[4-9]|2[3-5]\d)\."
)


def _harmless(value):
    return value.kind == "ipv4" and ("/" in value.text or _HARMLESS.match(value.text))


PLAIN = ("plain",)
USUAL = ("[.]", "[.]", "[.]", "[.]", "hxxp", "(.)", "[dot]", "last [.]")
DOCUMENTED = {  # by the rivals, and in the field
    "all": ("{.}", "(dot)", " [.] ", "\\.", "[.", ".]", " dot ", "<.>", "[DOT]", "-dot-", "mixed"),
    "url": ("http[:]//", "http[://]", "http:\\\\", "hxxp[:]//", "[/]", "__", "h**p", "spaced", "percent",
            "hex", "base64"),
    "email": ("[@]", "(at)", "[at]", " at ", "{@}", "@ [.]"),
    "ipv4": ("commas", "[.1[.1", ".]"),
}  # fmt: skip


def written(kind, value, style):  # noqa: C901, PLR0911, PLR0912 a style each
    """Return a value as an author writes it in a style."""
    if kind in {"md5", "sha1", "sha256"} or style == "plain":
        return value
    scheme, sep, rest = value.partition("://") if kind == "url" else ("", "", value)
    host, slash, path = rest.partition("/")
    user, at, name = host.rpartition("@") if kind == "email" else ("", "", host)

    def whole(dotted, begin="hxxp", parts="://", sign=None):
        secure = "s" if scheme == "https" else ""
        start = f"{begin}{secure}{parts}" if sep else ""
        return f"{start}{user}{sign or at}{dotted}{slash}{path}"

    match style:
        case "hxxp":
            return whole(name.replace(".", "[.]") if not sep else name)
        case "last [.]":
            return whole("[.]".join(name.rsplit(".", 1)), begin="http")
        case "mixed":
            return whole("[.".join(name.rsplit(".", 1)), parts="[:]//")
        case "[.1[.1":
            return whole(name.replace(".", "[."))
        case "commas":
            return name.replace(".", ",")
        case "http[:]//" | "http[://]" | "http:\\\\" | "hxxp[:]//":
            return whole(name, begin=style[:4], parts=style[4:])
        case "[/]":
            return whole(name, begin="http").replace("/", "[/]")
        case "__":
            return whole(name.replace(".", "[.]"), parts="__")
        case "h**p":
            return whole(name.replace(".", "[.]"), begin="h**p")
        case "spaced":
            return f"{scheme}:// {name.replace('.', ' .')} {slash}{path}"
        case "percent":
            return quote(value, safe="").replace(".", "%2E")
        case "hex":
            return value.encode().hex()
        case "base64":
            return base64.b64encode(value.encode()).decode()
        case "[@]" | "(at)" | "[at]" | " at " | "{@}":
            return whole(name.replace(".", "[.]"), sign=style)
        case "@ [.]":
            return whole(name.replace(".", " [.] "))
        case _:
            return whole(name.replace(".", style))


SENTENCES = (
    "The implant beacons to {} every ten minutes.", "Victims were lured to {}, which served the second stage.",
    "We attribute {} to the same operator with moderate confidence.", "Traffic to {} was seen from two ministries.",
    "Le maliciel contacte {} avant de s'effacer.", "In March the operators moved from {} to {}.", "C2: {}",
    "Both {} and {} were registered on the same day;", "(see also {})", "The configuration held “{}”.",
)  # fmt: skip
OF_MAIL = ("The lure came from {}.", "Messages sent by {} carried the archive.", "Sender: {}")
OF_HASH = (
    "The dropper ({}) is signed.",
    "Loader: {}",
    "A sample with the hash {} was uploaded from two countries.",
)


class Made:
    """The set: texts, what stands in each and in which style."""

    def __init__(self, seed=20260115):
        self.chance = random.Random(seed)
        self.stock = {
            "domain": lines_of("maltrail-domain", "domain", 1500, self.chance),
            "ipv4": lines_of("maltrail-ipv4", "ipv4", 1000, self.chance),
            "url": [self._url(each) for each in lines_of("maltrail-url", "url", 800, self.chance)],
            "md5": lines_of("eset-md5", "md5", 300, self.chance),
            "sha1": lines_of("eset-sha1", "sha1", 300, self.chance),
            "sha256": lines_of("unit42-sha256", "sha256", 400, self.chance),
        }  # fmt: skip
        users = ("admin", "hr.office", "info", "noreply", "j.smith", "support-desk", "billing")
        self.stock["email"] = [
            f"{self.chance.choice(users)}@{each}" for each in self.stock["domain"][1200:]
        ]
        self.stock["domain"] = self.stock["domain"][:1200]
        self.prose, self.links = self._attack()
        self.texts, self.truth = [], []
        for number in range(REPORTS):
            text, truth = self._report(number)
            self.texts.append(text)
            self.truth.append(truth)

    def _url(self, written):
        return f"http{self.chance.choice(['', 's'])}://{written.rpartition('://')[2]}"

    def _attack(self):
        objects = json.loads(ATTACK.read_bytes())["objects"]
        prose = [each["description"] for each in objects if len(each.get("description", "")) > 200]
        prose = [re.sub(r"\(Citation: [^)]*\)", "", each) for each in prose]
        links = [
            ref["url"]
            for each in objects
            for ref in each.get("external_references", ())
            if "url" in ref
        ]
        self.chance.shuffle(prose)
        self.chance.shuffle(links)
        return [each.encode("cp1252", "ignore").decode("cp1252") for each in prose], links

    def _style(self, kind, *, listed):
        draw = self.chance.random()
        if draw < (0.3 if listed else 0.12):
            return "plain"
        if draw < 0.75:
            return self.chance.choice(USUAL)
        return self.chance.choice((*DOCUMENTED["all"], *DOCUMENTED.get(kind, ())))

    def _draw(self, kind, truth, *, listed=False):
        value = self.stock[kind].pop()
        style = self._style(kind, listed=listed)
        truth[key(kind, value)] = (kind, group(kind, style))
        return written(kind, value, style)

    def _report(self, number):
        chance, truth = self.chance, {}
        body = [
            f"Operation {number}: a campaign in {chance.choice(['spring', 'autumn'])}",
            f"By A. Author, research{number}@vendor.com",
        ]
        for _ in range(8):
            sentence = chance.choice(SENTENCES)
            told = [
                self._draw(chance.choice(("domain", "domain", "ipv4", "url")), truth)
                for _ in range(sentence.count("{}"))
            ]
            body.append(f"{self.prose.pop()}\n{sentence.format(*told)}")
        body.append(chance.choice(OF_MAIL).format(self._draw("email", truth)))
        body.append(
            chance.choice(OF_HASH).format(
                self._draw(chance.choice(("md5", "sha1", "sha256")), truth)
            )
        )
        body.append(
            f"{self.prose.pop()} Affected are versions 4.1.{number}.2 and 10.0.0.{number}, run by setup.zip."
        )
        body.append(
            chance.choice(
                ("Indicators of Compromise", "IOCs", "Appendix: Indicators", "## Indicators")
            )
        )
        for kind in ("domain", "ipv4", "url", "sha256", "md5", "sha1"):
            rows = [self._draw(kind, truth, listed=True) for _ in range(chance.randint(2, 4))]
            head = "Hashes" if kind[0] in "ms" else kind.capitalize()
            body.append("\n".join([head, *rows]))
        body.append("References")
        body.append("\n".join(f"[{n}] {self.links.pop()}" for n in range(1, 7)))
        return "\n\n".join(body), truth


def group(kind, style):
    """Return of which sort a style is."""
    if kind in {"md5", "sha1", "sha256"} or style == "plain":
        return "as it is"
    if style in USUAL:
        return "usual"
    return "encoded" if style in {"percent", "hex", "base64"} else "documented"


def key(kind, text):
    """Return what is compared: a URL without scheme, and one of a host alone as that host."""
    if kind != "url":
        return kind, text.lower()
    rest = text.partition("://")[2] or text
    host, _, path = rest.partition("/")
    if path.rstrip("/"):
        return "url", f"{host.lower()}/{path}"
    quad = re.fullmatch(r"[\d.]+", host)
    return ("ipv4" if quad else "domain"), host.lower()


# --- what was found ----------------------------------------------------------------------------------
def ours(documents):
    """Return what ours finds in each document, as advised."""
    found = {"take": [], "take or look": [], "whatever is advised": []}
    for raw in documents:
        findings = [each for each in read(pages(raw)).findings if each.kind in {*KINDS, "ip-port"}]
        for name, advised in zip(
            found, ({Advice.TAKE}, {Advice.TAKE, Advice.LOOK}, set(Advice)), strict=True
        ):
            found[name].append(
                {key(each.kind, each.value) for each in findings if each.advice in advised}
            )
    return found


def theirs(python, texts):
    """Return what the rivals find in each text."""
    answer = subprocess.run(
        [python, "-c", RIVALS], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    told = json.loads(answer.stdout)
    return {
        name: [
            {key(kind, text) for kind, some in each.items() for text in map(_clean, some)}
            for each in found
        ]
        for name, found in told["found"].items()
    }, told["seconds"]


def _clean(text):
    return text.strip().rstrip(".")


def scored(found, truths):
    """Return precision and recall, overall, by kind and by the sort of style."""
    right, wrong, missed = Counter(), Counter(), Counter()
    styles = defaultdict(Counter)
    for some, truth in zip(found, truths, strict=True):
        implied = {("domain", host) for host in map(_host, truth)} | {
            ("ipv4", host) for host in map(_host, truth)
        }
        for each in some:
            if each in truth:
                right[each[0]] += 1
            elif each not in implied and each[0] in KINDS:
                wrong[each[0]] += 1
        for each, (_, sort) in truth.items():
            missed[each[0]] += each not in some
            styles[sort]["found" if each in some else "missed"] += 1
    kinds = {kind: ratios(right[kind], wrong[kind], missed[kind]) for kind in KINDS}
    all_ = ratios(right.total(), wrong.total(), missed.total())
    return (
        all_,
        kinds,
        {name: count["found"] / count.total() for name, count in sorted(styles.items())},
    )


def _host(each):
    kind, text = each
    return text.rpartition("@")[2] if kind == "email" else text.partition("/")[0].partition(":")[0]


def ratios(right, wrong, missed):
    return right / max(1, right + wrong), right / max(1, right + missed)


def wrapped(text):
    """Return the pages of a PDF of a text: lines broken where they are full, inside words where they must be."""
    lines = []
    for line in text.split("\n"):
        at = line
        while len(at) > WIDTH:
            cut = at.rfind(" ", 0, WIDTH)
            cut = WIDTH if cut < WIDTH // 2 else cut
            lines.append(at[:cut])
            at = at[cut:].lstrip(" ")
        lines.append(at)
    return ["\n".join(lines[start : start + 65]) for start in range(0, len(lines), 65)]


def measured(python):
    """Return the scores of all, from text and from PDF, and how many values there are."""
    made = Made()
    papers = [pdf(*wrapped(text)) for text in made.texts]
    out, seconds = {}, {}
    for form, documents in (("text", [text.encode() for text in made.texts]), ("PDF", papers)):
        texts = made.texts if form == "text" else ["\n".join(pages(raw).texts) for raw in papers]
        rivals, seconds[form] = theirs(python, texts)
        out[form] = {
            name: scored(found, made.truth) for name, found in {**ours(documents), **rivals}.items()
        }
    return out, sum(map(len, made.truth)), seconds


def installed(folder):
    """Install the rivals; return their interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=300)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PACKAGES], check=True, timeout=600, capture_output=True)
    return folder / "bin" / "python"


def extraction(folder):
    """Score all of them in one run."""
    what = "values found in reports, against iocextract and ioc-finder"
    try:
        python = installed(folder / "rivals")
    except subprocess.CalledProcessError:
        yield Figure(
            what, "not measured", "-", "PyPI could not be reached, from where they are installed"
        )
        return
    scores, count, _ = measured(python)
    told = "; ".join(
        f"{form}: " + ", ".join(f"{name} {p:.3f}, {r:.3f}" for name, ((p, r), _, _) in some.items())
        for form, some in scores.items()
    )
    (precision, recall), _, _ = scores["text"]["take"]
    yield Figure(
        what,
        f"{precision:.3f}, {recall:.3f}",
        "-",
        f"precision, recall of {count:,} values in {REPORTS} reports; {told}",
    )


def main(python=""):
    """Print the tables of docs/reports.md."""
    with tempfile.TemporaryDirectory() as folder:
        scores, count, seconds = measured(python or installed(Path(folder) / "rivals"))
    sys.stdout.write(
        f"{count:,} values in {REPORTS} reports; seconds of the processor: {seconds}" + "\n"
    )
    for form, some in scores.items():
        sys.stdout.write(
            f"\n| {form} | " + " | ".join(some) + " |\n|---|" + "---|" * len(some) + "\n"
        )
        rows = {"all": [each[0] for each in some.values()]}
        rows |= {kind: [each[1][kind] for each in some.values()] for kind in KINDS}
        for name, cells in rows.items():
            sys.stdout.write(
                f"| {name} | " + " | ".join(f"{p:.3f}, {r:.3f}" for p, r in cells) + " |" + "\n"
            )
        for sort in next(iter(some.values()))[2]:
            found = " | ".join(f"{each[2][sort]:.3f}" for each in some.values())
            sys.stdout.write(f"| {sort} | {found} |\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
