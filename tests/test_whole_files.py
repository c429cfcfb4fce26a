import errno
import os
import random
import subprocess
import sys
import time

import pytest

from llmbook.files import whole

WRITER = """
import sys
from llmbook.files import whole
for turn in range(10**9):
    with whole(sys.argv[1]) as file:
        for line in range(200):
            file.write(f"{turn} {line}\\n")
            file.flush()
    if turn == 0:
        print("ready", flush=True)
"""


def test_text_is_in_utf_8_and_ends_its_lines_in_the_same_way_everywhere(
    tmp_path,
):
    path = tmp_path / "a.txt"
    with whole(path) as file:
        file.write("一\n")
        assert not path.exists()
    assert path.read_bytes() == "一\n".encode()
    with whole(path, "wb") as file:
        file.write(b"\r\n\x00")
    assert path.read_bytes() == b"\r\n\x00"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "no space left")]
)
def test_what_was_there_stays_when_writing_fails(tmp_path, error):
    def write():
        with whole(path) as file:
            file.write("half")
            raise error

    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(type(error)) as raised:
        write()
    assert os.listdir(tmp_path) == ["a.txt"]
    assert path.read_text() == "before"
    if isinstance(error, OSError):
        assert raised.value.filename == str(path)
        assert "no space left" in str(raised.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with (
        pytest.raises(OSError, match=r"no-folder.a\.txt"),
        whole(tmp_path / "no-folder" / "a.txt"),
    ):
        pass


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path):
    path, random_moment = tmp_path / "a.txt", random.Random(0)
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(random_moment.uniform(0, 0.1))
        process.kill()
        process.communicate()
        lines = path.read_text().splitlines()
        assert len({line.split()[0] for line in lines}) == 1
        assert len(lines) == 200
    with whole(path) as file:  # past what was left half-written
        file.write("after")
    assert os.listdir(tmp_path) == ["a.txt"]
