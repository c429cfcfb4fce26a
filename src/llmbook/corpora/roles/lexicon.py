"""The words of the generated sentences: verbs by what they take, nouns, times,
places, manners.

Every kind has common words and a few that are held out: training never shows
the latter, so that what a model makes of words it has never seen can be
measured.
"""

from typing import NamedTuple

from llmbook import checks


def spaced(text):
    """Return what stands between the spaces of a text, a list of words.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return text.split()


def barred(text):
    """Return what stands between the bars of a text, a list of phrases, empty
    ones included.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return text.split("|")


_IRREGULAR = {
    verb.split("/")[0]: tuple(verb.split("/")[1:])
    for verb in spaced(
        "begin/began/begun break/broke/broken bring/brought/brought"
        " build/built/built burn/burned/burned buy/bought/bought"
        " catch/caught/caught choose/chose/chosen come/came/come cut/cut/cut"
        " draw/drew/drawn drink/drank/drunk drive/drove/driven eat/ate/eaten"
        " fall/fell/fallen feed/fed/fed find/found/found fly/flew/flown"
        " forget/forgot/forgotten freeze/froze/frozen fight/fought/fought"
        " hit/hit/hit hurt/hurt/hurt beat/beat/beaten get/got/got"
        " give/gave/given go/went/gone grow/grew/grown hear/heard/heard"
        " hide/hid/hidden hold/held/held keep/kept/kept know/knew/known"
        " lead/led/led leave/left/left lend/lent/lent lose/lost/lost"
        " make/made/made meet/met/met pay/paid/paid read/read/read"
        " ride/rode/ridden rise/rose/risen run/ran/run say/said/said"
        " see/saw/seen sell/sold/sold send/sent/sent shake/shook/shaken"
        " show/showed/shown sing/sang/sung sink/sank/sunk sit/sat/sat"
        " sleep/slept/slept speak/spoke/spoken spend/spent/spent"
        " stand/stood/stood steal/stole/stolen swim/swam/swum take/took/taken"
        " teach/taught/taught tell/told/told think/thought/thought"
        " throw/threw/thrown understand/understood/understood wake/woke/woken"
        " wear/wore/worn win/won/won write/wrote/written"
    )
}
_DOUBLED = {
    "plan",
    "stop",
    "chat",
    "grab",
    "hug",
    "rob",
    "jog",
    "swim",
    "cut",
    "run",
    "sit",
    "win",
}
_DOUBLED |= {"get", "begin", "forget", "drop", "rub", "nod"}


class Verb(NamedTuple):
    """The five forms of a verb."""

    base: str
    third: str
    past: str
    participle: str
    gerund: str


def verb(base):
    """Return the forms of a verb, regular unless the lexicon knows
    otherwise.

    Raises
    ------
    TypeError
        If ``base`` is not a string.
    ValueError
        If it has fewer than two letters.
    """
    checks.text("base", base)
    checks.items_at_least("base", [*base], 2)
    stem = base + base[-1] if base in _DOUBLED else base
    if base[-1] == "y" and base[-2] not in "aeou":
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    else:
        third = base + (
            "es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s"
        )
        past = base + "d" if base[-1] == "e" else stem + "ed"
    silent = base[-1] == "e" and base[-2:] not in ("ee", "oe", "ye")
    past, participle = _IRREGULAR.get(base, (past, past))
    return Verb(
        base, third, past, participle, (base[:-1] if silent else stem) + "ing"
    )


def plural(noun):
    """Return the regular plural of a noun, or one of the irregular ones.

    Raises
    ------
    TypeError
        If ``noun`` is not a string.
    ValueError
        If it has fewer than two letters.
    """
    checks.text("noun", noun)
    checks.items_at_least("noun", [*noun], 2)
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith("y") and noun[-2] not in "aeou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


_PLURALS = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "policeman": "policemen",
    "wife": "wives",
    "knife": "knives",
    "fish": "fish",
    "sheep": "sheep",
}


class Words(NamedTuple):
    """The words of one kind: those of training, and those held out of it."""

    common: list
    held_out: list


def _words(common, held_out):
    return Words(spaced(common), spaced(held_out))


def _verbs(common, held_out):
    return Words(
        [verb(base) for base in spaced(common)],
        [verb(base) for base in spaced(held_out)],
    )


def _phrases(common, held_out):
    return Words(
        [phrase.split() for phrase in barred(common)],
        [phrase.split() for phrase in barred(held_out)],
    )


VERBS = {
    # ARG0 does it to ARG1.
    "transitive": _verbs(
        "read write repair buy see build clean finish find carry sign check use"
        " discuss solve paint take steal choose explain cook visit make examine"
        " approve eat drink watch wear wash hear meet catch hold keep lose win"
        " remember understand learn study cut draw drive ride lead throw feed"
        " play sing cross enter join pass receive accept answer attend cause"
        " cover create describe design develop discover enjoy follow collect"
        " copy count love like hate lift notice order pick prepare protect"
        " produce publish pull push reach record refuse respect save share"
        " spend support treat test touch translate solve want need know say"
        " raise beat hit pack park lock hurt fill print post call welcome thank"
        " fight bring send show leave fly run",
        "polish hide destroy admire criticise inspect borrow measure celebrate"
        " punish rescue sew plant clap calculate invent defend damage fix serve"
        " organise",
    ),
    # ARG0 gives ARG2 the ARG1, or gives ARG1 to ARG2.
    "dative": _verbs(
        "give send show offer sell bring teach lend pay tell throw pass read"
        " write",
        "grant mail award",
    ),
    # ARG0 does it, and there is nothing that it is done to.
    "intransitive": _verbs(
        "sleep run laugh work wait sing dance cry play study walk swim live sit"
        " stand talk speak rest travel smile shout jump stay succeed fail"
        " practise smoke exercise listen read eat drive",
        "whisper sneeze jog snore camp gather nod",
    ),
    # ARG0 moves, often to or from a place.
    "motion": _verbs(
        "go come arrive return leave run walk fly drive hurry travel move rush"
        " enter climb",
        "crawl march wander sail",
    ),
    # ARG0 does it to ARG1; or it happens to ARG1, the subject, with nobody
    # named.
    "ergative": _verbs(
        "open close break move stop burn change start begin improve grow end"
        " increase turn drop develop shake",
        "melt shatter sink freeze spread reduce",
    ),
    # It happens to ARG1, the subject.
    "unaccusative": _verbs(
        "fall happen die appear disappear rise exist remain last arise",
        "vanish collapse occur fade",
    ),
    # ARG0 thinks or says ARG1, a clause.
    "clausal": _verbs(
        "think say believe hope know explain remember forget hear see"
        " understand decide",
        "guess claim suspect",
    ),
    # ARG0 wants ARG1, to do it itself.
    "control": _verbs(
        "want need hope decide plan try like love forget begin", "agree promise"
    ),
    # ARG0 tells ARG2 to do ARG1.
    "object_control": _verbs("ask tell teach invite allow", "urge remind"),
}

NAMES = _words(
    "Tom Anna Maria Peter Liu Wang Chen Sara John Alice Bob Emma David Lucy"
    " Mark Nina Omar Rosa Li",
    "Igor Helga Zhao Priya Kofi Yuki",
)
PEOPLE = _words(
    "teacher doctor student nurse farmer engineer lawyer writer driver singer"
    " manager child girl boy woman man neighbour friend mother father policeman"
    " company government committee team school reporter worker leader director"
    " soldier guest customer artist scientist baby sister brother grandfather"
    " dog cat bird horse bank factory army audience coach judge wife son group"
    " shop hospital police tourist passenger parent player person waiter"
    " principal cook chef pilot actor star reader visitor resident citizen"
    " expert chairman boss colleague kid classmate roommate grandmother grandpa"
    " mom dad uncle aunt daughter king officer guard thief nation department"
    " firm club union court crowd public class animal elephant monkey ant fan"
    " speaker host owner buyer seller member president youth adult researcher",
    "plumber violinist goalkeeper senator baker jury tailor clerk mayor"
    " witness",
)
THINGS = _words(
    "book letter report car house door window box picture song phone computer"
    " table ticket bag coat meal cake bridge machine road plan question problem"
    " contract newspaper bicycle garden story email key map speech law project"
    " film flower tree cup shirt dress shoe exam game match lesson word"
    " sentence name price room wall light fire river lake tool product dish"
    " vegetable fruit apple egg decision mistake idea method prize job task"
    " rule language program system gift photo train bus plane boat ball desk"
    " camera road article poem test building result answer event city village"
    " country hand head eye face body heart menu speech loan visa passport"
    " helicopter instrument message model material wheel stone knife bottle"
    " chair lamp clock watch shelf roof seat screen button battery engine truck"
    " ship subway boat cloth hat umbrella skirt uniform ring coin bill account"
    " card tax salary cost profit market trade deal order brand shop goal"
    " record medal race team rule right duty habit hobby dream wish choice"
    " chance danger accident fire flood war crime secret truth fact reason"
    " effect change step level stage point line side top shape colour sound"
    " voice noise smell feeling mood tear pain illness fever cold wound bone"
    " tooth finger arm leg foot shoulder back ear nose mouth leaf branch hill"
    " wave cloud star moon sun storm season festival party wedding ceremony"
    " talk interview course class subject grade paper page note list form file"
    " document concert dance drum piano guitar sport gym bowl plate spoon bean"
    " noodle dumpling potato tomato banana egg chicken duck pig cow wing nest"
    " hole gate yard field farm mine pipe rope passage topic industry service"
    " activity training treatment opinion suggestion request invitation ticket"
    " gold price number amount part kind example difference relationship",
    "statue kettle violin fence pizza invoice drone sculpture ladder curtain"
    " wallet anthem sofa",
)
# Names of stuff and of what cannot be counted: they stand without an article.
MASS = _words(
    "water tea rice money music food work time homework medicine news weather"
    " rain snow wind knowledge experience help traffic furniture milk soup meat"
    " coffee information English Chinese health energy air weight success"
    " luggage technology art history progress clothing advice society nature"
    " life love peace freedom happiness courage safety quality education"
    " culture science mathematics electricity oil gas gold silver paper glass"
    " plastic cotton wine beer sugar salt rubbish pollution trouble attention"
    " patience confidence respect support research business agriculture tourism"
    " exercise",
    "juice bread gossip luck laughter dust",
)
PLACES = _words(
    "park school kitchen station office hospital table house library airport"
    " street bridge city room village shop market garden hotel river lake"
    " mountain restaurant classroom factory museum supermarket wall road bank"
    " university building box field countryside beach door window company town"
    " north south sky floor corner stage world webpage front college playground"
    " gym cinema theatre farm forest desert coast square park store mall cafe"
    " bathroom bedroom hall gate yard crossroads intersection entrance exit"
    " middle east west left right centre side suburb county province capital"
    " car bus train plane boat bag drawer shelf desk chair bed newspaper"
    " internet team party class contest",
    "harbour temple cellar stadium valley bakery island roof",
)
CITIES = _words(
    "Beijing London Paris Shanghai China America Berlin Rome", "Cairo Lima Oslo"
)
ADJECTIVES = _words(
    "old new young tall small big red famous tired careful local important"
    " expensive broken good bad beautiful long short heavy strong happy"
    " difficult easy interesting warm cold hot high large little same special"
    " foreign rich poor quiet busy clean own other first last white whole"
    " public healthy serious modern ancient delicious different able afraid"
    " angry bitter blue green black brave bright calm cheap clear common"
    " complete correct convenient crowded daily dangerous dark deep dirty eager"
    " empty equal fair final fine free fresh friendly full great hard honest"
    " hungry ill kind low main natural necessary nervous nice normal patient"
    " perfect pleasant polite popular pretty private proud ready real round sad"
    " safe satisfied sharp shy sick silent simple slow smart soft sour strange"
    " strict successful sudden sunny sure sweet thick thin tight tiny"
    " traditional true ugly useful usual valuable weak wet wide wild wise"
    " wonderful worried wrong yellow national social local economic political"
    " medical annual",
    "purple clever huge rusty lazy noisy fragile",
)
TIMES = _phrases(
    "yesterday|today|last week|every morning|on Monday|in 2019|after dinner|at"
    " night|two days ago|this year|before the meeting|in the"
    " evening|tomorrow|last night|for three hours|in May|every day|on Friday"
    " morning|now|next week|in the morning|at seven o'clock|for a long"
    " time|once a week|all day|in winter|at the weekend|during the exam|every"
    " year|this morning|for two years|soon|again|in the past|late|early|on"
    " weekends|after class|at noon|long ago|an hour ago|from morning to"
    " night|recently|lately|tonight|until midnight|at the end|day and"
    " night|twice|in spring|next month|at last|in 2020|during the day|before"
    " bed|after work|in rainy seasons|for many years|at first|in the"
    " future|this month|all night|these days|ten minutes ago",
    "on Sunday afternoon|in 1987|three weeks ago|during the holiday|by"
    " Thursday|in autumn",
)
# Times that stand before the verb.
OFTEN = _words(
    "often always already just still now usually soon sometimes finally once"
    " recently",
    "rarely frequently",
)
MANNERS = _phrases(
    "quickly|slowly|carefully|well|hard|fast|together|alone|by bus|by train|by"
    " car|on foot|quietly|loudly|in a hurry|happily|by plane|with care|like"
    " this|clearly|in English|badly|easily|warmly|patiently|in this way|with"
    " great care|strictly|gently|in silence|seriously|smoothly|bravely|in"
    " person|by hand|by phone|very well|very fast|too quickly|so"
    " hard|deeply|step by step|calmly and carefully|slowly and quietly|one by"
    " one|face to face|by subway|by boat|on time|in detail|freely|rapidly|hard"
    " every time|properly|actively|correctly",
    "politely|nervously|by tram|with a smile|secretly|gracefully",
)
# Manners that stand before the verb.
HOW = _words(
    "quickly slowly carefully quietly suddenly happily gradually secretly"
    " easily deeply patiently bravely loudly successfully strictly actively",
    "nervously politely",
)
HERE = _phrases(
    "here|there|home|outside|everywhere|abroad|upstairs|downstairs|inside|nearby|online",
    "indoors|underground",
)


def is_form_of_lexicon(word):
    """Tell whether a word is, in lower case, a form of one of the verbs, common
    or held out.

    Raises
    ------
    TypeError
        If ``word`` is not a string.
    """
    checks.text("word", word)
    return word.lower() in _FORMS


def classes(word):
    """Return the set of the kinds of verb, keys of :data:`VERBS`, that a word
    is a form of.

    Raises
    ------
    TypeError
        If ``word`` is not a string.
    """
    checks.text("word", word)
    return _FORMS.get(word.lower(), set())


_FORMS: dict[str, set[str]] = {}
for _kind, (_common, _held_out) in VERBS.items():
    for _verb in [*_common, *_held_out]:
        for _form in _verb:
            _FORMS.setdefault(_form, set()).add(_kind)
