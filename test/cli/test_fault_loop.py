"""Every outside step of add (deferred and filling too), search, query, embed and benchmark fails once, or from then on: the program says so
with a documented exit code, leaks nothing, leaves nothing half-visible, and a clean re-run makes it good.

Needs a FAULT=1 build. RAGGED_FAULT_SAMPLES: ordinals tried for each site (2; "all" for all, each once and from then on)."""

import os
import random
import shutil

import pytest

from driver import DOCUMENTED_EXIT_CODES, Ragged, is_fault_build, library_state

pytestmark = pytest.mark.skipif(not is_fault_build(), reason="needs a FAULT=1 build")

SEED = 20261124
SAMPLES = os.environ.get("RAGGED_FAULT_SAMPLES", "2")
QUESTIONS = ("E-4711 frozen drain", "how many litres of water do tomatoes get?")
SCENARIOS = {
    "add": lambda documents: ("add", documents),
    "defer": lambda documents: ("add", "--defer-vectors", documents),
    "parts": lambda documents: ("add", "--defer-vectors", documents / "large.log"),
    "fill": lambda documents: ("add", documents),
    "compact": lambda documents: ("compact",),
    "reindex": lambda documents: ("reindex",),
    "search": lambda documents: ("search", QUESTIONS[0]),
    "search-segments": lambda documents: ("search", QUESTIONS[0]),
    "query": lambda documents: ("query", QUESTIONS[1]),
    "embed": lambda documents: ("embed", documents / "letter.txt"),
    "benchmark": lambda documents: ("benchmark", "embedding-init", "-n", "1", "-w", "0", "--save", "x"),
}
WRITERS = ("add", "defer", "parts", "fill")
COMPLAINTS = ("Sanitizer", "runtime error:", "Assertion")
EXTRACTIVE = {"RAGGED_GENERATOR": "extractive", "RAGGED_THREADS": "1", "RAGGED_PART_SIZE_KB": "4"}


def prepare(ragged, scenario, documents):
    """The library as it is before the scenario: empty for add, without vectors for fill."""
    shutil.rmtree(ragged.data, ignore_errors=True)
    if scenario == "fill":
        ragged.run("add", "--defer-vectors", documents, env=EXTRACTIVE)
    elif scenario not in WRITERS:
        ragged.run("add", documents, env=EXTRACTIVE)
    if scenario in ("reindex", "search-segments"):
        ragged.run("compact", env=EXTRACTIVE)


def reached_sites(ragged, words, path):
    ragged.run(*words, env={**EXTRACTIVE, "RAGGED_FAULT_COUNT": path})
    sites = {}
    for line in path.read_text().splitlines():
        site, count = line.split()
        sites[site] = max(sites.get(site, 0), int(count))
    return sites


def plans(site, count, dice):
    """Which calls fail: some once, and the first and all after it."""
    if SAMPLES == "all":
        chosen = range(1, count + 1)
        return ["%s:%d%s" % (site, i, sticky) for i in chosen for sticky in ("", "+")]
    chosen = sorted(dice.sample(range(1, count + 1), min(count, int(SAMPLES))))
    return ["%s:%d" % (site, i) for i in chosen] + ["%s:1+" % site]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_site(scenario, tmp_path, documents):
    ragged = Ragged(tmp_path)
    if scenario == "parts":
        (documents / "large.log").write_text("".join("event %d of the pump\n" % i for i in range(3200)))
    words = SCENARIOS[scenario](documents)
    prepare(ragged, "search", documents)
    expected = library_state(ragged, QUESTIONS)
    prepare(ragged, scenario, documents)
    sites = reached_sites(ragged, words, tmp_path / "counts")
    prepared = tmp_path / "prepared"
    prepare(ragged, scenario, documents)
    if ragged.data.exists():
        shutil.copytree(ragged.data, prepared)

    dice = random.Random(SEED)
    wrong, n_tried = [], 0
    for plan in [plan for site, count in sorted(sites.items()) for plan in plans(site, count, dice)]:
        shutil.rmtree(ragged.data, ignore_errors=True)
        if prepared.exists():
            shutil.copytree(prepared, ragged.data)
        n_tried += 1
        for what in faulty(ragged, scenario, words, plan, documents, expected):
            wrong.append("%s: %s" % (plan, what))
            print(wrong[-1], flush=True)
    print("%s: %d sites, %d failures injected" % (scenario, len(sites), n_tried))
    assert not wrong, "\n".join(wrong)


def faulty(ragged, scenario, words, plan, documents, expected):
    done = ragged.try_run(*words, env={**EXTRACTIVE, "RAGGED_FAULT": plan}, timeout=120)
    if done.returncode not in DOCUMENTED_EXIT_CODES:
        yield "exit code %d: %s" % (done.returncode, done.stderr[-1500:])
    if any(complaint in done.stderr for complaint in COMPLAINTS):
        yield done.stderr[-3000:]
    if done.returncode not in (0, 130) and not done.stderr.strip():
        yield "exit code %d without a word" % done.returncode
    if ragged.data.exists():
        checked = ragged.try_run("check")
        if checked.returncode:
            yield "check: " + checked.stdout[-1000:] + checked.stderr[-1000:]
    if scenario not in WRITERS:
        return
    again = ragged.try_run("add", documents, env=EXTRACTIVE)
    if again.returncode:
        yield "the re-run ended with %d: %s" % (again.returncode, again.stderr[-1000:])
    elif library_state(ragged, QUESTIONS) != expected:
        yield "the re-run gave another library"
