import { idOf, type KubernetesObject } from "./objects.ts";

/** Something that became of an object. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** What it is stored under, as `storedAs` says. */
  readonly kind: string;
  readonly object: KubernetesObject;
  /** What it was before; undefined for a new one. */
  readonly previous: KubernetesObject | undefined;
  readonly version: number;
}

/** How many events are kept for those who resume a watch. */
const HISTORY = 10_000;

/**
 * What the cluster holds. Every change has a number of its own, the resource version. What it takes
 * and gives is copied.
 */
export class Store {
  readonly #kinds = new Map<string, Map<string, KubernetesObject>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #history: StoreEvent[] = [];
  #version = 1;
  #forgotten = 0;

  /** The number of the last change. */
  get version(): number {
    return this.#version;
  }

  get(kind: string, namespace: string, name: string): KubernetesObject | undefined {
    const found = this.#kinds.get(kind)?.get(`${namespace}/${name}`);
    return found && structuredClone(found);
  }

  /** All of a kind, of one namespace where it is named, in the order of namespace and name. */
  list(kind: string, namespace = ""): KubernetesObject[] {
    const all = [...(this.#kinds.get(kind)?.values() ?? [])];
    return all
      .filter(({ metadata }) => namespace === "" || metadata.namespace === namespace)
      .toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
      .map((object) => structuredClone(object));
  }

  /**
   * Everything, with what it is stored under. These are the objects themselves: to be read only.
   */
  everything(): (readonly [kind: string, object: Readonly<KubernetesObject>])[] {
    return [...this.#kinds].flatMap(([kind, objects]) =>
      [...objects.values()].map((object) => [kind, object] as const),
    );
  }

  /** Creates or replaces an object, under the next resource version, and gives it as stored. */
  write(kind: string, object: KubernetesObject): KubernetesObject {
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(++this.#version);
    const objects = this.#kinds.get(kind) ?? new Map<string, KubernetesObject>();
    this.#kinds.set(kind, objects);
    const previous = objects.get(idOf(stored));
    objects.set(idOf(stored), stored);
    this.#publish({ type: previous ? "MODIFIED" : "ADDED", kind, object: stored, previous, version: this.#version });
    return structuredClone(stored);
  }

  /** Removes an object, and gives what it was; undefined where there was none. */
  remove(kind: string, namespace: string, name: string): KubernetesObject | undefined {
    const objects = this.#kinds.get(kind);
    const previous = objects?.get(`${namespace}/${name}`);
    if (previous === undefined) return undefined;
    objects?.delete(`${namespace}/${name}`);
    const object = structuredClone(previous);
    object.metadata.resourceVersion = String(++this.#version);
    this.#publish({ type: "DELETED", kind, object, previous, version: this.#version });
    return structuredClone(object);
  }

  /** What happened after a resource version; undefined where that is no longer known. */
  eventsAfter(version: number): readonly StoreEvent[] | undefined {
    return version < this.#forgotten ? undefined : this.#history.filter((event) => event.version > version);
  }

  /**
   * Forgets what happened, as etcd does every five minutes: anyone who resumes a watch is told to
   * list again.
   */
  forget(): void {
    this.#forgotten = ++this.#version;
    this.#history = [];
  }

  /** Calls `listener` at every change from now on. Gives the function that ends it. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #publish(event: StoreEvent): void {
    this.#history.push(event);
    if (this.#history.length > HISTORY) this.#forgotten = this.#history.shift()?.version ?? 0;
    for (const listener of this.#listeners) listener(event);
  }
}
