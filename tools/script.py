"""Run a script; a full disk, or a folder that cannot be written, ends it with
one line: ``script.py path``.
"""

import errno
import runpy
import sys
from pathlib import Path

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}

script = Path(sys.argv[1]).resolve()
sys.argv = [str(script)]
sys.path[0] = str(script.parent)
try:
    runpy.run_path(str(script), run_name="__main__")
except OSError as error:
    if error.errno not in NO_ROOM:
        raise
    sys.exit(f"{error.filename or script}: {error.strerror}")
