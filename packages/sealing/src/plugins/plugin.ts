import { FILE_KEY_BYTES } from "../age/file-key.ts";
import type { PluginKey } from "./key.ts";
import { PluginSession, type PluginHost } from "./session.ts";
import { NOT_OF_AGE, type Identity, type Recipient, type Stanza } from "../age/stanza.ts";

/** Seals to a key of an age plugin, by `recipient-v1`: to a recipient, or to an identity's own. */
export class PluginRecipient implements Recipient {
  readonly id: string;
  readonly #key: PluginKey;
  readonly #host: PluginHost;
  #labels: readonly string[] = [];

  constructor(key: PluginKey, host: PluginHost) {
    this.id = key.text;
    this.#key = key;
    this.#host = host;
  }

  /** As the plugin gave them for the last file key. */
  get labels(): readonly string[] {
    return this.#labels;
  }

  /** Throws SealingError `PLUGIN_MISSING`, `PLUGIN_FAILED`; what `PluginHost.ask` throws. */
  async wrapFileKey(fileKey: Buffer): Promise<Stanza[]> {
    const session = new PluginSession(this.#key.plugin, "recipient-v1", this.#host);
    try {
      session.send(this.#key.kind === "recipient" ? "add-recipient" : "add-identity", [this.#key.text]);
      session.send("wrap-file-key", [], fileKey);
      session.send("extension-labels");
      session.send("done");
      return await this.#stanzas(session);
    } finally {
      session.close();
    }
  }

  async #stanzas(session: PluginSession): Promise<Stanza[]> {
    const stanzas: Stanza[] = [];
    let labels: readonly string[] | null = null;
    for (;;) {
      const { type, args, body } = await session.next(["recipient-stanza", "labels"]);
      if (type === "done") break;
      session.send("ok");
      if (type === "labels") {
        if (labels !== null || new Set(args).size < args.length) throw session.failed("it gave its labels twice");
        labels = args;
        continue;
      }
      const [index, stanzaType, ...rest] = args;
      if (index !== "0" || stanzaType === undefined) throw session.failed("it sent a stanza of another file");
      stanzas.push({ type: stanzaType, args: rest, body });
    }
    if (stanzas.length === 0) throw session.failed("it sealed to nobody");
    this.#labels = labels ?? [];
    return stanzas;
  }
}

/** Opens by an age plugin, by `identity-v1`. */
export class PluginIdentity implements Identity {
  readonly asks = "on-match";
  readonly plugin: string;
  /** The public half, where the identity file says it in a comment, as plugins write it. */
  readonly recipient: string | null;
  readonly #key: PluginKey;
  readonly #host: PluginHost;

  constructor(key: PluginKey, host: PluginHost, recipient: string | null = null) {
    this.plugin = key.plugin;
    this.recipient = recipient;
    this.#key = key;
    this.#host = host;
  }

  /** Throws SealingError `PLUGIN_MISSING`, `PLUGIN_FAILED`; what `PluginHost.ask` throws. */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    const sent = stanzas.filter(({ type }) => !NOT_OF_AGE.has(type));
    if (sent.length === 0) return null;
    const session = new PluginSession(this.plugin, "identity-v1", this.#host);
    try {
      session.send("add-identity", [this.#key.text]);
      for (const { type, args, body } of sent) session.send("recipient-stanza", ["0", type, ...args], body);
      session.send("done");
      return await fileKeyFrom(session);
    } finally {
      session.close();
    }
  }

  whyNot(): string {
    return `the age plugin ${this.plugin} has no key for it`;
  }
}

async function fileKeyFrom(session: PluginSession): Promise<Buffer | null> {
  let fileKey: Buffer | null = null;
  for (;;) {
    const { type, args, body } = await session.next(["file-key"]);
    if (type === "done") return fileKey;
    session.send("ok");
    if (fileKey !== null || args.length !== 1 || args[0] !== "0" || body.length !== FILE_KEY_BYTES)
      throw session.failed("it returned another kind of message key than the one requested");
    fileKey = body;
  }
}
