import type { Check, CheckContext } from "./check.ts";
import type { Severity } from "@git-vault/core";
import { found, isOfChart } from "./reading.ts";
import { type StoredSecret, secretsIn } from "./secret-files.ts";
import { entropy, isEncryptedText, isPlaceholder, isSensitive } from "../secrets/sensitive.ts";

/** Tells of secrets that stand in for others, and of those that can be guessed. */
export const weakSecret: Check = async function* weakSecretCheck(context) {
  for (const secret of secretsIn(context)) {
    // What a template puts there is a secret of others, or none.
    const weakness = isTemplate(context, secret) ? null : weaknessOf(secret);
    if (weakness === null) continue;
    const [severity, message] = weakness;
    yield found("weak-secret", severity, message, {
      file: secret.file,
      ...secret.position,
      hint: "make one at random, such as `openssl rand -hex 32` prints",
    });
  }
};

/** Whether a text is filled in later, in a file that is rendered: a layer is not. */
const isTemplate = (context: CheckContext, { file, text }: StoredSecret): boolean =>
  /\{\{|\{%/.test(text) && (isOfChart(context, file) || /\.(?:gotmpl|tpl|tmpl|j2|jinja2?)$/.test(file));

/** Those that attackers try first, in lower case. */
const COMMON = new Set(
  "123456 1234567 12345678 123456789 1234567890 abc123 admin admin123 administrator asdfgh changeit default dragon foobar guest hello hunter2 iloveyou letmein login master monkey pass passw0rd password1 password123 qwerty qwerty123 qwertyuiop root s3cret secret123 shadow superman supersecret test test123 testing trustno1 welcome".split(
    " ",
  ),
);
const SHORTEST = 8;

function weaknessOf({ text, path }: StoredSecret): [Severity, string] | null {
  const trimmed = text.trim();
  if (!isSensitive(path) || isEncryptedText(trimmed)) return null;
  if (trimmed === "") return ["warning", "this secret is empty"];
  if (isPlaceholder(trimmed)) return ["error", "this is a placeholder where a secret should be"];
  if (COMMON.has(trimmed.toLowerCase())) return ["error", "this is one of the secrets that are guessed first"];
  if (trimmed.length < SHORTEST) return ["warning", `this secret has fewer than ${SHORTEST} characters`];
  if (entropy(trimmed) < 2 || isSequence(trimmed)) return ["warning", "this secret repeats itself, and can be guessed"];
  const key = path.findLast((step) => typeof step === "string");
  if (typeof key === "string" && trimmed.toLowerCase() === key.toLowerCase())
    return ["error", "this secret is the name of its own key"];
  return null;
}

/** `abcdefgh`, `12345678`, `87654321`. */
function isSequence(text: string): boolean {
  const steps = new Set(
    Array.from({ length: text.length - 1 }, (_, at) => text.charCodeAt(at + 1) - text.charCodeAt(at)),
  );
  const [step] = steps;
  return steps.size === 1 && step !== undefined && Math.abs(step) <= 1;
}
