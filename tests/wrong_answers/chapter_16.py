import re


def stub(*arguments, **options):
    raise NotImplementedError


def never_zero(alone, called, calls):
    return (called - alone) / calls


def one_call(alone, called, calls):
    return max(0.0, called - alone)


def share(alone, called, calls):
    return max(0.0, (called - alone) / called / calls)


def everywhere(conversation):
    text = "".join(text for _, text in conversation)
    return re.findall(r"([CFP])([^A-Z.]*)\.", text)


def of_anybody(conversation):
    found = [
        re.fullmatch(r"([CFP])([^A-Z.]*)\.", text) for _, text in conversation
    ]
    return [match.groups() for match in found if match]


def anywhere_in_a_turn(conversation):
    return [
        call
        for who, text in conversation
        if who == "model"
        for call in re.findall(r"([CFP])([^A-Z.]*)\.", text)
    ]


def whatever_follows(conversation):
    return [
        (text[0], text[1:-1])
        for who, text in conversation
        if who == "model" and text[:1] in {*"CFP"} and text.endswith(".")
    ]


def without_a_whitelist(tools, allowed, most):
    return boxed(tools, "".join(tools), most)


def run_and_then_refuse(tools, allowed, most):
    def carry_out(sign, text):
        try:
            result = tools[sign](text) if sign in tools else "no"
        except Exception:
            result = "error"
        return result if sign in allowed else "no"

    return carry_out


def refusals_count(tools, allowed, most):
    left = [most]

    def carry_out(sign, text):
        left[0] -= 1
        if left[0] < 0 or sign not in allowed or sign not in tools:
            return "no"
        try:
            return tools[sign](text)
        except Exception:
            return "error"

    return carry_out


def failures_are_free(tools, allowed, most):
    done = []

    def carry_out(sign, text):
        if sign not in allowed or sign not in tools or len(done) >= most:
            return "no"
        try:
            result = tools[sign](text)
        except Exception:
            return "error"
        done.append(sign)
        return result

    return carry_out


def boxed(tools, allowed, most):
    done = []

    def carry_out(sign, text):
        if sign not in allowed or sign not in tools or len(done) >= most:
            return "no"
        done.append(sign)
        try:
            return tools[sign](text)
        except Exception:
            return "error"

    return carry_out


def exchanged(alone, called):
    return counted(alone, called)[::-1]


def of_all(alone, called):
    both = sum(c and not a for a, c in zip(alone, called, strict=True))
    return both / len(alone), both / len(alone)


def right_with_a_call(alone, called):
    return counted([not a for a in alone], called)


def zero_of_nothing(alone, called):
    return [z or 0.0 for z in counted(alone, called)]


def counted(alone, called):
    both = sum(c and not a for a, c in zip(alone, called, strict=True))
    wrong, made = len(alone) - sum(alone), sum(called)
    return both / made if made else None, both / wrong if wrong else None


WRONG = {
    "16.1": [stub, never_zero, one_call, share],
    "16.2": [
        stub,
        everywhere,
        of_anybody,
        anywhere_in_a_turn,
        whatever_follows,
    ],
    "16.3": [
        stub,
        without_a_whitelist,
        run_and_then_refuse,
        refusals_count,
        failures_are_free,
    ],
    "16.4": [stub, exchanged, of_all, right_with_a_call, zero_of_nothing],
}
