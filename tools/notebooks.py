"""Execute the book's notebooks, store them in a normal form, tell which are out
of date.

    python tools/notebooks.py execute                 re-run what is out of date
    python tools/notebooks.py execute all             re-run everything
    python tools/notebooks.py execute chapters/02_attention.ipynb …

The normal form holds nothing that a second run on the same machine would
change: no times, no stderr, outputs of one stream joined, metadata reduced to
what the book uses. A fingerprint of the notebook's code and of all that it
reaches in ``llmbook``, comments and docstrings left out, is stored with the
outputs, and so is a seal, a hash of the outputs; :func:`is_stale` compares the
first, the tests both. What a run took, which differs from run to run, is
recorded apart, in ``appendix/run_times.json``.

A notebook that fails stays as it was, and the others are run all the same. What
its run computed until then is kept in ``_build/failed``.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import platform
import re
import sys
import time
from pathlib import Path

import nbformat
import psutil
from IPython.core.inputtransformer2 import TransformerManager
from lock import alone
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellControlSignal,
    CellExecutionError,
    DeadKernelError,
)
from pictures import on_white
from PIL import Image

from llmbook import fingerprint as code
from llmbook.files import whole

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
RUN_TIMES = ROOT / "appendix" / "run_times.json"
FAILED = ROOT / "_build" / "failed"
LOCK = ROOT / "_build" / "execute.lock"
CELL_TIMEOUT = 600
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT_CELL_METADATA = ("tags", "mystnb")


def notebooks():
    """Return the paths of the book's notebooks, in the order of their
    chapters.
    """
    return sorted(CHAPTERS.glob("*.ipynb"))


class Failure(Exception):
    """A notebook cannot be read or run: says which one, and why."""


def read(path):
    """Read a notebook as nbformat 4.

    Raises
    ------
    Failure
        If the file is not a notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError:
        raise
    except Exception as error:  # whatever nbformat meets in other JSON
        raise Failure(
            f"{path.name} is not a notebook: {first_line(error)}"
        ) from error
    return notebook


def first_line(text):
    """Return the first line of what an error says."""
    return next(iter(str(text).strip().splitlines()), "")


def execute(path):
    """Run a notebook in a fresh kernel, store it in normal form with what the
    run took, and return that.

    Raises
    ------
    Failure
        If the file is not a notebook, if a cell fails, or if the file is edited
        meanwhile: then it stays as it is, and what was computed is kept in
        ``FAILED``.
    """
    before = path.read_bytes()
    notebook = read(path)
    try:
        took = run(path, notebook)
        if path.read_bytes() != before:
            raise Failure(f"{path.name} was edited while it ran")
    except Failure as failure:
        FAILED.mkdir(parents=True, exist_ok=True)
        kept = FAILED / path.name
        with whole(kept) as file:
            nbformat.write(notebook, file)
        raise Failure(
            f"{failure}; it stays as it is, and what this run computed is in"
            f" {kept}"
        ) from failure
    text = finished(notebook)
    # In this order: a kill in between leaves a notebook that is run again, not
    # one whose run is nowhere recorded.
    if path.parent == CHAPTERS:
        record(path, took)
    with whole(path) as file:
        file.write(text)
    return took


def run(path, notebook):
    """Run a notebook, whose outputs it gets; return what the run took.

    Raises
    ------
    Failure
        If a cell fails; the message has its number, its first line and the
        error.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    took = {}
    # After the last cell the kernel is gone; what it has used is read after
    # every one.
    client.on_cell_executed = lambda **_: took.update(
        usage(client.km.provisioner.pid)
    )
    begun = []
    client.on_cell_execute = lambda cell, **_: begun.append(cell)
    start = time.perf_counter()
    try:
        client.execute()
    except (CellControlSignal, DeadKernelError) as error:
        raise Failure(
            f"{path.name}: code cell {len(begun)}, which begins"
            f" {first_line(begun[-1].source)!r}, failed: {what_failed(error)}"
        ) from error
    took["seconds"] = round(time.perf_counter() - start, 1)
    return took


def what_failed(error):
    """Return an error of a cell in one line."""
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {first_line(error.evalue)}"
    return first_line(error)


def usage(pid):
    """Return what a process has used so far: seconds of all cores together, and
    most memory.
    """
    process = psutil.Process(pid)
    times = process.cpu_times()
    status = Path(f"/proc/{pid}/status")  # Linux alone keeps the peak
    peak = (
        re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if status.is_file()
        else None
    )
    megabytes = int(peak[1]) / 1e3 if peak else process.memory_info().rss / 1e6
    return {
        "cpu_seconds": round(times.user + times.system, 1),
        "peak_megabytes": round(megabytes),
    }


def machine():
    """Return a description of this machine: processor, cores, memory, system,
    Python.
    """
    information = Path("/proc/cpuinfo")
    found = information.is_file() and re.search(
        r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE
    )
    processor = (
        found[1] if found else platform.processor() or platform.machine()
    )
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" {platform.system()}, Python {python}"
    )


def record(path, took, file=RUN_TIMES):
    """Keep what a run of a notebook took, with the machine and the day, for the
    book's table.
    """
    records = (
        json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    )
    day = time.strftime("%Y-%m-%d")
    records[path.stem] = took | {"machine": machine(), "date": day}
    text = json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False)
    with whole(file) as new:
        new.write(text + "\n")


def finished(notebook):
    """Return the text of a notebook that was just run: in normal form, with its
    fingerprint and its seal.
    """
    notebook = nbformat.reads(normal_form(notebook), as_version=4)
    notebook.metadata["llmbook"] = {
        "fingerprint": fingerprint(notebook),
        "seal": seal(notebook),
    }
    return normal_form(notebook)


def normal_form(notebook):
    """Return the text that the repository holds for a notebook."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "llmbook": notebook.metadata.get("llmbook", {}),
    }
    notebook.nbformat_minor = 5
    for cell in notebook.cells:
        cell.metadata = {
            name: cell.metadata[name]
            for name in KEPT_CELL_METADATA
            if name in cell.metadata
        }
        if cell.cell_type == "code":
            cell.outputs = [
                normal_output(output)
                for output in cell.outputs
                if output.get("name") != "stderr"
            ]
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def normal_output(output):
    """Drop an output's metadata, which differs between front ends; store its
    figure compactly.
    """
    if "metadata" in output:
        output.metadata = {}
    if "image/png" in output.get("data", {}):
        output.data["image/png"] = compact_png(output.data["image/png"])
    if "image/svg+xml" in output.get("data", {}):
        output.data["image/svg+xml"] = compact_svg(output.data["image/svg+xml"])
    return output


def compact_svg(text):
    """Return a figure with its coordinates to a hundredth of a point: half of
    the bytes.
    """
    return re.sub(
        r'(?<=\s[dxy]=")[^"]*',
        lambda places: re.sub(
            r"-?\d+\.\d{3,}", lambda n: f"{float(n[0]):.2f}", places[0]
        ),
        text,
    )


def compact_png(encoded):
    """Return a figure, in base64, with a palette of at most 256 colours: a
    third of the bytes.
    """
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    if image.mode == "P" and "transparency" not in image.info:
        return encoded
    palette = on_white(image).quantize(
        256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    file = io.BytesIO()
    palette.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def fingerprint(notebook):
    """Return a hash of what outputs follow from: the code and what it reaches
    in ``llmbook``.
    """
    return code.fingerprint(program(notebook))


def program(notebook):
    """Return the code of each cell as the kernel runs it: %magic and !commands
    are Python, too.
    """
    return [
        TransformerManager().transform_cell(cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def seal(notebook):
    """Return a hash of the outputs, by which one that was edited by hand is
    known.
    """
    outputs = [
        cell.outputs for cell in notebook.cells if cell.cell_type == "code"
    ]
    return hashlib.sha256(
        json.dumps(outputs, sort_keys=True).encode()
    ).hexdigest()


def is_stale(path):
    """Tell whether a notebook's outputs come from other code, its own or that
    of ``llmbook``.

    Raises
    ------
    Failure
        If the file is not a notebook.
    """
    notebook = read(path)
    stored = notebook.metadata.get("llmbook", {}).get("fingerprint")
    try:
        return stored != fingerprint(notebook)
    except SyntaxError:  # running it tells in which cell
        return True


def main():
    """Run the command line; what stops it is said in one line."""
    try:
        command()
    except KeyboardInterrupt:
        sys.exit("Interrupted: what was finished is stored")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")


def command():
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["execute"])
    parser.add_argument(
        "notebooks",
        nargs="*",
        help="paths, or 'all'; without any, those out of date",
    )
    arguments = parser.parse_args()
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ["LLMBOOK_CLAIMS"] = "strict"
    if arguments.notebooks in ([], ["all"]):
        chosen = notebooks()
    else:
        chosen = [Path(name).resolve() for name in arguments.notebooks]
        missing = [str(path) for path in chosen if not path.is_file()]
        if missing:
            sys.exit(f"no such notebook: {', '.join(missing)}")
    with alone(LOCK, "Another run of the notebooks"):
        failed = execute_each(chosen, only_stale=not arguments.notebooks)
    if failed:
        sys.exit(f"FAILED: {', '.join(failed)}")


def execute_each(paths, only_stale):
    """Execute notebooks one after another; return the names of those that
    failed, after a line on each.
    """
    failed, up_to_date = [], 0
    for path in paths:
        try:
            if only_stale and not is_stale(path):
                up_to_date += 1
                continue
            print(f"{path.name}: running", flush=True)
            took = execute(path)
            print(f"{path.name}: {took['seconds']:.0f} s", flush=True)
        except Failure as failure:
            print(failure, flush=True)
            failed.append(path.name)
    if up_to_date == len(paths):
        print("every notebook is up to date")
    return failed


if __name__ == "__main__":
    main()
