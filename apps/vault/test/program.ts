import { join } from "node:path";

/** The built program: what a user runs. */
export const VAULT: string = join(import.meta.dirname, "../dist/main.cjs");
