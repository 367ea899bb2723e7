import { expect, test } from "vitest";
import { callsCheck } from "../src/checkout/hook-managers.ts";

const CHECK = "git-vault hooks check";

test.each([
  CHECK,
  `#!/bin/sh\nnpm test\n${CHECK}\n`,
  `lint-staged && ${CHECK}`,
  `${CHECK} || exit 1`,
  `npm test || exit 1; ${CHECK}`,
  `if command -v git-vault >/dev/null; then ${CHECK}; fi`,
  `"husky": { "hooks": { "pre-commit": "${CHECK} && npm test" } }`,
  "command: ['git-vault', 'hooks', 'check']",
  `      run: ${CHECK}`,
])("the check is called by %j", (text) => {
  expect(callsCheck(text)).toBe(true);
});

test.each([
  `# ${CHECK}`,
  `npm test # ${CHECK}`,
  `true || ${CHECK}`,
  `false && ${CHECK}`,
  `${CHECK} || true`,
  `${CHECK} || :`,
  `${CHECK} || exit 0`,
  `echo ${CHECK}`,
  `npm test\nexit 0\n${CHECK}`,
  `if false; then\n  ${CHECK}\nfi`,
  `"pre-commit": "npm test || ${CHECK}"`,
])("the check is not called by %j", (text) => {
  expect(callsCheck(text)).toBe(false);
});
