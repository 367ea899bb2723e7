import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { peer, runOk, temporaryFolder, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { collectReport } from "../src/checks/index.ts";
import { attempt } from "../src/errors.ts";
import { DeployError, Project, type Release } from "../src/index.ts";
import { draftSettings } from "../src/init/index.ts";
import { SHAPES } from "./public-shapes.ts";

const helm = peer("helm4");

/** A chart that prints what it sees, with the layers of a release, as Helm reads them. */
async function seenByHelm(project: Project, { layers }: Release): Promise<unknown> {
  using folder = temporaryFolder();
  const write = (path: string, content: string | Buffer): string => {
    writeFileSync(join(folder.path, path), content);
    return join(folder.path, path);
  };
  mkdirSync(join(folder.path, "templates"));
  write("Chart.yaml", "apiVersion: v2\nname: printer\nversion: 1.0.0\n");
  write("templates/all.yaml", "all: {{ .Values | toJson | b64enc }}\n");
  const words = layers
    .filter(({ locked }) => !locked)
    .flatMap(({ path, role }, at) => {
      const file = project.file(path);
      const content = file === undefined ? "" : project.read(file);
      if (role !== "defaults") return ["--values", write(`${at}.yaml`, content)];
      write("values.yaml", content);
      return [];
    });
  const env = { HOME: folder.path, KUBECONFIG: "/dev/null" };
  const text = String(await runOk(helm.path, ["template", "x", folder.path, ...words], { env }));
  return JSON.parse(Buffer.from(/^all: (\S+)$/m.exec(text)?.[1] ?? "", "base64").toString());
}

/* As many findings of each kind as are true of the shapes of public repositories. */
test.skipIf(helm.missing).each(Object.entries(SHAPES))(
  "of the shape of %s, what is wrong is found, and nothing else; its values are Helm's",
  async (_, { plain, secret = {}, finds }) => {
    using repository = await throwawayRepository();
    const key = generateKeyFile();
    for (const [path, content] of Object.entries(plain)) repository.write(path, content);
    for (const [path, content] of Object.entries(secret))
      repository.write(path, encryptBlob(key, Buffer.from(content)));
    await repository.commit("all");
    const { env, path: root } = repository;
    const settings = "deploy.yaml" in plain ? {} : (await draftSettings(root, { env })).settings;
    await using project = await Project.open({
      ...settings,
      root,
      key: Object.keys(secret).length === 0 ? null : { bytes: encodeKeyFile(key) },
      env: { ...env, HELM: helm.path },
    });
    const { findings } = await collectReport(project);
    const counts: Record<string, number> = {};
    for (const { id, severity } of findings) counts[`${id} ${severity}`] = (counts[`${id} ${severity}`] ?? 0) + 1;
    const said = findings.map(({ id, message, file, line }) => `${id} ${file}:${line} ${message}`).join("\n");
    const expected = Object.fromEntries(Object.entries(finds).map(([kind, all]) => [kind, all.length]));
    expect({ counts, said }).toEqual({ counts: expected, said });
    const [ours, theirs, refused]: [unknown[], unknown[], string[]] = [[], [], []];
    for (const release of project.environments.flatMap(({ releases }) => releases)) {
      const values = attempt(() => release.values({ withoutSecrets: true }));
      if (values instanceof DeployError) refused.push(values.code);
      else {
        ours.push({ ...values.value });
        theirs.push(await seenByHelm(project, release));
      }
    }
    expect(ours).toEqual(theirs);
    expect(refused).toEqual("strict-yaml error" in finds ? ["DUPLICATE_KEY"] : []);
  },
);

test("docs/checks.md has them all, as they are judged here", () => {
  const docs = readFileSync(new URL("../../../docs/checks.md", import.meta.url), "utf8");
  const [, section = ""] = /^## Their shapes\n([\s\S]*?)^#/m.exec(docs) ?? [];
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map(cells);
  const expected = Object.entries(SHAPES).flatMap(([shape, { plain, finds }]) =>
    Object.entries(finds).map(([kind, all], at) => [
      at > 0 ? "" : shape,
      at > 0 ? "" : "deploy.yaml" in plain ? "by hand" : "drafted",
      kind.replace(" ", ", "),
      String(all.length),
      all.join("; "),
    ]),
  );
  expect(rows.slice(2)).toEqual(expected);
});
