// A source of the letter language, read as a document. Markdown is read by the rules of the server's reader
// (outreach/mail/letters/markdown.py), in which private characters stand for fields and tags, as they do there.

import MarkdownIt from "markdown-it";
import { Fragment } from "prosemirror-model";
import { MarkdownParser } from "prosemirror-markdown";
import { isKnown, isWhole } from "./naming.js";
import { letterSchema as schema, lineSchema } from "./schema.js";
import { aloneOn, readField, tagsOf, tokensOf } from "./tokens.js";

const FIRST = 0xe000;
const MOST = 6400;
const MARK = /[\ue000-\uf8ff]/g;

const markdown = MarkdownIt("commonmark", { html: false, breaks: true }).disable([
  ...["code", "fence", "html_block", "lheading", "reference", "autolink", "backticks", "entity", "html_inline", "image"],
]);
markdown.normalizeLink = (url) => url;
markdown.validateLink = () => true;
markdown.core.ruler.push("chips", (state) => {
  for (const token of state.tokens) if (token.children) token.children = [...chips(token.children, state.env, state.Token)];
});

const restored = (text, env) => text.replace(MARK, (mark) => env.sources[mark.charCodeAt(0) - FIRST].source);

function* chips(children, env, Token) {
  for (let place = 0; place < children.length; place++) {
    const child = children[place];
    if (child.type === "link_open") {
      child.meta = { href: restored(child.attrGet("href") ?? "", env), title: child.attrGet("title") };
      if (child.meta.title) child.meta.title = restored(child.meta.title, env);
      if (children[place + 1]?.type === "link_close") {
        // A link without words would vanish: it stays what was written.
        const text = new Token("text", "", 0);
        text.content = `[](${child.meta.href}${child.meta.title ? ` "${child.meta.title}"` : ""})`;
        place++;
        yield text;
        continue;
      }
    }
    if (child.type !== "text" || child.content.search(MARK) < 0) {
      yield child;
      continue;
    }
    for (const part of child.content.split(/([\ue000-\uf8ff])/)) {
      const said = /[\ue000-\uf8ff]/.test(part) ? env.sources[part.charCodeAt(0) - FIRST] : null;
      const token = new Token(said ? (said.isTag ? "tag" : "field") : "text", "", 0);
      token.content = part;
      token.meta = said;
      yield token;
    }
  }
}

const isTight = (tokens, place) => {
  while (++place < tokens.length) if (tokens[place].type !== "list_item_open") return tokens[place].hidden;
  return false;
};

const parser = new MarkdownParser(schema, markdown, {
  paragraph: { block: "paragraph" },
  heading: { block: "heading", getAttrs: (token) => ({ level: +token.tag.slice(1) }) },
  bullet_list: { block: "bullet_list", getAttrs: (_, tokens, place) => ({ tight: isTight(tokens, place) }) },
  ordered_list: {
    block: "ordered_list",
    getAttrs: (token, tokens, place) => ({ order: +(token.attrGet("start") ?? 1), tight: isTight(tokens, place) }),
  },
  list_item: { block: "list_item" },
  blockquote: { block: "blockquote" },
  hr: { node: "horizontal_rule" },
  softbreak: { node: "hard_break" },
  hardbreak: { node: "hard_break" },
  field: { node: "field", getAttrs: (token) => ({ source: token.meta.source }) },
  tag: { node: "tag", getAttrs: (token) => ({ source: token.meta.source }) },
  em: { mark: "em" },
  strong: { mark: "strong" },
  link: { mark: "link", getAttrs: (token) => token.meta },
});

// Blocks of a document that nobody has changed are written as they were read: this keeps what was read of each.
const origins = new WeakMap();
export const originOf = (node) => origins.get(node);

class Unreadable extends Error {}

const written = (text) => {
  const sources = tokensOf(text, isKnown);
  if (sources.length > MOST || text.search(MARK) >= 0) throw new Unreadable();
  let marked = "";
  let last = 0;
  sources.forEach((token, place) => {
    marked += text.slice(last, token.at) + String.fromCharCode(FIRST + place);
    last = token.at + token.source.length;
  });
  return { marked: marked + text.slice(last), sources };
};

// The lines of Markdown between tags, as blocks, each with the lines it was read from.
const plain = (lines, from, until) => {
  const text = lines.slice(from, until).join("\n");
  const { marked, sources } = written(text);
  const env = { sources };
  const nodes = parser.parse(marked, env).content.content;
  if (!marked.trim()) return [];
  const places = markdown.parse(marked, env).filter((token) => token.level === 0 && token.nesting >= 0 && token.map);
  if (places.length !== nodes.length) throw new Unreadable();
  return nodes.map((node, place) => {
    let [first, end] = places[place].map;
    while (end > first + 1 && !lines[from + end - 1].trim()) end--;
    return { node, from: from + first, until: from + end };
  });
};

// The block that begins with a tag alone on its line: its branches, or null where the tags do not fit together.
const passage = (lines, from, until) => {
  const opens = aloneOn(lines[from]);
  if (!opens || tagsOf(opens)[0].word !== "if") return null;
  const branches = [{ tag: opens, from: from + 1 }];
  let depth = 1;
  for (let place = from + 1; place < until; place++) {
    for (const { word } of tagsOf(lines[place])) {
      depth += { if: 1, endif: -1 }[word] ?? 0;
      const alone = aloneOn(lines[place]);
      if (depth === 0 || (depth === 1 && (word === "else" || word === "elif"))) {
        if (!alone) return null;
        branches.at(-1).until = place;
        if (depth === 0) return { branches, end: alone, until: place + 1 };
        branches.push({ tag: alone, from: place + 1 });
      }
    }
  }
  return null;
};

const wholeField = (line) => {
  const [token] = tokensOf(line, isWhole);
  return token && !token.isTag && token.source === line.trim() ? token.source : null;
};

const blocks = (lines, from, until) => {
  const found = [];
  let begun = from;
  let open = 0; // conditions that began inside a line: no passage stands within them
  const add = (place, node, end) => {
    found.push(...plain(lines, begun, place), { node, from: place, until: end });
    begun = end;
  };
  for (let place = from; place < until; place = Math.max(place + 1, begun)) {
    const field = wholeField(lines[place]);
    const choice = field || open ? null : passage(lines, place, until);
    if (field) add(place, schema.node("block_field", { source: field }), place + 1);
    else if (choice) {
      const branches = choice.branches.map((one) =>
        schema.node("branch", { tag: one.tag }, content(lines, one.from, one.until)),
      );
      add(place, schema.node("passage", { end: choice.end }, branches), choice.until);
    } else for (const { word } of tagsOf(lines[place])) open = Math.max(0, open + ({ if: 1, endif: -1 }[word] ?? 0));
  }
  return [...found, ...plain(lines, begun, until)];
};

const content = (lines, from, until) => {
  const found = blocks(lines, from, until);
  // The empty lines between two blocks; null where something else stands there.
  const blank = found.map((one, place) => {
    const between = found[place + 1] ? lines.slice(one.until, found[place + 1].from) : [];
    return between.some((line) => line.trim()) ? null : between;
  });
  found.forEach(({ node, from: first, until: end }, place) => {
    if (!blank[place]) throw new Unreadable();
    const text = lines.slice(first, end).join("\n");
    origins.set(node, { text, next: found[place + 1]?.node, blank: blank[place], above: blank[place - 1] });
  });
  const nodes = found.map((one) => one.node);
  return Fragment.from(nodes.length ? nodes : schema.node("paragraph"));
};

// A document, or null for a source that the editor does not show.
export const read = (source) => {
  const lines = source.split("\n");
  try {
    return schema.node("doc", null, content(lines, 0, lines.length));
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
};

// The words and chips of a text without Markdown.
export const inline = (text, within, admits = isKnown) => {
  const nodes = [];
  let last = 0;
  const add = (end) => end > last && nodes.push(within.text(text.slice(last, end)));
  for (const token of tokensOf(text, admits)) {
    add(token.at);
    nodes.push(within.node(token.isTag ? "tag" : "field", { source: token.source }));
    last = token.at + token.source.length;
  }
  add(text.length);
  return nodes;
};

export const readLine = (source) => lineSchema.node("doc", null, inline(source, lineSchema));

export const isWholeField = (source) => isWhole(readField(source).name);
