"""Say what a command is for, run it, say how long it took: ``timed.py "what it
does" command``.
"""

import subprocess
import sys
import time

what, *command = sys.argv[1:]
print(what, flush=True)
start = time.perf_counter()
status = subprocess.call(command)
print(
    f"{what}: {'done' if status == 0 else 'FAILED'} after"
    f" {time.perf_counter() - start:.0f} s",
    flush=True,
)
sys.exit(status)
