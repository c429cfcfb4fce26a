"""The library beneath *From Attention to Feedback*.

Two floors: the mathematics (:mod:`llmbook.attention`, :mod:`llmbook.losses`, …) is NumPy alone and
never imports TensorFlow; the machinery (:mod:`llmbook.layers`, :mod:`llmbook.classifier`, …) is
Keras 3 on TensorFlow.
"""

import os

# TensorFlow's C++ side reports the processor's features on stderr when it is first imported, which
# is noise in a notebook's page; and by itself it multiplies matrices by oneDNN on some processors
# only, where others gain as much. It reads these variables once, at import, so they are set here,
# before any module can import it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

__version__ = "0.1.0"
