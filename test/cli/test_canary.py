"""Twenty-five secrets and twenty-five phrases of what is private go through every command, at log level debug and while the
outside fails. Afterwards none of them is in the log, the counters, health, anything else a run leaves behind, or what a
crash says; and no secret is in anything that is printed.

RAGGED_CANARY_PLANS: injections of each command (5), with a FAULT=1 build. RAGGED_CANARY_PLAN asks for one plan."""

import base64
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from driver import COMPLAINTS, ROOT, Ragged, is_fault_build, is_sanitized
from test_servers import MODELS, Peer, play  # noqa: F401 (a fixture)

N_PLANS = int(os.environ.get("RAGGED_CANARY_PLANS", "5"))
PLAN = os.environ.get("RAGGED_CANARY_PLAN")
SEED = 7
N = 25

# Hexadecimal throughout, so that one fits where a trace id is expected.
SECRETS = ["c0ffee%02dbadcab1e%02dfeedface%02ddeadbea7%02d" % (i, i, i, i) for i in range(N)]
PHRASES = ["xyzzy%02d plover%02d" % (i, i) for i in range(N)]
WORDS = [phrase.split()[0] for phrase in PHRASES]

KEY, FILE_KEY, URL_PASSWORD, URL_QUERY, FLAG_URL = SECRETS[:5]
PLAIN_NAMES = ("OPENAI_API_KEY", "OLLAMA_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "GITHUB_TOKEN",
               "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD", "TRACESTATE", "BAGGAGE", "COOKIE")


def secret_environment(peer):
    rest = SECRETS[5:]
    host = peer.url.split("://")[1]
    environment = {
        "RAGGED_OPENAI_KEY": KEY,
        "RAGGED_OPENAI_URL": "http://me:%s@%s/v1?api_key=%s" % (URL_PASSWORD, host, URL_QUERY),
        "RAGGED_OLLAMA_URL": "http://me:%s@127.0.0.1:1" % rest[0],
        "http_proxy": "http://me:%s@127.0.0.1:9" % rest[1],
        "https_proxy": "http://me:%s@127.0.0.1:9" % rest[2],
        "all_proxy": "socks5://me:%s@127.0.0.1:9" % rest[3],
        "DATABASE_URL": "postgres://me:%s@db/x" % rest[4],
        "TRACEPARENT": "00-%s-00f067aa0ba902b7-01" % rest[5],
        "HF_ENDPOINT": "http://me:%s@127.0.0.1:9" % rest[6],
        "RAGGED_LOG_LEVEL": "debug",
    }
    environment.update(zip(PLAIN_NAMES, rest[8:]))
    assert len(rest) - 8 == len(PLAIN_NAMES)
    return environment, rest[7]


def write_documents(folder):
    """Everything of a document that could leak: names, titles, metadata, text of each kind, text that can't be read."""
    place = folder / ("%s papers" % PHRASES[0])
    place.mkdir(parents=True)
    (place / ("%s.md" % PHRASES[1])).write_text("---\nauthor: %s\ntags: [%s]\n---\n# %s\n\nOf the %s.\n" % (
        PHRASES[2], WORDS[3], PHRASES[4], PHRASES[5]))
    (place / "page.html").write_text('<html><head><title>%s</title><meta name="author" content="%s"></head><body><h1>%s</h1>'
                                     "<p>%s</p></body></html>" % tuple(PHRASES[6:10]))
    (place / "tool.py").write_text('def %s():\n    """%s"""\n' % (WORDS[10], PHRASES[11]))
    (place / "long.log").write_text(("event of %s\n" % PHRASES[12]) * 3600)
    (place / "broken.pdf").write_bytes(b"%PDF-1.4 " + PHRASES[13].encode())
    (place / "noise.txt").write_bytes(PHRASES[14].encode() + b"\xff\xfe\x00\x01" * 20)
    return place


def write_judged(folder):
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "d", "title": "", "text": PHRASES[15] + " is a mill"}) + "\n")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": PHRASES[16]}) + "\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    return folder


class Home:
    """A home full of canaries, and the commands that meet them."""

    def __init__(self, folder, peer):
        self.folder = Path(folder)
        self.private = self.folder / "private"  # what is the user's own; no run writes there
        self.ragged = Ragged(folder)
        environment, netrc = secret_environment(peer)
        self.ragged.environment.update(environment, RAGGED_PART_SIZE_KB="4", TMPDIR=str(self.folder / "tmp"),
                                       RAGGED_THREADS="1")
        (self.folder / "tmp").mkdir()
        (self.folder / "home").mkdir()
        (self.folder / "home" / ".netrc").write_text("machine 127.0.0.1 login me password %s\n" % netrc)
        (self.folder / "config" / "ragged").mkdir(parents=True)
        (self.folder / "config" / "ragged" / "ragged.yml").write_text("embedding_key: %s\n" % FILE_KEY)
        self.documents = write_documents(self.private)
        self.judged = write_judged(self.private / "judged")
        self.lines = self.private / "lines.txt"
        self.lines.write_text(PHRASES[17] + "\n")
        self.questions = self.private / "questions.txt"
        self.questions.write_text(PHRASES[18] + "\n")

    def commands(self):
        add = ("add", "-q", "-c", WORDS[19], "--meta", "project=%s" % PHRASES[20], "--exclude", "*%s*" % WORDS[21],
               self.documents)
        return [
            add, ("add", "-q", "--defer-vectors", self.documents), ("list",), ("list", "--failed"),
            ("list", "--where", "project = '%s'" % PHRASES[22]), ("search", PHRASES[5]),
            ("search", "--mode", "lexical", '"%s" %s*' % (PHRASES[12], WORDS[23])), ("search", "--mode", "vector", PHRASES[9]),
            ("search", "--explain", "--path", "*%s*" % WORDS[1], PHRASES[5]), ("query", "-g", "extractive", PHRASES[8]),
            ("query", "-g", "openai", PHRASES[5]), ("query", "-v", "-g", "ollama", PHRASES[24]), ("status", "--tuning"),
            ("check",), ("compact",), ("reindex",), ("embed", self.lines), ("eval", self.judged),
            ("benchmark", "query", "--queries", self.questions, "--runs", "1", "--warmup", "0"), ("config", "show"),
            ("cache", "stats"), ("model", "list"), ("health", "--deep"), ("doctor",), ("monitor",),
            ("remove", self.documents / "tool.py"), ("clear", "--yes"), add,
        ]

    def written(self):
        """Every file that runs made, but what the library is there to hold: the texts and what finds them."""
        for path in self.folder.rglob("*"):
            below = path.relative_to(self.folder)
            is_content = below.parts[0] in ("private", "config", "home") or "segments" in below.parts or \
                path.name.startswith(("ragged.db", "vectors-", "queries.db"))
            if path.is_file() and not is_content:
                yield path


def forms(secret):
    """As it is, and as it stands in a header that is coded: in base64 there are three ways to lie across its groups."""
    yield secret.encode()
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + secret.encode())
        yield coded[4 if offset else 0:-4]


def leaks(data, with_phrases=True):
    data = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    low = data.lower()
    found = ["secret %d" % i for i, secret in enumerate(SECRETS) if any(form in data for form in forms(secret))]
    if with_phrases:
        found += ["phrase %d" % i for i, word in enumerate(WORDS)
                  if word.encode() in low or PHRASES[i].split()[1].encode() in low]
    return found


def plans_of(home, words, dice):
    counts = home.folder / "tmp" / "counts"
    home.ragged.try_run(*words, env={"RAGGED_FAULT_COUNT": counts})
    sites = [line.split() for line in counts.read_text().splitlines()] if counts.exists() else []
    counts.unlink(missing_ok=True)
    every = [form % (site, ordinal) for site, count in sites for ordinal in sorted({1, int(count) // 2 + 1, int(count)})
             for form in ("%s:%d", "%s:%d+", "kill@%s:%d")]
    return [PLAN] if PLAN else dice.sample(every, min(N_PLANS, len(every)))


def last_words(said):
    """But for the files that could not be read: who adds them is told which."""
    said = said if isinstance(said, bytes) else said.encode("utf-8", "surrogateescape")
    return b"\n".join(line for line in said.split(b"\n") if not line.startswith(b"failed: "))


def run(home, words, plan=None):
    """What one run lets out: secrets in anything it prints, anything private in the last words of a crash."""
    done = home.ragged.try_run(*words, env={"RAGGED_FAULT": plan} if plan else None)
    name = "RAGGED_CANARY_PLAN=%s, %s" % (plan, " ".join(map(str, words)))
    found = ["%s: %s printed" % (name, leak) for leak in leaks(done.stdout + done.stderr, with_phrases=False)]
    if not plan and done.returncode in (2, 4):
        found.append("%s: it did not work: %s" % (name, done.stderr[-500:]))
    has_crashed = done.returncode < 0 or any(complaint in done.stderr for complaint in COMPLAINTS)
    if has_crashed or words[0] in ("health", "doctor", "monitor"):
        found += ["%s: %s in its last words" % (name, leak) for leak in leaks(last_words(done.stderr))]
    return found


def reports(home):
    """What is asked for by a program that watches, or sent to whoever helps."""
    for words in (("monitor", "--json"), ("monitor", "--prometheus"), ("health", "--json"), ("health", "--deep", "--json"),
                  ("doctor", "--json"), ("monitor",), ("health",)):
        done = home.ragged.try_run(*words)
        for leak in leaks(done.stdout + done.stderr):
            yield "%s: %s" % (" ".join(words), leak)


def left_behind(home):
    for path in home.written():
        for leak in leaks(path.read_bytes()):
            yield "%s: %s" % (path.relative_to(home.folder), leak)
        if leaks(path.name):
            yield "the name of %s" % path


@pytest.fixture
def home(tmp_path, play):  # noqa: F811
    peer = play(MODELS + 'else\nanswer 401 application/json {"error":{"message":"Incorrect API key provided: %s"}}\n' % KEY)
    return Home(tmp_path, peer)


def test_the_canaries_are_seen():
    assert len(set(SECRETS)) == len(set(WORDS)) == N
    for i in range(N):
        assert leaks("authorization: Bearer %s" % SECRETS[i]) == ["secret %d" % i]
        for user in ("a", "ab", "abc"):
            assert leaks(base64.b64encode(("%s:%s" % (user, SECRETS[i])).encode())) == ["secret %d" % i]
        assert leaks("said \"%s\"" % PHRASES[i].upper()) == ["phrase %d" % i]


def test_nothing_private_is_left_behind(home):
    """And the canaries really went through: they are in what the library holds."""
    wrong, dice, n = [], random.Random(SEED), 0
    for words in home.commands():
        plans = plans_of(home, words, dice) if is_fault_build() else []
        for plan in [None, *plans]:
            n += 1
            wrong += run(home, words, plan)
    wrong += [*reports(home), *left_behind(home)]
    print("%d runs, seed %d" % (n, SEED))
    assert not wrong, "\n".join(wrong)
    log = (home.folder / "state" / "ragged" / "ragged.log").read_text()
    assert log.count("run_ended") >= len(home.commands()) - 1
    assert leaks(b"".join(path.read_bytes() for path in home.ragged.data.glob("ragged.db*")))


@pytest.mark.parametrize("address", ("htps://me:%s@host", "me:%s@host", "http://me:%s@", "https://?key=%s"))
def test_a_wrong_address_is_not_said_back(home, address):
    for words in ("list",), ("query", "-g", "openai", "what?"), ("health",), ("config", "show"):
        done = home.ragged.try_run(*words, env={"RAGGED_OPENAI_URL": address % FLAG_URL})
        assert not leaks(done.stdout + done.stderr, with_phrases=False), done.stdout + done.stderr


@pytest.mark.skipif(is_sanitized(), reason="the sanitizers answer these signals themselves, and hang in their last check")
@pytest.mark.parametrize("number", (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE))
@pytest.mark.parametrize("delay_s", (0.02, 0.2))
def test_a_crash_tells_nothing_private(home, number, delay_s):
    for words in home.commands()[0], ("query", PHRASES[8]):
        process = home.ragged.start(*words, stdout=-1, stderr=-1)
        time.sleep(delay_s)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (0, 3) or not leaks(last_words(said))
    assert not [*left_behind(home)]
