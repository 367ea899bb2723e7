import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deployWorld, makeSshKey, peer, run, throwawayRepository, type RunResult } from "@git-vault/testkit";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { flagsOf } from "../src/cli/command-table.ts";
import { JSON_OUTPUTS } from "../src/cli/json-shapes.ts";
import { TABLE } from "../src/commands/index.ts";
import { jsonSchemas } from "../src/json-schemas.ts";
import { VAULT } from "./program.ts";

/* What the built command prints with --json is what its schema says, and no field more. */
const strict = jsonSchemas(true);
const ajv = new Ajv({ allErrors: true });
const compiled = new Map(Object.entries(strict).map(([name, schema]) => [name, ajv.compile(schema)]));
const seen = new Set<string>();

function expectShape(name: string, text: string): void {
  const check = compiled.get(name);
  const isRight = check?.(JSON.parse(text)) ?? false;
  expect({
    name,
    isRight,
    wrong: isRight ? "" : `${JSON.stringify(check?.errors?.slice(0, 5))} in ${text.slice(0, 1500)}`,
  }).toEqual({
    name,
    isRight: true,
    wrong: "",
  });
  seen.add(name);
}

/** Schemas that no output was looked at for. */
const notSeen = (isWanted: (name: string) => boolean): string[] =>
  Object.keys(strict).filter((name) => isWanted(name) && !seen.has(name));

interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a command with --json, and looks at what it prints. */
async function json(
  place: Place,
  line: readonly string[],
  input = "",
  statuses: readonly number[] = [0],
): Promise<string> {
  const { status, stdout, stderr }: RunResult = await run(VAULT, [...line, "--json"], { ...place, input });
  expect({ line: line.join(" "), stderr, isKnown: statuses.includes(status ?? -1) }).toMatchObject({ isKnown: true });
  const [first = "", second = ""] = line;
  const name = TABLE.families.has(first) ? `${first}-${second}` : first.replace("--", "");
  expectShape(name, stdout.toString());
  return stdout.toString();
}

test("there is a shape for each command that has --json, and for no other", () => {
  const withJson = TABLE.commands
    .filter(([, command]) => Object.hasOwn(flagsOf(command), "json"))
    .map(([name]) => name);
  expect(Object.keys(JSON_OUTPUTS).toSorted()).toEqual([...withJson, "error", "version"].toSorted());
});

test("messages, keys and repositories", async () => {
  using repository = await throwawayRepository();
  const home = repository.env["HOME"] ?? "";
  mkdirSync(join(home, ".ssh"));
  mkdirSync(join(home, "bob"));
  await makeSshKey({ type: "ed25519", folder: join(home, ".ssh") });
  const bob = (await makeSshKey({ type: "rsa", bits: 2048, folder: join(home, "bob"), name: "id_rsa" })).publicKeyPath;
  const own = join(home, ".ssh/id_ed25519.pub");
  const place: Place = { cwd: repository.path, env: { ...repository.env, EDITOR: "true" } };
  const at = (line: string, input = "", statuses = [0]): Promise<string> =>
    json(place, line.split(" "), input, statuses);

  await at("--version");
  await at("init secrets/** --yes");
  repository.write("secrets/token", "secret");
  await repository.commit("a secret");
  await at("status", "", [0, 7]);
  await at("doctor", "", [0, 7]);
  await at("hooks install");
  await at("hooks check");
  await at("hooks test", "", [0, 7]);
  await at("hooks remove");
  const shared = await at(`share --key-name default --to ${own} --to ${bob} --yes`);
  const { message } = JSON.parse(shared) as { message: string };
  await at("view --offline", message);
  writeFileSync(join(home, "message"), message);
  await at(`keys ${own} ${bob}`);
  await at("keys new");
  await at(`fingerprint --key ${bob}`);
  const made = JSON.parse(await at(`create --key ${own}`, "a text")) as { vault: string };
  writeFileSync(join(home, "message.vault"), made.vault);
  await at(`edit ${join(home, "message.vault")}`);
  await at("decrypt HEAD:secrets/token");
  await at("export-key");
  await at("keygen");
  await at(`export-key --output ${join(home, "key")}`);
  await at(`migrate-key ${join(home, "key")}`, "", [0]);
  await at(`grant ${bob} --yes`);
  await at("holders --offline", "", [0, 7]);
  await at("log");
  await at("sync --check", "", [0, 7]);
  await at("rotate --yes");
  const { holders } = JSON.parse(await at("holders --offline", "", [0, 7])) as {
    holders: { holder: string; keys: { fingerprint: string }[] }[];
  };
  const theirs = holders.find(({ holder }) => holder.includes("id_rsa"))?.keys[0]?.fingerprint ?? "";
  await at(`revoke ${theirs} --yes`);
  await at("lock --without-copy");
  await at("unlock --yes");
  const wrong = await run(VAULT, ["view", "nowhere", "--json"], place);
  expectShape("error", wrong.stderr);
  expect(notSeen((name) => !name.startsWith("deploy-"))).toEqual([]);
});

const helm = peer("helm4");

test.skipIf(helm.missing)(`deployments: ${helm.label}`, async () => {
  await using world = await deployWorld();
  const place: Place = { cwd: world.repository.path, env: world.environment(helm.path) };
  const at = (line: string, statuses = [0]): Promise<string> =>
    json(place, ["deploy", ...line.split(" ")], "", statuses);
  await at("init --dry-run");
  await at("check", [0, 7]);
  await at("values prod");
  await at("values prod --explain image");
  await at("template prod");
  await at("plan prod");
  await at("apply prod --yes");
  await at("rollout prod --yes", [0, 1, 7]);
  await world.withConfig("image: web:2\n", async () => {
    await at("apply prod --yes");
  });
  await at("rollback prod --yes");
  await at("drift", [0, 7]);
  await at("verify", [0, 7]);
  await at("certs", [0, 7]);
  await at("nodes prod", [0, 7]);
  await at("nodes prod cordon core-1 --force");
  await at("rights prod");
  await at("lock --check", [0, 7]);
  await at("lock");
  await at("fetch");
  expect(notSeen((name) => name.startsWith("deploy-"))).toEqual([]);
});
