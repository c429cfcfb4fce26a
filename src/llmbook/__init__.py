"""The library beneath *From Attention to Feedback*.

Two floors: the mathematics (:mod:`llmbook.mathematics.attention`,
:mod:`llmbook.mathematics.losses`, …) is NumPy alone and never imports
TensorFlow; the machinery (:mod:`llmbook.models.layers`,
:mod:`llmbook.models.classifier`, …) is Keras 3 on TensorFlow.
"""

import ctypes
import os
import sys

# TensorFlow's C++ side reports the processor's features on stderr when it is
# first imported, which is noise in a notebook's page; and by itself it
# multiplies matrices by oneDNN on some processors only, where others gain as
# much. It reads these variables once, at import, so they are set here, before
# any module can import it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def _keep_freed_memory(size=256 * 2**20):
    """Have the C library of Linux keep blocks of up to ``size`` bytes when they
    are freed.

    By itself glibc returns large blocks to the system at once, and every step
    of a training then asks for the same ones again, page by page: up to a third
    of its time.
    """
    set_option = (
        getattr(ctypes.CDLL(None), "mallopt", None)
        if sys.platform == "linux"
        else None
    )
    if set_option is not None:
        for option in (-3, -2):  # M_MMAP_THRESHOLD, M_TOP_PAD of malloc.h
            set_option(option, size)


_keep_freed_memory()

__version__ = "0.1.0"
