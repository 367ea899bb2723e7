import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openTerminal } from "../src/terminal/index.ts";

const sh = (script: string): [string, string[]] => ["sh", ["-c", script]];

/** Whether a process runs; one that only nobody has waited for yet does not. */
function isRunning(pid = ""): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !readFileSync(path, "utf8").includes(") Z ");
}

describe("openTerminal", () => {
  test("gives a program a terminal on all three streams, of the size asked for", async () => {
    using terminal = openTerminal(...sh("test -t 0 && test -t 1 && test -t 2 && stty size"), { cols: 100, rows: 30 });
    expect(await terminal.ended).toMatchObject({ status: 0, sane: true });
    expect(terminal.screen).toBe("30 100\n");
  });

  test("gives a program whose streams are all pipes a terminal by the name /dev/tty", async () => {
    const asks =
      'read secret </dev/tty; echo "tty: $secret" >/dev/tty; cat; echo done >&2; test ! -t 0 -a ! -t 1 -a ! -t 2';
    const binary = Buffer.from([0, 255, 10, 13, 128]);
    using terminal = openTerminal(...sh(asks), { stdin: binary, stdout: "pipe", stderr: "pipe" });
    terminal.type("hunter2\r");
    await terminal.waitFor(/tty: hunter2\n/);
    const end = await terminal.ended;
    expect(end.status).toBe(0);
    expect(end.stdout).toEqual(binary);
    expect(end.stderr.toString()).toBe("done\n");
    expect(terminal.screen).toBe("hunter2\ntty: hunter2\n");
  });

  test("makes standard output a pipe while standard input stays the terminal", async () => {
    using terminal = openTerminal(...sh("test -t 0 && test -p /dev/stdout && cat"), { stdout: "pipe" });
    terminal.type("line\r");
    await terminal.waitFor(/line/);
    terminal.press("ctrl-d");
    const end = await terminal.ended;
    expect(end.stdout.toString()).toBe("line\n");
    expect(end.status).toBe(0);
  });

  test("passes arguments on untouched by the shell", async () => {
    const odd = ["a b", "$HOME", "'", '"', "*", ""];
    using terminal = openTerminal("printf", ["[%s]", ...odd], { stdout: "pipe" });
    expect((await terminal.ended).stdout.toString()).toBe(odd.map((word) => `[${word}]`).join(""));
  });

  test("awaits the same prompt twice", async () => {
    using terminal = openTerminal(...sh('for i in 1 2; do printf "word? "; read word; echo "got $word"; done'));
    await terminal.waitFor(/word\? $/);
    terminal.type("one\r");
    await terminal.waitFor(/word\? $/);
    terminal.type("two\r");
    await terminal.ended;
    expect(terminal.screen).toBe("word? one\ngot one\nword? two\ngot two\n");
  });

  test("reports the exit code and a signal as a shell does", async () => {
    using failing = openTerminal(...sh("exit 7"));
    expect((await failing.ended).status).toBe(7);
    // Not a shell: it may miss a Ctrl-C that comes while it starts a program.
    const waits = 'console.log("ready"); setTimeout(() => {}, 60_000)';
    using interrupted = openTerminal(process.execPath, ["-e", waits], { stdin: "unread" });
    await interrupted.waitFor(/ready/);
    interrupted.press("ctrl-c");
    expect(await interrupted.ended).toMatchObject({ status: 130, sane: true });
  });

  test("tells when a program leaves the terminal without echo", async () => {
    using terminal = openTerminal(...sh("stty -echo"));
    expect((await terminal.ended).sane).toBe(false);
    using raw = openTerminal(...sh("stty raw"));
    expect((await raw.ended).sane).toBe(false);
  });

  test("keeps the control sequences apart from the text of the screen", async () => {
    using terminal = openTerminal(...sh("printf '\\033[31mred\\033[0m\\n'"));
    await terminal.ended;
    expect(terminal.screen).toBe("red\n");
    expect(terminal.raw).toBe("\x1b[31mred\x1b[0m\r\n");
  });

  test("shows the screen when what is awaited never comes", async () => {
    using ends = openTerminal(...sh("echo something else"));
    await expect(ends.waitFor(/passphrase/)).rejects.toThrow(
      /ended before \/passphrase\/ was printed.*something else/s,
    );
    using hangs = openTerminal(...sh("echo waiting; sleep 60"), { deadline: 500 });
    await expect(hangs.waitFor(/passphrase/)).rejects.toThrow(/still running after 500 ms.*waiting/s);
    await expect(hangs.ended).rejects.toThrow(/still running after 500 ms/);
  });

  test("kills the program when it is closed", async () => {
    const terminal = openTerminal(...sh('trap "" HUP TERM INT; echo "pid $$"; while :; do sleep 1; done'));
    const [, pid] = await terminal.waitFor(/pid (\d+)\n/);
    terminal.close();
    await expect(terminal.ended).rejects.toThrow(/closed by the test/);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});
