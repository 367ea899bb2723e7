// Looks recipients up, one list after another: `node look-up.mjs` reads requests and writes
// answers, each a line of JSON. process.stdin and console.log would load what the network needs.
import { readSync, writeSync } from "node:fs";
import { Directory } from "../src/index.ts";

const piece = Buffer.alloc(65536);
for (let size; (size = readSync(0, piece)) > 0;) {
  const { queries, kind, env, allowHttp } = JSON.parse(piece.subarray(0, size));
  const directory = new Directory({ cacheFolder: null, timeout: 20000, env, allowHttp });
  const results = [];
  for (const query of queries) {
    try {
      const entries = kind === "signer" ? [await directory.resolveSigner(query)] : await directory.resolve(query, kind);
      for (const { name, keys } of entries)
        results.push({ name, fingerprints: keys.map(({ fingerprint }) => fingerprint) });
    } catch ({ code, message, hint }) {
      results.push({ code, message, hint });
    }
  }
  writeSync(1, JSON.stringify({ results, internals: process.moduleLoadList }) + "\n");
}
