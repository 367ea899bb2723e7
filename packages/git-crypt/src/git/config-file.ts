import { appendFileSync, copyFileSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { unwritableFolder } from "../errors.ts";
import { type CommonPlace, runGit } from "./git.ts";
import { plainSettings } from "./locate.ts";
import { lockHeld, removeStaleLocks, replaceLocked, retry, statOf } from "./lock-files.ts";

/** A section that git writes as `[name "subsection"]`, and a variable in it. */
const NAME = /^([a-z-]+)\.([\w.-]+)\.([A-Za-z][A-Za-z-]*)$/;

/** A value as git writes it; null for one with characters that it may write otherwise. */
function written(value: string): string | null {
  if (/[^\n\t\x20-\x7e]/.test(value)) return null;
  const escaped = value
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll("\n", String.raw`\n`)
    .replaceAll("\t", String.raw`\t`);
  return /^ | $|[#;]/.test(value) ? `"${escaped}"` : escaped;
}

/**
 * What git would append to a configuration for some changes, which saves a process for each of
 * them; null where it may do otherwise: where a section is there, or a line is out of the ordinary.
 */
function appendix(text: string, changes: readonly (readonly string[])[]): string | null {
  if (plainSettings(text) === null || !/(?:^|\n)$/.test(text)) return null;
  const sections = new Map<string, string>();
  for (const [action, name = "", value = "", ...rest] of changes) {
    const [, section = "", subsection = "", variable = ""] = NAME.exec(name) ?? [];
    const line = written(value);
    const header = `${section} "${subsection}"`;
    if (action !== "--replace-all" || section === "" || line === null || rest.length > 0) return null;
    if ([`"${subsection}"`, `.${subsection}]`].some((one) => text.includes(one))) return null;
    sections.set(header, `${sections.get(header) ?? ""}\t${variable} = ${line}\n`);
  }
  return [...sections].map(([header, lines]) => `[${header}]\n${lines}`).join("");
}

/**
 * Changes the configuration that the work trees of a repository share: all of it or nothing, and a
 * process that is killed leaves no lock. Where another program is writing it, this waits for a
 * second.
 *
 * @param needed gives the arguments of `git config` for each change that is still needed; it is
 * asked again where others wrote meanwhile
 * @returns whether anything had to be changed
 * @throws GitCryptError CONFIG_LOCKED; UNWRITABLE; GIT_FAILED
 */
export function changeConfig(place: CommonPlace, needed: () => readonly (readonly string[])[]): boolean {
  let path: string;
  try {
    path = realpathSync(join(place.commonDir, "config"));
  } catch (error) {
    throw unwritableFolder(error);
  }
  const done = retry(() => {
    removeStaleLocks(path);
    const changes = needed();
    if (changes.length === 0) return "nothing";
    // git changes a copy, since it would leave its lock where it is killed.
    const isReplaced = replaceLocked(path, statOf(path), (own) => {
      copyFileSync(path, own);
      const more = appendix(readFileSync(own, "latin1"), changes);
      if (more !== null) return appendFileSync(own, more);
      for (const change of changes) runGit(place, ["config", "--file", own, ...change]);
    });
    return isReplaced && "changed";
  });
  if (done !== false) return done === "changed";
  throw lockHeld("CONFIG_LOCKED", "another program is writing the repository's configuration", path);
}
