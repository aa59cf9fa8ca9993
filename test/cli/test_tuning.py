"""What adding documents finds out about the machine, and what becomes of it."""

import json
import random
from pathlib import Path

import pytest

from driver import is_sanitized

SIZES = (128, 256, 512, 1024)
NAME = "all-MiniLM-L6-v2"


@pytest.fixture
def models(ragged, tmp_path):
    """A model folder of the test's own: the files are links, what is written is not."""
    folder = tmp_path / "models" / NAME
    folder.mkdir(parents=True)
    for file in (Path(ragged.environment["RAGGED_MODEL_DIR"]) / NAME).iterdir():
        if file.name != "tuning.json":
            (folder / file.name).symlink_to(file)
    return folder


def tuning(ragged, models):
    return ragged.json("status", "--tuning", env={"RAGGED_MODEL_DIR": models.parent})["tuning"]


def test_nothing_is_measured_or_written_by_a_look(ragged, models):
    found = tuning(ragged, models)
    assert found["tokens_per_second"] is None and found["since"] is None
    assert found["micro_batch_tokens"] == 512 and found["precision"] in found["kernel"]
    assert 0 < found["bytes_per_thread"] <= 12 << 20 and found["threads"] >= 1
    text = ragged.run("status", "--tuning", env={"RAGGED_MODEL_DIR": models.parent}).stdout
    assert "not measured yet" in text and found["kernel"] in text
    assert not (models / "tuning.json").exists()


@pytest.mark.skipif(is_sanitized(), reason="minutes of embedding")
def test_adding_measures_and_remembers(ragged, models, tmp_path):
    random.seed(4)
    words = "river mill stone winter market paper garden music letter bridge".split()
    text = "\n\n".join(" ".join(random.choices(words, k=150)) for _ in range(600))
    (tmp_path / "long.txt").write_text(text)
    (models / "tuning.json").write_text("{ damaged")
    ragged.run("add", tmp_path / "long.txt", env={"RAGGED_MODEL_DIR": models.parent})
    found = tuning(ragged, models)
    assert found["micro_batch_tokens"] in SIZES and found["tokens_per_second"] > 0
    assert found["since"].endswith("Z")
    kept = json.loads((models / "tuning.json").read_text())
    (entry,) = kept.values()
    assert entry == {key: found[key] for key in ("micro_batch_tokens", "tokens_per_second", "since")}
    before = (models / "tuning.json").read_bytes()
    ragged.run("clear", "--yes", env={"RAGGED_MODEL_DIR": models.parent})
    (tmp_path / "long.txt").write_text(text[:20000])
    ragged.run("add", tmp_path / "long.txt", env={"RAGGED_MODEL_DIR": models.parent})
    assert (models / "tuning.json").read_bytes() == before
