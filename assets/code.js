// "All code: show · hide" above a chapter: what the reader chose is remembered for all chapters.
// Pressed again, a button gives back the page as it was written.
{
  const root = document.documentElement, buttons = document.querySelectorAll(".code-switch button");
  // hints, solutions and long outputs are no code to be read on the way
  const folds = document.querySelectorAll(".cell:not(.tag_solution, .tag_cases) > details.above-input");
  const apply = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", button.value === root.dataset.code);
    for (const fold of folds) fold.open = root.dataset.code === "show";
  };
  for (const button of buttons) button.addEventListener("click", () => {
    const before = button.getBoundingClientRect().top;
    root.dataset.code = root.dataset.code === button.value ? "" : button.value;
    localStorage.setItem("code", root.dataset.code);
    apply();
    scrollBy(0, button.getBoundingClientRect().top - before);
  });
  if (buttons.length && root.dataset.code) apply();
  else for (const button of buttons) button.setAttribute("aria-pressed", "false");
}
