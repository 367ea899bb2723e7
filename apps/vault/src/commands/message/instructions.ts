import type { Chosen, Shared } from "@git-vault/sharing";
import { quoteForShell } from "@git-vault/core";
import { IDENTITY_FILE, lineOf, otherOpeners, vaultOpeners, type Opener, type WaysToOpen } from "./opening-commands.ts";

/** A message with a page for who gets it, in the clear text around it. */
const FILE = "message.txt";

/**
 * How the system's own tools cut the message out of the page, for programs that take it alone. The
 * page itself is indented, so that nothing of it is cut out. Its line ends may have become CRLF.
 */
const CUT = {
  age: ["/^-----BEGIN AGE/,/^-----END AGE/p", String.raw`(?ms)^-----BEGIN AGE.*?^-----END AGE[^\r\n]*`],
  "ssh-vault": ["/^SSH-VAULT;/,/^[[:space:]]*$/p", String.raw`(?ms)^SSH-VAULT;.*?(?=^\s*$|\z)`],
  openpgp: ["/^-----BEGIN PGP/,/^-----END PGP/p", String.raw`(?ms)^-----BEGIN PGP.*?^-----END PGP[^\r\n]*`],
} as const;

const CUT_FILE = "cut.txt";
/** Where PowerShell puts a git-crypt key. */
const KEY_FILE = "git-crypt-key";

/** PowerShell gives `~` to programs as it is. */
const inWindows = (line: string): string => line.replace("~/", "$HOME/");

/**
 * What PowerShell runs once the message is cut out. Its pipes damage what is binary, which so goes
 * through a file, and base64 has no program there.
 */
function inPowerShell({ command }: Opener, ways: WaysToOpen): string {
  const file = ways.isGitCryptKey ? KEY_FILE : ways.file;
  if (!ways.base64) return inWindows(command(CUT_FILE, file));
  const bytes = `[Convert]::FromBase64String("$(${inWindows(command(CUT_FILE, null))})")`;
  return file === null
    ? `[Text.Encoding]::UTF8.GetString(${bytes})`
    : `[IO.File]::WriteAllBytes("$PWD/${file}", ${bytes})`;
}

/**
 * The message between two texts that say how to open it, on macOS, Linux and Windows; `vault view`
 * finds it in them.
 */
export function withInstructions(shared: Shared, ways: WaysToOpen): Buffer {
  const lines = [
    "This is a sealed message. Only the private keys that it was sealed to open it, so that it may",
    `travel over any channel. Save all of this text as ${FILE}; then, with what you have:`,
    "",
    "  vault, on macOS, Linux and Windows:",
    ...vaultOpeners(shared, ways).map((one) => `    ${lineOf(one, FILE, ways)}`),
    ...byOthers(shared, ways),
    ...aboutKeys(shared),
    "",
    "",
  ];
  const after = ["", "", "End of the sealed message. The lines above it say how to open it.", ""];
  return Buffer.concat([Buffer.from(lines.join("\n")), shared.message, Buffer.from(after.join("\n"))]);
}

/** How other programs open the message, one line for each kind of key. */
function byOthers(shared: Shared, ways: WaysToOpen): string[] {
  const others = otherOpeners(shared, ways);
  const [first] = others;
  // ssh-vault prints text alone.
  if (first === undefined) return ["  ssh-vault cannot print it, since it is binary: it takes vault."];
  const [sed, pattern] = CUT[shared.format];
  const cut = `[regex]::Match((Get-Content -Raw ${FILE}), '${pattern}').Value | Set-Content -Encoding ascii ${CUT_FILE}`;
  const which = others.length > 1 ? ", one line for each kind of key" : "";
  return [
    `  ${first.name}, on macOS and Linux, and on Windows in Git Bash${which}:`,
    ...others.map((one) => `    sed -n ${quoteForShell(sed)} ${FILE} | ${lineOf(one, null, ways)}`),
    `  ${first.name}, on Windows in PowerShell${which}:`,
    ...[cut, ...others.map((one) => inPowerShell(one, ways))].map((line) => `    ${line}`),
    ...(ways.isGitCryptKey
      ? [`    git-crypt unlock ${KEY_FILE}`, `    Remove-Item ${KEY_FILE}, ${CUT_FILE}, ${FILE}`]
      : []),
  ];
}

/** That the files of keys in the lines are those that keys usually have. */
function aboutKeys({ format, sealedTo }: Chosen): string[] {
  if (format !== "age" || sealedTo.length === 0) return [];
  const isOfAge = sealedTo.some(({ entry }) => entry.type.startsWith("age-"));
  return [
    `  Where your private key is in another file, name that one${isOfAge ? `; ${IDENTITY_FILE} stands for an age identity file` : ""}.`,
  ];
}
