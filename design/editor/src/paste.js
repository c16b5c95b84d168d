// What is pasted keeps paragraphs, lists, bold and links, and loses the rest. What comes from Word is no list in HTML:
// its items are paragraphs with a style.

import { Fragment, Slice } from "prosemirror-model";
import { isKnown } from "./naming.js";
import { inline } from "./reading.js";
import { letterSchema as schema } from "./schema.js";

const OWN = "data-pm-slice";
const LISTED = /mso-list:\s*l\d+\s+level(\d+)/i;
const BLOCKS = "P, DIV, H1, H2, H3, H4, H5, H6, BLOCKQUOTE, PRE, TR, SECTION, ARTICLE, TABLE, UL, OL, LI, DD, DT";

// Styles are read as data: as attributes of that name, the page's policy would report each of them.
export const unstyled = (html) =>
  html.replace(/<style[\s\S]*?<\/style>|<!--[\s\S]*?-->|<!\[[^>]*>/gi, "").replace(/\sstyle\s*=/gi, " data-style=");

const parsed = (html) => new DOMParser().parseFromString(unstyled(html), "text/html").body;

const styleOf = (element) => element.getAttribute?.("data-style") ?? "";
const isBold = (element, was) => {
  const weight = /font-weight:\s*(\w+)/i.exec(styleOf(element))?.[1];
  if (weight) return weight === "bold" || weight === "bolder" || +weight >= 600;
  return was || ["B", "STRONG"].includes(element.tagName);
};

const linked = (element) => {
  const href = element.getAttribute("href") ?? "";
  return /^https?:\/\//i.test(href) ? schema.mark("link", { href: href.trim() }) : null;
};

// Words, each with its marks, of an element; `out` collects the lines of paragraphs.
const collect = (element, marks, out) => {
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      const words = child.data.replace(/[ \t\r\n]+/g, " ");
      if (words) out.words(words, marks);
    } else if (child.nodeType !== Node.ELEMENT_NODE || /mso-list:\s*ignore/i.test(styleOf(child))) {
      continue;
    } else if (child.tagName === "BR") out.line();
    else if (["SCRIPT", "STYLE", "TITLE", "META", "IMG", "SVG"].includes(child.tagName.toUpperCase())) continue;
    else if (["UL", "OL"].includes(child.tagName)) out.list(child, marks);
    else {
      let inner = isBold(child, marks.some((mark) => mark.type.name === "strong"))
        ? schema.mark("strong").addToSet(marks)
        : marks.filter((mark) => mark.type.name !== "strong");
      const link = child.tagName === "A" && linked(child);
      if (link) inner = link.addToSet(inner);
      const isBlock = child.matches(BLOCKS);
      if (isBlock) out.end();
      if (["TD", "TH"].includes(child.tagName)) out.words(" ", marks);
      const listed = isBlock && LISTED.exec(styleOf(child));
      if (listed) out.item(child, +listed[1], inner);
      else collect(child, inner, out);
      if (isBlock) out.end();
    }
  }
};

const isOrdered = (element) => {
  const sign = [...element.querySelectorAll("[data-style]")].find((one) => /mso-list:\s*ignore/i.test(styleOf(one)));
  return /^\s*\(?(?:\d+|[a-z]{1,4})[.)]/i.test(sign?.textContent ?? "");
};

class Collected {
  blocks = [];
  nodes = [];
  lists = []; // of Word, the open ones by level

  words(text, marks) {
    for (const node of inline(text, schema)) this.nodes.push(node.mark(marks));
  }
  line() {
    if (this.nodes.length) this.nodes.push(schema.node("hard_break"));
  }
  // The paragraph so far, or null without words.
  taken() {
    const nodes = trimmed(this.nodes);
    this.nodes = [];
    return nodes.length ? schema.node("paragraph", null, nodes) : null;
  }
  end() {
    const paragraph = this.taken();
    if (!paragraph) return;
    this.closed();
    this.blocks.push(paragraph);
  }
  list(element, marks) {
    this.end();
    this.closed();
    const items = [...element.children].flatMap((child) => {
      const inside = new Collected();
      if (["UL", "OL"].includes(child.tagName)) inside.list(child, marks);
      else collect(child, marks, inside);
      const blocks = inside.all();
      return blocks.length ? [blocks] : [];
    });
    if (items.length) this.blocks.push(built(element.tagName === "OL", items));
  }
  item(element, level, marks) {
    const inside = new Collected();
    collect(element, marks, inside);
    const blocks = inside.all();
    if (!blocks.length) return;
    this.lists.length = Math.min(this.lists.length, level);
    const own = isOrdered(element);
    if (this.lists.length < level || (level === 1 && this.lists[0].isOrdered !== own)) {
      if (level === 1) this.closed();
      this.lists.push({ isOrdered: own, items: [] });
      level = this.lists.length;
      if (level > 1) this.lists[level - 2].items.at(-1).push(this.lists[level - 1]);
    }
    this.lists[level - 1].items.push(blocks);
  }
  closed() {
    if (this.lists.length) this.blocks.push(nested(this.lists[0]));
    this.lists = [];
  }
  all() {
    this.end();
    this.closed();
    return this.blocks;
  }
}

const nested = (list) =>
  built(list.isOrdered, list.items.map((blocks) => blocks.map((one) => (one.items ? nested(one) : one))));

const built = (isOrdered, items) =>
  schema.node(isOrdered ? "ordered_list" : "bullet_list", null, items.map((blocks) => schema.node("list_item", null, blocks)));

// Words without spaces and ends of lines at either end; spaces that meet are one.
const trimmed = (nodes) => {
  const kept = [];
  for (const node of nodes) {
    let text = node.text;
    const before = kept.at(-1);
    const isFresh = !before || before.type.name === "hard_break";
    if (node.isText && (isFresh || (before.isText && before.text.endsWith(" ")))) text = text.replace(/^ +/, "");
    if (!node.isText) kept.push(node);
    else if (text) kept.push(schema.text(text, node.marks));
  }
  while (kept.length && (kept.at(-1).type.name === "hard_break" || kept.at(-1).text?.trim() === "")) kept.pop();
  const last = kept.at(-1);
  if (last?.isText && last.text.endsWith(" ")) kept[kept.length - 1] = schema.text(last.text.trimEnd(), last.marks);
  return kept;
};

export const isOwn = (html) => html.includes(OWN);

// What is pasted from elsewhere, as blocks.
export const fromHtml = (html) => {
  const out = new Collected();
  collect(parsed(html), [], out);
  return whole(out.all());
};

export const fromText = (text) => {
  const paragraphs = text.replace(/\r\n?/g, "\n").split(/\n[ \t]*\n+/);
  const blocks = paragraphs.map((lines) => {
    const nodes = lines.split("\n").flatMap((line, place) => [
      ...(place ? [schema.node("hard_break")] : []),
      ...inline(line, schema, isKnown),
    ]);
    return schema.node("paragraph", null, trimmed(nodes));
  });
  return whole(blocks.filter((one) => one.childCount));
};

const whole = (blocks) => {
  const isOpen = blocks.length && blocks[0].type.name === "paragraph";
  const isOpenEnd = blocks.length && blocks.at(-1).type.name === "paragraph";
  return new Slice(Fragment.from(blocks), isOpen ? 1 : 0, isOpenEnd ? 1 : 0);
};
