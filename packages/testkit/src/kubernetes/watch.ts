import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "./call.ts";
import { present } from "./presentation.ts";
import { gone } from "./failures.ts";
import type { JsonObject } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import { groupVersion, storedAs } from "./resources.ts";
import { isSelected, type Selection } from "./selectors.ts";
import type { StoreEvent } from "./store.ts";

/** How often a client that wants bookmarks is told how far it is, in milliseconds. */
const BOOKMARK_EVERY = 2000;

/** Writes the events of one watch, in their order, late where that was asked for. */
class Stream {
  readonly #call: Call;
  #written: Promise<void> = Promise.resolve();

  constructor(call: Call) {
    this.#call = call;
    call.response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
    call.response.flushHeaders();
  }

  send(type: string, object: JsonObject): void {
    const { response, watchDelay } = this.#call;
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#afterwards(async () => {
      if (watchDelay > 0) await sleep(watchDelay, undefined, { ref: false });
      if (!response.writableEnded && !response.destroyed) response.write(line);
    });
  }

  /** Ends the watch after what was sent. */
  end(): void {
    this.#afterwards(() => {
      this.#call.response.end();
    });
  }

  #afterwards(act: () => void | Promise<void>): void {
    const before = this.#written;
    this.#written = (async () => {
      await before;
      await act();
    })();
  }

  sendObject(type: string, object: KubernetesObject): void {
    this.send(type, present(this.#call, [object], object));
  }

  bookmark(initial: boolean): void {
    const { resource, cluster } = this.#call;
    this.send("BOOKMARK", {
      kind: resource.kind,
      apiVersion: groupVersion(resource),
      metadata: {
        resourceVersion: String(cluster.store.version),
        creationTimestamp: null,
        ...(initial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
      },
    });
  }
}

/**
 * What an event is to a client who sees only what it selected: an object that no longer fits is
 * gone for it.
 */
function seenAs(event: StoreEvent, namespace: string, selection: Selection): StoreEvent["type"] | undefined {
  if (namespace !== "" && event.object.metadata.namespace !== namespace) return undefined;
  const isIn = event.type !== "DELETED" && isSelected(event.object, selection);
  const wasIn = event.previous !== undefined && isSelected(event.previous, selection);
  if (isIn) return wasIn ? "MODIFIED" : "ADDED";
  return wasIn ? "DELETED" : undefined;
}

/**
 * Answers a watch: what there is, where no version is named, then every change until the client
 * goes or its time is over.
 */
export function watch(call: Call, selection: Selection): void {
  const { url, response, resource, namespace, cluster } = call;
  const { store } = cluster;
  const query = url.searchParams;
  const kind = storedAs(resource);
  const from = query.get("resourceVersion") ?? "";
  const initial = query.get("sendInitialEvents") === "true";
  const stream = new Stream(call);
  const pass = (event: StoreEvent): void => {
    const type = event.kind === kind ? seenAs(event, namespace, selection) : undefined;
    if (type) stream.sendObject(type, event.object);
  };
  if (initial || from === "" || from === "0") {
    for (const object of store.list(kind, namespace).filter((one) => isSelected(one, selection)))
      stream.sendObject("ADDED", object);
    if (initial) stream.bookmark(true);
  } else {
    const missed = store.eventsAfter(Number(from));
    if (missed === undefined) {
      stream.send("ERROR", gone(`too old resource version: ${from} (${store.version})`).status);
      stream.end();
      return;
    }
    for (const event of missed) pass(event);
  }
  const unsubscribe = store.subscribe(pass);
  const bookmarks =
    query.get("allowWatchBookmarks") === "true"
      ? setInterval(() => stream.bookmark(false), BOOKMARK_EVERY).unref()
      : undefined;
  const seconds = Number(query.get("timeoutSeconds") ?? 0);
  const end = seconds > 0 ? setTimeout(() => stream.end(), seconds * 1000).unref() : undefined;
  response.on("close", () => {
    unsubscribe();
    clearInterval(bookmarks);
    clearTimeout(end);
  });
}
