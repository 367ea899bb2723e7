import type { Forge } from "./forges.ts";
import { TEXTS } from "./texts.ts";

/** An account and its keys, as a forge tells. All of it is data of somebody else. */
export interface Account {
  readonly forge: Forge;
  /** The name that was asked for, in lower case, which the forge says is that of the account. */
  readonly user: string;
  /** What it calls itself. */
  readonly name: string | null;
  /** When it was made, as `2026-11-25`; null where the forge does not tell. */
  readonly since: string | null;
  /** A picture on the one host that the page may show pictures of. */
  readonly avatar: string | null;
  /** Public keys, one a line. */
  readonly keys: string;
}

/** What can be said to a person of a question that had no good answer. */
export class LookupError extends Error {}

const MAX_ANSWER = 1024 * 1024;
const MAX_PAGES = 10;
const PER_PAGE = 100;
const PATIENCE_MS = 20_000;

/** Asks a forge for an account and its keys. Throws LookupError; what `signal` throws. */
export async function lookUp(forge: Forge, user: string, signal: AbortSignal): Promise<Account> {
  const page = forge.page.replace("USER", user);
  // GitLab takes digits for the number of an account, which is another's.
  const isNumber = forge.prefix === "gitlab" && /^\d+$/.test(user);
  if (forge.api === null || isNumber) throw new LookupError(TEXTS.pasteOnly(page));
  const ask = (path: string): Promise<unknown> => askJson(forge, user, path, signal);
  // GitLab tells of a person only to those who signed in.
  const person = forge.prefix === "github" ? readPerson(forge, user, await ask("")) : null;
  const lines: string[] = [];
  for (let number = 1; number <= MAX_PAGES; number += 1) {
    const list = await ask(`/keys?per_page=${PER_PAGE}&page=${number}`);
    if (!Array.isArray(list) || list.length > PER_PAGE) throw new LookupError(TEXTS.badAnswer(forge.title));
    for (const item of list) {
      const key = fieldOf(item, "key");
      if (key === null || key.length > 16_384) throw new LookupError(TEXTS.badAnswer(forge.title));
      lines.push(key.replaceAll(/\s+/g, " "));
    }
    if (list.length < PER_PAGE) break;
  }
  return { forge, user, name: null, since: null, avatar: null, ...person, keys: lines.join("\n") };
}

/** A text in an object; null for anything else, whatever the forge sent. */
function fieldOf(value: unknown, name: string): string | null {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return null;
  const field: unknown = Reflect.get(value, name);
  return typeof field === "string" ? field : null;
}

function readPerson(forge: Forge, user: string, value: unknown): Omit<Account, "forge" | "user" | "keys"> {
  const login = fieldOf(value, "login");
  if (login?.toLowerCase() !== user) throw new LookupError(TEXTS.badAnswer(forge.title));
  if (fieldOf(value, "type") === "Organization") throw new LookupError(TEXTS.organization);
  const picture = fieldOf(value, "avatar_url") ?? "";
  const [, number] = /^https:\/\/avatars\.githubusercontent\.com\/u\/(\d{1,15})(?:\?v=\d+)?$/.exec(picture) ?? [];
  return {
    name: fieldOf(value, "name"),
    since: /^\d{4}-\d{2}-\d{2}(?=T)/.exec(fieldOf(value, "created_at") ?? "")?.[0] ?? null,
    avatar: number === undefined ? null : `https://avatars.githubusercontent.com/u/${number}?s=96`,
  };
}

async function askJson(forge: Forge, user: string, path: string, signal: AbortSignal): Promise<unknown> {
  const address = `${forge.api?.replace("USER", encodeURIComponent(user))}${path}`;
  const text = await bounded(forge, address, user, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]), signal);
  try {
    return JSON.parse(text);
  } catch {
    throw new LookupError(TEXTS.badAnswer(forge.title));
  }
}

async function bounded(
  forge: Forge,
  address: string,
  user: string,
  signal: AbortSignal,
  own: AbortSignal,
): Promise<string> {
  try {
    const response = await fetch(address, {
      headers: { accept: "application/json" },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal,
    });
    if (!response.ok) throw refusal(forge, user, response);
    return await textOf(forge, response);
  } catch (error) {
    if (error instanceof LookupError) throw error;
    own.throwIfAborted();
    // The network, or what the forge does not allow: browsers do not say which.
    throw new LookupError(TEXTS.unreachable(forge.title, forge.page.replace("USER", user)));
  }
}

function refusal(forge: Forge, user: string, { status, headers }: Response): LookupError {
  if (status === 404) return new LookupError(TEXTS.noSuchUser(user, forge.title));
  const isLimit = status === 429 || (status === 403 && headers.get("x-ratelimit-remaining") === "0");
  if (!isLimit) return new LookupError(TEXTS.refused(forge.title, status));
  const reset = Number(headers.get("x-ratelimit-reset"));
  const hour = Number.isSafeInteger(reset) && reset > 0 ? new Date(reset * 1000) : new Date(Date.now() + 3_600_000);
  const time = hour.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
  return new LookupError(TEXTS.rateLimit(forge.title, time));
}

/** The text of an answer, which is left off where it is too long. */
async function textOf(forge: Forge, { body }: Response): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (let step = await reader.read(); step.value !== undefined; step = await reader.read()) {
    bytes += step.value.length;
    if (bytes > MAX_ANSWER) {
      await reader.cancel();
      throw new LookupError(TEXTS.badAnswer(forge.title));
    }
    text += decoder.decode(step.value, { stream: true });
  }
  return text + decoder.decode();
}
