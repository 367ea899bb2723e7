import type { Plugin } from "vitest/config";

export declare function sourceOf(specifier: string, importer?: string): string | undefined;
export declare const workspaceSources: Plugin;
export declare const browserSources: Plugin;
