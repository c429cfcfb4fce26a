"""Every command of the book, on any system: ``python tools/book.py`` lists
them.

The Makefile hands its targets on to this file, which alone knows their steps.
It stands on the standard library, since it makes the environment in which
everything else runs.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

from lock import alone

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SITE = BUILD / "html"
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
BOOK = PYTHON.with_name("jupyter-book.exe" if WINDOWS else "jupyter-book")
# In this order: the first builds the packages of the others that have no wheel.
REQUIREMENTS = [
    "requirements-build.txt",
    "requirements.txt",
    "requirements-data.txt",
]
PIP = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
HASHED = [*PIP, "--require-hashes", "--no-build-isolation", "--no-deps", "-r"]
# What TensorFlow says of every processor before it can be told not to.
NOISE = re.compile(
    rb"I\d{4} |WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions|E\d{4} .*failed call to cuInit"
)
LOCKER = "uv==0.13.9"
# Two files of tests, or two notebooks, at a time, each on a core of its own.
TWO = ["-n", "2", "--dist", "loadscope"]


def step(what, *command):
    """Say what a command is for, run it, say how long it took, return whether
    it went well.
    """
    print(what, flush=True)
    start = time.perf_counter()
    command = [str(part) for part in command]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    listener = Thread(target=pass_on, args=[process.stderr], daemon=True)
    listener.start()
    status = process.wait()
    listener.join(1)  # not for ever: a child of the command may live on
    seconds = time.perf_counter() - start
    ending = "done" if status == 0 else "FAILED"
    print(f"{what}: {ending} after {seconds:.0f} s", flush=True)
    if status and shutil.disk_usage(ROOT).free < 100e6:
        print(f"The disk of {ROOT} is full", flush=True)
    return status == 0


def pass_on(errors):
    """Repeat what a command says beside its output, but for the noise."""
    with errors:
        for line in errors:
            if not NOISE.match(line):
                sys.stderr.write(line.decode(errors="replace"))
                sys.stderr.flush()


def steps(*each):
    """Run steps that need each other; the first that fails ends the command."""
    for what, *command in each:
        if not step(what, *command):
            sys.exit(1)


def all_of(*each):
    """Run steps that stand alone: one that fails does not stop the others, but
    is named at the end.
    """
    failed = [what for what, *command in each if not step(what, *command)]
    if failed:
        sys.exit(f"FAILED: {'; '.join(failed)}")


def ask_for_room(gigabytes, what):
    """Stop at once, where the disk would be full in the middle."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < gigabytes:
        sys.exit(
            f"{what} takes {gigabytes} GB, and {free:.1f} GB are free on the"
            f" disk of {ROOT}"
        )


def environment():
    """Make the environment, unless it is complete.

    It is when the stamp stands, which names the requirements that were
    installed: a set-up that was interrupted leaves none and is begun afresh.
    """
    stamp = VENV / ".complete"
    wanted = hashlib.sha256(
        b"".join((ROOT / name).read_bytes() for name in REQUIREMENTS)
    ).hexdigest()
    with alone(BUILD / "environment.lock", "The set-up of the environment"):
        if stamp.is_file() and stamp.read_text().strip() == wanted:
            return
        if sys.platform == "darwin" and platform.machine() == "x86_64":
            sys.exit(
                "TensorFlow is no longer built for Macs with Intel processors:"
                " run the book in a virtual machine or a container with Linux"
            )
        # not the Python of the environment itself, which is to go
        base = getattr(sys, "_base_executable", None) or sys.executable
        print(f"Environment: creating {VENV} with {base}; three minutes, once")
        if VENV.exists():
            stamp.unlink(missing_ok=True)
            shutil.rmtree(VENV)
        ask_for_room(4, "The environment")
        if subprocess.call([base, "-m", "venv", str(VENV)]):
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit(
                "Python's venv module failed: on Debian and Ubuntu, install the"
                " package python3-venv"
            )
        steps(
            *(
                (f"Environment: installing {name}", *HASHED, name)
                for name in REQUIREMENTS
            ),
            (
                "Environment: installing llmbook",
                *PIP,
                "--no-deps",
                "--no-build-isolation",
                "--editable",
                ".",
            ),
        )
        stamp.write_text(wanted)


def book():
    """Build the site from the stored outputs and print its path."""
    environment()
    unfinished = BUILD / "unfinished"
    with alone(BUILD / "site.lock", "Another build of the site"):
        # A build that was stopped may have left half a page, which Sphinx would
        # take for a whole one; one that failed has pages whose warnings would
        # not come again.
        if unfinished.exists():
            shutil.rmtree(SITE, ignore_errors=True)
            shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        ask_for_room(0.3, "The site")
        unfinished.touch()
        options = ["-W", "-n", "--keep-going", "--quiet"]
        steps(
            ("Site: building, warnings as errors", BOOK, "build", ".", *options)
        )
        unfinished.unlink()
    print(f"The book: {SITE / 'index.html'}")


def test():
    """Run every test and every notebook."""
    book()
    os.environ["LLMBOOK_CLAIMS"] = "strict"  # a claim that fails is an error
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    pytest = [PYTHON, "-m", "pytest", "-q", *TWO]
    all_of(
        (
            "Tests: the library, the exercises and the site",
            *pytest,
            "tests",
            "-rs",  # says what was left out
            "--cov",
            "--cov-report=term",
        ),
        (
            "Tests: every cell of every notebook",
            *pytest,
            "chapters",
            "--nbval",
            "--nbval-sanitize-with=tests/nbval.cfg",
            "--nbval-cell-timeout=600",
        ),
    )


def execute(*notebooks):
    """Re-run the notebooks that are out of date, or those named, or all."""
    environment()
    command = [PYTHON, "tools/notebooks.py", "execute", *notebooks]
    sys.exit(subprocess.call(command, cwd=ROOT))


def serve(port="8000"):
    """Build the site and serve it on this machine."""
    book()
    print(f"Serving on http://127.0.0.1:{port}/ until interrupted")
    here = ["--bind", "127.0.0.1", "--directory", str(SITE)]
    subprocess.call([PYTHON, "-m", "http.server", port, *here])


def lab():
    """Open the notebooks in JupyterLab."""
    environment()
    subprocess.call([PYTHON, "-m", "jupyterlab", "chapters"], cwd=ROOT)


def lint():
    """Read code, notebooks and prose: ruff, codespell, mypy."""
    environment()
    all_of(
        ("Lint: ruff", PYTHON, "-m", "ruff", "check", "."),
        ("Lint: ruff format", PYTHON, "-m", "ruff", "format", "--check", "."),
        ("Lint: codespell", PYTHON, "-m", "codespell_lib"),
        ("Lint: mypy", PYTHON, "-m", "mypy"),
    )


def accessibility():
    """Have axe-core look at every page, in light and dark (needs Chromium)."""
    book()
    steps(("Accessibility: axe-core", PYTHON, "tools/accessibility.py"))


def lighthouse():
    """Have Lighthouse judge the heaviest chapter (needs Chromium, nodejs, npm)."""
    book()
    steps(("Lighthouse", PYTHON, "tools/lighthouse.py"))


def pdf():
    """Print the whole book into one PDF (needs Chromium)."""
    book()
    steps(("PDF", PYTHON, "tools/edition.py"))


def benchmark():
    """Measure speed, as ratios within one run."""
    environment()
    all_of(*scripts("Benchmark", "benchmarks/*.py"))


def experiments():
    """Reproduce the recorded results (hours; resumes where it stopped)."""
    environment()
    with alone(BUILD / "experiments.lock", "Another run of the experiments"):
        all_of(
            *scripts("Experiment", "experiments/*.py"),
            *scripts("Experiment", "experiments/*/*.py"),
        )


def mutation(*modules):
    """Change the code on purpose: do the tests notice? (an hour; resumes)."""
    environment()
    os.environ["LLMBOOK_CLAIMS"] = "strict"  # a claim that fails is an error
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    with alone(BUILD / "mutation.lock", "Another run of the mutations"):
        steps(
            (
                "Mutation: tests against changed code",
                PYTHON,
                "tools/mutation.py",
                *modules,
            )
        )


def scripts(what, pattern):
    """Return the step of each script."""
    for path in sorted(ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix()
        yield f"{what}: {name}", PYTHON, "tools/script.py", name


def lock(*options):
    """Renew requirements*.txt from requirements*.in, with hashes; --upgrade."""
    tool = BUILD / "lock"
    venv = [sys.executable, "-m", "venv", str(tool)]
    python = tool / PYTHON.relative_to(VENV)
    compiling = [python, "-m", "uv", "pip", "compile", "--quiet", *options]
    compiling += ["--universal", "--python-version", "3.11"]
    compiling += ["--generate-hashes", "--no-emit-index-url"]
    compiling += ["--custom-compile-command", "make lock", "--output-file"]
    build, everything, data = REQUIREMENTS
    steps(
        ("Lock: an environment for uv", *venv),
        (f"Lock: installing {LOCKER}", python, *PIP[1:], LOCKER),
        (
            f"Lock: {everything}",
            *compiling,
            everything,
            "requirements.in",
            "pyproject.toml",
        ),
        (
            f"Lock: {build}",
            *compiling,
            build,
            "requirements-build.in",
            "--constraints",
            everything,
        ),
        (
            f"Lock: {data}",
            *compiling,
            data,
            "requirements-data.in",
            "--no-deps",
        ),
    )


def clean():
    """Remove the site and the environment."""
    for folder in (BUILD, VENV):
        if folder.exists():
            shutil.rmtree(folder)
    print(f"Removed {BUILD} and {VENV}")


COMMANDS = {
    command.__name__: command
    for command in (
        book,
        test,
        execute,
        serve,
        lab,
        lint,
        accessibility,
        lighthouse,
        pdf,
        benchmark,
        experiments,
        mutation,
        lock,
        clean,
    )
}


def main(name="help", *arguments):
    """Run a command, or list them all."""
    if not (3, 11) <= sys.version_info < (3, 14):
        sys.exit(
            "The book needs Python 3.11, 3.12 or 3.13, this is"
            f" {platform.python_version()}: start this file with another"
        )
    # TensorFlow's faster products of matrices: by itself it takes them on some
    # processors alone. It reads this when it is imported, which a notebook may
    # do before it imports llmbook.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if name in COMMANDS:
        COMMANDS[name](*arguments)
        return
    print("make COMMAND, or python tools/book.py COMMAND:")
    for command, function in COMMANDS.items():
        print(f"  {command:15s} {function.__doc__}")
    if name != "help":
        sys.exit(f"there is no command {name!r}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("Interrupted: run it again, and it goes on from here")
    except OSError as error:
        sys.exit(f"{error.filename or ROOT}: {error.strerror}")
