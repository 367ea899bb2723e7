import { readdirSync } from "node:fs";
import { peer } from "@git-vault/testkit";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runChecks } from "../src/checks/index.ts";
import { secretsToMask } from "../src/ci/index.ts";
import type { Finding } from "../src/findings/index.ts";
import { Cluster, type Project } from "../src/index.ts";
import { makePlan, planText, writePlan } from "../src/releases/index.ts";
import { textAt } from "../src/values/value.ts";
import { clusterWorld, HELM_3, HELM_4 } from "./cluster-world.ts";
import { federationWorld, LEAST, MEMBERS, SCRIPT } from "./federation-world.ts";
import { errorOf } from "./world.ts";

const withHelm = (helm: string, its: { repository: { env: NodeJS.ProcessEnv } }): { env: NodeJS.ProcessEnv } => ({
  env: { ...its.repository.env, HELM: helm },
});

async function findingsOf(project: Project): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of runChecks(project)) findings.push(finding);
  return findings;
}

describe.each(["helm3", "helm4"])("a federation with an encrypted script in its chart, with %s", (name) => {
  const helm = peer(name);

  test.skipIf(helm.missing)(`is rendered from memory by ${helm.label}`, async () => {
    using its = await federationWorld({ "deploy.yaml": LEAST });
    await using project = await its.open(withHelm(helm.path, its));
    expect(project.environments.map((environment) => environment.name)).toEqual(MEMBERS);
    for (const environment of project.environments) {
      const manifests = await environment.render();
      const source = manifests.find((one) => one.name === "sweeper-src");
      // What .helmignore leaves out is not there, nor is what Helm itself passes over.
      expect(source?.object["data"]).toEqual({ "rate.py": SCRIPT, "sweeper.py": "print('sweeping')\n" });
      const hub = manifests.find((one) => one.kind === "Secret");
      expect(textAt(hub?.object, "stringData", "cookie")).toBe(`canary-Cookie-${environment.name}-5f1`);
      expect(textAt(hub?.object, "stringData", "colour")).toBe("canary-Colour-blue-81");
    }
    const layers = project.environment("west").main.layers.map(({ path }) => path);
    expect(layers).toEqual([
      "hub/values.yaml",
      "config/common/banner.yaml",
      "secrets/config/common/common.yaml",
      "config/west.yaml",
      "secrets/config/west.yaml",
    ]);
  });

  test.skipIf(helm.missing)(`is told where the script lands in the clear, by ${helm.label}`, async () => {
    using its = await federationWorld({ "deploy.yaml": LEAST });
    await using project = await its.open(withHelm(helm.path, its));
    const findings = await findingsOf(project);
    const leaked = findings.filter(({ id }) => id === "leaked").map(({ message }) => message);
    expect(leaked.join("\n")).toContain('ConfigMap sweeper-src at data["rate.py"] has');
    expect(leaked.join("\n")).not.toContain("sweeper.py");
    expect(JSON.stringify(findings)).not.toMatch(/canary/i);
  });

  test.skipIf(helm.missing)(`renders without the script where there is no key, by ${helm.label}`, async () => {
    using its = await federationWorld({ "deploy.yaml": LEAST });
    await using project = await its.open({ ...withHelm(helm.path, its), key: null });
    const prod = project.environment("prod");
    expect(await errorOf(() => prod.render())).toMatchObject({ code: "LOCKED" });
    const manifests = await prod.render({ withoutSecrets: true });
    const source = manifests.find((one) => one.name === "sweeper-src");
    expect(source?.object["data"]).toEqual({ "rate.py": "", "sweeper.py": "print('sweeping')\n" });
  });
});

const TRANSFORMED = `apiVersion: v1
kind: ConfigMap
metadata: { name: forms }
data:
  plain: {{ .Files.Get "files/find.sh" | quote }}
  upper: {{ .Files.Get "files/find.sh" | upper | quote }}
  digest: {{ .Files.Get "files/find.sh" | sha256sum }}
  twice: {{ .Files.Get "files/find.sh" | b64enc | b64enc }}
  first: {{ .Files.Get "files/find.sh" | trunc 9 | quote }}
  line: {{ (.Files.Lines "files/find.sh") | last | quote }}
  field: {{ (.Files.Get "files/key.json" | fromJson).token | upper | quote }}
  inner: {{ .Files.Get "files/key.json" | fromJson | toYaml | quote }}
  bytes: {{ .Files.Get "files/key.bin" | b32enc | quote }}
  public: {{ .Files.Get "files/open.txt" | quote }}
`;

describe.each([...HELM_3, ...HELM_4])("a plan of a chart with encrypted files, with $label", ({ path, missing }) => {
  test.skipIf(missing)("shows nothing that depends on them, whatever the template made of it", async () => {
    await using at = await clusterWorld(path);
    at.encrypt("app/files/find.sh", "canaryfirst line\nkey: canaryshown\ngrep canaryneedle /log");
    at.encrypt("app/files/key.json", '{"token": "canarytoken55"}');
    at.encrypt("app/files/key.bin", "\0canarybinary77");
    at.repository.write("app/files/open.txt", "all may see\n");
    at.repository.write("app/templates/forms.yaml", TRANSFORMED);
    await at.repository.commit("files");
    await using project = await at.open();
    const forms = (await project.environment("staging").render()).find(({ name }) => name === "forms");
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const plan = await makePlan(project, cluster);
    const shown = planText(plan) + writePlan(project, plan);
    expect(plan.releases[0]?.hidden).toBeNull();
    expect(shown).toContain("all may see");
    const { public: _, ...secret } = Object(forms?.object["data"]) as Record<string, string>;
    expect(Object.keys(secret)).toHaveLength(9);
    const inClear = Object.entries(secret).filter(([, text]) =>
      text.split("\n").some((line) => line.trim().length > 2 && shown.includes(line.trim())),
    );
    expect(inClear).toEqual([]);
    expect(shown).not.toMatch(/canary/i);
  });
});

describe("an encrypted file of a chart", () => {
  afterEach(() => void vi.unstubAllGlobals());
  const helm = peer("helm4");

  test("is masked in the logs of CI, and known to the redactor, line by line", async () => {
    using its = await federationWorld({ "deploy.yaml": LEAST });
    await using project = await its.open();
    const { lines } = secretsToMask(project);
    expect([...lines]).toEqual(expect.arrayContaining([expect.stringContaining("canary-Needle-93b1")]));
    const said = `Error: unexpected ${SCRIPT.split("\n")[2]} at all.yaml`;
    expect(project.redactor.redact(said)).toBe("Error: unexpected [secret] at all.yaml");
    expect(project.redactor.redact(Buffer.from(SCRIPT).toString("base64"))).toBe("[secret]");
  });

  test.skipIf(helm.missing)("is refused where the system has no file in memory", async () => {
    using its = await federationWorld({ "deploy.yaml": LEAST });
    await using project = await its.open(withHelm(helm.path, its));
    vi.stubGlobal(
      "process",
      new Proxy(process, { get: (all, key) => (key === "platform" ? "darwin" : Reflect.get(all, key)) }),
    );
    expect(await errorOf(() => project.environment("prod").render())).toMatchObject({
      code: "SECRET_IN_CHART",
      place: { file: "hub/files/sweeper/secrets/rate.py" },
    });
  });

  test.skipIf(helm.missing)("holds no descriptor once the project is closed", async () => {
    using its = await federationWorld({ "deploy.yaml": LEAST });
    const before = readdirSync("/proc/self/fd").length;
    {
      await using project = await its.open(withHelm(helm.path, its));
      await project.environment("prod").render();
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
