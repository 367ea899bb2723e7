/* What a program has of the package. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as library from "../src/index.ts";
import { errorOf, world } from "./world.ts";

describe("values", () => {
  const files = {
    "mybinder/values.yaml": 'replicas: 1\npassword: ""\nhub: { users: [{ name: a }], empty: {}, gone: 1 }\n',
    "config/prod.yaml":
      'replicas: 3\n__proto__: { polluted: yes }\nhub: { "a.b": { c: 1 }, gone: null, users: [{ name: b }] }\n',
    "secrets/config/prod.yaml": "password: of-prod-4711\n",
  };

  test("are ordinary objects, in which no key is special", async () => {
    await using at = await world(files);
    await using project = await at.open();
    const values = project.environment("prod").values();
    const { value } = values;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value["hub"]).toStrictEqual({ users: [{ name: "b" }], empty: {}, "a.b": { c: 1 } });
    expect(Object.keys(value)).toContain("__proto__");
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect((value as { polluted?: boolean }).polluted).toBeUndefined();
    expect(values.withoutSecrets["password"]).toBe("[secret]");
    const users = [...values.leaves()].find(({ path }) => path.join(".") === "hub.users");
    expect(users?.value).toStrictEqual([{ name: "b" }]);
  });

  test("are had by their paths, as text or as steps", async () => {
    await using at = await world(files);
    await using project = await at.open();
    const values = project.environment("prod").values();
    expect(values.get("replicas")).toBe(3);
    expect(values.get("password")).toBe("of-prod-4711");
    expect(values.get('hub["a.b"].c')).toBe(1);
    expect(values.get(["hub", "a.b"])).toStrictEqual({ c: 1 });
    expect(values.get("hub.users[0].name")).toBe("b");
    expect(values.get("hub.users[0]")).toStrictEqual({ name: "b" });
    expect(values.get("hub.empty")).toStrictEqual({});
    expect(values.get([])).toStrictEqual(values.value);
    for (const none of [
      "hub.gone",
      "hub.users[1]",
      "hub.users[0].other",
      "replicas.x",
      "constructor",
      "hub.toString",
      "a[",
    ])
      expect(values.get(none)).toBeUndefined();
  });
});

describe("errors", () => {
  test("of every kind that the package throws are exported by it", () => {
    const folder = join(import.meta.dirname, "../src");
    const thrown = new Set(
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .flatMap((file) =>
          [...readFileSync(join(folder, file), "utf8").matchAll(/throw new (\w+)\(/g)].map(([, name]) => name),
        ),
    );
    // Those that are caught where they are thrown, and what must not happen.
    for (const inner of ["Error", "NoMap", "Transient"]) thrown.delete(inner);
    expect([...thrown].filter((name) => !(String(name) in library))).toEqual([]);
    expect(thrown).toContain("DeployError");
  });

  test("are VaultErrors, git's own too", async () => {
    await using at = await world({ "config/prod.yaml": "a: 1\n" });
    const env = { ...at.repository.env, PATH: "/nowhere" };
    const missing = await errorOf(() => at.open({ env }));
    expect(missing).toBeInstanceOf(library.VaultError);
    expect(await errorOf(() => at.open({ revision: "no-such" }))).toBeInstanceOf(library.DeployError);
    expect(library.isVaultError(missing)).toBe(true);
    expect(new library.GitCryptError("GIT_FAILED", "x")).toBeInstanceOf(library.VaultError);
  });
});
