// What a letter is made of: paragraphs, headings, lists, quotations; fields and tags as chips; passages as blocks.

import { Schema } from "prosemirror-model";
import { chip, passageLabel } from "./naming.js";

// A list, or an item, is no content of a line; a field that is a whole block stands beside them.
const nodes = {
  doc: { content: "(block | whole)+" },
  paragraph: { content: "inline*", group: "block", parseDOM: [{ tag: "p" }], toDOM: () => ["p", 0] },
  heading: {
    content: "(text | field | tag)*",
    group: "block",
    defining: true,
    attrs: { level: { default: 2 } },
    parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level } })),
    // The page has the only h1. A screen reader hears the level that the letter has.
    toDOM: (node) => [`h${Math.min(6, Math.max(2, node.attrs.level))}`, 0],
  },
  bullet_list: {
    content: "list_item+",
    group: "block",
    attrs: { tight: { default: true } },
    parseDOM: [{ tag: "ul" }],
    toDOM: () => ["ul", 0],
  },
  ordered_list: {
    content: "list_item+",
    group: "block",
    attrs: { order: { default: 1 }, tight: { default: true } },
    parseDOM: [{ tag: "ol", getAttrs: (dom) => ({ order: dom.hasAttribute("start") ? +dom.getAttribute("start") : 1 }) }],
    toDOM: (node) => (node.attrs.order === 1 ? ["ol", 0] : ["ol", { start: node.attrs.order }, 0]),
  },
  list_item: { content: "block+", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] },
  blockquote: {
    content: "block+",
    group: "block",
    defining: true,
    parseDOM: [{ tag: "blockquote" }],
    toDOM: () => ["blockquote", 0],
  },
  horizontal_rule: { group: "block", parseDOM: [{ tag: "hr" }], toDOM: () => ["hr"] },
  block_field: {
    group: "whole",
    atom: true,
    draggable: true,
    attrs: { source: {} },
    parseDOM: [{ tag: "div[data-source]", getAttrs: (dom) => ({ source: dom.dataset.source }) }],
    toDOM: (node) => chip("div", "chip whole", node.attrs.source),
  },
  passage: {
    content: "branch+",
    group: "whole",
    defining: true,
    isolating: true,
    attrs: { end: { default: "(% endif %)" } },
    parseDOM: [{ tag: "section[data-end]", getAttrs: (dom) => ({ end: dom.dataset.end }) }],
    toDOM: (node) => ["section", { class: "passage", "data-end": node.attrs.end }, 0],
  },
  branch: {
    content: "(block | whole)+",
    defining: true,
    isolating: true,
    attrs: { tag: { default: "(% else %)" } },
    parseDOM: [{ tag: "div[data-tag]", getAttrs: (dom) => ({ tag: dom.dataset.tag }), contentElement: ".branch-text" }],
    toDOM: (node) => [
      "div",
      { class: "branch", "data-tag": node.attrs.tag, role: "group", "aria-label": passageLabel(node.attrs.tag) },
      ["p", { class: "branch-label", contenteditable: "false" }, passageLabel(node.attrs.tag)],
      ["div", { class: "branch-text" }, 0],
    ],
  },
  text: { group: "inline" },
  hard_break: {
    inline: true,
    group: "inline",
    selectable: false,
    parseDOM: [{ tag: "br" }],
    toDOM: () => ["br"],
    leafText: () => "\n",
  },
  field: {
    inline: true,
    group: "inline",
    atom: true,
    draggable: true,
    attrs: { source: {} },
    parseDOM: [{ tag: "span.field[data-source]", getAttrs: (dom) => ({ source: dom.dataset.source }) }],
    toDOM: (node) => chip("span", "chip field", node.attrs.source),
    leafText: (node) => node.attrs.source,
  },
  tag: {
    inline: true,
    group: "inline",
    atom: true,
    draggable: true,
    attrs: { source: {} },
    parseDOM: [{ tag: "span.tag[data-source]", getAttrs: (dom) => ({ source: dom.dataset.source }) }],
    toDOM: (node) => chip("span", "chip tag", node.attrs.source),
    leafText: (node) => node.attrs.source,
  },
};

const marks = {
  link: {
    attrs: { href: {}, title: { default: null } },
    inclusive: false,
    parseDOM: [{ tag: "a[href]", getAttrs: (dom) => ({ href: dom.getAttribute("href"), title: dom.getAttribute("title") }) }],
    toDOM: (mark) => ["a", { href: mark.attrs.href, title: mark.attrs.title, rel: "noopener" }, 0],
  },
  strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong", 0] },
  em: { parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: () => ["em", 0] },
};

export const letterSchema = new Schema({ nodes, marks });

// A subject: one line of words and chips.
export const lineSchema = new Schema({
  nodes: {
    doc: { content: "(text | field | tag)*", toDOM: () => ["p", 0] },
    text: nodes.text,
    field: nodes.field,
    tag: nodes.tag,
  },
});
