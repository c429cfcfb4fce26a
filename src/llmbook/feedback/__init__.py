"""Fine-tuning from feedback: a world with an annotator, seven methods of
learning from it, and one loop for them all.

:mod:`~llmbook.feedback.tasks.invitations` is the task,
:mod:`~llmbook.feedback.tasks.wording` what the annotator says,
:mod:`~llmbook.feedback.methods` the published objectives,
:mod:`~llmbook.feedback.learner` the model that learns and
:mod:`~llmbook.feedback.loop` the run of any method at a given budget of
annotations.
"""
