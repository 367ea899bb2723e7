// `node --require`: writes the most memory that the process took, in KiB, to the file peak-memory
// when it ends.
process.on("exit", () => require("node:fs").writeFileSync("peak-memory", String(process.resourceUsage().maxRSS)));
