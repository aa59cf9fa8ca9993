"""Memory, disk and descriptors stay inside their bounds, and what does not fit says so."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from driver import DOCUMENTS, DOCUMENTED_EXIT_CODES, build_folder, is_sanitized
from memory_group import MemoryGroup

MIB = 1024 * 1024
# `make campaign` and people with an evening to spare: RAGGED_MEMORY_CORPUS_MB=10240, RAGGED_MEMORY_FILE_MB=5120,
# RAGGED_MEMORY_VECTORS_MB=100.
CORPUS_MB = int(os.environ.get("RAGGED_MEMORY_CORPUS_MB", "8"))
ONE_FILE_MB = int(os.environ.get("RAGGED_MEMORY_FILE_MB", "16"))
VECTORS_MB = int(os.environ.get("RAGGED_MEMORY_VECTORS_MB", "0"))
CAP_MB = int(os.environ.get("RAGGED_MEMORY_CAP_MB", "512" if max(CORPUS_MB, ONE_FILE_MB, VECTORS_MB) >= 100 else "72"))
FILE_BYTES = 256 * 1024

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers take memory of their own")


def write_text(folder, n_mib):
    """One generated file."""
    maker = build_folder() / "test" / "tools" / "corpus_maker"
    if not maker.exists():
        pytest.skip("corpus_maker is not built")
    folder.mkdir(parents=True)
    subprocess.run([maker, "text", folder, str(n_mib * 1800), "1", "7"], check=True)
    return folder / "corpus.txt"


def write_text_corpus(folder, n_mib):
    """Generated documents of a quarter MiB each."""
    text = write_text(folder / "raw", n_mib)
    files = folder / "files"
    files.mkdir()
    with open(text, "rb") as corpus:
        for i, part in enumerate(iter(lambda: corpus.readlines(FILE_BYTES), [])):
            (files / f"{i:06}.txt").write_bytes(b"".join(part))
    text.unlink()
    return files


@pytest.fixture
def corpus(tmp_path):
    return write_text_corpus(tmp_path / "corpus", CORPUS_MB)


@pytest.fixture
def group():
    group = MemoryGroup(CAP_MB * MIB)
    yield group
    group.remove()


def add_in_group(ragged, group, path, n_files, n_mib, cap_share=0.5):
    """Without vectors, and what was added is found. Half of the group is the budget; the rest is for pages of files, which
    the kernel may drop."""
    started = time.monotonic()
    code, printed = group.run(ragged, "add", "--defer-vectors", path, timeout=36000)
    seconds = time.monotonic() - started
    assert code == 0, printed
    assert f"{n_files} added" in printed
    code, printed = group.run(ragged, "search", "--mode", "lexical", "ba ka to")
    assert code == 0 and path.name in printed
    code, printed = group.run(ragged, "compact")
    assert code == 0, printed
    print(f"{n_mib} MiB under {CAP_MB} MiB: {seconds:.0f} s, "
          f"peak {group.peak_bytes / MIB:.0f} MiB, killed {group.n_killed()}")
    assert group.n_killed() == 0
    assert group.peak_bytes <= CAP_MB * MIB * cap_share
    ragged.check(timeout=36000)


def test_a_library_larger_than_the_control_group(ragged, corpus, group):
    add_in_group(ragged, group, corpus, len(list(corpus.iterdir())), CORPUS_MB)


def test_a_file_larger_than_the_control_group(ragged, tmp_path, group):
    """Or as large as a check has time for (see RAGGED_MEMORY_FILE_MB), whose whole takes nine times its size. Two parts may
    stand above a budget of 36 MiB."""
    add_in_group(ragged, group, write_text(tmp_path / "one", ONE_FILE_MB), 1, ONE_FILE_MB, cap_share=0.6)


def test_the_encoder_inside_a_control_group(ragged, documents, group, tmp_path):
    folders = [documents] + ([write_text_corpus(tmp_path / "corpus", VECTORS_MB)] if VECTORS_MB else [])
    started = time.monotonic()
    code, printed = group.run(ragged, "add", *folders, timeout=36000)
    seconds = time.monotonic() - started
    assert code == 0, printed
    status = ragged.json("status")
    assert status["n_missing_vectors"] == 0
    code, printed = group.run(ragged, "search", "storage of seeds")
    assert code == 0, printed
    print(f"{VECTORS_MB} MiB with vectors under {CAP_MB} MiB: {status['n_chunks']} passages, {seconds:.0f} s, "
          f"peak {group.peak_bytes / MIB:.0f} MiB, killed {group.n_killed()}")
    assert group.n_killed() == 0
    ragged.check(timeout=36000)


def children_of(process):
    found = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        found += task.read_text().split()
    return found


def own_bytes(pid):
    """What no file backs; 0 when it is gone."""
    try:
        resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[1:3])
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGESIZE")


def test_a_page_that_grows_in_its_parser_is_refused(ragged, tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "large.html").write_text(
        "<html><body>" + "".join(f"<p><b>par</b> {i} <i>it</i></p>" for i in range(200000)))
    (folder / "small.txt").write_text("a small one about marigolds\n")
    process = ragged.start("add", "--defer-vectors", "--max-memory", "48M", folder,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        try:
            pids = [process.pid, *children_of(process)]
        except OSError:
            break
        peak = max(peak, sum(own_bytes(pid) for pid in pids))
        time.sleep(0.005)
    printed = process.communicate()[1].decode()
    assert process.returncode == 3
    assert re.search(r"large.html: parsing it takes more than \d+ MiB of memory", printed)
    assert "--max-memory" in printed
    assert peak <= 64 * MIB
    assert ragged.search("marigolds", "--mode", "lexical")
    code = ragged.try_run("add", "--defer-vectors", "--max-memory", "2G", folder).returncode
    assert code == 0
    ragged.check()


@pytest.mark.parametrize("size, sentence", [
    ("5 M", "wants a size"), ("1", "must be within"), ("x", "wants a size"), ("-1G", "wants a size")])
def test_a_wrong_size_is_explained(ragged, size, sentence):
    done = ragged.run("status", f"--max-memory={size}", code=2)
    assert sentence in done.stderr


def test_status_says_the_budget(ragged):
    memory = ragged.json("status", "--max-memory", "64M")["memory"]
    assert memory["budget_bytes"] == 64 * MIB
    assert memory["state"] in ("green", "yellow", "red", "black")


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place],
                             capture_output=True)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def fill_disk(place, n_bytes_left=0):
    with open(place / "filler", "wb", buffering=0) as filler:
        block = b"\0" * 4096
        try:
            while True:
                filler.write(block)
        except OSError:
            pass
    assert os.statvfs(place).f_bavail == 0
    if n_bytes_left:
        os.truncate(place / "filler", (place / "filler").stat().st_size - n_bytes_left)


def test_a_full_disk_can_be_made_empty(ragged, tmp_path, small_disk):
    files = write_text_corpus(tmp_path / "corpus", 20)
    ragged.environment["RAGGED_DATA_DIR"] = str(small_disk / "library")
    done = ragged.try_run("add", "--defer-vectors", files)
    assert done.returncode == 1
    assert re.search(r"waiting: the disk of .* is full: \d+ KiB more are needed", done.stderr)
    assert "run the same command again" in done.stderr
    ragged.check()
    n_documents = ragged.json("status")["n_documents"]
    assert 0 < n_documents < len(list(files.iterdir()))
    fill_disk(small_disk)
    ragged.run("search", "--mode", "lexical", "ba")
    ragged.run("remove", files)
    ragged.run("compact")
    ragged.check()
    assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize > 4 * MIB
    (small_disk / "filler").unlink()
    ragged.run("add", "--defer-vectors", files / "000000.txt")
    ragged.run("clear", "--yes")
    ragged.check()


def test_an_add_goes_on_when_there_is_room_again(ragged, tmp_path, small_disk):
    files = write_text_corpus(tmp_path / "corpus", 2)
    ragged.environment["RAGGED_DATA_DIR"] = str(small_disk / "library")
    ragged.run("add", "--defer-vectors", DOCUMENTS)
    fill_disk(small_disk, n_bytes_left=MIB)
    process = ragged.start("add", "--defer-vectors", files, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    assert process.stderr.readline().startswith(b"waiting: the disk of ")
    (small_disk / "filler").unlink()
    process.communicate(timeout=60)
    assert process.returncode == 0
    ragged.check()


@pytest.mark.parametrize("n_files", [16, 24, 32, 48, 64])
def test_few_descriptors_are_enough_or_named(ragged, documents, n_files):
    command = ["prlimit", f"--nofile={n_files}", *ragged.command("add", "--defer-vectors", documents)]
    done = subprocess.run(command, env=ragged.environment, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode in DOCUMENTED_EXIT_CODES
    if n_files >= 48:
        assert done.returncode == 0, done.stderr
    if done.returncode:
        assert re.search("too many open files|unable to open", done.stderr, re.I), done.stderr
    ragged.run("add", "--defer-vectors", documents)
    ragged.check()
