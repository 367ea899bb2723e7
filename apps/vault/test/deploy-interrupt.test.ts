import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DeployWorld, deployWorld, peer, run, variants } from "@git-vault/testkit";
import { openTerminal } from "@git-vault/testkit/terminal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/** Jobs of Helm's own rollback and upgrade: while one's pod is not ready, Helm is at it. */
const hook = (when: string): string => `apiVersion: batch/v1
kind: Job
metadata:
  name: ${when}
  annotations: {helm.sh/hook: ${when}, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: hook, image: "tool:1"}]}
`;

let world: DeployWorld;
beforeEach(async () => {
  world = await deployWorld({ "hooks.yaml": [hook("pre-rollback"), hook("pre-upgrade")].join("---\n") });
});
afterEach(() => world[Symbol.asyncDispose]());

/** Helm's own revisions: number and status. */
const history = (): string[] =>
  world.kubernetes
    .list("v1", "Secret", "prod")
    .filter(({ type }) => type === "helm.sh/release.v1")
    .map(({ metadata }) => metadata.labels as Record<string, string>)
    .toSorted((a, b) => Number(a["version"]) - Number(b["version"]))
    .map(({ version, status }) => `${version} ${status}`);

const APPLY = ["deploy", "apply", "prod", "--yes"];

describe.each(variants(peer("helm3"), peer("helm4")))("vault deploy apply with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("that is interrupted", () => {
    const options = (): { cwd: string; env: Record<string, string> } => ({
      cwd: world.repository.path,
      env: world.environment(helm),
    });

    test("goes back, however often Ctrl-C is pressed on its terminal, and ends with 130", async () => {
      expect(await run(VAULT, APPLY, options())).toMatchObject({ status: 0 });
      world.kubernetes.podRules.push(
        { image: /slow/, becomes: "unready" },
        { name: /^pre-rollback/, becomes: "unready" },
      );
      await world.withConfig("image: web:slow\n", async () => {
        using terminal = openTerminal(VAULT, APPLY, { ...options(), deadline: 240_000 });
        await terminal.waitFor(/revision 2 is there, waiting for its workloads/);
        terminal.type("\x03\x03\x03");
        // Helm's rollback waits for its hook: it lives through what else is typed.
        await terminal.waitFor(/going back to revision 1/);
        await until(() => history().at(-1) === "3 pending-rollback");
        for (const _ of ["once more", "and again"]) {
          terminal.press("ctrl-c");
          await terminal.waitFor(/vault: still rolling back to revision 1; broken off, prod would be left half-way/);
        }
        expect(history()).toEqual(["1 superseded", "2 deployed", "3 pending-rollback"]);
        world.kubernetes.podRules.pop();
        await terminal.waitFor(/back to revision 1 \(as revision 3\)/);
        await terminal.waitFor(/error: interrupted; the release prod is back at revision 1 \(as revision 3\)\n/);
        expect(await terminal.ended).toMatchObject({ status: 130, sane: true });
      });
      expect(history()).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
      expect(JSON.stringify(world.kubernetes.get("apps/v1", "Deployment", "prod", "web"))).toContain('"web:1"');
    });

    test("lets Helm clean up what it is at, and Ctrl-C does not kill it", async () => {
      expect(await run(VAULT, APPLY, options())).toMatchObject({ status: 0 });
      world.kubernetes.podRules.push({ name: /^pre-upgrade/, becomes: "unready" });
      await world.withConfig("image: web:2\n", async () => {
        using terminal = openTerminal(VAULT, APPLY, { ...options(), deadline: 240_000 });
        await terminal.waitFor(/upgrading from revision 1/);
        await until(() => history().at(-1) === "2 pending-upgrade");
        terminal.type("\x03\x03\x03");
        expect(await terminal.ended).toMatchObject({ status: 130, sane: true });
      });
      expect(history()).toEqual(["1 superseded", "2 failed", "3 deployed"]);
    });

    test("ends with 143 after SIGTERM, and lets several of them not break the clean-up", async () => {
      expect(await run(VAULT, APPLY, options())).toMatchObject({ status: 0 });
      world.kubernetes.podRules.push({ image: /slow/, becomes: "unready" });
      await world.withConfig("image: web:slow\n", async () => {
        const log = join(world.repository.folder, "audit.ndjson");
        const args = [...APPLY, "--audit-log", log];
        const child = spawn(VAULT, args, { ...options(), stdio: ["ignore", "ignore", "pipe"] });
        let said = "";
        child.stderr.on("data", (chunk: Buffer) => {
          const before = said;
          said += chunk.toString();
          for (const moment of ["waiting for its workloads", "going back to revision 1"])
            if (said.includes(moment) && !before.includes(moment)) child.kill("SIGTERM");
        });
        const [status] = await once(child, "close");
        const state = "interrupted; the release prod is back at revision 1 (as revision 3)";
        expect({ status, said }).toEqual({ status: 143, said: expect.stringContaining(`error: ${state}\n`) });
        expect(JSON.parse(readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "")).toMatchObject({
          event: "failed",
          code: "INTERRUPTED",
          message: state,
        });
      });
      expect(history()).toEqual(["1 superseded", "2 superseded", "3 deployed"]);
    });
    test("that was killed while it waited leaves what is not gone back to", async () => {
      expect(await run(VAULT, APPLY, options())).toMatchObject({ status: 0 });
      world.kubernetes.podRules.push({ image: /slow/, becomes: "unready" });
      await world.withConfig("image: web:slow\n", async () => {
        const child = spawn(VAULT, APPLY, { ...options(), stdio: ["ignore", "ignore", "pipe"] });
        let said = "";
        child.stderr.on("data", (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes("waiting for its workloads")) child.kill("SIGKILL");
        });
        await once(child, "close");
      });
      expect(history()).toEqual(["1 superseded", "2 deployed"]);
      // The Lease of the killed run ran out.
      for (const lease of world.kubernetes.list("coordination.k8s.io/v1", "Lease")) world.kubernetes.remove(lease);
      await world.withConfig("image: web:slower\n", async () => {
        const { status, stderr } = await run(VAULT, [...APPLY, "--timeout", "1"], options());
        expect({ status, stderr }).toEqual({
          status: 1,
          stderr: expect.stringContaining("prod: back to revision 1 (as revision 4)\n"),
        });
      });
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
