import * as fc from "fast-check";
import { cases, seed } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { Cluster } from "../src/index.ts";
import { makePlan, planText, writePlan } from "../src/releases/index.ts";
import { clusterWorld, HELM_3, HELM_4, type ClusterWorld } from "./cluster-world.ts";
import { textAt } from "../src/values/value.ts";

/*
 * Templates made at random of sprig's functions: whatever is another for other secrets is not in a
 * plan.
 */

/** Functions that take a text last, and give one; none that only tells whether something is so. */
const FUNCTIONS = [
  "upper", "lower", "title", "untitle", "swapcase", "b64enc", "b32enc", "sha256sum", "sha1sum", "adler32sum", "quote",
  "squote", "trim", "nospace", "snakecase", "camelcase", "kebabcase", "toJson", "toString", "html", "js", "urlquery",
  'printf "%x"', 'printf "%q"', 'printf "%-40s"', 'printf "<%s>"', "trunc 7", "trunc -6", "substr 1 9", "abbrev 9",
  'wrapWith 5 "-"', 'replace "a" "@"', 'trimPrefix "c"', 'regexReplaceAll "[0-9]+" "#"', "indent 2", "repeat 2",
  'cat "x"', 'splitList "-" | first', 'splitList "" | reverse | join ""', 'splitList "" | sortAlpha | join "."',
  'splitList "" | uniq | join ""', 'splitList "" | rest | join "~"', "len | toString", "initials", "b64enc | trunc 10", 'list "a" | join "+"',
  'dict "k" | toYaml',
]; // prettier-ignore

const PLACES = ["config.a", "config.b", "password", "text", "pem"] as const;

/** Of one shape. */
const SETS = ["c4nary-Alpha-71/x", "q8zebr-Omega-93/y"].map((word) => ({
  password: word,
  config: { a: `https://user:${word}@db.example.org/x`, b: `${word}\n${word.toUpperCase()}` },
  text: Buffer.from(`user:${word}`).toString("base64"),
  pem: `-----BEGIN KEY-----\n${Buffer.from(word.repeat(4)).toString("base64")}\nAb${word.length}=\n-----END KEY-----\n`,
}));

const expressions = fc.array(
  fc
    .tuple(fc.constantFrom(...PLACES), fc.array(fc.constantFrom(...FUNCTIONS), { minLength: 1, maxLength: 4 }))
    .map(([place, chain]) => [`.Values.${place}`, ...chain].join(" | ")),
  { minLength: 40, maxLength: 40 },
);

/** Also in keys, annotations, and what is there or not. */
const templateOf = (all: readonly string[]): string =>
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: forms
  annotations: {a: {{ ${all[0]} | toString | quote }}}
data:
${all.map((expression, at) => `  f${at}: {{ ${expression} | toString | toJson }}`).join("\n")}
  {{ ${all[1]} | toString | sha256sum | trunc 12 }}: key
`;

async function formsOf(at: ClusterWorld, secrets: object): Promise<string[]> {
  at.encrypt("secrets/config/staging.yaml", JSON.stringify(secrets));
  await at.repository.commit("secrets");
  await using project = await at.open();
  const [map] = await project.environment("staging").render();
  return Array.from({ length: 40 }, (_, n) => textAt(map?.object, "data", `f${n}`));
}

test.each([...HELM_3, ...HELM_4])(
  "a plan of random templates shows nothing that is another for other secrets, with $label",
  async ({ path: helm }) => {
    await fc.assert(
      fc.asyncProperty(expressions, async (all) => {
        await using at = await clusterWorld(helm);
        at.repository.write("app/templates/all.yaml", templateOf(all));
        const others = await formsOf(at, SETS[1] ?? {});
        const own = await formsOf(at, SETS[0] ?? {});
        await using project = await at.open();
        await using cluster = await Cluster.connect(project, project.environment("staging"));
        const plan = await makePlan(project, cluster);
        expect(plan.releases[0]?.hidden).toBeNull();
        const shown = (planText(plan) + writePlan(project, plan)).replaceAll(/\[secret [0-9a-f]{8}\]/g, "");
        const inClear = own.flatMap((form, n) => {
          const otherLines = others[n]?.split("\n") ?? [];
          return form.split("\n").flatMap((line, index) => {
            const isTelling = line.trim().length >= 4 && line !== otherLines[index];
            return isTelling && shown.includes(line.trim()) ? [`${all[n]}: ${line}`] : [];
          });
        });
        expect(inClear).toEqual([]);
      }),
      { numRuns: cases(1, 25), seed: seed(20_261), endOnFailure: true },
    );
  },
);
