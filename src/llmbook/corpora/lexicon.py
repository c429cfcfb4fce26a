"""A lexicon of what English words feel like."""

import math

from llmbook.corpora.files import rows
from llmbook.files import existing
from llmbook.packages import packaged_file

LEXICON_PACKAGE = "vaderSentiment==3.3.2"


def load_lexicon(path=None):
    """Return the valence of each word of VADER's lexicon, as ten people rated
    it from −4 to 4.

    Parameters
    ----------
    path : str or Path, optional
        Another file of the same form: UTF-8, a word and its valence in the
        first two fields of a line, separated by tabs. By default the one that
        ``vaderSentiment`` carries (Hutto and Gilbert 2014, MIT).

    Returns
    -------
    dict of str to float
        Of a word that stands twice, as some do in VADER's, the last valence.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If ``path``, or the package, does not exist.
    ValueError
        If the file is not UTF-8, or a line is another (it is named), or there
        is none.
    """
    path = (
        packaged_file(LEXICON_PACKAGE, "vader_lexicon.txt")
        if path is None
        else path
    )
    path, lexicon = existing(path), {}
    for place, fields in rows(path.read_bytes(), path.name, "\t"):
        try:
            word, valence = fields[0], float(fields[1])
        except (IndexError, ValueError):
            valence = math.nan
        if not (math.isfinite(valence) and fields[0].strip()):
            raise ValueError(
                f"{place}: must hold a word, a tab and a number, got {fields}"
            )
        lexicon[word] = valence
    if not lexicon:
        raise ValueError(
            f"path must hold at least one word, {path.name} has none"
        )
    return lexicon
