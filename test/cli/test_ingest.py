"""What `add` makes of real folders: everything readable, a reason for the rest, once."""

import json
import os
import shutil
import time

import pytest

from corpus import real_documents, write_corpus
from driver import entries, is_sanitized


@pytest.fixture
def real_folder(tmp_path):
    n_files = 60 if is_sanitized() else 320
    paths = real_documents(n_files)
    if len(paths) < n_files:
        pytest.skip("fewer than %d documents under /usr/share/doc" % n_files)
    folder = tmp_path / "real"
    folder.mkdir()
    for i, path in enumerate(paths):
        shutil.copyfile(path, folder / ("%03d-%s" % (i, path.name)))
    return folder


def test_real_documents_are_indexed_and_the_second_run_does_nothing(ragged, real_folder):
    first = ragged.try_run("add", real_folder, timeout=1200)
    assert first.returncode in (0, 3), first.stderr
    assert "crash" not in first.stderr
    files = len(list(real_folder.iterdir()))
    failed = entries(ragged.json("status", "--failed"))
    assert all(item["error"] for item in failed)
    assert len(entries(ragged.json("list"))) >= files - len(failed)
    assert len(failed) < files // 10
    ragged.check()

    started = time.monotonic()
    second = ragged.try_run("add", real_folder, "--json")
    took = time.monotonic() - started
    print("second run: %.2f s for %d files" % (took, files))
    assert second.returncode in (0, 3), second.stderr
    assert took < (20 if is_sanitized() else 1)


def test_changed_file_is_replaced_and_removed_file_is_gone(library, documents):
    (documents / "letter.txt").write_text("The seeds of the red poppy arrived in a tin box.\n")
    library.run("add", documents)
    texts = [hit.get("snippet", hit.get("text", "")) for hit in library.search("poppy seeds")]
    assert any("tin box" in text for text in texts)
    assert not any("1987" in text for text in texts)
    library.run("remove", "--yes", documents / "letter.txt")
    assert not any(hit["file"].endswith("letter.txt") for hit in library.search("poppy seeds"))
    library.check()


def test_every_fixture_kind_is_found_at_its_place(library):
    def best(question):
        return library.search(question)[0]
    assert best("E-4711 frozen drain")["file"].endswith("heating.txt")
    assert best("orchids soaked once a week")["file"].endswith("watering.md")
    assert best("head gardener Margarete Lindqvist")["file"].endswith("visitors.html")
    slugs = best("copper tape against slugs")
    assert slugs["file"].endswith("pests.pdf") and slugs["page"] == 2


def test_strange_names_and_things_that_are_no_documents(ragged, tmp_path):
    folder = tmp_path / "strange"
    folder.mkdir()
    (folder / "plain.txt").write_text("The lighthouse keeper counted forty ships.\n")
    with open(os.path.join(os.fsencode(folder), b"caf\xe9\n\x1b[31m.txt"), "w") as file:
        file.write("The baker of the old town sells walnut bread.\n")
    (folder / "empty.txt").write_text("")
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 64)
    (folder / "latin1.txt").write_bytes("Der Bäcker öffnet früh, die Straße schläft.\n".encode("latin-1"))
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.txt").symlink_to(folder / "nowhere.txt")
    done = ragged.try_run("add", folder, timeout=60)
    assert done.returncode in (0, 3), done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert ragged.search("forty ships") and ragged.search("walnut bread") and ragged.search("Straße")
    reasons = {os.path.basename(item["file"]): item["error"]
               for item in entries(ragged.json("status", "--failed"))}
    assert reasons.get("empty.txt") and reasons.get("binary.txt")
    ragged.check()


def skipped_of(text):
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return {os.path.basename(event["file"]): event["reason"] for event in events if event.get("result") == "skipped"}


def test_what_is_left_out_is_told_with_its_reason(ragged, tmp_path):
    folder = tmp_path / "mixed"
    (folder / "node_modules").mkdir(parents=True)
    for name in ("photo.jpg", "notes.bak.gz", "core", ".secret.md", "draft.txt", "odd.x\ny", "long.extensionofsomesort"):
        (folder / name).write_text("something")
    (folder / "packed.min.js").write_text("function f(a){return a+1}" * 400)
    (folder / "short.js").write_text("function f(a){return a+1}" * 20)
    (folder / "table.csv").write_text("a lighthouse;" * 400)
    os.mkfifo(folder / "pipe.txt")
    (folder / "link.txt").symlink_to(folder / "core")
    done = ragged.run("add", folder, "--exclude", "draft*", "--progress", "json")
    nameless, reasons = "its name does not say what it is", skipped_of(done.stderr)
    assert reasons == {
        "photo.jpg": "nothing here reads .jpg", "notes.bak.gz": "nothing here reads .gz", "core": nameless,
        "odd.x\ny": nameless, "long.extensionofsomesort": nameless, ".secret.md": "it is hidden", "draft.txt": "excluded",
        "pipe.txt": "not a regular file", "link.txt": "links in folders are not followed",
        "node_modules": "made by a program, for a program", "packed.min.js": "packed for programs, in hardly any lines"}
    assert "2 added" in done.stdout and "11 skipped" in done.stdout and "--verbose" not in done.stderr
    done = ragged.run("add", folder, "--exclude", "*.csv", "--exclude", "*.txt", "--exclude", "short*")
    assert "0 added, 0 updated, 0 unchanged, 0 failed, 13 skipped" in done.stdout and "--verbose" in done.stderr
    assert "1 added" in ragged.run("add", folder / "packed.min.js").stdout
    assert "photo.jpg: nothing here reads .jpg" in ragged.run("add", "-v", folder).stderr
    (folder / "README").write_text("A folder of odd things.")
    done = ragged.run("add", folder)
    assert "1 added" in done.stdout and "skipped:" not in done.stderr and "--verbose" not in done.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_unreadable_file_is_listed(ragged, documents):
    (documents / "letter.txt").chmod(0)
    ragged.run("add", documents, code=3)
    failed = entries(ragged.json("status", "--failed"))
    assert [item for item in failed if item["file"].endswith("letter.txt")]


def test_path_that_is_not_there_is_an_error(ragged, tmp_path):
    done = ragged.run("add", tmp_path / "nowhere", code=1)
    assert "nowhere" in done.stderr and not done.stdout


def test_result_does_not_depend_on_threads(ragged, tmp_path):
    write_corpus(tmp_path / "notes", 30, seed=3)
    found = []
    for threads in ("1", "4"):
        ragged.run("clear", "--yes")
        ragged.run("add", tmp_path / "notes", env={"RAGGED_THREADS": threads})
        found.append([(hit["file"], hit["score"]) for hit in ragged.search("river of amber and oak")])
    assert found[0] == found[1]
