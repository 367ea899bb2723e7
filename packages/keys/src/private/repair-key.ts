import { wrapLines } from "@git-vault/core";
import { decodeText, plainLines } from "../text/decode-text.ts";
import { withoutPrefix } from "../text/line-prefix.ts";

const BEGIN = /-+BEGIN ((?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY)-+/;
/** Of an encrypted PEM file (RFC 1421). */
const HEADER = /^(?:Proc-Type|DEK-Info): ?\S+$/;
const PUTTY = "PuTTY-User-Key-File-";

/**
 * The text of a private key as it was before editors, chats and consoles had it, as `plainLines`
 * undoes that; null where none begins in it. It may still be damaged.
 */
export function repairKey(bytes: Uint8Array): string | null {
  const lines = plainLines(decodeText(bytes));
  const first = lines.findIndex((line) => BEGIN.test(line) || line.includes(PUTTY));
  const line = lines[first];
  if (line === undefined) return null;
  const [mark = PUTTY, label] = BEGIN.exec(line) ?? [];
  const column = line.indexOf(mark);
  const rest = lines.slice(first + 1);
  const bare = withoutPrefix(rest, line.slice(0, column)) ?? rest;
  if (label === undefined) return [line.slice(column), ...bare].map(unquoted).join("\n").trim();

  const content = [line.slice(column + mark.length), ...bare];
  const end = `END ${label}-----`;
  const last = content.findIndex((its) => its.includes(end));
  if (last === -1) return null;
  const ended = [
    ...content.slice(0, last),
    content[last]?.slice(0, content[last].indexOf(end)).replace(/-+$/, "") ?? "",
  ];
  const inner = ended.map(unquoted);
  const headers = inner.filter((its) => HEADER.test(its)).map((its) => its.replace(/: ?/, ": "));
  const body = inner
    .filter((its) => !HEADER.test(its))
    .join("")
    .replaceAll(" ", "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) return null;
  const head = headers.length === 0 ? [] : [...headers, ""];
  return [`-----BEGIN ${label}-----`, ...head, ...wrapLines(body, 64), `-----END ${label}-----`].join("\n");
}

/** A line without quotation and what strings and lists have around it. */
const unquoted = (line: string): string => line.replace(/^[\s>|"'`*]+/, "").replace(/["'`,|\\\s]{1,20}$/, "");
