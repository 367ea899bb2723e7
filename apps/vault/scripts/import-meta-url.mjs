// What bundled code finds where it asks for `import.meta.url`: esbuild puts this into each CommonJS file that needs it.
export const importMetaUrl = require("node:url").pathToFileURL(__filename).href;
