import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { peer, startGnuPg, temporaryFolder, type GnuPg, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gpgSecretFingerprints, receive, share, type Received } from "../src/index.ts";
import { CANARY, failureOf } from "./hands.ts";

const gpg = peer("gpg");
const secret = Buffer.from(`${CANARY} of a secret`);

describe.skipIf(gpg.missing)(`a message that gpg opens: ${gpg.label}`, () => {
  let gnupg: GnuPg;
  let folder: TemporaryFolder;
  let message: Buffer;
  let fingerprint: string;
  beforeAll(async () => {
    gnupg = startGnuPg();
    folder = temporaryFolder();
    fingerprint = await gnupg.generate({ userId: "alice <alice@example.org>", algorithm: "future-default" });
    const file = join(folder.path, "alice.asc");
    writeFileSync(file, await gnupg.exportPublic(fingerprint));
    const to = await new Directory({ env: {}, cacheFolder: null }).resolve(file, "openpgp");
    message = (await share({ secret, to, format: "openpgp" })).message;
  });
  afterAll(async () => {
    await gnupg.end();
    folder.remove();
  });

  const receiveBy = (program?: string): Promise<Received> =>
    receive(message, {
      home: folder.path,
      passphrase: () => Promise.reject(new Error("nobody is asked")),
      gpg: { program, env: gnupg.env, ask: false },
    });

  /** A program in gpg's place, which prints the secret and says this for programs. */
  const sayingOf = (...lines: readonly string[]): string => {
    const path = join(folder.path, "gpg");
    const said = lines.map((line) => `echo '[GNUPG:] ${line}' >&3`).join("\n");
    writeFileSync(path, `#!/bin/sh\ncat > /dev/null\nprintf '%s' '${secret.toString()}'\n${said}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  test("is given where gpg says that it decrypted it, and that it was protected", async () => {
    expect((await receiveBy()).plaintext).toEqual(secret);
    for (const proof of ["GOODMDC", "DECRYPTION_INFO 2 9", "DECRYPTION_INFO 0 9 2"]) {
      expect((await receiveBy(sayingOf(proof, "DECRYPTION_OKAY"))).plaintext).toEqual(secret);
    }
  });

  test.each([
    ["that nothing protected it", ["DECRYPTION_INFO 0 9", "DECRYPTION_OKAY"], "MALFORMED_MESSAGE"],
    ["nothing of how it went", ["DECRYPTION_INFO 2 9"], "MALFORMED_MESSAGE"],
    ["that it was altered", ["DECRYPTION_INFO 2 9", "BADMDC"], "TAMPERED_MESSAGE"],
    ["that it has no key", ["ENC_TO 0123456789ABCDEF 18 0"], "NO_IDENTITY_MATCHED"],
    ["that its agent did not give the key", ["ERROR pkdecrypt_failed 67108922"], "GPG_FAILED"],
  ])("is not given where gpg says %s, whatever else it printed", async (_, lines, code) => {
    expect(await failureOf(receiveBy(sayingOf(...lines)))).toMatchObject({ code });
  });

  test("is given up where it is too large", async () => {
    const path = join(folder.path, "gpg-large");
    writeFileSync(path, "#!/bin/sh\ncat > /dev/null\nexec cat /dev/zero\n");
    chmodSync(path, 0o755);
    expect(await failureOf(receiveBy(path))).toMatchObject({ code: "TOO_LARGE" });
  });

  test("is told where gpg is not there", async () => {
    expect(await failureOf(receiveBy(join(folder.path, "none")))).toMatchObject({ code: "GPG_MISSING" });
  });

  test("has private keys, and a home without gpg's folder has none and gets none", async () => {
    expect([...(await gpgSecretFingerprints({ env: gnupg.env }))]).toContain(fingerprint);
    const home = join(folder.path, "empty");
    mkdirSync(home);
    expect(await gpgSecretFingerprints({ env: { PATH: process.env["PATH"], HOME: home } })).toEqual(new Set());
    expect(readdirSync(home)).toEqual([]);
  });
});
