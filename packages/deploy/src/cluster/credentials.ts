import { DeployError } from "../errors.ts";
import { type Credential, credentialOf, type CredentialProgram } from "./kubeconfig.ts";
import { runTool } from "../tool.ts";
import { readJson, textAt } from "../values/value.ts";

/** A credential is asked for again this many milliseconds before it ends. */
const EARLY = 60_000;

/** How long a program may take to give one, in seconds. */
const MOST_SECONDS = 120;

/** The credential of a user of a cluster. It stays in memory. */
export class Credentials {
  readonly #user: Credential | CredentialProgram;
  readonly #env: NodeJS.ProcessEnv;
  readonly #onSecret: (secret: string) => void;
  #current: Promise<{ readonly credential: Credential; readonly until: number }> | undefined;

  /** @param onSecret is told every secret in it before anybody gets it */
  constructor(user: Credential | CredentialProgram, env: NodeJS.ProcessEnv, onSecret: (secret: string) => void) {
    this.#user = user;
    this.#env = env;
    this.#onSecret = onSecret;
    if ("command" in user) for (const secret of Object.values(user.env)) onSecret(secret);
  }

  /**
   * The credential, from the kubeconfig or from the program that it names.
   *
   * @throws DeployError NO_CREDENTIAL
   */
  async get(): Promise<Credential> {
    const current = await this.#current?.catch(() => undefined);
    if (current !== undefined && current.until > Date.now()) return current.credential;
    this.#current = this.#obtain();
    return (await this.#current).credential;
  }

  async #obtain(): Promise<{ credential: Credential; until: number }> {
    const user = this.#user;
    const found = "command" in user ? await this.#run(user) : { credential: user, until: Number.POSITIVE_INFINITY };
    for (const secret of [found.credential.token, found.credential.key])
      if (secret !== undefined) this.#onSecret(secret);
    return found;
  }

  async #run({
    apiVersion,
    command,
    args,
    env,
  }: CredentialProgram): Promise<{ credential: Credential; until: number }> {
    const info = { apiVersion, kind: "ExecCredential", spec: { interactive: false } };
    const { status, stdout } = await runTool({
      ifMissing: "install it, in a folder of PATH: the kubeconfig names it",
      program: command,
      args,
      // The one who wrote the kubeconfig may give it what the user has of tokens.
      tokens: true,
      seconds: MOST_SECONDS,
      env: { ...this.#env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    });
    const answer = status === 0 ? parse(stdout) : null;
    // What such a program prints is a secret, and so may be what it says of its failure.
    if (answer === null) {
      const got = status === 0 ? "something else" : `exit code ${status ?? "of a signal"}`;
      throw new DeployError("NO_CREDENTIAL", `the kubeconfig's program: expected an ExecCredential, got ${got}`, {
        hint: "run the command that the kubeconfig's user has in exec, and see what it says",
      });
    }
    return answer;
  }
}

function parse(output: string): { credential: Credential; until: number } | null {
  const answer = readJson(output);
  const text = (name: string): string => textAt(answer, "status", name);
  const credential = credentialOf(text("token"), text("clientCertificateData"), text("clientKeyData"));
  const end = Date.parse(text("expirationTimestamp"));
  return credential && { credential, until: Number.isNaN(end) ? Number.POSITIVE_INFINITY : end - EARLY };
}
