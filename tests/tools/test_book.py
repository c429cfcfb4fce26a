"""The commands of the book: what is installed, and what is left when they are stopped."""

import ast
import errno
import json
import os
import random
import re
import subprocess
import sys
import time
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import book
import psutil
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"
LOCKS = [*book.REQUIREMENTS]


def entries(name):
    """Return the requirements of a file that was made by `make lock`, each with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8")
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.M))
    for line in joined.splitlines():
        pin, *hashes = line.split("--hash=")
        yield Requirement(pin.strip()), [digest.strip() for digest in hashes]


def inputs(name):
    """Return the requirements of a file that is written by hand."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield Requirement(line.partition(" #")[0].strip())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


# What is installed.


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_one_version_and_the_hash_of_every_file(name):
    for requirement, hashes in entries(name):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier))
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes)


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_what_its_input_asks_for(name):
    locked = {normal(r.name): str(r.specifier)[2:] for r, _ in entries(name)}
    for requirement in inputs(Path(name).with_suffix(".in")):
        version = locked[normal(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_the_lock_holds_what_the_library_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {
        normal(r.name): str(r.specifier)[2:]
        for r, _ in entries("requirements.txt")
    }
    for requirement in map(Requirement, project["dependencies"]):
        version = locked[normal(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_the_library_says_what_it_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {normal(Requirement(d).name) for d in project["dependencies"]}
    providers = packages_distributions()
    for path in (ROOT / "src" / "llmbook").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])]
            names = names if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names}:
                if name not in {"llmbook", *sys.stdlib_module_names}:
                    assert declared & set(map(normal, providers[name])), (
                        f"{path.name} imports {name}"
                    )


def test_the_files_agree_where_they_name_the_same_package():
    everything = {
        normal(r.name): (r.specifier, hashes)
        for r, hashes in entries("requirements.txt")
    }
    for requirement, hashes in entries("requirements-build.txt"):
        name = normal(requirement.name)
        if name in everything:
            assert everything[name] == (requirement.specifier, hashes)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize(
    ("system", "platform", "machine"),
    [
        ("Linux", "linux", "x86_64"),
        ("Linux", "linux", "aarch64"),
        ("Darwin", "darwin", "arm64"),
        ("Windows", "win32", "AMD64"),
    ],
)
def test_a_package_is_locked_once_for_each_system_and_python(
    python, system, platform, machine
):
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "platform_system": system,
        "sys_platform": platform,
        "platform_machine": machine,
        "os_name": "nt" if system == "Windows" else "posix",
    }
    names = [
        normal(r.name)
        for r, _ in entries("requirements.txt")
        if r.marker is None or r.marker.evaluate(environment)
    ]
    assert len(names) == len(set(names)) > 150
    assert {"tensorflow", "numpy", "jupyter-book"} <= set(names)


@pytest.mark.parametrize("name", LOCKS)
def test_no_host_and_no_folder_of_a_machine_stands_in_a_lock(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--\w*index|--find-links|\s/\w", text)


# The commands.


def test_make_and_python_know_the_same_commands(capsys):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"^COMMANDS := (.*)$", makefile, re.MULTILINE)[1].split()
    assert listed == ["help", *book.COMMANDS]
    book.main()
    said = capsys.readouterr().out
    assert re.findall(r"^  (\w+) +[A-Z]", said, re.MULTILINE) == listed[1:]


def test_a_command_that_is_not_there_is_named():
    with pytest.raises(SystemExit, match="no command 'boook'"):
        book.main("boook")


def test_another_python_is_refused(monkeypatch):
    monkeypatch.setattr(book.sys, "version_info", (3, 14, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11, 3\.12 or 3\.13"):
        book.main("book")


def python(code):
    return [sys.executable, "-c", code]


def test_steps_stop_at_the_first_that_fails(capfd):
    with pytest.raises(SystemExit) as stopped:
        book.steps(
            ("one", *python("print(1)")),
            ("two", *python("raise SystemExit(3)")),
            ("three", *python("print(3)")),
        )
    assert stopped.value.code == 1
    said = capfd.readouterr().out
    assert re.search("one: done after .*two: FAILED after ", said, re.DOTALL)
    assert "three" not in said


def test_what_stands_alone_goes_on_after_a_failure_and_names_it(capfd):
    with pytest.raises(SystemExit, match=r"FAILED: two$"):
        book.all_of(
            ("one", *python("")),
            ("two", *python("1 / 0")),
            ("three", *python("")),
        )
    said, errors = capfd.readouterr()
    assert "three: done after" in said
    assert errors.rstrip().endswith("ZeroDivisionError: division by zero")


def test_the_noise_of_tensorflow_is_left_out_and_nothing_else(capfd):
    lines = [
        "WARNING: All log messages before absl::InitializeLog() is called are",
        "I0000 00:00:1796009134.1 26254 port.cc:153] oneDNN custom operations",
        "E0000 00:00:1796009134.1 26254 cuda.cc:52] failed call to cuInit: X",
        "E0000 00:00:1796009134.1 26254 other.cc:52] something else",
        "WARNING: something else",
        "In a sentence",
    ]
    code = f"import sys; sys.stderr.write({chr(10).join(lines)!r})"
    assert book.step("noise", *python(code))
    assert capfd.readouterr().err.splitlines() == lines[3:]


def test_a_child_that_lives_on_holds_nothing_up(capfd):
    sleep = "import time; time.sleep(600)"
    child = f"subprocess.Popen([sys.executable, '-c', {sleep!r}])"
    code = f"import subprocess, sys; print('child', {child}.pid)"
    assert book.step("parent", *python(code))
    said = capfd.readouterr().out
    child = psutil.Process(int(re.search(r"child (\d+)", said)[1]))
    assert child.is_running()
    child.kill()


@pytest.mark.parametrize("free", [0, 2e9])
def test_a_disk_without_room_is_told_in_one_line(monkeypatch, tmp_path, free):
    usage = book.shutil.disk_usage(ROOT)._replace(free=free)
    monkeypatch.setattr(book.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(book, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(book, "BUILD", tmp_path)
    with pytest.raises(
        SystemExit, match=r"takes 4 GB, and [02]\.0 GB are free"
    ):
        book.environment()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errno.ENOSPC, r".*a\.json: No space left on device\n"),
        (errno.EROFS, r".*a\.json: Read-only file system\n"),
    ],
)
def test_a_script_that_finds_no_room_ends_with_one_line(tmp_path, error, said):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, beside\n"
        f"raise OSError({error}, os.strerror({error}), 'a.json')\n"
    )
    (tmp_path / "beside.py").touch()
    command = [sys.executable, str(TOOLS / "script.py"), str(script)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert re.fullmatch(said, run.stderr)


def test_any_other_error_of_a_script_is_told_in_full(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("open('no-such-file')")
    command = [sys.executable, str(TOOLS / "script.py"), str(script)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "Traceback" in run.stderr
    assert "no-such-file" in run.stderr


# What is left when they are stopped.

STAND_IN = """
import os, sys, time
from pathlib import Path
import book

book.ROOT = root = Path(sys.argv[1])
book.BUILD, book.VENV, book.SITE = root / "_build", root / ".venv", root / "_build/html"
pages = {"env": book.VENV, "site": book.SITE}

def slowly(folder):
    # as Sphinx does: what is there already is taken for whole
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(8):
        path = folder / f"{number}.txt"
        if not path.exists():
            with path.open("w") as file:
                for line in range(10):
                    print(line, file=file, flush=True)
                    time.sleep(0.005)

def step(what, *command):
    slowly(book.SITE if what.startswith("Site") else book.VENV)
    return True

book.step = step
book.subprocess.call = lambda command: book.VENV.mkdir()
book.ask_for_room = lambda *_: None
print("ready", flush=True)
book.book()
"""


def test_a_kill_at_any_moment_leaves_no_half_of_an_environment_or_a_site(
    tmp_path,
):
    for name in book.REQUIREMENTS:
        (tmp_path / name).write_text(name)
    whole = "".join(f"{line}\n" for line in range(10))
    command = [sys.executable, "-c", STAND_IN, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(TOOLS)}
    halves = 0
    for turn in range(12):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        if turn < 11:
            time.sleep(random.uniform(0, 0.8))
            process.kill()
        process.communicate()
        halves += any(
            path.read_text() != whole for path in tmp_path.rglob("?.txt")
        )
        if (tmp_path / ".venv" / ".complete").exists():
            for path in (tmp_path / ".venv").glob("?.txt"):
                assert path.read_text() == whole
    assert halves, "no kill came in the middle"
    assert process.returncode == 0
    for folder in (".venv", "_build/html"):
        texts = [path.read_text() for path in (tmp_path / folder).glob("?.txt")]
        assert texts == [whole] * 8
    assert not (tmp_path / "_build" / "unfinished").exists()


EXPERIMENT = """
import sys, time
from pathlib import Path
from llmbook.recording import Recording

def run(seed):
    time.sleep(0.05)
    return {"square": seed**2}

recording = Recording(Path(__file__).with_suffix(".json"), __file__, ("numpy",))
print("ready", flush=True)
for seed in range(12):
    recording.once({"seed": seed}, run)
"""


def test_experiments_that_are_killed_go_on_with_the_run_at_hand(tmp_path):
    script = tmp_path / "squares.py"
    script.write_text(EXPERIMENT)
    results = script.with_suffix(".json")
    command = [sys.executable, str(TOOLS / "script.py"), str(script)]
    before = []
    for turn in range(4):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        if turn < 3:
            time.sleep(random.uniform(0, 0.3))
            process.kill()
        process.communicate()
        runs = []
        if results.exists():
            runs = json.loads(results.read_text(encoding="utf-8"))["runs"]
        assert runs[: len(before)] == before
        before = runs
    assert process.returncode == 0
    assert [run["seed"] for run in runs] == list(range(12))
    assert [run["square"] for run in runs] == [n**2 for n in range(12)]
    assert sorted(os.listdir(tmp_path)) == ["squares.json", "squares.py"]
