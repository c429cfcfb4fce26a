r"""Expert iteration: sample, keep the drafts that the annotator scored best,
imitate them, repeat.

.. math::

    \mathcal{L}(\theta) = -\mathbb{E}_{x,\; y \sim \pi_{\theta_{k}}(\cdot \mid
    x)}
        \big[\, \mathbf{1}[R(x, y) \ge \tau_k] \, \log \pi_\theta(y \mid x)
        \big]

with the threshold :math:`\tau_k` at a quantile of the scores so far (ReST:
Gulcehre et al. 2023, Eq. 3 with the filter :math:`F = \mathbf{1}[R > \tau]`;
Anthony et al. 2017 for the idea). The feedback is a number for each draft.
"""

from llmbook import checks
from llmbook.feedback.annotator import shares
from llmbook.feedback.methods.sft import imitate


def best_share(scores, share):
    """Return the indices of the best ``share`` of the scores, at least one, the
    best first.

    Raises
    ------
    TypeError
        If ``share`` is not a number.
    ValueError
        If it is not above 0 and at most 1, or there is no score.
    """
    scores = checks.vector("scores", scores)
    checks.share_above_none("share", share)
    ranked = sorted(range(len(scores)), key=lambda index: -scores[index])
    return ranked[: max(1, round(share * len(scores)))]


def learn(
    learner,
    annotator,
    rounds=6,
    share=0.1,
    steps=40,
    learning_rate=5e-4,
    epochs=None,
    least=None,
):
    """Each round, have drafts scored, and imitate the best of all so far.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained.
    annotator : Annotator
        Its whole budget buys scores, in equal parts for the rounds.
    rounds : int
    share : float
        Which part of all drafts so far is imitated, those of the highest
        scores; above 0 and at most 1.
    steps : int
        Of training in each round, in batches of 32.
    learning_rate : float
    epochs : int, optional
        No more passes over the best in each round than these; see
        :func:`llmbook.feedback.methods.sft.imitate`.
    least : float, optional
        A score: drafts that reach it are imitated, all of them, in place of a
        share. This is rejection sampling. While there are none, nothing is
        learned.

    Yields
    ------
    figures : dict
        ``loss``, that of the last step, and ``kept_score``, the mean score of
        what was imitated; or ``kept``, 0, as long as nothing was.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range.
    """
    checks.method(learner, annotator, learning_rate, rounds=rounds, steps=steps)
    checks.share_above_none("share", share)
    if least is not None:
        checks.finite("least", least)
    records: list = []
    drafts: list[str] = []
    scores: list[float] = []
    for number in shares(annotator.left("score"), rounds):
        new = annotator.draw(number)
        written = learner.draft(new)
        records, drafts = records + new, drafts + written
        scores += [
            annotator.score(*pair) for pair in zip(new, written, strict=True)
        ]
        best = (
            best_share(scores, share)
            if least is None
            else [i for i, score in enumerate(scores) if score >= least]
        )
        if not best:
            yield {"kept": 0}
            continue
        losses = imitate(
            learner,
            [records[i] for i in best],
            [drafts[i] for i in best],
            steps,
            learning_rate,
            epochs,
        )
        yield {
            "loss": losses[-1],
            "kept_score": sum(scores[i] for i in best) / len(best),
        }
