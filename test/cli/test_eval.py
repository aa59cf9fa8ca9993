"""eval on a collection small enough to be judged by hand."""

import json
import signal
import time

import pytest

DOCUMENTS = {"one": "rivers carry water to the sea", "two": "a lighthouse warns ships of the cliffs",
             "three": "bread is made of flour and water", "four": "the baker sells bread in the morning"}
QUERIES = {"q1": ("where does the water of rivers go", {"one": 1}),
           "q2": ("what warns ships", {"two": 1}),
           "q3": ("bread", {"three": 1, "four": 2}),
           "q4": ("who sells bread", {"two": 1})}


@pytest.fixture
def collection(tmp_path):
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(
        json.dumps({"_id": name, "title": "", "text": text}) + "\n" for name, text in DOCUMENTS.items()))
    (folder / "queries.jsonl").write_text("".join(
        json.dumps({"_id": name, "text": text}) + "\n" for name, (text, _) in QUERIES.items()))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(
        "%s\t%s\t%d\n" % (name, document, gain)
        for name, (_, judged) in QUERIES.items() for document, gain in judged.items()))
    return folder


def test_every_query_is_told(ragged, collection, tmp_path):
    answer = ragged.json("eval", "--mode", "all", "--per-query", tmp_path / "queries", collection)
    assert [run["mode"] for run in answer["runs"]] == ["hybrid", "lexical", "vector"]
    lines = [json.loads(line) for line in (tmp_path / "queries").read_text().splitlines()]
    for run in answer["runs"]:
        mine = [line for line in lines if line["mode"] == run["mode"]]
        assert sorted(line["query"] for line in mine) == sorted(QUERIES)
        assert run["ndcg_10"] == pytest.approx(sum(line["ndcg_10"] for line in mine) / 4, abs=2e-4)
        assert 0 <= run["ndcg_10_low"] <= run["ndcg_10"] <= run["ndcg_10_high"] <= 1
        assert run["queries"] == 4 and run["documents"] == 4 and run["chunks"] == 4 and run["reranked"] == 0
        for line in mine:
            assert line["took_ms"] > 0 and set(line["top"]) <= set(DOCUMENTS) and line["top"]
            if line["query"] == "q2":
                assert line["top"][0] == "two" and line["ndcg_10"] == 1


def test_differences_are_query_by_query(ragged, collection, tmp_path):
    answer = ragged.json("eval", "--per-query", tmp_path / "queries", collection)
    score = {(line["mode"], line["query"]): line["ndcg_10"]
             for line in map(json.loads, (tmp_path / "queries").read_text().splitlines())}
    pairs = [(row["a"], row["b"]) for row in answer["differences"]]
    assert pairs == [("hybrid", "lexical"), ("hybrid", "vector"), ("lexical", "vector")]
    for row in answer["differences"]:
        each = [score[row["a"], name] - score[row["b"], name] for name in QUERIES]
        assert row["ndcg_10"] == pytest.approx(sum(each) / 4, abs=2e-4)
        assert min(each) - 1e-4 <= row["low"] <= row["ndcg_10"] <= row["high"] <= max(each) + 1e-4
    assert "hybrid  - lexical" in ragged.run("eval", collection).stdout


def test_one_mode_has_no_differences(ragged, collection):
    answer = ragged.json("eval", "--mode", "lexical", "--fusion", "rrf", collection)
    assert len(answer["runs"]) == 1 and answer["differences"] == []
    again = ragged.json("eval", "--mode", "lexical", collection)
    for name in ("ndcg_10", "ndcg_10_low", "ndcg_10_high"):
        assert answer["runs"][0][name] == again["runs"][0][name]


def test_a_wrong_file_is_told_at_once(ragged, collection, tmp_path):
    done = ragged.run("eval", "--per-query", tmp_path / "no" / "file", collection, code=1)
    assert str(tmp_path / "no") in done.stderr


def test_what_a_killed_one_left_goes_with_the_next(ragged, collection, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env, words = {"TMPDIR": scratch}, ("eval", "--mode", "lexical", collection)
    process = ragged.start(*words, env=env)
    deadline = time.monotonic() + 60
    while not list(scratch.glob("ragged-eval-*/files/*")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    left = sorted(scratch.rglob("*"))
    assert process.poll() is None and left
    ragged.run(*words, env=env)
    assert sorted(scratch.rglob("*")) == left  # it is alive
    process.kill()
    process.wait()
    assert sorted(scratch.rglob("*")) == left
    ragged.run(*words, env=env)
    assert not list(scratch.iterdir())


def test_a_benchmark_removes_it_too(ragged, collection, tmp_path):
    process = ragged.start("eval", collection, env={"TMPDIR": tmp_path})
    while process.poll() is None and not list(tmp_path.glob("ragged-eval-*/files/*")):
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL and list(tmp_path.glob("ragged-eval-*"))
    ragged.run("benchmark", "ingest", "--size", "1", env={"TMPDIR": tmp_path})
    assert not list(tmp_path.glob("ragged-*"))
