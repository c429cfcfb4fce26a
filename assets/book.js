// Figures below the first screen are loaded last, but without waiting for the reader to scroll:
// a page that is printed, saved or read on a train has them all.
addEventListener("load", () => {
  setTimeout(() => {
    for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
  });
});

// Before a jump all sections get their true heights (see content-visibility in book.css).
addEventListener("click", (event) => {
  if (event.target.closest?.('a[href*="#"]')) delete document.documentElement.dataset.lazy;
}, true);

// The keyboard reaches a box that scrolls, once it has been laid out.
{
  const measured = new ResizeObserver((entries) => {
    for (const { target: box } of entries) {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  });
  for (const box of document.querySelectorAll("pre, .text_html, .pst-scrollable-table-container")) measured.observe(box);
}
