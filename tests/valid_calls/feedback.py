"""A valid call of each public function of ``llmbook.feedback``."""

import random
from functools import cache

import numpy as np
from letter_world import Tiny, sample

from llmbook.feedback import warm_up
from llmbook.feedback.annotator import Annotator
from llmbook.feedback.learner import Learner
from llmbook.feedback.methods.sft import imitation_loss
from llmbook.feedback.tasks import invitations, shop
from llmbook.models import gpt, lora

# --- the tasks ----------------------------------------------------------------

EDIT = ("set", "greeting", "dear")
RECORD = invitations.Record(
    "anna", "boss", "lunch", "monday", "noon", "cafe", "ten"
)
STYLE = invitations.house_style(RECORD)
DRAFT = invitations.render(RECORD, STYLE._replace(greeting="hi"))
TASK = invitations.Invitations()
SALE = shop.Record(
    "Tom", "bike", 5, "May", 3, "The {item} is {price}. Come on {date}."
)
TYPED = shop.render(SALE, shop.original(SALE))
CHOICES = invitations.CHOICES


def rng():
    """Random numbers that are the same each time."""
    return random.Random(0)


class Characters:
    """A tokenizer whose tokens are characters."""

    end = 0

    def encode(self, text):
        return [ord(letter) for letter in text]

    def decode(self, ids):
        return "".join(map(chr, ids))


class Words:
    """A tokenizer whose tokens are words, many of them one and the same."""

    end = 1

    def encode(self, text):
        return [2 + len(word) for word in text.split()]


SHOP = shop.Shop(Characters())


def halves(_, values):
    """Half of every number."""
    return values / 2


def annotator():
    """An annotator of invitations who has time for ten answers."""
    return Annotator(TASK, annotations=10)


# --- learning -----------------------------------------------------------------


SIZE = len(invitations.VOCABULARY)
CRITIQUE = TASK.critique(rng(), RECORD, DRAFT)
TRIPLE = (RECORD, DRAFT, CRITIQUE)
PAIR = (TASK.demonstrate(RECORD), DRAFT)
IDS = np.array([[2, 3, 4, 5], [2, 3, 4, 0]], "int32")  # (B, T)
MASK = np.array([[0, 1, 1], [0, 1, 0]], "float32")  # (B, T - 1)
LOGS = np.full((2, 3), -1.0, "float32")  # (B, T - 1)
PAIRS = {
    "ids": np.stack([IDS, IDS], axis=1),  # (B, 2, T)
    "mask": np.stack([MASK, MASK], axis=1),
    "reference": LOGS[:, :2],
}


@cache
def tiny():
    """A model of a table, small enough for any task."""
    model = Tiny(size=SIZE)
    model(IDS)
    return model


@cache
def writer():
    """A learner that writes nonsense; it may learn, and nobody minds."""
    learner = Learner(TASK, Tiny(size=SIZE), sample)
    learner.jit_compile = False
    return learner


@cache
def seller():
    """A learner of the shop's task that gives back what it is shown."""
    learner = Learner(SHOP, tiny(), sample)
    learner.refine = lambda records, drafts, critiques: list(drafts)
    return learner


@cache
def reader():
    """A small model that looks at its ids before it reads them."""
    return gpt.GPT(gpt.GPTConfig(SIZE, 8, 4, 1, 1))


@cache
def blocks():
    """A model of one block more than the warm-up leaves alone."""
    sizes = {"hidden_dim": 4, "norm": "rms", "mlp": "swiglu"}
    number = warm_up.FIRST_BLOCK + 1
    return gpt.GPT(gpt.GPTConfig(300, warm_up.LENGTH, 4, 1, number, **sizes))


def plain_blocks():
    """That model, without the adapters that a call before has put on it."""
    if lora.adapters(blocks()):
        lora.merge(blocks())
    return blocks()


def method(**options):
    """What a method is told: a learner, an annotator and options."""
    return lambda: {
        "learner": writer(),
        "annotator": Annotator(TASK, annotations=2),
        "learning_rate": 1e-3,
        "steps": 1,
        **options,
    }


def by(function, **options):
    """A call with a learner, which is made when it is needed."""
    return lambda: {"learner": function(), **options}


TASKS = {
    "wording.expand": {"template": "(a|b) c"},
    "wording.phrasings": {"edit": EDIT, "wording": "seen"},
    "wording.say": lambda: {"rng": rng(), "edits": [EDIT], "wording": "all"},
    "wording.point_out": {"criteria": ["greeting", "order"]},
    "wording.words_of": {"words": "Hi Anna, come", "name": "words"},
    "wording.edits_of": {"words": "start with dear and drop the price"},
    "invitations.split_of": {"record": RECORD},
    "invitations.draw_record": lambda: {"rng": rng(), "split": "test"},
    "invitations.render": {"record": RECORD, "message": STYLE},
    "invitations.parse": {"record": RECORD, "draft": list(DRAFT)},
    "invitations.random_message": lambda: {
        "rng": rng(),
        "record": RECORD,
        "missing": 0.5,
        "wrong": 0.5,
        "choices": CHOICES,
    },
    "invitations.apply_edits": {
        "record": RECORD,
        "message": STYLE,
        "edits": [EDIT, ("swap", "time", "day")],
    },
    "invitations.criterion_of": {"edit": EDIT},
    "invitations.possible_edits": {
        "record": RECORD,
        "message": STYLE,
        "choices": CHOICES,
    },
    "invitations.house_style": {"record": RECORD},
    "invitations.criteria": {
        "record": RECORD,
        "message": STYLE,
        "style": STYLE,
    },
    "invitations.score": {"record": RECORD, "draft": list(DRAFT)},
    "invitations.faults": {
        "record": RECORD,
        "message": STYLE,
        "style": STYLE,
    },
    "invitations.critique": lambda: {
        "rng": rng(),
        "record": RECORD,
        "draft": list(DRAFT),
        "limit": 2,
        "wording": "all",
        "remedy": False,
    },
    "invitations.compare": lambda: {
        "rng": rng(),
        "record": RECORD,
        "first": list(DRAFT),
        "second": list(DRAFT),
    },
    "invitations.tick": {"record": RECORD, "draft": list(DRAFT)},
    "invitations.name_faults": lambda: {
        "rng": rng(),
        "record": RECORD,
        "draft": list(DRAFT),
        "limit": 2,
    },
    "invitations.places": {"record": RECORD, "draft": list(DRAFT)},
    "invitations.encode": {"words": ["dear", "anna"], "name": "words"},
    "invitations.decode": {"ids": [2, 3]},
    "invitations.draft_prompt": {"record": RECORD},
    "invitations.refine_prompt": {
        "record": RECORD,
        "draft": list(DRAFT),
        "words": ["start", "with", "dear"],
    },
    "invitations.edit_document": lambda: {
        "rng": rng(),
        "split": "train",
        "wording": "seen",
        "choices": CHOICES,
    },
    "invitations.Invitations": {
        "limit": 2,
        "wording": "all",
        "remedy": True,
    },
    "invitations.Invitations.name_faults": lambda: {
        "self": TASK,
        "rng": rng(),
        "record": RECORD,
        "draft": list(DRAFT),
    },
    "invitations.Invitations.encode": {"self": TASK, "draft": list(DRAFT)},
    "invitations.Invitations.refine_prompt": {
        "self": TASK,
        "record": RECORD,
        "draft": list(DRAFT),
        "words": ["start", "with", "dear"],
    },
    "invitations.Invitations.critique": lambda: {
        "self": TASK,
        "rng": rng(),
        "record": RECORD,
        "draft": list(DRAFT),
    },
    "invitations.Invitations.demonstrate": {"self": TASK, "record": RECORD},
    "invitations.Invitations.follow": {
        "self": TASK,
        "record": RECORD,
        "draft": list(DRAFT),
        "edits": [EDIT],
    },
    "removal.encode": {"words": ["you", "are"]},
    "removal.decode": {"ids": [2, 3]},
    "removal.sentence": {"names": ["bore", "friend"]},
    "removal.draw": lambda: {"rng": rng(), "size": 2, "named": 1},
    "shop.draw_record": lambda: {"rng": rng(), "split": "test"},
    "shop.original": {"record": SALE},
    "shop.house_style": {"record": SALE},
    "shop.render": {"record": SALE, "message": shop.original(SALE)},
    "shop.parse": {"record": SALE, "draft": TYPED},
    "shop.faults": {"record": SALE, "message": shop.original(SALE)},
    "shop.apply_edits": {
        "message": shop.original(SALE),
        "edits": [("closing", "Best, Ann")],
    },
    "shop.say": lambda: {
        "rng": rng(),
        "message": shop.original(SALE),
        "edits": [("closing", "Best, Ann")],
        "wording": "train",
        "unquoted": 0.5,
    },
    "shop.critique": lambda: {
        "rng": rng(),
        "record": SALE,
        "draft": TYPED,
        "limit": 3,
        "wording": "free",
        "unquoted": 0.5,
    },
    "shop.Critique.about": lambda: {
        "self": SHOP.critique(rng(), SALE, TYPED),
        "rng": rng(),
        "record": SALE,
        "draft": TYPED,
    },
    "shop.follow_quotes": {"draft": TYPED, "words": 'Add "Best, Ann".'},
    "shop.style": {"record": SALE, "draft": TYPED},
    "shop.measure": {"records": [SALE], "drafts": [TYPED]},
    "shop.score": {"record": SALE, "draft": TYPED},
    "shop.random_message": lambda: {
        "rng": rng(),
        "record": SALE,
        "wrong": 0.5,
    },
    "shop.edit_document": lambda: {"rng": rng(), "copies": 0.5},
    "shop.draft_prompt": {"text": TYPED},
    "shop.refine_prompt": {"draft": TYPED, "words": "Sign it."},
    "shop.Shop": {
        "tokenizer": Characters(),
        "limit": 3,
        "wording": "free",
        "unquoted": 0.5,
    },
    "shop.Shop.encode": {"self": SHOP, "text": "Hi"},
    "shop.Shop.draft_prompt": {"self": SHOP, "record": SALE},
    "shop.Shop.refine_prompt": {
        "self": SHOP,
        "record": SALE,
        "draft": TYPED,
        "words": "Sign it.",
    },
    "shop.Shop.critique": lambda: {
        "self": SHOP,
        "rng": rng(),
        "record": SALE,
        "draft": TYPED,
    },
    "shop.Shop.compare": lambda: {
        "self": SHOP,
        "rng": rng(),
        "record": SALE,
        "first": TYPED,
        "second": TYPED,
    },
    "shop.Shop.demonstrate": {"self": SHOP, "record": SALE},
    "shop.Shop.follow": {
        "self": SHOP,
        "record": SALE,
        "draft": TYPED,
        "edits": [("closing", "Best, Ann")],
    },
}
CALLS = {f"tasks.{name}": call for name, call in TASKS.items()} | {
    "annotator.BudgetSpent": {},
    "annotator.Annotator": {
        "task": TASK,
        "annotations": 5,
        "seconds": None,
        "seed": 0,
        "split": "train",
    },
    "annotator.Annotator.left": lambda: {
        "self": annotator(),
        "kind": "critique",
    },
    "annotator.Annotator.draw": lambda: {"self": annotator(), "number": 2},
    "annotator.Annotator.critique": lambda: {
        "self": annotator(),
        "record": RECORD,
        "draft": list(DRAFT),
    },
    "annotator.Annotator.demonstrate": lambda: {
        "self": annotator(),
        "record": RECORD,
    },
    "annotator.Annotator.compare": lambda: {
        "self": annotator(),
        "record": RECORD,
        "first": list(DRAFT),
        "second": list(DRAFT),
    },
    "annotator.Annotator.score": lambda: {
        "self": annotator(),
        "record": RECORD,
        "draft": list(DRAFT),
    },
    **{
        f"annotator.Annotator.{name}": lambda: {
            "self": annotator(),
            "record": RECORD,
            "draft": list(DRAFT),
        }
        for name in ("approve", "tick", "name_faults")
    },
    "annotator.shares": {"total": 7, "rounds": 3},
    "loop.draw_examination": {
        "task": TASK,
        "number": 2,
        "split": "test",
        "seed": 0,
    },
    "loop.answer": by(writer, records=[RECORD, RECORD]),
    "loop.grade": {
        "task": TASK,
        "records": [RECORD, RECORD],
        "drafts": [list(DRAFT), []],
    },
    "loop.examine": by(writer, records=[RECORD, RECORD]),
    "loop.run": lambda: {
        "method": "sft",
        "learner": writer(),
        "records": [RECORD],
        "annotations": 4,
        "seconds": None,
        "seed": 0,
        "every_round": False,
        "first": [("sft", 1, {"steps": 1})],
        "steps": 1,
    },
    "learner.Learner": lambda: {
        "task": TASK,
        "model": tiny(),
        "generate": sample,
        "reference": tiny(),
    },
    "learner.Learner.reset": lambda: {
        "self": writer(),
        "seed": 0,
        "weights": tiny().get_weights(),
    },
    "learner.Learner.settle": lambda: {"self": writer()},
    "learner.Learner.draft": lambda: {
        "self": writer(),
        "records": [RECORD],
        "temperature": 1.0,
    },
    "learner.Learner.refine": lambda: {
        "self": writer(),
        "records": [RECORD],
        "drafts": [DRAFT],
        "critiques": [CRITIQUE],
        "temperature": 1.0,
    },
    "learner.Learner.examples": lambda: {
        "self": writer(),
        "records": [RECORD],
        "drafts": [DRAFT],
    },
    "learner.Learner.completion": lambda: {"self": writer(), "draft": DRAFT},
    "learner.Learner.evaluate": lambda: {
        "self": writer(),
        "*0": halves,
        "*1": tiny(),
        "*2": IDS,
        "batch_size": 2,
    },
    "learner.Learner.log_probs": lambda: {
        "self": writer(),
        "model": reader(),
        "ids": IDS,
    },
    "learner.Learner.train": lambda: {
        "self": writer(),
        "loss": imitation_loss,
        "data": {"ids": IDS, "mask": MASK},
        "steps": 1,
        "learning_rate": 1e-3,
        "batch_size": 2,
        "model": writer().model,
        "fresh": True,
    },
    "learner.until": {"ids": [3, 1, 2], "stop": 1},
    "learner.copy_of": lambda: {"model": tiny()},
    "learner.pack": {
        "prompts": [[2, 3], [2]],
        "completions": [[4], [5, 6]],
        "length": 4,
    },
    "adapted.AdapterLearner": lambda: {
        "task": TASK,
        "model": tiny(),
        "generate": sample,
        "batch_size": 2,
        "temperature": 0.5,
    },
    "pretraining.documents": {"seed": 0, "batch_size": 2, "choices": CHOICES},
    "pretraining.pretrain": {
        "seed": 0,
        "steps": 0,
        "learning_rate": 1e-3,
        "weight_decay": 0.1,
        "choices": CHOICES,
    },
    "pretraining.examine_refiner": by(
        writer, number=2, feedback="own", split="test", seed=0
    ),
    "warm_up.documents": {
        "tokenizer": Characters(),
        "seed": 0,
        "batch_size": 2,
    },
    "warm_up.warm_up": lambda: {
        "model": plain_blocks(),
        "tokenizer": Words(),
        "seed": 0,
        "steps": 0,
        "learning_rate": 1e-3,
        "weight_decay": 0.1,
    },
    "warm_up.examine_refiner": by(
        seller, records=[SALE, SALE], feedback="own", seed=0
    ),
    "methods.sft.sft_loss": {"log_probs": LOGS, "mask": MASK},
    "methods.sft.imitation_loss": lambda: {
        "model": tiny(),
        "batch": {"ids": IDS, "mask": MASK},
    },
    "methods.sft.imitate": by(
        writer,
        records=[RECORD],
        drafts=[DRAFT],
        steps=1,
        learning_rate=1e-3,
        epochs=1,
    ),
    "methods.sft.learn": method(epochs=1),
    "methods.ilf.refinement_weights": {
        "rewards": np.array([0.0, 1.0]),
        "beta": 0.5,
    },
    "methods.ilf.ilf_loss": {
        "log_probs": LOGS[None],
        "mask": MASK[None],
        "weights": np.full((1, 2), 0.5, "float32"),
    },
    "methods.ilf.select": {"candidates": ["a", "b"], "rule": "majority"},
    "methods.ilf.refinements": by(
        writer, annotated=[TRIPLE], number=2, rule="first"
    ),
    "methods.ilf.another_critique": lambda: {
        "rng": rng(),
        "annotated": [TRIPLE, TRIPLE],
    },
    "methods.ilf.another_style": lambda: {
        "rng": rng(),
        "annotated": [
            (SALE, TYPED, SHOP.critique(rng(), SALE, TYPED)),
        ],
    },
    **{
        f"methods.ilf.{name}": lambda: {
            "rng": rng(),
            "annotated": [TRIPLE, TRIPLE],
        }
        for name in (
            "own_critique",
            "another_in_every_fifth",
            "shuffled_words",
            "no_words",
        )
    },
    "methods.ilf.learn": method(
        rounds=1,
        candidates=1,
        rule="first",
        replay=True,
        feedback="another",
        epochs=1,
    ),
    "methods.ilf.criticise": lambda: {
        "learner": writer(),
        "annotator": annotator(),
        "records": [RECORD],
    },
    "methods.ilf.learn_in_dialogue": method(
        rounds=1, turns=1, batch=1, candidates=1, rule="first", epochs=1
    ),
    "methods.dpo.dpo_loss": {
        "chosen": LOGS[0],
        "rejected": LOGS[1],
        "reference_chosen": LOGS[0],
        "reference_rejected": LOGS[1],
        "beta": 0.5,
    },
    "methods.dpo.pair_loss": lambda: {
        "model": tiny(),
        "batch": PAIRS,
        "beta": 0.5,
        "likelihood": 0.5,
    },
    "methods.dpo.compare_drafts": lambda: {
        "learner": writer(),
        "annotator": annotator(),
        "number": 1,
    },
    "methods.dpo.refine_drafts": lambda: {
        "learner": writer(),
        "annotator": annotator(),
        "number": 1,
    },
    "methods.dpo.pair_examples": by(writer, records=[RECORD], pairs=[PAIR]),
    "methods.dpo.learn": method(
        rounds=1, beta=0.5, source="comparisons", likelihood=0.5, memory=1
    ),
    "methods.expert_iteration.best_share": {"scores": [1.0, 2.0], "share": 0.5},
    "methods.expert_iteration.learn": method(rounds=1, share=0.5, epochs=1),
    "methods.grpo.group_advantages": {
        "rewards": np.array([[0.0, 1.0]]),
        "epsilon": 1e-4,
    },
    "methods.grpo.token_advantages": by(
        writer,
        records=[RECORD, RECORD],
        drafts=[DRAFT, DRAFT],
        ticks=[TASK.tick(RECORD, DRAFT), None],
        mask=np.eye(2, 34, 9, dtype="float32"),
        group_size=2,
    ),
    "methods.grpo.grpo_loss": {
        "log_probs": LOGS,
        "old": LOGS,
        "reference": LOGS,
        "advantages": LOGS[:, 0],
        "mask": MASK,
        "beta": 0.1,
        "clip": 0.2,
    },
    "methods.grpo.policy_loss": lambda: {
        "model": tiny(),
        "batch": {
            "ids": IDS,
            "old": LOGS,
            "reference": LOGS,
            "advantages": LOGS[:, 0],
            "mask": MASK,
        },
        "beta": 0.1,
    },
    "methods.grpo.learn": lambda: {
        "learner": writer(),
        "annotator": Annotator(TASK, annotations=2),
        "source": "model",
        "iterations": 1,
        "groups": 1,
        "group_size": 2,
        "updates": 1,
        "beta": 0.1,
        "learning_rate": 1e-3,
        "reward_steps": 1,
        "reward_learning_rate": 1e-3,
    },
    "methods.reinforce.leave_one_out": {"rewards": np.array([0.0, 1.0])},
    "methods.reinforce.reinforce_loss": {
        "log_probs": LOGS,
        "advantages": LOGS[:, 0],
        "mask": MASK,
    },
    "methods.reinforce.policy_loss": lambda: {
        "model": tiny(),
        "batch": {"ids": IDS, "mask": MASK, "advantages": LOGS[:, 0]},
    },
    "methods.reinforce.learn": lambda: {
        "learner": writer(),
        "annotator": Annotator(TASK, annotations=2),
        "batch_size": 2,
        "beta": 0.1,
        "learning_rate": 1e-3,
    },
    "methods.reward_model.reward_loss": {
        "chosen": LOGS[0],
        "rejected": LOGS[1],
    },
    "methods.reward_model.rewards": lambda: {
        "model": reader(),
        "ids": IDS,
        "mask": MASK,
        "token": 3,
    },
    "methods.reward_model.preference_loss": lambda: {
        "model": tiny(),
        "batch": PAIRS,
        "token": 3,
    },
    "methods.reward_model.train_reward_model": by(
        writer,
        records=[RECORD],
        pairs=[PAIR],
        steps=1,
        learning_rate=1e-3,
    ),
    "methods.reward_model.reward": by(writer, records=[RECORD], drafts=[DRAFT]),
    "methods.reward_model.best_of": by(writer, records=[RECORD], number=2),
    "methods.reward_model.learn": method(number=2),
    "methods.self_distillation.self_distillation_loss": {
        "student": np.log(np.full((1, 2, 2), 0.5, "float32")),
        "teacher": np.log(np.full((1, 2, 2), 0.5, "float32")),
        "mask": MASK[:1, :2],
    },
    "methods.self_distillation.next_token_log_probs": lambda: {
        "model": reader(),
        "ids": IDS,
        "positions": IDS[:, :2] * 0,
    },
    "methods.self_distillation.distillation_loss": lambda: {
        "model": tiny(),
        "batch": {
            "ids": IDS,
            "positions": IDS[:, :3] * 0,
            "teacher": np.zeros((2, 3, SIZE), "float32"),
            "mask": MASK,
        },
    },
    "methods.self_distillation.learn": method(rounds=1),
}
