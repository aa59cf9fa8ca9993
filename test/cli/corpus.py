"""Made-up documents and real ones, for tests that need many."""

import random
from pathlib import Path

WORDS = """amber anchor barley basalt beacon birch bronze canal cedar chalk cinder clover cobalt comet
copper coral cotton crater delta ember falcon fennel ferry flint forge garnet glacier granite harbour
hazel heron indigo ivory jasper juniper kelp lantern larch lichen linen magnet maple marble meadow mica
mineral mortar moss nectar nickel oak obsidian olive onyx opal orchard otter pebble pewter pine plume
quarry quartz raven reed river saffron sage salmon sandstone sable shale silver slate sorrel sparrow
spruce steel tallow tar thistle timber topaz tulip umber velvet walnut willow wool zinc""".split()

REAL_ENDINGS = (".pdf", ".html", ".htm", ".md", ".txt")


def write_corpus(folder, n_files, seed, n_sentences=12):
    """The same files for the same seed; every file holds one word of its own, "mark<i>"."""
    dice = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n_files):
        sentences = [" ".join(dice.choices(WORDS, k=11)).capitalize() + "."
                     for _ in range(n_sentences)]
        sentences.insert(dice.randrange(n_sentences), "The mark of this file is mark%d." % i)
        (folder / ("note-%04d.md" % i)).write_text(
            "# Note %d\n\n%s\n" % (i, "\n\n".join(sentences)), encoding="utf-8")


def real_documents(n_max, size_max=12_000):
    """Documents that packages of this machine carry, some of every kind, always the same."""
    by_ending = {ending: [] for ending in REAL_ENDINGS}
    for path in sorted(Path("/usr/share/doc").rglob("*")):
        if path.suffix in by_ending and path.is_file() and \
                500 < path.stat().st_size < size_max * (25 if path.suffix == ".pdf" else 1):
            by_ending[path.suffix].append(path)
    n_each = n_max // len(REAL_ENDINGS)
    chosen = [path for paths in by_ending.values() for path in paths[:n_each]]
    rest = [path for paths in by_ending.values() for path in paths[n_each:]]
    return sorted(chosen + rest[:n_max - len(chosen)])
