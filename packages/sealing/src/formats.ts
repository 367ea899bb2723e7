/** The formats of sealed messages. */
export type Format = "age" | "ssh-vault" | "openpgp";

/** All of them, the usual one first. */
export const FORMATS: readonly Format[] = ["age", "ssh-vault", "openpgp"];
