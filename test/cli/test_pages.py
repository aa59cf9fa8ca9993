"""Pages with charts are whole by themselves, and hold numbers only."""

import datetime
import html.parser
import json
import re
import xml.etree.ElementTree

import pytest

from test_eval import collection  # noqa: F401 - a fixture

SVG = "{http://www.w3.org/2000/svg}"
CANARY = "xylocarp"


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data", "xlink:href")]


def read(path):
    """The text of a page and its drawings, after what every page has to be."""
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "a"} & set(reader.tags)
    assert reader.addresses == []
    places = set(re.findall(r"\b\w+://[^\s\"'<)]*", text))
    assert places == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}  # names, not addresses
    assert "url(" not in text and "@import" not in text
    assert "@media print" in text and "prefers-color-scheme:dark" in text
    tree = xml.etree.ElementTree.fromstring(text.split("\n", 1)[1])
    drawings = list(tree.iter(SVG + "svg"))
    assert drawings
    for drawing in drawings:
        assert drawing.get("role") == "img" and drawing.find(SVG + "title").text and drawing.find(SVG + "desc").text
        width, height = float(drawing.get("width")), float(drawing.get("height"))
        for element in drawing.iter():
            for name in ("x", "y", "x1", "x2", "y1", "y2"):
                if element.get(name):
                    limit = width if name[0] == "x" else height
                    assert -1 <= float(element.get(name)) <= limit + 1, (element.tag, element.attrib)
        for bar in drawing.iter(SVG + "rect"):
            assert float(bar.get("width")) >= 0 and float(bar.get("height")) >= 0
    return text, drawings


def titles(drawings):
    return [drawing.find(SVG + "title").text for drawing in drawings]


def test_eval_writes_what_it_prints(ragged, collection, tmp_path):  # noqa: F811
    folder = collection.rename(tmp_path / "a <b> & c")
    documents = (folder / "corpus.jsonl").read_text()
    (folder / "corpus.jsonl").write_text(documents.replace("lighthouse", "lighthouse " + CANARY))
    answer = ragged.json("eval", "--report", tmp_path / "page.html", folder)
    text, drawings = read(tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600
    for run in answer["runs"]:
        assert "%.4f" % run["ndcg_10"] in text and "%.4f to %.4f" % (run["ndcg_10_low"], run["ndcg_10_high"]) in text
    assert "a &#60;b&#62; &#38; c" in text and str(tmp_path) not in text
    assert CANARY not in text and "what warns ships" not in text
    assert "Time of a search, lexical" in titles(drawings) and "(logarithmic)" in text


def recall_table(drawings, text, heading):
    """{(mode, setting): recall} of the table below a heading."""
    part = text[text.index(">Recall against time: %s<" % heading):]
    rows = re.findall(r"<tr><th[^>]*>(\w+)</th><td>(\d+)</td><td>([\d.]+)</td><td>([\d.]+)</td></tr>", part[:part.index("</table>")])
    assert rows and all(float(took) > 0 for _, _, _, took in rows)
    return {(mode, int(setting)): float(recall) for mode, setting, recall, _ in rows}


def marks_of(drawing):
    """Of each line the numbers at its points."""
    marks = {}
    for rect in drawing.iter(SVG + "rect"):
        marks.setdefault(rect.get("class"), []).append(rect.find(SVG + "title").text)
    return list(marks.values())


def test_eval_sets_recall_against_time(ragged, collection, tmp_path):  # noqa: F811
    """Of few queries the sample is all of them: at 10 and 100 results the curve is what the table of modes says."""
    answer = ragged.json("eval", "--report", tmp_path / "page.html", collection)
    text, drawings = read(tmp_path / "page.html")
    recall = recall_table(drawings, text, "how many results are wanted")
    settings = [1, 2, 5, 10, 20, 50, 100]
    for run in answer["runs"]:
        assert recall[run["mode"], 10] == pytest.approx(run["recall_10"], abs=1e-4)
        assert recall[run["mode"], 100] == pytest.approx(run["recall_100"], abs=1e-4)
        values = [recall[run["mode"], n] for n in settings]
        assert values == sorted(values) and values[0] < values[-1]
    drawing = drawings[titles(drawings).index("Recall against time, by the number of results")]
    assert marks_of(drawing) == [list(map(str, settings))] * 3
    assert len(list(drawing.iter(SVG + "polyline"))) == 3
    assert set(recall_table(drawings, text, "how many vectors are scored exactly").values()) == {1}
    assert "Nothing was missed at any setting" in text and "are read again" not in text


def test_a_page_that_can_not_be_written_is_told_first(ragged, collection, tmp_path):  # noqa: F811
    done = ragged.run("eval", "--report", tmp_path / "nowhere" / "page.html", collection, code=1)
    assert "nowhere" in done.stderr
    done = ragged.run("benchmark", "embedding-init", "--report", tmp_path / "nowhere" / "page.html", code=1)
    assert "nowhere" in done.stderr
    assert list(tmp_path.glob("*.tmp")) == []


def test_benchmark_shows_before_and_after(ragged, tmp_path):
    words = ("benchmark", "embedding-init", "--runs", "2", "--warmup", "0")
    ragged.run(*words, "--save", "before")
    answer = ragged.json(*words, "--compare", "before", "--report", tmp_path / "page.html")
    text, drawings = read(tmp_path / "page.html")
    assert ">before<" in text and ">now<" in text and answer["machine"]["cpu"] in text
    units = {row["unit"] for row in answer["results"]}
    assert len(drawings) == 2 * len(units)
    for row in answer["results"]:
        assert ">%s<" % row["name"] in text
    bars = drawings[titles(drawings).index("Medians in ms")]
    in_ms = [row for row in answer["results"] if row["unit"] == "ms"]
    shown = [rect for rect in bars.iter(SVG + "rect") if rect.find(SVG + "title") is not None]
    assert len(shown) == 2 * len(in_ms)
    longest = max(in_ms, key=lambda row: max(row["median"], row["baseline"]))
    for row, rect in zip(in_ms, shown[::2]):  # as long as large, from 0
        if row["name"] == longest["name"]:
            scale = float(rect.get("width")) / row["median"]
    for row, rect in zip(in_ms, shown[::2]):
        assert float(rect.get("width")) == pytest.approx(row["median"] * scale, abs=0.5)


def test_benchmark_shows_both_positions_of_a_feature(ragged, tmp_path):
    ragged.run("benchmark", "embedding-init", "--runs", "2", "--warmup", "0", "--flag", "embedder_caching",
               "--report", tmp_path / "page.html")
    text, _ = read(tmp_path / "page.html")
    assert ">embedder_caching<" in text and ">without it<" in text


def test_monitor_shows_what_was_counted(library, tmp_path):
    library.run("search", CANARY + " tomato")
    library.run("search", "--mode", "lexical", "tomato plants")
    library.run("monitor", "--report", tmp_path / "page.html")
    text, drawings = read(tmp_path / "page.html")
    counted = library.json("monitor")
    for latency in counted["latencies"]:
        if latency["count"]:
            assert "%d times; half of them" % latency["count"] in text
    assert "searches over time" in titles(drawings) and "files added over time" in titles(drawings)
    assert CANARY not in text and "tomato" not in text and str(library.folder) not in text


def test_monitor_says_what_it_does_not_know(ragged, tmp_path):
    ragged.run("monitor", "--report", tmp_path / "page.html", env={"RAGGED_LOG_LEVEL": "off"})
    text = (tmp_path / "page.html").read_text()
    assert "says of no search" in text and "Nothing was timed yet" in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_monitor_tells_that_searches_became_slower(ragged, tmp_path, form):
    log = tmp_path / "log"
    now = datetime.datetime.now(datetime.timezone.utc)
    with log.open("w") as lines:
        for i in range(60):
            at = (now - datetime.timedelta(hours=60 - i)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            took_us = 10000 if i < 30 else 40000
            lines.write("%s info  searched run=1 took_us=%d mode=hybrid count=3\n" % (at, took_us) if form == "text" else
                        json.dumps({"ts": at, "level": "info", "event": "searched", "run": "1", "took_us": took_us,
                                    "mode": "hybrid"}, separators=(",", ":")) + "\n")
    ragged.run("monitor", "--report", tmp_path / "page.html", env={"RAGGED_LOG_FILE": log})
    text, drawings = read(tmp_path / "page.html")
    assert "Searches became slower: half of the earlier 30 took at most 10 ms, half of the later 30 at most 40 ms" in text
    line = drawings[titles(drawings).index("Time of a search over time")].find(SVG + "polyline")
    heights = [float(point.split(",")[1]) for point in line.get("points").split()]
    assert heights[0] > heights[-1] + 10  # upwards is less y


def test_memory_shows_the_run(ragged, tmp_path):
    (tmp_path / "texts").write_text(CANARY + " one\ntwo\n")
    done = ragged.run("profile-memory", "-o", tmp_path / "page.html", "embed", tmp_path / "texts")
    assert len(done.stdout.splitlines()) == 2
    text, drawings = read(tmp_path / "page.html")
    assert {"Memory over time", "Allocations over time", "Blocks by size"} <= set(titles(drawings))
    assert CANARY not in text and str(tmp_path) not in text
    told = json.loads(ragged.run("profile-memory", "--json", "embed", tmp_path / "texts").stderr)
    for row in told["subsystems"]:
        assert ">%s<" % row["name"] in text
