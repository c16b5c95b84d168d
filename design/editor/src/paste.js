// What is pasted keeps paragraphs, headings, lists, bold, italics and links. The letter language has no tables: each row
// becomes an item of a list. That and what is lost is said. What comes from Word is no list in HTML: its items are
// paragraphs with a style, and so may its headings be. What its readers do not see is left: what was deleted, remarks.
// Nor has the language words that are underlined, or beside the line: digits there have signs of their own, as in m².

import { Fragment, Slice } from "prosemirror-model";
import { isKnown } from "./naming.js";
import { inline } from "./reading.js";
import { letterSchema as schema } from "./schema.js";

const OWN = "data-pm-slice";
const LISTED = /mso-list:\s*l\d+\s+level(\d+)/i;
const BETWEEN_CELLS = " – ";
const BLOCKS = "P, DIV, H1, H2, H3, H4, H5, H6, BLOCKQUOTE, PRE, TR, SECTION, ARTICLE, TABLE, UL, OL, LI, DD, DT";

// Styles are read as data: as attributes of that name, the page's policy would report each of them, and each handler.
export const unstyled = (html) =>
  html
    .replace(/<style[\s\S]*?<\/style>|<!--[\s\S]*?-->|<!\[[^>]*>/gi, "")
    .replace(/\sstyle\s*=/gi, " data-style=")
    .replace(/\son[a-z]+\s*=/gi, " data-on=");

const parsed = (html) => new DOMParser().parseFromString(unstyled(html), "text/html").body;

const styleOf = (element) => element.getAttribute?.("data-style") ?? "";
// The value of a property, of which Word has others that end in its name: « mso-bidi-font-weight:normal ».
const styled = (element, name) => new RegExp(`(?<![\\w-])${name}:\\s*(\\w+)`, "i").exec(styleOf(element))?.[1];
const isBold = (element, was) => {
  const weight = styled(element, "font-weight");
  if (weight) return weight === "bold" || weight === "bolder" || +weight >= 600;
  return was || ["B", "STRONG"].includes(element.tagName);
};

const isItalic = (element, was) => {
  const style = styled(element, "font-style");
  if (style) return style === "italic" || style === "oblique";
  return was || ["I", "EM", "CITE"].includes(element.tagName);
};

// The level of a heading, by its element or by its style of Word; 0 for what is none.
const levelOf = (element) => {
  if (/^H[1-6]$/.test(element.tagName)) return +element.tagName[1];
  if (element.getAttribute("role") === "heading") return Math.min(6, +element.getAttribute("aria-level") || 2);
  const outlined = /mso-outline-level:\s*([1-6])/i.exec(styleOf(element));
  if (outlined) return +outlined[1];
  return element.matches("p.MsoTitle") ? 1 : element.matches("p.MsoSubtitle") ? 2 : 0;
};

const isUnseen = (element) => /display:\s*none|mso-hide:\s*all|mso-element:\s*comment-list/i.test(styleOf(element));
const isRemark = (element) => element.matches(".MsoCommentReference, .msocomanchor, .msocomtxt");
const isStruck = (element) =>
  ["S", "STRIKE"].includes(element.tagName) || /text-decoration[\w-]*:[^;]*line-through/i.test(styleOf(element));
const isUnderlined = (element) =>
  !element.closest("a") && (element.tagName === "U" || /text-decoration[\w-]*:[^;]*underline/i.test(styleOf(element)));
// Words above the line, or below it; the sign of a note is said by its note.
const raised = (element) => {
  if (element.closest(".MsoFootnoteReference, .MsoEndnoteReference")) return "";
  const aligned = styled(element, "vertical-align")?.toLowerCase();
  return element.tagName === "SUP" || aligned === "super" ? "super" : element.tagName === "SUB" || aligned === "sub" ? "sub" : "";
};
const DIGITS = { super: "⁰¹²³⁴⁵⁶⁷⁸⁹", sub: "₀₁₂₃₄₅₆₇₈₉" };
const isNotes = (element) => /mso-element:\s*(?:foot|end)note-list/i.test(styleOf(element));

const withMark = (marks, name, isOn) =>
  isOn ? schema.mark(name).addToSet(marks) : marks.filter((mark) => mark.type.name !== name);
const has = (marks, name) => marks.some((mark) => mark.type.name === name);

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
    } else if (isUnseen(child)) continue;
    else if (isRemark(child)) out.left.remarks++;
    else if (child.tagName === "DEL") out.left.deleted++;
    else if (child.tagName === "BR") out.line();
    else if (["SCRIPT", "STYLE", "TITLE", "META", "LINK"].includes(child.tagName)) continue;
    else if (["IMG", "SVG", "OBJECT", "VIDEO"].includes(child.tagName.toUpperCase())) out.left.images++;
    else if (["UL", "OL"].includes(child.tagName)) out.list(child, marks);
    else if (child.tagName === "TABLE" && isTable(child)) out.table(child, marks);
    else {
      let inner = withMark(marks, "strong", isBold(child, has(marks, "strong")));
      inner = withMark(inner, "em", isItalic(child, has(marks, "em")));
      const link = child.tagName === "A" && linked(child);
      if (link) inner = link.addToSet(inner);
      if (isStruck(child)) out.left.struck++;
      if (isNotes(child)) out.left.notes++;
      if (isUnderlined(child)) out.left.underlined++;
      const place = raised(child);
      if (place && /^\d+$/.test(child.textContent.trim())) {
        out.words(child.textContent.replace(/\d/g, (digit) => DIGITS[place][digit]), inner);
        continue;
      }
      if (place && child.textContent.trim()) out.left.raised++;
      const isBlock = child.matches(BLOCKS);
      const level = isBlock && levelOf(child);
      if (isBlock) out.end();
      if (["TD", "TH"].includes(child.tagName)) out.words(" ", marks);
      const listed = isBlock && LISTED.exec(styleOf(child));
      if (listed) out.item(child, +listed[1], inner, isOrdered(child));
      else collect(child, inner, out);
      if (isBlock) out.end(level);
    }
  }
};

const isOrdered = (element) => {
  const sign = [...element.querySelectorAll("[data-style]")].find((one) => /mso-list:\s*ignore/i.test(styleOf(one)));
  return /^\s*\(?(?:\d+|[a-z]{1,4})[.)]/i.test(sign?.textContent ?? "");
};

// A table of one column only sets words apart.
const isTable = (element) => [...element.rows].some((row) => row.cells.length > 1);

class Collected {
  constructor(left = { images: 0, tables: 0, deleted: 0, remarks: 0, struck: 0, underlined: 0, raised: 0, notes: 0 }) {
    this.left = left;
  }
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
  end(level = 0) {
    const paragraph = this.taken();
    if (!paragraph) return;
    this.closed();
    this.blocks.push(level ? headed(paragraph, level) : paragraph);
  }
  // An item for each row that has words, its cells one after the other.
  table(element, marks) {
    this.end();
    this.closed();
    const items = [...element.rows].flatMap((row) => {
      const words = [...row.cells].map((cell) => this.lineOf(cell, marks)).filter((nodes) => nodes.length);
      const nodes = words.flatMap((cell, place) => (place ? [schema.text(BETWEEN_CELLS), ...cell] : cell));
      return nodes.length ? [[schema.node("paragraph", null, nodes)]] : [];
    });
    if (!items.length) return;
    this.left.tables++;
    this.blocks.push(built(false, items));
  }
  // The words of a cell in one line, whatever its blocks.
  lineOf(cell, marks) {
    const inside = new Collected(this.left);
    collect(cell, marks, inside);
    const nodes = [];
    Fragment.from(inside.all()).descendants((node) => {
      if (node.isTextblock && nodes.length) nodes.push(schema.text(" "));
      if (node.type.name === "hard_break") nodes.push(schema.text(" "));
      else if (node.isInline) nodes.push(node);
    });
    return trimmed(nodes);
  }
  // A list within a list, beside its items, is of the item before it. Word on the web makes each item a list of its own.
  list(element, marks) {
    this.end();
    const isNumbered = element.tagName === "OL";
    if (element.children.length && [...element.children].every((child) => child.hasAttribute("data-aria-level"))) {
      for (const child of element.children) this.item(child, +child.getAttribute("data-aria-level") || 1, marks, isNumbered);
      return;
    }
    this.closed();
    const items = [];
    for (const child of element.children) {
      const inside = new Collected(this.left);
      const isNested = ["UL", "OL"].includes(child.tagName);
      if (isNested) inside.list(child, marks);
      else collect(child, marks, inside);
      const blocks = inside.all();
      if (isNested && items.length) items.at(-1).push(...blocks);
      else if (blocks.length) items.push(blocks);
    }
    if (items.length) this.blocks.push(built(isNumbered, items));
  }
  item(element, level, marks, own) {
    const inside = new Collected(this.left);
    collect(element, marks, inside);
    const blocks = inside.all();
    if (!blocks.length) return;
    this.lists.length = Math.min(this.lists.length, level);
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

// What is pasted from elsewhere, as blocks; `say` hears what of it is not as it was.
export const fromHtml = (html, say = () => {}) => {
  const out = new Collected();
  collect(parsed(html), [], out);
  const blocks = out.all();
  say(changes(out.left));
  return whole(levelled(blocks));
};

const counted = (count, one, several) => (count > 1 ? `${count}\u00a0${several}` : one);
const changes = ({ images, tables, deleted, remarks, struck, underlined, raised, notes }) =>
  [
    tables && `${counted(tables, "Un tableau collé est devenu une liste", "tableaux collés sont devenus des listes")}, une puce par ligne.`,
    images && `${counted(images, "Une image n’a pas été collée", "images n’ont pas été collées")}\u00a0: ces courriels n’en portent pas.`,
    deleted && "Ce que le suivi des modifications dit supprimé n’a pas été collé.",
    remarks && `${counted(remarks, "Un commentaire n’a pas été collé", "commentaires n’ont pas été collés")}.`,
    struck && "Des mots barrés ont été collés sans l’être\u00a0: relisez-les.",
    underlined && "Des mots soulignés ont été collés sans l’être\u00a0: mettez en gras ceux qui comptent.",
    raised && "Des lettres en exposant ou en indice ont été collées sur la ligne\u00a0: relisez-les.",
    notes && "Les notes de bas de page sont devenues des paragraphes, à la fin.",
  ]
    .filter(Boolean)
    .join(" ");

// The highest heading of what is pasted is one of the letter's own.
const levelled = (blocks) => {
  const highest = Math.min(...blocks.map((one) => one.attrs.level ?? 9));
  const level = (one) => Math.min(6, one.attrs.level - highest + 2);
  return blocks.map((one) => (one.type.name === "heading" ? one.type.create({ level: level(one) }, one.content) : one));
};

// A heading is one line, and bold by itself.
const headed = (paragraph, level) => {
  const nodes = paragraph.content.content.map((node) => (node.type.name === "hard_break" ? schema.text(" ") : node));
  return schema.node("heading", { level }, nodes.map((node) => node.mark(withMark(node.marks, "strong", false))));
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
