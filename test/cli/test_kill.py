"""kill -9 in whatever ragged does, again and again in the life of one library: no promised document is lost, none is half
there, what was left is picked up. The ledger of promises is kept outside (ledger.py).

RAGGED_KILLS: how many (30; the campaign: 1000). RAGGED_KILL_SEED: the first life; a failure prints the line that lives it
again. In a FAULT=1 build half of the kills are at named places, and some of the runs that pick up are disturbed too."""

import os
import random
import shutil
import time

import pytest

from corpus import WORDS, write_corpus
from driver import Ragged, is_fault_build, is_sanitized, library_state, tell
from ledger import ABSENT, Ledger, content_of, found_in, promised, version_of, versions_of

SEED = int(os.environ.get("RAGGED_KILL_SEED", "20261124"))
N_KILLS = int(os.environ.get("RAGGED_KILLS", "10" if is_sanitized() else "30"))
N_CYCLES = 15  # in the life of one library
QUESTIONS = ("river of amber", "granite and willow by the harbour")
# Everything that changes the disk, and how often a short run comes by there.
PLACES = {"file.open": 40, "file.write": 30, "file.fsync": 8, "file.rename": 3, "file.mkdir": 2, "file.lock": 8,
          "file.remove": 4, "file.map": 8, "segment.published": 2, "segment.replaced": 2, "store.commit": 5,
          "store.committed": 5, "vectors.write": 3, "vectors.sync": 3, "vectors.punch": 1, "sqlite.write": 120,
          "sqlite.sync": 12, "sqlite.truncate": 2, "process.start": 2, "thread.start": 3}


class Life:
    """One library, what happens to it, and what it has promised."""

    def __init__(self, folder, seed):
        self.dice = random.Random(seed)
        self.folder, self.notes = folder, folder / "notes"
        self.ragged = Ragged(folder)
        # What decides how documents are cut stays for life; what decides how the work is done does not.
        self.ragged.environment.update(RAGGED_GENERATOR="extractive",
                                       RAGGED_CHUNK_TOKENS=str(self.dice.choice((0, 24, 64))))
        self.ledger, self.n_written, self.seconds = Ledger(), 0, {}
        self.n_killed = self.n_disturbed = 0
        self.told = []
        write_corpus(self.notes, 4, seed=seed, n_sentences=4)

    def _write_some(self):
        for _ in range(self.dice.randint(1, 5)):
            self.n_written += 1
            path = self.notes / ("own-%02d.md" % self.dice.randrange(12))
            text = "\n\n".join(" ".join(self.dice.choices(WORDS, k=12)).capitalize() + "."
                               for _ in range(self.dice.randint(1, 8)))
            path.write_text("# Own %d\n\n%s\n" % (self.n_written, text), encoding="utf-8")

    def _next(self):
        """A command, and the versions that it is to bring about."""
        name = self.dice.choice(("add", "add", "add", "defer", "defer", "remove", "compact", "compact", "reindex",
                                 "clear"))
        if name in ("add", "defer"):
            self._write_some()
            words = ("add",) + (("--defer-vectors",) if name == "defer" else ())
            return (*words, "--progress", "json", self.notes), versions_of(self.notes)
        if name == "remove":
            there = [path for path, may in self.ledger.may.items() if may != {ABSENT}]
            chosen = self.dice.sample(sorted(there), min(len(there), 2)) or [str(self.notes / "none.md")]
            for path in chosen:
                if os.path.exists(path):
                    os.unlink(path)
            return ("remove", *chosen), {path: ABSENT for path in chosen}
        if name == "clear" and self.dice.random() < 0.3:
            return ("clear", "--yes"), {path: ABSENT for path in self.ledger.may}
        return ("compact" if name == "clear" else name,), {}

    def _disturbance(self, name):
        """Where or when a run is killed: environment and seconds, one of the two."""
        if is_fault_build() and self.dice.random() < 0.5:
            place = self.dice.choice(sorted(PLACES))
            return {"RAGGED_FAULT": "kill@%s:%d" % (place, self.dice.randint(1, PLACES[place]))}, None
        return {}, self.dice.uniform(0, self.seconds.get(name, 0.4) * 1.1)

    def _run_killed(self, words, expected):
        env, seconds = self._disturbance(words[0])
        env["RAGGED_THREADS"] = self.dice.randint(1, 3)
        self.told.append("%s %s" % (" ".join(map(str, words)), env if seconds is None else "%.4f s" % seconds))
        for path, version in expected.items():
            self.ledger.expect(path, version)
        said = self.folder / "said"
        started = time.monotonic()
        with open(said, "wb") as file:
            process = self.ragged.start(*words, env=env, stdout=file, stderr=file)
            if seconds is not None:
                time.sleep(seconds)
                process.kill()
            code = process.wait()
        self.n_killed += code == -9
        if code == 0:
            self.seconds[words[0]] = 0.8 * self.seconds.get(words[0], 0.4) + 0.2 * (time.monotonic() - started)
            for path, version in expected.items():
                self.ledger.settle(path, version)
        for path in promised(said.read_text("utf-8", "replace")):
            self.ledger.settle(path, expected[path])
        if code not in (0, 1, 2, 4, -9):
            yield "%s ended with %d: %s" % (words[0], code, said.read_text("utf-8", "replace")[-500:])

    def _disturb_the_next(self):
        """What picks up after a kill is killed too, or fails at some step."""
        self.n_disturbed += 1
        place = self.dice.choice(sorted(PLACES) + ["sqlite.read", "sqlite.open", "sqlite.lock", "mem"])
        plan = "%s%s:%d" % (self.dice.choice(("", "kill@")), place, self.dice.randint(1, PLACES.get(place, 40)))
        words = self.dice.choice((("check",), ("list",), ("search", QUESTIONS[0]), ("compact",)))
        self.told.append("then %s with %s" % (words[0], plan))
        done = self.ragged.try_run(*words, env={"RAGGED_FAULT": plan})
        if done.returncode not in (0, 1, 2, 3, 4, 5, -9) or done.returncode == 1 and not done.stderr:
            yield "%s after a kill ended with %d: %s" % (words[0], done.returncode, done.stderr[-500:])

    def _look(self):
        checked = self.ragged.try_run("check")
        if checked.returncode == 0:
            return found_in(self.ragged)
        if "no library in" in checked.stderr:
            return {}
        return "check: " + checked.stdout[-800:] + checked.stderr[-800:]

    def cycle(self):
        yield from self._run_killed(*self._next())
        if is_fault_build() and self.dice.random() < 0.25:
            yield from self._disturb_the_next()
        found = self._look()
        if isinstance(found, str):
            yield found
            return
        yield from self.ledger.wrong(found)
        self.ledger.take(found)

    def end(self):
        """A run that nobody disturbs makes it the library that it would have been."""
        for path in [path for path, may in self.ledger.may.items() if may != {ABSENT} and not os.path.exists(path)]:
            self.ragged.run("remove", path)
        self.ragged.run("add", self.notes)
        self.ragged.check()
        other = Ragged(self.folder / "undisturbed")
        other.environment.update({**self.ragged.environment, "RAGGED_DATA_DIR": str(other.data)})
        other.run("add", self.notes)
        if content_of(self.ragged.data) != content_of(other.data):
            yield "not the library of an undisturbed run"
        self.ragged.run("compact")  # scores count what is dead until it is merged away
        self.ragged.check()
        if library_state(self.ragged, QUESTIONS) != library_state(other, QUESTIONS):
            yield "other results than an undisturbed run's"


def live(folder, seed, n_kills):
    life, wrong = Life(folder, seed), []
    for _ in range(N_CYCLES):
        wrong += life.cycle()
        if wrong or life.n_killed >= n_kills:
            break
    wrong += life.end() if not wrong else []
    if wrong:
        print("RAGGED_KILL_SEED=%d RAGGED_KILLS=%d: %s\n  %s" % (
            seed, life.n_killed, "; ".join(wrong), "\n  ".join(life.told[-4:])), flush=True)
    return life, wrong


def test_kill_at_any_moment(tmp_path):
    n_killed = n_disturbed = 0
    wrong, wrong_disturbed, replay, seed, started = [], [], "", SEED, time.monotonic()
    while n_killed < N_KILLS and seed < SEED + N_KILLS:
        life, what = live(tmp_path / str(seed), seed, N_KILLS - n_killed)
        (wrong_disturbed if life.n_disturbed else wrong).extend(what)
        n_killed += life.n_killed
        n_disturbed += life.n_disturbed
        replay = replay or what and "RAGGED_KILL_SEED=%d RAGGED_KILLS=%d test_kill.py" % (seed, life.n_killed)
        seed += 1
        if not what:
            shutil.rmtree(life.folder)
    tell("kill -9", "%d libraries" % (seed - SEED), n_killed, wrong, started, replay)
    tell("fault after a kill", "the runs that pick up", n_disturbed, wrong_disturbed, started, replay)
    assert not wrong + wrong_disturbed, "\n".join(wrong + wrong_disturbed)
    assert n_killed >= N_KILLS


@pytest.mark.skipif(not is_fault_build(), reason="needs a FAULT=1 build")
def test_kill_at_each_step_that_makes_a_library(ragged, tmp_path):
    """A journal that a killed creator left is rolled back by whoever comes next, a reader too."""
    notes = tmp_path / "notes"
    write_corpus(notes, 1, seed=SEED, n_sentences=2)
    for step in ("sqlite.write", "sqlite.sync", "sqlite.truncate"):
        for ordinal in range(1, 13):
            shutil.rmtree(ragged.data, ignore_errors=True)
            ragged.try_run("add", notes, env={"RAGGED_FAULT": "kill@%s:%d" % (step, ordinal)})
            if ragged.data.exists():
                ragged.check()
    ragged.run("add", notes)
    ragged.check()


def test_a_ledger_sees_what_is_lost(tmp_path):
    """The proof of the proof: a library that lost one promised document, or kept a removed one, is told."""
    life = Life(tmp_path, SEED)
    life.ragged.run("add", life.notes)
    for path, version in versions_of(life.notes).items():
        life.ledger.settle(path, version)
    assert not list(life.ledger.wrong(found_in(life.ragged)))
    victim = life.notes / "note-0001.md"
    life.ragged.run("remove", victim)
    assert list(life.ledger.wrong(found_in(life.ragged))) == ["%s is gone" % victim]
    victim.write_text("# Another\n\ntext\n")
    life.ragged.run("add", victim)
    assert len(list(life.ledger.wrong(found_in(life.ragged)))) == 1
    life.ledger.settle(str(victim), version_of(victim))
    assert not list(life.ledger.wrong(found_in(life.ragged)))
