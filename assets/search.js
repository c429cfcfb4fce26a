// Beside each hit of the search page, what its section says. Sphinx would
// fetch whole pages, which a browser refuses to pages opened from a disk.
"use strict";

DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

const EXCERPT_LENGTH = 240;

// How many of the terms a section holds; in its title they count twice.
function fit([, title, text], terms) {
  return terms.reduce(
    (sum, term) => sum + 2 * title.includes(term) + text.includes(term), 0);
}

function excerptOf(text, terms) {
  const lower = text.toLowerCase();
  const places = terms.map(term => lower.indexOf(term)).filter(at => at >= 0);
  const start = Math.max(0, Math.min(...places, text.length) - EXCERPT_LENGTH / 2);
  const from = places.length ? start : 0;
  const end = from + EXCERPT_LENGTH;
  return (from ? "… " : "") + text.slice(from, end).trim()
    + (end < text.length ? " …" : "");
}

function complete(item) {
  const link = item.querySelector("a");
  const [page, anchor] = link.getAttribute("href").split("#");
  const sections = EXCERPTS[page] ?? [];
  const query = new URLSearchParams(location.search).get("q") ?? "";
  const words = splitQuery(query.toLowerCase());
  const stems = words.map(word => new Stemmer().stemWord(word));
  const lower = ([id, title, text]) =>
    [id, title.toLowerCase(), text.toLowerCase()];
  const found = sections.find(([id]) => id === anchor)
    ?? sections.reduce((best, section) =>
      best && fit(lower(best), stems) >= fit(lower(section), stems)
        ? best : section, undefined);
  if (!found) return;
  const [id, , text] = found;
  if (!anchor && id) link.href = `${page}#${id}`;
  const excerpt = item.appendChild(document.createElement("p"));
  excerpt.className = "context";
  excerpt.textContent = excerptOf(text, stems);
  for (const word of words) _highlightText(excerpt, word, "highlighted");
}

new MutationObserver(changes => {
  for (const change of changes)
    for (const node of change.addedNodes)
      if (node.matches?.("ul.search > li")) complete(node);
}).observe(document.getElementById("search-results"),
  { childList: true, subtree: true });
