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

// A page that follows a sending asks nothing while nobody looks; it goes on when it is seen again, or when asking failed.
const poll = () => document.getElementById("poll");
const wake = () => {
  if (poll() && !document.hidden) poll().dispatchEvent(new Event("wake"));
};
document.addEventListener("visibilitychange", wake);
document.addEventListener("htmx:before:request", (event) => {
  if (event.target === poll() && document.hidden) event.preventDefault();
});
// An answer that is none of ours (an error, a sign-in page) takes the place of nothing: it is asked again, ever later.
let failures = 0;
const askLater = () => setTimeout(wake, Math.min(120, 5 * 2 ** failures++) * 1000);
document.addEventListener("htmx:after:request", (event) => {
  if (event.target !== poll()) return;
  const { raw, status } = event.detail.ctx.response;
  if (status < 400 && !raw.redirected) {
    failures = 0;
    return;
  }
  event.preventDefault();
  askLater();
});
document.addEventListener("htmx:error", askLater);

// A button that has gone because the sending went on leaves the focus where it stood.
document.addEventListener("focusin", (event) => {
  const actions = document.getElementById("actions");
  if (actions) actions.dataset.held = actions.contains(event.target) ? "yes" : "";
});
document.addEventListener("htmx:after:swap", () => {
  const actions = document.getElementById("actions");
  if (actions && actions.dataset.held && document.activeElement === document.body) actions.focus();
});
