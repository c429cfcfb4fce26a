"""Tell which recorded results are out of date, and bind those to the code whose
figures a change of it does not touch.

    python tools/records.py                          list the records
    python tools/records.py adopt --because "…"      bind all that are stale
    python tools/records.py adopt --because "…" experiments/results/retrieval.json

A run holds the fingerprint of the code that made it. Code changes more often
than figures do, and some figures take hours: a record can be adopted by the
present code, if somebody has seen that the change does nothing to it. The JSON
then says so, with the day and the reason, beside the versions and the
fingerprints under which its runs were made.
"""

import argparse
import sys
import time
from pathlib import Path

from llmbook.files import read_json
from llmbook.recording import code_of, store

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "experiments" / "results"


def records():
    """Return the files of recorded results."""
    return sorted(RESULTS.glob("*.json"))


def script_of(path):
    """Return the script that makes a record."""
    return (path.parent / read_json(path)["script"]).resolve()


def stale_runs(path):
    """Return the runs of a record that are bound to other code than its script
    is now, with what it reaches of the library.
    """
    results, code = read_json(path), code_of(script_of(path))
    # all that were there when the present code adopted them
    bound = max(
        (
            adopted["runs"]
            for adopted in results.get("adopted", [])
            if adopted["code"] == code
        ),
        default=0,
    )
    return [run for run in results["runs"][bound:] if run.get("code") != code]


def advice(path):
    """Return how a stale record is made anew, or bound as it is."""
    return (
        f"{path.name} was made by other code. To make it anew: `rm {path};"
        f" python {script_of(path)}`. If its figures stand: `python"
        f' tools/records.py adopt --because "…" {path}`'
    )


def adopt(path, because):
    """Bind all runs of a record to the present code, and write down why."""
    results = read_json(path)
    runs = results.pop("runs")
    adopted = {
        "date": time.strftime("%Y-%m-%d"),
        "because": because,
        "runs": len(runs),
        "code": code_of(script_of(path)),
    }
    # said again on the same day, it replaces what was said
    before = [
        other
        for other in results.get("adopted", [])
        if other | {"code": adopted["code"]} != adopted
    ]
    # the runs, which are long, stand last
    store(path, results | {"adopted": [*before, adopted], "runs": runs})


def cpu_hours(path):
    """Return the hours of CPU time that the runs of a record took, or of their
    training alone where no more is known.
    """
    costs = [
        run.get(
            "cpu_seconds",
            sum(run[name] for name in run if name.endswith("_cpu_seconds")),
        )
        for run in read_json(path)["runs"]
    ]
    return sum(costs) / 3600


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command")
    command = commands.add_parser("adopt", help="bind records to their code")
    command.add_argument("records", nargs="*", type=Path)
    command.add_argument(
        "--because", required=True, help="why the figures stand"
    )
    arguments = parser.parse_args()
    if arguments.command is None:
        for path in records():
            state = f"{len(stale_runs(path))} stale"
            print(f"{path.name:28}{cpu_hours(path):5.1f} h  {state}")
        return
    if not arguments.because.strip():
        sys.exit("--because must say why the figures stand")
    for path in arguments.records or filter(stale_runs, records()):
        adopt(path.resolve(), arguments.because)
        print(f"{path.name} adopted")


if __name__ == "__main__":
    main()
