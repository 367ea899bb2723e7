/*
 * How Helm gets a credential that may be another one later: its kubeconfig names a program of
 * ours, as an exec credential plugin. It asks this process over a socket in a folder that only this
 * user can enter, and prints the ExecCredential that it is given (client.authentication.k8s.io/v1).
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "./credentials.ts";

/** Run by Node for each program that asks; it holds no secret. */
const HELPER = `"use strict";
const socket = require("node:net").connect(process.argv[2]);
const chunks = [];
const fail = () => { process.stderr.write("git-vault: the credential is not there any more\\n"); process.exit(1); };
socket.on("error", fail);
socket.on("data", (chunk) => chunks.push(chunk));
socket.on("end", () => (chunks.length === 0 ? fail() : process.stdout.write(Buffer.concat(chunks))));
`;

/** Gives a cluster's credential to the programs that are started for it. */
export class CredentialHelper {
  /** Its own folder, 0700. The name is short: a socket's path is limited to about 100 bytes. */
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(folder: string, credentials: Credentials) {
    this.#folder = folder;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
      // A program that is refused a credential says so itself; this process tells why where it asks
      // for one.
      credentials.get().then(
        ({ token, certificate, key }) =>
          socket.end(
            JSON.stringify({
              apiVersion: "client.authentication.k8s.io/v1",
              kind: "ExecCredential",
              status: { token, clientCertificateData: certificate, clientKeyData: key },
            }),
          ),
        () => socket.end(),
      );
    });
    // It must not keep the process from its end.
    this.#server.unref();
  }

  static async start(credentials: Credentials): Promise<CredentialHelper> {
    const folder = mkdtempSync(join(tmpdir(), "gv-"));
    const helper = new CredentialHelper(folder, credentials);
    writeFileSync(helper.#program, HELPER, { mode: 0o600 });
    await new Promise<void>((resolve, reject) => {
      helper.#server.once("error", reject);
      helper.#server.listen(helper.#address, resolve);
    });
    if (process.platform !== "win32") chmodSync(helper.#address, 0o600);
    return helper;
  }

  get #program(): string {
    return join(this.#folder, "credential.cjs");
  }

  get #address(): string {
    const name = join(this.#folder, "s");
    return process.platform === "win32" ? `\\\\.\\pipe\\${name.replaceAll(/[\\:]/g, "-")}` : name;
  }

  /** What a kubeconfig's user has as `exec`. It holds no secret. */
  get exec(): Readonly<Record<string, unknown>> {
    return {
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: [this.#program, this.#address],
      // Node's own settings are no business of the helper's.
      env: [{ name: "NODE_OPTIONS", value: "" }],
      interactiveMode: "Never",
      provideClusterInfo: false,
    };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
