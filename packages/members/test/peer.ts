import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk } from "@git-vault/testkit";
import { MEMBERS_NAMESPACE } from "../src/index.ts";

export const sshKeygen = peer("ssh-keygen");

/** Signs with ssh-keygen, as a person could by hand. */
export async function signWithPeer(
  folder: string,
  keyPath: string,
  message: Uint8Array,
  env: Record<string, string> = {},
  namespace: string = MEMBERS_NAMESPACE,
): Promise<string> {
  const path = join(folder, "message");
  writeFileSync(path, message);
  const args = ["-q", "-Y", "sign", "-f", keyPath, "-n", namespace, path];
  await runOk(sshKeygen.path, args, { env: { ...process.env, ...env } });
  const signature = readFileSync(`${path}.sig`, "utf8");
  rmSync(`${path}.sig`);
  return signature;
}

/** Whether ssh-keygen says that a signature is by a key, whose line this is. */
export async function peerVerifies(
  folder: string,
  line: string,
  message: Uint8Array,
  signature: string,
): Promise<boolean> {
  writeFileSync(join(folder, "allowed"), `me ${line}\n`);
  writeFileSync(join(folder, "signature"), signature);
  const args = ["-Y", "verify", "-f", join(folder, "allowed"), "-I", "me", "-n", MEMBERS_NAMESPACE];
  const { status } = await run(sshKeygen.path, [...args, "-s", join(folder, "signature")], { input: message });
  return status === 0;
}
