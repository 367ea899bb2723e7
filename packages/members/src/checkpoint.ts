import { MembersError } from "./errors.ts";
import type { KeyState } from "./fold/generations.ts";
import type { Membership } from "./fold/fold.ts";

/** What git's filter asks of a log: which key of a name to encrypt with. */
export interface Checkpoint {
  readonly root: string | null;
  /** By the names of keys. */
  readonly current: ReadonlyMap<string, { readonly commitment: string; readonly state: KeyState }>;
}

const FIRST_LINE = "git-vault checkpoint v1";
const ROOT = /^root: (none|[0-9a-f]{64})$/;
const KEY = /^key: ([A-Za-z0-9_-]{1,128}) (settled|two-heads|stale) ([0-9a-f]{64})$/;
const MAX_CHARACTERS = 1024 * 1024;

const malformed = (): MembersError =>
  new MembersError("MALFORMED_CHECKPOINT", "expected a checkpoint of the members log, got something else");

/**
 * The text of a checkpoint, a line for each name of a key. It holds for the very set of entries and
 * the very options that were folded: its caller keeps it under a name that tells these apart, where
 * nobody else can write.
 */
export function encodeCheckpoint({ root, keyNames }: Pick<Membership, "root" | "keyNames">): string {
  const keys = keyNames.map(({ name, state, current }) => `key: ${name} ${state} ${current.commitment}\n`);
  return `${FIRST_LINE}\nroot: ${root ?? "none"}\n${keys.join("")}`;
}

/**
 * Reads what `encodeCheckpoint` wrote.
 *
 * @throws MembersError `MALFORMED_CHECKPOINT`
 */
export function decodeCheckpoint(text: string): Checkpoint {
  if (text.length > MAX_CHARACTERS) throw malformed();
  const [first, rootLine = "", ...lines] = text.split("\n");
  const root = ROOT.exec(rootLine)?.[1];
  if (first !== FIRST_LINE || root === undefined || lines.pop() !== "") throw malformed();
  const current = new Map<string, { commitment: string; state: KeyState }>();
  for (const line of lines) {
    const [, name, state, commitment] = KEY.exec(line) ?? [];
    if (name === undefined || commitment === undefined || current.has(name)) throw malformed();
    if (state !== "settled" && state !== "two-heads" && state !== "stale") throw malformed();
    current.set(name, { commitment, state });
  }
  return { root: root === "none" ? null : root, current };
}
