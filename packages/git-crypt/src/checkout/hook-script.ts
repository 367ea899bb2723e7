/*
 * The check as lines of a hook, between two that mark them: a hook of somebody else keeps its name,
 * its mode and all that it does. Scripts are texts whose characters are bytes.
 */

import { bytesOf } from "../git/git.ts";

const BEGIN = "# >>> git-vault: keeps plaintext off protected paths";
const END = "# <<< git-vault";
/** Follows `BEGIN` in a file that was made for the check alone. */
const ALONE = "# The file was made for this alone, and goes with it.";
const BLOCK = new RegExp(`${BEGIN}\n[^]*?${END}(?:\n|$)`);

const SHEBANG = "#!/bin/sh\n";

type Language = "sh" | "ruby";

/** What git runs a hook by; null where the check cannot be written into it. */
function languageOf(script: string): Language | null {
  const [first = ""] = script.split("\n", 1);
  if (script.includes("\0")) return null;
  // Without a line that names a program git's own sh runs it.
  if (!first.startsWith("#!") || /[/ ](?:ba|da|k|z|a)?sh(?:\s|$)/.test(first)) return "sh";
  return /[/ ]ruby(?:\s|$)/.test(first) ? "ruby" : null;
}

const LINES: Readonly<Record<Language, (check: string) => string>> = {
  sh: (check) => `${check} || exit`,
  // A # begins a value within quotes there.
  ruby: (check) => `system(${JSON.stringify(check).replaceAll("#", "\\#")}) or exit 1`,
};

/** The lines that begin with #, which some languages read settings from. */
const headOf = (script: string): string => /^(?:#.*(?:\n|$))*/.exec(script)?.[0] ?? "";

/**
 * A hook with the check before all that it does; null where it is written in another language than
 * `sh` or Ruby.
 *
 * @param script null where there is no hook yet
 * @param check for `sh`; must fail where the commit must not be made
 */
export function withCheck(script: string | null, check: string): string | null {
  if (script === null) return `${SHEBANG}${[BEGIN, ALONE, bytesOf(LINES.sh(check)), END].join("\n")}\n`;
  const others = withoutCheck(script);
  if (others === null) return withCheck(null, check);
  const language = languageOf(others);
  if (language === null) return null;
  const block = `${BEGIN}\n${bytesOf(LINES[language](check))}\n${END}`;
  const head = headOf(others);
  const isOpen = head !== "" && !head.endsWith("\n");
  return head + (isOpen ? `\n${block}` : `${block}\n`) + others.slice(head.length);
}

/** A hook as it was before the check came; null where it was made for that alone. */
export function withoutCheck(script: string): string | null {
  const found = BLOCK.exec(script);
  if (found === null) return script;
  const [block] = found;
  // The line break before it is its own where none follows.
  const before = script.slice(0, block.endsWith("\n") ? found.index : Math.max(0, found.index - 1));
  const left = before + script.slice(found.index + block.length);
  return block.includes(`\n${ALONE}\n`) && left === SHEBANG ? null : left;
}

/** The check that a hook has by us, as a command line for `sh`; null where it has none. */
export function checkOf(script: string): string | null {
  const block = BLOCK.exec(script)?.[0]
    .split("\n")
    .find((line) => !line.startsWith("#"));
  if (block === undefined) return null;
  const text = Buffer.from(block, "latin1").toString();
  const ruby = /^system\((".*")\) or exit 1$/.exec(text)?.[1];
  if (ruby === undefined) return text.replace(/ \|\| exit$/, "");
  const check: unknown = JSON.parse(ruby.replaceAll("\\#", "#"));
  return String(check);
}
