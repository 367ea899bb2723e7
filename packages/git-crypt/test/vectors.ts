import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A vector's bytes: the keys are AES 00…1f and HMAC 20…5f. */
export const vector = (name: string): Buffer => readFileSync(join(import.meta.dirname, "vectors", name));
