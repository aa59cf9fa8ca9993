"""`add --defer-vectors`: searchable by words at once, by meaning after the next add, and then like any library."""

import random
import shutil
import signal
import time

import pytest

from corpus import real_documents, write_corpus
from database import change
from driver import Ragged, calm, is_fault_build, is_sanitized, library_state
from ledger import content_of

SEED = 20261124
QUESTIONS = ("river of amber", "mark7", "granite and willow by the harbour")


@pytest.fixture
def notes(tmp_path):
    write_corpus(tmp_path / "notes", 20, seed=SEED, n_sentences=30)
    return tmp_path / "notes"


def vectors_of(ragged):
    """Every passage's vector, by document and position."""
    return [(path, ord_, vector) for path, _, _, ord_, _, vector in content_of(ragged.data)]


@pytest.fixture
def ordinary(tmp_path, notes):
    """The same folder, added the ordinary way into another library."""
    other = Ragged(tmp_path / "ordinary")
    other.run("add", notes)
    return other


def n_missing(ragged):
    return ragged.json("status")["n_missing_vectors"]


def test_words_at_once_and_the_whole_after_the_next_add(ragged, notes, ordinary):
    added = ragged.json("add", "--defer-vectors", notes)
    n_passages = added["chunks"]
    assert added["vectors_deferred"] == n_passages and added["vectors_computed"] == 0
    status = ragged.json("status")
    assert status["n_missing_vectors"] == n_passages and status["n_vectors"] == 0
    assert status["fingerprint"] == "" and "ragged add PATH" in status["warnings"][0]
    assert "%d without a vector" % n_passages in ragged.run("status").stdout
    assert "%d without a vector yet" % n_passages in ragged.run("check").stdout
    assert ragged.json("check")["missing_vectors"] == n_passages
    words = [ragged.search(question, "--mode", "lexical") for question in QUESTIONS]
    assert words == [ordinary.search(question, "--mode", "lexical") for question in QUESTIONS]

    filled = ragged.json("add", notes)
    assert filled["unchanged"] == 20 and filled["vectors_filled"] == n_passages
    assert n_missing(ragged) == 0 and ragged.json("status")["warnings"] == []
    assert vectors_of(ragged) == vectors_of(ordinary)
    assert library_state(ragged, QUESTIONS) == library_state(ordinary, QUESTIONS)
    assert ragged.json("status")["fingerprint"] == ordinary.json("status")["fingerprint"]
    assert ragged.json("add", notes)["vectors_filled"] == 0
    ragged.check()


def test_a_search_says_what_has_no_vector(ragged, notes):
    ragged.run("add", notes / "note-0003.md")
    ragged.run("add", "--defer-vectors", notes)
    n_left, n_all = n_missing(ragged), ragged.json("status")["n_chunks"]
    told = "%d of %d passages have no vector yet" % (n_left, n_all)
    found = ragged.json("search", "mark7 granite")
    assert found["mode"] == "hybrid" and found["warnings"][0].startswith(told)
    assert found["results"][0]["file"].endswith("note-0007.md") and found["relevant"]
    assert "warning: " + told in ragged.run("search", "mark7").stderr
    by_meaning = ragged.json("search", "--mode", "vector", "granite")
    assert by_meaning["warnings"][0].startswith(told)
    assert {hit["file"].rsplit("/")[-1] for hit in by_meaning["results"]} == {"note-0003.md"}
    assert ragged.json("search", "--mode", "lexical", "granite")["warnings"] == []
    found = ragged.json("search", "--path", "*note-0003.md", "granite")
    assert found["warnings"] == []


@pytest.mark.parametrize("mode", ["hybrid", "vector", "lexical"])
@pytest.mark.parametrize("question", ["mark7 granite", 'mark7 gran* -"by the willow"'])
def test_a_search_without_any_vector_opens_no_model(ragged, notes, tmp_path, mode, question):
    ragged.run("add", "--defer-vectors", notes)
    search, nowhere = ("search", "--no-cache", "--explain", "--mode", mode, question), {"RAGGED_MODEL_DIR": tmp_path}
    found, n = ragged.json(*search, env=nowhere), ragged.json("status")["n_chunks"]
    with_model = ragged.json(*search)
    assert found.pop("stages")["embed_us"] == with_model.pop("stages")["embed_us"] == 0
    assert calm(found) == calm(with_model)
    assert found["mode"] == mode and found["degraded"] == []
    told = {"vector": "can't be found by meaning", "hybrid": "are found by words only"}.get(mode)
    assert found["warnings"] == (["%d of %d passages have no vector yet and %s" % (n, n, told)] if told else [])
    names = [hit["file"].rsplit("/")[-1] for hit in found["results"]]
    assert names == [] if mode == "vector" else names[0] == "note-0007.md"

    ragged.run("add", notes)
    if mode == "vector":
        assert "model" in ragged.run(*search, env=nowhere, code=1).stderr
    else:
        assert ragged.json(*search, env=nowhere)["degraded"] == (["embedder"] if mode == "hybrid" else [])
    found = ragged.json(*search)
    assert found["mode"] == mode and found["results"] and found["warnings"] == []


def test_vectors_that_nothing_told_of_are_searched(ragged, notes):
    """As when the first of them come between the look at the library's model and the snapshot."""
    ragged.run("add", notes)
    search = ("search", "--no-cache", "the harbour")
    expected = calm(ragged.json(*search))
    change(ragged.data, "DELETE FROM meta WHERE key = 'embedding_fingerprint'")
    assert ragged.json("status")["fingerprint"] == ""
    assert calm(ragged.json(*search)) == expected and expected["warnings"] == []


def test_an_answer_is_found_by_words_alone(ragged, documents):
    ragged.run("add", "--defer-vectors", documents)
    answer = ragged.json("query", "how many litres of water do tomatoes get?",
                         env={"RAGGED_GENERATOR": "extractive"})
    assert answer["found"] and answer["citations"]


def test_vectors_that_are_there_are_used_at_once(ragged, notes, tmp_path):
    ragged.run("add", notes)
    shutil.copytree(notes, tmp_path / "copy")
    (tmp_path / "copy" / "new.md").write_text("The ferry to the island leaves at nine.\n")
    added = ragged.json("add", "--defer-vectors", tmp_path / "copy")
    assert added["vectors_deferred"] == 1 and added["vectors_computed"] == 0
    assert added["vectors_reused"] == added["chunks"] - 1
    assert n_missing(ragged) == 1
    other = tmp_path / "other.md"
    other.write_text("A basket of quinces stands in the hall.\n")
    added = ragged.json("add", other)
    assert added["vectors_computed"] == 1 and added["vectors_filled"] == 1
    assert n_missing(ragged) == 0
    ragged.check()


def test_twins_are_embedded_once_and_both_found(ragged, notes, tmp_path):
    ragged.run("add", "--defer-vectors", notes)
    n_passages = n_missing(ragged)
    shutil.copytree(notes, tmp_path / "copy")
    ragged.run("add", "--defer-vectors", tmp_path / "copy")
    assert n_missing(ragged) == 2 * n_passages
    added = ragged.json("add", notes)
    assert n_missing(ragged) == 0
    assert ragged.json("status")["n_vectors"] == n_passages
    assert n_passages <= added["vectors_filled"] < 2 * n_passages  # two workers may meet at twins
    found = [ragged.json("search", "--mode", "vector", "--path", f"{folder}/*", "granite")["results"]
             for folder in (notes, tmp_path / "copy")]
    assert found[0] and [hit["snippet"] for hit in found[0]] == [hit["snippet"] for hit in found[1]]
    ragged.check()


def test_another_model_is_refused(ragged, notes):
    ragged.run("add", "--defer-vectors", notes / "note-0001.md")
    ragged.run("add", notes / "note-0001.md", env={"RAGGED_EMBEDDING_PRECISION": "fp32"})
    for words in (("add",), ("add", "--defer-vectors")):
        done = ragged.run(*words, notes, env={"RAGGED_EMBEDDING_PRECISION": "int16"}, code=2)
        assert "the library was made with embedding model" in done.stderr
    ragged.check()


def test_progress_of_the_filling(ragged, notes):
    ragged.run("add", "--defer-vectors", notes)
    _, shown = ragged.in_terminal("add", notes)
    assert "vectors" in shown and "vectors made that the library missed" in shown


def start_filling(ragged, notes, pristine):
    shutil.rmtree(ragged.data)
    shutil.copytree(pristine, ragged.data)
    return ragged.start("add", notes, "--quiet")


def test_killed_or_stopped_while_filling_it_goes_on(ragged, notes, tmp_path, ordinary):
    ragged.run("add", "--defer-vectors", notes)
    pristine = tmp_path / "pristine"
    shutil.copytree(ragged.data, pristine)
    started = time.monotonic()
    start_filling(ragged, notes, pristine).wait()
    whole_s = time.monotonic() - started
    expected, n_kept = vectors_of(ordinary), []
    dice = random.Random(SEED)
    for i in range(4 if is_sanitized() else 10):
        process = start_filling(ragged, notes, pristine)
        time.sleep(dice.uniform(0, whole_s))
        is_stopped_softly = i % 2 == 1
        process.send_signal(signal.SIGINT if is_stopped_softly else signal.SIGKILL)
        assert process.wait() in ((0, 130, -2) if is_stopped_softly else (0, -9))
        ragged.check()
        n_left = n_missing(ragged)
        n_kept.append(len(expected) - n_left)
        assert ragged.json("add", notes)["vectors_filled"] == n_left
        assert vectors_of(ragged) == expected, "after stop %d of seed %d" % (i, SEED)
        ragged.check()
    print("kept of %d vectors: %s" % (len(expected), n_kept))


@pytest.mark.skipif(is_sanitized() or is_fault_build(), reason="speed is measured on ordinary builds")
def test_real_files_are_searchable_within_seconds(ragged, tmp_path):
    paths = [path for path in real_documents(2000, size_max=80_000)
             if path.suffix != ".pdf" and 20_000 < path.stat().st_size][:40]
    if len(paths) < 40:
        pytest.skip("fewer than 40 documents under /usr/share/doc")
    started = time.monotonic()
    ragged.run("add", "--defer-vectors", *paths)
    took_s = time.monotonic() - started
    n_bytes = sum(path.stat().st_size for path in paths)
    print("%d files, %.2f MB: %.2f s" % (len(paths), n_bytes / 1e6, took_s))
    assert ragged.search("copyright", "--mode", "lexical")
    assert took_s < 2
