import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cluster } from "../src/index.ts";
import { StandIns } from "../src/secrets/stand-ins.ts";
import { makePlan, planText, writePlan } from "../src/releases/index.ts";
import { clusterWorld, type ClusterWorld, HELM_3, HELM_4 } from "./cluster-world.ts";
import { commitForms, CONFIG_MAP, said, SECRETS } from "./taint-world.ts";
import { errorOf } from "./world.ts";

async function world(helm: string, template: string): Promise<ClusterWorld> {
  const at = await clusterWorld(helm);
  await commitForms(at, template);
  return at;
}

describe.each([...HELM_3, ...HELM_4])("a plan, with $label", ({ path: helm, missing }) => {
  test.skipIf(missing)("shows nothing that depends on a secret, whatever the template made of it", async () => {
    await using at = await world(helm, CONFIG_MAP);
    const forms = await said(at);
    expect(forms.size).toBeGreaterThan(40);
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const plan = await makePlan(project, cluster);
    const shown = planText(plan) + writePlan(project, plan);
    const inClear = [...forms].filter(([, text]) =>
      text.split("\n").some((line) => line.trim().length > 2 && shown.includes(line.trim())),
    );
    expect(inClear).toEqual([]);
    expect(shown).not.toMatch(/canaryhor|CANARYHORSE/i);
    expect(shown).toContain("greeting: good-day");
    expect(shown).toContain("public: good-day");
    // Keys that do not depend on a secret are shown, with the same mark for the same secret.
    expect(planText(plan)).toMatch(/\+ {2}sha256: "?\[secret [0-9a-f]{8}\]/);
    expect(plan.releases[0]?.hidden).toBeNull();
  });

  test.skipIf(missing)("shows what changes of what runs, and nothing that was made of its secrets", async () => {
    const template = `apiVersion: v1
kind: ConfigMap
metadata: {name: forms}
data:
  image: {{ .Values.image }}
  title: {{ .Values.plain | title }}
  text: |
    greeting = {{ .Values.greeting }}
    secret = {{ .Values.plain | swapcase }}
    last = line
`;
    await using at = await world(helm, template);
    const apply = async (): Promise<void> => {
      const { apply: applying } = await import("../src/releases/index.ts");
      await using project = await at.open();
      await using cluster = await Cluster.connectToChange(project, project.environment("staging"));
      for await (const _ of applying(project, cluster, await makePlan(project, cluster), { timeout: 20 }));
    };
    await apply();
    at.repository.write("config/staging.yaml", "greeting: good-night\nimage: web:2\n");
    at.encrypt("secrets/config/staging.yaml", JSON.stringify({ ...SECRETS, plain: "othersecretvalue" }));
    await at.repository.commit("changed");
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const shown = planText(await makePlan(project, cluster));
    expect(shown).toContain("-  image: web:1\n  +  image: web:2");
    expect(shown).toContain("greeting = good-day");
    expect(shown).toContain("greeting = good-night");
    expect(shown).toContain("last = line");
    expect(shown).not.toMatch(/canaryhorse|othersecret/i);
    expect(shown.match(/secret = \[secret [0-9a-f]{8}\]/g)).toHaveLength(2);
  });

  test.skipIf(missing)("fails with words that depend on no secret", async () => {
    const cases: readonly (readonly [template: string, message: RegExp])[] = [
      [
        '{{ fail (printf "no: %s" (.Values.plain | swapcase)) }}',
        /what it says at \S*templates\/all\.yaml:\d+ depends on a secret/,
      ],
      ['{{ if hasPrefix "c" .Values.plain }}{{ fail "guessed" }}{{ end }}', /what it says depends on a secret/],
      ['{{ fail "always the same" }}', /always the same/],
      // As vault itself says it.
      [
        '{{ fail (printf "%s: it was not done within 3 seconds, and was ended" (.Values.plain | swapcase)) }}',
        /depends on a secret/,
      ],
    ];
    for (const [template, message] of cases) {
      await using at = await world(helm, template);
      await using project = await at.open();
      await using cluster = await Cluster.connect(project, project.environment("staging"));
      const error = await errorOf(() => makePlan(project, cluster));
      expect(error.message).toMatch(message);
      expect(error.message).not.toMatch(/canaryhorse|guessed/i);
      const rendering = await errorOf(() => project.environment("staging").render());
      expect(rendering.message).toMatch(message);
    }
  });

  test.skipIf(missing)("shows nothing that a chart looks up in the cluster", async () => {
    const found = '{{ $s := lookup "v1" "Secret" "web" "others" }}';
    await using at = await world(
      helm,
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: ${found}{{ dig "data" "token" "none" (default dict $s) | b64dec | upper | quote }}\n  b: open\n`,
    );
    const data = { token: Buffer.from("canary-of-another").toString("base64") };
    at.kubernetes.put({ apiVersion: "v1", kind: "Secret", metadata: { namespace: "web", name: "others" }, data });
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const shown = planText(await makePlan(project, cluster));
    expect(shown).toMatch(/a: "\[secret [0-9a-f]{8}\]"/);
    expect(shown).toContain("b: open");
    expect(shown).not.toMatch(/canary/i);
  });

  test.skipIf(missing)("shows kinds alone where the chart takes no stand-in", async () => {
    const strict = '{{ if ne .Values.plain "canaryhorsebattery" }}{{ fail "another" }}{{ end }}';
    await using at = await world(
      helm,
      `${strict}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: {{ .Values.plain | title }}, b: open}\n`,
    );
    await using project = await at.open();
    await using cluster = await Cluster.connect(project, project.environment("staging"));
    const plan = await makePlan(project, cluster);
    const shown = planText(plan);
    expect(shown).toContain("only kinds are shown");
    expect(shown).toMatch(/\+ ConfigMap \[secret [0-9a-f]{8}\]\n/);
    expect(shown).not.toMatch(/canaryhorse|open/i);
  });
});

describe("a stand-in", () => {
  const standIns = StandIns.differing();

  test.each(Object.entries(SECRETS))("of %s has its shape, and nothing of it", (_, secret) => {
    const other = standIns.text(secret);
    expect(other).not.toBe(secret);
    expect(standIns.text(secret)).toBe(other);
    expect(StandIns.differing().text(secret)).not.toBe(other);
    expect(other.length).toBe(secret.length);
  });

  test("keeps what tells a shape", () => {
    expect(standIns.text("https://hub.example.org/a?b=c")).toMatch(
      /^https:\/\/[a-z]{3}\.[a-z]{7}\.[a-z]{3}\/[a-z]\?[a-z]=[a-z]$/,
    );
    expect(standIns.text("jane@example.org")).toMatch(/^[a-z]{4}@[a-z]{7}\.[a-z]{3}$/);
    expect(standIns.text("10.1.200.7")).toMatch(/^\d\d\.\d\.\d{3}\.\d$/);
    expect(JSON.parse(standIns.text('{"a":["xyz",12]}'))).toEqual({
      a: [expect.stringMatching(/^[a-z]{3}$/), expect.any(Number)],
    });
    expect(Buffer.from(standIns.text(SECRETS["encoded"] ?? ""), "base64").toString()).toMatch(
      /^[a-z]{4}:[a-z]{6}-[a-z\d]{6}$/,
    );
    expect(standIns.text("password: abc\nuser: def\n")).toMatch(/^password: [a-z]{3}\nuser: [a-z]{3}\n$/);
    expect(standIns.of({ a: true, b: null, c: "", d: 5432, e: -1.5 })).toEqual({
      a: true,
      b: null,
      c: "",
      d: expect.any(Number),
      e: expect.any(Number),
    });
  });

  test("shares no letter or digit with the secret, at any place", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.integer(), (text, number) => {
        expect(standIns.of(number)).not.toBe(number);
        // What is structured is replaced part by part.
        fc.pre(!/[{["':=]|-----/.test(text) && !/^[A-Za-z\d+/]{8,}={0,2}$/.test(text.trim()));
        const [own, other] = [Array.from(text), Array.from(standIns.text(text))];
        expect(other).toHaveLength(own.length);
        expect(own.filter((character, at) => /[a-zA-Z\d]/.test(character) && other[at] === character)).toEqual([]);
      }),
    );
  });
});
