"""Documents that say what they are, and conditions that choose among them."""

import json
import os

import pytest

import database

DOCUMENTS = {
    "plan.md": "---\ntitle: The plan\nauthor: Ada Lovelace\ntags: [tea, to read]\nyear: 1843\n"
               "date: 2024-05-17\ndraft: true\n---\n# Plan\n\nThe kettle boils the water.\n",
    "notes.md": "---\ntitle: Part 1: Notes\nauthor:\n  name: Bob\nyear: 1990\n---\nThe kettle is red.\n",
    "page.html": "<html><head><title>A page</title><meta name=author content='Zo\u00eb'>"
                 "<meta name=keywords content='tea, cups'></head><body><p>Cups of tea.</p></body></html>",
    "plain.txt": "The kettle has no metadata.\n",
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "described"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    os.utime(folder / "plain.txt", (0, 0))
    return folder


@pytest.fixture
def described(ragged, folder):
    ragged.run("add", folder)
    return ragged


def listed(ragged, *words):
    return [os.path.basename(item["file"]) for item in ragged.json("list", *words)["documents"]]


def meta(ragged, name):
    return {os.path.basename(item["file"]): item["meta"]
            for item in ragged.json("list")["documents"]}[name]


def test_documents_say_what_they_are(described):
    assert meta(described, "plan.md") == {
        "author": "Ada Lovelace", "tags": ["tea", "to read"], "year": 1843, "date": "2024-05-17",
        "draft": True}
    assert meta(described, "notes.md") == {"author.name": "Bob", "year": 1990}
    assert meta(described, "page.html") == {"author": "Zo\u00eb", "keywords": ["tea", "cups"]}
    assert meta(described, "plain.txt") == {}
    titles = {item["title"] for item in described.json("list")["documents"]}
    assert titles == {"The plan", "Part 1: Notes", "A page", "plain"}


@pytest.mark.parametrize("words, names", [
    (("--where", "author ~ lovelace"), ["plan.md"]),
    (("--where", 'tags = "to read" or keywords = cups'), ["page.html", "plan.md"]),
    (("--where", "year > 999 and year < 1900"), ["plan.md"]),
    (("--where", "has year", "--where", "not draft = true"), ["notes.md"]),
    (("--where", "date >= 2024-05"), ["plan.md"]),
    (("--where", "kind in (html, text)"), ["page.html", "plain.txt"]),
    (("--where", "author != x"), ["page.html", "plan.md"]),
    (("--where", "size > 1M"), []),
    (("--kind", "html", "--kind", "text"), ["page.html", "plain.txt"]),
    (("--until", "1970"), ["plain.txt"]),
    (("--since", "1971", "*.md"), ["notes.md", "plan.md"]),
    (("-w", "path like '*.md'", "-c", "default"), ["notes.md", "plan.md"]),
])
def test_list_keeps_to_conditions(described, words, names):
    assert listed(described, *words) == names


def test_a_document_is_named_as_on_the_command_line(described, folder):
    done = described.run("list", "--document", "plan.md", "--doc", folder / "plain.txt", "--json",
                         cwd=folder)
    assert [os.path.basename(item["file"]) for item in json.loads(done.stdout)["documents"]] == \
        ["plain.txt", "plan.md"]


@pytest.mark.parametrize("words, named", [
    (("--where", "year >> 3"), "character 7"),
    (("--where", "(year = 3"), "end of the condition"),
    (("--where", ""), "a key is wanted"),
    (("--since", "yesterday"), "2024-05-17"),
    (("--kind", "pfd"), "kinds: text"),
])
def test_a_wrong_condition_is_2_and_names_the_place(ragged, words, named):
    done = ragged.run("list", *words, code=2)
    assert named in done.stderr and not done.stdout


def test_given_metadata_wins_and_stays(described, folder):
    told = described.json("add", "--meta", "author=Editor", "--meta", "tag=a", "--meta", "tag=b",
                          "--meta", "Cost Centre=42", folder)
    assert told["updated"] == 4 and told["vectors_computed"] == 0
    assert meta(described, "plain.txt") == {"author": "Editor", "tag": ["a", "b"], "cost_centre": 42}
    assert meta(described, "plan.md")["author"] == "Editor"
    assert meta(described, "plan.md")["year"] == 1843
    assert listed(described, "--where", "tag = b and cost_centre < 43") == sorted(DOCUMENTS)
    assert described.json("add", "--meta", "tag=a", "--meta", "tag=b", folder)["unchanged"] == 4
    assert described.json("add", folder)["unchanged"] == 4
    (folder / "plan.md").write_text(DOCUMENTS["plan.md"].replace("1843", "1844"))
    assert described.json("add", folder)["updated"] == 1
    assert meta(described, "plan.md")["author"] == "Editor"
    assert meta(described, "plan.md")["year"] == 1844
    assert described.json("add", "--meta", "author=", folder)["updated"] == 4
    assert meta(described, "plan.md")["author"] == "Ada Lovelace"
    assert meta(described, "plain.txt") == {"tag": ["a", "b"], "cost_centre": 42}
    described.check()


def test_damaged_metadata_is_none(described):
    database.change(described.data, "UPDATE documents SET meta = '{\"_given\":[' WHERE title = 'plain'")
    database.change(described.data, "UPDATE documents SET meta = 'junk' WHERE title = 'A page'")
    assert meta(described, "plain.txt") == {} and meta(described, "page.html") == {}
    assert listed(described, "--where", "has author") == ["plan.md"]


@pytest.mark.parametrize("text", ["author", "=x", "_given=x", ""])
def test_wrong_metadata_is_2_and_adds_nothing(ragged, folder, text):
    done = ragged.run("add", "--meta", text, folder, code=2)
    assert "NAME=VALUE" in done.stderr
    assert listed(ragged) == []


def test_given_metadata_survives_a_file_that_breaks(described, folder):
    described.run("add", "--meta", "owner=ada", folder / "plain.txt")
    (folder / "plain.txt").write_bytes(bytes(range(256)) * 64)
    described.run("add", folder, code=3)
    assert listed(described, "--failed", "--where", "owner = ada") == ["plain.txt"]
    (folder / "plain.txt").write_text("The kettle works again.\n")
    described.run("add", folder)
    assert listed(described, "--where", "owner = ada") == ["plain.txt"]
