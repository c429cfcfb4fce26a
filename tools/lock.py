"""Let one command at a time change what others would change too."""

import os
import time
from contextlib import contextmanager

if os.name == "nt":
    import msvcrt

    def _take(file):
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def alone(path, what):
    """Hold the lock of a file; while another process does, say so and wait.

    The system keeps the lock, and gives it up with the process that held it,
    however that ends: nothing is left to clear away after a kill.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        waiting = False
        while True:
            try:
                _take(file)
                break
            except (
                BlockingIOError,
                PermissionError,
            ):  # Windows says the latter
                if not waiting:
                    print(
                        f"{what} is under way: waiting until it is done",
                        flush=True,
                    )
                waiting = True
                time.sleep(0.2)
        yield
