/*
 * All commands, in the order of `vault help`. It is data alone; what the commands do is loaded when
 * one runs, from commands/index.ts.
 */
import { ABOUT_COMMANDS } from "../commands/about/specs.ts";
import { DEPLOY_COMMANDS } from "../commands/deploy/specs.ts";
import { HOLDER_COMMANDS } from "../commands/holders/specs.ts";
import { MESSAGE_COMMANDS } from "../commands/message/specs.ts";
import { REPOSITORY_COMMANDS, UNLOCK } from "../commands/repository/specs.ts";
import { SSH_VAULT_COMMANDS } from "../commands/ssh-vault/specs.ts";
import type { CommandSpec, Flags } from "./command.ts";
import { GLOBAL_FLAGS } from "./flags.ts";

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

export type CommandName = keyof typeof COMMANDS;

/** The commands with their names. */
export const NAMED_COMMANDS: readonly (readonly [name: string, command: CommandSpec])[] = Object.entries(COMMANDS);

/** Those that `vault help` shows. */
export const SHOWN_COMMANDS = NAMED_COMMANDS.filter(([, { group }]) => group !== undefined);

/** The first words of the commands of two words, each with the second ones. */
export const FAMILIES: ReadonlyMap<string, readonly string[]> = NAMED_COMMANDS.reduce((families, [name]) => {
  const [first = "", second] = name.split(" ");
  return second === undefined ? families : families.set(first, [...(families.get(first) ?? []), second]);
}, new Map<string, string[]>());

/** The flags that a command takes, or those that stand without one. */
export const flagsOf = (command: CommandSpec | null): Flags => ({ ...command?.flags, ...GLOBAL_FLAGS });

/** The flags of all commands. */
export const ALL_FLAGS: Flags = Object.assign({}, ...NAMED_COMMANDS.map(([, { flags }]) => flags), GLOBAL_FLAGS);

/** The chapters of `vault help`, beside the commands. */
export const TOPICS = {
  recipients: "how a recipient is named",
  "exit-codes": "what the exit codes mean",
  environment: "the environment variables that are honoured",
  json: "what --json prints",
  checks: "what `vault deploy check` looks for; `vault help` and the id of one, such as tls, tells of it",
} as const;
