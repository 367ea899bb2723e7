import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, runOk, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { VAULT } from "./program.ts";

test("`--version --json` tells what runs, as a bug report needs it", async () => {
  const said: unknown = JSON.parse((await runOk(process.execPath, [VAULT, "--version", "--json"])).toString());
  expect(said).toEqual({
    vault: expect.stringMatching(/^\d+\.\d+\.\d+/),
    commit: null, // a build of nobody's release
    standalone: false,
    node: process.versions.node,
    openssl: process.versions.openssl,
    git: expect.stringMatching(/^\d+\.\d+/),
    platform: `${process.platform}-${process.arch}`,
  });
});

test("doctor tells where `vault` is another program, and of ours what a bug report needs", async () => {
  using repository = await throwawayRepository();
  const folders = ["others", "ours"].map((name) => join(repository.folder, name));
  for (const folder of folders) mkdirSync(folder);
  const [others = "", ours = ""] = folders;
  writeFileSync(join(others, "vault"), "#!/bin/sh\necho Vault v1.20.0\n");
  chmodSync(join(others, "vault"), 0o755);
  for (const name of ["vault", "git-vault"]) symlinkSync(VAULT, join(ours, name));
  const doctor = (first: string, second: string, ...words: string[]): Promise<{ stdout: Buffer }> => {
    const PATH = [first, second, repository.env["PATH"]].join(delimiter);
    return run("git", ["vault", "doctor", ...words], { cwd: repository.path, env: { ...repository.env, PATH } });
  };
  const told = (await doctor(others, ours)).stdout.toString();
  expect(told).toMatch(/^vault \d\S*, Node \d\S*, OpenSSL \d\S*, git \d\S*, on \w+-\w+\n/);
  expect(told).toContain(`\`vault\` runs another program, ${others}/vault: say \`git vault\` for this one\n`);
  expect(JSON.parse((await doctor(others, ours, "--json")).stdout.toString())).toMatchObject({
    otherVault: `${others}/vault`,
  });
  expect((await doctor(ours, others)).stdout.toString()).not.toContain("another program");
});
