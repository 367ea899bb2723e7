import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isVaultError } from "@git-vault/core";
import { readPublicKeys } from "@git-vault/keys";
import { seal, SshRecipient } from "@git-vault/sealing";
import { receive } from "@git-vault/sharing";
import { makeSshKey, peer, run, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomeOf } from "../src/cli/error-codes.ts";
import { VAULT } from "./program.ts";

const openssl = peer("openssl");
const SECRET = "the canary sings at dawn";

let folder: TemporaryFolder;
let vaults: { readonly ed25519: string; readonly rsa: string };

const sealedTo = async (name: string): Promise<string> => {
  const key = readPublicKeys(readFileSync(join(folder.path, ".ssh", `${name}.pub`), "utf8"))[0]?.key;
  if (!key) throw new Error("ssh-keygen made no key");
  return (await seal(Buffer.from(SECRET), [new SshRecipient(key)], { format: "ssh-vault" })).toString();
};

beforeAll(async () => {
  folder = temporaryFolder();
  const ssh = join(folder.path, ".ssh");
  mkdirSync(ssh);
  await makeSshKey({ folder: ssh, type: "ed25519" });
  await makeSshKey({ folder: ssh, type: "rsa", bits: 2048 });
  vaults = { ed25519: await sealedTo("id_ed25519"), rsa: await sealedTo("id_rsa") };
});
afterAll(() => folder.remove());

const open = async (vault: string | Uint8Array): Promise<string> => {
  const passphrase = (): Promise<never> => Promise.reject(new Error("no key has one"));
  return (await receive(Buffer.from(vault), { home: folder.path, passphrase })).plaintext.toString();
};

/** The exit code and the sentence for a vault that does not open; null where it opens. */
async function refusalOf(vault: string | Uint8Array): Promise<{ exit: number; message: string } | null> {
  try {
    expect(await open(vault)).toBe(SECRET);
    return null;
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { exit: outcomeOf(error, null).exit, message: error.message };
  }
}

const FIELDS = {
  ed25519: ["algorithm", "fingerprint", "key", "password", "data"],
  rsa: ["algorithm", "fingerprint", "password", "data"],
};

/** The vault's fields, without its line ends. */
function fieldsOf(vault: string): string[] {
  const [head = "", ...lines] = vault.split("\n");
  const text = vault.startsWith("SSH-VAULT;AES256") ? `${head};${lines.join("")}` : vault.replaceAll("\n", "");
  return text.split(";").slice(1);
}

const assembled = (fields: readonly string[]): string => {
  const [algorithm, fingerprint, ...rest] = fields;
  const joint = algorithm === "AES256" ? "\n" : ";";
  return `SSH-VAULT;${algorithm};${fingerprint}${joint}${rest.join(";")}`;
};

/** Damage to one field. */
const DAMAGES: Readonly<Record<string, (field: string) => string>> = {
  "without its last character": (field) => field.slice(0, -1),
  "without its first character": (field) => field.slice(1),
  "cut to half": (field) => field.slice(0, field.length / 2),
  "cut to four characters": (field) => field.slice(0, 4),
  empty: () => "",
  doubled: (field) => field + field,
  "with four characters more": (field) => `${field}AAAA`,
  "with characters of another alphabet": (field) => `-_${field.slice(2)}`,
  "with a NUL byte": (field) => `${field.slice(0, 5)}\0${field.slice(6)}`,
  "with an asterisk": (field) => `${field.slice(0, 5)}*${field.slice(6)}`,
  "with padding in the middle": (field) => `${field.slice(0, 5)}=${field.slice(6)}`,
  "with a letter outside ASCII": (field) => `${field.slice(0, 5)}ß${field.slice(6)}`,
  "of random bytes": (field) => randomBytes(field.length).toString("base64").slice(0, field.length),
  "of other bytes in base64": (field) => Buffer.alloc(Buffer.from(field, "base64").length, 7).toString("base64"),
  "with its first character changed": (field) => (field.startsWith("A") ? "B" : "A") + field.slice(1),
  huge: (field) => field + "A".repeat(4 * 1024 * 1024),
};

/** Damage to the whole. */
const MISTAKES: Readonly<Record<string, (vault: string) => string>> = {
  "colons for semicolons": (vault) => vault.replaceAll(";", ":"),
  "commas for semicolons": (vault) => vault.replaceAll(";", ","),
  "a semicolon too many in front": (vault) => vault.replace(";", ";;"),
  "a semicolon too many at the end": (vault) => `${vault};`,
  "a further field": (vault) => `${vault};AAAA`,
  "its first semicolon lost": (vault) => vault.replace(";", ""),
  "its last semicolon lost": (vault) => vault.replace(/;([^;]*)$/, "$1"),
  "the mark alone": () => "SSH-VAULT",
  "the mark with a semicolon": () => "SSH-VAULT;",
  "the mark with many semicolons": () => `SSH-VAULT${";".repeat(100_000)}`,
  "the mark misspelt": (vault) => vault.replace("SSH-VAULT", "SSH-VAULTS"),
  "an unknown algorithm": (vault) => vault.replace(/;[\w-]+;/, ";AES512;"),
  "the other algorithm": (vault) =>
    vault.includes(";AES256;")
      ? vault.replace("AES256", "CHACHA20-POLY1305")
      : vault.replace("CHACHA20-POLY1305", "AES256"),
  "another key's fingerprint": (vault) =>
    vault.includes(";AES256;")
      ? vault.replace(/(..:){15}../, "00:".repeat(15) + "00")
      : vault.replace(/SHA256:[^;]*/, `SHA256:${"A".repeat(43)}`),
  "a fingerprint of another kind": (vault) =>
    vault.includes(";AES256;")
      ? vault.replace(/(..:){15}../, `SHA256:${"A".repeat(43)}`)
      : vault.replace(/SHA256:[^;]*/, "00:".repeat(15) + "00"),
  "a huge line before it": (vault) => `${"x".repeat(2 * 1024 * 1024)}${vault.slice(0, 40)}`,
  "nothing in it": () => "",
  "only line ends": () => "\n\r\n\n",
};

/** Without the line ends and the padding at its end: whose loss loses nothing. */
const bare = (text: string): string => text.replace(/[=\s]+$/, "");

describe("a damaged vault", () => {
  let tried = 0;
  const expectRefusal = async (vault: string | Uint8Array, title: string, mayOpen = false): Promise<void> => {
    tried += 1;
    const refusal = await refusalOf(vault);
    if (refusal === null && mayOpen) return;
    const { exit = 0, message = "" } = refusal ?? {};
    // One sentence, which shows nothing of the input.
    const isSentence =
      /^[^\n.]+(?:\.[^\n .]+)*[^\n.]$/.test(message) && message.length < 300 && !message.includes(SECRET);
    expect({ title, exit, message, good: [3, 5].includes(exit) && isSentence }).toMatchObject({ title, good: true });
  };

  test.each(["ed25519", "rsa"] as const)("in one field (%s) is refused with exit 3 or 5", async (type) => {
    for (const [at, name] of FIELDS[type].entries()) {
      for (const [how, damage] of Object.entries(DAMAGES)) {
        const fields = fieldsOf(vaults[type]);
        const whole = fields[at] ?? "";
        fields[at] = damage(whole);
        await expectRefusal(assembled(fields), `${name} ${how}`, bare(fields[at]) === bare(whole));
      }
    }
  });

  test.each(["ed25519", "rsa"] as const)("as a whole (%s) is refused with exit 3 or 5", async (type) => {
    for (const [how, mistake] of Object.entries(MISTAKES)) await expectRefusal(mistake(vaults[type]), how);
  });

  test.each(["ed25519", "rsa"] as const)("with two fields swapped (%s) is refused with exit 3 or 5", async (type) => {
    const count = FIELDS[type].length;
    for (let left = 0; left < count; left += 1) {
      for (let right = left + 1; right < count; right += 1) {
        const fields = fieldsOf(vaults[type]);
        [fields[left], fields[right]] = [fields[right] ?? "", fields[left] ?? ""];
        await expectRefusal(assembled(fields), `fields ${left} and ${right}`);
      }
    }
  });

  test.each(["ed25519", "rsa"] as const)(
    "with a field missing, twice, or of another vault (%s) is refused",
    async (type) => {
      const other = fieldsOf(await sealedTo(`id_${type}`));
      for (const [at, name] of FIELDS[type].entries()) {
        const fields = fieldsOf(vaults[type]);
        await expectRefusal(assembled(fields.toSpliced(at, 1)), `without ${name}`);
        await expectRefusal(assembled(fields.toSpliced(at, 0, fields[at] ?? "")), `${name} twice`);
        if (name !== "algorithm" && name !== "fingerprint") {
          await expectRefusal(assembled(fields.with(at, other[at] ?? "")), `${name} of another vault`);
        }
      }
    },
  );

  test.each(["ed25519", "rsa"] as const)("cut off anywhere (%s) is refused with exit 3 or 5", async (type) => {
    const vault = vaults[type];
    for (let length = 0; length < vault.length; length += 3)
      await expectRefusal(vault.slice(0, length), `cut to ${length}`, bare(vault.slice(0, length)) === bare(vault));
  });

  test.each(["ed25519", "rsa"] as const)(
    "with one bit turned anywhere (%s) is refused, or no bit of the secret",
    async (type) => {
      const bytes = Buffer.from(vaults[type]);
      for (let at = 0; at < bytes.length; at += 4) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 7));
        // A line end that became another kind of space is recovered, and so is padding.
        await expectRefusal(damaged, `bit in byte ${at}`, bytes[at] === 0x0a || bytes[at] === 0x3d);
      }
    },
  );

  test("was tried in the hundreds", () => {
    expect(tried).toBeGreaterThan(500);
  });

  test("is refused by the command itself, in one sentence on standard error", async () => {
    const samples = [
      vaults.ed25519.slice(0, -10),
      vaults.rsa.slice(0, -10),
      MISTAKES["another key's fingerprint"]?.(vaults.rsa) ?? "",
      MISTAKES["the other algorithm"]?.(vaults.ed25519) ?? "",
      MISTAKES["a huge line before it"]?.(vaults.ed25519) ?? "",
      "",
    ];
    for (const input of samples) {
      const { status, stdout, stderr } = await run(process.execPath, [VAULT, "view"], {
        input,
        env: { HOME: folder.path },
      });
      expect([3, 5]).toContain(status);
      expect(stdout.length).toBe(0);
      expect(stderr).toMatch(/^vault: error: [^\n]+\n(?:vault: hint: [^\n]+\n)?$/);
    }
  });
});

/*
 * The Go program (0.12) wrote the RSA form: after the head, the password by RSA-OAEP with SHA-256
 * and the secret by AES-256-GCM with the fingerprint as additional data, in base64, in lines of 64
 * characters. Its text is made here by openssl and node:crypto.
 */
describe.skipIf(openssl.missing)(`a vault as the Go program wrote it, by ${openssl.label}`, () => {
  let wrapped: { head: string; payload: string };

  beforeAll(async () => {
    const { createCipheriv, createHash, createPublicKey } = await import("node:crypto");
    const { runOk } = await import("@git-vault/testkit");
    const pem = join(folder.path, "rsa.pem");
    writeFileSync(pem, await runOk("ssh-keygen", ["-e", "-m", "PKCS8", "-f", join(folder.path, ".ssh/id_rsa.pub")]));
    const der = createPublicKey(readFileSync(pem)).export({ format: "der", type: "spki" });
    const fingerprint = createHash("md5").update(der).digest("hex").match(/../g)?.join(":") ?? "";
    const password = randomBytes(32);
    const oaep = [
      "-pkeyopt",
      "rsa_padding_mode:oaep",
      "-pkeyopt",
      "rsa_oaep_md:sha256",
      "-pkeyopt",
      "rsa_mgf1_md:sha256",
    ];
    const sealed = await runOk(openssl.path, ["pkeyutl", "-encrypt", "-pubin", "-inkey", pem, ...oaep], {
      input: password,
    });
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", password, nonce).setAAD(Buffer.from(fingerprint));
    const data = Buffer.concat([nonce, cipher.update(SECRET), cipher.final(), cipher.getAuthTag()]);
    wrapped = {
      head: `SSH-VAULT;AES256;${fingerprint}`,
      payload: `${sealed.toString("base64")};${data.toString("base64")}`,
    };
  });

  const inLines = (width: number, end: string): string =>
    [wrapped.head, ...(wrapped.payload.match(new RegExp(`.{1,${width}}`, "g")) ?? [])].join(end) + end;

  test.each([64, 65, 70, 76, 100, 10_000])("in lines of %i characters opens", async (width) => {
    expect(await open(inLines(width, "\n"))).toBe(SECRET);
    expect(await open(inLines(width, "\r\n"))).toBe(SECRET);
  });

  test("in a chat's quotation, with text around it, opens", async () => {
    const quoted = inLines(64, "\n").replaceAll(/^(?=.)/gm, "> ");
    expect(await open(`Alice wrote:\n${quoted}\nThanks!\n`)).toBe(SECRET);
    expect(await open(`\`\`\`\n${inLines(76, "\r\n")}\`\`\`\n`)).toBe(SECRET);
  });
});
