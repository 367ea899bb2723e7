import { DeployError } from "../errors.ts";

/**
 * What may be told of a program's failure: its words, where it fails with the same ones with
 * stand-ins for all secrets; else the place, where that is the same, and that the words depend on a
 * secret.
 *
 * @param error of the program with the secrets; what is no failure of its is given back
 * @param other gives what comes of it with stand-ins: `same` where there are no secrets
 */
export async function withoutSecretWords(error: unknown, other: () => Promise<unknown>): Promise<unknown> {
  if (!(error instanceof DeployError) || error.code !== "TOOL_FAILED") return error;
  const outcome = await settled(other);
  if (outcome === "same" || ENDED.test(error.message)) return error;
  const others = outcome instanceof DeployError ? outcome.message : "";
  if (others === error.message) return error;
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

/** It was not Helm that said so. */
const ENDED =
  /: it (?:was not done within \d+ seconds, and was ended|printed more than \d+ bytes, and was ended|needed more than \d+ bytes of memory)$/;

/** A template and the line in it. */
const placeIn = (message: string): string | null => /[\w.-]+(?:\/[\w.-]+)+:\d+/.exec(message)?.[0] ?? null;
