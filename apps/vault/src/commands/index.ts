import { run as help } from "./help.ts";
import type { CommandName, Invocation } from "../table.ts";

/** What a command's module exports. */
interface CommandModule {
  run(invocation: Invocation): Promise<void>;
}

/** What each command of the table does. A module is loaded when its command runs; main.ts holds help itself. */
export const commands: Readonly<Record<CommandName, () => Promise<CommandModule>>> = {
  share: () => import("./share.ts"),
  view: () => import("./view.ts"),
  keys: () => import("./keys.ts"),
  create: () => import("./create.ts"),
  edit: () => import("./edit.ts"),
  fingerprint: () => import("./fingerprint.ts"),
  unlock: () => import("./unlock.ts"),
  grant: () => import("./grant.ts"),
  holders: () => import("./holders.ts"),
  sync: () => import("./sync.ts"),
  revoke: () => import("./revoke.ts"),
  init: () => import("./init.ts"),
  lock: () => import("./lock.ts"),
  status: () => import("./status.ts"),
  rotate: () => import("./rotate.ts"),
  decrypt: () => import("./decrypt.ts"),
  "export-key": () => import("./export-key.ts"),
  keygen: () => import("./keygen.ts"),
  "migrate-key": () => import("./migrate-key.ts"),
  hooks: () => import("./hooks.ts"),
  filter: () => import("./filter.ts"),
  merge: () => import("./merge.ts"),
  "deploy check": () => import("./deploy-check.ts"),
  "deploy values": () => import("./deploy-values.ts"),
  "deploy plan": () => import("./deploy-plan.ts"),
  "deploy apply": () => import("./deploy-apply.ts"),
  "deploy rollback": () => import("./deploy-rollback.ts"),
  "deploy rollout": () => import("./deploy-rollout.ts"),
  "deploy verify": () => import("./deploy-verify.ts"),
  "deploy nodes": () => import("./deploy-nodes.ts"),
  "deploy certs": () => import("./deploy-certs.ts"),
  "deploy fetch": () => import("./deploy-fetch.ts"),
  "deploy lock": () => import("./deploy-lock.ts"),
  doctor: () => import("./doctor.ts"),
  help: async () => ({ run: help }),
  completion: () => import("./completion.ts"),
  "clear-clipboard": () => import("./clear-clipboard.ts"),
};
