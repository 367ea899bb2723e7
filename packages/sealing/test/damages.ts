/*
 * What chats, mail, tickets, terminals, documents and clipboards do to a text, as data: a name, and
 * what comes out. `loses` marks what loses or changes base64, which nobody can undo.
 */

/** One kind of damage. */
export interface Damage {
  readonly name: string;
  readonly loses?: true;
  readonly damage: (text: string) => string | Buffer;
}

const lines = (text: string, change: (line: string, at: number, all: readonly string[]) => string): string =>
  text
    .trimEnd()
    .split("\n")
    .map((line, at, all) => change(line, at, all))
    .join("\n");
const prefixed = (prefix: string) => (text: string) => lines(text, (line) => prefix + line);
const suffixed = (suffix: string) => (text: string) => lines(text, (line) => line + suffix);
const around = (before: string, after: string) => (text: string) => `${before}${text}${after}`;
const joinedBy = (glue: string) => (text: string) => text.trimEnd().split("\n").join(glue);
/** Into lines of that many columns, marks apart. */
const rewrapped = (columns: number) => (text: string) => {
  const all = text.trimEnd().split("\n");
  const [first = "", last = ""] = [all[0], all.at(-1)];
  const isArmor = first.startsWith("-");
  const body = (isArmor ? all.slice(1, -1) : all).join("").replace(/^(Version|Comment): [^\n]*/, "");
  const wrapped = body.match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
  return (isArmor ? [first, "", ...wrapped, last] : wrapped)
    .filter((line, at) => line !== "" || (first.includes("PGP") && at === 1))
    .join("\n");
};
/** Every line broken at that column as a viewer does. */
const broken = (columns: number) => (text: string) => text.replaceAll(new RegExp(`.{${columns}}(?=.)`, "g"), "$&\n");
const inserted = (line: string, every: number) => (text: string) =>
  lines(text, (its, at, all) => (at > 0 && at < all.length - 1 && at % every === 0 ? `${line}\n${its}` : its));
const percent = (text: string): string => encodeURIComponent(text);
const quotedPrintable = (text: string): string =>
  text.replaceAll("=", "=3D").replaceAll(/[^\n]{73}(?=[^\n])/g, "$&=\n");
const html = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const utf16 = (text: string, mark: string): Buffer => Buffer.from(mark + text, "utf16le");
const bytes = (text: string, ...before: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from(before), Buffer.from(text)]);

const plain: Damage[] = [
  { name: "nothing", damage: (text) => text },
  // Line ends.
  { name: "CRLF", damage: (text) => text.replaceAll("\n", "\r\n") },
  { name: "CR", damage: (text) => text.replaceAll("\n", "\r") },
  { name: "CR CR LF", damage: (text) => text.replaceAll("\n", "\r\r\n") },
  { name: "LF CR", damage: (text) => text.replaceAll("\n", "\n\r") },
  { name: "next line (U+0085)", damage: (text) => text.replaceAll("\n", "\u0085") },
  { name: "line separators (U+2028)", damage: (text) => text.replaceAll("\n", "\u2028") },
  { name: "paragraph separators (U+2029)", damage: (text) => text.replaceAll("\n", "\u2029") },
  { name: "vertical tabs, as Word's", damage: (text) => text.replaceAll("\n", "\v") },
  { name: "form feeds", damage: (text) => text.replaceAll("\n", "\f") },
  { name: "mixed line ends", damage: (text) => lines(text, (line, at) => line + ["\r", "", "\r\r"][at % 3]) },
  { name: "no line end at the end", damage: (text) => text.trimEnd() },
  { name: "blank lines between", damage: (text) => text.replaceAll("\n", "\n\n") },
  { name: "two blank lines between", damage: (text) => text.replaceAll("\n", "\n\n\n") },
  { name: "blank lines around", damage: around("\n\n\n", "\n\n\n") },
  { name: "line breaks made blanks", damage: joinedBy(" ") },
  { name: "line breaks lost", damage: joinedBy("") },
  { name: "line breaks made tabs", damage: joinedBy("\t") },
  { name: "line breaks made two blanks", damage: joinedBy("  ") },
  { name: "line breaks made commas", damage: joinedBy(", ") },
  { name: "line breaks made pipes", damage: joinedBy(" | ") },
  { name: "line breaks made return signs", damage: joinedBy("\u21b5") },
  { name: "return signs before line breaks", damage: joinedBy("\u23ce\n") },
  { name: "pilcrows before line breaks", damage: joinedBy("\u00b6\n") },
  // Escapes of strings.
  { name: "literal \\n", damage: joinedBy(String.raw`\n`) },
  { name: "literal \\r\\n", damage: joinedBy(String.raw`\r\n`) },
  { name: "literal \\\\n, escaped twice", damage: joinedBy(String.raw`\\n`) },
  { name: "literal \\\\\\\\n, escaped four times", damage: joinedBy("\\".repeat(4) + "n") },
  { name: "literal \\n and line breaks", damage: joinedBy("\\n\n") },
  { name: "a string of JSON", damage: (text) => JSON.stringify(text) },
  { name: "JSON in JSON", damage: (text) => JSON.stringify(JSON.stringify({ text })) },
  { name: "the JSON of share --json", damage: (text) => JSON.stringify({ format: "x", message: text, output: null }) },
  { name: "JSON that escapes slashes", damage: (text) => JSON.stringify(text).replaceAll("/", String.raw`\/`) },
  { name: "JSON that escapes plus", damage: (text) => JSON.stringify(text).replaceAll("+", String.raw`\u002b`) },
  {
    name: "JSON that escapes plus, in capitals",
    damage: (text) => JSON.stringify(text).replaceAll("+", String.raw`\u002B`),
  },
  {
    name: "JSON that escapes the equals sign",
    damage: (text) => JSON.stringify(text).replaceAll("=", String.raw`\u003d`),
  },
  { name: "JSON with \\u000a", damage: joinedBy(String.raw`\u000a`) },
  { name: "a JavaScript template", damage: around("const message = `", "`;\n") },
  { name: "a JavaScript array", damage: (text) => `[${lines(text, (line) => `  "${line}",`)}\n].join("\\n")` },
  { name: "strings added in source code", damage: (text) => lines(text, (line) => `    "${line}\\n" +`) },
  { name: "Python's strings side by side", damage: (text) => `(${lines(text, (line) => `  '${line}\\n'`)})` },
  { name: "Python's bytes", damage: (text) => `b'${text.replaceAll("\n", String.raw`\n`)}'` },
  { name: "Python's triple quotes", damage: around('"""', '"""') },
  { name: "a shell's $'…'", damage: (text) => `$'${text.replaceAll("\n", String.raw`\n`)}'` },
  { name: "a here-document", damage: around("cat <<'EOF' | vault view\n", "EOF\n") },
  { name: "PowerShell's here-string", damage: (text) => `@'\r\n${text.replaceAll("\n", "\r\n")}'@` },
  { name: "YAML, a block", damage: (text) => `key:\n  message: |\n${prefixed("    ")(text)}` },
  { name: "YAML, a list", damage: (text) => `message:\n${prefixed("  - ")(text)}` },
  { name: "YAML, in quotes", damage: (text) => `message: "${text.replaceAll("\n", String.raw`\n`)}"` },
  { name: "TOML", damage: around('message = """\n', '"""\n') },
  { name: "XML, CDATA", damage: around("<message><![CDATA[", "]]></message>") },
  { name: "an environment file", damage: (text) => `MESSAGE="${text.trimEnd()}"` },
  { name: "CSV", damage: around('id,message\n1,"', '"\n') },
  { name: "lines continued by backslashes", damage: suffixed(" \\") },
  // Before and after each line.
  { name: "one blank before", damage: prefixed(" ") },
  { name: "four blanks before", damage: prefixed("    ") },
  { name: "a tab before", damage: prefixed("\t") },
  { name: "more and more blanks before", damage: (text) => lines(text, (line, at) => " ".repeat(at % 9) + line) },
  { name: "blanks after", damage: suffixed("   ") },
  { name: "tabs after", damage: suffixed("\t\t") },
  { name: "padded to 80 columns", damage: (text) => lines(text, (line) => line.padEnd(80)) },
  { name: "non-breaking spaces around", damage: (text) => lines(text, (line) => `\u00a0${line}\u00a0`) },
  { name: "ideographic spaces before", damage: prefixed("\u3000") },
  { name: "quoted", damage: prefixed("> ") },
  { name: "quoted without a blank", damage: prefixed(">") },
  { name: "quoted three times", damage: prefixed(">>> ") },
  { name: "quoted three times, apart", damage: prefixed("> > > ") },
  { name: "quoted by a pipe", damage: prefixed("| ") },
  { name: "quoted by a box line", damage: prefixed("\u2502 ") },
  { name: "quoted by a heavy line", damage: prefixed("\u2503") },
  { name: "quoted by a block", damage: prefixed("\u258e ") },
  { name: "quoted by initials", damage: prefixed("AB> ") },
  { name: "quoted by a colon", damage: prefixed(": ") },
  { name: "quoted by a percent sign", damage: prefixed("% ") },
  { name: "a table's row", damage: (text) => lines(text, (line) => `| ${line} |`) },
  { name: "a table's row, padded", damage: (text) => lines(text, (line) => `| ${line.padEnd(70)} |`) },
  {
    name: "a box",
    damage: (text) => `+${"-".repeat(70)}+\n${lines(text, (line) => `| ${line.padEnd(68)} |`)}\n+${"-".repeat(70)}+`,
  },
  {
    name: "a box of lines",
    damage: (text) =>
      `\u250c${"\u2500".repeat(66)}\u2510\n${lines(text, (line) => `\u2502${line.padEnd(66)}\u2502`)}\n\u2514${"\u2500".repeat(66)}\u2518`,
  },
  { name: "a Jira table", damage: (text) => lines(text, (line) => `||${line}||`) },
  { name: "an Org table", damage: (text) => lines(text, (line) => `| ${line.padEnd(66)} |`) },
  { name: "bullets", damage: prefixed("\u2022 ") },
  { name: "a list with stars", damage: prefixed("* ") },
  { name: "a list with dashes", damage: prefixed("- ") },
  { name: "a list with numbers", damage: (text) => lines(text, (line, at) => `${at + 1}. ${line}`) },
  { name: "line numbers", damage: (text) => lines(text, (line, at) => `${String(at + 1).padStart(4)} ${line}`) },
  {
    name: "line numbers and a tab, as of cat -n",
    damage: (text) => lines(text, (line, at) => `${String(at + 1).padStart(6)}\t${line}`),
  },
  { name: "line numbers and a colon, as of grep -n", damage: (text) => lines(text, (line, at) => `${at + 1}:${line}`) },
  { name: "line numbers and a pipe", damage: (text) => lines(text, (line, at) => `${at + 1} | ${line}`) },
  {
    name: "a file's name and line, as of grep",
    damage: (text) => lines(text, (line, at) => `message.txt:${at + 1}:${line}`),
  },
  { name: "comments of shells", damage: prefixed("# ") },
  { name: "comments of C", damage: prefixed("// ") },
  { name: "comments of C, in a block", damage: (text) => `/*\n${prefixed(" * ")(text)}\n */` },
  { name: "comments of SQL", damage: prefixed("-- ") },
  { name: "comments of Lisp", damage: prefixed(";; ") },
  { name: "comments of HTML", damage: around("<!--\n", "\n-->") },
  { name: "lines a diff adds", damage: prefixed("+") },
  { name: "lines a diff removes", damage: prefixed("-") },
  { name: "lines of a diff's context", damage: prefixed(" ") },
  { name: "times", damage: (text) => lines(text, (line, at) => `12:0${at % 10} ${line}`) },
  { name: "times in brackets", damage: (text) => lines(text, (line, at) => `[12:03:${10 + (at % 50)}] ${line}`) },
  {
    name: "times and a name, as of IRC",
    damage: (text) => lines(text, (line, at) => `[12:${10 + (at % 50)}] <alice> ${line}`),
  },
  { name: "a name, as of a chat", damage: prefixed("alice: ") },
  {
    name: "a date and a name, as of WhatsApp",
    damage: (text) => lines(text, (line, at) => `[25.11.26, 12:03:${10 + (at % 50)}] Alice: ${line}`),
  },
  {
    name: "a log",
    damage: (text) => lines(text, (line, at) => `2026-11-25T12:03:${10 + (at % 50)}.123Z stdout F ${line}`),
  },
  { name: "the log of containers", damage: (text) => lines(text, (line, at) => `web-${at % 3}  | ${line}`) },
  {
    name: "syslog",
    damage: (text) => lines(text, (line, at) => `Nov 25 12:03:${10 + (at % 50)} host vault[4711]: ${line}`),
  },
  { name: "a shell's prompt", damage: around("$ cat message\n", "$ ") },
  { name: "prompts before each line", damage: prefixed("$ ") },
  { name: "quotation marks around each line", damage: (text) => lines(text, (line) => `"${line}"`) },
  { name: "smart quotes around each line", damage: (text) => lines(text, (line) => `\u201c${line}\u201d`) },
  { name: "angle quotes around", damage: around("\u00ab", "\u00bb") },
  { name: "code marks around each line", damage: (text) => lines(text, (line) => `\`${line}\``) },
  { name: "bold around each line", damage: (text) => lines(text, (line) => `**${line}**`) },
  { name: "italics around each line", damage: (text) => lines(text, (line) => `_${line}_`) },
  { name: "commas after each line", damage: suffixed(",") },
  { name: "semicolons after each line, of a list", damage: (text) => lines(text, (line) => `'${line}',`) },
  // Around the whole.
  { name: "a code fence", damage: around("```\n", "```\n") },
  { name: "a code fence with a language", damage: around("```text\n", "```\n") },
  { name: "a fence of tildes", damage: around("~~~\n", "~~~\n") },
  { name: "a fence within a quotation", damage: (text) => prefixed("> ")(`\`\`\`\n${text}\`\`\``) },
  { name: "code marks", damage: (text) => `\`${text.trimEnd()}\`` },
  { name: "Jira's {code}", damage: around("{code}\n", "{code}\n") },
  { name: "Confluence's {noformat}", damage: around("{noformat}", "{noformat}") },
  { name: "BBCode", damage: around("[code]", "[/code]") },
  { name: "a mail around", damage: around("Hi Bob,\nhere is the key:\n\n", "\n\nCheers\nAlice\n") },
  { name: "a sentence right after", damage: (text) => `${text.trimEnd()}\nThanks, and see you tomorrow.` },
  { name: "a signature after", damage: around("", "\n-- \nAlice Example\n+49 30 123456\n") },
  { name: "words before on the line", damage: around("the key: ", "") },
  { name: "words after on the line", damage: (text) => `${text.trimEnd()} (that is all)` },
  { name: "mail headers before", damage: around("From: alice@example.org\nSubject: key\nMIME-Version: 1.0\n\n", "") },
  { name: "a forwarded mail", damage: around("-----Original Message-----\nFrom: Alice\nSent: Monday\n\n", "") },
  { name: "a MIME part", damage: around("--b1_x\nContent-Type: text/plain\n\n", "\n--b1_x--\n") },
  {
    name: "a list's footer after",
    damage: around("", "\n_______________________________________________\nlist mailing list\n"),
  },
  { name: "dashes above and below", damage: around("----------\n", "\n----------\n") },
  { name: "scissors", damage: around("--- 8< ---\n", "\n--- >8 ---\n") },
  // Characters.
  { name: "a byte order mark", damage: (text) => `\ufeff${text}` },
  { name: "a byte order mark before each line", damage: prefixed("\ufeff") },
  { name: "zero-width spaces", damage: (text) => text.replaceAll(/.{10}/g, "$&\u200b") },
  { name: "soft hyphens", damage: (text) => text.replaceAll(/.{12}/g, "$&\u00ad") },
  { name: "word joiners", damage: (text) => text.replaceAll(/.{12}/g, "$&\u2060") },
  { name: "direction marks", damage: (text) => `\u202a${text.trimEnd()}\u202c` },
  { name: "isolates around each line", damage: (text) => lines(text, (line) => `\u2066${line}\u2069`) },
  { name: "variation selectors", damage: (text) => text.replaceAll(/.{20}/g, "$&\ufe0f") },
  { name: "NUL between", damage: (text) => text.replaceAll(/.{20}/g, "$&\0") },
  { name: "em dashes for two", damage: (text) => text.replaceAll("--", "\u2014") },
  { name: "en dashes for one", damage: (text) => text.replaceAll("-----", "\u2013\u2013\u2013\u2013\u2013") },
  { name: "minus signs", damage: (text) => text.replaceAll("-----", "\u2212".repeat(5)) },
  { name: "non-breaking hyphens", damage: (text) => text.replaceAll("-----", "\u2011".repeat(5)) },
  { name: "dashes lost", damage: (text) => text.replaceAll("-----", "") },
  { name: "one dash less", damage: (text) => text.replaceAll("-----", "----") },
  {
    name: "full-width letters",
    damage: (text) => text.replaceAll(/[!-~]/g, (its) => String.fromCharCode(its.charCodeAt(0) + 0xfee0)),
  },
  {
    name: "full-width signs",
    damage: (text) => text.replaceAll(/[+/=-]/g, (its) => String.fromCharCode(its.charCodeAt(0) + 0xfee0)),
  },
  {
    name: "non-breaking spaces in the first line",
    damage: (text) => text.replaceAll(/(BEGIN|END) (\w+) /g, "$1\u00a0$2\u00a0"),
  },
  {
    name: "the alphabet for addresses",
    damage: (text) =>
      lines(text, (line) => {
        const [start = ""] = /^-.*|^SSH-VAULT;[^;]*;|/.exec(line) ?? [];
        return start + line.slice(start.length).replaceAll("+", "-").replaceAll("/", "_");
      }),
  },
  { name: "padding lost", damage: (text) => text.replaceAll(/=+(?=\n|$)/g, "") },
  // Encodings.
  { name: "UTF-16 with its mark", damage: (text) => utf16(text, "\ufeff") },
  { name: "UTF-16 with its mark and CRLF", damage: (text) => utf16(text.replaceAll("\n", "\r\n"), "\ufeff") },
  { name: "UTF-16 without a mark", damage: (text) => utf16(text, "") },
  { name: "UTF-16, big-endian", damage: (text) => utf16(text, "\ufeff").swap16() },
  { name: "UTF-16, big-endian, without a mark", damage: (text) => utf16(text, "").swap16() },
  { name: "UTF-8 with its mark", damage: (text) => bytes(text, 0xef, 0xbb, 0xbf) },
  {
    name: "Latin-1 text around",
    damage: (text) =>
      Buffer.concat([Buffer.from("Grüße:\n", "latin1"), Buffer.from(text), Buffer.from("\nJürgen", "latin1")]),
  },
  { name: "a mark that was read as Latin-1", damage: (text) => `\u00ef\u00bb\u00bf${text}` },
  { name: "percent-encoded", damage: percent },
  { name: "percent-encoded in an address", damage: (text) => `https://example.org/?text=${percent(text)}` },
  { name: "a form", damage: (text) => `text=${new URLSearchParams({ text }).toString().slice(5)}&next=1` },
  { name: "percent-encoded line ends", damage: joinedBy("%0A") },
  { name: "quoted-printable", damage: quotedPrintable },
  { name: "quoted-printable with =0A", damage: (text) => quotedPrintable(text).replaceAll("\n", "=0A=\n") },
  { name: "quoted-printable with CRLF", damage: (text) => quotedPrintable(text).replaceAll("\n", "\r\n") },
  // HTML.
  { name: "<br>", damage: joinedBy("<br>") },
  { name: "<br/> and line breaks", damage: joinedBy("<br/>\n") },
  { name: "paragraphs", damage: (text) => lines(text, (line) => `<p>${line}</p>`) },
  { name: "<div>s with classes", damage: (text) => lines(text, (line) => `<div class="gmail_quote">${line}</div>`) },
  { name: "<pre>", damage: (text) => `<html><body><pre style="x">${html(text)}</pre></body></html>` },
  { name: "spans around each line", damage: (text) => lines(text, (line) => `<span class="line">${line}</span>`) },
  { name: "<wbr>", damage: (text) => text.replaceAll(/.{20}/g, "$&<wbr>") },
  { name: "entities for signs", damage: (text) => text.replaceAll(/[+/=]/g, (its) => `&#${its.charCodeAt(0)};`) },
  {
    name: "entities in hexadecimal",
    damage: (text) => text.replaceAll(/[+/=]/g, (its) => `&#x${its.charCodeAt(0).toString(16)};`),
  },
  {
    name: "named entities",
    damage: (text) => text.replaceAll("+", "&plus;").replaceAll("/", "&sol;").replaceAll("=", "&equals;"),
  },
  { name: "&gt; quotations", damage: prefixed("&gt; ") },
  { name: "&nbsp; before", damage: prefixed("&nbsp;&nbsp;") },
  { name: "<blockquote>", damage: (text) => `<blockquote type="cite">${joinedBy("<br>\n")(text)}</blockquote>` },
  { name: "a table of HTML", damage: (text) => `<table>${lines(text, (line) => `<tr><td>${line}</td></tr>`)}</table>` },
  // Wrapping.
  ...[20, 32, 40, 48, 60, 63, 65, 70, 72, 76, 78, 80, 100, 200].map((columns) => ({
    name: `wrapped at ${columns}`,
    damage: rewrapped(columns),
  })),
  ...[30, 40, 50, 60].map((columns) => ({ name: `broken at ${columns}`, damage: broken(columns) })),
  { name: "broken and quoted", damage: (text) => prefixed("> ")(broken(50)(text)) },
  {
    name: "every fourth character apart",
    damage: (text) => lines(text, (line) => (/^-|;/.test(line) ? line : line.replaceAll(/.{4}(?=.)/g, "$& "))),
  },
  {
    name: "a hyphen where a PDF breaks lines",
    damage: (text) =>
      lines(text, (line) =>
        /^-|;/.test(line) || line.length < 64 ? line : `${line.slice(0, 40)}-\n${line.slice(40)}`,
      ),
  },
  // Between lines.
  { name: "page numbers between", damage: inserted("3", 4) },
  { name: "page headers between", damage: inserted("Page 2 of 3", 4) },
  { name: "page breaks between", damage: inserted("\f", 4) },
  { name: "times between", damage: inserted("12:03 PM", 3) },
  { name: "names between", damage: inserted("Alice Example  12:03", 3) },
  { name: "a chat's marks between", damage: inserted("[edited]", 3) },
  { name: "rules between", damage: inserted("----------", 3) },
  // Marks.
  { name: "the end line lost", damage: (text) => text.replace(/\n-----END.*\n?$/, "\n") },
  { name: "the end line cut", damage: (text) => text.replace(/\n-----END.*\n?$/, "\n-----END A") },
  {
    name: "the end line lost, words after",
    damage: (text) => `${text.replace(/\n-----END.*\n?$/, "\n")}\nSee you tomorrow, Alice\n`,
  },
  { name: "the first line lost", damage: (text) => text.replace(/^-----BEGIN.*\n/, "") },
  {
    name: "the marks in small letters",
    damage: (text) => text.replaceAll(/-----.*-----/g, (its) => its.toLowerCase()),
  },
  {
    name: "the first line given twice",
    damage: (text) => `${text.split("\n")[0]}\n${text.startsWith("-") ? text : text}`,
  },
  // Terminals.
  { name: "colours", damage: (text) => lines(text, (line) => `\x1b[32m${line}\x1b[0m`) },
  { name: "bracketed paste", damage: around("\x1b[200~", "\x1b[201~") },
  { name: "a terminal's title", damage: around("\x1b]0;user@host\x07", "\x1b]0;\x07") },
  { name: "erased line ends", damage: suffixed("\x1b[K") },
  { name: "a terminal's hyperlinks", damage: (text) => lines(text, (line) => `\x1b]8;;x\x1b\\${line}\x1b]8;;\x1b\\`) },
  { name: "characters typed over", damage: (text) => lines(text, (line) => `x\b${line}`) },
  {
    name: "a recorded terminal",
    damage: (text) => `Script started\r\n$ cat m\r\n${text.replaceAll("\n", "\r\n")}$ exit\r\n`,
  },
  // PowerShell.
  { name: "PowerShell's redirection", damage: (text) => utf16(`${text.replaceAll("\n", "\r\n")}\r\n`, "\ufeff") },
  { name: "PowerShell's array as a string", damage: joinedBy(" ") },
  {
    name: "PowerShell's Format-List",
    damage: (text) => lines(text, (line, at) => (at === 0 ? `message : ${line}` : `          ${line}`)),
  },
  {
    name: "PowerShell's ConvertTo-Json",
    damage: (text) =>
      `{\r\n    "value":  ${JSON.stringify(text.replaceAll("\n", "\r\n")).replaceAll("+", String.raw`\u002b`)}\r\n}`,
  },
  // Several in one text.
  { name: "one that was cut off before", damage: (text) => `${text.slice(0, 150)}\nthat was cut:\n${text}` },
  { name: "the same twice", damage: (text) => `${text}\n${text}` },
  { name: "one that was cut off after", damage: (text) => `${text}\n\nagain:\n\n${text.slice(0, 150)}` },
  { name: "two kinds at once: quoted CRLF", damage: (text) => prefixed("> ")(text).replaceAll("\n", "\r\n") },
  { name: "three kinds at once", damage: (text) => `\ufeff${prefixed("&gt; ")(text).replaceAll("\n", "<br>\r\n")}` },
];

const losing: Damage[] = [
  { name: "the last third lost", loses: true, damage: (text) => text.slice(0, (text.length * 2) / 3) },
  { name: "the first third lost", loses: true, damage: (text) => text.slice(text.length / 3) },
  { name: "a line lost", loses: true, damage: (text) => lines(text, (line, at) => (at === 2 ? "" : line)) },
  {
    name: "two lines swapped",
    loses: true,
    damage: (text) => {
      const all = text.split("\n");
      return [...all.slice(0, 2), all[3], all[2], ...all.slice(4)].join("\n");
    },
  },
  {
    name: "one character changed",
    loses: true,
    damage: (text) => {
      const at = text.lastIndexOf("\n", text.length - 45) - 9;
      return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    },
  },
  { name: "all in small letters", loses: true, damage: (text) => text.toLowerCase() },
  { name: "all in capitals", loses: true, damage: (text) => text.toUpperCase() },
  {
    name: "an ellipsis in the middle",
    loses: true,
    damage: (text) => `${text.slice(0, 120)}\u2026${text.slice(-120)}`,
  },
  { name: "plus signs lost", loses: true, damage: (text) => text.replaceAll("+", "") },
  { name: "only the first line", loses: true, damage: (text) => text.split("\n")[0] ?? "" },
  { name: "nothing left", loses: true, damage: () => "" },
  { name: "a link instead", loses: true, damage: () => "https://example.org/paste/1" },
];

/** All kinds. */
export const DAMAGES: readonly Damage[] = [...plain, ...losing];
