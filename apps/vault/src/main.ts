#!/usr/bin/env node
/*
 * The entry. What git runs, once for each of its own commands, is a file that holds only what that
 * needs; all else is the program.
 */

/** The words that git's configuration has, and no others. */
const BY_GIT = /^filter(?:\n(?:clean|smudge))?(?:\n--key-name=[^\n]+)?$/;

/** Files beside this one: see build.mjs. */
declare const require: (file: "./filter.cjs" | "./program.cjs") => unknown;

require(BY_GIT.test(process.argv.slice(2).join("\n")) ? "./filter.cjs" : "./program.cjs");
