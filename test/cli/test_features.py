"""Each feature in both positions: the same library, the same results; and something moves."""

import json
import os
import time
from pathlib import Path

import pytest

from corpus import write_corpus
from driver import Ragged, library_state

FEATURES = """embedder_caching batch_auto_tuning query_caching advanced_error_recovery resource_governance
performance_aware_logging enhanced_health_checks async_backpressure incremental_indexing
observability_dashboard cold_start_optimisation graceful_degradation multi_tier_caching
adaptive_tuning""".split()
QUESTIONS = ["spider mites on tomato plants", "When did the seeds of the blue poppy arrive?", "mark7"]


def off(name):
    return ("--feature", name + "=off")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Documents, and what a library of them looks like with every feature on."""
    folder = tmp_path_factory.mktemp("features")
    write_corpus(folder / "documents", 12, seed=3, n_sentences=3)
    ragged = Ragged(folder)
    ragged.run("add", folder / "documents")
    ragged.run("compact")
    return folder / "documents", library_state(ragged, QUESTIONS)


def test_the_list_is_the_one_of_the_reference(ragged):
    told = ragged.json("feature-flags", "list")
    assert [row["feature"] for row in told["flags"]] == FEATURES
    assert told["enabled"] == told["total"] == len(FEATURES)
    assert all(row["enabled"] and row["source"] == "default" for row in told["flags"])


@pytest.mark.parametrize("name", FEATURES)
def test_both_positions_give_the_same(ragged, plain, name):
    documents, expected = plain
    ragged.environment["RAGGED_FEATURE_FLAGS"] = json.dumps({"enable_" + name: False})
    started = time.monotonic()
    ragged.run("add", documents)
    ragged.run("compact")
    assert library_state(ragged, QUESTIONS) == expected
    assert library_state(ragged, QUESTIONS) == expected  # what was kept says the same
    print("%s off: %.2f s" % (name, time.monotonic() - started))
    ragged.run("add", documents)
    ragged.check()
    del ragged.environment["RAGGED_FEATURE_FLAGS"]
    assert library_state(ragged, QUESTIONS) == expected
    ragged.check()


def test_everything_off_gives_the_same(ragged, plain):
    documents, expected = plain
    ragged.environment["RAGGED_FEATURE_FLAGS"] = json.dumps(dict.fromkeys(FEATURES, False))
    ragged.run("add", documents)
    ragged.run("compact")
    assert library_state(ragged, QUESTIONS) == expected
    ragged.check()


# ---- what moves ----

@pytest.fixture
def models(ragged, tmp_path):
    """A model folder of the test's own, without what is derived from the model."""
    there = Path(ragged.environment["RAGGED_MODEL_DIR"]) / "all-MiniLM-L6-v2"
    ours = tmp_path / "models" / there.name
    ours.mkdir(parents=True)
    for file in there.iterdir():
        if file.suffix not in (".cache",) and file.name != "tuning.json":
            (ours / file.name).symlink_to(file)
    ragged.environment["RAGGED_MODEL_DIR"] = str(ours.parent)
    return ours


def test_embedder_caching_keeps_a_file(ragged, documents, models):
    ragged.run("add", documents, *off("embedder_caching"))
    ragged.run("search", "tomato", *off("embedder_caching"))
    assert not list(models.glob("*.cache"))
    ragged.run("search", "tomato")
    assert len(list(models.glob("*.cache"))) == 1


def test_batch_auto_tuning_takes_what_was_found(ragged, models):
    def found(*words):
        told = ragged.json("status", "--tuning", *words)
        return next(row for row in told["choices"] if row["name"] == "micro_batch_tokens")
    assert found()["value"] == 512 and found()["since"] is None
    kernel = ragged.json("status", "--tuning")["tuning"]["kernel"]
    machine = ragged.json("benchmark", "embedding-init", "-n", "1", "-w", "0")["machine"]
    key = "%s %d %s" % (kernel, machine["cores"], machine["fingerprint"])
    (models / "tuning.json").write_text(json.dumps({key: {
        "micro_batch_tokens": 256, "tokens_per_second": 1234.5, "since": "2026-01-01T00:00:00Z"}}))
    assert found()["value"] == 256 and "2026" in found()["since"] and "1234 tokens/s" in found()["reason"]
    without = found(*off("batch_auto_tuning"))
    assert without["value"] == 512 and "batch_auto_tuning is off" in without["reason"]


def test_performance_aware_logging_times(library):
    assert library.json("search", "tomato")["took_ms"] > 0
    told = library.json("search", "--explain", "tomato", *off("performance_aware_logging"))
    assert told["took_ms"] == 0 and set(told["stages"].values()) == {0}
    answer = library.json("query", "--generator", "extractive", "tomato plants", *off("performance_aware_logging"))
    assert set(answer["took_ms"].values()) == {0}


def test_enhanced_health_checks_read_everything(ragged, tmp_path):
    write_corpus(tmp_path / "notes", 1000, seed=5, n_sentences=25)
    ragged.run("add", "--defer-vectors", tmp_path / "notes")
    ragged.run("compact")
    (path,) = (ragged.data / "segments").glob("l*.seg")
    kept, info = path.read_bytes(), path.stat()
    assert len(kept) > 256 * 1024, "small ones are read whole whenever they are opened"
    for at in range(len(kept) // 2, len(kept)):  # zeros between sections are nobody's
        changed = bytearray(kept)
        changed[at] ^= 1
        path.write_bytes(changed)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        if ragged.try_run("check").returncode == 5:
            break
    assert "segment" in ragged.run("check", code=5).stdout
    ragged.run("check", *off("enhanced_health_checks"))


def test_cold_start_optimisation_opens_what_is_needed(library, tmp_path):
    words = ("search", "--mode", "lexical", "tomato", *off("cold_start_optimisation"))
    assert library.json(*words)["results"] == library.search("tomato", "--mode", "lexical")
    assert library.json(*words, env={"RAGGED_MODEL_DIR": str(tmp_path / "nothing")})["degraded"] == []
    (tmp_path / "questions.txt").write_text("tomato plants\n")
    answer = library.json("benchmark", "query", "--runs", "5", "--warmup", "1", "--mode", "lexical", "--queries",
                          tmp_path / "questions.txt", "--flag", "cold_start_optimisation")
    rows = {row["name"]: row for row in answer["results"]}
    print("a search by words as a process: %(median).1f ms, with everything opened %(off).1f ms"
          % rows["lexical_process"])
    assert rows["lexical_process"]["ratio"] > 1.2 and rows["lexical_warm"]["off"] > 0


def test_adaptive_tuning_chooses_the_candidates(library):
    def factor(*words):
        choices = library.json("status", "--tuning", *words)["choices"]
        return next(row["value"] for row in choices if row["name"] == "candidates_factor")
    assert factor() == 1 and factor(*off("adaptive_tuning")) == 16


def test_graceful_degradation_goes_on(library, tmp_path):
    nothing = {"RAGGED_MODEL_DIR": str(tmp_path / "nothing")}
    assert library.json("search", "tomato", env=nothing)["degraded"] == ["embedder"]
    library.run("search", "tomato", *off("graceful_degradation"), env=nothing, code=1)


# ---- where it is said ----

def took(ragged, *words, env=None):
    return ragged.json("search", "tomato", *words, env=env)["took_ms"]


def test_a_collection_has_its_own(ragged, documents):
    file = ragged.folder / "config" / "ragged" / "config.yaml"
    ragged.run("add", documents / "handbook", "-c", "papers")
    ragged.run("add", documents / "letter.txt")
    ragged.run("feature-flags", "disable", "performance-aware-logging")
    assert file.read_text() == "feature_flags:\n  performance_aware_logging: false\n"
    assert took(ragged) == took(ragged, "-c", "papers") == 0
    ragged.run("feature-flags", "enable", "enable_performance_aware_logging", "-c", "papers")
    assert took(ragged) == took(ragged, "-c", "default") == 0 and took(ragged, "-c", "papers") > 0
    assert took(ragged, "-c", "papers", *off("performance_aware_logging")) == 0
    everywhere = {"RAGGED_FEATURE_FLAGS": '{"performance_aware_logging": false}'}
    assert took(ragged, "-c", "papers", env=everywhere) == 0
    rows = ragged.json("feature-flags", "status", "performance_aware_logging")["flags"]
    assert [(row["collection"], row["enabled"], row["source"]) for row in rows] == [
        ("", False, "file"), ("papers", True, "file")]
    assert "line 2" in rows[0]["origin"] or "line 5" in rows[0]["origin"]
    assert ragged.json("feature-flags", "list", "-c", "papers")["enabled"] == len(FEATURES)


def test_switching_keeps_the_file(ragged):
    file = ragged.folder / "config" / "ragged" / "config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\nthreads: 2 # two\n")
    said = ragged.run("feature-flags", "disable", "query_caching").stderr
    assert "query_caching is now disabled" in said
    assert file.read_text() == "# mine\nthreads: 2 # two\nfeature_flags:\n  query_caching: false\n"
    assert "was already" in ragged.run("feature-flags", "disable", "query_caching").stderr
    stronger = ragged.run("feature-flags", "enable", "query_caching",
                          env={"RAGGED_FEATURE_FLAGS": '{"query_caching": false}'}).stderr
    assert "RAGGED_FEATURE_FLAGS says otherwise" in stronger
    ragged.run("feature-flags", "disable-phase", "3")
    listed = ragged.json("feature-flags", "list", "--phase", "3")["flags"]
    assert [row["feature"] for row in listed] == [
        "graceful_degradation", "multi_tier_caching", "adaptive_tuning"]
    assert not any(row["enabled"] for row in listed)
    assert len(ragged.json("feature-flags", "list", "--enabled-only")["flags"]) == len(FEATURES) - 3
    assert "threads: 2 # two" in file.read_text()


@pytest.mark.parametrize("words", [
    ("feature-flags", "enable", "query_cashing"), ("feature-flags", "status", "query_cashing"),
    ("search", "x", "--feature", "query_cashing=off"), ("benchmark", "ingest", "--flag", "query_cashing"),
])
def test_a_wrong_name_is_told_the_nearest(ragged, words):
    assert 'did you mean "query_caching"?' in ragged.run(*words, code=2).stderr


def test_benchmark_measures_both_positions(library):
    short = ("--runs", "3", "--warmup", "0")
    answer = library.json("benchmark", "embedding-init", *short, "--flag", "embedder-caching")
    rows = {row["name"]: row for row in answer["results"]}
    assert answer["flag"] == "embedder_caching"
    for row in rows.values():
        assert row["samples"] == 3 and row["off"] > 0 and row["off_spread_percent"] >= 0
        assert row["ratio"] == pytest.approx(row["off"] / row["median"], rel=0.01, abs=0.001)
    assert rows["process_cpu"]["ratio"] > 1 and rows["process_peak"]["ratio"] > 1
    answer = library.json("benchmark", "ingest", *short, "--size", "5", "--flag", "batch_auto_tuning")
    assert {row["name"] for row in answer["results"]} == {"new", "new_files", "unchanged", "changed"}
    assert all(row["off"] > 0 for row in answer["results"])
    plain = library.json("benchmark", "ingest", *short, "--size", "5")
    assert plain["flag"] is None and all(row["off"] is None and row["ratio"] is None for row in plain["results"])
    shown = library.run("benchmark", "ingest", *short, "--size", "3", "--flag", "embedder_caching").stdout
    assert "with embedder_caching, in turn without it" in shown and "ratio" in shown
