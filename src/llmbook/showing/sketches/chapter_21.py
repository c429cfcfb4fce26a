"""The drawings of chapter 21: paired answers, more computation, many steps."""

from llmbook.showing.sketch import Sketch


def paired(cases, questions):
    """Draw which questions two models answer alike, and which not.

    Parameters
    ----------
    cases : dict of (int, int) to float
        Questions that the first alone and the second alone answer rightly, and
        the p-value.
    questions : int
        That both were asked.
    """
    s = Sketch(
        "fig-paired",
        "Only the questions on which two models differ",
        "A row for each case. Most questions are answered alike by both models "
        "and say nothing. The others are divided: won by one, lost to the "
        "other, with the p-value that this is chance.",
        height=34 + 62 * len(cases),
    )
    most = max(won + lost for won, lost in cases)
    s.text(6, 12, f"of {questions} questions to both", "strong")
    for i, ((won, lost), p) in enumerate(cases.items()):
        y = 30 + 62 * i
        same = questions - won - lost
        s.box(6, y, 116, [f"{same} alike", "say nothing"], "frozen", 44)
        unit = 136 / most
        s.box(134, y, max(24, unit * won), str(won), "good", 44)
        if lost:
            x = 134 + max(24, unit * won)
            s.box(x, y, max(24, unit * lost), str(lost), "key", 44)
        s.text(354, y + 14, f"{won} to {lost}", anchor="end")
        s.text(354, y + 32, f"p = {p:.3f}", "strong", anchor="end")
    return s


def three_ways(ways):
    """Draw ways to spend more at answering time, and what each brings.

    Parameters
    ----------
    ways : list of (str, str, float)
        The name, what is done, and the share that is right.
    """
    s = Sketch(
        "fig-three-ways",
        "Ways to spend more on an answer",
        "A row for each way: "
        + "; ".join(f"{name} {share:.0%}" for name, _, share in ways)
        + ". A bar for the share of right answers.",
        height=10 + 54 * len(ways),
    )
    for i, (name, done, share) in enumerate(ways):
        y = 8 + 54 * i
        s.box(6, y, 176, [name, done], "op", 44)
        s.arrow((182, y + 22), (208, y + 22))
        kind = "good" if i == len(ways) - 1 else "learned"
        s.bar(210, y + 12, 96, 20, share, kind)
        s.text(354, y + 22, f"{share:.0%}", "strong", anchor="end")
    return s


def chains(steps, rates):
    """Draw how likely it is that all steps of a task succeed.

    Parameters
    ----------
    steps : list of int
    rates : list of float
        How likely one step succeeds.
    """
    s = Sketch(
        "fig-chains",
        "Steps multiply",
        "A row for each rate of success of one step, a column for each number "
        "of steps, with a bar for the probability that all succeed.",
        height=34 + 50 * len(rates),
    )
    width = 276 / len(steps)
    for j, count in enumerate(steps):
        middle = 78 + width * (j + 0.5)
        word = "step" if count == 1 else "steps"
        s.text(middle, 12, f"{count} {word}", "strong", anchor="middle")
    for i, p in enumerate(rates):
        y = 30 + 50 * i
        s.text(6, y + 12, f"p = {p:g}", "strong")
        for j, count in enumerate(steps):
            x = 78 + width * j
            s.bar(x + 4, y, width - 8, 18, p**count)
            s.text(x + width / 2, y + 30, f"{p**count:.2f}", anchor="middle")
    return s
