// Figures below the first screen are loaded last, but without waiting for the reader to scroll:
// a page that is printed, saved or read on a train has them all.
addEventListener("load", () => {
  setTimeout(() => {
    for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
  });
});
