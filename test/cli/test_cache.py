"""A question asked again: at once, the same, and never out of date."""

import json
import os
import shutil
import stat
import time

import pytest

QUESTION = "who may read the archive"


def ask(library, *words, **options):
    return library.json("search", "--full", *words, QUESTION, **options)


def results(found):
    return {key: value for key, value in found.items() if key not in ("took_ms", "cached", "stages")}


def test_again_is_the_same_and_says_so(library):
    first, again = ask(library), ask(library)
    assert not first["cached"] and again["cached"]
    assert results(first) == results(again) and first["results"]
    assert results(ask(library, "--no-cache")) == results(first)
    assert not ask(library, "--no-cache")["cached"]
    assert not ask(library, "--limit", "3")["cached"]
    for mode in ("lexical", "vector"):
        assert not ask(library, "--mode", mode)["cached"]
        assert ask(library, "--mode", mode)["cached"]


def test_quotations_are_kept(library, documents):
    page = documents / "bridge.txt"
    page.write_text("The stone bridge of Arden was built in 1412.\n")
    library.run("add", page)
    question = ["query", "--generator", "extractive", "When was the bridge of Arden built?"]
    answers = [library.json(*question) for _ in range(2)]
    assert [answer["cached"] for answer in answers] == [False, True]
    assert answers[0]["citations"] and not library.json(*question, "--no-cache")["cached"]
    for answer in answers:
        del answer["cached"], answer["took_ms"]
    assert answers[0] == answers[1]


def test_every_change_is_seen_at_once(library, documents):
    texts = []
    for number in range(5):
        page = documents / "archive.md"
        page.write_text("# Archive\n\nThe archive may be read by person %d.\n" % number)
        library.run("add", page)
        found = ask(library)
        assert not found["cached"] and ask(library)["cached"]
        texts += [hit["text"] for hit in found["results"] if hit["file"].endswith("archive.md")]
    assert ["person %d" % n in text for n, text in enumerate(texts)] == [True] * 5
    library.run("remove", page)
    assert not any(hit["file"].endswith("archive.md") for hit in ask(library)["results"])
    library.run("reindex")
    assert ask(library)["results"]
    library.run("clear", "--yes")
    assert ask(library)["results"] == []


def test_a_library_that_comes_back_meets_no_later_answers(library, documents, tmp_path):
    """Restored, the same generation numbers come again with other documents."""
    page = documents / "archive.md"
    for word in ("first", "second"):
        backup = tmp_path / "backup"
        if word == "second":
            cache = tmp_path / "cache-kept"
            shutil.copytree(library.data / "cache", cache)
            shutil.rmtree(library.data)
            shutil.copytree(backup, library.data)
            shutil.rmtree(library.data / "cache", ignore_errors=True)
            shutil.copytree(cache, library.data / "cache")
        else:
            shutil.copytree(library.data, backup)
        page.write_text("# Archive\n\nThe archive may be read by the %s person.\n" % word)
        library.run("add", page)
        found = ask(library)
        assert not found["cached"]
        assert any("the %s person" % word in hit["text"] for hit in found["results"])
        ask(library)


@pytest.mark.parametrize("damage", ["cut", "emptied", "junk", "gone", "folder", "unreadable"])
def test_a_damaged_file_is_never_told_of(library, damage):
    expected = results(ask(library))
    path = library.data / "cache" / "queries.db"
    assert ask(library)["cached"]
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:len(content) // 2])
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "junk":
        path.write_bytes(os.urandom(len(content)))
    elif damage == "folder":
        path.mkdir()
    elif damage == "unreadable":
        path.write_bytes(content)
        path.chmod(0)
    for _ in range(3):
        done = library.run("search", "--full", "--json", QUESTION)
        found = json.loads(done.stdout)
        assert results(found) == expected and done.stderr == ""
    if damage == "unreadable":
        path.chmod(0o600)
    assert found["cached"] or damage in ("folder", "unreadable")
    library.check()


def test_the_file_is_its_owner_s(library):
    ask(library)
    path = library.data / "cache" / "queries.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_stats_and_clear(library):
    ask(library)
    before = library.json("cache", "stats")
    assert {row["kind"]: row["entries"] for row in before["kinds"]} == \
        {"vectors": 1, "results": 1, "answers": 0}
    assert 0 < before["file_bytes"] < before["max_bytes"]
    assert library.json("cache", "clear")["removed_bytes"] == before["file_bytes"]
    assert library.json("cache", "stats")["file_bytes"] == 0
    assert not ask(library)["cached"]


@pytest.mark.parametrize("setting", [("RAGGED_CACHE_MB", "0"), ("RAGGED_CACHE_TTL_S", "0")])
def test_settings_switch_it_off(library, setting):
    for _ in range(2):
        assert not ask(library, env=dict([setting]))["cached"]


def test_results_grow_old(library):
    short = {"RAGGED_CACHE_TTL_S": "1"}
    ask(library, env=short)
    time.sleep(1.2)
    assert not ask(library, env=short)["cached"]


def test_what_was_worked_without_is_not_kept(library):
    """The model is not there for a while: words only, with a warning, and not a moment longer."""
    without = {"RAGGED_MODEL_DIR": library.folder / "no-models"}
    poor = ask(library, env=without)
    assert poor["mode"] == "lexical" and poor["warnings"]
    assert not ask(library, env=without)["cached"]
    whole = ask(library)
    assert whole["mode"] == "hybrid" and not whole["cached"] and not whole["warnings"]


def test_other_settings_do_not_share(library):
    assert not ask(library)["cached"]
    assert not ask(library, "--mode", "lexical")["cached"]
    precise = {"RAGGED_EMBEDDING_PRECISION": "fp32"}
    assert not ask(library, env=precise)["cached"]


def test_a_library_that_can_not_be_written_is_searched(library):
    expected = results(ask(library, "--no-cache"))
    (library.data / "cache").write_text("in the way")
    assert results(ask(library)) == expected
    assert results(ask(library)) == expected
