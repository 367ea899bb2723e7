import { printable } from "@git-vault/core";
import { Directory } from "@git-vault/directory";
import {
  memberWith,
  memberNamed,
  nameOfMember,
  type LeavingKeys,
  type Member,
  type Members,
} from "@git-vault/sharing/members";
import { SharingError } from "@git-vault/sharing";
import { usageError } from "../../errors.ts";
import type { Run } from "../../cli/command.ts";
import type { DialogOptions } from "../../cli/flags.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { reportResult } from "../../io/streams.ts";
import { openHere } from "../open-here.ts";
import { keyId, memberName } from "../members/member-name.ts";
import { openLog } from "../members/open-log.ts";
import { describeUnsealed, keysText } from "../members/admit.ts";
import { describeRecipients, describeRotation, replaceKeys, reportReplaced } from "./replace-keys.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

export const run: Run<typeof HOLDER_COMMANDS.revoke> = async (options, operands) => {
  const { key, keyName } = options;
  if (operands.length + key.length === 0)
    throw usageError("expected a member, as `vault holders` shows them, or --key");
  const members = await openLog(openHere(), options);
  assertLog(members);
  const directory = new Directory();
  const remove = await Promise.all(operands.map((name) => memberNamed(members, memberName(name), directory)));
  const takeKeys = leavingKeys(members, key);
  const last = takeKeys.filter(({ member, keys }) => !remove.includes(member) && isAll(member, keys));
  await confirmLast(last, options);
  const keyNames = keyName.length === 0 ? undefined : keyName;
  const replaced = await replaceKeys(members, options, { keyNames, remove, takeKeys });
  const { commit, rotation, recipients, plan } = replaced;
  const gone = [...plan.removed, ...last.map(({ member }) => member)];
  const names = gone.map(nameOfMember);
  // Who is dropped, or loses the last key, goes altogether, whatever names of keys are given.
  const reportGone = (member: Member): string =>
    keyNames !== undefined && remove.includes(member)
      ? `may not open the ${keysText(keyNames)} any more`
      : "is no member any more";
  const told = { holders: names, keys: plan.takenKeys, keyNames: plan.keyNames, notHere: plan.notHere, commit };
  const notSealedTo = describeUnsealed(plan.notSealedTo);
  const details = {
    notSealedTo,
    recipients: describeRecipients(recipients),
    rotation: rotation && describeRotation(rotation),
  };
  reportResult(options, { ...told, ...details }, [
    ...gone.map((member) => `vault: ${printable(nameOfMember(member))} ${reportGone(member)}`),
    ...takeKeys.map(({ member, keys }) => `vault: taken from ${printable(nameOfMember(member))}: ${keys.join(", ")}`),
    ...reportReplaced(replaced),
  ]);
};

const isAll = (member: Member, ids: readonly string[]): boolean => member.keys.every(({ id }) => ids.includes(id));

/** Who has no other key is no member without it: that takes a person's yes, or their name. */
async function confirmLast(last: readonly LeavingKeys[], options: DialogOptions): Promise<void> {
  for (const { member } of last) {
    const name = printable(nameOfMember(member));
    if (canAsk(options)) await confirm(`${name} has no other key: remove them altogether`);
    else {
      throw usageError(
        `${name} has no other key, and would be removed altogether`,
        `let their new key in first, with \`vault grant\` or \`vault sync\`; or name them as well, to remove them: \`vault revoke --key … ${name}\``,
      );
    }
  }
}

function assertLog({ rootState }: Members): void {
  if (rootState !== "none") return;
  throw new SharingError("NO_SUCH_MEMBER", "the repository has no members log, and so no members", {
    hint: "start it with `vault grant`",
  });
}

/** The keys that were named, by the members who have them. */
function leavingKeys({ branch }: Members, ids: readonly string[]): LeavingKeys[] {
  const leaving = new Map<string, { member: LeavingKeys["member"]; keys: string[] }>();
  for (const written of ids) {
    const id = keyId(written);
    const member = memberWith(branch, id);
    if (member === null) throw new SharingError("NO_SUCH_MEMBER", `${printable(written)} is no key of a member`);
    const [record] = member.records;
    const known = leaving.get(record);
    if (known === undefined) leaving.set(record, { member, keys: [id] });
    else known.keys.push(id);
  }
  return [...leaving.values()];
}
