import type { Identifier } from "@git-vault/members";
import { keysIn } from "./coverage.ts";
import type { Members } from "./membership.ts";

/**
 * Whether an entry took a key by itself, and not with its member, and nothing let it back since:
 * such as the key of a stolen laptop. Nobody who lets its member in means that key.
 */
export function wasTakenAlone(id: Identifier, { branch, whole, log }: Members): boolean {
  const takers = [...branch.removed, ...whole.removed].flatMap(({ identifier, by }) => (identifier === id ? by : []));
  const letBack = new Set<string>();
  for (const entry of log.entries.values()) {
    if (!("readmits" in entry.action) || whole.verdicts.get(entry.id)?.counts !== true) continue;
    if (keysIn(entry).includes(id)) for (const by of entry.action.readmits) letBack.add(by);
  }
  return takers.some((by) => {
    const action = log.entries.get(by)?.action;
    return action?.kind === "take" && action.keys.includes(id) && !letBack.has(by);
  });
}
