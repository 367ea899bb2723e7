/*
 * What a file of sops says of itself, under its key `sops`: nothing of it is authentic but what the
 * MAC covers.
 */
import { printable } from "@git-vault/core";
import { DeployError } from "../errors.ts";
import { at, isMap, listAt, newMap, textAt, type Value, type ValueMap } from "../values/value.ts";
import { valueOf, type Yaml } from "../values/yaml.ts";
import { remember } from "../remember.ts";

/** A copy of the data key that a cloud, or a server, can open. */
export interface CloudKey {
  /** `KIND:NAME`, such as `gcp_kms:projects/a/locations/b/keyRings/c/cryptoKeys/d`. */
  readonly name: string;
  readonly kind: string;
  /** What sops knows of it, as the file has it: all of it text. */
  readonly entry: ValueMap;
}

/** Anyone who has one of these keys has the data key, or its part of it. */
export interface KeyGroup {
  /** Sealed messages of age, then of OpenPGP, in armor. */
  readonly sealed: readonly { readonly to: string; readonly message: string }[];
  readonly cloud: readonly CloudKey[];
}

/** Which values are encrypted: by the keys that lead to them, or as comments say. */
export type EncryptionRule = { readonly isEncrypted: (path: readonly string[]) => boolean } | "comments";

/** What is needed to read the file. */
export interface SopsMetadata {
  readonly groups: readonly KeyGroup[];
  /** How many of the groups are needed, where there are several. */
  readonly threshold: number;
  readonly lastModified: string;
  readonly mac: string;
  readonly macOnlyEncrypted: boolean;
  readonly rule: EncryptionRule;
  /** What sops needs beside the keys, as the file has it: nothing that names a server. */
  readonly rest: ValueMap;
}

/** How many keys a file may be encrypted to: each is tried. */
const MOST_KEYS = 200;

/** By what each kind of cloud key is named: what it must have, and what it may have beside that. */
const CLOUD: Readonly<Record<string, readonly [must: readonly string[], may: readonly string[]]>> = {
  kms: [["arn"], ["role", "aws_profile"]],
  gcp_kms: [["resource_id"], []],
  hckms: [["key_id"], []],
  azure_kv: [["vault_url", "name"], ["version"]],
  hc_vault: [["vault_address", "engine_path", "key_name"], []],
};

/** What each kind has that names nothing. `context` is a map of texts. */
const OF_ENTRIES = ["created_at", "enc", "context"];

const RULES = [
  "unencrypted_suffix",
  "encrypted_suffix",
  "unencrypted_regex",
  "encrypted_regex",
  "unencrypted_comment_regex",
  "encrypted_comment_regex",
] as const;

/** Which of its keys sops needs beside those of clouds, and which other ones it knows. */
const OF_ALL = ["lastmodified", "mac", "version", ...RULES];
const OTHERS = ["age", "pgp", "key_groups", "shamir_threshold", "mac_only_encrypted"];

/** What stands under `sops` at the top of a file; null where sops did not write that. */
export function metadataIn(top: Yaml | undefined): Value | null {
  const entry = top?.kind === "map" ? top.entries.get("sops")?.value : undefined;
  const value = entry?.kind === "map" ? valueOf(entry) : null;
  return textAt(value, "mac") === "" || textAt(value, "lastmodified") === "" ? null : value;
}

/**
 * The metadata of a file whose top is `top`; null where it is none of sops's.
 *
 * @throws DeployError TAMPERED_FILE where it cannot be used
 */
export async function metadataOf(file: string, top: Yaml | undefined): Promise<SopsMetadata | null> {
  const value = metadataIn(top);
  if (value === null) return null;
  const [mac, lastModified] = [textAt(value, "mac"), textAt(value, "lastmodified")];
  const several = listAt(value, "key_groups");
  assertSpelled(file, value, [...OF_ALL, ...Object.keys(CLOUD), ...OTHERS]);
  const groups = (several.length > 0 ? several : [value]).map((group) => groupOf(file, group));
  const threshold = Number(at(value, "shamir_threshold") ?? 0) || groups.length;
  // Go writes the time again, without fractions of a second.
  const time = lastModified.replace(/\.\d+(?=Z|[+-])/, "");
  const macOnlyEncrypted = /^(?:true|1)$/i.test(String(at(value, "mac_only_encrypted")));
  if (groups.flatMap(({ sealed, cloud }) => [...sealed, ...cloud]).length > MOST_KEYS)
    throw unusable(file, `expected at most ${MOST_KEYS} keys that open it`);
  const rule = await ruleOf(file, value);
  const rest = known(file, value, OF_ALL);
  if (macOnlyEncrypted) rest["mac_only_encrypted"] = true;
  return { groups, threshold, lastModified: time, mac, macOnlyEncrypted, rule, rest };
}

function groupOf(file: string, group: unknown): KeyGroup {
  const sealed = (kind: string, to: string): KeyGroup["sealed"] =>
    listAt(group, kind).map((one) => ({ to: textAt(one, to), message: textAt(one, "enc") }));
  return {
    sealed: [...sealed("age", "recipient"), ...sealed("pgp", "fp")],
    cloud: Object.entries(CLOUD).flatMap(([kind, names]) =>
      listAt(group, kind).map((entry) => cloudKeyOf(file, kind, entry, names)),
    ),
  };
}

/**
 * No part of a name may be left out, so that no name stands for two keys; of those that a key may
 * have, the last may.
 */
function cloudKeyOf(
  file: string,
  kind: string,
  entry: unknown,
  [must, may]: readonly [must: readonly string[], may: readonly string[]],
): CloudKey {
  const lacking = must.find((field) => textAt(entry, field) === "");
  if (lacking !== undefined) throw unusable(file, `a key of ${kind} has no ${lacking}`);
  const fields = [...must, ...may, ...OF_ENTRIES];
  assertSpelled(file, entry, fields);
  const beside = may.map((field) => textAt(entry, field));
  while (beside.at(-1) === "") beside.pop();
  const name = [...must.map((field) => textAt(entry, field)), ...beside].join("/");
  return { kind, name: `${kind}:${name}`, entry: known(file, entry, fields) };
}

/** A program that does not tell `Vault_Address` from `vault_address` would read another file. */
function assertSpelled(file: string, map: unknown, fields: readonly string[]): void {
  const other = Object.keys(isMap(map) ? map : {}).find(
    (key) => !fields.includes(key) && fields.some((field) => RegExp(`^${field}$`, "iu").test(key)),
  );
  if (other !== undefined) throw unusable(file, `expected no other spelling of a key of sops, got ${printable(other)}`);
}

/** Those of the fields that a map has, as text. */
function known(file: string, map: unknown, fields: readonly string[]): ValueMap {
  const found = newMap();
  for (const field of fields) {
    const value = at(map, field) ?? "";
    const isContext =
      field === "context" && isMap(value) && Object.values(value).every((one) => typeof one === "string");
    if (isContext || (typeof value === "string" && value !== "")) found[field] = value;
    else if (value !== "") throw unusable(file, `expected text for ${field} of sops`);
  }
  return found;
}

async function ruleOf(file: string, value: Value): Promise<EncryptionRule> {
  const said = RULES.filter((rule) => textAt(value, rule) !== "");
  const [rule = "unencrypted_suffix"] = said;
  if (said.length > 1) throw unusable(file, `sops takes one rule of what is encrypted, got ${said.join(", ")}`);
  if (rule.includes("comment")) return "comments";
  const text = said.length === 0 ? "_unencrypted" : textAt(value, rule);
  const matches = rule.endsWith("_suffix") ? (key: string) => key.endsWith(text) : await regex(file, text);
  const isFound = (path: readonly string[]): boolean => path.some(matches);
  return { isEncrypted: rule.startsWith("un") ? (path) => !isFound(path) : isFound };
}

/** Of a regular expression, in characters: a few of them can repeat a thousand times. */
const LONGEST_REGEX = 512;
/** What all keys of a file may take to be looked at: characters times the expression's steps. */
const MOST_WORK = 32 * 1024 * 1024;

/**
 * Tells of each key once whether it matches. Its library is loaded by no file that has another
 * rule.
 */
async function regex(file: string, text: string): Promise<(key: string) => boolean> {
  if (text.length > LONGEST_REGEX)
    throw unusable(file, `what sops is to encrypt is a regular expression of more than ${LONGEST_REGEX} characters`);
  const { RE2JS } = await import("re2js");
  let compiled: ReturnType<typeof RE2JS.compile>;
  try {
    compiled = RE2JS.compile(text);
  } catch (cause) {
    throw unusable(file, "what sops is to encrypt is no regular expression that it takes", cause);
  }
  const steps = compiled.programSize();
  const told = new Map<string, boolean>();
  let room = MOST_WORK;
  return (key) =>
    remember(told, key, () => {
      room -= steps * key.length;
      if (room < 0) throw unusable(file, "what sops is to encrypt is too long a regular expression for so many keys");
      return compiled.matcher(key).find();
    });
}

const unusable = (file: string, what: string, cause?: unknown): DeployError =>
  new DeployError("TAMPERED_FILE", `${file}: ${what}`, { place: { file }, cause });
