import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import jsonata from "jsonata";
import { expect, test } from "vitest";
import { readValue } from "../src/values/read-yaml.ts";

const CONFIGURATION = fileURLToPath(new URL("../../../docs/example/renovate/renovate.json", import.meta.url));

const SETTINGS = `
chart: charts/main
layers: ["config/{environment}.yaml"]
environments:
  staging: { chart: { name: next, version: 2.0.0-rc.1, repository: https://charts.example/next } }
  prod: {}
releases:
  # A comment with oci://quay.io/jetstack/charts/other@v1.0.0 is no chart.
  cert-manager: { chart: "oci://quay.io:443/jetstack/charts/cert-manager@v1.19.1" }
  ingress:
    chart:
      name: ingress-nginx
      version: 4.12.1
      repository: https://kubernetes.github.io/ingress-nginx
  local: { chart: charts/local@1 }
`;

interface Manager {
  readonly customType: string;
  readonly fileFormat: string;
  readonly managerFilePatterns: readonly string[];
  readonly matchStrings: readonly string[];
  readonly datasourceTemplate: string;
}

/** As Renovate's manager does it: each query is asked of the whole file, as it is parsed. */
async function foundBy({ customType, fileFormat, matchStrings, datasourceTemplate }: Manager): Promise<unknown[]> {
  expect([customType, fileFormat]).toEqual(["jsonata", "yaml"]);
  const asked = matchStrings.map(
    async (query) => (await jsonata(query).evaluate(readValue("deploy.yaml", SETTINGS))) as unknown,
  );
  const found = (await Promise.all(asked)).flat();
  return found.map((one) => Object.assign({ datasource: datasourceTemplate }, one));
}

test("the example for Renovate finds the charts that deploy.yaml names with a version, and no others", async () => {
  const { customManagers } = JSON.parse(readFileSync(CONFIGURATION, "utf8")) as { customManagers: Manager[] };
  for (const { managerFilePatterns } of customManagers) expect(managerFilePatterns).toEqual(["/^deploy\\.yaml$/"]);
  const found = await Promise.all(customManagers.map(foundBy));
  const [oci, helm] = [{ datasource: "docker" }, { datasource: "helm" }];
  const ingress = "https://kubernetes.github.io/ingress-nginx";
  expect(found.flat()).toEqual([
    { depName: "quay.io:443/jetstack/charts/cert-manager", currentValue: "v1.19.1", ...oci },
    { depName: "next", currentValue: "2.0.0-rc.1", registryUrl: "https://charts.example/next", ...helm },
    { depName: "ingress-nginx", currentValue: "4.12.1", registryUrl: ingress, ...helm },
  ]);
});
