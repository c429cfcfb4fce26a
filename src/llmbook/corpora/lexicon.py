"""A lexicon of what English words feel like."""

from pathlib import Path

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

    Raises
    ------
    FileNotFoundError
        If ``path``, or the package, does not exist.
    ValueError
        If the file is not UTF-8, or a line is another (it is named), or there
        is none.
    """
    path = (
        packaged_file(LEXICON_PACKAGE, "vader_lexicon.txt")
        if path is None
        else Path(path)
    )
    if not path.is_file():
        raise FileNotFoundError(
            f"path must name an existing file, got {str(path)!r}"
        )
    lexicon = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"path must be UTF-8, {path.name} is not: {error}"
        ) from error
    for number, line in enumerate(lines, start=1):
        try:
            word, valence = line.split("\t")[:2]
            lexicon[word] = float(valence)
        except ValueError as error:
            raise ValueError(
                f"{path.name}, line {number}: must hold a word, a tab and a"
                f" number, got {line!r}"
            ) from error
    if not lexicon:
        raise ValueError(
            f"path must hold at least one word, {path.name} has none"
        )
    return lexicon
