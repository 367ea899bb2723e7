// Every parser of what others write, given bytes. An error that says what is wrong with them is an
// answer. Jazzer.js runs the same functions: see oss-fuzz/. test/fuzz.test.ts gives them what once
// crashed one.
import { decodeBase64, isVaultError } from "@git-vault/core";
import { parseQuery, readRecipientLines } from "@git-vault/directory";
import { parseKeyFile } from "@git-vault/git-crypt";
import {
  decodedTexts,
  decodeText,
  principalsOf,
  readAnyPublicKeys,
  readOpenPgpArmor,
  readOpenPgpKeys,
  readOpenPgpPackets,
  readPrivateKey,
  readSignature,
} from "@git-vault/keys";
import { parseEntry, readMemberKey } from "@git-vault/members";
import { detectFormat, messagesIn, readHeader } from "@git-vault/sealing";
import { parsePluginKey } from "@git-vault/sealing/plugins";
import { readQuery } from "../apps/page/src/forges.ts";
import { assertOwnSchemas } from "../packages/deploy/src/charts/foreign-schemas.ts";
import { ignoredBy } from "../packages/deploy/src/charts/helmignore.ts";
import { loadChart } from "../packages/deploy/src/charts/loaded-chart.ts";
import { parseLock } from "../packages/deploy/src/charts/lock-file.ts";
import { publishedAt } from "../packages/deploy/src/charts/remote-chart.ts";
import { readArchive } from "../packages/deploy/src/charts/tar.ts";
import { compileSchema } from "../packages/deploy/src/checks/json-schema.ts";
import { readRecord } from "../packages/deploy/src/cluster/helm-record.ts";
import { parseKubeconfig } from "../packages/deploy/src/cluster/kubeconfig.ts";
import { readQuantity } from "../packages/deploy/src/cluster/kubernetes-object.ts";
import { plainFile } from "../packages/deploy/src/files/tree.ts";
import { globOf } from "../packages/deploy/src/files/glob.ts";
import { readManifests } from "../packages/deploy/src/helm/manifests.ts";
import { Draft } from "../packages/deploy/src/init/draft.ts";
import { draftClusters } from "../packages/deploy/src/init/clusters.ts";
import { draftHelmfile } from "../packages/deploy/src/init/helmfile.ts";
import { readProxy } from "../packages/deploy/src/network/proxy.ts";
import { readSettings } from "../packages/deploy/src/project/settings.ts";
import { readPlan } from "../packages/deploy/src/releases/plan-file.ts";
import { Redactor } from "../packages/deploy/src/secrets/redactor.ts";
import { StandIns } from "../packages/deploy/src/secrets/stand-ins.ts";
import { decryptFile, readSopsFile } from "../packages/deploy/src/sops/sops-file.ts";
import { valuesOfSet } from "../packages/deploy/src/values/given.ts";
import { readYaml } from "../packages/deploy/src/values/read-yaml.ts";
import { parsePath, readJson, textsIn } from "../packages/deploy/src/values/value.ts";
import { scalarsIn, valueOf } from "../packages/deploy/src/values/yaml.ts";
import { endOfToken, readCertificates } from "../packages/deploy/src/verify/certificate.ts";
import { filterLines, macrosIn } from "../packages/git-crypt/src/git/attribute-lines.ts";
import { entriesBelow } from "../packages/git-crypt/src/git/index-file.ts";
import { parseCommits } from "../packages/git-crypt/src/git/trees.ts";
import { parseRetired } from "../packages/git-crypt/src/keys/stored-keys.ts";
import { readKeyText } from "../packages/directory/src/key-text.ts";
import { readSshConfig } from "../packages/keys/src/discovery/ssh-config.ts";
import { readAgentKeys, readAgentSignature } from "../packages/keys/src/signature/agent-protocol.ts";
import { decodeArmor } from "../packages/sealing/src/age/armor.ts";
import { parseIdentityFile, parseRecipient } from "../packages/sealing/src/age/keys.ts";
import { parseOpenPgp } from "../packages/sealing/src/openpgp/message.ts";

const chart = (values) =>
  new Map([
    ["Chart.yaml", Buffer.from("apiVersion: v2\nname: a\nversion: 1.0.0\n")],
    ["values.yaml", values],
    ["charts/b.tgz", values],
  ]);

/** A commit with a chart, and one file more. */
const commit = (path, bytes) => {
  const files = new Map([path, "app/Chart.yaml"].map((one) => [one, plainFile(one, bytes.length)]));
  return { hasKey: false, files: () => files.values(), find: (one) => files.get(one), read: () => bytes };
};

const QUERY = { fingerprint: "SHA256:x", namespace: "git", now: new Date(0) };
const standIns = StandIns.differing();
/** As if that key had opened it. */
const DATA_KEY = Buffer.alloc(32);
const UNSEALED = { digestsLast: true, digest: () => "" };

async function sops(text) {
  const file = await readSopsFile("x.yaml", text);
  return file === null ? null : decryptFile(file, DATA_KEY);
}

async function schema(text) {
  const content = readJson(text);
  if (typeof content !== "object" || content === null) return;
  const validate = await compileSchema(content);
  try {
    validate({ a: [1, "x", { b: null }] });
  } catch (error) {
    // It refers to itself without an end: anyone who validates is told.
    if (!(error instanceof RangeError)) throw error;
  }
}

function redact(text) {
  const redactor = new Redactor();
  for (let at = 0; at < Math.min(text.length, 2000); at += 50) redactor.add(text.slice(at, at + 60), at);
  return redactor.redact(text);
}

function glob(text) {
  const [pattern = "", ...names] = text.split("\n");
  return names.map(globOf(pattern) ?? (() => false));
}

/** The parsers, by the target's name. */
const PARSERS = {
  "age-keys": (bytes) => Promise.all([parseIdentityFile(bytes), parseRecipient(bytes.toString("latin1"))]),
  "agent-answer": (bytes) => [bytes[0] === 14 ? readAgentSignature(bytes) : readAgentKeys(bytes)],
  archive: (bytes) => readArchive(bytes),
  armor: (bytes) => decodeArmor(bytes),
  attributes: (bytes) => filterLines(bytes.toString(), macrosIn([bytes.toString()])),
  base64: (bytes) => decodeBase64(bytes.toString("latin1")),
  certificates: (bytes) => [readCertificates(bytes.toString("latin1")), endOfToken(bytes.toString("latin1"))],
  chart: (bytes) => loadChart(chart(bytes), () => {}),
  "chart-address": (bytes) => [publishedAt(bytes.toString()), readProxy(bytes.toString())],
  "chart-lock": (bytes) => parseLock(bytes.toString()),
  clusters: (bytes) => draftClusters(new Draft(commit("a/cluster.yaml", bytes))),
  "git-crypt-key": (bytes) => [parseRetired("0".repeat(64), bytes), parseKeyFile(bytes)],
  "git-differences": (bytes) => parseCommits(bytes),
  "git-index": (bytes) => entriesBelow(bytes, 20, "secrets/"),
  glob: (bytes) => glob(bytes.toString("latin1")),
  "helm-record": (bytes) => readRecord({ metadata: { name: "x" }, data: { release: wrapped(bytes) } }),
  helmfile: (bytes) => draftHelmfile(new Draft(commit("helmfile.yaml", bytes))),
  helmignore: (bytes) => ignoredBy(bytes.toString())("templates/a/b.yaml"),
  json: (bytes) => Array.from(textsIn(readJson(bytes.toString()))),
  "json-schema": (bytes) => schema(bytes.toString()),
  "key-text": (bytes) => readKeyText(bytes),
  kubeconfig: (bytes) => parseKubeconfig("x", bytes.toString()),
  manifests: (bytes) => readManifests(bytes.toString()),
  "member-entry": (bytes) => parseEntry(bytes),
  "member-key": (bytes) => readMemberKey(bytes.toString("latin1")),
  message: (bytes) => [detectFormat(bytes), readHeader(bytes)],
  openpgp: (bytes) => [readOpenPgpArmor(bytes.toString("latin1")), [...readOpenPgpPackets(bytes)]],
  "openpgp-keys": (bytes) => readOpenPgpKeys(bytes),
  "openpgp-message": (bytes) => parseOpenPgp(bytes),
  "page-query": (bytes) => readQuery(bytes.toString()),
  plan: (bytes) => readPlan(UNSEALED, bytes.toString()),
  "plugin-key": (bytes) => parsePluginKey(bytes.toString("latin1")),
  principals: (bytes) => principalsOf(bytes.toString("latin1"), QUERY),
  "private-key": (bytes) => readPrivateKey(bytes),
  "public-keys": (bytes) => readAnyPublicKeys(bytes.toString("latin1")),
  quantity: (bytes) => readQuantity(bytes.toString()),
  query: (bytes) => parseQuery(bytes.toString()),
  "recipient-lines": (bytes) => readRecipientLines(bytes.toString()),
  redactor: (bytes) => redact(bytes.toString("latin1")),
  schemas: (bytes) => assertOwnSchemas(["a/values.schema.json", "a/charts/b-1.tgz"].map((path) => [path, bytes])),
  "set-values": (bytes) => valuesOfSet(bytes.toString()),
  settings: (bytes) => readSettings(commit("deploy.yaml", bytes), {}),
  signature: (bytes) => readSignature(bytes.toString("latin1")),
  sops: (bytes) => sops(bytes.toString()),
  "ssh-config": (bytes) => readSshConfig({ home: "/home/a", read: () => bytes.toString(), list: () => ["a", "b"] }),
  "stand-ins": (bytes) => [standIns.text(bytes.toString()), standIns.of(readJson(bytes.toString()))],
  "text-with-message": (bytes) => [...messagesIn(bytes)],
  texts: (bytes) => [decodeText(bytes), decodedTexts(bytes.toString())],
  "value-path": (bytes) => parsePath(bytes.toString("latin1")),
  yaml: (bytes) =>
    readYaml("x", bytes.toString()).documents.map((node) => [valueOf(node), Array.from(scalarsIn(node)).length]),
};

/** As the cluster gives it: twice in base64. */
const wrapped = (bytes) => Buffer.from(bytes.toString("base64")).toString("base64");

export const TARGETS = Object.keys(PARSERS);

/**
 * Parses bytes by a target.
 *
 * @returns what came of it in a word: the code of an error, or `read`
 * @throws what no parser should: a TypeError, a ReferenceError, too deep a recursion
 */
export async function parse(target, bytes) {
  try {
    // Some of them wipe what they were given.
    await PARSERS[target](Buffer.from(bytes));
    return "read";
  } catch (error) {
    if (isVaultError(error)) return error.code;
    const isDefect = error instanceof TypeError || error instanceof ReferenceError;
    if (isDefect || /call stack/.test(error.message)) throw error;
    return error.name;
  }
}
