"""Servers that misbehave as scripted, asked by the whole program: full, labelled, or said."""

import json
import subprocess
import time

import pytest

from driver import build_folder, is_sanitized

QUESTION = "Who is the head gardener?"
FELL = "Quoted from your documents (the language model did not answer)"
MODELS = 'recv\nif GET /v1/models\nanswer 200 application/json {"data":[{"id":"m"}]}\n'
GOOD = ('answer 200 text/event-stream '
        'data: {"choices":[{"delta":{"content":"Lindqvist [1]"}}]}\\n\\ndata: [DONE]\\n\\n')
TOO_LONG = ('answer 400 application/json {"error":{"message":"request (9000 tokens) exceeds the '
            'available context size","type":"exceed_context_size_error"}}')


def script(steps):
    """`steps` answer what is asked after the list of models."""
    return MODELS + ("" if steps.startswith("first") else "else\n") + steps


class Peer:
    """test/tools/fault_server.c with a script; its stdout has what "count" steps wrote."""

    def __init__(self, script):
        self.process = subprocess.Popen([build_folder() / "test" / "tools" / "fault_server", script],
                                        stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:%s" % self.process.stdout.readline().strip()

    def stop(self):
        """What it has written, the first time."""
        if self.process.poll() is not None:
            return ""
        self.process.kill()
        return self.process.communicate()[0]


@pytest.fixture
def play():
    if not (build_folder() / "test" / "tools" / "fault_server").exists():
        pytest.skip("the tools of the tests are not built")
    peers = []

    def start(script):
        peers.append(Peer(script))
        return peers[-1]

    yield start
    for peer in peers:
        peer.stop()


def ask(library, peer, *words, **environment):
    return library.try_run("query", "--json", *words, QUESTION,
                           env={"RAGGED_OPENAI_URL": peer.url, "RAGGED_OLLAMA_URL": "http://127.0.0.1:1",
                                "RAGGED_GENERATOR": "auto", **environment})


@pytest.mark.parametrize("steps, label, reason", [
    (GOOD, "", ""),
    ("first 1 POST\nanswer 503 text/plain busy\nif POST\n" + GOOD, "", ""),
    ("first 1 POST\nanswer 200 text/html <p>\nif POST\n" + GOOD, "", ""),
    ("answer 503 text/plain busy", FELL, "503"),
    ("answer 401 application/json {\"error\":{\"message\":\"no\"}}", FELL, "401"),
    ("answer 429 text/plain slower", FELL, "429"),
    ("answer 200 text/html <p>", FELL, "something else"),
    ("answer 200 application/json {\"error\":{\"message\":\"boom\"}}", FELL, "boom"),
    ("reset", FELL, "lost the connection"),
])
def test_a_server_that_fails_is_asked_again_or_done_without(library, play, steps, label, reason):
    peer = play(script(steps))
    done = ask(library, peer)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["label"] == label
    assert ("Lindqvist" in answer["answer"]) and reason in json.dumps(answer)


def test_a_prompt_that_is_too_long_is_shortened(library, play):
    peer = play(script("first 2 POST\n" + TOO_LONG + "\nif POST\n" + GOOD))
    done = ask(library, peer, "-n", "8")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] == ""


@pytest.mark.skipif(is_sanitized(), reason="timed")
def test_an_answer_has_a_deadline(library, play):
    peer = play(script("stall"))
    start = time.monotonic()
    done = ask(library, peer, RAGGED_ANSWER_TIMEOUT="2")
    assert time.monotonic() - start < 2 + 1 + 2  # its start and its search
    assert json.loads(done.stdout)["label"] == FELL


def test_a_breaker_that_is_forced_open_is_seen_and_obeyed(library, play):
    peer = play(script("count asked\n" + GOOD))
    done = ask(library, peer, RAGGED_BREAKER_FORCE="openai.chat=open")
    assert json.loads(done.stdout)["label"] == FELL
    assert "asked" not in peer.stop()
    status = library.json("status", env={"RAGGED_BREAKER_FORCE": "openai.chat=open"})
    assert status["breakers"] == [{"operation": "openai.chat", "origin": "", "state": "open",
                                   "is_forced": True}]
    assert library.json("status")["breakers"] == []


@pytest.mark.parametrize("value", ["openai.chat", "openai.chat=ajar", "openai.talk=open"])
def test_a_breaker_is_not_forced_by_nonsense(library, value):
    done = library.run("status", env={"RAGGED_BREAKER_FORCE": value}, code=2)
    assert "breaker_force" in done.stderr
