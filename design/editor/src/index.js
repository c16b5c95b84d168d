// The letter as it looks: an editor over the text boxes of a form, which stay what is sent. It writes into them only
// what a person changed; what nobody touched keeps its bytes. Without this script the boxes are typed in as ever.

import { differences } from "./differences.js";
import { learn, sample } from "./naming.js";
import { read } from "./reading.js";
import { commands, insert, isOn, letterView, lineView, linkAt, setLink } from "./view.js";
import { write, writeAnew } from "./writing.js";

export { differences, learn, read, write, writeAnew };

const SHOWN = 12; // differing lines, in the sentence about them

// One text box and the editor over it.
class Edited {
  constructor(area, make, label) {
    Object.assign(this, { area, make, id: area.id, label: document.querySelector(`label[for="${area.id}"]`) });
    this.label.id ||= `${this.id}-label`;
    this.place = document.createElement("div");
    this.place.className = label;
    area.before(this.place);
    this.label.addEventListener("click", () => this.isVisual && this.view.focus());
  }

  // Show it as it looks, or as a text box; whatever is shown has the id to which labels and faults lead.
  show(isVisual) {
    this.isVisual = isVisual;
    if (isVisual && this.area.value !== this.written) this.build();
    this.area.hidden = isVisual;
    this.place.hidden = !isVisual;
    this.area.id = isVisual ? `${this.id}-source` : this.id;
    const names = { id: this.id, "aria-labelledby": this.label.id };
    for (const [name, value] of Object.entries(names)) {
      if (isVisual) this.view.dom.setAttribute(name, value);
      else this.view?.dom.removeAttribute(name);
    }
  }

  build() {
    this.view?.destroy();
    const { area } = this;
    const source = area.value;
    this.written = source;
    const dom = { class: "ds-input" };
    for (const name of ["aria-describedby", "aria-invalid"]) if (area.hasAttribute(name)) dom[name] = area.getAttribute(name);
    this.view = this.make(this.place, source, {
      may: !area.readOnly,
      dom,
      changed: (text) => {
        this.written = text ?? source;
        area.value = this.written;
        area.dispatchEvent(new Event("input", { bubbles: true }));
      },
    });
  }
}

class LetterEditor {
  constructor(root) {
    this.root = root;
    this.form = root.closest("form");
    this.said = root.querySelector("[data-told]");
    this.tools = root.querySelector("[data-tools]");
    const moved = (view) => this.moved(view);
    const left = root.querySelector("[data-pasted]");
    const pasted = (words) => (left.textContent = words);
    const shared = { said: this.said, moved, pasted };
    this.area = this.oneArea();
    this.letter = new Edited(this.area, (place, source, options) => letterView(place, source, { ...options, ...shared }), "letter-page");
    this.lines = [...this.form.querySelectorAll("input[data-line]")].map(
      (input) => new Edited(input, (place, source, options) => lineView(place, source, { ...options, ...shared }), "letter-line"),
    );
    this.all = [...this.lines, this.letter];
    this.link = root.querySelector("[data-link]");
    this.show(this.compare());
    this.listen();
  }

  // The text boxes of passages become one: the editor shows passages in place, and the source as one text.
  oneArea() {
    const boxes = this.root.querySelector("[data-boxes]");
    const parts = [...boxes.querySelectorAll("[name=letter]")];
    const [first] = boxes.querySelectorAll("textarea");
    first.value = parts.map((part) => part.value).join("\n");
    first.id = "letter";
    first.rows = 24;
    first.removeAttribute("aria-label");
    first.setAttribute("aria-describedby", "letter-help");
    boxes.replaceChildren(first);
    for (const only of this.root.querySelectorAll("[data-without-script]")) only.remove();
    return first;
  }

  // Whether the text can be shown as it looks; what would be written otherwise is said.
  compare() {
    const source = this.area.value;
    const document_ = read(source);
    const anew = document_ && writeAnew(document_);
    const isShown = document_ !== null && read(anew)?.eq(read(writeAnew(read(anew))));
    const found = isShown ? differences(source.replace(/^\s*\n|\s+$/g, ""), anew) : [];
    this.root.querySelector("[data-unshown]").hidden = isShown;
    const notice = this.root.querySelector("[data-differs]");
    notice.hidden = !found.length || this.area.readOnly;
    const list = notice.querySelector("ul");
    list.replaceChildren(
      ...found.slice(0, SHOWN).map((one) => {
        const item = document.createElement("li");
        const code = document.createElement("code");
        code.textContent = one.was ?? one.is;
        item.append(`${"was" in one ? "avant" : "après"}, ligne ${one.number}\u00a0: `, code.textContent ? code : "une ligne vide");
        return item;
      }),
    );
    notice.querySelector("[data-more]").textContent = found.length > SHOWN ? `et ${found.length - SHOWN} autres lignes` : "";
    return isShown;
  }

  show(isVisual) {
    for (const edited of this.all) edited.show(isVisual);
    this.isVisual = isVisual;
    this.last = this.letter;
    const shown = isVisual ? "visual" : "source";
    for (const one of this.form.querySelectorAll("[data-of-view]")) one.hidden = one.dataset.ofView !== shown;
    this.tools.hidden = !isVisual || this.area.readOnly;
    this.link.hidden = true;
  }

  listen() {
    this.form.addEventListener("focusin", (event) => {
      this.last = this.all.find((one) => one.place.contains(event.target)) ?? this.last;
    });
    // Before the listener of the page's own script, which inserts into text boxes.
    document.addEventListener("click", (event) => this.clicked(event), true);
    this.link.querySelector("input").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.asking(false);
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.does("link-set");
    });
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button || !this.form.contains(button)) return;
    const { insert: source, does } = button.dataset;
    if (does) this.does(does);
    else if (source && this.isVisual) {
      event.stopPropagation();
      const isIn = insert(this.last.view, source);
      if (!isIn) this.said.textContent = "L’objet ne prend pas ce champ.";
      this.last.view.focus();
    }
  }

  does(name) {
    const { view } = this.letter;
    if (name === "link") return this.asking(this.link.hidden);
    if (name.startsWith("link-")) {
      setLink(view, name === "link-set" ? this.link.querySelector("input").value.trim() : "");
      return this.asking(false);
    }
    const target = ["undo", "redo"].includes(name) ? this.last.view : view;
    commands[name](target.state, target.dispatch);
    target.focus();
  }

  asking(isAsked) {
    this.link.hidden = !isAsked;
    const input = this.link.querySelector("input");
    input.value = linkAt(this.letter.view.state) || "https://";
    if (isAsked) input.focus();
    else this.letter.view.focus();
  }

  moved(view) {
    if (view !== this.letter.view) return;
    for (const button of this.tools.querySelectorAll("[aria-pressed]"))
      button.setAttribute("aria-pressed", String(isOn(view.state, button.dataset.does)));
  }
}

const samples = () => {
  const preview = document.getElementById("preview");
  if (preview?.dataset.samples) sample(JSON.parse(preview.dataset.samples));
};

for (const root of document.querySelectorAll("[data-letter-editor]")) {
  learn(JSON.parse(root.dataset.fields));
  samples();
  new LetterEditor(root);
}
document.addEventListener("htmx:after:swap", samples);
