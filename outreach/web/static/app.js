// Small additions to pages that work without a script. Listeners are on the document, as htmx replaces its elements.

const summary = document.getElementById("error-summary");
if (summary) summary.focus();

// Back from the issuer: the form that finishes the sign-in goes by itself.
const back = document.getElementById("oidc-return");
if (back) back.requestSubmit();

const wide = window.matchMedia("(min-width: 60em)");
const unfold = () => {
  const filters = document.querySelector("details.filters");
  if (filters && wide.matches) filters.open = true;
};
wide.addEventListener("change", unfold);
unfold();
// The list of pages, in browsers whose stylesheet cannot open it on wide screens.
const roomy = window.matchMedia("(min-width: 40.01em)");
const spread = () => {
  const menu = document.querySelector("details.menu");
  if (menu) menu.open = roomy.matches;
};
roomy.addEventListener("change", spread);
spread();

// Ctrl+K leads to the search, or into its field.
document.addEventListener("keydown", (event) => {
  const search = document.querySelector(".find");
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || !search) return;
  event.preventDefault();
  const field = document.querySelector('main [role=search] #q');
  if (field && location.pathname === search.pathname) field.select();
  else location.assign(search.href);
});

// Buttons that insert text into the letter. execCommand inserts it as if typed, so that Ctrl+Z undoes it.
for (const bar of document.querySelectorAll("[data-of-script]")) bar.hidden = false;
let lastEdited; // of the letter's passages
document.addEventListener("focusin", (event) => {
  if (event.target.classList.contains("editor")) lastEdited = event.target;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  const bar = button && button.closest(".insertions");
  if (!bar) return;
  const isShown = lastEdited && lastEdited.isConnected && lastEdited.offsetParent;
  const area = isShown ? lastEdited : document.getElementById(bar.dataset.for);
  area.focus();
  document.execCommand("insertText", false, button.dataset.insert);
});

// A menu that unfolds closes by Escape, by a click elsewhere, and once something in it is inserted.
const close = (kept) => {
  for (const menu of document.querySelectorAll("details.more[open]")) if (menu !== kept) menu.open = false;
};
const clicked = ({ target }) => close(target.closest("[data-insert], [data-does]") ? null : target.closest("details.more"));
document.addEventListener("click", clicked, true); // the editor of letters stops what it takes
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.more[open]");
  if (!menu) return;
  if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  close();
});

// Buttons that copy a text, its paragraphs apart. Outside HTTPS browsers have no clipboard object: there the sentence is selected and copied.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const sentence = document.getElementById(button.dataset.copy);
  const said = document.getElementById("copied");
  const selected = () => {
    if (sentence.select) sentence.select();
    else window.getSelection().selectAllChildren(sentence);
    return document.execCommand("copy");
  };
  const clipboard = navigator.clipboard;
  const has = clipboard ? await clipboard.writeText((sentence.value ?? sentence.innerText).trim()).then(() => true, selected) : selected();
  if (said) said.textContent = has ? "Le texte est copié." : "La copie a échoué : le texte est sélectionné, faites Ctrl+C.";
  button.firstChild.textContent = has ? "Copié" : "Copier";
});

// A day that is chosen is said in French words above its field, whatever the browser's language.
const inWords = new Intl.DateTimeFormat("fr-BE", { dateStyle: "full", timeZone: "UTC" });
document.addEventListener("input", ({ target }) => {
  const said = target.type === "date" && document.getElementById(`${target.id}-spelt`);
  if (said) said.textContent = target.valueAsDate ? inWords.format(target.valueAsDate).replace(/ 1 /, " 1er ") : "";
});

// Whom the preview goes to is whom a request for what is typed asks for, too, which may come after it and replace it.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=go]");
  const shown = document.querySelector("input[name=as]");
  if (button && shown) shown.value = button.value;
});

// The progress page does not poll while it is hidden. Showing it again wakes the poll; so does askLater, after a failure.
const poll = () => document.getElementById("poll");
const wake = () => {
  if (poll() && !document.hidden) poll().dispatchEvent(new Event("wake"));
};
document.addEventListener("visibilitychange", wake);
document.addEventListener("htmx:before:request", (event) => {
  if (event.target === poll() && document.hidden) event.preventDefault();
});
// An error or a redirect (to sign in) is not swapped in. The poll is repeated after 5, 10, 20… seconds, at most 120.
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

// When a swap removes the focused button, the focus moves to its container instead of the top of the page.
document.addEventListener("focusin", (event) => {
  const actions = document.getElementById("actions");
  if (actions) actions.dataset.held = actions.contains(event.target) ? "yes" : "";
});
document.addEventListener("htmx:after:swap", () => {
  const actions = document.getElementById("actions");
  if (actions && actions.dataset.held && document.activeElement === document.body) actions.focus();
});
