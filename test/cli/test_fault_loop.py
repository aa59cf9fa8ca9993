"""Every outside step of every command fails once, or from then on: the program says so with a documented exit code, leaks
nothing, leaves nothing half-visible, answers nothing wrongly without a word, and a clean run makes it good.

Needs a FAULT=1 build. RAGGED_FAULT_SAMPLES: injections of each scenario (12; the campaign: "all", and of a site that is
reached more often than RAGGED_FAULT_ORDINALS (40) times that many ordinals, evenly spread). The sample is the same for a
month; RAGGED_FAULT_SEED asks for another, RAGGED_FAULT_PLAN for one plan."""

import datetime
import json
import os
import random
import shutil
import time

import pytest

from driver import COMPLAINTS, DOCUMENTED_EXIT_CODES, ROOT, Ragged, calm, is_fault_build, library_state, tell
from ledger import content_of
from old_library import make_old

pytestmark = pytest.mark.skipif(not is_fault_build(), reason="needs a FAULT=1 build")

SEED = int(os.environ.get("RAGGED_FAULT_SEED", datetime.date.today().strftime("%Y%m")))
SAMPLES = os.environ.get("RAGGED_FAULT_SAMPLES", "12")
N_ORDINALS = int(os.environ.get("RAGGED_FAULT_ORDINALS", "40"))
PLAN = os.environ.get("RAGGED_FAULT_PLAN")
QUESTIONS = ("E-4711 frozen drain", "how many litres of water do tomatoes get?")
LOADED = ROOT / "test" / "fixtures" / "load"
ENVIRONMENT = {"RAGGED_GENERATOR": "extractive", "RAGGED_THREADS": "1"}
# Nothing but patience is asked of the outside: they are not to be noticed.
INVISIBLE = ("short@file.read", "short@file.write", "short@vectors.write", "short@vectors.read", "eintr@file.read",
             "eintr@file.write", "eintr@vectors.read")
# test/unit does each statement of each call; here the steps beneath them fail.
UNIT_ONLY = ("store.statement",)


def empty(ragged, documents):
    pass


def deferred(ragged, documents):
    ragged.run("add", "--defer-vectors", documents)


def added(ragged, documents):
    ragged.run("add", documents)


def large(ragged, documents):
    """A file that is read in parts: RAGGED_PART_SIZE_KB is small here."""
    (documents / "large.log").write_text("".join("event %d of the pump\n" % i for i in range(3200)))


def changed(ragged, documents):
    ragged.run("add", documents)
    with open(documents / "letter.txt", "a", encoding="utf-8") as file:
        file.write("\nThe ferry to the island leaves at nine.\n")


def compacted(ragged, documents):
    ragged.run("add", documents)
    ragged.run("compact")


def worn(ragged, documents):
    """Segments with dead rows, and tails."""
    compacted(ragged, documents)
    changed(ragged, documents)
    ragged.run("add", documents)


def searched(ragged, documents):
    """What is asked now was asked before."""
    worn(ragged, documents)
    ragged.run("search", "--json", QUESTIONS[0])


def queried(ragged, documents):
    worn(ragged, documents)
    ragged.run("query", "--json", QUESTIONS[1])


def damaged(ragged, documents):
    compacted(ragged, documents)
    for path in (ragged.data / "segments").glob("*.seg"):
        path.write_bytes(path.read_bytes()[:1000])


def old(ragged, documents):
    ragged.run("add", documents)
    make_old(ragged.data)


def judged(ragged, documents):
    """A tiny data set for eval."""
    folder = documents / "beir"
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    rows = [("d%d" % i, text) for i, text in enumerate(("a river of amber", "a mill of stone", "a road to the sea"))]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": d, "title": "", "text": t}) + "\n" for d, t in rows))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "amber river"}) + "\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td0\t1\n")


# name: what there is before, and the command.
SCENARIOS = {
    "add": (empty, lambda d: ("add", d)),
    "add-changed": (changed, lambda d: ("add", d)),
    "add-html": (empty, lambda d: ("add", LOADED / "page.html")),
    "add-pdf": (empty, lambda d: ("add", LOADED / "manual.pdf")),
    "add-markdown": (empty, lambda d: ("add", LOADED / "notes.md")),
    "add-code": (empty, lambda d: ("add", LOADED / "tool.py")),
    "defer": (empty, lambda d: ("add", "--defer-vectors", d)),
    "parts": (large, lambda d: ("add", "--defer-vectors", d / "large.log")),
    "fill": (deferred, lambda d: ("add", d)),
    "migrate": (old, lambda d: ("add", d)),
    "repair": (damaged, lambda d: ("add", d)),
    "remove": (worn, lambda d: ("remove", d / "letter.txt")),
    "clear": (worn, lambda d: ("clear", "--yes")),
    "compact": (worn, lambda d: ("compact",)),
    "reindex": (compacted, lambda d: ("reindex",)),
    "reindex-damaged": (damaged, lambda d: ("reindex", "--damaged")),
    "search-lexical": (added, lambda d: ("search", "--json", "--mode", "lexical", QUESTIONS[0])),
    "search-vector": (added, lambda d: ("search", "--json", "--mode", "vector", QUESTIONS[0])),
    "search-hybrid": (worn, lambda d: ("search", "--json", QUESTIONS[0])),
    "search-segments": (compacted, lambda d: ("search", "--json", QUESTIONS[0])),
    "query": (worn, lambda d: ("query", "--json", QUESTIONS[1])),
    "search-again": (searched, lambda d: ("search", "--json", QUESTIONS[0])),
    "query-again": (queried, lambda d: ("query", "--json", QUESTIONS[1])),
    "traced": (worn, lambda d: ("search", "--json", "--timings", "--trace", d / "trace", QUESTIONS[0])),
    "profile": (added, lambda d: ("profile", "-o", d / "graph", "search", "--json", QUESTIONS[0])),
    "list": (worn, lambda d: ("list", "--json")),
    "status": (worn, lambda d: ("status", "--tuning")),
    "check": (worn, lambda d: ("check",)),
    "health": (worn, lambda d: ("health",)),
    "config": (empty, lambda d: ("config", "set", "retrieval_k", "7")),
    "feature-flags": (empty, lambda d: ("feature-flags", "disable", "query_caching", "-c", "papers")),
    "config-noted": (added, lambda d: ("config", "set", "retrieval_k", "7")),
    "audit-list": (worn, lambda d: ("audit", "list", "--json")),
    "audit-verify": (worn, lambda d: ("audit", "verify")),
    "audit-export": (worn, lambda d: ("audit", "export", d.parent / "trail.jsonl")),
    "embed": (empty, lambda d: ("embed", d / "letter.txt")),
    "eval": (judged, lambda d: ("eval", d / "beir")),
    "eval-page": (judged, lambda d: ("eval", "--report", d / "page.html", d / "beir")),
    "benchmark": (empty, lambda d: ("benchmark", "embedding-init", "-n", "1", "-w", "0", "--save", "x")),
    "model": (empty, lambda d: ("model", "verify")),
}
ANSWERS = ("search-lexical", "search-vector", "search-hybrid", "search-segments", "query", "traced", "profile", "list")
# What was done by the first run is not there for the second.
ONCE = ("remove", "clear")


class Loop:
    """A scenario: its library as it was before, and all there is to know of an undisturbed run."""

    def __init__(self, name, folder, documents):
        self.name = name
        prepare, make_words = SCENARIOS[name]
        self.ragged, self.prepared, self.words = Ragged(folder), folder / "prepared", make_words(documents)
        self.ragged.environment.update(ENVIRONMENT)
        prepare(self.ragged, documents)
        if self.ragged.data.exists():
            shutil.copytree(self.ragged.data, self.prepared)
        done = self.ragged.run(*self.words, env={"RAGGED_FAULT_COUNT": folder / "counts"})
        self.answer = calm(json.loads(done.stdout)) if name in ANSWERS else None
        self.expected = self.state()
        self.sites = {}
        for line in (folder / "counts").read_text().splitlines():
            site, count = line.split()
            if site in UNIT_ONLY:
                continue
            self.sites[site] = max(self.sites.get(site, 0), int(count))

    def reset(self):
        shutil.rmtree(self.ragged.data, ignore_errors=True)
        shutil.rmtree(self.ragged.folder / "config", ignore_errors=True)
        if self.prepared.exists():
            shutil.copytree(self.prepared, self.ragged.data)

    def state(self):
        if not (self.ragged.data / "ragged.db").exists():
            return None
        return library_state(self.ragged, QUESTIONS), content_of(self.ragged.data)

    def plans(self):
        """Each chosen call once, and from then on."""
        for site, count in sorted(self.sites.items()):
            step = max(1, -(-count // N_ORDINALS))
            for ordinal in range(1, count + 1, step):
                yield "%s:%d" % (site, ordinal)
                yield "%s:%d+" % (site, ordinal)
        for kind in INVISIBLE:
            if kind.split("@")[1] in self.sites:
                yield kind + ":1+" if kind.startswith("short") else kind + ":1"

    def wrong(self, plan):
        """What is not as it should be after one injected failure."""
        self.reset()
        done = self.ragged.try_run(*self.words, env={"RAGGED_FAULT": plan}, timeout=120)
        if done.returncode not in DOCUMENTED_EXIT_CODES:
            yield "exit code %d: %s" % (done.returncode, done.stderr[-1500:])
        if any(complaint in done.stderr for complaint in COMPLAINTS):
            yield done.stderr[-3000:]
        if done.returncode not in (0, 130) and not (done.stderr.strip() or done.stdout.strip()):
            yield "exit code %d without a word" % done.returncode
        if plan.startswith(("short@", "eintr@")) and done.returncode:
            yield "it was noticed: exit code %d: %s" % (done.returncode, done.stderr[-500:])
        if self.answer and done.returncode == 0:
            found = calm(json.loads(done.stdout))
            if found != self.answer and not found.get("warnings"):
                yield "another answer without a word"
        if self.ragged.data.exists():
            checked = self.ragged.try_run("check")
            is_damaged_before = self.name in ("reindex-damaged", "repair")
            if checked.returncode and not (is_damaged_before and checked.returncode == 5) and \
                    "no library in" not in checked.stderr and "older ragged" not in checked.stderr:
                yield "check: " + checked.stdout[-1000:] + checked.stderr[-1000:]
        again = self.ragged.try_run(*self.words)
        if again.returncode and not (self.name in ONCE and again.returncode == 1):
            yield "the re-run ended with %d: %s" % (again.returncode, again.stderr[-1000:])
        elif self.state() != self.expected:
            yield "the re-run gave another library"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_site(scenario, tmp_path, documents):
    loop = Loop(scenario, tmp_path, documents)
    started = time.monotonic()
    plans = [PLAN] if PLAN else list(loop.plans())
    if SAMPLES != "all" and len(plans) > int(SAMPLES):
        plans = random.Random("%s %d" % (scenario, SEED)).sample(plans, int(SAMPLES))
    wrong = []
    for plan in plans:
        for what in loop.wrong(plan):
            wrong.append("RAGGED_FAULT_PLAN=%s, %s: %s" % (plan, scenario, what))
            print(wrong[-1], flush=True)
    tell("fault loop", "%s, %d sites, seed %d" % (scenario, len(loop.sites), SEED), len(plans), wrong, started,
         "%s test_fault_loop.py -k %s" % (wrong[0].split(",")[0] if wrong else "", scenario))
    assert not wrong, "\n".join(wrong)
