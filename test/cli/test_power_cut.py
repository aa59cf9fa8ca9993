"""The power goes while ragged works: whatever of the unsynced writes and names is left, in whichever order, no promised
document is lost, none is half there, and the next run completes the work. The model of the disk: disk.py.

RAGGED_POWER_IMAGES: how many images of each scenario (6; the campaign: 290). RAGGED_POWER_SEED: the first seed; a failure
prints its own."""

import os
import random
import shutil
import time
from pathlib import Path

import pytest

import disk
from corpus import write_corpus
from driver import Ragged, build_folder, is_sanitized, library_state, tell
from ledger import ABSENT, Ledger, content_of, found_in, promised, versions_of

SEED = int(os.environ.get("RAGGED_POWER_SEED", "20261129"))
N_IMAGES = int(os.environ.get("RAGGED_POWER_IMAGES", "6"))
QUESTIONS = ("river of amber", "granite and willow by the harbour")
JOURNAL = build_folder() / "test" / "preload" / "disk_journal.so"
OFFLINE = {"RAGGED_GENERATOR": "extractive", "RAGGED_THREADS": "1"}

pytestmark = pytest.mark.skipif(is_sanitized(), reason="the sanitizer's own calls would be in the journal")


class Step:
    """One command: what the library may hold from its beginning on, and must hold after its end."""

    def __init__(self, words, expected):
        self.words, self.expected = words, expected
        self.begin = self.end = 0


def folder_of(notes, name, n, seed):
    write_corpus(notes / name, n, seed=seed, n_sentences=3)
    return notes / name


def steps_of_add(ragged, notes):
    for i in range(3):
        folder = folder_of(notes, "part%d" % i, 4, i)
        yield Step(("add", folder), versions_of(folder))


def steps_of_defer(ragged, notes):
    folder = folder_of(notes, "all", 10, 1)
    yield Step(("add", "--defer-vectors", folder), versions_of(folder))
    yield Step(("add", folder), versions_of(folder))


def steps_of_update(ragged, notes):
    folder = folder_of(notes, "all", 10, 1)
    ragged.run("add", folder)
    ragged.run("compact")
    for i in (2, 5, 7):
        (folder / ("note-%04d.md" % i)).write_text("# Note\n\nAnother text of number %d.\n" % i, encoding="utf-8")
    yield Step(("add", folder), versions_of(folder))


def steps_of_remove(ragged, notes):
    folder = folder_of(notes, "all", 10, 1)
    ragged.run("add", folder)
    ragged.run("compact")
    for i in (2, 5):
        path = folder / ("note-%04d.md" % i)
        path.unlink()
        yield Step(("remove", path), {str(path): ABSENT})
    yield Step(("compact",), {})


def steps_of_compact(ragged, notes):
    folder = folder_of(notes, "all", 10, 1)
    ragged.run("add", folder)
    ragged.run("compact")
    ragged.run("remove", folder / "note-0003.md")
    (folder / "note-0003.md").unlink()
    more = folder_of(notes, "more", 6, 2)
    ragged.run("add", more)
    yield Step(("compact",), {})
    yield Step(("compact",), {})


def steps_of_reindex(ragged, notes):
    folder = folder_of(notes, "all", 10, 1)
    ragged.run("add", folder)
    ragged.run("compact")
    yield Step(("reindex",), {})


def steps_of_clear(ragged, notes):
    folder = folder_of(notes, "all", 6, 1)
    ragged.run("add", folder)
    ragged.run("compact")
    gone = {path: ABSENT for path in versions_of(folder)}
    shutil.rmtree(folder)
    yield Step(("clear", "--yes"), gone)
    other = folder_of(notes, "other", 4, 3)
    yield Step(("add", other), versions_of(other))


SCENARIOS = {name[len("steps_of_"):]: make for name, make in list(globals().items()) if name.startswith("steps_of_")}


class Recording:
    """A scenario that was run once to its end, with everything it did to the disk."""

    def __init__(self, folder, scenario, env=None):
        self.folder, self.scenario = Path(folder), scenario
        self.world, self.start, self.notes = self.folder / "world", self.folder / "start", self.folder / "notes"
        self.ragged = Ragged(self.folder)
        self.ragged.data = self.world / "deep" / "data"
        self.ragged.environment.update(OFFLINE, RAGGED_DATA_DIR=str(self.ragged.data))
        self.world.mkdir(parents=True)
        self.steps, self.promised_before = [], {}
        journal = self.folder / "journal"
        journal.touch()
        for step in SCENARIOS[scenario](self.ragged, self.notes):
            if not self.steps:
                self._begin()
            step.begin = journal.stat().st_size
            self.ragged.run(*step.words, *(("--progress", "json") if step.words[0] == "add" else ()),
                            env={"LD_PRELOAD": JOURNAL, "DISK_JOURNAL": journal,
                                 "DISK_JOURNAL_BELOW": str(self.world) + "/", **(env or {})})
            step.end = journal.stat().st_size
            self.steps.append(step)
        self.ops = disk.read_journal(journal)
        self.expected = self.state(self.ragged)

    def _begin(self):
        self.promised_before = found_in(self.ragged) if self.ragged.data.exists() else {}
        self.before = disk.Disk(self.world)
        shutil.copytree(self.world, self.start)

    @staticmethod
    def state(ragged):
        return library_state(ragged, QUESTIONS), content_of(ragged.data)

    def disk_at(self, cut):
        played = disk.Disk.__new__(disk.Disk)
        played.root, played.at = self.before.root, dict(self.before.at)
        played.things = {inode: disk.File(thing.synced) if isinstance(thing, disk.File) else disk.Folder(thing.synced)
                         for inode, thing in self.before.things.items()}
        for op in self.ops[:cut]:
            played.do(op)
        return played

    def ledger_at(self, cut):
        ledger, at = Ledger(), self.ops[cut - 1].end if cut else 0
        for path, version in self.promised_before.items():
            ledger.settle(path, version)
        for step in self.steps:
            if step.begin >= at:
                break
            if step.end <= at:
                for path, version in step.expected.items():
                    ledger.settle(path, version)
            else:
                for path, version in step.expected.items():
                    ledger.expect(path, version)
                said = b"".join(op.data for op in self.ops[:cut] if op.kind == disk.SAID and op.end > step.begin)
                for path in promised(said.decode("utf-8", "replace")):
                    ledger.settle(path, step.expected[path])
        return ledger

    def cut_of(self, dice):
        """Anywhere, and more often just before a sync is over: most is at stake there."""
        syncs = [i for i, op in enumerate(self.ops) if op.kind in (disk.SYNC, disk.SAID)]
        return dice.choice(syncs) if syncs and dice.random() < 0.5 else dice.randint(0, len(self.ops))

    def image(self, seed):
        dice = random.Random("%s %d" % (self.scenario, seed))
        cut = self.cut_of(dice)
        shutil.rmtree(self.world)
        self.disk_at(cut).leave(self.world, disk.Power_cut(dice))
        return cut

    def faults_of(self, seed):
        """What is wrong with the library after one power cut."""
        cut, ragged = self.image(seed), self.ragged
        ledger = self.ledger_at(cut)
        found = {}
        if (ragged.data / "ragged.db").exists():
            checked = ragged.try_run("check")
            # A cut before the first commit leaves no library, or an empty one.
            if checked.returncode == 0:
                found = found_in(ragged)
            elif any(ABSENT not in may for may in ledger.may.values()) or "no library in" not in checked.stderr:
                yield "check: " + checked.stdout[-500:] + checked.stderr[-500:]
        yield from ledger.wrong(found)
        for step in self.steps:
            done = ragged.try_run(*step.words)
            is_gone_already = step.words[0] in ("remove", "clear", "compact", "reindex") and done.returncode in (1, 2)
            if done.returncode and not is_gone_already:
                yield "%s ended with %d: %s" % (step.words[0], done.returncode, done.stderr[-500:])
        done = ragged.try_run("add", self.notes)
        checked = ragged.try_run("check")
        if done.returncode or checked.returncode:
            yield "not whole after another run: " + done.stderr[-500:] + checked.stdout[-500:] + checked.stderr[-500:]
        elif self.state(ragged) != self.expected:
            yield "another library after another run"


# Room that is kept free, counters that are mapped, what was found before: nothing is promised of them.
UNWRITTEN = ("ballast", "metrics", "queries.db")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith("-shm") and path.name not in UNWRITTEN}


def test_the_journal_is_whole(tmp_path):
    """What the journal says was done is what is there: nothing went past it."""
    for scenario in SCENARIOS:
        recording = Recording(tmp_path / scenario, scenario)
        there = files_of(recording.world)
        copy = tmp_path / "copy"
        recording.disk_at(len(recording.ops)).leave(copy, disk.Nothing_lost())
        # The state was read after the journal's end: reading may have checkpointed nothing, only made "-shm".
        assert there == files_of(copy), scenario
        shutil.rmtree(copy)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_power_cut_loses_what_was_promised(scenario, tmp_path):
    recording = Recording(tmp_path / "recording", scenario)
    wrong, started = [], time.monotonic()
    for seed in range(SEED, SEED + N_IMAGES):
        for what in recording.faults_of(seed):
            wrong.append("RAGGED_POWER_SEED=%d, %s: %s" % (seed, scenario, what))
            print(wrong[-1], flush=True)
    tell("power cut", "%s, %d operations" % (scenario, len(recording.ops)), N_IMAGES, wrong, started,
         "RAGGED_POWER_IMAGES=1 %s test_power_cut.py -k %s" % (wrong[0].split(",")[0] if wrong else "", scenario))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("deaf, scenario", [("-wal", "add"), (".f16", "add"), ("/deep/data", "add"), (".tmp", "compact")])
def test_a_sync_that_is_left_out_is_seen(tmp_path, deaf, scenario):
    """The proof of the proof: on a disk that does not hear these syncs something is lost."""
    recording = Recording(tmp_path / "recording", scenario, env={"DISK_JOURNAL_DEAF": deaf})
    for seed in range(SEED, SEED + 150):
        if any(recording.faults_of(seed)):
            print("syncs of %s left out: seen by image %d" % (deaf, seed - SEED + 1))
            return
    pytest.fail("150 images, and nobody missed the syncs of " + deaf)
