import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { encryptBlob, parseKeyFile } from "@git-vault/git-crypt";
import { type DeployWorld, deployWorld, PASSWORD, peer, run, variants } from "@git-vault/testkit";
import { mintCertificate, startTlsServer } from "@git-vault/testkit/network";
import { openTerminal, screenRows } from "@git-vault/testkit/terminal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { diagramOf } from "../src/commands/deploy/rollout-summary.ts";
import { VAULT } from "./program.ts";

/*
 * Three environments, each in a namespace of its own of one cluster: staging, and the two of prod.
 */
const NAMES = ["staging", "gke", "ovh"];

let world: DeployWorld;
beforeEach(async () => {
  world = await deployWorld();
  const environments = NAMES.map((name) => [
    name,
    {
      tier: name === "staging" ? "staging" : "prod",
      cluster: { uid: world.kubernetes.identity },
      kubeconfig: `secrets/${name}-kubeconfig.yaml`,
      layers: [`config/${name}.yaml`, "secrets/config/prod.yaml"],
    },
  ]);
  world.repository.write(
    "deploy.yaml",
    JSON.stringify({ chart: "app", environments: Object.fromEntries(environments) }),
  );
  world.kubernetes.tokens.set("good", { username: "deployer" });
  for (const name of NAMES) {
    world.repository.write(`config/${name}.yaml`, "image: web:1\n");
    signIn(name);
  }
  await world.repository.commit("three environments");
});
afterEach(() => world[Symbol.asyncDispose]());

/** Writes an environment's kubeconfig, encrypted. */
function signIn(name: string, token = "good", change: (text: string) => string = (text) => text): void {
  const text = change(world.kubernetes.kubeconfig({ token }));
  const key = parseKeyFile(Buffer.from(world.key, "base64"));
  world.repository.write(`secrets/${name}-kubeconfig.yaml`, encryptBlob(key, Buffer.from(text)));
}

const running = (): string[] =>
  world.kubernetes.list("apps/v1", "Deployment").map(({ metadata }) => metadata.namespace ?? "");

describe.each(variants(peer("helm3"), peer("helm4")))("vault deploy rollout with $label", ({ path: helm, missing }) => {
  describe.skipIf(missing)("is a command that", () => {
    const options = (): { cwd: string; env: Record<string, string> } => ({
      cwd: world.repository.path,
      env: world.environment(helm),
    });
    const rollOut = async (...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> => {
      const { status, stdout, stderr } = await run(VAULT, ["deploy", "rollout", "--yes", ...args], options());
      expect(stdout.toString() + stderr).not.toContain(PASSWORD);
      return { status, stdout: stdout.toString(), stderr };
    };

    test("deploys to all, staging first, and tells what happens where", async () => {
      const { status, stdout, stderr } = await rollOut("--canary", "gke");
      expect({ status, stdout }).toEqual({ status: 0, stdout: "staging: done\ngke: done\novh: done\n" });
      const steps = ["plan", "apply", "verify", "done"].map((step) => `${step}\n`);
      const lines = NAMES.flatMap((name) => steps.map((step) => `vault: ${name}: ${step}`));
      expect(stderr.split(/(?<=\n)/).filter((line) => lines.includes(line))).toEqual(lines);
      expect(stderr).toContain("vault: ovh: ovh: revision 1 is there, waiting for its workloads\n");
      expect(running().toSorted()).toEqual(["gke", "ovh", "staging"]);
    });

    test("ends with the code of the first that failed, as they are named, and one that fails stops no other", async () => {
      signIn("gke", "expired");
      signIn("ovh", "good", (text) => text.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
      await world.repository.commit("two that cannot be reached");
      const first = await rollOut("ovh", "staging", "gke", "ovh", "--json");
      expect(first.status).toBe(6);
      expect(JSON.parse(first.stdout)).toMatchObject({
        environments: [
          { environment: "ovh", state: "failed", step: "plan", error: { code: "UNREACHABLE" } },
          { environment: "staging", state: "done" },
          { environment: "gke", state: "failed", step: "plan", error: { code: "UNAUTHORIZED" } },
        ],
      });
      const second = await rollOut("staging", "gke", "ovh", "--quiet");
      expect(second).toMatchObject({ status: 4, stderr: "" });
      expect(second.stdout).toMatch(
        /^staging: done\ngke: failed to plan: the cluster answers 401 .*\n {2}the credential .*\novh: failed to plan: the cluster at .*\n$/,
      );
      expect(running()).toEqual(["staging"]);
    });

    test("deploys to no more where staging is not well", async () => {
      const backend = { service: { name: "none", port: { number: 80 } } };
      world.kubernetes.put({
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "edge", namespace: "staging" },
        spec: { rules: [{ host: "hub.example.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
      });
      const { status, stdout } = await rollOut();
      expect(status).toBe(7);
      expect(stdout).toBe(
        "staging: failed to verify: staging is not well: Ingress edge: the Service none is not there\n" +
          "  see `vault deploy verify staging`\n" +
          "gke: not begun, since it waits for staging\n" +
          "ovh: not begun, since it waits for staging\n",
      );
    });

    test("tells why a release did not become ready, and undoes it", async () => {
      world.kubernetes.podRules.push({
        namespace: "gke",
        becomes: "CrashLoopBackOff",
        logs: [`wrong password ${PASSWORD}`],
      });
      const { status, stdout, stderr } = await rollOut("gke", "--timeout", "1", "--quiet");
      expect({ status, stdout }).toMatchObject({
        status: 1,
        stdout: expect.stringContaining("gke: failed to apply: "),
      });
      expect(stderr).toContain("log of web: wrong password [secret]");
      expect(running()).toEqual([]);
    });

    test("draws a table on a terminal in its place, as wide as that, and wipes it in the end", async () => {
      world.kubernetes.podRules.push({ namespace: "gke", becomes: "unready" });
      const size = { cols: 50, rows: 24 };
      const args = ["deploy", "rollout", "--yes", "--timeout", "8", "--canary", "gke"];
      using terminal = openTerminal(VAULT, args, { ...options(), ...size, deadline: 240_000 });
      const tableNow = async (): Promise<string[]> =>
        (await screenRows(terminal.raw, size)).map(({ text }) => text).filter((row) => / {2}plan [·…✓✗] /.test(row));
      await terminal.waitFor(/gke: revision 1 is there/);
      await terminal.waitFor(/gke +plan ✓ {2}apply … {2}verify ·.*\n.*waiting/);
      expect(await tableNow()).toEqual([
        expect.stringMatching(/^staging {2}plan ✓ {2}apply ✓ {2}verify ✓ +\d+s {2}done$/),
        expect.stringMatching(/^gke {6}plan ✓ {2}apply … {2}verify · +\d+s {2}\S.*…$/),
        expect.stringMatching(/^ovh {6}plan · {2}apply · {2}verify · +waiting$/),
      ]);
      const { status, sane } = await terminal.ended;
      expect([status, sane]).toEqual([1, true]);
      expect(terminal.screen).toMatch(/gke +plan ✓ {2}apply ✗ {2}verify ·.* failed/);
      // oxlint-disable-next-line no-control-regex -- what would hide the cursor
      expect(terminal.raw).not.toMatch(/\u001b\[\?/);
      expect(await tableNow()).toEqual([]);
      const rows = (await screenRows(terminal.raw, { ...size, cols: 200 })).map(({ text }) => text);
      expect(rows).toContain("vault: gke: gke: removed again");
      expect(rows.at(-1)).toBe("ovh: not begun, since it waits for gke");
    });

    test("draws no table with --quiet, nor on a terminal that cannot", async () => {
      for (const [flags, TERM] of [
        [["--quiet"], "xterm"],
        [[], "dumb"],
      ] as const) {
        const { cwd, env } = options();
        const args = ["deploy", "rollout", "staging", "--yes", ...flags];
        using terminal = openTerminal(VAULT, args, { cwd, env: { ...env, TERM } });
        expect(await terminal.ended).toMatchObject({ status: 0 });
        // oxlint-disable-next-line no-control-regex -- what draws again
        expect(terminal.raw).not.toMatch(/plan …|\u001b\[(?!\d+m)/);
        expect(terminal.screen.includes("vault: staging: plan\n")).toBe(TERM === "dumb");
      }
    });

    test("is ended by Ctrl-C in the middle: what is under way is undone, and nothing more is begun", async () => {
      world.kubernetes.podRules.push({ namespace: "gke", becomes: "unready" });
      const args = ["deploy", "rollout", "--yes", "--parallel", "1"];
      using terminal = openTerminal(VAULT, args, { ...options(), deadline: 240_000 });
      await terminal.waitFor(/gke: revision 1 is there, waiting for its workloads/);
      terminal.press("ctrl-c");
      await terminal.waitFor(/gke: removed again/);
      await terminal.waitFor(
        /staging: done\s+gke: failed to apply: .*\s+[^]*ovh: not begun, since the run was interrupted/,
      );
      expect(await terminal.ended).toMatchObject({ status: 130, sane: true });
      expect(running()).toEqual(["staging"]);
    });
  });
});

/** Helm's records of a namespace: number and status. */
const history = (namespace: string): string[] =>
  world.kubernetes
    .list("v1", "Secret", namespace)
    .filter(({ type }) => type === "helm.sh/release.v1")
    .map(({ metadata }) => metadata.labels as Record<string, string>)
    .map(({ version, status }) => `${version} ${status}`);

/**
 * The record of a run of Helm that died at its first upgrade of a release, made from that of the
 * installation.
 */
function leaveHalfWay(namespace: string): void {
  const first = world.kubernetes.list("v1", "Secret", namespace).find(({ type }) => type === "helm.sh/release.v1");
  if (first === undefined) throw new Error("nothing was installed");
  const packed = (first["data"] as { release: string }).release;
  const text = gunzipSync(Buffer.from(Buffer.from(packed, "base64").toString(), "base64")).toString();
  const release = JSON.parse(text) as { version: number; info: { status: string } };
  release.version = 2;
  release.info.status = "pending-upgrade";
  const repacked = Buffer.from(gzipSync(JSON.stringify(release)).toString("base64")).toString("base64");
  const { name, labels = {} } = first.metadata;
  const { "git-vault/ready": _, ...others } = labels;
  world.kubernetes.put({
    apiVersion: "v1",
    kind: "Secret",
    type: "helm.sh/release.v1",
    metadata: {
      namespace,
      name: name.replace(/v1$/, "v2"),
      labels: { ...others, version: "2", status: "pending-upgrade" },
    },
    data: { release: repacked },
  });
}

const helm4 = peer("helm4");

describe.skipIf(helm4.missing)(`vault deploy rollout takes what apply and verify take, with ${helm4.label}:`, () => {
  const rollOut = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ status: number | null; stdout: string; stderr: string }> => {
    const { status, stdout, stderr } = await run(VAULT, ["deploy", "rollout", ...args], {
      cwd: world.repository.path,
      env: { ...world.environment(helm4.path), ...env },
    });
    return { status, stdout: stdout.toString(), stderr };
  };

  test("--audit-log, each of whose lines names the environment", async () => {
    const log = join(world.repository.folder, "audit.ndjson");
    expect(await rollOut(["gke", "ovh", "--yes", "--audit-log", log])).toMatchObject({ status: 0 });
    const lines = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { run: string; environment: string; event: string });
    for (const name of ["gke", "ovh"]) {
      const events = lines.filter(({ environment }) => environment === name).map(({ event }) => event);
      expect(events.filter((event) => event !== "progress")).toEqual([
        "begin",
        "upgrading",
        "upgraded",
        "ready",
        "end",
      ]);
    }
    expect(new Set(lines.map(({ run: its }) => its)).size).toBe(1);
    const unwritable = await rollOut(["gke", "--yes", "--audit-log", world.repository.folder]);
    expect([unwritable.status, unwritable.stdout]).toEqual([1, expect.stringContaining("the audit log cannot be")]);
  });

  test("--on-failure leave", async () => {
    world.kubernetes.podRules.push({ namespace: "gke", becomes: "CrashLoopBackOff" });
    const failed = await rollOut(["gke", "--yes", "--timeout", "1", "--on-failure", "leave"]);
    expect([failed.status, running()]).toEqual([1, ["gke"]]);
  });

  test("--history-max, and --repair of what a dead run left half-way", async () => {
    expect(await rollOut(["gke", "--yes"])).toMatchObject({ status: 0 });
    leaveHalfWay("gke");
    const busy = await rollOut(["gke", "--yes"]);
    expect([busy.status, busy.stdout]).toEqual([1, expect.stringContaining("--repair")]);
    const repaired = await rollOut(["gke", "--yes", "--repair", "--history-max", "2"]);
    expect([repaired.status, repaired.stderr]).toEqual([
      0,
      expect.stringContaining("gke: gke: revision 2 was left pending-upgrade by a run that is dead, and was repaired"),
    ]);
    expect(history("gke")).toEqual(["3 superseded", "4 deployed"]);
  });

  test("--address, for what is verified; and all that is found is told", async () => {
    const root = await mintCertificate({ commonName: "Test Root", authority: true });
    const served = await mintCertificate({ names: ["hub.example.test"], issuer: root, days: 20 });
    await using edge = await startTlsServer({ certificates: { "hub.example.test": served } });
    const backend = { service: { name: "web", port: { number: 80 } } };
    world.kubernetes.put({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "edge", namespace: "gke" },
      spec: {
        tls: [{ hosts: ["hub.example.test"] }],
        rules: [{ host: "hub.example.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
      },
    });
    const ca = join(world.repository.folder, "root.pem");
    writeFileSync(ca, root.certificate);
    const args = ["gke", "--yes", "--quiet", "--json"];
    const findingsOf = async (...more: string[]): Promise<string[]> => {
      const { status, stdout, stderr } = await rollOut([...args, ...more], { NODE_EXTRA_CA_CERTS: ca });
      expect([status, stderr]).toEqual([7, expect.stringContaining("(ingress-endpoints) [gke]\n")]);
      const [gke] = (JSON.parse(stdout) as { environments: { findings: { id: string }[] }[] }).environments;
      return gke?.findings.map(({ id }) => id) ?? [];
    };
    expect(await findingsOf()).toContain("certificate-unreachable");
    const there = await findingsOf("--address", `*=${edge.address}`);
    expect(there).not.toContain("certificate-unreachable");
    expect(there).toContain("certificate-expiry");
  });

  test("and refuses what is none before it asks", async () => {
    for (const [flag, value] of [
      ["--on-failure", "panic"],
      ["--history-max", "1"],
      ["--history-max", "-3"],
      ["--address", "hub"],
      ["--canary", "staging"],
      ["--canary", "nowhere"],
    ]) {
      const { status, stderr } = await rollOut([`${flag}=${value}`]);
      expect([status, stderr]).toEqual([2, expect.not.stringContaining("cannot be asked")]);
    }
    const strange = await rollOut(["nowhere"]);
    expect([strange.status, strange.stderr]).toEqual([2, expect.stringContaining("no environment of that name")]);
    for (const [args, why] of [
      [[], "there is no terminal"],
      [["--no-input"], "--no-input forbids it"],
    ] as const) {
      const { status, stderr } = await rollOut(args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(`cannot be asked: ${why}`)]);
    }
    expect(running()).toEqual([]);
  });
});

test("the order of a rollout is a diagram in Markdown, in which a name is nothing but a name", () => {
  const outcomes = [
    { environment: "staging", state: "done" },
    { environment: 'end"]-->x', state: "skipped", because: ["staging"] },
  ] as const;
  expect(diagramOf(outcomes, new Map([['end"]-->x', ["staging"]]]))).toBe(
    [
      "",
      "```mermaid",
      "graph LR",
      '  e0["✅ staging"]',
      '  e1["⏸️ end#34;#93;--#62;x"]',
      "  e0 --> e1",
      "```",
      "",
    ].join("\n"),
  );
});
