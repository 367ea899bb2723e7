import type { Plugin } from "vitest/config";

export declare function sourceOf(specifier: string): string | undefined;
export declare const workspaceSources: Plugin;
