import { printable } from "@git-vault/core";
import { area, box, copy, element, input, make, on, tell } from "./dom.ts";
import { howToOpen, size, TEXTS } from "./texts.ts";
import { chosen, type Choice } from "./who-view.ts";
import { JobError, runJob } from "./worker-client.ts";

/** What is longer is no text for a chat: it is given as a binary file. In bytes. */
const MAX_TEXT = 64 * 1024;

let files: File[] = [];
let working: AbortController | null = null;
let addresses: string[] = [];

/** Makes the second and third step work. */
export function startSeal(): void {
  on("what", "submit", seal);
  on("stop", "click", () => working?.abort());
  on("files", "change", () => {
    addFiles([...(input("files").files ?? [])]);
    input("files").value = "";
  });
  on("clear-files", "click", () => setFiles([]));
  on("again", "click", startAgain);
  on("copy", "click", () => copy(area("message").value, "copy-status", TEXTS));
  on("copy-words", "click", () =>
    copy(`${box("words").textContent}\n\n${area("message").value}`.trimEnd(), "copy-status", TEXTS),
  );
  const drop = box("drop");
  for (const type of ["dragenter", "dragover", "dragleave", "drop"] as const) {
    drop.addEventListener(type, (event) => {
      if (event.dataTransfer?.types.includes("Files") !== true) return;
      event.preventDefault();
      drop.classList.toggle("over", type === "dragenter" || type === "dragover");
      if (type !== "drop") return;
      const hasFolder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry()?.isDirectory === true);
      tell("seal-error", hasFolder ? TEXTS.noFolders : null);
      if (!hasFolder) addFiles([...event.dataTransfer.files]);
    });
  }
  // A file that misses the box must not replace the page.
  for (const type of ["dragover", "drop"] as const) {
    addEventListener(type, (event) => {
      if (event.dataTransfer?.types.includes("Files") === true) event.preventDefault();
    });
  }
}

/** Removes the secret, and what was made of it. */
export function wipe(): void {
  working?.abort();
  area("secret").value = "";
  setFiles([]);
  area("message").value = "";
  for (const address of addresses) URL.revokeObjectURL(address);
  addresses = [];
  box("downloads").replaceChildren();
  box("result").hidden = true;
}

const shown = (name: string): string => printable(name, { longest: 80 });

function addFiles(more: readonly File[]): void {
  // What comes while others are sealed would be left out.
  if (working === null) setFiles([...files, ...more]);
}

function setFiles(all: File[]): void {
  files = all;
  box("file-list").replaceChildren(
    ...all.map((file) => make("li", {}, make("bdi", {}, `${shown(file.name)} (${size(file.size)})`))),
  );
  box("clear-files-row").hidden = all.length === 0;
}

async function seal(): Promise<void> {
  if (working !== null) return;
  box("result").hidden = true;
  box("seal-status").textContent = "";
  const choice = chosen();
  const text = area("secret").value;
  const problem = problemOf(choice, text);
  tell("seal-error", problem);
  if (choice === null || problem !== null) return;
  working = new AbortController();
  setBusy(true);
  try {
    // A text beside files is one of them: nothing that was typed is left out.
    const items = [...(text === "" ? [] : [new File([text], "message.txt")]), ...files];
    const sealed: Sealed[] = [];
    for (const file of items) {
      const armor = file.size <= MAX_TEXT;
      box("seal-status").textContent = TEXTS.sealing(shown(file.name));
      const job = { kind: "seal", recipients: choice.recipients, armor, source: file } as const;
      const progress = element("progress", HTMLProgressElement);
      const blob = await runJob(job, working.signal, (done) => (progress.value = done));
      sealed.push({ name: files.length > 0 ? `${file.name}.age` : file.name, holds: file.name, blob, armor });
    }
    await show(choice, sealed);
  } catch (error) {
    const isStopped = working.signal.aborted;
    box("seal-status").textContent = isStopped ? TEXTS.stopped : "";
    if (!isStopped) tell("seal-error", error instanceof JobError ? error.message : TEXTS.failed);
  } finally {
    working = null;
    setBusy(false);
  }
}

function problemOf(choice: Choice | null, text: string): string | null {
  if (choice === null) return TEXTS.needReceiver;
  if (!choice.isConfirmed) return TEXTS.needYes;
  if (choice.recipients.length === 0) return TEXTS.needKey;
  return text === "" && files.length === 0 ? TEXTS.needSecret : null;
}

function setBusy(isBusy: boolean): void {
  element("do-seal", HTMLButtonElement).disabled = isBusy;
  area("secret").readOnly = isBusy;
  input("files").disabled = isBusy;
  box("stop").hidden = !isBusy;
  box("progress").hidden = !isBusy;
  element("progress", HTMLProgressElement).value = 0;
}

/** A message that was made. */
interface Sealed {
  readonly name: string;
  /** The name of the file that is sealed in it. */
  readonly holds: string;
  readonly blob: Blob;
  /** Whether it is text. */
  readonly armor: boolean;
}

async function show(choice: Choice, sealed: readonly Sealed[]): Promise<void> {
  const isFile = files.length > 0;
  const [only] = sealed;
  const isText = sealed.length === 1 && only?.armor === true;
  const message = isText ? await only.blob.text() : "";
  wipe();
  box("message-box").hidden = !isText;
  box("copy-words").textContent = isText ? TEXTS.copyBoth : TEXTS.copyWords;
  area("message").value = message;
  box("result-title").textContent = TEXTS.sendThis(choice.receiver);
  box("downloads").replaceChildren(
    ...sealed.map(({ name, blob }) => {
      const href = URL.createObjectURL(blob);
      addresses.push(href);
      return make(
        "li",
        {},
        make("a", { href, download: name, className: "button" }, TEXTS.download(shown(name), blob.size)),
      );
    }),
  );
  box("words").textContent = howToOpen(sealed, choice.recipients, isFile);
  box("copy-status").textContent = "";
  box("seal-status").textContent = TEXTS.sealed;
  box("result").hidden = false;
  box("result").focus();
}

function startAgain(): void {
  wipe();
  box("seal-status").textContent = "";
  area("secret").focus();
}
