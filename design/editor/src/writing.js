// A document, written as a source of the letter language. Markdown's own characters are escaped where the reader would
// take them for markup, and nowhere else: each paragraph is read again, and written with more care where it differs.

import { MarkdownSerializerState } from "prosemirror-markdown";
import { originOf, read } from "./reading.js";

const [AS_TYPED, ESCAPED, WITHOUT_EMPHASIS] = [0, 1, 2];
const STARTS = /^([ \t]*)(?:(\d{1,9})([.)])|([-+>#=]))/;

class State extends MarkdownSerializerState {
  text(text, isEscaped = true) {
    this.out += isEscaped && this.options.care !== AS_TYPED ? text.replace(/[*\\[\]_]/g, "\\$&") : text;
  }
}

const nodes = {
  text: (state, node) => state.text(node.text),
  // Markdown has no empty line within a paragraph.
  hard_break: (state) => {
    if (state.out && !state.out.endsWith("\n")) state.out += "\n";
  },
  field: (state, node) => state.write(node.attrs.source),
  tag: (state, node) => state.write(node.attrs.source),
};

const address = (care, { href, title }) => {
  const said = care === AS_TYPED ? href : href.replace(/[()\\]/g, "\\$&");
  return title ? `${said} "${title.replace(/["\\]/g, "\\$&")}"` : said;
};

const marks = (care) => {
  const emphasis = (sign) => {
    const shown = care === WITHOUT_EMPHASIS ? "" : sign;
    return { open: shown, close: shown, mixable: true, expelEnclosingWhitespace: true };
  };
  return {
    em: emphasis("*"),
    strong: emphasis("**"),
    link: { open: "[", close: (_state, mark) => `](${address(care, mark.attrs)})`, mixable: true },
  };
};

const line = (node, care) => {
  const state = new State(nodes, marks(care), { care });
  state.renderInline(node);
  if (care === AS_TYPED) return state.out;
  return state.out
    .split("\n")
    .map((text) => text.replace(STARTS, (_, space, digits, dot, sign) => space + (sign ? `\\${sign}` : `${digits}\\${dot}`)))
    .join("\n");
};

const lead = (node) => (node.type.name === "heading" ? `${"#".repeat(node.attrs.level)} ` : "");

// What a reader sees of a paragraph: its signs with their marks, without the spaces that Markdown leaves out.
const seen = (node) => {
  let signs = "";
  node.forEach((child) => {
    const marked = child.marks.map((mark) => `${mark.type.name}${mark.attrs.href ?? ""}`).join();
    const shown = child.isText ? child.text.replace(/\s+/g, "") : child.attrs.source;
    if (child.type.name === "hard_break") signs += "\n";
    else for (const sign of child.isText ? shown : [shown]) signs += `${sign}\0${marked}\0`;
  });
  return signs.replace(/\n+/g, "\n").replace(/^\n|\n$/g, "");
};

const isSeen = (text, node) => {
  const again = read(text);
  const only = again?.childCount === 1 ? again.firstChild : null;
  return only !== null && only.hasMarkup(node.type, node.attrs) && seen(only) === seen(node);
};

// Emphasis that begins or ends within a word beside a sign cannot be written: the words without it can.
const words = (node) => {
  const texts = [AS_TYPED, ESCAPED, WITHOUT_EMPHASIS].map((care) => () => (lead(node) + line(node, care)).replace(/[ \t]+$/gm, ""));
  for (const text of texts) if (isSeen(text(), node)) return text();
  return texts[AS_TYPED]();
};

const indented = (text, first, rest) =>
  text
    .split("\n")
    .map((each, place) => (place ? (each ? rest + each : "") : (first + each).trimEnd()))
    .join("\n");

const isFlat = (item) => {
  let isFlat = item.firstChild.type.name === "paragraph";
  item.forEach((child, _, place) => {
    if (place && !child.type.name.endsWith("_list")) isFlat = false;
  });
  return isFlat;
};

const SIGN = /^(?:\d+)?([-*.)])/;

const list = (node, isSecond) => {
  const items = node.content.content;
  const between = node.attrs.tight && items.every(isFlat) ? "\n" : "\n\n";
  const sign = (place) =>
    node.type.name === "bullet_list" ? (isSecond ? "* " : "- ") : `${node.attrs.order + place}${isSecond ? ")" : "."} `;
  return items
    .map((item, place) => indented(joined(item, between), sign(place), " ".repeat(sign(place).length)))
    .join(between);
};

const block = (node, isSecond, isFresh) => {
  switch (node.type.name) {
    case "paragraph":
    case "heading":
      return words(node);
    case "bullet_list":
    case "ordered_list":
      return list(node, isSecond);
    case "blockquote":
      return indented(joined(node, "\n\n"), "> ", "> ").replace(/^$/gm, ">");
    case "horizontal_rule":
      return "---";
    case "block_field":
      return node.attrs.source;
    default: {
      const branches = node.content.content.map((branch) => `${branch.attrs.tag}\n${joined(branch, "\n\n", isFresh)}\n`);
      return branches.join("") + node.attrs.end;
    }
  }
};

const after = (blank) => `\n${blank.map((line) => `${line}\n`).join("")}`;
const apart = (blank) => (blank?.length ? after(blank) : null);

// Blocks in order. A paragraph without words is no block. Of what was read, text and distances stay as they were, unless
// `isFresh`.
const joined = (parent, between, isFresh = true) => {
  let text = "";
  let before = null;
  let sign = "";
  parent.forEach((node) => {
    if (node.type.name === "paragraph" && !node.childCount) return;
    const origin = isFresh ? null : originOf(node);
    const known = before && !isFresh ? originOf(before) : null;
    const isNext = known?.next === node;
    if (before) text += isNext ? after(known.blank) : apart(origin?.above) ?? apart(known?.blank) ?? between;
    // Of two lists of a kind side by side the second one has another sign, or they would be one.
    const isBeside = before?.type === node.type && node.type.name.endsWith("_list");
    const isSecond = isBeside && "-.".includes(sign);
    const said = origin && (isNext || !isBeside) ? origin.text : block(node, isSecond, isFresh);
    sign = SIGN.exec(said)?.[1] ?? "";
    text += said;
    before = node;
  });
  return text;
};

// The source of a document in the one form that this module writes.
export const writeAnew = (doc) => joined(doc, "\n\n");

// The source of a document, in which what was not changed since it was read stays to the letter.
export const write = (doc) => joined(doc, "\n\n", false);

export const writeLine = (doc) => doc.textBetween(0, doc.content.size, "", (node) => node.attrs.source);
