"""Data on stdout, the rest on stderr, and nothing that a terminal would obey."""

import json
import subprocess

import pytest


def test_colours_only_for_terminals(library):
    assert "\x1b[" in library.in_terminal("search", "tomato")[1]
    assert "\x1b[" not in library.in_terminal("search", "tomato", env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in library.run("search", "tomato").stdout


def test_a_document_cannot_talk_to_the_terminal(ragged, tmp_path):
    evil = tmp_path / "evil.txt"
    evil.write_bytes(b"The parrot said \x1b]0;owned\x07\x1b[31mhello\x1b[2J and \xc2\x9b31m\xe2\x80\xae left.\n")
    ragged.run("add", evil)
    _, shown = ragged.in_terminal("search", "parrot")
    assert "owned\x07" not in shown and "\x1b[2J" not in shown
    assert "\x9b" not in shown and "\u202e" not in shown


def test_json_is_alone_on_stdout(library):
    for words in (("list",), ("status",), ("search", "tomato"), ("query", "who is the head gardener?"),
                  ("config", "show"), ("model", "list"), ("version",)):
        done = library.run(*words, "--json")
        assert json.loads(done.stdout), words


def test_reader_that_leaves_is_no_error(library):
    process = library.start("list", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    complaint = process.stderr.read()
    assert process.wait() in (0, 141, -13) and b"roken pipe" not in complaint


@pytest.mark.parametrize("words, named", [
    (("serach", "x"), "search"),
    (("search", "--limt", "3", "x"), "--limit"),
    (("config", "get", "retreival_k"), "retrieval_k"),
    (("search", "--format", "yam", "x"), "yaml"),
])
def test_wrong_words_are_usage_errors_that_name_the_right_ones(ragged, words, named):
    done = ragged.run(*words, code=2)
    assert named in done.stderr and not done.stdout
