"""WordPiece ids against the reference implementation, in bulk, and what they cost."""

import json
import subprocess

import pytest

from driver import build_folder, is_sanitized, real_cache
from tokens import SPECIAL, assert_same_ids, assert_same_pairs, random_texts, write_model

tokenizers = pytest.importorskip("tokenizers", reason="the reference, tokenizers, is not installed")

N_TEXTS = 5000 if is_sanitized() else 100000
LIMIT_NS = 200


def reference(vocabulary, lower=True, strip=None):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(
        {piece: i for i, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=strip, lowercase=lower)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


@pytest.fixture(scope="module")
def real_folder():
    folder = real_cache() / "models" / "all-MiniLM-L6-v2"
    if not (folder / "vocab.txt").exists():
        pytest.skip("all-MiniLM-L6-v2 is not installed")
    return folder


def test_ids_of_the_real_vocabulary(real_folder):
    vocabulary = (real_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert len(vocabulary) == 30522
    assert_same_ids(real_folder, reference(vocabulary), random_texts(N_TEXTS, seed=1))


def test_pairs(real_folder):
    vocabulary = (real_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = reference(vocabulary)
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
    questions = [text[:12] for text in random_texts(2000, seed=6)]
    pairs = list(zip(questions, random_texts(2000, seed=7)))
    assert_same_pairs(real_folder, tokenizer, pairs, 64)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("strip", [None, True, False])
def test_every_casing(tmp_path, lower, strip):
    """Every character is a piece, alone and inside a word: ids spell the normalised text."""
    chars = [chr(c) for c in range(0x21, 0x20000) if not 0xD800 <= c <= 0xDFFF]
    chars = [c for c in chars if len(c.splitlines()) == 1 and c.splitlines()[0] == c]
    vocabulary = SPECIAL + chars + ["##" + c for c in chars]
    folder = write_model(tmp_path / "model", len(vocabulary),
                         tokenizer_config={"do_lower_case": lower, "strip_accents": strip})
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    texts = random_texts(N_TEXTS // 5, seed=2)
    assert_same_ids(folder, reference(vocabulary, lower, strip), texts)


@pytest.mark.skipif(is_sanitized(), reason="sanitizers cost time")
def test_time_of_real_text(real_folder, tmp_path, shared):
    corpus = (shared / "data" / "scifact" / "corpus.jsonl").read_text(encoding="utf-8")
    text = tmp_path / "text"
    text.write_text("\n".join(json.loads(line)["text"] for line in corpus.splitlines()))
    done = subprocess.run([build_folder() / "test" / "tools" / "token_ids", real_folder, "--time", text],
                          capture_output=True, text=True, check=True, timeout=600)
    print(done.stdout)
    assert float(done.stdout.split()[2]) < LIMIT_NS
