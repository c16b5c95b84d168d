// What chips and passages are called in French, from the table of fields that the page hands in.

import { readField, readTag } from "./tokens.js";

let known = {}; // name → { label, kind, example }
let samples = {}; // name → the value for the recipient of the preview

export const learn = (fields) => {
  known = fields;
};
export const isKnown = (name) => Object.hasOwn(known, name);
export const isWhole = (name) => isKnown(name) && known[name].kind === "block";
export const isLine = (name) => isKnown(name) && !["block", "link", "flag"].includes(known[name].kind);

const FILTERS = { majuscule: "majuscule", minuscule: "minuscules", date: "avec le jour", court: "abrégée", nombre: "" };
const WORDS = { and: "et", or: "ou", not: "pas" };
const labelOf = (name) => (isKnown(name) ? known[name].label : name);

export const fieldLabel = (source) => {
  const { name, filters } = readField(source);
  const told = filters.map(([filter, given]) => (filter === "défaut" ? `sinon «\u00a0${given}\u00a0»` : FILTERS[filter])).filter(Boolean);
  return told.length ? `${labelOf(name)}, ${told.join(", ")}` : labelOf(name);
};

const condition = (words) => words.replace(/[\p{L}_][\p{L}\p{N}_]*/gu, (word) => WORDS[word] ?? labelOf(word));

export const tagLabel = (source) => {
  const { word, rest } = readTag(source);
  return { if: `si ${condition(rest)}`, elif: `sinon, si ${condition(rest)}`, else: "sinon", endif: "fin" }[word];
};

export const passageLabel = (source) => {
  const said = tagLabel(source);
  return said[0].toUpperCase() + said.slice(1);
};

const sampleOf = (source) => {
  const { name } = readField(source);
  return samples[name] || (isKnown(name) ? known[name].example : "");
};

// What a screen reader says of a chip that is chosen.
export const announced = (node) => {
  if (node.type.name === "tag") return `Condition\u00a0: ${tagLabel(node.attrs.source)}.`;
  const sample = sampleOf(node.attrs.source);
  return `Champ ${fieldLabel(node.attrs.source)}${sample ? `, par exemple ${sample}` : ""}.`;
};

export const chip = (element, name, source) => {
  const isTag = name.endsWith("tag");
  const attributes = { class: name, "data-source": source, contenteditable: "false" };
  if (isTag) return [element, attributes, ["span", { class: "name" }, tagLabel(source)]];
  const shown = [["span", { class: "name" }, fieldLabel(source)]];
  const sample = sampleOf(source);
  if (sample) shown.push(["span", { class: "sample" }, sample]);
  return [element, attributes, ...shown];
};

// Chips of all editors of a page show the values for another recipient.
export const sample = (values) => {
  samples = values;
  for (const shown of document.querySelectorAll(".ProseMirror .chip .sample")) {
    const said = sampleOf(shown.parentElement.dataset.source);
    if (shown.textContent !== said) shown.textContent = said;
  }
};
