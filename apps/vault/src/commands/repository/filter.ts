import type { Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { openHere } from "../open-here.ts";
import { serveFilter } from "./serve-filter.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.filter> = async ({ keyName }, [action]) => {
  if (action === "verify") {
    const { learnKeysElsewhere, openMembers } = await import("@git-vault/sharing/members");
    return void (await learnKeysElsewhere(await openMembers(openHere())));
  }
  if (action === "attributes") return (await import("./serve-attributes.ts")).serveAttributes();
  if (action === undefined || action === "clean" || action === "smudge") return serveFilter(action, keyName);
  throw usageError("expected clean, smudge, attributes or nothing");
};
