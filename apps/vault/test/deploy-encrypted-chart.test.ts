import { type DeployWorld, deployWorld, encryptWithGitCrypt, peer, variants } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { traced } from "./deploy-trace.ts";

/*
 * A script that is encrypted in the chart reaches Helm and the cluster, and is on no disk, on no
 * command line and in nothing that is printed.
 */
const NEEDLE = "canary-needle-93b1";
const SCRIPT = `#!/bin/sh\nif grep ${NEEDLE} /log; then exit 1; fi\n`;
const SOURCE = `apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data: {{ (.Files.Glob "files/**.sh").AsConfig | nindent 2 }}
`;
const strace = peer("strace");
let world: DeployWorld;

beforeAll(async () => {
  world = await deployWorld({ "scripts.yaml": SOURCE });
  world.repository.write("app/files/open.sh", "#!/bin/sh\necho open\n");
  world.repository.write("app/files/secrets/find.sh", encryptWithGitCrypt(Buffer.from(SCRIPT)));
  await world.repository.commit("a script");
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each(variants(peer("helm4"), peer("helm3")))("with $label", ({ path: helm, missing }) => {
  test.skipIf(missing || strace.missing)("a secret script of a chart is deployed from memory alone", async () => {
    const steps = [
      { words: ["plan", "prod"], status: 0 },
      { words: ["check"], status: 7 },
      { words: ["apply", "prod", "--yes", "--no-input"], status: 0 },
      { words: ["plan", "prod"], status: 0 },
    ];
    for (const { words, status } of steps) {
      const { files, memory, commands, stdout, stderr, ...all } = await traced(world, helm, ["deploy", ...words]);
      expect({ words, status: all.status, stderr: all.status === status ? "" : stderr }).toEqual({
        words,
        status,
        stderr: "",
      });
      for (const [where, text] of Object.entries({ files, commands, stdout, stderr }))
        for (const form of [NEEDLE, Buffer.from(SCRIPT).toString("base64").slice(0, -4)])
          expect(text.includes(form), `${form} in ${where} of ${words.join(" ")}`).toBe(false);
      expect(memory).toContain(NEEDLE);
    }
    const { kubernetes } = world;
    const stored = kubernetes.get("v1", "ConfigMap", "prod", "scripts");
    expect(stored?.["data"]).toEqual({ "open.sh": "#!/bin/sh\necho open\n", "find.sh": SCRIPT });
    for (const kind of ["Secret", "ConfigMap"])
      for (const object of kubernetes.list("v1", kind, "prod")) kubernetes.remove(object);
  });
});
