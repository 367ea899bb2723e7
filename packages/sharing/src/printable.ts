/**
 * A name or a path, which somebody else may have chosen, without what could move a terminal's
 * cursor or turn its text around.
 */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?").slice(0, 200);
