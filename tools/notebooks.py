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
from nbclient import NotebookClient
from PIL import Image

from llmbook import fingerprint as code

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
RUN_TIMES = ROOT / "appendix" / "run_times.json"
CELL_TIMEOUT = 600
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT_CELL_METADATA = ("tags", "mystnb")


def notebooks():
    """Return the paths of the book's notebooks, in the order of their
    chapters.
    """
    return sorted(CHAPTERS.glob("*.ipynb"))


def read(path):
    """Read a notebook as nbformat 4."""
    return nbformat.read(path, as_version=4)


def execute(path):
    """Run a notebook in a fresh kernel, store it in normal form, return what
    the run took.
    """
    notebook = read(path)
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
    start = time.perf_counter()
    client.execute()
    took["seconds"] = round(time.perf_counter() - start, 1)
    write(path, notebook)
    return took


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
    file.write_text(text + "\n", encoding="utf-8")


def write(path, notebook):
    """Store a notebook that was just run: in normal form, with its fingerprint
    and its seal.
    """
    notebook = nbformat.reads(normal_form(notebook), as_version=4)
    notebook.metadata["llmbook"] = {
        "fingerprint": fingerprint(notebook),
        "seal": seal(notebook),
    }
    path.write_text(normal_form(notebook), encoding="utf-8")


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
    return output


def compact_png(encoded):
    """Return a figure, in base64, with a palette of at most 256 colours: a
    third of the bytes.
    """
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    if image.mode == "P":
        return encoded
    palette = image.convert("RGB").quantize(
        256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    file = io.BytesIO()
    palette.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def fingerprint(notebook):
    """Return a hash of what outputs follow from: the code and what it reaches
    in ``llmbook``.
    """
    return code.fingerprint(
        [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    )


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
    """
    notebook = read(path)
    return notebook.metadata.get("llmbook", {}).get(
        "fingerprint"
    ) != fingerprint(notebook)


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["execute"])
    parser.add_argument(
        "notebooks",
        nargs="*",
        help="paths, or 'all'; without any, those out of date",
    )
    arguments = parser.parse_args()
    os.environ["PYTHONHASHSEED"] = "0"
    if arguments.notebooks == ["all"]:
        chosen = notebooks()
    elif arguments.notebooks:
        chosen = [Path(name).resolve() for name in arguments.notebooks]
        missing = [str(path) for path in chosen if not path.is_file()]
        if missing:
            sys.exit(f"no such notebook: {', '.join(missing)}")
    else:
        chosen = [path for path in notebooks() if is_stale(path)]
    for path in chosen:
        print(f"{path.name}: running", flush=True)
        took = execute(path)
        if path.parent == CHAPTERS:
            record(path, took)
        print(f"{path.name}: {took['seconds']:.0f} s", flush=True)
    if not chosen:
        print("every notebook is up to date")


if __name__ == "__main__":
    main()
