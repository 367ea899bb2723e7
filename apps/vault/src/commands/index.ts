import type { CommandName, COMMANDS } from "../cli/command-table.ts";
import type { Run } from "../cli/command.ts";
import { run as help } from "./about/help.ts";

/** What each command does, loaded when it runs. main.ts holds help itself. */
export const loaders: {
  readonly [Name in CommandName]: () => Promise<{ readonly run: Run<(typeof COMMANDS)[Name]> }>;
} = {
  share: () => import("./message/share.ts"),
  view: () => import("./message/view.ts"),
  keys: () => import("./message/keys.ts"),
  create: () => import("./ssh-vault/create.ts"),
  edit: () => import("./ssh-vault/edit.ts"),
  fingerprint: () => import("./ssh-vault/fingerprint.ts"),
  unlock: () => import("./repository/unlock.ts"),
  grant: () => import("./holders/grant.ts"),
  holders: () => import("./holders/holders.ts"),
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
  "deploy check": () => import("./deploy/check.ts"),
  "deploy values": () => import("./deploy/values.ts"),
  "deploy plan": () => import("./deploy/plan.ts"),
  "deploy apply": () => import("./deploy/apply.ts"),
  "deploy rollback": () => import("./deploy/rollback.ts"),
  "deploy rollout": () => import("./deploy/rollout.ts"),
  "deploy verify": () => import("./deploy/verify.ts"),
  "deploy nodes": () => import("./deploy/nodes.ts"),
  "deploy certs": () => import("./deploy/certs.ts"),
  "deploy fetch": async () => ({ run: (await import("./deploy/archives.ts")).fetchArchives }),
  "deploy lock": async () => ({ run: (await import("./deploy/archives.ts")).lockArchives }),
  doctor: () => import("./about/doctor.ts"),
  help: async () => ({ run: help }),
  completion: () => import("./about/completion.ts"),
  "clear-clipboard": () => import("./about/clear-clipboard.ts"),
};
