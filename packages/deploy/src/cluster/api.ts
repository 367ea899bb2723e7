import { DeployError } from "../errors.ts";
import type { ReadOptions, Refusal, Requests, Sending } from "./requests.ts";

/** A Kubernetes object, as the API server sends it. What is not looked at is not described. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
  };
}

/** Objects of a kind, and the version to watch from. */
export interface ObjectList<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

/** A change of an object. */
export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

/** For how many seconds the server is asked to go on with a watch. */
const WATCH_SECONDS = 240;

/**
 * Objects of an API server, to read: to get, list and watch.
 *
 * Whatever reads throws DeployError UNREACHABLE, UNAUTHORIZED, FORBIDDEN, API_FAILED,
 * TOO_MANY_REQUESTS, NO_CREDENTIAL or INTERRUPTED after it was tried several times.
 */
export class Api {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * An object, or what else lies at a path such as `/api/v1/nodes/core-1`; null where there is
   * none.
   */
  async get<T = KubernetesObject>(path: string, options: ReadOptions = {}): Promise<T | null> {
    const text = await this.text(path, options);
    return text === null ? null : parse<T>(text);
  }

  /** The text at a path, such as a pod's log; null if missing. It may hold secrets. */
  async text(path: string, options: ReadOptions = {}): Promise<string | null> {
    try {
      return await this.#requests.text("GET", path, options);
    } catch (error) {
      if (error instanceof DeployError && error.code === "NO_SUCH_OBJECT") return null;
      throw error;
    }
  }

  /** All objects of a kind, however many there are, and the version to watch from. */
  async list<T extends KubernetesObject = KubernetesObject>(
    path: string,
    options: ReadOptions = {},
  ): Promise<ObjectList<T>> {
    interface Page {
      readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
      readonly items?: readonly T[] | null;
    }
    const items: T[] = [];
    for (let next = "", expired = 0; ;) {
      const query = { ...options.query, limit: "500", ...(next === "" ? {} : { continue: next }) };
      let page: Page | null;
      try {
        page = await this.get<Page>(path, { ...options, query });
      } catch (error) {
        if (next === "" || !(error instanceof DeployError) || error.status !== 410 || ++expired > 3) throw error;
        // The rest of a long list is not kept for ever: it is begun again.
        [next, items.length] = ["", 0];
        continue;
      }
      for (const item of page?.items ?? []) items.push(item);
      next = page?.metadata?.continue ?? "";
      if (next === "") return { items, resourceVersion: page?.metadata?.resourceVersion ?? "" };
    }
  }

  /**
   * The changes after a list, until the server ends the watch or the connection breaks: list and
   * watch again then.
   *
   * @throws DeployError API_FAILED with the status 410 where the version is too old: list again
   */
  async *watch<T extends KubernetesObject = KubernetesObject>(
    path: string,
    resourceVersion: string,
    options: ReadOptions = {},
  ): AsyncGenerator<WatchEvent<T>> {
    const query = { ...options.query, watch: "1", resourceVersion, timeoutSeconds: `${WATCH_SECONDS}` };
    const response = await this.#requests.stream(path, { ...options, query });
    let rest = "";
    try {
      for await (const chunk of response.setEncoding("utf8")) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line === "") continue;
          const event = parse<{ type: string; object: T & Refusal & { code?: number } }>(line);
          if (event.type === "ERROR") throw this.#requests.refusal(event.object.code ?? 500, event.object, path);
          if (event.type === "ADDED" || event.type === "MODIFIED" || event.type === "DELETED")
            yield { type: event.type, object: event.object };
        }
      }
    } catch (error) {
      if (error instanceof DeployError || options.signal?.aborted === true)
        throw this.#requests.interruptedOr(error, options);
      // A connection that breaks is the end of this watch, and not of all.
    } finally {
      response.destroy();
    }
  }

  /** Changes something. It is tried again only where the server says that it did nothing. */
  protected async change<T>(path: string, { attempts, ...sending }: Sending): Promise<T> {
    return parse<T>(await this.#requests.text(sending.method, path, sending, attempts));
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the API promises to send
function parse<T>(text: string): T {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's own types; each field is optional to its readers
    return JSON.parse(text) as T;
  } catch {
    throw new DeployError("API_FAILED", "expected JSON from the cluster, got something else");
  }
}
