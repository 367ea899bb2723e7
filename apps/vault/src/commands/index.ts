/*
 * All commands, in the order of `vault help`. What they take is data alone; what they do is loaded
 * when one runs.
 */
import type { Loaders } from "../cli/command.ts";
import { CommandTable } from "../cli/command-table.ts";
import { helpOf } from "./about/help.ts";
import { ABOUT_COMMANDS } from "./about/specs.ts";
import { DEPLOY_COMMANDS } from "./deploy/specs.ts";
import { HOLDER_COMMANDS } from "./holders/specs.ts";
import { messageLoaders } from "./message/index.ts";
import { MESSAGE_COMMANDS } from "./message/specs.ts";
import { REPOSITORY_COMMANDS, UNLOCK } from "./repository/specs.ts";
import { SSH_VAULT_COMMANDS } from "./ssh-vault/specs.ts";

const { keys, ...sealing } = MESSAGE_COMMANDS;

export const COMMANDS = {
  ...sealing,
  unlock: UNLOCK,
  keys,
  ...HOLDER_COMMANDS,
  ...REPOSITORY_COMMANDS,
  ...DEPLOY_COMMANDS,
  ...SSH_VAULT_COMMANDS,
  ...ABOUT_COMMANDS,
} as const;

export { showHelp } from "./about/help.ts";

export type CommandName = keyof typeof COMMANDS;

export const TABLE: CommandTable<CommandName> = new CommandTable(COMMANDS);

/** What each command does. */
export const loaders: Loaders<typeof COMMANDS> = {
  ...messageLoaders,
  create: () => import("./ssh-vault/create.ts"),
  edit: () => import("./ssh-vault/edit.ts"),
  fingerprint: () => import("./ssh-vault/fingerprint.ts"),
  unlock: () => import("./repository/unlock.ts"),
  grant: () => import("./holders/grant.ts"),
  holders: () => import("./holders/holders.ts"),
  log: () => import("./holders/log.ts"),
  sync: () => import("./holders/sync.ts"),
  revoke: () => import("./holders/revoke.ts"),
  init: () => import("./repository/init.ts"),
  lock: () => import("./repository/lock.ts"),
  status: () => import("./repository/status.ts"),
  rotate: () => import("./holders/rotate.ts"),
  decrypt: () => import("./repository/decrypt.ts"),
  "export-key": async () => ({ run: (await import("./repository/key-files.ts")).exportKey }),
  keygen: async () => ({ run: (await import("./repository/key-files.ts")).makeKey }),
  "migrate-key": async () => ({ run: (await import("./repository/key-files.ts")).migrate }),
  hooks: () => import("./repository/hooks.ts"),
  filter: () => import("./repository/filter.ts"),
  merge: () => import("./repository/merge.ts"),
  "deploy init": () => import("./deploy/init.ts"),
  "deploy check": () => import("./deploy/check.ts"),
  "deploy values": () => import("./deploy/values.ts"),
  "deploy template": () => import("./deploy/template.ts"),
  "deploy plan": () => import("./deploy/plan.ts"),
  "deploy apply": () => import("./deploy/apply.ts"),
  "deploy rollback": () => import("./deploy/rollback.ts"),
  "deploy rollout": () => import("./deploy/rollout.ts"),
  "deploy drift": () => import("./deploy/drift.ts"),
  "deploy rights": () => import("./deploy/rights.ts"),
  "deploy verify": () => import("./deploy/verify.ts"),
  "deploy nodes": () => import("./deploy/nodes.ts"),
  "deploy certs": () => import("./deploy/certs.ts"),
  "deploy fetch": async () => ({ run: (await import("./deploy/archives.ts")).fetchArchives }),
  "deploy lock": async () => ({ run: (await import("./deploy/archives.ts")).lockArchives }),
  doctor: () => import("./about/doctor.ts"),
  help: async () => ({ run: helpOf(TABLE) }),
  completion: () => import("./about/completion.ts"),
  complete: async () => ({ run: (await import("./about/complete.ts")).answerOf(TABLE) }),
  "clear-clipboard": () => import("./about/clear-clipboard.ts"),
};
