// A card beside a link says what it leads to: a term, a source, a formula, a figure or a table.
// It opens under the pointer, by the keyboard's focus and by a first tap (a second one follows the link);
// it closes by Escape, or when pointer and focus have left. Its text is in the page (see booksite/cards.py).
{
  const card = document.createElement("div");
  let shown = null, timer = 0, tapped = false;
  card.id = "link-card";
  card.className = "link-card";
  card.setAttribute("role", "tooltip");

  const copy = (node) => {
    const twin = node.cloneNode(true);
    for (const part of [twin, ...twin.querySelectorAll("*")]) {
      for (const name of ["id", "aria-labelledby", "loading", "tabindex"]) part.removeAttribute(name);
    }
    for (const part of twin.querySelectorAll(".headerlink, .spoken, script")) part.remove();
    return twin;
  };

  // what a link leads to, or nothing that a card could say
  const content = (link) => {
    if (link.dataset.card) return document.createTextNode(link.dataset.card);
    const address = link.getAttribute("href");
    if (!address.startsWith("#")) {
      const found = document.querySelector(`template[data-for="${CSS.escape(address)}"]`);
      return found && found.content.cloneNode(true);
    }
    const target = document.getElementById(decodeURIComponent(address.slice(1)));
    return target && target.matches("article :is(figure, table, div.math)") ? copy(target) : null;
  };

  const hide = () => {
    clearTimeout(timer);
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    card.remove();
  };

  const show = (link) => {
    clearTimeout(timer);
    if (link === shown) return;
    const inside = content(link);
    if (!inside) return;
    hide();
    card.replaceChildren(inside);
    link.closest("main").append(card);
    shown = link;
    link.setAttribute("aria-describedby", card.id);
    // below the link's first line, or above it where there is more room; never beyond the window
    const line = link.getClientRects()[0], width = document.documentElement.clientWidth;
    const above = line.bottom + card.offsetHeight + 8 > innerHeight && line.top > innerHeight / 2;
    card.style.maxHeight = `${(above ? line.top : innerHeight - line.bottom) - 12}px`;
    const origin = card.offsetParent.getBoundingClientRect();
    const left = Math.max(8, Math.min(line.left, width - card.offsetWidth - 8));
    const top = above ? line.top - card.offsetHeight - 4 : line.bottom + 4;
    card.style.left = `${left - origin.left}px`;
    card.style.top = `${top - origin.top}px`;
  };

  const wait = (act, time) => {
    clearTimeout(timer);
    timer = setTimeout(act, time);
  };
  const linkOf = (event) => event.target.closest?.('article a.internal[href*="#"]');

  addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const link = linkOf(event);
    if (link) wait(() => show(link), 150);
    else if (card.contains(event.target)) clearTimeout(timer);
    else if (shown && !shown.matches(":focus-visible")) wait(hide, 250);
    else clearTimeout(timer);
  });
  addEventListener("focusin", (event) => {
    const link = linkOf(event);
    if (link?.matches(":focus-visible")) show(link);
  });
  addEventListener("focusout", hide);
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("pointerdown", (event) => {
    tapped = event.pointerType === "touch";
    if (tapped && !card.contains(event.target) && linkOf(event) !== shown) hide();
  });
  addEventListener("click", (event) => {
    const link = linkOf(event);
    if (!link || !tapped || link === shown) return;
    show(link);
    if (link === shown) event.preventDefault();
  });
}
