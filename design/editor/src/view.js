// The two editors: of a letter's text, and of a line such as its subject.

import { baseKeymap, chainCommands, lift, setBlockType, toggleMark, wrapIn } from "prosemirror-commands";
import { gapCursor } from "prosemirror-gapcursor";
import { history, redo, undo } from "prosemirror-history";
import { keymap } from "prosemirror-keymap";
import { Fragment, Slice } from "prosemirror-model";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { EditorState, NodeSelection, Plugin, TextSelection } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { announced, isKnown, isLine } from "./naming.js";
import { fromHtml, fromText, isOwn, unstyled } from "./paste.js";
import { inline, isWholeField, read, readLine } from "./reading.js";
import { letterSchema as schema } from "./schema.js";
import { write, writeLine } from "./writing.js";
import { tokensOf } from "./tokens.js";

// A field that is typed becomes a chip as soon as it is whole.
const chipping = new Plugin({
  appendTransaction(transactions, _old, state) {
    if (!transactions.some((one) => one.docChanged)) return null;
    const transaction = state.tr;
    const found = [];
    state.doc.descendants((node, at) => {
      if (!node.isText) return;
      for (const token of tokensOf(node.text, isKnown)) found.push({ ...token, at: at + token.at, marks: node.marks });
    });
    for (const { source, at, isTag, marks } of found.reverse()) {
      const node = state.schema.node(isTag ? "tag" : "field", { source }, null, marks);
      transaction.replaceWith(at, at + source.length, node);
    }
    return found.length ? transaction : null;
  },
});

const telling = (said) =>
  new Plugin({
    view: () => ({
      update(view, before) {
        const { selection } = view.state;
        if (before.selection.eq(selection) || !(selection instanceof NodeSelection)) return;
        if (selection.node.attrs.source) said.textContent = announced(selection.node);
      },
    }),
  });

const breaking = (state, dispatch) => {
  const { $from } = state.selection;
  if ($from.parent.type !== schema.nodes.paragraph) return false;
  if (dispatch) dispatch(state.tr.replaceSelectionWith(schema.node("hard_break"), false).scrollIntoView());
  return true;
};

const item = schema.nodes.list_item;
const keys = {
  "Mod-z": undo,
  "Mod-y": redo,
  "Shift-Mod-z": redo,
  "Mod-b": toggleMark(schema.marks.strong),
  "Mod-i": toggleMark(schema.marks.em),
  Enter: splitListItem(item),
  "Shift-Enter": breaking,
  "Mod-[": liftListItem(item),
  "Mod-]": sinkListItem(item),
};

const within = (state, name) => {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth--) if ($from.node(depth).type.name === name) return depth;
  return 0;
};

const toggled = (name, wrap) => (state, dispatch) => {
  if (!within(state, name)) return wrap(state, dispatch);
  return chainCommands(liftListItem(item), lift)(state, dispatch);
};

const heading = (state, dispatch) => {
  const { parent } = state.selection.$from;
  const isHeading = parent.type === schema.nodes.heading;
  return setBlockType(isHeading ? schema.nodes.paragraph : schema.nodes.heading, { level: 2 })(state, dispatch);
};

// The end of the outermost block that the selection stands in, among those that stand beside passages.
const afterBlock = (state) => {
  const { $to } = state.selection;
  for (let depth = $to.depth; depth >= 0; depth--) {
    if (["doc", "branch"].includes($to.node(depth).type.name)) return $to.posAtIndex($to.indexAfter(depth), depth);
  }
  return state.doc.content.size;
};

const insertWhole = (node) => (state, dispatch) => {
  const { $from } = state.selection;
  const isEmpty = $from.parent.type === schema.nodes.paragraph && !$from.parent.childCount && $from.depth > 0;
  const isBeside = isEmpty && ["doc", "branch"].includes($from.node(-1).type.name);
  const [from, to] = isBeside ? [$from.before(), $from.after()] : [afterBlock(state), afterBlock(state)];
  if (dispatch) {
    const transaction = state.tr.replaceWith(from, to, node);
    const inside = node.type.name === "passage" ? TextSelection.near(transaction.doc.resolve(from + 2), 1) : null;
    dispatch(transaction.setSelection(inside ?? NodeSelection.create(transaction.doc, from)).scrollIntoView());
  }
  return true;
};

const emptyPassage = () =>
  schema.node("passage", null, [
    schema.node("branch", { tag: "(% if plusieurs_écoles %)" }, schema.node("paragraph")),
    schema.node("branch", { tag: "(% else %)" }, schema.node("paragraph")),
  ]);

const removePassage = (state, dispatch) => {
  const depth = within(state, "passage");
  if (!depth) return false;
  const { $from } = state.selection;
  if (dispatch) dispatch(state.tr.replaceWith($from.before(depth), $from.after(depth), schema.node("paragraph")).scrollIntoView());
  return true;
};

export const commands = {
  strong: toggleMark(schema.marks.strong),
  em: toggleMark(schema.marks.em),
  heading,
  bullet: toggled("bullet_list", wrapInList(schema.nodes.bullet_list)),
  ordered: toggled("ordered_list", wrapInList(schema.nodes.ordered_list)),
  quote: toggled("blockquote", wrapIn(schema.nodes.blockquote)),
  passage: (state, dispatch) => insertWhole(emptyPassage())(state, dispatch),
  "passage-off": removePassage,
  undo,
  redo,
};

// Whether the selection has what a button gives, for its pressed state.
export const isOn = (state, name) => {
  if (name === "strong" || name === "em") {
    const { from, to, empty, $from } = state.selection;
    const mark = schema.marks[name];
    return empty ? Boolean(mark.isInSet(state.storedMarks ?? $from.marks())) : state.doc.rangeHasMark(from, to, mark);
  }
  const block = { heading: "heading", bullet: "bullet_list", ordered: "ordered_list", quote: "blockquote" }[name];
  return block ? within(state, block) > 0 || state.selection.$from.parent.type.name === block : false;
};

export const linkAt = (state) => {
  const { $from, from, to, empty } = state.selection;
  const mark = schema.marks.link;
  if (empty) return mark.isInSet($from.marks())?.attrs.href ?? "";
  let found = "";
  state.doc.nodesBetween(from, to, (node) => {
    found ||= mark.isInSet(node.marks)?.attrs.href ?? "";
  });
  return found;
};

// The selection, or where nothing is selected the link that the cursor stands in.
const linkedRange = ({ selection: { $from, from, to, empty } }) => {
  const mark = empty && schema.marks.link.isInSet($from.marks());
  if (!mark) return [from, to];
  const runs = [];
  let run = null;
  $from.parent.forEach((node, offset) => {
    const first = $from.start() + offset;
    if (!mark.isInSet(node.marks)) run = null;
    else if (run) run[1] = first + node.nodeSize;
    else runs.push((run = [first, first + node.nodeSize]));
  });
  return runs.find(([first, last]) => first <= from && from <= last) ?? [from, to];
};

export const setLink = (view, href) => {
  const { state } = view;
  const [from, to] = linkedRange(state);
  const mark = schema.marks.link;
  const transaction = state.tr.removeMark(from, to, mark);
  if (href && from === to) transaction.insert(from, schema.text(href, [mark.create({ href })]));
  else if (href) transaction.addMark(from, to, mark.create({ href }));
  view.dispatch(transaction.scrollIntoView());
};

// Put in a field, or a condition around words: what a button of the page inserts into a source.
export const insert = (view, source) => {
  const { state } = view;
  const isLetter = state.schema === schema;
  if (isLetter && isWholeSource(source)) {
    return insertWhole(schema.node("block_field", { source }))(state, view.dispatch);
  }
  const nodes = inline(source, state.schema, isLetter ? isKnown : isLine);
  const { $from, $to, from, to, empty } = state.selection;
  if (!empty && $from.sameParent($to) && nodes[0]?.type.name === "tag") {
    view.dispatch(state.tr.insert(to, nodes.at(-1)).insert(from, nodes[0]).scrollIntoView());
    return true;
  }
  if (!isLetter && nodes.some((node) => node.isText && node.text.includes("(("))) return false;
  view.dispatch(state.tr.replaceSelection(new Slice(Fragment.from(nodes), 0, 0)).scrollIntoView());
  return true;
};

const isWholeSource = (source) => source.startsWith("((") && isWholeField(source);

// Words that replace more than one paragraph: the browser would join these with styles that the page's policy refuses.
const beforeinput = (view, event) => {
  const { $from, $to, empty } = view.state.selection;
  if (event.inputType !== "insertText" || !event.data || empty || view.composing || $from.sameParent($to)) return false;
  event.preventDefault();
  view.dispatch(view.state.tr.insertText(event.data).scrollIntoView());
  return true;
};

const attributes = (dom, isMultiline, may) => ({
  role: "textbox",
  "aria-multiline": String(isMultiline),
  lang: "fr",
  spellcheck: "true",
  tabindex: "0",
  ...(may ? {} : { "aria-readonly": "true" }),
  ...dom,
});

// An editor at a place of the page. `changed` gets each new source, `said` is where a screen reader hears of chips,
// and `pasted` is told what of a paste is not as it was.
export const letterView = (place, source, { may, dom, changed, moved, said, pasted }) =>
  mounted(place, read(source), write, {
    plugins: [keymap(keys), keymap(baseKeymap), history(), gapCursor(), chipping, telling(said)],
    props: {
      attributes: attributes(dom, true, may),
      editable: () => may,
      handleDOMEvents: { beforeinput },
      transformPastedHTML: (html) => (isOwn(html) ? html : unstyled(html)),
      handlePaste(view, event) {
        const html = event.clipboardData?.getData("text/html");
        if (!html || isOwn(html)) return false;
        view.dispatch(view.state.tr.replaceSelection(fromHtml(html, pasted)).scrollIntoView().setMeta("paste", true));
        return true;
      },
      handleDrop(view, event, _slice, isMoved) {
        const html = event.dataTransfer?.getData("text/html");
        if (isMoved || !html || isOwn(html)) return false;
        const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
        if (at) view.dispatch(view.state.tr.replaceRange(at.pos, at.pos, fromHtml(html, pasted)));
        event.preventDefault();
        return true;
      },
      clipboardTextParser: (text) => fromText(text),
      clipboardTextSerializer: (slice) => {
        try {
          return write(schema.topNodeType.create(null, slice.content));
        } catch {
          return slice.content.textBetween(0, slice.content.size, "\n", (node) => node.attrs.source ?? "");
        }
      },
    },
    changed,
    moved,
  });

export const lineView = (place, source, { may, dom, changed, moved, said }) =>
  mounted(place, readLine(source), writeLine, {
    plugins: [
      keymap({ "Mod-z": undo, "Mod-y": redo, "Shift-Mod-z": redo, Enter: () => true }),
      keymap(baseKeymap),
      history(),
      chipping,
      telling(said),
    ],
    props: {
      attributes: attributes(dom, false, may),
      editable: () => may,
      transformPastedHTML: unstyled,
      handlePaste(view, event) {
        const text = event.clipboardData?.getData("text/plain").replace(/\s+/g, " ").trim();
        if (text) insertLine(view, text);
        return true;
      },
    },
    changed,
    moved,
  });

const insertLine = (view, text) => {
  const nodes = inline(text, view.state.schema);
  view.dispatch(view.state.tr.replaceSelection(new Slice(Fragment.from(nodes), 0, 0)).scrollIntoView());
};

const mounted = (place, doc, writing, { plugins, props, changed, moved }) => {
  const view = new EditorView(place, {
    ...props,
    state: EditorState.create({ doc, plugins }),
    dispatchTransaction(transaction) {
      const before = view.state.doc;
      view.updateState(view.state.apply(transaction));
      // A document that is again what was read has again the source that was read.
      if (!view.state.doc.eq(before)) changed(view.state.doc.eq(doc) ? null : writing(view.state.doc));
      moved(view);
    },
  });
  return view;
};
