/*
 * The checks leaked and looks-secret: both read every file that everybody can read, and do so in
 * one pass.
 */
import { DeployError, orElse } from "../errors.ts";
import { giveTurn } from "../parallel.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import { Redactor } from "../secrets/redactor.ts";
import type { TrackedFile } from "../files/tree.ts";
import type { Layer } from "../values/layer.ts";
import { isStructured } from "../values/read-yaml.ts";
import { formatPath, type Path, textsIn } from "../values/value.ts";
import { scalarsIn, type Yaml } from "../values/yaml.ts";
import { documentsOf, fileOf, found, layersOf, titleOfManifest, rendered, whereOf } from "./reading.ts";
import type { Manifest } from "../helm/manifests.ts";
import { leaksIn } from "./leaks.ts";
import type { Release } from "../project/environment.ts";
import { remember } from "../remember.ts";
import { type StoredSecret, secretsIn, whereKept, withinJson } from "./secret-files.ts";
import {
  entropy,
  hiddenPart,
  hiddenWhole,
  isEncryptedText,
  isExampleHost,
  isSensitive,
  looksRandom,
  speaksOfSecrets,
} from "../secrets/sensitive.ts";

/** The most that a file may have to be searched: 32 MiB. */
const MOST_BYTES = 32 * 1024 * 1024;
/** After so many, the one who wants to end the run has a turn. */
const TURN_BYTES = 4 * 1024 * 1024;
/** Of one kind, in one file: more say nothing new. */
const MOST_FINDINGS = 10;

/** Reports secrets in readable files or rendered objects, and what looks like one. */
export const exposed: Check = async function* exposedCheck(context) {
  const { project, skip } = context;
  const redactor = hiddenIn(context);
  const files = [...project.files()].filter((file) => !file.secret);
  const readable = files.filter(({ bytes, path }) => {
    if (bytes > MOST_BYTES) skip(`whether secrets stand in ${path}, which is larger than ${MOST_BYTES} bytes`);
    return bytes <= MOST_BYTES;
  });
  let searched = 0;
  for (const [file, content] of project.readAll(readable)) {
    if (content instanceof DeployError) continue;
    searched += content.length;
    if (searched > TURN_BYTES) {
      searched = 0;
      await giveTurn(context.signal);
    }
    yield* inFile(context, file, content, redactor);
  }
  const releases: [Release, readonly Manifest[]][] = [];
  const leaked: Finding[] = [];
  const toldAt = new Map<Manifest, Set<string>>();
  for await (const [release, manifests] of rendered(context)) {
    releases.push([release, manifests]);
    for (const manifest of manifests) {
      if (manifest.kind === "Secret") continue;
      const told = new Set<string>();
      const paths = remember(toldAt, manifest, () => new Set<string>());
      // A key may hold a secret as well as a value does.
      for (const { path, text } of textsIn(manifest.object, { withKeys: true })) {
        for (const { of } of redactor.find(text)) {
          paths.add(formatPath(path));
          const message = `the value of ${whereKept(of)} is rendered into ${titleOfManifest(manifest)} at ${pathWithout(path, redactor)}`;
          if (told.has(message)) continue;
          told.add(message);
          leaked.push(
            found("leaked", "error", message, {
              file: fileOf(project, release, manifest),
              ...whereOf(release),
              hint: "render it into a Secret, and refer to that",
            }),
          );
        }
      }
    }
  }
  const more = await leaksIn(
    context,
    releases,
    (manifest, path) => toldAt.get(manifest)?.has(formatPath(path)) === true,
  );
  // By now it is known what names and keys the charts make of secrets.
  for (const one of [...leaked, ...more]) yield { ...one, message: project.redactor.redact(one.message) };
};

/** Knows what must not be met elsewhere. */
function hiddenIn(context: CheckContext): Redactor<StoredSecret> {
  const redactor = new Redactor<StoredSecret>();
  const layers = layersOf(context).map(([layer]) => layer);
  const secretLayers = new Set(layers.filter(holdsSecrets).map(({ path }) => path));
  // What a chart has by default is no secret, wherever a secret layer says it again.
  const known = new Set(layers.filter(({ role, secret }) => role === "defaults" && !secret).flatMap(saidBy));
  for (const secret of secretsIn(context)) {
    for (const part of [secret, ...withinJson(secret)]) {
      const hidden = hiddenPart(part);
      // What is found is told by the path in the file.
      if (hidden !== null) redactor.add(hidden, secret);
    }
    const whole = secretLayers.has(secret.file) ? hiddenWhole(secret) : null;
    // A line of a longer text may be any program's or sentence's.
    if (whole !== null && !known.has(said(secret))) redactor.add(whole, secret, { lines: false });
  }
  return redactor;
}

const holdsSecrets = (layer: Layer): boolean =>
  layer.secret || orElse<unknown[]>([], () => layer.secretScalars()).length > 0;

/** What a layer says; nothing where it cannot be read. */
const saidBy = (layer: Layer): string[] => orElse<string[]>([], () => layer.scalars().map(said));

const said = ({ path, text }: { readonly path: Path; readonly text: string }): string => `${formatPath(path)}\0${text}`;

function* inFile(
  context: CheckContext,
  { path: file }: TrackedFile,
  content: Buffer,
  redactor: Redactor<StoredSecret>,
): Generator<Finding> {
  const isBinary = content.subarray(0, 8000).includes(0);
  const text = content.toString(isBinary ? "latin1" : "utf8");
  const lineAt = lineCounter(text);
  const place = (start: number): Pick<Finding, "file" | "line"> => ({
    file,
    ...(isBinary ? {} : { line: lineAt(start) }),
  });
  const told = new Set<string>();
  const leaks = new Set<number>();
  for (const { of, start } of redactor.find(text)) {
    const key = whereKept(of);
    const at = place(start);
    if (at.line !== undefined) leaks.add(at.line);
    if (told.has(key)) continue;
    if (told.size >= MOST_FINDINGS) break;
    told.add(key);
    yield found("leaked", "error", `the value of ${key} stands in this file, which everybody can read`, {
      ...at,
      hint: "take it out and replace the secret: the history keeps the old one",
    });
  }
  if (content.subarray(0, 12).equals(KEY_FILE)) {
    yield looksSecret("a git-crypt key", { file });
    return;
  }
  if (isBinary) return;
  let count = 0;
  for (const { what, start } of knownKinds(text)) {
    const at = place(start);
    if (leaks.has(at.line ?? 0)) continue;
    if ((count += 1) > MOST_FINDINGS) return;
    yield looksSecret(what, at);
  }
  if (!isStructured(file) || /(?:^|\/)(?:package-lock|templates\/)/.test(file)) return;
  if (!speaksOfSecrets(text)) return;
  for (const { path, line, column } of suspects(documentsOf(context, file, () => text) ?? [])) {
    if (leaks.has(line)) continue;
    if ((count += 1) > MOST_FINDINGS) return;
    yield found("looks-secret", "warning", `the value of ${formatPath(path)} looks like a secret`, {
      file,
      line,
      column,
      hint: "move it to a secret layer, or silence this finding with the reason why it is none",
    });
  }
}

const looksSecret = (what: string, at: Pick<Finding, "file" | "line">): Finding =>
  found("looks-secret", "error", `this looks like ${what}`, {
    ...at,
    hint: "take it out and replace it: the history keeps the old one; where it opens nothing, silence this finding with the reason",
  });

/** As git-crypt's key files begin. */
const KEY_FILE = Buffer.from("\0GITCRYPTKEY", "latin1");

/** Texts that are secrets by their form, as their makers document it. */
const KINDS: readonly (readonly [name: string, what: string, form: string])[] = [
  ["pem", "a private key", "-----BEGIN (?:[A-Z\\d]+ )*PRIVATE KEY(?: BLOCK)?-----\\\\?\\s?"],
  ["putty", "a private key", "PuTTY-User-Key-File-[23]: "],
  ["age", "an age identity", "AGE-SECRET-KEY-(?:PQ-)?1[\\dA-Z]{40,}"],
  ["gitcrypt", "a git-crypt key", "AEdJVENSWVBUS0VZ[A-Za-z\\d+/]{40,}"],
  ["github", "a GitHub token", "\\b(?:gh[pousr]_[A-Za-z\\d]{36,}|github_pat_\\w{60,})"],
  ["gitlab", "a GitLab token", "\\bgl(?:pat|ptt|dt|rt|cbt|oas|ft|imt|agent|soat)-[\\w-]{20,}"],
  ["slack", "a Slack token or webhook", "\\bxox[abeprs]-[\\w-]{10,}|hooks\\.slack\\.com/services/T\\w+/B\\w+/\\w{16,}"],
  ["aws", "an AWS access key", "\\b(?:AKIA|ASIA)[A-Z2-7]{16}\\b"],
  ["google", "a Google API key or token", "\\bAIza[\\w-]{35}|\\bya29\\.[\\w-]{30,}|\\bGOCSPX-[\\w-]{28}"],
  ["stripe", "a Stripe key", "\\b[rs]k_live_[A-Za-z\\d]{20,}"],
  ["npm", "an npm token", "\\bnpm_[A-Za-z\\d]{36}\\b"],
  ["pypi", "a PyPI token", "\\bpypi-AgE[\\w-]{50,}"],
  ["docker", "a Docker token", "\\bdckr_[po]at_[\\w-]{20,}"],
  ["vault", "a HashiCorp Vault token", "\\bhv[sbr]\\.[\\w-]{24,}"],
  ["sendgrid", "a SendGrid key", "\\bSG\\.[\\w-]{20,}\\.[\\w-]{40,}"],
  ["jwt", "a JSON web token", "\\beyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]{20,}"],
  ["kube", "a kubeconfig's private key", "client-key-data:\\s+[A-Za-z\\d+/]{40,}"],
  [
    "url",
    "an address with a password",
    "\\b[a-z][a-z\\d+]{2,}://[^\\s:@/'\"<>{}$]{0,64}:[^\\s:@/'\"<>{}$%*]{8,}@[\\w.-]+\\.\\w",
  ],
];
/** What is known by its form, in words. */
export const SECRET_FORMS: readonly string[] = KINDS.map(([, what]) => what);

const KNOWN = new RegExp(KINDS.map(([name, , form]) => `(?<${name}>${form})`).join("|"), "g");

function* knownKinds(text: string): Generator<{ what: string; start: number }> {
  for (const match of text.matchAll(KNOWN)) {
    const kind = KINDS.find(([name]) => match.groups?.[name] !== undefined);
    // The words alone, as in a text about keys, are none.
    if (kind?.[0] === "pem" && !/^[A-Za-z\d+/=\\\s:,-]{60}/.test(text.slice(match.index + match[0].length))) continue;
    if (kind?.[0] === "url" && isExample(text, match.index)) continue;
    if (kind !== undefined) yield { what: kind[1], start: match.index };
  }
}

/** Whether an address with a password leads nowhere, by a password for documents and tests. */
function isExample(text: string, start: number): boolean {
  const [, password = "", host = ""] = /^[^:]+:\/\/[^:@]*:([^@]*)@([\w.-]+)/.exec(text.slice(start, start + 600)) ?? [];
  const words = password.replaceAll("0", "o").replaceAll("3", "e").replaceAll(/[5$]/g, "s").replaceAll(/[4@]/g, "a");
  return (
    isExampleHost(host) && (/^(?:[a-z]+|\d+)$/i.test(password) || /pass|secret|example|test|user|change/i.test(words))
  );
}

/** Values under a key that tells of a secret, which look like one themselves. */
function* suspects(documents: readonly Yaml[]): Generator<{ path: Path; line: number; column: number }> {
  const seen = new Set<Yaml>();
  for (const { path, node } of documents.flatMap((document) => [...scalarsIn(document)])) {
    // What aliases name is looked at once.
    if (seen.has(node)) continue;
    seen.add(node);
    if (typeof node.value === "string" && isSensitive(path) && isSuspect(node.value)) yield { path, ...node.position };
  }
}

const isSuspect = (value: string): boolean =>
  !/[{}<>\s]|^\$|^sha\d+[-:]/.test(value) &&
  !isEncryptedText(value) &&
  (looksRandom(value) ||
    (value.length >= 8 &&
      /\d/.test(value) &&
      /[a-z]/i.test(value) &&
      /[^\w.-]/.test(value) &&
      entropy(value) > 2.5 &&
      !/^[\w.-]+(?:[/:][\w.-]+)*$/.test(value)));

const pathWithout = (path: Path, redactor: Redactor): string => {
  const text = redactor.redact(formatPath(path));
  return text === "" ? "its top" : text;
};

/** Gives the line of an offset; offsets come in rising order, mostly. */
function lineCounter(text: string): (offset: number) => number {
  let at = 0;
  let line = 1;
  return (offset) => {
    if (offset < at) [at, line] = [0, 1];
    for (let next = text.indexOf("\n", at); next !== -1 && next < offset; next = text.indexOf("\n", at)) {
      line += 1;
      at = next + 1;
    }
    return line;
  };
}
