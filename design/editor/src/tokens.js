// Fields and tags in a source. What has not exactly their form, or names no known field, is text like any other.

const FIELD = /(?<!\()\(\(\s*[\p{L}_][\p{L}\p{N}_]*\s*(?:\|\s*[\p{L}_]+\s*(?:\(\s*"[^"\\\n]*"\s*\))?\s*)*\)\)/u;
const TAG = /\(%\s*(?:(?:if|elif)\s[^%\n()]*|else\s*|endif\s*)%\)/u;
const TOKEN = new RegExp(`${FIELD.source}|${TAG.source}`, "gu");
const ALONE = new RegExp(`^\\s*(${TAG.source})\\s*$`, "u");
const FILTER = /\|\s*([\p{L}_]+)\s*(?:\(\s*"([^"\\\n]*)"\s*\))?/gu;

export const readField = (source) => ({
  name: source.match(/[\p{L}_][\p{L}\p{N}_]*/u)[0],
  filters: [...source.matchAll(FILTER)].map((found) => [found[1], found[2] ?? ""]),
});

export const readTag = (source) => {
  const [word, ...rest] = source.slice(2, -2).trim().split(/\s+/);
  return { word, rest: rest.join(" ") };
};

// The tag that a line is, if it is one alone.
export const aloneOn = (line) => ALONE.exec(line)?.[1] ?? null;

export const tagsOf = (line) => (line.match(new RegExp(TAG.source, "gu")) ?? []).map(readTag);

// The tokens of a text in order, each with its place. `admits` says which names of fields are known.
export const tokensOf = (text, admits) => {
  const found = [];
  for (const match of text.matchAll(TOKEN)) {
    const isTag = match[0].startsWith("(%");
    const isTarget = text.startsWith("](", match.index - 2);
    if (!isTarget && (isTag || admits(readField(match[0]).name))) found.push({ source: match[0], at: match.index, isTag });
  }
  return found;
};
