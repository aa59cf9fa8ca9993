"""Fixtures of every end-to-end test: the built program in a home of its own."""

import os
import shutil
from pathlib import Path

import pytest

from driver import DOCUMENTS, ROOT, Ragged, build_folder


@pytest.fixture(scope="session")
def shared():
    """The folder of collections and golden data that the project does not carry."""
    folder = Path(os.environ.get("RAGGED_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("RAGGED_SHARED is not there")
    return folder


@pytest.fixture(scope="session", autouse=True)
def program():
    if not (build_folder() / "ragged").exists():
        pytest.exit("build/…/ragged is not built: run make first", returncode=2)


@pytest.fixture
def ragged(tmp_path):
    """The program with an empty home; it answers by quoting, so no test waits for a model."""
    return Ragged(tmp_path)


@pytest.fixture
def documents(tmp_path):
    """A private copy of the fixture documents, free to be changed."""
    folder = tmp_path / "documents"
    shutil.copytree(DOCUMENTS, folder)
    return folder


@pytest.fixture
def library(ragged, documents):
    """The program with those documents added."""
    ragged.run("add", documents)
    return ragged
