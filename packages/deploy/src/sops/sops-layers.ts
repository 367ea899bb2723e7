import { hash } from "node:crypto";
import { isVaultError } from "@git-vault/core";
import { DeployError, passOn } from "../errors.ts";
import { Workspace } from "../files/workspace.ts";
import { inParallel } from "../parallel.ts";
import type { LayerDecrypter } from "../values/layer.ts";
import { isStructured, readYaml } from "../values/read-yaml.ts";
import { withMarkedScalars, type YamlFile } from "../values/yaml.ts";
import { allowedIn, decryptByCloud } from "./cloud.ts";
import { openDataKey, recipientsOf } from "./data-key.ts";
import { decryptFile, isSopsFile, isWholeSopsFile, readSopsFile, type SopsFile, withPlain } from "./sops-file.ts";
import { SopsKeys, type SopsKeySource } from "./sops-keys.ts";

/** How many clouds are asked at once. */
const MOST_AT_A_TIME = 8;

/** A file that may be one of sops. */
export interface SopsText {
  readonly path: string;
  readonly text: string;
}

interface Opened {
  readonly yaml: YamlFile;
  /** Known to nobody who cannot open the file; null where a cloud did, which gives no key away. */
  readonly token: string | null;
}

/**
 * Decrypts layers of sops in memory. What opens them may have to be asked for, so that they are
 * opened before they are read.
 */
export class SopsLayers implements LayerDecrypter {
  readonly #keys: SopsKeys;
  readonly #allowed: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal | undefined;
  /** For ciphertext alone. */
  readonly #workspace = new Workspace();
  readonly #opened = new Map<string, Opened | DeployError>();

  /** @param signal stops the program that asks a cloud */
  constructor(source: SopsKeySource, env: NodeJS.ProcessEnv, signal?: AbortSignal) {
    this.#keys = new SopsKeys(source, env);
    this.#allowed = source.cloudKeys ?? [];
    this.#env = env;
    this.#signal = signal;
  }

  /**
   * Opens those of the files that are sops's. Why one cannot be opened is told when it is read.
   *
   * @throws DeployError INTERRUPTED
   */
  async open(texts: Iterable<SopsText>): Promise<void> {
    const waiting = new Map<string, SopsFile>();
    for (const { path, text } of texts) {
      const id = idOf(path, text);
      if (this.#opened.has(id) || waiting.has(id)) continue;
      try {
        const file = await readSopsFile(path, text);
        if (file !== null) waiting.set(id, file);
      } catch (error) {
        this.#opened.set(id, asDeployError(error));
      }
    }
    const forClouds: [string, SopsFile][] = [];
    // One after the other, since keys may ask for a passphrase.
    for (const [id, file] of waiting) {
      const opened = await this.#openHere(file).catch(asDeployError);
      const mayAsk = opened instanceof DeployError && opened.code !== "TAMPERED_FILE";
      if (opened === null || (mayAsk && allowedIn(file.metadata, this.#allowed).length > 0)) forClouds.push([id, file]);
      else this.#opened.set(id, opened);
    }
    await inParallel(forClouds, MOST_AT_A_TIME, async ([id, file]) => {
      const opened = await this.#openByCloud(file).catch(asDeployError);
      if (opened instanceof DeployError && opened.code === "INTERRUPTED") throw opened;
      this.#opened.set(id, opened);
    });
  }

  read(path: string, text: string): YamlFile | null {
    const known = this.#opened.get(idOf(path, text));
    if (known instanceof DeployError) throw known;
    if (known !== undefined) return known.yaml;
    if (!isWholeSopsFile(path, text)) return null;
    throw new DeployError("LOCKED", `${path} is encrypted by sops, and was not among what was to be opened`, {
      place: { file: path },
    });
  }

  whyLocked(path: string, text: string): string | null {
    if (!isSopsFile(text)) return null;
    const known = this.#opened.get(idOf(path, text));
    if (known === undefined) return "it was not among what was to be opened";
    if (!(known instanceof DeployError) || known.code === "TAMPERED_FILE") return null;
    return this.#isOpenedByNone(known) ? this.#keys.noneOpens : known.message;
  }

  /**
   * Asserts that private keys that the caller named open something, where there is something.
   *
   * @throws DeployError WRONG_KEY
   */
  assertKeysFit(): void {
    const all = [...this.#opened.values()];
    const closed = all.flatMap((one) => (one instanceof DeployError && this.#isOpenedByNone(one) ? one : []));
    const [first] = closed;
    if (!this.#keys.areNamed || first === undefined || closed.length < all.length) return;
    const ofAll = `${this.#keys.title} opens none of the ${all.length} files that sops encrypted`;
    throw new DeployError("WRONG_KEY", all.length === 1 ? first.message : ofAll, {
      hint: "name a private key that they are encrypted to",
    });
  }

  #isOpenedByNone({ code, message }: DeployError): boolean {
    return code === "LOCKED" && message.endsWith(this.#keys.noneOpens);
  }

  /**
   * A secret of anyone who can open what private keys opened: empty where they opened nothing, and
   * null where clouds alone opened something. What is known of that is its plaintext, and a digest
   * with that as its key would let anybody test guesses.
   */
  get token(): string | null {
    const opened = [...this.#opened.values()].flatMap((one) => (one instanceof DeployError ? [] : [one.token]));
    const tokens = opened.filter((token) => token !== null);
    return tokens.length === 0 && opened.length > 0 ? null : tokens.toSorted().join("");
  }

  /** Forgets the keys and what was opened, and removes the temporary files. */
  wipe(): void {
    this.#workspace.remove();
    this.#keys.wipe();
    this.#opened.clear();
  }

  /** Null where no private key opens it. */
  async #openHere(file: SopsFile): Promise<Opened | null> {
    const key = await openDataKey(file.path, file.metadata, this.#keys);
    if (key === null) return null;
    try {
      return { yaml: contentOf(file.path, decryptFile(file, key)), token: hash("sha256", key, "hex") };
    } finally {
      key.fill(0);
    }
  }

  async #openByCloud(file: SopsFile): Promise<Opened> {
    const allowed = allowedIn(file.metadata, this.#allowed);
    if (allowed.length === 0) throw locked(file, this.#keys);
    if (file.metadata.groups.length > 1) throw ofGroups(file);
    const run = { env: this.#env, workspace: this.#workspace, signal: this.#signal };
    const plain = await decryptByCloud(file, allowed, run);
    return { yaml: contentOf(file.path, withPlain(file, plain)), token: null };
  }
}

const idOf = (path: string, text: string): string => `${path}\0${hash("sha256", text, "hex")}`;

function asDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  if (!isVaultError(error)) throw error;
  try {
    return passOn(error);
  } catch (passed) {
    if (passed instanceof DeployError) return passed;
    throw passed;
  }
}

function locked({ path, metadata }: SopsFile, { noneOpens }: SopsKeys): DeployError {
  const cloud = metadata.groups.flatMap((group) => group.cloud);
  const hasCloud = cloud.length > 0;
  return new DeployError("LOCKED", `${path} is encrypted by sops to ${recipientsOf(metadata)}, and ${noneOpens}`, {
    hint: hasCloud
      ? "give a private key, or allow that sops asks for one of the cloud keys"
      : "give a private key, or set $SOPS_AGE_KEY_FILE",
    remedy: hasCloud ? "allow-cloud-key" : "give-private-key",
    subject: cloud[0]?.name,
    place: { file: path },
  });
}

/** Of the groups it takes several, and no private key gives way to a cloud's within one. */
const ofGroups = ({ path }: SopsFile): DeployError =>
  new DeployError("LOCKED", `${path} has several groups of keys, and cloud keys are asked for where there is one`, {
    hint: "give private keys for as many groups as it takes",
    place: { file: path },
  });

/** What is neither YAML nor JSON by its name, sops keeps as one text. */
function contentOf(path: string, yaml: YamlFile): YamlFile {
  const [document] = yaml.documents;
  const isOne = document?.kind === "map" && document.entries.size === 1;
  const data = isOne ? document.entries.get("data")?.value : undefined;
  if (isStructured(path) || data?.kind !== "scalar" || typeof data.value !== "string") return yaml;
  return withMarkedScalars(readYaml(path, data.value));
}
