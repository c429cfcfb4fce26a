"""The comparison of ``run.py`` in a smaller world, three options a choice in
place of six.

    python experiments/feedback/three_options.py

In this world, the book's first, trying one's luck gets further than in the
wider one: what feedback is worth depends on how much there is to be guessed. A
method of each kind is tuned by the same four trials, then run with three other
models and seeds, and stored in ``experiments/results/three_options.json``. It
resumes where it stopped, as ``run.py`` does.
"""

from run import RESULTS, Comparison, Laboratory

from llmbook.feedback.tasks.invitations import THREE_CHOICES

RESULTS = RESULTS.with_name("three_options.json")
METHODS = ("sft", "ilf_replay", "expert_iteration", "grpo_scores", "dpo")


def main():
    laboratory = Laboratory("three_options", THREE_CHOICES)
    Comparison(RESULTS, __file__, laboratory).at_equal_time(METHODS)


if __name__ == "__main__":
    main()
