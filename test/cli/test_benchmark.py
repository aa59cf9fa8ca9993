"""The figures are whole and honest about runs, machine and baseline; how large they are is not tested."""

import json
import signal
import subprocess
import time

import pytest

from driver import build_folder

SHORT = {"embedding-init": ("--runs", "3", "--warmup", "0"),
         "batch-embed": ("--size", "6", "--runs", "2", "--warmup", "0"),
         "ingest": ("--size", "5", "--runs", "2", "--warmup", "0"),
         "memory": ("--size", "5", "--runs", "2", "--warmup", "0")}
FIGURES = {
    "embedding-init": {"process", "process_cpu", "process_peak", "process_cold", "open", "open_to_vector",
                       "second_open", "query"},
    "batch-embed": {"equal_one_thread", "equal_all_threads_tokens", "equal_threads_ratio",
                    "mixed_one_thread_cpu", "mixed_to_equal_ratio", "peak", "ms_per_text"},
    "ingest": {"new", "new_files", "unchanged", "changed"},
    "memory": {"add", "search_words", "search_hybrid", "query"},
}


def named(answer):
    return {row["name"]: row for row in answer["results"]}


@pytest.mark.parametrize("name", SHORT)
def test_figures_are_whole(ragged, name):
    answer = ragged.json("benchmark", name, *SHORT[name])
    assert answer["benchmark"] == name and answer["warmup"] == 0 and answer["warnings"] == []
    assert FIGURES[name] <= set(named(answer))
    for row in answer["results"]:
        assert row["samples"] == answer["runs"]
        assert 0 < row["min"] <= row["median"] <= row["max"]
        assert row["min"] <= row["mean"] <= row["max"] * 1.0001 and row["better"] in ("lower", "higher")
        assert row["baseline"] is None and row["gain"] is None
    machine = answer["machine"]
    assert machine["cpu"] and machine["kernel"] and machine["fingerprint"] and machine["cores"] >= 1
    assert not ragged.data.exists()


def test_all_are_measured_in_turn(ragged):
    printed = ragged.run("benchmark", "all", "--json", "--size", "4", "--runs", "1", "--warmup", "0").stdout
    decoder, answers = json.JSONDecoder(), []
    while printed.strip():
        answer, end = decoder.raw_decode(printed.lstrip())
        answers.append(answer)
        printed = printed.lstrip()[end:]
    assert [answer["benchmark"] for answer in answers] == list(SHORT)
    memory = {name: row["median"] for name, row in named(answers[-1]).items()}
    assert memory["search_words"] < memory["search_hybrid"], "words alone need no model"
    assert "--report" in ragged.run("benchmark", "all", "--report", "page.html", code=2).stderr



def test_warm_up_runs_do_not_count(ragged):
    answer = ragged.json("benchmark", "embedding-init", "-n", "2", "-w", "2")
    assert {row["samples"] for row in answer["results"]} == {2}


def test_a_baseline_is_kept_and_compared(ragged):
    words = ("benchmark", "embedding-init", "--runs", "2", "--warmup", "0")
    saved = named(ragged.json(*words, "--save", "before"))
    kept = ragged.folder / "state" / "ragged" / "benchmarks" / "before.embedding-init.json"
    assert named(json.loads(kept.read_text())) == saved
    for name, row in named(ragged.json(*words, "--compare", "before")).items():
        assert row["baseline"] == saved[name]["median"]
        assert row["gain"] == pytest.approx(row["baseline"] / row["median"], rel=0.01, abs=0.001)
    text = ragged.run(*words, "--compare", "before").stdout
    assert "gain" in text and "median of 2 runs" in text


def test_a_higher_rate_is_a_gain(ragged):
    words = ("benchmark", "batch-embed", *SHORT["batch-embed"])
    ragged.run(*words, "--save", "before")
    kept = ragged.folder / "state" / "ragged" / "benchmarks" / "before.batch-embed.json"
    saved = json.loads(kept.read_text())
    for row in saved["results"]:
        row["median"] = 1.0
    saved["machine"]["cpu"] = "another"
    kept.write_text(json.dumps(saved))
    answer = ragged.json(*words, "--compare", "before")
    row = named(answer)["equal_one_thread_tokens"]
    assert row["gain"] == pytest.approx(row["median"], rel=0.001)
    assert "another machine" in answer["warnings"][0]


@pytest.mark.parametrize("words, code, said", [
    (("--compare", "nothing"), 1, "--save nothing"),
    (("--save", "../x"), 2, "letters"),
    (("--save", ".x"), 2, "letters"),
    (("--runs", "0"), 2, "1.."),
])
def test_wrong_usage_is_told_before_anything_runs(ragged, words, code, said):
    started = time.monotonic()
    assert said in ragged.run("benchmark", "batch-embed", *words, code=code).stderr
    assert time.monotonic() - started < 5


def test_unknown_benchmarks_name_the_known(ragged):
    assert "embedding-init" in ragged.run("benchmark", "embeding-init", code=2).stderr
    assert "batch-embed" in ragged.run("benchmark", code=2).stderr


def test_a_damaged_baseline_is_named(ragged):
    folder = ragged.folder / "state" / "ragged" / "benchmarks"
    folder.mkdir(parents=True)
    (folder / "bad.embedding-init.json").write_text("{")
    done = ragged.run("benchmark", "embedding-init", "--compare", "bad", code=1)
    assert "bad.embedding-init.json" in done.stderr


def test_a_missing_model_is_told(ragged, tmp_path):
    done = ragged.run("benchmark", "embedding-init", code=1, env={"RAGGED_MODEL_DIR": tmp_path})
    assert "ragged model pull" in done.stderr


def test_it_can_be_stopped(ragged):
    process = ragged.start("benchmark", "batch-embed", "--size", "2000")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130


def test_the_tool_that_times_the_encoder_encodes_what_embed_does(ragged, tmp_path):
    tool = build_folder() / "test" / "tools" / "encoder_bench"
    if not tool.exists():
        pytest.skip("test/tools is not built")
    (tmp_path / "texts").write_text("a river\nthe mill stands still in winter\n")
    model = ragged.environment["RAGGED_MODEL_DIR"] + "/all-MiniLM-L6-v2"
    done = subprocess.run([tool, model, "auto", tmp_path / "texts"], capture_output=True, text=True,
                          input="write 0 %s\nwhole 0 2\neach 0 2\nfresh 1\n" % (tmp_path / "vectors"),
                          timeout=120, check=True)
    ready, *answers = done.stdout.splitlines()
    assert ready.startswith("ready ") and len(answers) == 4 and all(int(ns) > 0 for ns in answers[1:])
    embedded = subprocess.run(ragged.command("embed", "--format", "f32", tmp_path / "texts"),
                              env=ragged.environment, capture_output=True, check=True)
    assert (tmp_path / "vectors").read_bytes() == embedded.stdout


WHOLES = {"process", "warm", "cached_process", "cached"}
QUERY_PARTS = {"hybrid": WHOLES | {"embed", "scan", "fuse", "fetch"},
               "lexical": WHOLES | {"scan", "fuse", "fetch"},
               "vector": WHOLES | {"embed", "scan", "fuse", "fetch"}}


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions"
    path.write_text("# two questions\n\n  tomato plants \r\n--help me\n#\n")
    return path


def test_questions_are_timed_in_every_mode(library, questions):
    answer = library.json("benchmark", "query", "--queries", questions, "--runs", "2", "--warmup", "0",
                          "--mode", "all")
    figures = named(answer)
    assert set(figures) == {"%s_%s" % (mode, part) for mode, parts in QUERY_PARTS.items() for part in parts}
    for row in figures.values():
        assert row["samples"] == 4 and row["unit"] == "ms"
        assert row["min"] <= row["median"] <= row["p95"] <= row["p99"] <= row["max"]
    for mode, parts in QUERY_PARTS.items():
        rows = {part: figures["%s_%s" % (mode, part)] for part in parts}
        assert rows["process"]["min"] > rows["warm"]["min"] > 0
        assert sum(row["min"] for part, row in rows.items() if part not in WHOLES) <= rows["warm"]["max"]
        assert rows["cached"]["min"] < rows["warm"]["min"]
        # By words alone a library this small is searched as soon as what was kept is found.
        if "embed" in parts:
            assert rows["cached_process"]["min"] < rows["process"]["min"]


def test_nothing_is_measured_as_cached_where_nothing_is_kept(library, questions):
    answer = library.json("benchmark", "query", "--queries", questions, "--runs", "1", "--warmup", "0",
                          env={"RAGGED_CACHE_MB": "0"})
    assert not [name for name in named(answer) if "cached" in name]


def test_the_mode_is_the_configured_one(library, questions, tmp_path):
    (tmp_path / "one").write_text("tomato")
    answer = library.json("benchmark", "query", "--queries", questions, "--runs", "1", "--warmup", "0",
                          "--save", "before", env={"RAGGED_RETRIEVAL_METHOD": "lexical"})
    assert {name.split("_")[0] for name in named(answer)} == {"lexical"}
    answer = library.json("benchmark", "query", "--queries", tmp_path / "one", "--mode", "lexical",
                          "--runs", "1", "--compare", "before")
    # A stage may take no whole microsecond: nothing is so many times faster than nothing.
    assert all(row["samples"] == 1 and (row["gain"] is not None or 0 in (row["min"], row["baseline"]))
               for row in answer["results"])
    assert any(row["gain"] is not None for row in answer["results"])


@pytest.mark.parametrize("words, code, said", [
    ((), 2, "--queries FILE"),
    (("--queries", "/no/such/file"), 1, "/no/such/file"),
    (("--queries", "QUESTIONS", "--model", "x"), 2, "--model"),
    (("--queries", "QUESTIONS", "--threads", "2"), 2, "--threads"),
    (("--queries", "QUESTIONS"), 1, "ragged add"),
    (("--queries", "/dev/null"), 2, "no question"),
])
def test_what_can_not_be_asked_is_told(ragged, questions, words, code, said):
    words = [questions if word == "QUESTIONS" else word for word in words]
    assert said in ragged.run("benchmark", "query", *words, code=code).stderr
