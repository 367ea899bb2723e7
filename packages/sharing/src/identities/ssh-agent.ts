// oxlint-disable-next-line no-restricted-imports -- the agent's socket stays on this machine
import { connect } from "node:net";
import {
  AGENT_LIST_REQUEST,
  agentSignRequest,
  readAgentKeys,
  readAgentSignature,
  type AgentKey,
  type SigningKey,
} from "@git-vault/keys";
import { SharingError } from "../errors.ts";

/** As OpenSSH has it (AGENT_MAX_LEN): no list of keys is longer. */
const MAX_ANSWER = 256 * 1024;
const LENGTH_BYTES = 4;
/** Milliseconds to wait for a signature, with time to touch a key. */
const SIGN_TIMEOUT = 120_000;
const WINDOWS_PIPE = String.raw`\\.\pipe\openssh-ssh-agent`;

/** An SSH agent, which signs with keys it keeps. Each request is a connection. */
export class SshAgent {
  readonly #path: string;
  readonly #timeout: number;

  /**
   * @param path of its Unix socket, or on Windows of its named pipe
   * @param timeout milliseconds to wait for a list of its keys
   */
  constructor(path: string, timeout = 5000) {
    this.#path = path;
    this.#timeout = timeout;
  }

  /** The agent of $SSH_AUTH_SOCK; on Windows else that of the system; null where there is none. */
  static find(env: NodeJS.ProcessEnv): SshAgent | null {
    const path = env["SSH_AUTH_SOCK"] ?? "";
    if (path !== "") return new SshAgent(path);
    return process.platform === "win32" ? new SshAgent(WINDOWS_PIPE) : null;
  }

  /**
   * The keys that it can make SSH signatures with, in its order.
   *
   * @throws SharingError `AGENT_FAILED`; KeyError `BAD_AGENT_ANSWER`
   */
  async keys(): Promise<AgentKey[]> {
    return readAgentKeys(await this.#ask(AGENT_LIST_REQUEST, this.#timeout));
  }

  /**
   * Signs data, such as `signedData` of `@git-vault/keys` gives. What comes back is not verified.
   *
   * @throws SharingError `AGENT_FAILED`; KeyError `BAD_AGENT_ANSWER` where it refuses, too
   */
  async sign(key: SigningKey, data: Uint8Array): Promise<Buffer> {
    return readAgentSignature(await this.#ask(agentSignRequest(key, data), SIGN_TIMEOUT));
  }

  /** Sends a message and gives the answer, each without its length. */
  #ask(request: Buffer, timeout: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path: this.#path });
      const fail = (problem: string, cause?: unknown): void => {
        reject(agentFailed(problem, cause));
        socket.destroy();
      };
      const timer = setTimeout(() => fail(`it did not answer within ${timeout} ms`), timeout);
      let answer: Buffer = Buffer.alloc(0);
      socket.on("data", (piece) => {
        answer = Buffer.concat([answer, piece]);
        if (answer.length < LENGTH_BYTES) return;
        const length = answer.readUInt32BE();
        if (length > MAX_ANSWER) fail(`its answer is over ${MAX_ANSWER} bytes long`);
        else if (answer.length > LENGTH_BYTES + length) fail("it answered more than it was asked");
        else if (answer.length === LENGTH_BYTES + length) {
          resolve(answer.subarray(LENGTH_BYTES));
          socket.destroy();
        }
      });
      socket.on("error", (error) => fail("code" in error ? String(error.code) : "the connection failed", error));
      socket.on("close", () => {
        clearTimeout(timer);
        fail("it closed the connection without an answer");
      });
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(request.length);
      socket.write(Buffer.concat([length, request]));
    });
  }
}

const agentFailed = (problem: string, cause: unknown): SharingError =>
  new SharingError("AGENT_FAILED", `the SSH agent cannot be used: ${problem}`, {
    hint: "check $SSH_AUTH_SOCK with `ssh-add -l`, or sign with the file of a private key",
    cause,
  });
