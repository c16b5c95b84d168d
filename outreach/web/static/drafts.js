// Keeps a private draft of a form as one types, and warns who leaves with unsaved text.
// Without this script a form is typed and saved as ever.

const form = document.querySelector("form[data-draft]");
if (form) {
  const DELAY = 2000;
  const MOST_KEPT_ALIVE = 60000; // bytes that a browser still sends for a page that is gone
  const fields = () => {
    const typed = new URLSearchParams(new FormData(form));
    typed.delete("csrf_token");
    typed.delete("as"); // whom the preview is for
    for (const name of [...typed.keys()]) if (name.startsWith("shown-")) typed.delete(name); // which tab is open
    return typed.toString();
  };
  const say = (name) => {
    for (const said of document.querySelectorAll("#draft-state [data-said]")) said.hidden = said.dataset.said !== name;
  };
  const saved = fields();
  const wasUnsaved = "unsaved" in form.dataset; // the page was made from what was typed, not from what is stored
  let kept = wasUnsaved ? "" : saved;
  let leaving = false;
  let timer;
  let flight;

  const keep = async () => {
    clearTimeout(timer);
    const typed = fields();
    if (leaving || typed === kept) return;
    if (flight) flight.abort();
    flight = new AbortController();
    const token = form.querySelector("[name=csrf_token]").value;
    const body = new URLSearchParams(typed);
    body.set("csrf_token", token);
    try {
      const keepalive = body.toString().length < MOST_KEPT_ALIVE;
      const options = { method: "POST", body, keepalive, redirect: "manual", signal: flight.signal };
      const answer = await fetch(form.dataset.draft, options);
      if (answer.ok) kept = typed;
      say(answer.ok ? "kept" : "failed");
    } catch (error) {
      if (error.name !== "AbortError") say("failed");
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(keep, DELAY);
  };

  form.addEventListener("input", soon);
  // A button's own request may keep what it chose. What was typed before must not be kept over it, as if it were newer.
  form.addEventListener("htmx:beforeRequest", () => {
    clearTimeout(timer);
    if (flight) flight.abort();
  });
  form.addEventListener("htmx:afterRequest", soon);
  if (wasUnsaved) soon();
  document.addEventListener("visibilitychange", () => document.hidden && keep());
  // What is sent is no draft any more. One that is still on its way would come back after it.
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(timer);
    if (flight) flight.abort();
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
  });
  if ("warns" in form.dataset) {
    window.addEventListener("beforeunload", (event) => {
      if (!leaving && (wasUnsaved || fields() !== saved)) event.preventDefault();
    });
  }
}
