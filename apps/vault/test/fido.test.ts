import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTeamWorld, peer, run, runOk, startFidoAgent, type RunResult, type TeamWorld } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Alice signs with a FIDO key, which only an agent can. OpenSSH's own programs are asked whether
 * the agent is one, and whether the signatures are.
 */

const sshKeygen = peer("ssh-keygen");
const BEGIN = "-----BEGIN SSH SIGNATURE-----";

describe.skipIf(sshKeygen.missing).each(["ed25519", "ecdsa"] as const)(
  `an sk-%s key in an agent, by ${sshKeygen.label}`,
  (kind) => {
    let world: TeamWorld;
    let agent: Awaited<ReturnType<typeof startFidoAgent>>;
    beforeAll(async () => {
      world = await makeTeamWorld(VAULT, ["alice", "bob"]);
      agent = await startFidoAgent(world.folder, kind);
      const { keys = [] } = world.github.users.get("alice") ?? {};
      world.github.users.set("alice", { id: 100, keys: [...keys, agent.publicKey] });
      await world.begin({ SSH_AUTH_SOCK: agent.path });
    });
    afterAll(async () => {
      await agent[Symbol.asyncDispose]();
      await world.close();
    });

    const withAgent = (program: string, args: readonly string[], input = ""): Promise<RunResult> =>
      run(program, args, {
        cwd: world.clone("alice"),
        env: { ...world.environment("alice"), SSH_AUTH_SOCK: agent.path },
        input: Buffer.from(input),
      });
    const verified = async (namespace: string, signature: string, message: string): Promise<RunResult> => {
      writeFileSync(join(world.folder, "allowed"), `alice ${agent.publicKey}\n`);
      writeFileSync(join(world.folder, "signature"), signature);
      const files = ["-f", join(world.folder, "allowed"), "-s", join(world.folder, "signature")];
      return withAgent("ssh-keygen", ["-Y", "verify", "-I", "alice", "-n", namespace, ...files], message);
    };

    test("is one that OpenSSH takes for one", async () => {
      expect((await withAgent("ssh-add", ["-L"])).stdout.toString()).toBe(`${agent.publicKey} a FIDO key\n`);
      const file = join(world.folder, "fido.pub");
      writeFileSync(file, `${agent.publicKey}\n`);
      const signed = await withAgent("ssh-keygen", ["-Y", "sign", "-f", file, "-n", "file"], "text");
      expect(await verified("file", signed.stdout.toString(), "text")).toMatchObject({ status: 0 });
    });

    test("signs a message, whose receiver is told by whom", async () => {
      const shared = await withAgent("vault", ["share", "--sign", "--to", "bob", "-o", "message", "secrets/password"]);
      expect(shared.stderr).toMatch(/^vault: signed as github:alice with SHA256:/m);
      expect(shared).toMatchObject({ status: 0 });
      await world.join("bob");
      const seen = await world.as("bob", `vault view --require-signature ${join(world.clone("alice"), "message")}`);
      expect(seen).toContain("hunter2\n");
      expect(seen).toMatch(/^vault: signed by github:alice, dated .* with SHA256:\S+, a key of theirs on GitHub$/m);
      await runOk("rm", [join(world.clone("alice"), "message")]);
    });

    test("is refused where nobody touches it, and nothing is written or granted", async () => {
      agent.isTouched = false;
      const head = await world.as("alice", "git rev-parse HEAD");
      for (const args of [
        ["share", "--sign", "--to", "bob", "-o", "untouched", "secrets/password"],
        ["grant", "--yes", "bob"],
      ]) {
        const before = agent.signatures;
        const refused = await withAgent("vault", args);
        expect(refused.stderr).toContain("the SSH agent gave a signature that does not fit");
        expect(refused.status).not.toBe(0);
        expect(agent.signatures).toBe(before + 1);
      }
      agent.isTouched = true;
      expect(await world.as("alice", "git status --porcelain --ignored")).toBe("");
      expect(await world.as("alice", "git rev-parse HEAD")).toBe(head);
    });

    test("signs an entry of the members log, which ssh-keygen verifies", async () => {
      const before = agent.signatures;
      expect(await withAgent("vault", ["grant", "--yes", "bob"])).toMatchObject({ status: 0 });
      expect(agent.signatures).toBe(before + 1);
      const shown = await world.as("alice", "git show --name-only --format= HEAD");
      const file = shown.split("\n").find((path) => path.startsWith(".git-vault/members/"));
      const text = readFileSync(join(world.clone("alice"), file ?? ""), "utf8");
      const at = text.indexOf(BEGIN);
      expect(at).toBeGreaterThan(0);
      const check = (message: string): Promise<RunResult> => verified("members@git-vault", text.slice(at), message);
      expect(await check(text.slice(0, at))).toMatchObject({ status: 0 });
      expect(await check(`${text.slice(0, at)}x`)).not.toMatchObject({ status: 0 });
      expect(await world.as("alice", "vault holders")).toMatch(
        /^github:bob {2}admin, since .*, added by github:alice$/m,
      );
    });
  },
);
