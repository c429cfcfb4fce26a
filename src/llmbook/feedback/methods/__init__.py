"""The published ways to learn from feedback, one a file: each with its
objective, its loss and its loop.

A method is a generator function ``learn(learner, annotator, **options)`` that
spends the annotator's budget on the kind of feedback it needs, changes the
learner, and yields the figures of each round as a dict.
"""

import functools
from collections.abc import Callable

from llmbook.feedback.methods import (
    dpo,
    expert_iteration,
    grpo,
    ilf,
    reinforce,
    reward_model,
    self_distillation,
    sft,
)

METHODS: dict[str, Callable] = {
    "sft": sft.learn,
    "ilf": ilf.learn,
    "ilf_replay": functools.partial(ilf.learn, replay=True),
    "ilf_dialogue": ilf.learn_in_dialogue,
    "self_distillation": self_distillation.learn,
    "expert_iteration": expert_iteration.learn,
    "best_of_n": reward_model.learn,
    "grpo": grpo.learn,
    "grpo_scores": functools.partial(grpo.learn, source="score"),
    "grpo_success": functools.partial(grpo.learn, source="success"),
    "grpo_ticks": functools.partial(grpo.learn, source="ticks"),
    "grpo_faults": functools.partial(grpo.learn, source="faults"),
    "reinforce": reinforce.learn,
    "dpo": dpo.learn,
}
