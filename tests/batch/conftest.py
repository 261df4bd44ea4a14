"""A tree of three pictures and two other files."""

from pathlib import Path

import pytest

from batch.helpers import picture
from isthmus.batch.job import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    picture(tmp_path / "in/a.png")
    picture(tmp_path / "in/sub/b.jpg", 5)
    picture(tmp_path / "in/sub/b.png", 9)
    (tmp_path / "in/notes.txt").write_text("mine")
    (tmp_path / "in/.hidden.png").write_text("not mine")
    return Job("encode", str(tmp_path / "in"), str(tmp_path / "out"))
