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
