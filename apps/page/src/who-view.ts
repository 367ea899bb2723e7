import { area, box, element, input, make, on, tell } from "./dom.ts";
import { holdsPrivateKey, readQuery } from "./forges.ts";
import { lookUp, LookupError } from "./lookup.ts";
import { KeysError, receiverOf, receiverOfKeys, type ListedKey, type Receiver } from "./receiver.ts";
import { TEXTS } from "./texts.ts";

/** Whom the message will be for, as far as it is chosen. */
export interface Choice {
  readonly receiver: Receiver;
  /** Public keys in a line each. */
  readonly recipients: readonly string[];
  /** False while a person still has to say that a link chose the right one. */
  readonly isConfirmed: boolean;
}

let receiver: Receiver | null = null;
let isFromLink = false;
/** What a link put into the field: it stays the link's until a person types. */
let linked: string | null = null;
let asking = new AbortController();

/** What is chosen; null before there is anybody. */
export function chosen(): Choice | null {
  if (receiver === null) return null;
  const boxes = [...box("key-list").querySelectorAll("input")];
  const recipients = boxes.filter(({ checked }) => checked).map(({ value }) => value);
  return { receiver, recipients, isConfirmed: !isFromLink || input("is-right").checked };
}

/** Makes the first step work. */
export function startWho(): void {
  on("who", "submit", () => choose(input("name").value, input("name").value === linked));
  on("use-pasted", "click", () => choose(area("keys").value, false, true));
  on("show-paste", "click", () => {
    box("paste").hidden = false;
    area("keys").focus();
  });
  on("name", "input", () => {
    linked = null;
    forget();
  });
  // A field of one line would join the lines of several keys.
  input("name").addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    if (!text.includes("\n")) return;
    event.preventDefault();
    box("paste").hidden = false;
    area("keys").value = text;
    void choose(text, false, true);
  });
  on("show-avatar", "change", () => {
    const image = element("avatar", HTMLImageElement);
    image.hidden = !input("show-avatar").checked;
    const address = receiver?.avatar ?? null;
    if (address !== null && !image.hidden) image.src = address;
  });
}

/** Chooses what a link names: a person has to confirm it. */
export async function chooseFromLink(text: string): Promise<void> {
  linked = text;
  input("name").value = text;
  await choose(text, true);
}

/** Forgets who was chosen, since what was typed names somebody else. */
export function forget(): void {
  asking.abort();
  receiver = null;
  box("receiver").hidden = true;
  // What was sealed was for somebody else.
  box("result").hidden = true;
  tell("who-error", null);
  box("who-status").textContent = "";
}

const fail = (message: string): void => tell("who-error", message);

async function choose(text: string, fromLink: boolean, isKeys = false): Promise<void> {
  forget();
  const { signal } = (asking = new AbortController());
  if (text.trim() === "") return fail(TEXTS.noName);
  if (holdsPrivateKey(text)) {
    input("name").value = "";
    area("keys").value = "";
    return fail(TEXTS.privateKey);
  }
  const query = isKeys ? ({ kind: "keys", text } as const) : readQuery(text);
  if (query.kind === "malformed") return fail(TEXTS.badName(query.forge.title));
  try {
    if (query.kind === "keys") {
      const pasted = await receiverOfKeys(query.text);
      signal.throwIfAborted();
      return show(pasted, fromLink);
    }
    box("who-status").textContent = TEXTS.looking(query.user);
    const account = await lookUp(query.forge, query.user, signal);
    signal.throwIfAborted();
    if (account.keys === "") throw new LookupError(TEXTS.noKeys(query.user));
    show(receiverOf(account), fromLink);
  } catch (error) {
    if (signal.aborted) return;
    box("who-status").textContent = "";
    const isKnown = error instanceof LookupError || error instanceof KeysError;
    fail(isKnown ? error.message : TEXTS.failed);
    if (error instanceof LookupError && query.kind === "user") box("paste").hidden = false;
  }
}

function show(its: Receiver, fromLink: boolean): void {
  const usable = its.keys.filter(({ line }) => line !== null);
  receiver = its;
  isFromLink = fromLink;
  box("person-name").textContent = its.title;
  box("person-about").textContent = its.about;
  box("key-list").replaceChildren(...its.keys.map(keyItem));
  box("avatar-choice").hidden = its.avatar === null;
  input("show-avatar").checked = false;
  element("avatar", HTMLImageElement).hidden = true;
  element("avatar", HTMLImageElement).removeAttribute("src");
  box("from-link").hidden = !fromLink;
  input("is-right").checked = false;
  box("from-link-text").textContent = its.isOneTime ? TEXTS.oneTimeFromLink : TEXTS.fromLink(its.title);
  box("receiver").hidden = false;
  box("who-status").textContent = usable.length === 0 ? "" : TEXTS.usable(usable.length);
  tell("who-error", usable.length === 0 ? TEXTS.noneUsable : null);
  tell("seal-error", null);
}

function keyItem({ line, type, fingerprint, comment, problem }: ListedKey, index: number): HTMLLIElement {
  const id = `key-${index}`;
  const tick = make("input", {
    type: "checkbox",
    id,
    checked: line !== null,
    disabled: line === null,
    value: line ?? "",
  });
  const label = make("label", { htmlFor: id }, make("span", {}, make("bdi", {}, type)));
  const details = [fingerprint, comment].filter((part) => part !== "");
  for (const part of details) label.append(make("br", {}), make("span", { className: "mono" }, make("bdi", {}, part)));
  if (problem !== null) label.append(make("br", {}), make("span", { className: "hint" }, TEXTS.cannot(problem)));
  return make("li", {}, tick, label);
}
