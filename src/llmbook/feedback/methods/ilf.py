r"""Imitation learning from language feedback (ILF): sample, have it criticised,
refine, select, fine-tune.

Let :math:`\pi^*(y \mid x) \propto \exp(R(x, y) / \beta)` be the texts we would
like. ILF minimises the divergence from them,

.. math::

    \mathcal{L}(\theta) = \mathbb{E}_x \, \mathrm{KL}\big(\pi^*(\cdot \mid x)
    \,\|\,
    \pi_\theta(\cdot \mid x)\big) = -\mathbb{E}_x \, \mathbb{E}_{y \sim \pi^*}
    \log \pi_\theta(y
    \mid x) + \mathrm{const},

and, as nobody can sample :math:`\pi^*`, samples :math:`K` refinements
:math:`y_k` of a draft by a model that has read its critique, and weights them:

.. math::

    \mathcal{L}(\theta) \approx -\sum_x \sum_{k=1}^{K} w_k \log \pi_\theta(y_k
    \mid x), \qquad
    w_k = \frac{\exp(R(x, y_k) / \beta)}{\sum_j \exp(R(x, y_j) / \beta)}

(Scheurer et al. 2023, section 2; Chen et al. 2023). As :math:`\beta \to 0` one
refinement a draft remains, the *selected* one, and the loss is that of
supervised fine-tuning. The feedback is words.
"""

import random
from collections import Counter

import numpy as np
from keras import ops

from llmbook import checks
from llmbook.feedback.annotator import shares
from llmbook.feedback.methods.sft import imitate


def refinement_weights(rewards, beta):
    """Return the weights (…, K) of refinements by their rewards (…, K): their
    softmax.

    At ``beta=0`` only the best count, equally if they are several.

    Raises
    ------
    TypeError
        If ``beta`` is not a number.
    ValueError
        If it is negative, or rewards are no finite numbers or none.
    """
    checks.filled("rewards", checks.numbers("rewards", rewards, 1))
    checks.known_weights(beta=beta)
    rewards = np.asarray(rewards, dtype=float)
    best = rewards.max(axis=-1, keepdims=True)  # (…, 1)
    weights = (
        np.exp((rewards - best) / beta)
        if beta > 0
        else (rewards == best).astype(float)
    )
    return weights / weights.sum(axis=-1, keepdims=True)


def ilf_loss(log_probs, mask, weights):
    """Return the weighted loss of refinements, a mean over the records.

    Parameters
    ----------
    log_probs, mask : (B, K, T)
        Of the tokens of K refinements for each of B records.
    weights : (B, K)
        From :func:`refinement_weights`.

    Returns
    -------
    loss : ()

    Raises
    ------
    ValueError
        If shapes do not fit, or a value is no finite number.
    """
    checks.tensors(
        "B K T, B K T, B K", log_probs=log_probs, mask=mask, weights=weights
    )
    text = ops.sum(log_probs * mask, axis=-1)  # (B, K)
    return -ops.mean(ops.sum(weights * text, axis=-1))


def select(candidates, rule="majority"):
    """Return one of K refinements of a draft: the one written most often (the
    first of equals), or the ``"first"``.

    Sampled refinements are in no order, so that the first is one at random. The
    majority asks no judge: refinements that follow the critique agree, and
    mistakes differ.

    Raises
    ------
    TypeError
        If candidates cannot be listed or counted.
    ValueError
        If there is none, or ``rule`` is neither of the two.
    """
    candidates = checks.tokens(
        "candidates", checks.some("candidates", candidates)
    )
    checks.one_of("rule", rule, ("majority", "first"))
    if rule == "first":
        return candidates[0]
    return Counter(candidates).most_common(1)[0][0]


def refinements(learner, annotated, number, rule="majority"):
    """Return, for every (record, draft, critique), the selected one of
    ``number`` refinements.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If one is no such triple, the task cannot read it, ``number`` is below
        1, or there is no such rule.
    """
    checks.offers("learner", learner, "refine")
    annotated = checks.annotated(annotated)
    number = checks.count("number", number)
    checks.one_of("rule", rule, ("majority", "first"))
    if not annotated:
        return []
    repeated = [triple for triple in annotated for _ in range(number)]
    written = learner.refine(*zip(*repeated, strict=True))
    return [
        select(written[start : start + number], rule)
        for start in range(0, len(written), number)
    ]


def own_critique(rng, annotated):
    """Leave the triples (record, draft, critique) as they are.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If one is no such triple.
    """
    return checks.annotated(annotated)


def another_critique(rng, annotated):
    """Return the triples with the critiques dealt out anew.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If one is no such triple.
    """
    checks.kind("rng", rng, random.Random)
    annotated = checks.annotated(annotated)
    critiques = [critique for _, _, critique in annotated]
    rng.shuffle(critiques)
    return [
        (*pair[:2], critique)
        for pair, critique in zip(annotated, critiques, strict=True)
    ]


def another_style(rng, annotated):
    """Return the triples with the critiques dealt out anew, each said again
    about the draft that it falls to: the style is another record's, the facts
    are the draft's own.

    Raises
    ------
    TypeError
        If an argument is of another type, or critiques cannot be said again.
    ValueError
        If one is no such triple.
    """
    checks.kind("rng", rng, random.Random)
    dealt = another_critique(rng, checks.annotated(annotated, "about"))
    return [
        (record, draft, critique.about(rng, record, draft))
        for record, draft, critique in dealt
    ]


def another_in_every_fifth(rng, annotated):
    """Return the triples, each fifth with the critique of the next fifth.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If one is no such triple.
    """
    dealt = checks.annotated(annotated)
    annotated = list(dealt)
    dealt[::5] = another_critique(rng, annotated[::5])
    return dealt


def shuffled_words(rng, annotated):
    """Return the triples with the words of each critique, a tuple, in no
    order.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If one is no such triple.
    """
    checks.kind("rng", rng, random.Random)
    annotated = checks.annotated(annotated, "words", "_replace")
    return [
        (*pair, critique._replace(words=tuple(rng.sample(words, len(words)))))
        for *pair, critique in annotated
        for words in [critique.words]
    ]


def no_words(rng, annotated):
    """Return the triples with critiques that say nothing.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If one is no such triple.
    """
    annotated = checks.annotated(annotated, "words", "_replace")
    return [
        (*pair, critique._replace(words=critique.words[:0]))
        for *pair, critique in annotated
    ]


CRITIQUES = {
    "own": own_critique,
    "another": another_critique,
    "another's style": another_style,
    "another in every fifth": another_in_every_fifth,
    "shuffled words": shuffled_words,
    "no words": no_words,
}
"""Which critique the refiner reads: the draft's own; all others are controls.
"""


def learn(
    learner,
    annotator,
    rounds=6,
    candidates=4,
    rule="majority",
    replay=False,
    feedback="own",
    steps=60,
    epochs=40,
    learning_rate=5e-4,
):
    """Each round, fine-tune the policy on refinements of its criticised drafts.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained; its reference refines
        those that are messages with a fault.
    annotator : Annotator
        Its whole budget buys critiques, in equal parts for the rounds.
    rounds : int
    candidates : int
        Refinements of each draft, of which one is selected.
    steps, epochs : int
        Of fine-tuning in each round: so many steps in batches of 32, and no
        more than so many passes over the texts. A good policy leaves few to
        refine, and would be spoilt by learning those few by heart.
    rule : {"majority", "first"}
        How one of the candidates is selected.
    replay : bool
        Whether every draft that the annotator ever accepted is imitated again
        in each round.
    feedback : str
        Which critique the refiner reads, one of :data:`CRITIQUES`; or
        ``"none"``: there is no refiner, and drafts are imitated as they are.
    learning_rate : float

    Yields
    ------
    figures : dict
        ``imitated``, the number of texts, ``loss``, that of the last step, if
        there were any, and ``accepted``, the drafts accepted so far.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``feedback`` or ``rule`` is none of those, or a number is out of its
        range.
    """
    checks.method(
        learner,
        annotator,
        learning_rate,
        rounds=rounds,
        candidates=candidates,
        steps=steps,
        epochs=epochs,
    )
    checks.one_of("rule", rule, ("majority", "first"))
    checks.flag("replay", replay)
    checks.one_of("feedback", feedback, (*CRITIQUES, "none"))
    accepted = []
    for number in shares(annotator.left("critique"), rounds):
        annotated = criticise(learner, annotator, annotator.draw(number))
        accepted += [
            (record, draft)
            for record, draft, words in annotated
            if words.accepted
        ]
        faulty = [z for z in annotated if not z[2].accepted and z[2].readable]
        if feedback == "none":
            refined = [draft for _, draft, _ in faulty]
        else:
            read = CRITIQUES[feedback](annotator.rng, faulty)
            refined = refinements(learner, read, candidates, rule)
        pairs = [(z[0], text) for z, text in zip(faulty, refined, strict=True)]
        pairs += accepted if replay else []
        figures = _imitate(learner, pairs, steps, learning_rate, epochs)
        yield figures | {"accepted": len(accepted)}


def criticise(learner, annotator, records):
    """Return (record, draft of the policy, critique) for every record.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the task cannot read a record.
    """
    checks.offers("learner", learner, "draft")
    checks.offers("annotator", annotator, "critique")
    records = checks.items("records", records, "records")
    return [
        (record, draft, annotator.critique(record, draft))
        for record, draft in zip(records, learner.draft(records), strict=True)
    ]


def _imitate(learner, pairs, steps, learning_rate, epochs):
    if not pairs:
        return {"imitated": 0}
    records, drafts = zip(*pairs, strict=True)
    losses = imitate(learner, records, drafts, steps, learning_rate, epochs)
    return {"loss": losses[-1], "imitated": len(pairs)}


def learn_in_dialogue(
    learner,
    annotator,
    rounds=3,
    turns=4,
    batch=16,
    candidates=4,
    rule="majority",
    steps=120,
    epochs=None,
    learning_rate=5e-4,
):
    """Criticise a draft's refinement again, until it is accepted, and imitate
    what was accepted.

    Each round spends its share of the budget on dialogues of at most ``turns``
    messages of the annotator, each one paid, acceptance too; then the policy is
    fine-tuned on all texts accepted so far. A dialogue that the end of a round
    cuts off goes on in the next.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained; its reference refines.
    annotator : Annotator
        Its whole budget buys critiques, in equal parts for the rounds.
    rounds : int
    turns : int
        Critiques of one dialogue at most.
    batch : int
        Dialogues that go on side by side.
    candidates : int
        Refinements of each text, of which one is selected.
    rule : {"majority", "first"}
        How one of the candidates is selected.
    steps : int
        Of fine-tuning in each round, in batches of 32.
    epochs : int, optional
        No more passes over the texts in each round than these.
    learning_rate : float

    Yields
    ------
    figures : dict
        ``imitated``, the number of texts, ``loss``, that of the last step, if
        there were any, and ``accepted``, the texts accepted so far.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``rule`` is neither of the two, or a number is out of its range.
    """
    checks.method(
        learner,
        annotator,
        learning_rate,
        rounds=rounds,
        turns=turns,
        batch=batch,
        candidates=candidates,
        steps=steps,
    )
    checks.one_of("rule", rule, ("majority", "first"))
    accepted: list[tuple] = []
    pending: list[tuple] = []
    for number in shares(annotator.left("critique"), rounds):
        stop = annotator.left("critique") - number
        while annotator.left("critique") > stop:
            if len(pending) < batch:
                records = annotator.draw(batch)
                pending += [
                    (z, text, 0)
                    for z, text in zip(
                        records, learner.draft(records), strict=True
                    )
                ]
            now = pending[: min(batch, annotator.left("critique") - stop)]
            pending = pending[len(now) :]
            annotated = [
                (z, text, annotator.critique(z, text)) for z, text, _ in now
            ]
            accepted += [
                (z, text) for z, text, words in annotated if words.accepted
            ]
            again = [
                (triple, turn + 1)
                for triple, (_, _, turn) in zip(annotated, now, strict=True)
                if not triple[2].accepted
                and triple[2].readable
                and turn + 1 < turns
            ]
            refined = refinements(
                learner, [triple for triple, _ in again], candidates, rule
            )
            pending += [
                (triple[0], text, turn)
                for (triple, turn), text in zip(again, refined, strict=True)
            ]
        figures = _imitate(learner, accepted, steps, learning_rate, epochs)
        yield figures | {"accepted": len(accepted)}
