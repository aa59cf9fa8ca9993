"""The index in segments: it says what the tail said, survives damage, kill -9 and company, and keeps up with edits.

RAGGED_KILL_ORDINALS: how many times each step is reached before the kill (3; the campaign: 20).
RAGGED_CROWD_SECONDS: how long readers and writers crowd a library (10); RAGGED_CROWD: how many of each ("4 3"; the
campaign: "32 8")."""

import os
import random
import shutil
import threading
import time

import pytest

import database
from corpus import WORDS, write_corpus
from driver import Ragged, is_fault_build, is_sanitized, library_state, tell


@pytest.fixture(autouse=True)
def uncached(ragged):
    """What was found before the damage is right all the same, and not what these tests ask for."""
    ragged.environment["RAGGED_CACHE_MB"] = "0"


SEED = 20261125
QUESTIONS = ("river of amber", "mark7", "granite and willow by the harbour", "cobalt mark3 comet")
N_ORDINALS = int(os.environ.get("RAGGED_KILL_ORDINALS", "1" if is_sanitized() else "3"))
CROWD_S = float(os.environ.get("RAGGED_CROWD_SECONDS", "10"))
N_READERS, N_WRITERS = map(int, os.environ.get("RAGGED_CROWD", "4 3").split())
# Everything that changes the disk on the way from a tail to a merged segment.
STEPS = ("file.open", "file.write", "file.fsync", "file.rename", "file.mkdir", "file.map", "file.lock",
         "file.remove", "segment.published", "segment.replaced", "store.commit", "store.committed",
         "vectors.write", "vectors.sync", "sqlite.write", "sqlite.sync")


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    write_corpus(folder, 20, seed=SEED, n_sentences=4)
    return folder


@pytest.fixture
def compacted(ragged, notes):
    ragged.run("add", notes)
    ragged.run("compact")
    return ragged


def segments(ragged):
    return sorted((ragged.data / "segments").glob("*.seg"))


def test_a_segment_says_what_the_tail_said(ragged, notes):
    ragged.run("add", notes)
    before = library_state(ragged, QUESTIONS)
    ragged.run("compact")
    status = ragged.json("status")
    assert status["n_segments"] == 2 and status["n_tail"] == 0
    assert library_state(ragged, QUESTIONS) == before
    for mode in ("lexical", "vector"):
        assert ragged.search(QUESTIONS[0], "--mode", mode)
    ragged.check()
    (notes / "note-0003.md").write_text("# Other\n\nA wholly new zyzzyva text.\n", encoding="utf-8")
    (notes / "note-0004.md").unlink()
    ragged.run("add", notes)
    ragged.run("remove", notes / "note-0004.md")
    assert ragged.search("zyzzyva")[0]["file"].endswith("note-0003.md")
    assert not [hit for hit in ragged.search("mark4 mark3", "--mode", "lexical")
                if "mark3." in hit["snippet"] or "mark4." in hit["snippet"]]
    ragged.check()
    ragged.run("compact")
    ragged.check()
    assert len(segments(ragged)) == 2


def damage(path, dice):
    bytes_ = bytearray(path.read_bytes())
    at = dice.randrange(len(bytes_))
    bytes_[at] ^= 1 << dice.randrange(8)
    path.write_bytes(bytes_)


@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_a_damaged_segment_is_told_of_and_made_anew(compacted, notes, how):
    expected = library_state(compacted, QUESTIONS)
    dice = random.Random(SEED)
    for path in segments(compacted):
        kept = path.read_bytes()
        if how == "flip":
            damage(path, dice)
            if compacted.try_run("check").returncode == 0:
                path.write_bytes(kept)  # zeros between sections
                continue
        elif how == "cut":
            path.write_bytes(kept[:len(kept) // 2])
        else:
            path.unlink()
        assert compacted.try_run("check").returncode == 5
        found = compacted.json("search", QUESTIONS[0])
        assert "ragged reindex" in " ".join(found["warnings"])
        assert found["results"], "the other index still answers"
        compacted.run("reindex", "--damaged")
        compacted.check()
        assert library_state(compacted, QUESTIONS) == expected


def far_library(folder, one, notes, gap):
    """Its second folder's passages have numbers `gap` above those that come next."""
    ragged = Ragged(folder)
    ragged.run("add", one)
    database.change(ragged.data, "UPDATE library SET next_chunk_id = next_chunk_id + %d" % gap)
    ragged.run("add", notes)
    ragged.run("compact")
    return ragged


@pytest.mark.parametrize("gap", [0, 5, 1 << 25, 10 ** 9])
def test_check_sees_a_segment_of_other_passages(tmp_path, notes, gap):
    """As many as there should be, sound in itself, and not of these passages."""
    one = tmp_path / "one"
    write_corpus(one, 1, seed=SEED + 1, n_sentences=4)
    libraries = [far_library(tmp_path / str(n), one, notes, n) for n in (0, gap + 1)]
    rows = [database.read(ragged.data, "SELECT name, checksum FROM segments WHERE kind = 1")[0] for ragged in libraries]
    paths = [ragged.data / "segments" / (row[0] + ".seg") for ragged, row in zip(libraries, rows)]
    contents = [path.read_bytes() for path in paths]
    (n_notes,), = database.read(libraries[0].data, "SELECT count(*) FROM chunks WHERE doc_id > 1")
    for ragged, path, content, row in zip(libraries, paths, reversed(contents), reversed(rows)):
        assert "sound" in ragged.run("check").stdout
        path.write_bytes(content)
        info = path.stat()
        database.change(ragged.data, "UPDATE segments SET size = %d, inode = %d, mtime_ns = %d, checksum = %d WHERE kind = 1"
                        % (info.st_size, info.st_ino, info.st_mtime_ns, row[1]))
        told = ragged.run("check", code=5).stdout
        assert "%d passages can't be found by words" % min(gap + 1, n_notes) in told
        assert "%d passages are indexed that are not there, or twice, for words" % min(gap + 1, n_notes) in told


def test_the_next_add_makes_damaged_segments_anew(compacted, notes):
    expected = library_state(compacted, QUESTIONS)
    for path in segments(compacted):
        path.write_bytes(path.read_bytes()[:1000])
    compacted.run("add", notes)
    compacted.check()
    assert library_state(compacted, QUESTIONS) == expected


def test_words_of_an_older_version_are_cut_anew(compacted, notes):
    expected = library_state(compacted, QUESTIONS)
    database.change(compacted.data, "UPDATE meta SET value = 'english-1' WHERE key = 'analyzer'")
    old = segments(compacted)
    compacted.run("search", "--mode", "lexical", "amber", code=2)
    compacted.run("add", notes)
    compacted.check()
    assert len(set(old) & set(segments(compacted))) < len(old)
    assert library_state(compacted, QUESTIONS) == expected


def test_reindex_makes_everything_anew(compacted):
    expected = library_state(compacted, QUESTIONS)
    old = segments(compacted)
    assert compacted.json("reindex")["entries"] > 0
    assert not set(old) & set(segments(compacted))
    assert library_state(compacted, QUESTIONS) == expected
    compacted.run("reindex", "--language", "none")
    compacted.check()
    assert compacted.run("search", "--mode", "lexical", "amber", code=2)
    assert compacted.json("search", "--mode", "lexical", "amber", env={"RAGGED_LANGUAGE": "none"})["results"]


@pytest.fixture
def states(ragged, notes, tmp_path):
    """Libraries to begin with, and what each of them says: a tail alone; a segment with a dead document, and a tail."""
    extra, more = tmp_path / "extra", tmp_path / "more"
    write_corpus(extra, 2, seed=SEED + 1, n_sentences=2)
    write_corpus(more, 2, seed=SEED + 2, n_sentences=2)
    ragged.run("add", notes)
    shutil.copytree(ragged.data, tmp_path / "tail")
    expected = {"tail": library_state(ragged, QUESTIONS)}
    ragged.run("compact")
    ragged.run("remove", notes / "note-0002.md")
    ragged.run("add", extra)
    shutil.copytree(ragged.data, tmp_path / "worn")
    ragged.run("compact")
    expected["worn"] = library_state(ragged, QUESTIONS)
    ragged.run("add", more)
    ragged.run("compact")
    expected["more"] = library_state(ragged, QUESTIONS)
    return expected, more


@pytest.mark.skipif(not is_fault_build(), reason="needs a FAULT=1 build")
@pytest.mark.parametrize("step", STEPS)
def test_kill_at_each_step_from_tail_to_segment(ragged, states, tmp_path, step):
    expected, more = states
    n_killed, wrong, started = 0, [], time.monotonic()
    for start, words, end in (("tail", ("compact",), "tail"), ("worn", ("compact",), "worn"),
                              ("worn", ("reindex",), "worn"), ("worn", ("add", more), "more")):
        for ordinal in range(1, N_ORDINALS + 1):
            shutil.rmtree(ragged.data)
            shutil.copytree(tmp_path / start, ragged.data)
            done = ragged.try_run(*words, env={"RAGGED_FAULT": "kill@%s:%d" % (step, ordinal)})
            n_killed += done.returncode == -9
            ragged.check()
            ragged.run(*words)
            ragged.run("compact")
            ragged.check()
            if library_state(ragged, QUESTIONS) != expected[end]:
                wrong.append("%s, %s: another library behind ordinal %d" % (start, words[0], ordinal))
            if len(segments(ragged)) != 2:
                wrong.append("%s, %s: files of nobody behind ordinal %d" % (start, words[0], ordinal))
    tell("kill at a step", step, n_killed, wrong, started, "RAGGED_KILL_ORDINALS=%d test_segments.py -k %s" % (
        N_ORDINALS, step))
    assert not wrong, "\n".join(wrong)
    assert n_killed > 0


def test_an_edit_in_many_files_is_found_at_once(ragged, tmp_path):
    n_files = 300 if is_sanitized() or is_fault_build() else 3000
    notes = tmp_path / "many"
    write_corpus(notes, n_files, seed=SEED, n_sentences=1)
    ragged.run("add", "--defer-vectors", notes)
    (notes / "note-0123.md").write_text("# Note\n\nquokka paragraph.\n", encoding="utf-8")
    started = time.monotonic()
    added = ragged.json("add", "--defer-vectors", notes)
    took_s = time.monotonic() - started
    assert added["updated"] == 1 and added["chunks"] == 1
    assert ragged.search("quokka", "--mode", "lexical")[0]["file"].endswith("note-0123.md")
    print("1 of %d files: %.2f s" % (n_files, took_s))


def crowd(ragged, notes, seconds):
    """Writers, readers and a merger at once; the failures."""
    failures, deadline = [], time.monotonic() + seconds
    counts = {"add": 0, "search": 0, "compact": 0}

    def keep_at(name, words_of):
        dice = random.Random("%s %d" % (name, threading.get_ident()))
        while time.monotonic() < deadline and not failures:
            done = ragged.try_run(*words_of(dice))
            counts[name] += 1
            if done.returncode != 0:
                failures.append((name, done.returncode, done.stderr[-500:]))

    def write(own):
        def words_of(dice):
            path = notes / ("crowd-%d.md" % own)
            path.write_text("# Crowd %d\n\nwriter%d %s.\n" % (own, own, " ".join(dice.choices(WORDS, k=30))),
                            encoding="utf-8")
            return "add", "--defer-vectors", path
        return words_of

    jobs = [("add", write(i)) for i in range(N_WRITERS)]
    jobs += [("search", lambda dice: ("search", "--mode", "lexical", " ".join(dice.choices(WORDS, k=3))))] * N_READERS
    jobs += [("compact", lambda dice: ("compact",))]
    threads = [threading.Thread(target=keep_at, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures, counts


def test_a_crowd_reads_and_writes_while_segments_merge(ragged, notes):
    ragged.run("add", notes)
    failures, counts = crowd(ragged, notes, CROWD_S)
    assert not failures, failures
    print(counts)
    ragged.check()
    for own in range(N_WRITERS):
        assert ragged.search("writer%d" % own, "--mode", "lexical")[0]["file"].endswith("crowd-%d.md" % own)
