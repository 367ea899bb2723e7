/** The code of a system's error, such as `ENOENT`; undefined for anything else that was thrown. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
