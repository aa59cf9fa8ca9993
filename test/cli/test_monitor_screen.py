"""The full-screen monitor, in a terminal: whole at every size, true, obedient, and gone without a trace."""

import os
import re
import signal
import time

import pytest

pytest.importorskip("pyte", reason="without pyte there is no terminal to look at")

from driver import is_sanitized  # noqa: E402
from terminal import Terminal  # noqa: E402

SIZES = [(80, 24), (200, 60)]
COLOUR = re.compile(rb"\x1b\[[0-9;]*(?<![0-9])(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
NUMBER = r"(?:-|<?\d+(?:\.\d)?[kMG]?/s|\d+(?:\.\d)? (?:B|KiB|MiB|GiB)/s)"
TIME = r"(?:-|\d+(?:\.\d)? (?:us|ms|s))"
LEFT = r"(?:-|\d+s|\d+m\d\ds|\d+h\d\dm|\d+d\d\dh)"


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for i in range(400):
        (folder / ("%d.md" % i)).write_text("# Note %d\n\n%s\n" % (i, "The tide rises at the shore. " * 40))
    return folder


def frames(lines):
    """Inside of each frame as lines; fails when one is not closed."""
    found = []
    for y, line in enumerate(lines):
        for x, letter in enumerate(line):
            if letter != "┌":
                continue
            right = line.index("┐", x)
            assert "┌" not in line[x + 1:right]
            inside = []
            for below in lines[y + 1:]:
                if below[x] == "└":
                    assert below[right] == "┘", below
                    break
                assert below[x] == "│" and below[right] == "│", below
                inside.append(below[x + 1:right])
            else:
                raise AssertionError("a frame without an end:\n" + "\n".join(lines))
            found.append((line[x + 1:right].strip("─ "), inside))
    corners = "".join(lines)
    assert corners.count("┐") == corners.count("└") == corners.count("┘") == len(found)
    return dict(found)


def look_at_numbers(lines, columns):
    """Every row is whole: a number with its unit, nothing cut."""
    panels = frames(lines)
    flows = panels["throughput"]
    for name in ("files", "text", "vectors", "searches", "tokens"):
        row = [row for row in flows if row.startswith(" " + name + " ")]
        assert len(row) == 1 and re.match(r" %s +%s(?: |$)" % (name, NUMBER), row[0]), flows
    latency = panels["latency, all time"]
    for name in ("embed", "scan", "fuse", "fetch", "rerank", "total", "answer"):
        assert any(re.match(r" %s +[\d.]+[kM]? +%s +%s +%s(?: |$)" % (name, TIME, TIME, TIME), row)
                   for row in latency), latency
    state = [row.rstrip() for row in panels["memory, caches, servers"]]
    assert any(re.match(r" hits of  result (-|\d+%) +vector (-|\d+%)$", row) for row in state), state
    assert any(re.match(r" servers  \d+ ok \d+ bad \d+ again$", row) for row in state), state
    assert any(re.match(r" breakers opened \d+ spared \d+$", row) for row in state), state
    assert lines[-1].rstrip().endswith("h help") and len(lines[0]) == columns
    return panels


@pytest.mark.parametrize("columns, rows", SIZES)
def test_a_running_add_is_seen_with_its_rate(ragged, notes, columns, rows):
    ragged.run("add", "--defer-vectors", notes / "0.md")
    ragged.try_run("add", notes / "nowhere.md")
    with Terminal(ragged, "monitor", "--interval", "0.2", columns=columns, rows=rows) as terminal:
        terminal.wait_for("nothing runs")
        look_at_numbers(terminal.lines, columns)
        add = ragged.start("add", notes, "--quiet")
        row = re.compile(r"│ +%d add +vectors .*?([1-9]\d*)/(\d+) +(\d+)%% +([\d.]*[1-9]\d*)/s +%s +%s " % (add.pid, LEFT, LEFT))
        shown = terminal.wait_for(row.search, 60)
        panels = look_at_numbers(terminal.lines, columns)
        done, total, share, rate = row.search(shown).groups()
        assert 0 < int(done) <= int(total) and int(share) == int(done) * 100 // int(total)
        assert float(rate) > 0
        vectors = [line for line in panels["throughput"] if line.startswith(" vectors")][0]
        assert "%s/s" % rate in vectors
        assert re.search(r"memory +[\d.]+ [KM]?i?B of [\d.]+ [MG]iB", shown)
        assert re.search(r"governor +(green|yellow|red|black), \d+ queued", shown)
        assert any(re.match(r" +\d+s failed add exit_code=1", line)
                   for line in panels["warnings and errors in the log"])
        for _ in range(5):
            ragged.run("search", "--mode", "lexical", "--no-cache", "tide")
        terminal.wait_for(lambda text: re.search(r" total +5 +[\d.]+ [mu]s", text))
        add.kill()
        add.wait()
        terminal.wait_for("nothing runs")
        terminal.type("q")
        assert terminal.end() == 0 and terminal.is_usual()


def test_it_follows_the_size_of_the_terminal(ragged, notes):
    ragged.run("add", "--defer-vectors", notes / "0.md")
    with Terminal(ragged, "monitor") as terminal:
        terminal.wait_for("nothing runs")
        for columns, rows in [(200, 60), (100, 30), (139, 70), (140, 32), (300, 25), (80, 24)]:
            terminal.resize(columns, rows)
            terminal.wait_for(lambda text: text.rstrip().endswith("h help") and "throughput" in text and
                              terminal.lines[2].rstrip().endswith("┐") and
                              len(terminal.lines[2].rstrip()) == columns, 10)
            look_at_numbers(terminal.lines, columns)
        for columns, rows in [(79, 24), (80, 23), (40, 10), (5, 2), (1, 1)]:
            terminal.resize(columns, rows)
            time.sleep(0.3)
            terminal.read(0.5)
            if columns >= 40:
                terminal.wait_for("%dx%d: all is seen from 80x24 on" % (columns, rows), 10)
                assert "throughput" not in terminal.text and "COMMAND" in terminal.text
        terminal.resize(80, 24)
        terminal.wait_for("throughput", 10)
        terminal.type("q")
        assert terminal.end() == 0


def test_keys_do_what_they_say(ragged):
    with Terminal(ragged, "monitor") as terminal:
        terminal.wait_for("operations by rate")
        terminal.type("s")
        terminal.wait_for("operations by age")
        terminal.type("l")
        terminal.wait_for("latency, last minute")
        terminal.type("+")
        terminal.wait_for("every 2 s")
        terminal.type("---")
        terminal.wait_for("every 0.2 s")
        terminal.type("p")
        before = terminal.wait_for("PAUSED").splitlines()[0]
        time.sleep(1.2)
        terminal.read()
        assert terminal.lines[0] == before, "time goes on"
        terminal.type("p")
        terminal.wait_for(lambda text: "PAUSED" not in text)
        terminal.type("h")
        terminal.wait_for("pause, and go on")
        terminal.type("h")
        terminal.wait_for(lambda text: "pause, and go on" not in text)
        terminal.type("/adq\x7fd")
        terminal.wait_for("show only: add_")
        terminal.type("\r")
        terminal.wait_for('operations by age, only "add"')
        terminal.type("/\x1b")
        terminal.wait_for(lambda text: "only" not in text)
        terminal.type("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("words, env", [(["monitor"], {"NO_COLOR": "1"}), (["--no-color", "monitor"], {})])
def test_no_colour_when_told(ragged, words, env):
    for told in (False, True):
        with Terminal(ragged, *(words if told else ["monitor"]),
                      env={"TERM": "xterm-256color", **(env if told else {})}) as terminal:
            terminal.wait_for("throughput")
            terminal.type("q")
            assert terminal.end() == 0
            assert bool(COLOUR.search(terminal.written)) != told


def test_ascii_where_there_is_no_utf8(ragged, notes):
    ragged.run("add", "--defer-vectors", notes / "0.md")
    ragged.run("search", "tide")
    with Terminal(ragged, "monitor", env={"LC_ALL": "C"}) as terminal:
        terminal.wait_for("| total ")
        terminal.type("q")
        assert terminal.end() == 0 and max(terminal.written) < 0x80


@pytest.mark.parametrize("end, code", [("q", 0), (signal.SIGINT, 0), ("\x03", 0), (signal.SIGTERM, 143)])
def test_it_gives_the_terminal_back(ragged, end, code):
    with Terminal(ragged, "monitor", env={"TERM": "xterm-256color"}) as terminal:
        terminal.wait_for("throughput")
        assert not terminal.is_usual() and b"\x1b[?1049h" in terminal.written
        if isinstance(end, str):
            terminal.type(end)
        else:
            terminal.process.send_signal(end)
        assert terminal.end() == code and terminal.is_usual()
        assert b"\x1b[?1049l" in terminal.written and b"\x1b[?25h" in terminal.written


def test_a_crash_gives_it_back_too(ragged):
    if is_sanitized():
        pytest.skip("the sanitizer takes crashes")
    with Terminal(ragged, "monitor", env={"TERM": "xterm-256color"}) as terminal:
        terminal.wait_for("throughput")
        terminal.process.send_signal(signal.SIGABRT)
        assert terminal.end() == -signal.SIGABRT and terminal.is_usual()
        assert b"\x1b[?1049l" in terminal.written


def test_counters_that_are_absent_damaged_or_replaced(ragged, notes):
    file = os.path.join(ragged.data, "metrics")
    with Terminal(ragged, "monitor", "-i", "0.1") as terminal:
        terminal.wait_for("nobody has counted here yet")
        assert not os.path.exists(ragged.data)
        ragged.run("add", "--defer-vectors", notes / "0.md")
        terminal.wait_for("nothing runs")
        for damage in (b"", b"x", b"\0" * os.path.getsize(file), os.urandom(70000)):
            with open(file, "r+b") as out:
                out.truncate(0)
                out.write(damage)
            terminal.wait_for("the counters are damaged")
            with open(file, "rb") as kept:
                assert kept.read() == damage, "who only looks mends nothing"
            frames(terminal.lines)
        ragged.run("search", "--no-cache", "--mode", "lexical", "tide")
        terminal.wait_for(lambda text: re.search(r" total +1 ", text))
        os.remove(file)
        terminal.wait_for("nobody has counted here yet")
        terminal.type("q")
        assert terminal.end() == 0


def test_it_ends_by_itself_and_costs_next_to_nothing(ragged, notes):
    ragged.run("add", "--defer-vectors", notes)
    with Terminal(ragged, "monitor", "--interval", "1", "--duration", "10", columns=200, rows=60) as terminal:
        begin = time.monotonic()
        assert terminal.end() == 0
        took = time.monotonic() - begin
        assert 9 < took < 25
        used = terminal.usage.ru_utime + terminal.usage.ru_stime
        print("monitor: %.2f %% of a core" % (100 * used / took))
        if not is_sanitized():
            assert used / took <= 0.02


def test_without_a_screen_it_prints_once(ragged):
    for words, env in ((["monitor", "--once"], {}), (["monitor"], {"TERM": "dumb"})):
        code, shown = ragged.in_terminal(*words, env=env)
        assert code == 0 and shown.startswith("library ") and "\x1b" not in shown
    assert ragged.json("monitor", "--once")["operations"] == []
    assert "need" in ragged.run("monitor", "--interval", "1", code=2).stderr
    for wrong in ("0", "0.05", "61", "x"):
        ragged.run("monitor", "--interval", wrong, code=2)
