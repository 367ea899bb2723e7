import { generateIdentity } from "@git-vault/sealing";
import { area, box, copy, element, input, on, tell } from "./dom.ts";
import { holdsPrivateKey } from "./forges.ts";
import { TEXTS } from "./texts.ts";
import { JobError, runJob } from "./worker-client.ts";

/** The private half of this tab's request. It is nowhere else. */
let identity: string | null = null;
let address = "";
/** What is being opened: its result is not shown once it was given up. */
let opening = new AbortController();

/** Makes the views work that ask for a secret and open it. */
export function startRequest(): void {
  on("make-request", "click", makeRequest);
  on("copy-request", "click", () => copy(area("request-link").value, "request-status", TEXTS));
  on("open-form", "submit", open);
  on("forget", "click", () => wipeOpened());
  on("copy-plaintext", "click", () => copy(area("plaintext").value, "opened-status", TEXTS));
  // Anyone who closes the tab loses the key.
  addEventListener("beforeunload", (event) => {
    if (identity !== null) event.preventDefault();
  });
  showWaiting();
}

/** Removes what was opened, and what opened it. */
export function wipeOpened(): void {
  area("sealed").value = "";
  input("sealed-file").value = "";
  input("opener").value = "";
  wipePlaintext();
}

/** Forgets the request of this tab, which is left. */
export function forgetRequest(): void {
  identity = null;
  area("request-link").value = "";
  box("request-made").hidden = true;
  element("make-request", HTMLButtonElement).disabled = false;
  showWaiting();
}

function wipePlaintext(): void {
  opening.abort();
  area("plaintext").value = "";
  if (address !== "") URL.revokeObjectURL(address);
  address = "";
  box("opened").hidden = true;
}

async function makeRequest(): Promise<void> {
  const made = await generateIdentity();
  identity = made.identity;
  const isServed = /^https?:$/.test(location.protocol);
  const link = `${location.origin}${location.pathname}#${made.recipient}`;
  area("request-link").value = isServed ? link : made.recipient;
  box("request-label").textContent = isServed ? TEXTS.requestHere : TEXTS.requestKey;
  box("request-made").hidden = false;
  element("make-request", HTMLButtonElement).disabled = true;
  area("request-link").focus();
  showWaiting();
}

function showWaiting(): void {
  box("open-intro").textContent = identity === null ? TEXTS.notWaiting : TEXTS.waiting;
}

async function open(): Promise<void> {
  tell("open-error", null);
  wipePlaintext();
  const { signal } = (opening = new AbortController());
  const typed = input("opener").value;
  const isIdentity = /^\s*AGE-SECRET-KEY-/i.test(typed);
  const [file] = input("sealed-file").files ?? [];
  const source = file ?? new Blob([messageIn(area("sealed").value)]);
  if (source.size === 0) return tell("open-error", TEXTS.noMessage);
  const kinds = await kindsOf(source);
  if (kinds.length > 0 && kinds.every((kind) => kind.startsWith("ssh-")) && !isIdentity) {
    input("opener").value = "";
    return tell("open-error", TEXTS.sshMessage);
  }
  if (holdsPrivateKey(typed) && !isIdentity) {
    input("opener").value = "";
    return tell("open-error", TEXTS.privateKey);
  }
  if (typed === "" && identity === null)
    return tell("open-error", kinds.includes("X25519") ? TEXTS.noOneTimeKey : TEXTS.noOpener);
  const identities = [...(identity === null ? [] : [identity]), ...(isIdentity ? [typed.trim()] : [])];
  const passphrase = typed === "" || isIdentity ? null : new TextEncoder().encode(typed);
  box("open-status").textContent = TEXTS.opening;
  try {
    const job = { kind: "open", identity: identities.join("\n") || null, passphrase, source } as const;
    const opened = await runJob(job, signal);
    signal.throwIfAborted();
    await show(opened);
  } catch (error) {
    if (signal.aborted) return;
    tell("open-error", error instanceof JobError ? error.message : TEXTS.failed);
  } finally {
    passphrase?.fill(0);
    if (opening.signal === signal) box("open-status").textContent = "";
  }
}

/** What the stanzas of an age message are for, such as `X25519`; none for anything else. */
async function kindsOf(source: Blob): Promise<string[]> {
  const begin = await source.slice(0, 64 * 1024).text();
  const [, body = ""] = /-----BEGIN AGE ENCRYPTED FILE-----\s([^-]*)/.exec(begin) ?? [];
  const base64 = body.replaceAll(/\s/g, "").replaceAll("=", "");
  let header = begin;
  try {
    if (body !== "") header = atob(base64.slice(0, base64.length - (base64.length % 4)));
  } catch {
    return []; // the opener says what is wrong with it
  }
  const [stanzas = ""] = header.split("\n---");
  return [...stanzas.matchAll(/^-> (\S+)/gm)].map(([, kind = ""]) => kind);
}

/** The message among the words that were sent along. */
function messageIn(text: string): string {
  const [block] = /-----BEGIN AGE ENCRYPTED FILE-----[^]*?-----END AGE ENCRYPTED FILE-----/.exec(text) ?? [];
  return (block ?? text)
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

async function show(opened: Blob): Promise<void> {
  wipeOpened();
  const text = await textOf(opened);
  area("plaintext").value = text ?? "";
  area("plaintext").hidden = text === null;
  box("copy-plaintext").hidden = text === null;
  const save = element("save-plaintext", HTMLAnchorElement);
  save.href = address = URL.createObjectURL(opened);
  save.download = text === null ? "secret.bin" : "secret.txt";
  box("opened-status").textContent = text === null ? TEXTS.binary : TEXTS.opened(opened.size);
  box("opened").hidden = false;
  box("opened").focus();
}

const MAX_SHOWN = 1024 * 1024;

/** The text that the bytes are; null for anything else. */
async function textOf(blob: Blob): Promise<string | null> {
  if (blob.size > MAX_SHOWN) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await blob.arrayBuffer());
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
