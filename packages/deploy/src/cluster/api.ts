import { DeployError } from "../errors.ts";
import { at, readJson } from "../values/value.ts";
import type { ReadOptions, Requests, Sending } from "./requests.ts";

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

/** Objects of a kind. */
export interface ObjectList<T> {
  readonly items: T[];
}

/**
 * Objects of an API server, to read: to get and to list.
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

  /** All objects of a kind, however many there are. */
  async list<T extends KubernetesObject = KubernetesObject>(
    path: string,
    options: ReadOptions = {},
  ): Promise<ObjectList<T>> {
    interface Page {
      readonly metadata?: { readonly continue?: string };
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
      if (next === "") return { items };
    }
  }

  /**
   * What an object would be once it was applied, by the server, for `manager`. Nothing is changed.
   *
   * @throws DeployError CONFLICT where others have set fields of it otherwise; FORBIDDEN;
   * NO_SUCH_OBJECT where its namespace is not there; API_FAILED where it is refused
   */
  async rehearse(path: string, body: unknown, manager: string, signal: AbortSignal): Promise<KubernetesObject> {
    const query = { dryRun: "All", fieldManager: manager, fieldValidation: "Ignore" };
    const contentType = "application/apply-patch+yaml";
    return parse(await this.#requests.text("PATCH", path, { method: "PATCH", body, query, contentType, signal }));
  }

  /**
   * Whether the user may do something, as the cluster says. Nothing is changed.
   *
   * @param attributes the `resourceAttributes` of a SelfSubjectAccessReview
   */
  async mayDo(attributes: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<boolean> {
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: attributes },
    };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const review = parse<unknown>(await this.#requests.text("POST", path, { method: "POST", body, signal }));
    return at(review, "status", "allowed") === true;
  }

  /** Changes something. It is tried again only where the server says that it did nothing. */
  protected async change<T>(path: string, { attempts, ...sending }: Sending): Promise<T> {
    return parse<T>(await this.#requests.text(sending.method, path, sending, attempts));
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the API promises to send
function parse<T>(text: string): T {
  const answer = readJson(text);
  if (answer === undefined)
    throw new DeployError("API_FAILED", "expected JSON from the cluster, got something else, or what nests too deeply");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's own types; each field is optional to its readers
  return answer as T;
}
