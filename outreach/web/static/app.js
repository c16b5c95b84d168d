// Small comforts on top of pages that work without a script. Listeners stand on the document: htmx replaces what is inside.

const summary = document.getElementById("error-summary");
if (summary) summary.focus();

const wide = window.matchMedia("(min-width: 60em)");
const unfold = () => {
  const filters = document.querySelector("details.filters");
  if (filters && wide.matches) filters.open = true;
};
wide.addEventListener("change", unfold);
unfold();

// Buttons that write into the letter: inserted as typed, so that Ctrl+Z takes them back.
for (const bar of document.querySelectorAll(".insertions")) bar.hidden = false;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert], [data-around]");
  const bar = button && button.closest(".insertions");
  if (!bar) return;
  const area = document.getElementById(bar.dataset.for);
  area.focus();
  const around = button.dataset.around;
  const chosen = area.value.slice(area.selectionStart, area.selectionEnd);
  document.execCommand("insertText", false, around ? around + (chosen || "texte") + around : button.dataset.insert);
});
