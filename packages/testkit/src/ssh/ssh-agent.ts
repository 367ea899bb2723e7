import { spawn } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runOk } from "../peers/run.ts";

/** A real ssh-agent that runs. */
export interface SshAgentProcess extends AsyncDisposable {
  /** Its socket, for SSH_AUTH_SOCK. */
  readonly path: string;
  /** Gives it a private key that has no passphrase. */
  add(privateKeyPath: string): Promise<void>;
  /** Ends it. */
  close(): Promise<void>;
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });

/** Starts ssh-agent with a socket in `folder`, whose path must be a short one. */
export async function startSshAgent(folder: string): Promise<SshAgentProcess> {
  const path = join(folder, "agent.sock");
  const child = spawn("ssh-agent", ["-D", "-a", path], { stdio: "ignore" });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => resolve());
  });
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  // The socket is there a moment before it is listened on.
  for (let tries = 0; !(await answers(path)); tries += 1) {
    if (tries === 500 || child.exitCode !== null) throw new Error("ssh-agent does not answer");
    await sleep(10);
  }
  return {
    path,
    add: async (privateKeyPath) => {
      await runOk("ssh-add", ["-q", privateKeyPath], { env: { PATH: process.env["PATH"], SSH_AUTH_SOCK: path } });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
