"""Answers: cited from stored text, honest when there is nothing, through every generator."""

import http.server
import json
import os
import signal
import threading
import time

import pytest

from driver import DOCUMENTS

ABSENT = "What is the boiling point of tungsten hexafluoride?"


class CountingServer(http.server.ThreadingHTTPServer):
    """An OpenAI-compatible server that counts what is asked of it and never stops thinking."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), CountingHandler)
        self.n_completions = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d/v1" % self.server_address[1]


class CountingHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = json.dumps({"object": "list", "data": [{"id": "counted", "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.n_completions += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        piece = json.dumps({"choices": [{"index": 0, "delta": {"content": "word "}}]})
        try:
            while True:
                self.wfile.write(("data: %s\n\n" % piece).encode())
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass


@pytest.fixture
def counting_server():
    server = CountingServer()
    yield server
    server.shutdown()


def fold(text):
    return " ".join(text.split())


def source_text(path):
    """The fixture documents as one reads them; the PDF's text is in its maker."""
    if path.endswith(".pdf"):
        return (DOCUMENTS.parent / "make_pdf.py").read_text().replace('",\n     "', " ")
    with open(path, encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("question, expected, name", [
    ("Who is the head gardener?", "Lindqvist", "visitors.html"),
    ("How many litres of water do tomato plants get?", "two litres", "watering.md"),
    ("When did the seeds of the blue poppy arrive?", "1987", "letter.txt"),
    ("How are spider mites fought?", "predatory", "pests.pdf"),
])
def test_quoted_answers_cite_what_is_there(library, question, expected, name):
    answer = library.json("query", question, env={"RAGGED_GENERATOR": "extractive"})
    assert answer["found"] and expected in answer["answer"]
    assert answer["citations"]
    for citation in answer["citations"]:
        assert "[%d]" % citation["number"] in answer["answer"]
        assert fold(citation["quote"]) in fold(source_text(citation["file"]))
    assert any(citation["file"].endswith(name) for citation in answer["citations"])


def test_citations_tell_files_of_one_name_apart(ragged, tmp_path):
    for folder, animal in (("otter", "otters"), ("heron", "herons")):
        (tmp_path / "notes" / folder).mkdir(parents=True)
        (tmp_path / "notes" / folder / "readme.txt").write_text("The mill pond is home to %s.\n" % animal)
    (tmp_path / "notes" / "pond.txt").write_text("The mill pond was dug in 1871 by two brothers.\n")
    ragged.run("add", tmp_path / "notes")
    shown = ragged.run("query", "Which herons have a home at the mill pond?").stdout
    assert " heron/readme.txt:1 " in shown and str(tmp_path) not in shown
    assert " pond.txt:1 " in ragged.run("query", "When was the mill pond dug?").stdout


def test_quotes_are_verbatim_and_numbered_in_their_order(ragged, tmp_path):
    texts = {
        "a.txt": "The stone bridge of Arden has seven arches [3]. Nobody lives on it.\n",
        "b.txt": "The bridge of Arden was built in 1412 [12]. Its stone came from the quarry.\n",
        "c.txt": "The wooden bridge of Belm burnt down twice.\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    ragged.run("add", *(tmp_path / name for name in texts))
    for question in ("When was the bridge of Arden built?", "the stone bridge of Arden",
                     "How many arches has the bridge of Arden?"):
        answer = ragged.json("query", question, env={"RAGGED_GENERATOR": "extractive"})
        assert [c["number"] for c in answer["citations"]] == list(range(1, len(answer["citations"]) + 1))
        for citation in answer["citations"]:
            assert citation["quote"] in texts[citation["file"].rsplit("/", 1)[1]]
            assert "%s [%d]" % (citation["quote"], citation["number"]) in answer["answer"]
    assert "built in 1412 [12]. [1]" in ragged.json("query", "When was the bridge of Arden built?")["answer"]


def test_absent_question_is_not_found_and_no_model_is_called(library, counting_server):
    answer = library.json("query", ABSENT, env={"RAGGED_GENERATOR": "openai",
                                                "RAGGED_OPENAI_URL": counting_server.url})
    assert not answer["found"] and not answer["citations"]
    assert counting_server.n_completions == 0


def test_interrupt_stops_an_answer(library, counting_server):
    process = library.start("query", "Who is the head gardener?",
                            env={"RAGGED_GENERATOR": "openai", "RAGGED_OPENAI_URL": counting_server.url})
    deadline = time.monotonic() + 20
    while not counting_server.n_completions and time.monotonic() < deadline:
        time.sleep(0.05)
    assert counting_server.n_completions == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == 130


@pytest.mark.parametrize("generator, variable, setting", [
    ("ollama", "RAGGED_TEST_OLLAMA_URL", "RAGGED_OLLAMA_URL"),
    ("openai", "RAGGED_TEST_OPENAI_URL", "RAGGED_OPENAI_URL"),
])
def test_real_server_answers_and_every_citation_holds(library, generator, variable, setting):
    if variable not in os.environ:
        pytest.skip("%s is not set" % variable)
    answer = library.json("query", "Who is the head gardener?",
                          env={"RAGGED_GENERATOR": generator, setting: os.environ[variable],
                               "RAGGED_LLM_MODEL": "smollm2", "RAGGED_MAX_TOKENS": "64"})
    assert answer["generator"] == generator and answer["answer"]
    for citation in answer["citations"]:
        assert fold(citation["quote"]) in fold(source_text(citation["file"]))


def test_auto_says_why_the_earlier_ones_did_not_answer(library):
    answer = library.json("query", "Who is the head gardener?",
                          env={"RAGGED_GENERATOR": "auto", "RAGGED_OLLAMA_URL": "http://127.0.0.1:9"})
    assert answer["generator"] == "extractive" and "127.0.0.1:9" in json.dumps(answer)


def test_query_in_an_empty_library_says_so(ragged):
    done = ragged.try_run("query", "anything")
    assert done.returncode in (0, 1) and "ragged add" in done.stdout + done.stderr
