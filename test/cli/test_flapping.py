"""A server of answers that is down half of the time: every question is answered all the same.

RAGGED_FLAPPING_QUERIES: how many questions (a few dozen without it)."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from driver import is_sanitized
from flapping_proxy import FlappingProxy

QUESTIONS = (
    "Who is the head gardener?",
    "How many litres of water do tomato plants get?",
    "When did the seeds of the blue poppy arrive?",
    "How are spider mites fought?",
)
DEADLINE_S = 30
AT_ONCE = 2  # searches; the server takes one after the other


@pytest.fixture(scope="module")
def ollama():
    url = os.environ.get("RAGGED_TEST_OLLAMA_URL")
    if not url:
        pytest.skip("RAGGED_TEST_OLLAMA_URL is not set")
    if is_sanitized():
        pytest.skip("what is timed is not sanitized")
    return url


def ask(ragged, url, generator, i):
    """Seconds, and "full", "labelled", "refused" (an error that says why) or what is wrong."""
    start = time.monotonic()
    done = ragged.try_run("query", "--json", "--generator", generator, "--model", "smollm2",
                          "-n", "1", "--max-tokens", "8", QUESTIONS[i % len(QUESTIONS)],
                          env={"RAGGED_OLLAMA_URL": url, "RAGGED_ANSWER_TIMEOUT": DEADLINE_S,
                               "RAGGED_THREADS": 1},  # threads that wait for each other crawl
                          timeout=DEADLINE_S * 3)
    seconds = time.monotonic() - start
    if done.returncode == 1 and "ragged: " in done.stderr and generator != "auto":
        return seconds, "refused"
    if done.returncode != 0:
        return seconds, "exit code %d: %s" % (done.returncode, done.stderr)
    answer = json.loads(done.stdout)
    if answer["generator"] == "ollama" and not answer["label"]:
        return seconds, "full"
    return seconds, "labelled" if answer["label"] else "no label: %s" % done.stdout


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def campaign(ragged, url, generator, n, pace=0.0):
    """n questions, each asked at the earliest `pace` seconds after the one before."""
    def one(i):
        result = ask(ragged, url, generator, i)
        time.sleep(max(0.0, pace - result[0]))
        return result

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(n)))


def tell(name, results):
    seconds = [result[0] for result in results]
    counts = {}
    for _, outcome in results:
        counts[outcome] = counts.get(outcome, 0) + 1
    print("\n%s: %d questions, p50 %.2f s, p99 %.2f s, most %.2f s, %s" % (
        name, len(seconds), percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds), counts))
    return counts, percentile(seconds, 0.99), max(seconds), percentile(seconds, 0.5)


def test_questions_are_answered_while_the_server_flaps(library, ollama):
    n = int(os.environ.get("RAGGED_FLAPPING_QUERIES", "40"))
    campaign(library, ollama, "ollama", AT_ONCE)  # the model is loaded once and for all
    healthy = tell("healthy", campaign(library, ollama, "auto", max(20, n // 4)))
    assert set(healthy[0]) == {"full"}
    usual = healthy[3]  # some answers have to fit between two failures
    proxy = FlappingProxy(ollama, share=0.5, period=max(1.0, 2 * usual))
    try:
        flapping = tell("down half of the time, auto", campaign(library, proxy.url, "auto", n, usual))
        named = tell("down half of the time, ollama", campaign(library, proxy.url, "ollama", n // 2, usual))
    finally:
        proxy.stop()
    assert proxy.n_down > 3
    answered = flapping[0].get("full", 0) + flapping[0].get("labelled", 0)
    assert answered >= 0.999 * n, flapping[0]
    assert flapping[0].get("full", 0) > 0 and flapping[0].get("labelled", 0) > 0
    assert flapping[2] <= DEADLINE_S + 2  # with its start and its search
    assert flapping[1] <= max(2 * healthy[1], healthy[1] + 1.0)
    assert set(named[0]) <= {"full", "labelled", "refused"} and named[2] <= DEADLINE_S + 2
