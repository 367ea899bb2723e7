import { decodeBase64, printable } from "@git-vault/core";
import { pluginFailed, type SealingError } from "../errors.ts";
import { encodeStanza, parseStanza } from "../age/header.ts";
import type { Stanza } from "../age/stanza.ts";

/*
 * What age and a plugin say to each other (C2SP age-plugin.md, "IPC protocol"). A plugin may be
 * broken or hostile: what it sends is bounded here, and what it wants shown is made printable.
 */

/** A plugin that was started. */
export interface PluginConnection {
  /** Writes to it; a plugin that has ended is noticed by `receive`. */
  send(bytes: Uint8Array): void;
  /**
   * The next bytes that it wrote.
   *
   * Throws SealingError `PLUGIN_FAILED` where it has ended or says nothing for too long.
   */
  receive(): Promise<Uint8Array>;
  /** Ends it. */
  close(): void;
}

/** How plugins are run, and how they ask the user. All texts are fit for a terminal. */
export interface PluginHost {
  /**
   * Starts the program `age-plugin-<name>` with the argument `--age-plugin=<machine>`.
   *
   * Throws SealingError `PLUGIN_MISSING`.
   */
  connect(name: string, machine: "recipient-v1" | "identity-v1"): PluginConnection;
  /** Shows a message; false where nobody sees it. */
  tell(name: string, text: string): boolean;
  /** Asks for a line; null where nobody can be asked. */
  ask(name: string, question: string, isSecret: boolean): Promise<string | null>;
  /** Asks whether `yes` rather than `no`, if there is a choice; null where nobody can be asked. */
  confirm(name: string, question: string, yes: string, no: string | null): Promise<boolean | null>;
}

/** In bytes, of all that a plugin says for one message: more than 1024 stanzas of hybrid keys. */
const MAX_SAID = 4 * 1024 * 1024;
/** In bytes, of one command. */
const MAX_COMMAND = 256 * 1024;
/** How often it may speak to the user. */
const MAX_QUESTIONS = 32;
/** In characters. */
const MAX_SHOWN = 400;

const NONE: Buffer = Buffer.alloc(0);

/** A text of a plugin's as people see it. */
export const shownText = (text: Uint8Array): string =>
  printable(Buffer.from(text).toString().trim(), { longest: MAX_SHOWN });

/** One run of a plugin. */
export class PluginSession {
  readonly #name: string;
  readonly #host: PluginHost;
  readonly #connection: PluginConnection;
  #held: Buffer = NONE;
  #said = 0;
  #questions = 0;

  constructor(name: string, machine: "recipient-v1" | "identity-v1", host: PluginHost) {
    this.#name = name;
    this.#host = host;
    this.#connection = host.connect(name, machine);
  }

  send(type: string, args: readonly string[] = [], body: Buffer = NONE): void {
    const bytes = Buffer.from(encodeStanza({ type, args, body }), "latin1");
    this.#connection.send(bytes);
  }

  /**
   * The next command that is not a question to the user: those are answered, and so is, by
   * `unsupported`, what is none of `types`. An error of the plugin's is thrown.
   */
  async next(types: readonly string[]): Promise<Stanza> {
    for (;;) {
      const command = await this.#read();
      if (types.includes(command.type) || command.type === "done") return command;
      if (command.type === "error") {
        this.send("ok");
        throw this.failed(shownText(command.body) || "it failed, and does not say why");
      }
      await this.#answer(command);
    }
  }

  failed(what: string): SealingError {
    return pluginFailed(this.#name, what);
  }

  /** Ends the plugin, and forgets what it said. */
  close(): void {
    this.#connection.close();
    this.#held.fill(0);
  }

  async #answer(command: Stanza): Promise<void> {
    const isQuestion = ["msg", "confirm", "request-public", "request-secret"].includes(command.type);
    if (!isQuestion) return this.send("unsupported");
    this.#questions += 1;
    if (this.#questions > MAX_QUESTIONS)
      throw this.failed(`it asked or told the user something more than ${MAX_QUESTIONS} times`);
    const text = shownText(command.body);
    if (command.type === "msg") return this.send(this.#host.tell(this.#name, text) ? "ok" : "fail");
    if (command.type === "confirm") return this.#confirm(command, text);
    const answer = await this.#host.ask(this.#name, text, command.type === "request-secret");
    if (answer === null) return this.send("fail");
    const bytes = Buffer.from(answer);
    this.send("ok", [], bytes);
    bytes.fill(0);
  }

  async #confirm({ args }: Stanza, question: string): Promise<void> {
    const [yes, no = null] = args.map((arg) => decodeBase64(arg, "unpadded"));
    if (args.length === 0 || args.length > 2 || !yes || (args.length === 2 && no === null))
      throw this.failed("it asked a malformed question");
    const answer = await this.#host.confirm(this.#name, question, shownText(yes), no === null ? null : shownText(no));
    if (answer === null) this.send("fail");
    else this.send("ok", [answer ? "yes" : "no"]);
  }

  async #read(): Promise<Stanza> {
    for (;;) {
      const command = this.#take();
      if (command !== null) return command;
      if (this.#held.length > MAX_COMMAND) throw this.failed(`it sent a command of more than ${MAX_COMMAND} bytes`);
      const more = await this.#connection.receive();
      this.#said += more.length;
      if (this.#said > MAX_SAID) throw this.failed(`it sent more than ${MAX_SAID} bytes`);
      this.#held = Buffer.concat([this.#held, more]);
    }
  }

  /** The first command of what came; null until it is whole. */
  #take(): Stanza | null {
    let offset = 0;
    let isWhole = true;
    const nextLine = (): string => {
      const end = this.#held.indexOf("\n", offset);
      isWhole = end !== -1;
      if (!isWhole) return "";
      const line = this.#held.toString("latin1", offset, end);
      offset = end + 1;
      return line;
    };
    const first = nextLine();
    if (!isWhole) return null;
    let command: Stanza;
    try {
      command = parseStanza(first, nextLine);
    } catch (cause) {
      if (!isWhole) return null;
      throw pluginFailed(this.#name, "it does not speak the protocol of age plugins", { cause });
    }
    if (!isWhole) return null;
    this.#held = this.#held.subarray(offset);
    return command;
  }
}
