import { DeployError } from "../errors.ts";
import { isOwnWords, retold } from "../helm/helm.ts";

/**
 * What may be told of a program's failure: its words, where it fails with the same ones with
 * stand-ins for all secrets; else the place, where that is the same, and that the words depend on a
 * secret.
 *
 * @param error of the program with the secrets; what is no failure of its is given back
 * @param other gives what comes of it with stand-ins: `same` where there are no secrets
 * @param learn where it is not the program that fails, but who is asked by it: makes known to its
 * redactor what was made of secrets, so that the rest may be told; false where that cannot be known
 */
export async function withoutSecretWords(
  error: unknown,
  other: () => Promise<unknown>,
  learn: () => Promise<boolean> = async () => false,
): Promise<unknown> {
  if (!(error instanceof DeployError) || error.code !== "TOOL_FAILED" || isOwnWords(error)) return error;
  const outcome = await settled(other);
  if (outcome === "same") return error;
  const others = outcome instanceof DeployError ? outcome.message : "";
  const [plain, otherPlain] = [error, outcome].map((one) =>
    one instanceof DeployError ? retold(one, { plain: true }) : null,
  );
  if (plain && otherPlain && reasonOf(plain.message) === reasonOf(otherPlain.message)) return plain;
  if (reasonOf(others) === reasonOf(error.message)) return error;
  if (await learn()) return retold(error);
  const [failure = ""] = error.message.split(": ", 1);
  const place = placeIn(error.message);
  const where = place === null || placeIn(others) !== place ? "" : ` at ${place}`;
  return new DeployError("TOOL_FAILED", `${failure}: what it says${where} depends on a secret, and is not shown`, {
    hint: "render the chart where nobody else looks, to see it",
  });
}

async function settled(job: () => Promise<unknown>): Promise<unknown> {
  try {
    return await job();
  } catch (error) {
    return error;
  }
}

/** What follows after what failed. */
const reasonOf = (message: string): string => message.slice(message.indexOf(": ") + 1);

/** A template and the line in it. */
const placeIn = (message: string): string | null => /[\w.-]+(?:\/[\w.-]+)+:\d+/.exec(message)?.[0] ?? null;
