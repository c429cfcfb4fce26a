"""A valid call of each public function of ``llmbook.exercises``."""

CALLS = {
    "exercise": {"name": "2.1", "hint": "Read it aloud."},
    "examine": {"name": "2.1", "answer": sorted},
    "check": {"name": "2.1", "answer": sorted},
}
