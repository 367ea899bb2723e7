import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, temporaryFolder, variants } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { assertAllSet } from "../src/releases/unset-values.ts";
import { type GivenValues, valuesOfSet } from "../src/values/given.ts";
import { errorOf, world } from "./world.ts";

const ASSIGNMENTS = [
  "image.tag=1.2.3",
  "a=1,b=-2,c=0,d=007,e=1.5,f=1e3",
  "a=true,b=FALSE,c=null,d=nil,e=",
  "hosts={a.example.org,b.example.org},none={},one={1}",
  String.raw`annotations.example\.org/pool=core,text=a\,b,equal=a=b`,
  "a.b=1,a.c.d=2,a.b=3",
  "address=https://example.org/x?y=z&n=1",
];

describe.each(variants(peer("helm4"), peer("helm3")))("--set, with $label", ({ path, missing }) => {
  test.skipIf(missing)("is read as Helm reads it", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "templates"));
    writeFileSync(join(folder.path, "Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    writeFileSync(join(folder.path, "templates/all.yaml"), "all: {{ .Values | toJson | quote }}\n");
    const env = { HOME: folder.path, KUBECONFIG: "/dev/null" };
    const rendered = async (...words: string[]): Promise<string> => {
      const { status, stdout, stderr } = await run(path, ["template", "c", folder.path, ...words], { env });
      expect({ words, status, stderr: status === 0 ? "" : stderr }).toEqual({ words, status: 0, stderr: "" });
      return stdout.toString();
    };
    for (const assignments of ASSIGNMENTS)
      for (const flag of ["--set", "--set-string"]) {
        const file = join(folder.path, "values.json");
        writeFileSync(file, JSON.stringify(valuesOfSet(assignments, { asText: flag === "--set-string" })));
        expect(await rendered("--values", file)).toBe(await rendered(flag, assignments));
      }
  });
});

describe("values that are given", () => {
  test.each(["image", "=1", "a..b=1", "a[0]=1", ""])("%o is refused", async (text) => {
    expect(await errorOf(() => valuesOfSet(text))).toMatchObject({ code: "INVALID_SETTINGS" });
  });

  test("lie over all others, are told by their names, and set what CI was to set", async () => {
    await using its = await world({
      "mybinder/values.yaml": "image: { name: web, tag: set-by-chartpress }\nextra: [{ tag: set-by-chartpress }]\n",
      "config/prod.yaml": "replicas: 1\n",
    });
    const tag = { title: "--set image.tag", text: JSON.stringify(valuesOfSet("image.tag=1.2")) };
    const all = { title: "--values built.yaml", text: "extra: [{ tag: '3' }]\nreplicas: 2\n" };
    const refusalWith = async (given: readonly GivenValues[]): Promise<string> => {
      await using project = await its.open({ given });
      const { message, ...error } = await errorOf(() => assertAllSet(project.environment("prod")));
      expect(error).toMatchObject({ code: "UNSET_VALUE", place: { file: "mybinder/values.yaml" } });
      return message;
    };
    expect(await refusalWith([])).toContain("image.tag is a placeholder");
    expect(await refusalWith([tag])).toContain("extra[0].tag is a placeholder");
    await using project = await its.open({ given: [all, tag] });
    const prod = project.environment("prod");
    assertAllSet(prod);
    expect(project.given).toEqual(["--values built.yaml", "--set image.tag"]);
    expect(project.uncommitted()).toEqual([]);
    const values = prod.values();
    expect(values.value).toEqual({ image: { name: "web", tag: "1.2" }, extra: [{ tag: "3" }], replicas: 2 });
    const [setting] = values.explain(["image", "tag"])?.settings ?? [];
    expect(setting?.layer).toMatchObject({ path: "--set image.tag", role: "given", secret: false });
  });
});
