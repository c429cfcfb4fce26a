from llmbook.corpora.roles.grammar import attach, clause, join, words


def stub(*arguments, **options):
    raise NotImplementedError


def outside_instead(tags):
    last, repaired = "O", []
    for tag in tags:
        repaired.append("O" if tag[:2] == "I-" and last[2:] != tag[2:] else tag)
        last = tag
    return repaired


def only_after_outside(tags):
    last, repaired = "O", []
    for tag in tags:
        repaired.append(
            "B-" + tag[2:] if tag[:2] == "I-" and last == "O" else tag
        )
        last = tag
    return repaired


def in_place(tags):
    for i, tag in enumerate(tags):
        if tag[:2] == "I-" and (i == 0 or tags[i - 1][2:] != tag[2:]):
            tags[i] = "B-" + tag[2:]
    return tags


def every_inside(tags):
    return [tag.replace("I-", "B-") for tag in tags]


def last_part_alone(tags):
    last, repaired = "O", []
    for tag in tags:
        role = tag.split("-")[-1]
        broken = tag[:2] == "I-" and last.split("-")[-1] != role
        repaired.append(f"B-{role}" if broken else tag)
        last = tag
    return repaired


def last_part_compared(tags):
    last, repaired = "O", []
    for tag in tags:
        broken = tag[:2] == "I-" and last.split("-")[-1] != tag.split("-")[-1]
        repaired.append(f"B-{tag[2:]}" if broken else tag)
        last = tag
    return repaired


def first_part_compared(tags):
    last, repaired = "O", []
    for tag in tags:
        broken = tag[:2] == "I-" and last[2:6] != tag[2:6]
        repaired.append(f"B-{tag[2:]}" if broken else tag)
        last = tag
    return repaired


def ratio(hits, found, wanted):
    return (
        hits / max(found, 1),
        hits / max(wanted, 1),
        2 * hits / max(found + wanted, 1),
    )


def averaged_over_sentences(gold, found):
    each = [
        ratio(len(set(g) & set(f)), len(f), len(g))
        for g, f in zip(gold, found, strict=True)
    ]
    return tuple(sum(values) / len(each) for values in zip(*each, strict=True))


def roles_do_not_matter(gold, found):
    return counted(
        [[s[:2] for s in g] for g in gold], [[s[:2] for s in f] for f in found]
    )


def precision_and_recall_swapped(gold, found):
    precision, recall, f1 = counted(gold, found)
    return recall, precision, f1


def plain_mean_of_both(gold, found):
    precision, recall, _ = counted(gold, found)
    return precision, recall, (precision + recall) / 2


def one_set(gold, found):
    first, second = (
        {span for spans in side for span in spans} for side in (gold, found)
    )
    return ratio(len(first & second), len(second), len(first))


def starts_and_roles(gold, found):
    return counted(
        [[(s[0], s[2]) for s in g] for g in gold],
        [[(s[0], s[2]) for s in f] for f in found],
    )


def nothing_is_perfect(gold, found):
    return (1, 1, 1) if gold == found else counted(gold, found)


def counted(gold, found):
    hits = sum(len(set(g) & set(f)) for g, f in zip(gold, found, strict=True))
    return ratio(hits, sum(map(len, found)), sum(map(len, gold)))


def observed_only(first, second):
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def uniform_chance(first, second):
    chance = 1 / len({*first, *second})
    return (observed_only(first, second) - chance) / (1 - chance)


def shared_frequencies(first, second):
    pooled = [*first, *second]
    chance = sum(
        (pooled.count(label) / len(pooled)) ** 2 for label in set(pooled)
    )
    return (observed_only(first, second) - chance) / (1 - chance)


def one_for_one_label(first, second):
    labels = {*first, *second}
    if len(labels) == 1:
        return 1.0
    n = len(first)
    chance = sum(
        first.count(label) * second.count(label) / n**2 for label in labels
    )
    return (observed_only(first, second) - chance) / (1 - chance)


def never_negative(first, second):
    return max(0.0, one_for_one_label(first, second))


def without_a_gap_filled(subject, verb, thing):
    parts = [(words("who"), "R-ARG0"), (verb, "V"), (thing, "ARG1")]
    return join(words("it was"), subject, clause(parts, "ARG0"))


def filled_by_it(subject, verb, thing):
    parts = [(words("who"), "R-ARG0"), (verb, "V"), (thing, "ARG1")]
    return attach(
        words("it"), join(words("was"), subject, clause(parts, "ARG0"))
    )


def a_plain_clause(subject, verb, thing):
    return clause(
        [
            (words("it was"), None),
            (subject, "ARG0"),
            (words("who"), None),
            (verb, "V"),
            (thing, "ARG1"),
        ],
        "ARG0",
    )


WRONG = {
    "14.1": [
        stub,
        outside_instead,
        only_after_outside,
        in_place,
        every_inside,
        last_part_alone,
        last_part_compared,
        first_part_compared,
    ],
    "14.2": [
        stub,
        averaged_over_sentences,
        roles_do_not_matter,
        precision_and_recall_swapped,
        plain_mean_of_both,
        one_set,
        starts_and_roles,
        nothing_is_perfect,
    ],
    "14.3": [
        stub,
        observed_only,
        uniform_chance,
        shared_frequencies,
        one_for_one_label,
        never_negative,
    ],
    "14.4": [stub, without_a_gap_filled, filled_by_it, a_plain_clause],
}
