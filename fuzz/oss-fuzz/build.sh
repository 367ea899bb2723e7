#!/bin/bash -eu
# Installs, bundles the targets into one program, and makes a fuzzer of Jazzer.js of each, with its
# corpus.
npx --yes pnpm@12.21.0 install --frozen-lockfile
npm install --no-save @jazzer.js/core
node fuzz/oss-fuzz/bundle.mjs fuzz/built
for target in $(node fuzz/run.mjs --list); do
  cat >"fuzz/built/$target.cjs" <<END
module.exports.fuzz = async (data) => void (await (await import("./targets.mjs")).parse("$target", data));
END
  compile_javascript_fuzzer git-vault "fuzz/built/$target.cjs"
  (cd "fuzz/corpus/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
done
