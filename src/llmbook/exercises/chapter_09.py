"""Checks of the exercises of chapter 9, teaching a real model by words."""

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "9.1", "A has d_in rows and r columns, B has r rows and d_out columns"
)
def _(adapter_parameters):
    cases = {
        "one kernel (3, 5), rank 2": ([(3, 5)], 2, 16),
        "kernels (576, 576) and (576, 192), rank 8": (
            [(576, 576), (576, 192)],
            8,
            15360,
        ),
        "no kernel": ([], 4, 0),
    }
    for name, (shapes, rank, expected) in cases.items():
        found = adapter_parameters(shapes, rank)
        assert found == expected, (
            f"for {name}, it says {found}, not {expected}."
        )


@exercise(
    "9.2",
    "add alpha / r times the product of the two matrices; r is their common"
    " size",
)
def _(merged):
    rng = np.random.default_rng(0)
    for rank, alpha in (1, 1.0), (3, 6.0), (4, 2.0):
        kernel, down, up = (
            rng.normal(size=shape) for shape in ((5, 7), (5, rank), (rank, 7))
        )
        x, given = rng.normal(size=(2, 5)), kernel.copy()  # x: (T, d_in)
        found = np.asarray(merged(kernel, down, up, alpha))
        assert (kernel == given).all(), (
            "it changes the kernel it is given: make a new one."
        )
        assert found.shape == kernel.shape, (
            f"the result has shape {found.shape}."
        )
        expected = x @ kernel + alpha / rank * ((x @ down) @ up)  # (T, d_out)
        assert np.allclose(x @ found, expected), (
            f"with rank {rank} and alpha {alpha}, a token is mapped to another"
            " vector."
        )


@exercise(
    "9.3",
    "what is old does no harm inside of what is new; but what is new may be a"
    " part of what is old, too",
)
def _(followed):
    words = (
        'Write "5 dollars" instead of "$5". Write "3 May" instead of "May 3".'
    )
    inside = 'Write "Hi Tom!" instead of "Tom".'
    shorter = 'Write "bike" instead of "used bike".'
    cases = {
        "both changes made": (words, "It is 5 dollars. Come on 3 May.", 1),
        "one of two made": (words, "It is 5 dollars. Come on May 3.", 0.5),
        "none made": (words, "It is $5. Come on May 3.", 0),
        "the new added, the old kept": (
            words,
            "It is $5, 5 dollars. Come on 3 May.",
            0.5,
        ),
        "the old part of the new": (inside, "Hi Tom! It is here.", 1),
        "the old part of the new, and once more": (
            inside,
            "Hi Tom! It is here, Tom.",
            0,
        ),
        "the new part of the old, nothing changed": (
            shorter,
            "The used bike is here.",
            0,
        ),
        "the new part of the old, changed": (shorter, "The bike is here.", 1),
    }
    for name, (words, text, expected) in cases.items():
        found = followed(words, text)
        assert np.isclose(found, expected), (
            f"with {name}, it says {found}, not {expected}."
        )
