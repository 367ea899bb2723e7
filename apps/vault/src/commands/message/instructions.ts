import type { Chosen, Shared } from "@git-vault/sharing";
import { quoteForShell } from "@git-vault/core";
import type { WaysToOpen } from "./opening-commands.ts";

/** A message with a page for who gets it, in clear text around it. */
const FILE = "message.txt";

/**
 * How the system's own tools cut the message out of the page, for programs that take it alone. The
 * page itself is indented, so that nothing of it is cut out.
 */
const CUT = {
  age: ["/^-----BEGIN AGE/,/^-----END AGE/p", String.raw`(?ms)^-----BEGIN AGE.*?^-----END AGE[^\r\n]*`],
  "ssh-vault": ["/^SSH-VAULT;/,/^$/p", String.raw`(?ms)^SSH-VAULT;.*?(?=^\s*$|\z)`],
  openpgp: ["/^-----BEGIN PGP/,/^-----END PGP/p", String.raw`(?ms)^-----BEGIN PGP.*?^-----END PGP[^\r\n]*`],
} as const;

/** The other program that opens the format. */
function otherProgram({ format, sealedTo }: Chosen): { readonly name: string; readonly command: string } {
  if (format === "openpgp") return { name: "gpg", command: "gpg --decrypt" };
  if (format === "ssh-vault") return { name: "ssh-vault", command: "ssh-vault view" };
  const type = sealedTo[0]?.entry.type ?? "";
  const key = { "ssh-ed25519": "~/.ssh/id_ed25519", "ssh-rsa": "~/.ssh/id_rsa" }[type] ?? "key.txt";
  return { name: "age", command: sealedTo.length === 0 ? "age -d" : `age -d -i ${key}` };
}

/**
 * The message between two texts that say how to open it, on macOS, Linux and Windows; `vault view`
 * finds it in them.
 */
export function withInstructions(shared: Shared, { isGitCryptKey, rest }: WaysToOpen): Buffer {
  const { name, command } = otherProgram(shared);
  const [sed, pattern] = CUT[shared.format];
  const pipeline = (first: string): string => [first, ...rest].join(" | ");
  const lines = [
    "This is a sealed message. Only the private keys that it was sealed to open it, so that it may",
    `travel over any channel. Save all of this text as ${FILE}; then, with what you have:`,
    "",
    "  vault, on macOS, Linux and Windows:",
    `    ${isGitCryptKey ? `vault unlock ${FILE}` : pipeline(`vault view ${FILE}`)}`,
    `  ${name}, on macOS and Linux, and on Windows in Git Bash:`,
    `    ${pipeline(`sed -n ${quoteForShell(sed)} ${FILE} | ${command}`)}`,
    // PowerShell's own pipes damage what is binary.
    ...(rest.length > 0
      ? []
      : [
          `  ${name}, on Windows in PowerShell:`,
          `    [regex]::Match((Get-Content -Raw ${FILE}), '${pattern}').Value | Set-Content -Encoding ascii cut.txt`,
          `    ${command} cut.txt`,
        ]),
    "",
    "",
  ];
  const after = ["", "", "End of the sealed message. The lines above it say how to open it.", ""];
  return Buffer.concat([Buffer.from(lines.join("\n")), shared.message, Buffer.from(after.join("\n"))]);
}
