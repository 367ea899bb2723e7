// A repository of the size of a large public one, checked and merged: 60 layers, 10,000 keys of
// values, 500 secret files. Where Helm is there, its environments are rendered, too, which is
// compared with Helm alone. pnpm bench deploy [ROUNDS]
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile } from "@git-vault/git-crypt";
import { medianOfTurns, report, operands } from "./measure.mjs";
import { vaultProgram, workplace } from "./workplace.mjs";

const ROUNDS = Number(operands[0] ?? 5);
const [ENVIRONMENTS, KEYS, SECRET_FILES] = [29, 10_000, 500];

const { folder, env: clean } = workplace();
const key = generateKeyFile();
const put = (path, text) => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, path.startsWith("secrets/") ? encryptBlob(key, Buffer.from(text)) : text);
};
/** `count` keys in groups of ten. */
const values = (count, tag) =>
  Array.from({ length: count / 10 }, (_, group) => {
    const entries = Array.from({ length: 10 }, (__, at) => `    key${at}: ${tag}-${group}-${at}-${"x".repeat(20)}\n`);
    return `group${group}:\n  inner:\n${entries.join("")}`;
  }).join("");

put("mybinder/Chart.yaml", "apiVersion: v2\nname: mybinder\nversion: 1.0.0\n");
put("mybinder/values.yaml", values(KEYS, "default"));
put(
  "mybinder/templates/web.yaml",
  `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { release: {{ .Release.Name }} } }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "quay.io/example/web:1.2.3" }] }
---
apiVersion: v1
kind: Secret
metadata: { name: web }
stringData:
  {{- toYaml .Values.group0.inner | nindent 2 }}
`,
);
put("config/common.yaml", values(KEYS / 10, "common"));
const layers = Array.from({ length: ENVIRONMENTS }, (_, at) => [`config/e${at}.yaml`, `secrets/config/e${at}.yaml`]);
for (const [plain, secret] of layers) {
  put(plain, values(100, "plain"));
  put(secret, values(100, "secret"));
}
const environments = Object.fromEntries(layers.map((own, at) => [`e${at}`, { layers: own }]));
put("deploy.yaml", JSON.stringify({ layers: ["config/common.yaml"], environments }));
for (let at = ENVIRONMENTS; at < SECRET_FILES; at += 1) put(`secrets/files/${at}.json`, `{"token": "secret-${at}"}\n`);
put(".gitattributes", "secrets/** filter=git-crypt diff=git-crypt\n");
const git = (...args) =>
  execFileSync("git", [
    "-C",
    folder,
    "-c",
    "user.name=B",
    "-c",
    "user.email=b@example.org",
    "-c",
    "filter.git-crypt.clean=cat",
    ...args,
  ]);
git("init", "--quiet");
git("add", "--all");
git("commit", "--quiet", "-m", "all");

const env = { ...clean, GIT_CRYPT_KEY: encodeKeyFile(key).toString("base64") };
const helm = env.HELM ?? "helm";
const hasHelm = spawnSync(helm, ["version"], { env }).status === 0;
const vault = (words, more = {}) => {
  const { status, stderr } = spawnSync(vaultProgram, ["deploy", ...words.split(" ")], {
    cwd: folder,
    env: { ...env, ...more },
  });
  if (status !== 0 && status !== 7) throw new Error(stderr.toString());
};
/** What rendering cannot do without: Helm for each environment, two at a time. */
const helmAlone = () => {
  const one = `exec ${helm} template e{} mybinder --namespace e{} --values config/common.yaml --values config/e{}.yaml >/dev/null`;
  const input = layers.map((_, at) => at).join("\n");
  const { status, stderr } = spawnSync("xargs", ["-P", "2", "-I", "{}", "sh", "-c", one], { cwd: folder, env, input });
  if (status !== 0) throw new Error(stderr.toString());
};
const [withoutHelm, withHelm, alone] = ["check, without Helm", "check, with Helm", `${ENVIRONMENTS} helm template`];
const commands = {
  [withoutHelm]: () => vault("check", { HELM: join(folder, "no-helm") }),
  ...(hasHelm ? { [withHelm]: () => vault("check"), [alone]: helmAlone } : {}),
  "values e7": () => vault("values e7"),
  "values e7 --explain": () => vault("values e7 --explain group3.inner.key4"),
};
const medians = medianOfTurns(commands, ROUNDS);
const beside = (name) => (name === withHelm ? { ratio: medians[name] / medians[alone], to: alone } : {});
report(
  `${2 * ENVIRONMENTS + 2} layers, ${KEYS} keys, ${SECRET_FILES} secret files; medians of ${ROUNDS} runs`,
  Object.entries(medians).map(([name, ms]) => Object.assign(beside(name), { name, ms })),
);
if (!hasHelm) console.error(`${helm} is not there: name a Helm in $HELM to have the environments rendered`);
