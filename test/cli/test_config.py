"""Settings as people set them: the file, the environment, options, and where each came from."""

import pytest


@pytest.fixture
def file(ragged):
    path = ragged.folder / "config" / "ragged" / "config.yaml"
    path.parent.mkdir(parents=True)
    return path


def origin(ragged, key, *words, env=None):
    row = ragged.json("config", "get", key, *words, env=env)
    return row["value"], row["source"]


def test_precedence(ragged, file, tmp_path):
    assert origin(ragged, "data_dir") == (str(ragged.data), "env")
    file.write_text("generator: extractive\n")
    assert origin(ragged, "generator") == ("extractive", "file")
    assert origin(ragged, "generator", env={"RAGGED_GENERATOR": "ollama"}) == ("ollama", "env")
    assert origin(ragged, "data_dir", "--data-dir", tmp_path) == (str(tmp_path), "flag")
    assert origin(ragged, "threads") == ("0", "default")


def test_set_then_get(ragged, file):
    file.write_text("# my settings\nthreads: 2 # two\n")
    ragged.run("config", "set", "threads", "3")
    ragged.run("config", "set", "llm_model", "a: b # c")
    assert file.read_text() == '# my settings\nthreads: 3 # two\nllm_model: "a: b # c"\n'
    assert ragged.run("config", "get", "llm_model").stdout == "a: b # c\n"
    assert ragged.run("config", "path").stdout == str(file) + "\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_set_makes_the_file(ragged):
    ragged.run("config", "set", "retrieval_k", "7")
    assert origin(ragged, "retrieval_k") == ("7", "file")


def test_wrong_file_is_told_by_line_and_does_not_stop_help(ragged, file):
    file.write_text("threads: 2\nretreival_k: 3\n")
    done = ragged.run("list", code=2)
    assert "line 2" in done.stderr and "retrieval_k" in done.stderr and str(file) in done.stderr
    ragged.run("help")
    ragged.run("config", "path")


def test_secrets_are_never_shown(ragged, file):
    file.write_text("openai_key: sk-very-secret\n")
    for words in (("show",), ("get", "openai_key"), ("show", "--json"), ("show", "--format", "csv")):
        done = ragged.run("config", *words)
        assert "***" in done.stdout and "very-secret" not in done.stdout + done.stderr


def test_without_home_there_is_a_sentence(ragged):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "RAGGED_DATA_DIR"):
        ragged.environment.pop(name)
    done = ragged.run("list", code=1)
    assert "HOME" in done.stderr and "--data-dir" in done.stderr
    ragged.run("list", "--data-dir", ragged.data)
