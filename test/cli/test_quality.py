"""Retrieval quality on judged collections: not below what was measured when the methods were chosen."""

import pytest

from driver import is_sanitized

pytestmark = pytest.mark.skipif(is_sanitized(), reason="minutes of encoding")

# nDCG@10; a result may be .005 lower, for ties and rounding.
EXPECTED = {
    "scifact": {"lexical": 0.689, "vector": 0.645, "hybrid": 0.728},
    "cranfield": {"lexical": 0.383, "vector": 0.396, "hybrid": 0.436},
}


@pytest.mark.parametrize("collection", EXPECTED)
def test_ndcg(collection, ragged, shared, tmp_path):
    folder = shared / "data" / collection
    if not folder.is_dir():
        pytest.skip("no collection %s" % collection)
    measured = {}
    for mode in EXPECTED[collection]:
        done = ragged.json("eval", folder, "--mode", mode, "--data-dir", tmp_path / "index",
                           timeout=3600)
        measured[mode] = done["runs"][0]["ndcg_10"]
    print(collection, measured)
    for mode, expected in EXPECTED[collection].items():
        assert measured[mode] >= expected - 0.005, "%s %s" % (collection, mode)
