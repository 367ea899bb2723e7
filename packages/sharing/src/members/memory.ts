import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isVaultError } from "@git-vault/core";
import { bytesOf, remoteUrls, textOf, type Repository } from "@git-vault/git-crypt";
import { isEntryId, type LogFile, type Look } from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { changeFile, readText } from "../trust/locked-file.ts";
import { defaultPinFile } from "../trust/pins.ts";
import { heldPath, memoryPath } from "../log-places.ts";
import { addressOf } from "./remote-address.ts";

/*
 * What a clone and its user remember of members logs: anyone who shows them another tree later
 * cannot make them forget. See docs/formats.md.
 */

/** What a clone remembers. */
export interface Memory {
  /** The id of the log's first entry, which a person accepted; null where none did. */
  readonly root: string | null;
  /** The ids of keys whose holders the person here has accepted. */
  readonly met: ReadonlySet<string>;
  /**
   * What came first, before all else; then which entries were new at each look at what the branch
   * follows, the earliest first.
   */
  readonly looks: readonly Look[];
  /** Those entries. Their signatures held. */
  readonly files: readonly LogFile[];
}

/** An entry and all that it builds on, which came before what removed its author. */
export interface First {
  readonly entries: Look;
  /** Where this clone saw it so: see `rememberedAs`; left out where a person said it. */
  readonly seenOn?: string | undefined;
}

/** A line of the file. */
interface Line {
  readonly root?: string;
  readonly met?: readonly string[];
  /** An entry and all that it builds on, which came first; where it has no `upstream`, anywhere. */
  readonly first?: readonly string[];
  /** What the branch follows: see `rememberedAs`; and the entries that were new there. */
  readonly upstream?: string | undefined;
  readonly seen?: Readonly<Record<string, string>>;
}

const isLine = (value: unknown): value is Line => typeof value === "object" && value !== null;

function linesIn(text: string): Line[] {
  return text.split("\n").flatMap((line) => {
    if (line === "") return [];
    try {
      const value: unknown = JSON.parse(line);
      if (isLine(value)) return [value];
    } catch {
      // Said below.
    }
    throw new SharingError("MEMORY_DAMAGED", "what this clone remembers of the members log is damaged", {
      hint: "look at the file git-vault/members-seen in the repository's .git; without it, the log is new to this clone",
    });
  });
}

/**
 * What a clone remembers of the members log.
 *
 * @param references those whose looks count beside the remote's main branch, the first of
 * all first
 * @throws SharingError MEMORY_DAMAGED, MEMORY_FULL; the system's error where it cannot be read
 */
export function readMemory(repository: Repository, references: readonly string[]): Memory {
  const upstreams = [MAIN, ...references.map(keyOf)];
  const lines = linesIn(readText(memoryPath(repository)));
  const seen = upstreams.flatMap((upstream) =>
    lines.flatMap((line) => (line.upstream === upstream && line.seen !== undefined ? [line.seen] : [])),
  );
  return {
    root: lines.findLast(({ root }) => root !== undefined)?.root ?? null,
    met: new Set(lines.flatMap(({ met = [] }) => met)),
    looks: [...lines.flatMap((line) => firstIn(line, upstreams)), ...seen.map((entries) => Object.keys(entries))],
    files: seen.flatMap((entries) =>
      Object.entries(entries).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
    ),
  };
}

/** What came first by a person's word, or as it was seen on a reference that counts. */
const firstIn = ({ first, upstream }: Line, upstreams: readonly string[]): Look[] =>
  first !== undefined && (upstream === undefined || upstreams.includes(upstream)) ? [first] : [];

/** What was seen on the remote's main branch is remembered by this, whatever that is called. */
export const MAIN = "main";

/** By what the looks at a reference are remembered, whose name's characters are bytes. */
export const rememberedAs = (reference: string, trunk: string | null): string =>
  reference === trunk ? MAIN : keyOf(reference);

/** A reference's name as text; one that is none in UTF-8 is no other's. */
function keyOf(reference: string): string {
  const text = textOf(reference);
  return bytesOf(text) === reference ? text : `bytes:${reference}`;
}

/** What is to be remembered. */
export interface News {
  /** A root that is accepted now. */
  readonly root?: string;
  /** The ids of keys whose holders are accepted now. */
  readonly met?: readonly string[];
  /** What came before all else. */
  readonly first?: First;
  /**
   * What references that the branch follows hold or ever held, with sound signatures: look by look,
   * by what `rememberedAs` says.
   */
  readonly seen?: ReadonlyMap<string, readonly (readonly LogFile[])[]>;
  /** The ids of those of them that come before others where there is too little room for all. */
  readonly foremost?: ReadonlySet<string>;
}

/** So many bytes of what was seen are kept of a file that may have 64 MiB: a root always fits. */
const MOST_SEEN = 48 * 1024 * 1024;

/** And so many with what comes before others. */
const MOST_FOREMOST = 60 * 1024 * 1024;

/**
 * Remembers what is new of it. Of what was seen, what is too much is left out.
 *
 * @returns whether there was room for all of it
 * @throws SharingError MEMORY_FULL; the system's error where the repository's folder cannot be
 * written
 */
export function remember(repository: Repository, news: News): boolean {
  const { root, met = [], first, seen = new Map<string, never>(), foremost = new Set<string>() } = news;
  const path = memoryPath(repository);
  let isAll = true;
  changeFile(path, (text) => {
    const before = linesIn(text);
    const present = before.findLast((line) => line.root !== undefined)?.root;
    const knownMet = new Set(before.flatMap((line) => line.met ?? []));
    const newMet = met.filter((id) => !knownMet.has(id));
    const fresh = [...seen].flatMap(([upstream, looks]): Seen[] => {
      const theirs = before.filter((line) => line.upstream === upstream);
      const known = new Set(theirs.flatMap((line) => Object.keys(line.seen ?? {})));
      return looks.flatMap((files) => {
        const others = files.filter(({ name }) => !known.has(name));
        for (const { name } of others) known.add(name);
        return others.length === 0 ? [] : [{ upstream, files: others }];
      });
    });
    const known = Buffer.byteLength(text);
    const fitting = [
      fresh.length === 0 || known + roomFor(fresh) <= MOST_SEEN ? fresh : null,
      onlyForemost(fresh, foremost, MOST_FOREMOST - known),
    ].find((one) => one !== null);
    isAll = fitting === fresh;
    const lines: Line[] = [
      ...(root === undefined || root === present ? [] : [{ root }]),
      ...(newMet.length === 0 ? [] : [{ met: newMet }]),
      ...(first === undefined ? [] : [{ upstream: first.seenOn, first: first.entries }]),
      ...(fitting ?? []).map(({ upstream, files }) => ({ upstream, seen: textsOf(files) })),
    ];
    return lines.length === 0 ? null : text + lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  });
  return isAll;
}

/** What was new at a look. */
interface Seen {
  readonly upstream: string;
  readonly files: readonly LogFile[];
}

/** What they take at most, but for marks between them. */
const roomFor = (seen: readonly Seen[]): number =>
  seen.reduce((sum, { files }) => sum + files.reduce((size, { bytes }) => size + bytes.length + 200, 0), 0);

/** Those that come before others, as far as they fit. */
function onlyForemost(seen: readonly Seen[], foremost: ReadonlySet<string>, most: number): Seen[] {
  let left = most;
  return seen.flatMap(({ upstream, files }) => {
    const kept = files.filter((file) => {
      if (!foremost.has(file.name)) return false;
      left -= roomFor([{ upstream, files: [file] }]);
      return left >= 0;
    });
    return kept.length === 0 ? [] : [{ upstream, files: kept }];
  });
}

const textsOf = (files: readonly LogFile[]): Record<string, string> =>
  Object.fromEntries(files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]));

/** The same, where a folder that cannot be written is no reason to fail. */
export function rememberIfPossible(repository: Repository, news: News): boolean {
  try {
    return remember(repository, news);
  } catch (error) {
    if (isVaultError(error)) throw error;
    return true;
  }
}

/**
 * The digests of entries whose signatures held before: see `readLog`. It saves verifying them
 * again, and says nothing of whether an entry counts.
 */
export function readHeld(repository: Repository): Set<string> {
  try {
    return new Set(readText(heldPath(repository)).split("\n").filter(isEntryId));
  } catch {
    return new Set();
  }
}

/** In bytes: those of a quarter of a million entries. */
const MOST_HELD = 16 * 1024 * 1024;

/**
 * Remembers further ones, where that is possible. Where they become too many, those of a present
 * log alone are kept: who was removed can sign any number of others.
 *
 * @param needed those of the present log
 */
export function rememberHeld(repository: Repository, held: ReadonlySet<string>, needed: () => readonly string[]): void {
  const path = heldPath(repository);
  const change = (): void =>
    changeFile(path, (text) => {
      const before = new Set(text.split("\n"));
      const fresh = [...held].filter((digest) => !before.has(digest));
      const next = `${text}${fresh.join("\n")}\n`;
      if (next.length > MOST_HELD)
        return needed()
          .map((digest) => `${digest}\n`)
          .join("");
      return fresh.length === 0 ? null : next;
    });
  try {
    change();
  } catch (error) {
    if (!isVaultError(error)) return; // They are verified again.
    // It cannot be read whole, and holds nothing that cannot be found out again.
    rmSync(path, { recursive: true, force: true });
    change();
  }
}

/* The user's memory of all repositories, as ssh has its known_hosts. */

const HEADER = "# git-vault: the first entries of repositories' members logs, by the repositories' addresses";

function knownRepositories(env: NodeJS.ProcessEnv): string | null {
  const pins = defaultPinFile(env);
  return pins === null ? null : join(dirname(pins), "known-repositories");
}

/**
 * The addresses of a clone's remotes, each without what differs between the ways to write one. What
 * counts from the clone's own folder is no address: another clone's means another repository.
 */
function remoteAddresses(repository: Repository, remotes?: readonly string[]): string[] {
  const urls = remoteUrls(repository, remotes).filter((url) => url.startsWith("/") || /^[^/]*:/.test(url));
  return [...new Set(urls.map(addressOf))].filter((address) => /^[\x21-\x7e]{1,2000}$/.test(address));
}

/** A line of the user's memory. */
export interface KnownRepository {
  /** The file that holds the line. */
  readonly file: string;
  /** What the line begins with. */
  readonly address: string;
  readonly root: string;
}

/**
 * What the user accepted for the addresses of a clone's remotes.
 *
 * @param remotes the names of those that count; all where it is left out
 */
export function knownFor(repository: Repository, remotes?: readonly string[]): KnownRepository[] {
  const file = knownRepositories(repository.env);
  if (file === null) return [];
  const known = new Map(
    readText(file)
      .split("\n")
      .flatMap((line): [string, string][] => {
        const [address, root] = line.split(" ");
        return address !== undefined && root !== undefined && isEntryId(root) ? [[address, root]] : [];
      }),
  );
  return remoteAddresses(repository, remotes).flatMap((address) => {
    const root = known.get(address);
    return root === undefined ? [] : { file, address, root };
  });
}

/**
 * The root that the user accepted for the address of one of a clone's remotes; null where they did
 * for none.
 *
 * @param remotes the names of those that count; all where it is left out
 */
export const knownRoot = (repository: Repository, remotes?: readonly string[]): string | null =>
  knownFor(repository, remotes)[0]?.root ?? null;

const isOf = (address: string) => (line: string) => line.split(" ")[0] === address;

/**
 * Remembers which root the user accepted for the addresses of remotes. Another one that is known
 * stays, but where a person says so now.
 */
export function rememberRoot(
  repository: Repository,
  root: string,
  { remotes, isSaid }: { readonly remotes: readonly string[]; readonly isSaid: boolean },
): void {
  const path = knownRepositories(repository.env);
  const addresses = remoteAddresses(repository, remotes);
  if (path === null || addresses.length === 0) return;
  try {
    changeFile(path, (text) => {
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      const wanted = addresses.filter((address) => isSaid || !lines.some(isOf(address)));
      const kept = lines.filter((line) => !wanted.some((address) => isOf(address)(line)));
      const next = `${[HEADER, ...kept, ...wanted.map((address) => `${address} ${root}`)].join("\n")}\n`;
      return wanted.length === 0 || next === text ? null : next;
    });
  } catch (error) {
    if (isVaultError(error)) throw error;
    // A home that cannot be written is asked about again.
  }
}
