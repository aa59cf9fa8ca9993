"""Files of a library are damaged at seeded places: bits flipped, blocks zeroed, overwritten or exchanged, ends cut off or
grown, whole files swapped with those of another library. Every command then gives the right answer, a labelled one, or
an error; it never crashes, hangs, or answers wrongly without a word.

RAGGED_CORRUPTIONS: how many (150; the campaign: 10000). RAGGED_CORRUPTION_SEED: the first; a failure prints its own."""

import collections
import json
import os
import random
import shutil
import subprocess
import time

import pytest

from corpus import write_corpus
from driver import COMPLAINTS, DOCUMENTED_EXIT_CODES, DOCUMENTS, Ragged, calm, real_cache, tell

SEED = int(os.environ.get("RAGGED_CORRUPTION_SEED", "20261129"))
N = int(os.environ.get("RAGGED_CORRUPTIONS", "150"))
QUESTION = "how many litres of water do tomatoes get?"
READINGS = {
    "lexical": ("search", "--mode", "lexical", "--json", "river of amber"),
    "vector": ("search", "--mode", "vector", "--json", "river of amber"),
    "hybrid": ("search", "--json", QUESTION),
    "query": ("query", "--json", QUESTION),
    "list": ("list", "--json"),
}


def make_library(ragged, notes, seed):
    """Segments with dead rows, tails of both kinds, documents of several kinds, a log that is not empty."""
    write_corpus(notes, 16, seed=seed, n_sentences=5)
    shutil.copytree(DOCUMENTS, notes / "documents")
    ragged.run("add", notes)
    ragged.run("compact")
    ragged.run("remove", notes / "note-0002.md")
    (notes / "late.md").write_text("# Late\n\nThe river of amber froze in %d.\n" % seed, encoding="utf-8")
    ragged.run("add", notes / "late.md")


def flip(dice, content, other):
    at = dice.randrange(len(content))
    content[at] ^= 1 << dice.randrange(8)


def overwrite(dice, content, other):
    at, size = dice.randrange(len(content)), dice.choice((1, 4, 16, 512, 4096))
    size = min(size, len(content) - at)
    content[at:at + size] = bytes(size) if dice.random() < 0.5 else dice.randbytes(size)


def misplace(dice, content, other):
    """A sector was written to the place of another."""
    size = dice.choice((512, 4096))
    places = range(0, max(1, len(content) - size + 1), size)
    start, end = dice.choice(places), dice.choice(places)
    content[start:start + size] = content[end:end + size]


def cut(dice, content, other):
    del content[dice.randrange(len(content)):]


def grow(dice, content, other):
    content += bytes(4096) if dice.random() < 0.5 else dice.randbytes(dice.randint(1, 8192))


def swap(dice, content, other):
    content[:] = other


WAYS = (flip, flip, flip, overwrite, overwrite, misplace, cut, grow, swap)


class Victim:
    """A library that is damaged and put right again, and what it says when it is whole."""

    def __init__(self, folder):
        self.ragged = Ragged(folder)
        self.ragged.environment.update(RAGGED_GENERATOR="extractive", RAGGED_THREADS="1")
        make_library(self.ragged, folder / "notes", 1)
        self.other = Ragged(folder / "other")
        self.other.environment.update(RAGGED_GENERATOR="extractive", RAGGED_THREADS="1")
        make_library(self.other, folder / "other" / "notes", 2)
        self.whole = folder / "whole"
        shutil.copytree(self.ragged.data, self.whole)
        self.right = {name: [calm(json.loads(self.ragged.run(*words).stdout))] for name, words in READINGS.items()}
        # Another library's database in this folder is that library: its documents are listed.
        self.right["list"].append(calm(json.loads(self.other.run(*READINGS["list"]).stdout)))
        self.outcomes = collections.Counter()

    def targets(self):
        return sorted(path.relative_to(self.whole) for path in self.whole.rglob("*")
                      if path.is_file() and path.stat().st_size and path.suffix != ".lock"
                      and not path.name.endswith("-shm"))

    def damage(self, dice):
        """One file; a disk that fails leaves its times as they were."""
        shutil.rmtree(self.ragged.data)
        shutil.copytree(self.whole, self.ragged.data)
        name = dice.choice(self.targets())
        path = self.ragged.data / name
        before, content = path.stat(), bytearray(path.read_bytes())
        others = [other for other in sorted((self.other.data / name.parent).glob("*" + name.suffix))
                  if other.is_file()] or [path]
        if name.name.endswith("-wal"):
            others = [self.other.data / name]
        way = dice.choice(WAYS)
        way(dice, content, dice.choice(others).read_bytes())
        path.write_bytes(content)
        if dice.random() < 0.5:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        kind = "segment" if name.suffix == ".seg" else "vectors" if name.suffix == ".f16" else name.name
        return kind, way.__name__

    def outcome(self, reading):
        """right, labelled, error; everything else is a sentence."""
        try:
            done = self.ragged.try_run(*READINGS[reading], timeout=60)
        except subprocess.TimeoutExpired:
            return "%s hangs" % reading
        if done.returncode not in DOCUMENTED_EXIT_CODES or any(c in done.stderr for c in COMPLAINTS):
            return "%s ended with %d: %s" % (reading, done.returncode, done.stderr[-1500:])
        if done.returncode:
            return "error" if done.stderr.strip() else "%s failed without a word" % reading
        found = calm(json.loads(done.stdout))
        if found in self.right[reading]:
            return "right"
        return "labelled" if found.get("warnings") else "%s answers wrongly without a word" % reading

    def try_one(self, seed):
        dice = random.Random(seed)
        kind, way = self.damage(dice)
        for reading in dice.sample(sorted(READINGS), 2):
            outcome = self.outcome(reading)
            if outcome in ("right", "labelled", "error"):
                self.outcomes[kind, outcome] += 1
            else:
                self.outcomes[kind, "WRONG"] += 1
                yield "%s, %s: %s" % (kind, way, outcome)
        checked = self.ragged.try_run("check", timeout=120)
        if checked.returncode not in DOCUMENTED_EXIT_CODES or any(c in checked.stderr for c in COMPLAINTS):
            self.outcomes[kind, "WRONG"] += 1
            yield "%s, %s: check ended with %d: %s" % (kind, way, checked.returncode, checked.stderr[-1500:])


def test_a_file_that_is_cut_while_it_is_mapped_ends_with_a_sentence(ragged, tmp_path):
    name = "all-MiniLM-L6-v2"
    model = tmp_path / "models" / name
    shutil.copytree(real_cache() / "models" / name, model, symlinks=True, copy_function=os.symlink,
                    ignore=shutil.ignore_patterns("*.cache"))
    ragged.environment["RAGGED_MODEL_DIR"] = str(tmp_path / "models")
    ragged.run("embed", DOCUMENTS / "letter.txt")
    panels = list(model.glob("*.cache"))
    if not panels:
        pytest.skip("no weights are kept packed on this machine")
    process = subprocess.Popen(ragged.command("embed"), env=ragged.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"a river\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["index"] == 0
    os.truncate(panels[0], 4096)
    shown, told = process.communicate(b"a mill and a road\n", timeout=60)
    assert process.returncode == 1 and b"cut short" in told and not shown, (process.returncode, told)
    ragged.run("embed", DOCUMENTS / "letter.txt")


def test_a_damaged_library_is_never_believed(tmp_path):
    victim, wrong, started = Victim(tmp_path), [], time.monotonic()
    for seed in range(SEED, SEED + N):
        for what in victim.try_one(seed):
            wrong.append("RAGGED_CORRUPTION_SEED=%d RAGGED_CORRUPTIONS=1: %s" % (seed, what))
            print(wrong[-1], flush=True)
    for kind in sorted({kind for kind, _ in victim.outcomes}):
        print("  %-14s %s" % (kind, ", ".join("%s %d" % (outcome, n) for (of, outcome), n in
                                              sorted(victim.outcomes.items()) if of == kind)))
    tell("corruption", "of %d files" % len(victim.targets()), N, wrong, started,
         wrong[0].split(":")[0] + " test_corruption.py" if wrong else "")
    assert not wrong, "\n".join(wrong)
