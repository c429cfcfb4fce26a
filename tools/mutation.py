"""Change the library's code on purpose, one operator at a time, and see whether
its tests notice.

``mutation.py [MODULE …]`` tries the modules named, or all that
``mutation/targets.toml`` lists. Cosmic Ray makes the mutants and keeps the
verdicts in ``_build/mutation``, one session a module: what was interrupted goes
on where it stopped, and when tests were added, only those that had survived are
tried again (``--afresh`` tries all). No file of the library is changed: a mutant
lives in the memory of a process that is forked for it and runs the module's
tests. Survivors that may live stand in ``mutation/survivors.toml``, each with
its reason; the scores are written to ``mutation/results.json``.

Processes are forked, which Windows cannot: there it runs in its Linux.
"""

import argparse
import ast
import collections
import contextlib
import datetime
import difflib
import functools
import gc
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import json
import math
import multiprocessing
import os
import resource
import signal
import sys
import time
import tomllib
import types
import uuid
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import (
    MutationSpec,
    TestOutcome,
    WorkerOutcome,
    WorkItem,
    WorkResult,
)
from coverage import Coverage
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).parents[1]
KEY = "module", "function", "was", "now"  # of an entry in survivors.toml
LONGEST = 3600  # seconds that a trial may take in all
SESSIONS = "_build/mutation"
FORK = multiprocessing.get_context("fork")


class Module(NamedTuple):
    """A module that is to be changed, and the tests that should notice."""

    name: str
    path: Path
    source: str
    tests: list


# Which places count


def column(line, offset):
    """Return the column, in characters, of an offset in bytes."""
    return len(line.encode()[:offset].decode())


def spans_without_subject(source):
    """Return the spans that no test should have to notice, as pairs of
    positions: what errors say, annotations and heads of functions but for their
    defaults, and how objects print.
    """
    lines = source.splitlines()

    def start(node):
        return node.lineno, column(lines[node.lineno - 1], node.col_offset)

    def end(node):
        last = node.end_lineno
        return last, column(lines[last - 1], node.end_col_offset)

    out, back = [], []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise):
            out.append((start(node), end(node)))
        elif isinstance(node, ast.AnnAssign):
            out.append((start(node.annotation), end(node.annotation)))
        elif isinstance(node, ast.FunctionDef) and node.name == "__repr__":
            out.append((start(node), end(node)))
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            body = node.body if isinstance(node, ast.Lambda) else node.body[0]
            out.append((start(node), start(body)))
            defaults = node.args.defaults + node.args.kw_defaults
            back += [(start(d), end(d)) for d in defaults if d is not None]
    return out, back


def is_subject(position, spans):
    """Return whether a change at a position is one that tests should notice."""
    out, back = (
        any(first <= position < last for first, last in part) for part in spans
    )
    return back or not out


def bytecode(code):
    """Return a code object without the positions of its lines."""
    constants = tuple(
        bytecode(each) if isinstance(each, types.CodeType) else each
        for each in code.co_consts
    )
    return code.replace(co_linetable=b"", co_firstlineno=1, co_consts=constants)


def compiled(source):
    """Return the bytecode of a source, or None if it is no Python."""
    try:
        return bytecode(compile(source, "", "exec"))
    except SyntaxError:
        return None


# The session of a module


def mutations(source, path, operators):
    """Yield the changes of a source that have a subject, are Python, and come
    to other bytecode than the source and than each other.
    """
    nodes = list(ast_nodes(get_ast(source)))
    spans = spans_without_subject(source)
    seen = {compiled(source), None}
    for name in operators:
        operator = get_operator(f"core/{name}")()
        places = (
            (node, start, end)
            for node in nodes
            for start, end in operator.mutation_positions(node)
        )
        for occurrence, (node, start, end) in enumerate(places):
            if not is_subject(start, spans):
                continue
            mutation = MutationSpec(
                path,
                f"core/{name}",
                occurrence,
                start,
                end,
                definition_name=ASTQuery(node).get_definition_name() or "",
            )
            code = compiled(mutated(source, mutation))
            if code not in seen:
                seen.add(code)
                yield mutation


def mutated(source, mutation):
    """Return the source with one change made."""
    operator = get_operator(mutation.operator_name)()
    return mutate_code(source, operator, mutation.occurrence)


def open_session(module, operators, folder):
    """Return the session of a module as it now stands, a database of Cosmic
    Ray.
    """
    digest = hashlib.sha256(f"{module.source}{operators}".encode()).hexdigest()
    session = folder / f"{module.name}-{digest[:12]}.sqlite"
    if not session.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        begun = session.with_suffix(".begun")
        begun.unlink(missing_ok=True)
        database = WorkDB(begun, WorkDB.Mode.create)
        database.add_work_items(
            WorkItem.single(uuid.uuid4().hex, mutation)
            for mutation in mutations(module.source, module.path, operators)
        )
        database.close()
        begun.rename(session)
    return WorkDB(session, WorkDB.Mode.open)


def mutants(session):
    """Return the changes of a session in the order of their lines, each with
    its id and its result so far, which may be None.
    """
    results = dict(session.results)
    found = [
        (item.mutations[0], item.job_id, results.get(item.job_id))
        for item in session.work_items
    ]
    return sorted(found, key=lambda each: (each[0].start_pos, each[1]))


def key_of(module, mutation):
    """Return by what ``survivors.toml`` knows a mutant, in the order of KEY."""
    changed = mutated(module.source, mutation)
    return (
        module.name,
        mutation.definition_name,
        *difference(module.source, changed),
    )


def difference(source, changed):
    """Return the lines that differ, before and after, without their margins."""
    sides = {"-": [], "+": []}
    for line in difflib.unified_diff(
        source.splitlines(), changed.splitlines(), n=0, lineterm=""
    ):
        if line[:3] not in ("---", "+++", "@@ "):
            sides[line[0]].append(" ".join(line[1:].split()))
    return "\n".join(sides["-"]), "\n".join(sides["+"])


# One mutant, in a process of its own


class MutantLoader(importlib.machinery.SourceFileLoader):
    """Loads a module from a changed source."""

    def __init__(self, module, source):
        super().__init__(module.name, str(module.path))
        self.source = source

    def get_code(self, fullname):
        """Return the changed source, compiled."""
        return compile(self.source, self.path, "exec")


class MutantFinder(importlib.abc.MetaPathFinder):
    """Finds one module, and leaves the others to those who come after."""

    def __init__(self, loader):
        self.loader = loader

    def find_spec(self, fullname, path=None, target=None):
        """Return how the module is loaded, or None for another module."""
        if fullname == self.loader.name:
            return importlib.util.spec_from_file_location(
                fullname, self.loader.path, loader=self.loader
            )
        return None


class Watcher:
    """A plugin of pytest: puts tests in an order, keeps the seconds of each and
    the name of the first that fails, and tells coverage which is running.
    """

    def __init__(self, rank, lines):
        self.rank, self.lines = rank, lines
        self.seconds, self.failed = {}, ""

    def pytest_collection_modifyitems(self, items):
        """Put the tests in order."""
        items.sort(key=lambda item: self.rank(item.nodeid))

    def pytest_runtest_logstart(self, nodeid):
        """Note the lines that are run from here on for a test."""
        if self.lines:
            self.lines.switch_context(nodeid)

    def pytest_runtest_logreport(self, report):
        """Keep what a test took, and its name if it is the first to fail."""
        spent = self.seconds.get(report.nodeid, 0) + report.duration
        self.seconds[report.nodeid] = spent
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report):
        """Keep the name of a file that cannot be imported."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


def run_tests(module, source, rank, folder, limit, verdict):
    """Run the tests of a module on a source and send the verdict: the exit
    status, the first failure, the seconds of each test and those of the
    processor, and which tests run each line, if it is the module's own source.
    Ends the process, at the latest after ``limit`` seconds of the processor.
    """
    os.setsid()
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, MutantFinder(MutantLoader(module, source)))
    settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # a failure is enough
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")
    lines = None
    if source == module.source:
        lines = Coverage(None, include=[str(module.path)], config_file=False)
        lines.start()
    watcher = Watcher(rank, lines)
    # Of the plugins that are installed, the tests need one.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    status = pytest.main(
        [
            *("-x", "-q", "-p", "no:cacheprovider"),
            *("-p", "_hypothesis_pytestplugin"),
            # Hypothesis is imported before pytest, so that it need not be
            # imported for each mutant.
            *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
            *module.tests,
        ],
        plugins=[watcher],
    )
    tests_of = {}
    if lines:
        lines.stop()
        tests_of = lines.get_data().contexts_by_lineno(str(module.path))
    spent = time.process_time()
    verdict.send(
        (int(status), watcher.failed, watcher.seconds, spent, tests_of)
    )
    os._exit(0)


class Trial:
    """Tests that run on a mutant, in a process of their own."""

    def __init__(self, module, source, rank, folder, limit):
        self.verdict, end = FORK.Pipe(duplex=False)
        self.process = FORK.Process(
            target=run_tests,
            args=(module, source, rank, folder, limit, end),
            daemon=True,
        )
        self.process.start()
        end.close()
        self.deadline = time.monotonic() + LONGEST

    def is_over(self):
        """Return whether there is a verdict or no time left."""
        return self.verdict.poll() or time.monotonic() > self.deadline

    def end(self):
        """Return the verdict; a process that says nothing has crashed or was out
        of time.
        """
        answer = 1, "no answer", {}, 0.0, {}
        if self.verdict.poll():
            with contextlib.suppress(EOFError):
                answer = self.verdict.recv()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()
        self.verdict.close()
        return answer


# A module


def digest_of(tests, root):
    """Return a fingerprint of test files."""
    files = set()
    for test in tests:
        path = root / test.partition("::")[0]
        files |= set(path.rglob("*.py")) if path.is_dir() else {path}
    text = b"".join(path.read_bytes() for path in sorted(files))
    return hashlib.sha256(text + " ".join(tests).encode()).hexdigest()


def try_mutants(module, session, options):
    """Try the mutants of a module that have no verdict yet, and those that have
    survived other tests than the present ones; return their number.
    """
    present = digest_of(module.tests, options.root)
    waiting = [
        (mutation, job)
        for mutation, job, result in mutants(session)
        if options.afresh
        or result is None
        or (not result.is_killed and result.output != present)
    ]
    if not waiting:
        return 0
    trial = Trial(module, module.source, str, options.root, LONGEST)
    connection.wait([trial.verdict])
    status, failed, seconds, suite, tests_of = trial.end()
    if status:
        sys.exit(f"{module.name}: {failed or status} on the code as it is")
    print(
        f"{module.name}: {len(waiting)} mutants, tests of {suite:.0f} s",
        flush=True,
    )
    killers = collections.deque(maxlen=5)

    def rank(line, test):
        """Order tests: those that run the line, and of them those that killed
        the last mutants, and then the quick ones.
        """
        while line > 1 and line not in tests_of:  # a line may go on from above
            line -= 1
        runs = test in tests_of.get(line, ())
        return not runs, test not in killers, seconds.get(test, 0.0)

    queue, running = iter(waiting), {}
    while True:
        for mutation, job in itertools.islice(
            queue, options.workers - len(running)
        ):
            running[job] = (
                mutation,
                Trial(
                    module,
                    mutated(module.source, mutation),
                    functools.partial(rank, mutation.start_pos[0]),
                    options.root,
                    options.patience + math.ceil(2 * suite),
                ),
            )
        if not running:
            return len(waiting)
        connection.wait([trial.verdict for _, trial in running.values()], 1)
        for job, (mutation, trial) in list(running.items()):
            if trial.is_over():
                del running[job]
                status, failed, *_ = trial.end()
                session.set_result(job, result_of(status, failed, present))
                if status:
                    killers.append(failed)
                else:
                    line = mutation.start_pos[0]
                    changed = key_of(module, mutation)[-1]
                    print(f"  survived, line {line}: {changed}", flush=True)


def result_of(status, failed, tests):
    """Return what the session keeps: which test killed a mutant, or which tests
    it survived.
    """
    if status:
        outcome, output = TestOutcome.KILLED, failed
    else:
        outcome, output = TestOutcome.SURVIVED, tests
    return WorkResult(
        worker_outcome=WorkerOutcome.NORMAL, test_outcome=outcome, output=output
    )


def entry(key):
    """Return a survivor as ``survivors.toml`` lists it, but for its reason."""
    parts = zip(KEY, key, strict=True)
    return "\n".join(
        ["[[survivor]]"]
        + [f"{part} = {json.dumps(x, ensure_ascii=False)}" for part, x in parts]
    )


# What comes of it


def read_reasons(path):
    """Return why survivors may live: the entries of ``survivors.toml`` by their
    module, function, and line before and after.
    """
    entries = tomllib.loads(path.read_text("utf-8")).get("survivor", [])
    return {tuple(each[part] for part in KEY): each for each in entries}


def count(module, session, reasons):
    """Return the figures of a module, and say which survivors have no reason
    and which reasons no survivor.
    """
    found = mutants(session)
    tried = [(mutation, result) for mutation, _, result in found if result]
    alive = [mutation for mutation, result in tried if not result.is_killed]
    keys = [key_of(module, mutation) for mutation in alive]
    kinds = [reasons[key]["kind"] for key in keys if key in reasons]
    for mutation, key in zip(alive, keys, strict=True):
        if key not in reasons:
            print(f"# without a reason, line {mutation.start_pos[0]}")
            print(entry(key), flush=True)
    for key in reasons:
        if key[0] == module.name and key not in keys:
            print(f"# not alive, but a reason is given for it: {key[1:]}")
    return {
        "mutants": len(found),
        "tried": len(tried),
        "killed": len(tried) - len(alive),
        "equivalent": kinds.count("equivalent"),
        "let live": kinds.count("let live"),
        "without a reason": len(alive) - len(kinds),
    }


def score(figures):
    """Return the share, in per cent, of mutants killed among those that were
    tried and are not equivalent.
    """
    return 100 * figures["killed"] / (figures["tried"] - figures["equivalent"])


def summary(figures):
    """Return figures as one line."""
    parts = ", ".join(
        f"{number} {kind}"
        for kind, number in figures.items()
        if isinstance(number, int)
    )
    return f"{score(figures):.1f} % ({parts})"


def main():
    """Try the modules and write down what came of it; the exit status is 1 if a
    group of modules misses its aim or a survivor has no reason.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as llmbook.checks")
    parser.add_argument("--afresh", action="store_true", help="try all again")
    parser.add_argument(
        "--count", action="store_true", help="try none, count what was tried"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=ROOT / "mutation")
    options = parser.parse_args()
    folder = options.folder.resolve()
    options.root = folder.parent
    targets = tomllib.loads((folder / "targets.toml").read_text("utf-8"))
    options.patience = targets["patience"]
    if not options.count:
        for module in targets["preload"]:
            importlib.import_module(module)
        gc.freeze()  # so that no mutant looks through what is imported here
    reasons = read_reasons(folder / "survivors.toml")
    record = folder / "results.json"
    results = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    groups = targets["groups"].values()
    order = [name for group in groups for name in group["modules"]]
    missed = False
    for group, aim in targets["groups"].items():
        total = collections.Counter()
        for name, tests in aim["modules"].items():
            if options.modules and name not in options.modules:
                continue
            path = options.root / targets["folder"] / name.replace(".", "/")
            path = path.with_suffix(".py")
            module = Module(name, path, path.read_text("utf-8"), tests)
            session = open_session(
                module, targets["operators"], options.root / SESSIONS
            )
            tried = not options.count and try_mutants(module, session, options)
            figures = count(module, session, reasons)
            session.close()
            print(f"{name}: {summary(figures)}", flush=True)
            total.update(figures)
            today = datetime.date.today().isoformat()
            last = results.get(name, {}).get("date", today)
            results[name] = {
                "group": group,
                **figures,
                "date": today if tried else last,
            }
            in_order = {key: results[key] for key in order if key in results}
            record.write_text(json.dumps(in_order, indent=1) + "\n", "utf-8")
        if total:
            print(f"{group}: {summary(total)}", flush=True)
            missed |= score(total) < aim["at least"]
            missed |= total["without a reason"] > 0
    sys.exit(missed)


if __name__ == "__main__":
    main()
