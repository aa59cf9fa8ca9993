"""Reranking from the command line: the order changes, a deadline loses nothing, a missing model is told."""

import re
from pathlib import Path

import pytest

import small_reranker

QUESTION = "spider mites on the tomato plants"
EASY = ("--deadline-ms", "0")


@pytest.fixture
def reranking(library, tmp_path):
    """A library, its encoder and a reranker of random weights."""
    models = Path(library.environment["RAGGED_MODEL_DIR"])
    encoder = models / "all-MiniLM-L6-v2"
    if not encoder.is_dir():
        pytest.skip("no encoder")
    ours = tmp_path / "models"
    small_reranker.write(ours / "ms-marco-MiniLM-L6-v2", encoder / "vocab.txt")
    (ours / encoder.name).symlink_to(encoder)
    library.environment["RAGGED_MODEL_DIR"] = str(ours)
    return library


def ids(answer):
    return [hit["chunk_id"] for hit in answer["results"]]


def test_results_are_ordered_by_the_model(reranking):
    plain = reranking.json("search", "--explain", "-n", "100", QUESTION)
    ranked = reranking.json("search", "--explain", "-n", "100", "--rerank", *EASY, QUESTION)
    assert ids(plain) != ids(ranked) and sorted(ids(plain)) == sorted(ids(ranked))
    assert plain["reranked"] == 0 and ranked["reranked"] == min(50, len(ids(plain)))
    assert ranked["warnings"] == [] and ranked["stages"]["rerank_us"] > plain["stages"]["rerank_us"] == 0
    before = {hit["chunk_id"]: hit["score"] for hit in plain["results"]}
    scores = [hit["score"] for hit in ranked["results"]]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 1
    for hit in ranked["results"]:
        assert hit["explain"]["fused"] == before[hit["chunk_id"]]
        assert hit["explain"]["rerank"] == hit["score"]
    assert all(hit["explain"]["rerank"] is None for hit in plain["results"])
    shown = reranking.run("search", "--explain", "--rerank", *EASY, QUESTION).stdout
    assert "reranked: %.4f, before" % scores[0] in shown


def test_the_best_of_many_candidates_are_shown(reranking):
    ranked = reranking.json("search", "-n", "100", "--rerank", *EASY, QUESTION)
    few = reranking.json("search", "-n", "2", "--rerank", *EASY, QUESTION)
    assert ids(few) == ids(ranked)[:2]
    assert ids(reranking.json("search", "-n", "2", "--candidates", "2", "--rerank", *EASY, QUESTION)) != ids(few)


def test_low_scores_are_dropped_after_reranking(reranking):
    ranked = reranking.json("search", "-n", "100", "--rerank", *EASY, QUESTION)["results"]
    floor = (ranked[1]["score"] + ranked[2]["score"]) / 2
    kept = reranking.json("search", "--min-score", str(floor), "--rerank", *EASY, QUESTION)["results"]
    assert [hit["chunk_id"] for hit in kept] == [hit["chunk_id"] for hit in ranked[:2]]


def test_neighbours_are_joined_to_what_was_ranked(reranking):
    alone = reranking.json("search", "--full", "--rerank", *EASY, QUESTION)["results"]
    joined = reranking.json("search", "--full", "--context", "1", "--rerank", *EASY, QUESTION)["results"]
    assert [hit["score"] for hit in alone] == [hit["score"] for hit in joined]
    assert all(a["text"] in b["text"] for a, b in zip(alone, joined))


def test_a_deadline_keeps_the_order_and_says_so(reranking):
    plain = reranking.json("search", QUESTION)
    late = reranking.json("search", "--rerank", "--deadline-ms", "1", QUESTION)
    assert late["results"] == plain["results"] and late["reranked"] == 0
    assert "0 of " in late["warnings"][0] and "within 1 ms" in late["warnings"][0]


def test_the_setting_and_the_option(reranking):
    on = {"RAGGED_RERANK": "on"}
    plain, ranked = (reranking.json("search", *words, *EASY, QUESTION) for words in ((), ("--rerank",)))
    assert reranking.json("search", *EASY, QUESTION, env=on)["results"] == ranked["results"]
    assert reranking.json("search", "--no-rerank", QUESTION, env=on)["results"] == plain["results"]


def test_answers_are_made_from_reranked_passages(reranking):
    ranked = reranking.json("search", "-n", "3", "--rerank", *EASY, QUESTION)
    answer = reranking.json("query", "-k", "3", "--rerank", *EASY, QUESTION, env={"RAGGED_GENERATOR": "extractive"})
    assert answer["reranked"] == ranked["reranked"] > 0
    assert [source["score"] for source in answer["sources"]] == [hit["score"] for hit in ranked["results"]]


def test_a_missing_model_is_a_warning_or_an_error(library):
    plain = library.json("search", QUESTION)
    told = library.json("search", QUESTION, env={"RAGGED_RERANK": "true"})
    if not told["warnings"]:
        pytest.skip("the reranker is there")
    assert told["results"] == plain["results"] and "not reranked" in told["warnings"][0]
    assert "ragged model pull ms-marco" in library.run("search", "--rerank", QUESTION, code=1).stderr


def test_a_damaged_model_is_a_warning_or_an_error(reranking):
    weights = Path(reranking.environment["RAGGED_MODEL_DIR"]) / "ms-marco-MiniLM-L6-v2" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    told = reranking.json("search", QUESTION, env={"RAGGED_RERANK": "true"})
    assert "not reranked" in told["warnings"][0]
    assert "model verify" in reranking.run("search", "--rerank", QUESTION, code=1).stderr


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "nothing"])
def test_only_rerankers_rerank(library, model):
    done = library.run("search", QUESTION, code=2, env={"RAGGED_RERANK": "on", "RAGGED_RERANK_MODEL": model})
    assert model in done.stderr and "model list" in done.stderr


def test_nothing_found_needs_no_model(ragged):
    assert ragged.json("search", "--rerank", QUESTION)["results"] == []


def test_fusion_by_ranks(library):
    by_ranks = library.json("search", "--explain", "--fusion", "rrf", QUESTION)["results"]
    assert {hit["chunk_id"] for hit in by_ranks} & {hit["chunk_id"] for hit in library.search(QUESTION)}
    for hit in by_ranks:
        legs = [hit["explain"][leg]["rank"] for leg in ("lexical", "vector")]
        expected = sum(61 / (60 + rank) / 2 for rank in legs if rank)
        assert hit["score"] == pytest.approx(expected, abs=1e-4)
    from_setting = library.json("search", QUESTION, env={"RAGGED_FUSION": "rrf"})["results"]
    assert [hit["chunk_id"] for hit in from_setting] == [hit["chunk_id"] for hit in by_ranks]


def test_eval_measures_reranking(reranking, tmp_path):
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(
        '{"_id": "%d", "title": "", "text": "the rivers of country %d"}\n' % (i, i) for i in range(8)))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "rivers"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t3\t1\n")
    words = ("eval", "--mode", "lexical", "--rerank", folder)
    answer = reranking.json(*words, *EASY)
    assert answer["runs"][0]["reranked"] == 1 and answer["warnings"] == []
    late = reranking.json(*words, "--deadline-ms", "1")
    assert late["runs"][0]["reranked"] == 0 and "deadline" in late["warnings"][0]


def test_a_page_of_eval_sets_the_depth_of_reranking_against_time(reranking, tmp_path):
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(
        '{"_id": "%d", "title": "", "text": "the rivers of country %d%s"}\n' % (i, i, " and its lakes" * 60) for i in range(30)))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "rivers"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t3\t1\nq\t25\t1\n")
    page = tmp_path / "page.html"
    for n, settings in (("20", [1, 2, 5, 10, 20]), ("1", [1])):
        reranking.run("eval", "--mode", "lexical", "--rerank", "--candidates", n, "--deadline-ms", "1", "--report", page, folder)
        text = page.read_text()
        rows = re.findall(r"<tr><th[^>]*>lexical</th><td>(\d+)</td><td>[\d.]+</td><td>([\d.]+)</td></tr>", text)
        assert [int(setting) for setting, _ in rows] == settings and "how many results are wanted" not in text
        if len(rows) > 1:
            assert float(rows[-1][1]) > 2 * float(rows[0][1])  # twenty are read, whatever the deadline


def test_benchmarks_time_reranking(reranking, tmp_path):
    (tmp_path / "questions").write_text(QUESTION)
    answer = reranking.json("benchmark", "query", "--queries", tmp_path / "questions", "--runs", "1",
                            "--mode", "lexical", "--rerank", *EASY)
    rows = {row["name"]: row["median"] for row in answer["results"]}
    assert 0 < rows["lexical_rerank"] < rows["lexical_warm"]


def test_a_benchmark_of_all_modes_has_room_for_all_its_figures(reranking, tmp_path):
    (tmp_path / "questions").write_text(QUESTION)
    answer = reranking.json("benchmark", "query", "--queries", tmp_path / "questions", "--runs", "1",
                            "--mode", "all", "--rerank", *EASY)
    names = {row["name"] for row in answer["results"]}
    assert {mode + "_rerank" for mode in ("lexical", "vector", "hybrid")} <= names
