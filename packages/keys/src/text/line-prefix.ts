const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);

/**
 * Lines without a prefix like that of the line that begins a block: line numbers and times differ
 * from it. Null where there is none.
 */
export function withoutPrefix(lines: readonly string[], prefix: string): string[] | null {
  const words = prefix.trim();
  if (words === "" || prefix.length > 100) return null;
  const pattern = [...words.matchAll(/(\d+)|( +)|([^\d ]+)/g)]
    .map(([, digits, blanks, rest]) => (digits ? String.raw`\d+` : blanks ? " +" : escaped(rest ?? "")))
    .join("");
  const mark = new RegExp(`^ *${pattern} ?`);
  return lines.map((line) => line.replace(mark, ""));
}
