import { randomBytes } from "node:crypto";
import type { ClusterWorld } from "./cluster-world.ts";
import { textAt } from "../src/values/value.ts";

/** Secrets of many shapes. */
export const SECRETS: Readonly<Record<string, string>> = {
  password: "Canary-Pa55word/7261+x",
  plain: "canaryhorsebattery",
  encoded: Buffer.from("user:canary-9f3e7a").toString("base64"),
  hex: randomBytes(16).toString("hex"),
  pin: "73946182",
  url: "postgres://admin:canary55Xy@db.internal:5432/hub",
  json: JSON.stringify({ auths: { "quay.io": { auth: "Y2FuYXJ5LWF1dGg=" } }, token: "canary-token-66" }),
  pem: `-----BEGIN PRIVATE KEY-----\n${randomBytes(48).toString("base64")}\n${randomBytes(48).toString("base64")}\nc4n=\n-----END PRIVATE KEY-----\n`,
};

/** What honest charts make of secrets, and what a search for known forms does not find. */
export const TRANSFORMATIONS: Readonly<Record<string, string>> = {
  plain: ".Values.password",
  html: "html .Values.password",
  js: "js .Values.password",
  shell: "squote .Values.password",
  urlquery: "urlquery .Values.password",
  decoded: "b64dec .Values.encoded",
  twice: ".Values.password | b64enc | b64enc",
  base32: "b32enc .Values.password",
  hex: 'printf "%x" .Values.password',
  upperhex: 'printf "%X" .Values.password',
  go: 'printf "%q" .Values.password',
  bytes: 'printf "%v" (splitList "" .Values.password)',
  lower: "lower .Values.password",
  upper: "upper .Values.password",
  title: "title .Values.plain",
  swapcase: "swapcase .Values.password",
  camelcase: "camelcase .Values.plain",
  kebabcase: "kebabcase .Values.password",
  snakecase: "snakecase .Values.password",
  initials: "initials .Values.plain",
  trunc: "trunc 5 .Values.password",
  tail: "trunc -5 .Values.password",
  substr: "substr 2 6 .Values.password",
  abbrev: "abbrev 8 .Values.password",
  wrap: 'wrapWith 4 "-" .Values.password',
  trimsuffix: 'trimSuffix "7261+x" .Values.password',
  trimprefix: 'trimPrefix "Canary" .Values.password',
  replace: '.Values.password | replace "a" "4"',
  nospace: "nospace .Values.password",
  quoted: "quote .Values.password",
  sha256: "sha256sum .Values.password",
  sha1: "sha1sum .Values.password",
  adler: "adler32sum .Values.password",
  shuffled: "shuffle .Values.plain",
  untitle: "untitle .Values.password",
  join: '.Values.password | splitList "" | join " "',
  reversed: '.Values.plain | splitList "" | reverse | join ""',
  sorted: '.Values.plain | splitList "" | sortAlpha | join ""',
  first: '.Values.password | splitList "-" | first',
  regex: 'regexReplaceAll "[aeiou]" .Values.password "*"',
  found: 'regexFind "[0-9]+" .Values.password',
  host: "(urlParse .Values.url).userinfo",
  field: "(fromJson .Values.json).token",
  docker: '(index (fromJson .Values.json).auths "quay.io").auth | b64dec',
  pemline: '.Values.pem | splitList "\\n" | rest | first',
  pemend: '(.Values.pem | splitList "\\n") | reverse | rest | rest | first',
  toyaml: 'dict "a" .Values.json | toYaml',
  number: "add 1 (int64 .Values.pin)",
  float: 'printf "%e" (float64 .Values.pin)',
  octal: 'printf "%o" (int64 .Values.pin)',
  indent: "indent 3 .Values.pem",
  htpasswd: 'printf "%s:%s" "admin" (.Values.password | b64enc | trunc 9)',
};

/** A map of all forms, and secrets in names, keys, hooks and conditions. */
export const CONFIG_MAP = `apiVersion: v1
kind: ConfigMap
metadata:
  name: forms
  annotations:
    checksum/config: {{ .Values.password | sha256sum }}
    public: {{ .Values.greeting }}
data:
${Object.entries(TRANSFORMATIONS)
  .map(([name, expression]) => `  ${name}: {{ ${expression} | toString | toJson }}`)
  .join("\n")}
  greeting: {{ .Values.greeting }}
  {{ .Values.plain | upper }}: in a key
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: named-{{ .Values.plain | trunc 9 }}
data: {a: shown}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: hook
  annotations: {helm.sh/hook: pre-upgrade, checksum/config: {{ .Values.password | sha256sum }}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "web:1", args: [{{ .Values.password | upper | quote }}]}]}}}
{{ if hasPrefix "canary" .Values.plain }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: guess}
data: {a: {{ .Values.plain | trunc 6 }}}
{{ end }}
`;

/** Commits the secrets, and a template instead of the chart's own. */
export async function commitForms(at: ClusterWorld, template: string): Promise<void> {
  at.repository.write("app/templates/all.yaml", template);
  at.repository.write("config/staging.yaml", "greeting: good-day\nimage: web:1\n");
  at.encrypt("secrets/config/staging.yaml", JSON.stringify(SECRETS));
  await at.repository.commit("forms");
}

/** Each thing that a rendering says of a secret, as it is there. */
export async function said(at: ClusterWorld): Promise<Map<string, string>> {
  await using project = await at.open();
  const manifests = await project.environment("staging").render();
  const forms = manifests.find(({ name }) => name === "forms");
  return new Map(Object.keys(TRANSFORMATIONS).map((name) => [name, textAt(forms?.object, "data", name)]));
}
