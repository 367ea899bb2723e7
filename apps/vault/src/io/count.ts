/** A number of things in words: `1 pod`, `2 pods`. */
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
