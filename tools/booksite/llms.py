"""Write ``llms.txt`` at the root of the site: what the book is and where its
pages are.

Programs that read the web for language models look for such a file, in Markdown
(llmstxt.org).
"""

from pathlib import Path

from booksite.pages import description

NAME = "llms.txt"


def summary(title, about, parts):
    """Return the text of the file.

    ``parts`` are pairs of a heading and its pages, each ``(title, address,
    description)``.
    """
    sections = [
        f"## {heading}\n\n"
        + "\n".join(f"- [{name}]({url}): {said}" for name, url, said in pages)
        for heading, pages in parts
    ]
    return "\n\n".join([f"# {title}", f"> {about}", *sections]) + "\n"


def page(app, docname):
    """Return the title, the address and the description of a page."""
    title = app.env.titles[docname].astext()
    address = app.config.html_baseurl + app.builder.get_target_uri(docname)
    return title, address, description(app.env.get_doctree(docname))


def write(app, exception):
    """Write the file when the site is built."""
    if exception or app.builder.format != "html":
        return
    toc = app.config.external_site_map
    root = app.config.root_doc
    parts = [
        (
            subtree.caption,
            [page(app, str(document)) for document in subtree.files()],
        )
        for subtree in toc.root.subtrees
    ]
    # What stands beneath a page of the contents: the library's modules. The
    # format's name for what a reader in haste may pass over is "Optional".
    beneath = [
        page(app, child)
        for subtree in toc.root.subtrees
        for document in subtree.files()
        for child in app.env.toctree_includes.get(str(document), [])
    ]
    parts += [("Optional", beneath)] if beneath else []
    text = summary(app.config.project, page(app, root)[2], parts)
    Path(app.outdir, NAME).write_text(text, encoding="utf-8")


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("build-finished", write)
