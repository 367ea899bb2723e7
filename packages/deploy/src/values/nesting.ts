/*
 * How deep a text nests is told before anything parses it: a parser that recurses until its stack
 * is full may end the whole process, and no error is caught then.
 */
import { CST, Lexer } from "yaml";

/** Lists and maps within each other, deeper than anybody writes. */
export const MOST_DEPTH = 250;

/** Whether a text, read as JSON, nests deeper than {@link MOST_DEPTH}. */
export function isDeepJson(text: string): boolean {
  let [depth, inText] = [0, false];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inText = false;
    } else if (code === QUOTE) inText = true;
    else if (code === OPEN_LIST || code === OPEN_MAP) {
      depth += 1;
      if (depth > MOST_DEPTH) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_MAP) depth -= 1;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Whether a text, read as YAML, may nest deeper than {@link MOST_DEPTH}. What cannot, as by far
 * most, is told from the number of its brackets and the width of its indentations alone.
 */
export function isDeepYaml(text: string): boolean {
  for (const [run] of text.matchAll(INDICATORS))
    if (run.length >= 2 * MOST_DEPTH && (run.match(/[ \t]+/g)?.length ?? 0) >= MOST_DEPTH) return true;
  return (hasManyBrackets(text) || INDENTED.test(text)) && depthOf(text) > MOST_DEPTH;
}

/** Indicators, tags and anchors in a row, `- - - …`: the lexer recurses at each. */
const INDICATORS = new RegExp(String.raw`(?:(?:[-?:]|[!&]\S{0,99})[ \t]+){1,${MOST_DEPTH}}`, "g");
/** Blocks that each begin one column further to the right. */
const INDENTED = new RegExp(String.raw`^ {${MOST_DEPTH / 2}}`, "m");

function hasManyBrackets(text: string): boolean {
  let count = 0;
  for (let at = 0; at < text.length && count <= MOST_DEPTH; at += 1) {
    const code = text.charCodeAt(at);
    if (code === OPEN_LIST || code === OPEN_MAP) count += 1;
  }
  return count > MOST_DEPTH;
}

/** How deep a text nests at most, by its tokens: flow collections, and columns of blocks. */
function depthOf(text: string): number {
  const columns: number[] = [];
  let [flow, column, most] = [0, 0, 0];
  // Whether what comes next may begin a block.
  let begins = true;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === "flow-seq-start" || type === "flow-map-start") flow += 1;
    if (type === "flow-seq-end" || type === "flow-map-end") flow -= 1;
    if (type !== "space" && type !== "newline" && begins) {
      while ((columns.at(-1) ?? -1) > column) columns.pop();
      if (columns.at(-1) !== column) columns.push(column);
    }
    if (type !== "space") begins = type === "newline" || type === "seq-item-ind" || type === "explicit-key-ind";
    column = type === "newline" ? 0 : column + token.length;
    const line = token.lastIndexOf("\n");
    if (type !== "newline" && line !== -1) [column, begins] = [token.length - line - 1, true];
    most = Math.max(most, flow + columns.length);
    if (most > MOST_DEPTH) break;
  }
  return most;
}
