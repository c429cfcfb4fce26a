"""The book's own part of the site: formulas set at build time, light pages,
accessible markup.

A Sphinx extension, switched on in ``_config.yml``. Nothing on a page comes from
another host, and a page loads one style sheet, one script, and the figures that
it shows:

- :mod:`booksite.formulas` runs MathJax while the site is built, so that no page has to;
- :mod:`booksite.outlines` redraws each formula with one path, which a phone lays out at once;
- :mod:`booksite.library` fills the pages of the API reference from the library's docstrings;
- :mod:`booksite.welcome` fills the welcome page from the records;
- :mod:`booksite.tables` fills the cheat sheet and the tables of run times and licences;
- :mod:`booksite.terms` links the terms of the glossary;
- :mod:`booksite.head` puts a bar beneath a chapter's title: run time, download, exercises, all code at once;
- :mod:`booksite.cards` writes into a page what its links lead to, for the cards on hover, focus and tap;
- :mod:`booksite.callouts` knows the four kinds of remarks beside the text;
- :mod:`booksite.numbers` gives a chapter the number of its file;
- :mod:`booksite.columns` sets columns of numbers to the right;
- :mod:`booksite.pages` completes each page: figures, metadata, names of folded cells;
- :mod:`booksite.plots` gives the plots of notebooks the page's ground, letters and ink;
- :mod:`booksite.panels` keeps their letters legible on a phone;
- :mod:`booksite.llms` writes ``llms.txt``, the site in a few lines for programs;
- :mod:`booksite.excerpts` writes what each section says, which the search page shows;
- :mod:`booksite.bundle` joins the theme's styles and scripts and leaves out what no page uses.
"""

import hashlib
from pathlib import Path

from booksite import (
    bundle,
    callouts,
    cards,
    columns,
    excerpts,
    formulas,
    head,
    library,
    llms,
    numbers,
    pages,
    tables,
    terms,
    welcome,
)

TEMPLATES = str(Path(__file__).parent / "templates")
# Jupyter Book fills in its own repository where `_config.yml` names none.
NO_REPOSITORY = "https://github.com/executablebooks/jupyter-book"


def configure(app, config):
    """Name the project, put the book's templates before the theme's, show the
    buttons that need a repository.
    """
    # Jupyter Book leaves the project without a name.
    config.project = config.html_title
    config.templates_path.insert(0, TEMPLATES)
    config.booksite_digest = digest(
        Path(__file__).parent,
        Path(app.srcdir, "assets"),
        Path(app.srcdir, "appendix/glossary.md"),
        Path(app.srcdir, "appendix/run_times.json"),
    )
    options = config.html_theme_options
    if options.get("repository_url", NO_REPOSITORY) != NO_REPOSITORY:
        buttons = (
            "use_repository_button",
            "use_edit_page_button",
            "use_issues_button",
        )
        options.update(dict.fromkeys(buttons, True))
        options["launch_buttons"]["binderhub_url"] = "https://mybinder.org"


def digest(*sources):
    """Return a hash of some files and folders: Sphinx writes every page anew
    when it changes.
    """
    paths = [
        path
        for source in sources
        for path in (source, *sorted(source.rglob("*")))
    ]
    files = [path for path in paths if path.is_file()]
    contents = [
        path.read_bytes() for path in files if "__pycache__" not in path.parts
    ]
    return hashlib.sha256(b"".join(contents)).hexdigest()


def setup(app):
    """Register the extension with Sphinx."""
    app.add_config_value("booksite_digest", "", "html")
    app.connect("config-inited", configure)
    for part in (
        formulas,
        library,
        welcome,
        tables,
        terms,
        callouts,
        columns,
        numbers,
        pages,
        head,
        llms,
        excerpts,
        cards,
        bundle,
    ):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
