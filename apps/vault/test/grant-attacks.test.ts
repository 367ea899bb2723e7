import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTeamWorld, peer, run, type TeamWorld } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * What somebody can try who may push to a repository, or who had its key: each is tried with the
 * built program, real git and real gpg.
 */

const gpg = peer("gpg");
const gitCrypt = peer("git-crypt");

let world: TeamWorld;
const { as, trying, write, read } = {
  as: (...args: Parameters<TeamWorld["as"]>) => world.as(...args),
  trying: (...args: Parameters<TeamWorld["trying"]>) => world.trying(...args),
  write: (...args: Parameters<TeamWorld["write"]>): void => world.write(...args),
  read: (...args: Parameters<TeamWorld["read"]>) => world.read(...args),
};
const gpgFile = (name: string): string => `.git-crypt/keys/default/0/${world.openPgp(name)}.gpg`;
/** What somebody has pushed comes to another. */
const handOver = async (from: string, to: string): Promise<void> => {
  await as(from, "git push -q origin main");
  await as(to, "git pull -q");
};
/** Whether somebody can read the newest secret, in a clone that they make now. */
const opens = async (name: string): Promise<boolean> => {
  await world.join(name);
  await trying(name, "vault unlock");
  return read(name, "secrets/password").toString().startsWith("hunter");
};
const grantFiles = (name: string): string[] =>
  readdirSync(join(world.clone(name), ".git-vault/grants/default")).map((file) => `.git-vault/grants/default/${file}`);

describe.skipIf(gpg.missing || gitCrypt.missing)(
  `grants to OpenPGP keys, by ${gpg.label} and ${gitCrypt.label}`,
  () => {
    beforeAll(async () => {
      world = await makeTeamWorld(VAULT, ["alice", "bob", "carol", "mallory"], ["alice", "bob", "carol", "mallory"]);
      for (const name of ["bob", "carol", "mallory"]) {
        await world.gpg("alice").gpg(["--import"], await world.gpg(name).exportPublic(world.openPgp(name)));
      }
    });
    afterAll(() => world.close());
    beforeEach(() => world.begin());

    test("say who holds them, since when and from whom, and whether their key is still theirs", async () => {
      const account = world.github.users.get("carol") ?? {};
      const { gpgKeys = [] } = account;
      expect(await as("alice", "vault grant --gpg carol")).toMatch(/granted the key default to github:carol, OpenPGP /);
      expect(await as("alice", "vault grant --gpg carol")).toMatch(/github:carol has a grant for [0-9A-F]{40} already/);
      const shown = await as("alice", "vault holders");
      expect(shown).toMatch(
        /^github:carol {2}since \d{4}-\d\d-\d\d, by github:alice \(signed\)\n {2}openpgp {7}[0-9A-F]{40} {2}still theirs$/m,
      );
      account.gpgKeys = [];
      try {
        const removed = await trying("alice", "vault holders");
        expect(removed.status).toBe(7);
        expect(removed.said).toMatch(/1 key of theirs was removed: `vault revoke gpg:[0-9A-F]{40}`/);
        expect((await trying("alice", "vault sync --check")).status).toBe(7);
      } finally {
        account.gpgKeys = gpgKeys;
      }
      await handOver("alice", "alice");
      await world.join("carol");
      await as("carol", "git-crypt unlock");
      expect(read("carol", "secrets/password").toString()).toBe("hunter2\n");
    });

    test("go with the others of the same person, when that person is taken out", async () => {
      await as("alice", "vault grant carol");
      await as("alice", "vault grant --gpg carol");
      await as("alice", "vault grant --gpg bob");
      const report = await as("alice", "vault revoke carol");
      expect(report).toMatch(/github:carol holds no grant of the key default any more/);
      expect(report).toMatch(
        new RegExp(`new key is granted to\n  github:bob\n    openpgp       ${world.openPgp("bob")}\n`),
      );
      write("alice", "secrets/password", "hunter3\n");
      await world.commit("alice", "change");
      await as("alice", "git push -q origin main");
      expect(await as("alice", "vault holders")).not.toMatch(/carol/);
      expect(await opens("carol")).toBe(false);
      expect(await opens("bob")).toBe(true);
    });

    test("that git-crypt made for somebody who is taken out go as well, where the key is on their account", async () => {
      await as("alice", "vault grant carol");
      await as("alice", `git-crypt add-gpg-user --trusted ${world.openPgp("carol")}`);
      const report = await as("alice", "vault revoke carol");
      expect(report).toMatch(new RegExp(`gpg:${world.openPgp("carol")} holds no grant`));
      await as("alice", "git push -q origin main");
      expect(await opens("carol")).toBe(false);
    });

    test("that are junk are named, and get no new key, whatever is said", async () => {
      await as("alice", "vault grant bob");
      await handOver("alice", "alice");
      await world.join("mallory");
      write("mallory", gpgFile("mallory"), "junk");
      await world.commit("mallory", "junk");
      await handOver("mallory", "alice");
      const holders = await trying("alice", "vault holders");
      expect(holders.status).toBe(7);
      expect(holders.said).toMatch(
        new RegExp(
          `^gpg:${world.openPgp("mallory")}  OpenPGP, as git-crypt grants\n  ! no holder of the key vouches for it`,
          "m",
        ),
      );
      expect((await trying("alice", "vault sync --check")).status).toBe(7);
      const rotated = await as("alice", "vault rotate --yes");
      expect(rotated).toMatch(
        /not renewed, and removed: \S*\.gpg: no holder of the key vouches for it, and it is no OpenPGP message to/,
      );
      expect(rotated).not.toMatch(/granted to\n.*gpg:/);
      await as("alice", "git push -q origin main");
      expect(await opens("mallory")).toBe(false);
      await as("alice", "vault holders");
    });

    test("that are a message of somebody without the key get none, unless somebody says that they are right", async () => {
      await as("alice", "vault grant bob");
      await handOver("alice", "alice");
      await world.join("mallory");
      const sealed = await world
        .gpg("mallory")
        .gpg(["--trust-model", "always", "-r", world.openPgp("mallory"), "-e"], "no key");
      write("mallory", gpgFile("mallory"), sealed);
      await world.commit("mallory", "sealed");
      await handOver("mallory", "alice");
      const before = await as("alice", "git rev-parse HEAD");
      const stopped = await trying("alice", "vault rotate");
      expect(stopped.status).toBe(2);
      expect(stopped.said).toMatch(
        new RegExp(
          `gpg:${world.openPgp("mallory")}\n    openpgp       ${world.openPgp("mallory")}  mallory <mallory@example.org>\n    ! no holder of the key vouches`,
        ),
      );
      expect(stopped.said).toMatch(/nobody confirmed the grants of gpg:/);
      expect(await as("alice", "git rev-parse HEAD")).toBe(before);
      expect(await as("alice", `vault revoke gpg:${world.openPgp("mallory")}`)).toMatch(/granted to\n {2}github:bob\n/);
      await as("alice", "git push -q origin main");
      expect(await opens("mallory")).toBe(false);
      expect(await opens("bob")).toBe(true);
    });

    test("of somebody who was taken out do not come back by putting the old files there again", async () => {
      await as("alice", "vault grant --gpg bob");
      await as("alice", "vault grant --gpg carol");
      const voucher = grantFiles("alice").find((path) => path.includes("bob")) ?? "";
      const replayed = [voucher, gpgFile("bob")].map((path) => [path, read("alice", path)] as const);
      await as("alice", "vault revoke bob");
      await handOver("alice", "alice");
      await world.join("bob");
      for (const [path, content] of replayed) write("bob", path, content);
      await world.commit("bob", "again");
      await handOver("bob", "alice");
      const holders = await trying("alice", "vault holders");
      expect(holders.status).toBe(7);
      expect(holders.said).toMatch(/github-bob\.\S+\.voucher: for github:bob: a grant of a key that was replaced/);
      expect(holders.said).toMatch(new RegExp(`^gpg:${world.openPgp("bob")} `, "m"));
      expect((await trying("alice", "vault rotate")).status).toBe(2);
      expect(await as("alice", `vault revoke gpg:${world.openPgp("bob")}`)).toMatch(/granted to\n {2}github:carol\n/);
      await as("alice", "git push -q origin main");
      expect(await opens("bob")).toBe(false);
    });

    test("do not become somebody else's by exchanging their files", async () => {
      await as("alice", "vault grant --gpg bob");
      await as("alice", "vault grant --gpg carol");
      write("alice", gpgFile("carol"), read("alice", gpgFile("bob")));
      await world.commit("alice", "swapped");
      const holders = await trying("alice", "vault holders");
      expect(holders.status).toBe(7);
      expect(holders.said).toMatch(/github-carol\.\S+\.voucher: it vouches for another OpenPGP grant/);
      expect((await trying("alice", "vault sync --check")).status).toBe(7);
      expect(await as("alice", "vault rotate --yes")).not.toMatch(/granted to[^]*github:carol/);
      // Granted anew, all is well.
      await as("alice", "vault grant --gpg carol");
      await as("alice", "vault holders");
    });

    test("that git-crypt made are taken over by granting them again, and then renewed without asking", async () => {
      for (const name of ["bob", "carol"]) await as("alice", `git-crypt add-gpg-user --trusted ${world.openPgp(name)}`);
      expect((await trying("alice", "vault holders")).status).toBe(7);
      expect((await trying("alice", "vault rotate")).status).toBe(2);
      await as("alice", "vault grant --gpg bob");
      // A key that is on no account, by its file.
      write("alice", "carol.gpg", await world.gpg("alice").exportPublic(world.openPgp("carol"), { armor: false }));
      await as("alice", "vault grant --gpg ./carol.gpg");
      await as("alice", "rm carol.gpg");
      const shown = await as("alice", "vault holders");
      expect(shown).toMatch(/^github:bob {2}since/m);
      expect(shown).toMatch(new RegExp(`^gpg:${world.openPgp("carol")}  since .* by github:alice \\(signed\\)$`, "m"));
      await as("alice", "vault rotate");
      await as("alice", "git push -q origin main");
      expect(await opens("bob")).toBe(true);
      expect(await opens("carol")).toBe(true);
      expect((await as("alice", "vault holders")).match(/^\S+/gm)).toHaveLength(2);
    });

    test("that git-crypt made are renewed and vouched for where that is confirmed by --yes, and reported", async () => {
      await as("alice", `git-crypt add-gpg-user --trusted ${world.openPgp("carol")}`);
      const json = await as("alice", "vault rotate --yes --json");
      expect(json).toContain(
        `"granted":[{"holder":"gpg:${world.openPgp("carol")}","keys":[{"type":"openpgp","fingerprint":"${world.openPgp("carol")}"}]}]`,
      );
      await as("alice", "git push -q origin main");
      await as("alice", "vault holders");
      await world.join("carol");
      await as("carol", "git-crypt unlock");
    });
  },
);

/** The keys of an account are others while something is done. */
async function whileKeysAre(name: string, keys: readonly string[], work: () => Promise<unknown>): Promise<void> {
  const account = world.github.users.get(name) ?? {};
  const { keys: before = [] } = account;
  account.keys = [...keys];
  try {
    await work();
  } finally {
    account.keys = before;
  }
}
const keysOf = (name: string): string[] => world.github.users.get(name)?.keys ?? [];
const grantOf = (name: string, of: string): string => {
  const found = grantFiles(name).filter((path) => path.includes(`/github-${of}.`));
  if (found[0] === undefined || found.length > 1) throw new Error(`expected one grant of ${of}`);
  return found[0];
};
const fingerprintOf = async (name: string): Promise<string> =>
  (await as(name, `ssh-keygen -l -f ${join(world.home(name), ".ssh/id_ed25519.pub")}`, world.folder)).split(" ")[1] ??
  "";

describe("a rotation does not vouch for what it finds", () => {
  beforeAll(async () => void (world = await makeTeamWorld(VAULT, ["alice", "bob", "carol", "mallory"])));
  afterAll(() => world.close());
  beforeEach(async () => {
    await world.begin();
    await as("alice", "vault grant bob");
    await as("alice", "vault grant carol");
    await as("alice", "git push -q origin main");
    await world.join("bob");
    await as("bob", "vault unlock");
  });

  test("where a grant bears the signature of another: it is not renewed, and named", async () => {
    const path = grantOf("alice", "carol");
    const [, stranger = ""] = read("alice", grantOf("alice", "bob")).toString().split("-----BEGIN SSH SIGNATURE-----");
    const [own = ""] = read("alice", path).toString().split("-----BEGIN SSH SIGNATURE-----");
    write("alice", path, `${own}-----BEGIN SSH SIGNATURE-----${stranger}`);
    await world.commit("alice", "meddled");
    for (const line of ["vault holders", "vault sync --check"]) expect((await trying("alice", line)).status).toBe(7);
    const json = await as("alice", "vault rotate --yes --json");
    expect(json).toContain(
      `"droppedGrants":[{"path":"${path}","problem":"its signature does not fit: it was changed since"}]`,
    );
    expect(json).toContain('"granted":[{"holder":"github:bob","keys":[{"type":"ssh-ed25519","fingerprint":"SHA256:');
    await as("alice", "git push -q origin main");
    expect(await opens("carol")).toBe(false);
    // An older one of theirs that is sound would have been.
    await as("alice", "vault grant carol");
    await as("alice", "vault holders");
  });

  test("where one is not signed, by whomever it says that it is: it is shown, and somebody has to say yes", async () => {
    await as("bob", "vault grant --no-sign --as alice mallory");
    await handOver("bob", "alice");
    const before = await as("alice", "git rev-parse HEAD");
    const stopped = await trying("alice", "vault rotate");
    expect(stopped.status).toBe(2);
    expect(stopped.said).toMatch(
      /sealed to these, too:\n {2}github:mallory, granted by github:alice \(not signed\)\n {4}ssh-ed25519 {3}SHA256:\S+\n {4}! it is not signed\n/,
    );
    expect(await as("alice", "git rev-parse HEAD")).toBe(before);
    expect(await as("alice", "git status --porcelain")).toBe("");
    const check = await trying("alice", "vault sync --check");
    expect(check.said).toMatch(/the grant of github:mallory is not signed/);
    const report = await as("alice", "vault revoke mallory");
    expect(report).toMatch(/granted to\n {2}github:bob\n.*\n {2}github:carol\n/);
    await as("alice", "git push -q origin main");
    expect(await opens("mallory")).toBe(false);
    expect(await opens("carol")).toBe(true);
  });

  test("where who is taken out granted to a key of somebody else's under a colleague's name, signed or not", async () => {
    const mallory = await fingerprintOf("mallory");
    for (const sign of ["", " --no-sign"]) {
      await whileKeysAre("carol", [...keysOf("carol"), ...keysOf("mallory")], () =>
        as("bob", `vault grant --yes${sign} carol`),
      );
      await handOver("bob", "alice");
      const stopped = await trying("alice", "vault revoke bob");
      expect(stopped.status).toBe(2);
      expect(stopped.said).toMatch(
        sign === "" ? /! it was granted by somebody who is taken out now/ : /! it (is not signed|was granted by)/,
      );
      expect(stopped.said).toContain(`    ! not among their keys now: ${mallory}\n`);
      expect(stopped.said).toContain(`    ! not among their keys when you last saw them: ${mallory}\n`);
    }
    // Granted again, by who takes the other out, it is as it should be.
    await as("alice", "vault grant carol");
    expect(await as("alice", "vault revoke bob")).not.toContain(mallory);
    write("alice", "secrets/password", "hunter5\n");
    await world.commit("alice", "change");
    await as("alice", "git push -q origin main");
    for (const name of ["mallory", "bob"]) expect(await opens(name)).toBe(false);
    expect(await opens("carol")).toBe(true);
  });

  test("where a machine was granted the key by who is taken out", async () => {
    await as("bob", "vault grant -q --ci=backdoor");
    await handOver("bob", "alice");
    await as("alice", "vault holders");
    const stopped = await trying("alice", "vault revoke bob");
    expect(stopped.said).toMatch(
      /ci:backdoor, granted by github:bob \(signed\)\n {4}age-x25519 {4}age1\S+\n {4}! it was granted by somebody/,
    );
    expect(await as("alice", "vault revoke bob ci:backdoor")).toMatch(/granted to\n {2}github:carol\n/);
  });

  test("where a sync comes first: what is not signed is not signed by that", async () => {
    await whileKeysAre("mallory", keysOf("carol"), () => as("bob", "vault grant --yes --no-sign --as alice mallory"));
    await handOver("bob", "alice");
    const stopped = await trying("alice", "vault sync");
    expect(stopped.status).toBe(2);
    expect(stopped.said).toMatch(/github:mallory\n {2}added [^]*\n {2}! it is not signed/);
  });

  test("where a grant was changed by somebody without the key, it is told that it goes", async () => {
    const path = grantOf("alice", "bob");
    write(
      "alice",
      path,
      read("alice", path)
        .toString()
        .replace(/since: \d{4}/, "since: 2020"),
    );
    await world.commit("alice", "changed");
    expect(await as("alice", "vault rotate")).toMatch(
      /not renewed, and removed: \S*github-bob\S*: it was not made with a key that lies here/,
    );
  });

  test("where the forge cannot be asked: own signatures count, and what else there is needs a yes", async () => {
    const down = { ...world.environment("alice"), GITHUB_API_URL: "http://127.0.0.1:9" };
    const offline = (args: string[]): ReturnType<typeof run> =>
      run("vault", args, { cwd: world.clone("alice"), env: down });
    const stopped = await offline(["revoke", "bob"]);
    expect(stopped.status).toBe(6);
    expect(stopped.stderr).toMatch(
      /no key to sign with was found: [^]*--sign-key, or leave the grants unsigned with --no-sign/,
    );
    const revoked = await offline(["revoke", "--sign-key", join(world.home("alice"), ".ssh/id_ed25519"), "bob"]);
    expect(revoked.stderr).toMatch(/holders' keys are not compared/);
    expect([revoked.status, revoked.stderr]).toEqual([0, expect.stringMatching(/granted to\n {2}github:carol\n/)]);
  });
});

describe("a file that says that the key was replaced, by somebody without it,", () => {
  beforeAll(async () => void (world = await makeTeamWorld(VAULT, ["alice", "bob", "mallory"])));
  afterAll(() => world.close());

  test("stops nobody, drops no grant, and is named", async () => {
    await world.begin();
    await as("alice", "vault grant bob");
    await as("alice", "git push -q origin main");
    await world.join("mallory");
    const id = /^key-id: ([0-9a-f]{32})$/m.exec(read("mallory", grantOf("mallory", "bob")).toString())?.[1] ?? "";
    const other = "0".repeat(32);
    const names = [`${id}.key`, `${id}.${other}.key`, `${id}.${other}.${other}.key`];
    for (const name of names) write("mallory", `.git-vault/retired/default/${name}`, "junk");
    // These say nothing of a key that is here, and count for nothing.
    for (const sealer of ["1".repeat(32), id]) {
      write("mallory", `.git-vault/retired/default/${other}.${sealer}.${other}.key`, "junk");
    }
    await world.commit("mallory", "replaced");
    await handOver("mallory", "alice");
    expect(await opens("bob")).toBe(true);
    write("bob", "secrets/password", "hunter7\n");
    await world.commit("bob", "edited");
    await handOver("bob", "alice");
    expect(read("alice", "secrets/password").toString()).toBe("hunter7\n");
    for (const [line, said] of [
      ["vault status", /^false-retirement: \.git-vault\/retired\/default\/\S+ says that a key/gm],
      ["vault doctor", /^wrong: false-retirement: \.git-vault\/retired\/default\/\S+: says that a key/gm],
      ["vault holders", /^! \.git-vault\/retired\/default\/\S+: it says that a key was replaced, and nobody/gm],
    ] as const) {
      const told = await trying("alice", line);
      expect([line, told.status, told.said.match(said)?.length]).toEqual([line, 7, names.length]);
    }
    expect(await as("alice", "vault grant bob")).toMatch(/has a grant for the same keys already/);
    expect(await as("alice", "vault rotate")).toMatch(/granted to\n {2}github:bob\n/);
    await as("alice", "git push -q origin main");
    expect(await opens("bob")).toBe(true);
  });

  test("is believed from whom had the key: after a rotation, the old one is refused", async () => {
    await world.begin();
    await as("alice", "vault grant bob");
    await as("alice", "git push -q origin main");
    await world.join("bob");
    await as("bob", "vault unlock");
    await as("alice", "vault revoke bob");
    await handOver("alice", "bob");
    const doctor = await trying("bob", "vault doctor");
    expect([doctor.status, doctor.said]).toEqual([7, expect.stringMatching(/^wrong: replaced-key: default/m)]);
    expect(doctor.said).not.toMatch(/false-retirement/);
    expect((await trying("bob", "vault grant mallory")).said).toMatch(/replaced by a rotation/);
    write("bob", "secrets/new", "new\n");
    expect((await trying("bob", "git add secrets/new")).status).not.toBe(0);
  });
});

describe("after somebody was taken out", () => {
  beforeAll(async () => void (world = await makeTeamWorld(VAULT, ["alice", "bob", "carol"])));
  afterAll(() => world.close());

  test("the others check out, diff and merge what is older, and what they were shut out of stays shut", async () => {
    await world.begin();
    await as("alice", "vault grant bob");
    await as("alice", "vault grant carol");
    await as("alice", "git push -q origin main");
    for (const name of ["bob", "carol"]) {
      await world.join(name);
      await as(name, "vault unlock");
    }
    await as("carol", "git switch -q -c old");
    write("carol", "secrets/old", "from before\n");
    await world.commit("carol", "old");
    await as("carol", "git switch -q main");

    await as("alice", "vault revoke bob");
    write("alice", "secrets/password", "hunter3\n");
    await world.commit("alice", "change");
    await handOver("alice", "carol");
    expect(await as("carol", "vault unlock")).toMatch(/unlocked with the key default/);
    expect(read("carol", "secrets/password").toString()).toBe("hunter3\n");
    expect(await as("carol", "git diff HEAD~2 HEAD -- secrets")).toMatch(/^-hunter2\n\+hunter3$/m);
    await as("carol", "git checkout -q HEAD~2");
    expect(read("carol", "secrets/password").toString()).toBe("hunter2\n");
    expect(await as("carol", "git status --porcelain")).toBe("");
    await as("carol", "git checkout -q main");
    await as("carol", "git merge -q --no-edit old");
    expect(read("carol", "secrets/old").toString()).toBe("from before\n");
    // Of the branch, with the key that bob has.
    const status = await trying("carol", "vault status");
    expect([status.status, status.said]).toEqual([7, expect.stringMatching(/^retired-key: secrets\/old /m)]);
    await as("carol", "vault status --fix");
    await as("carol", "git commit -q -m fixed");
    await as("carol", "vault status");
    await as("carol", "git push -q origin main");

    await as("bob", "git fetch -q");
    const key = join(world.clone("bob"), ".git/git-crypt/keys/default");
    for (const file of ["old", "password"]) {
      const opened = await trying("bob", `vault decrypt --key-file ${key} origin/main:secrets/${file}`);
      expect(opened.status).not.toBe(0);
      expect(opened.stdout.toString()).toBe("");
    }
    expect(await opens("bob")).toBe(false);
  });
});

describe("who is granted to is who they were", () => {
  beforeAll(async () => void (world = await makeTeamWorld(VAULT, ["alice", "bob", "carol", "mallory"])));
  afterAll(() => world.close());
  beforeEach(() => world.begin());

  test("also for somebody who never saw them: the grants in the repository tell what their keys were", async () => {
    await as("alice", "vault grant bob");
    await as("alice", "vault grant carol");
    await as("alice", "git push -q origin main");
    await world.join("carol");
    await as("carol", "vault unlock");
    const [bob, mallory] = [await fingerprintOf("bob"), await fingerprintOf("mallory")];
    const changed = `the keys of github:bob are not those that were seen before:\n  added    ${mallory}\n  removed  ${bob}\n`;
    await whileKeysAre("bob", keysOf("mallory"), async () => {
      for (const line of ["vault grant bob", "vault share --key-name default --to bob"]) {
        const stopped = await trying("carol", line);
        expect([line, stopped.status]).toEqual([line, 2]);
        expect(stopped.said).toContain(changed);
      }
      expect(await as("carol", "git status --porcelain")).toBe("");
      // A file has nothing to do with who holds the repository's key.
      await as("carol", "vault share --to bob secrets/password");
    });
    await as("alice", "vault grant bob");
  });

  test("where two files have one name: neither gets, nor loses, the other's grant", async () => {
    const files = ["bob", "carol"].map((name) => join(world.home(name), ".ssh/id_ed25519.pub"));
    const both = await trying("alice", `vault grant ${files.join(" ")}`);
    expect(both.status).toBe(2);
    expect(both.said).toMatch(/file:id_ed25519 is the name of another holder already, with other keys/);
    await as("alice", `vault grant ${files[0] ?? ""}`);
    const second = await trying("alice", `vault grant ${files[1] ?? ""}`);
    expect(second.status).toBe(2);
    expect(second.said).toMatch(/name the file after its owner, such as alice\.pub/);
    writeFileSync(join(world.folder, "carol.pub"), readFileSync(files[1] ?? ""));
    await as("alice", `vault grant ${join(world.folder, "carol.pub")}`);
    expect((await as("alice", "vault holders")).match(/^\S+/gm)).toEqual(["file:carol", "file:id_ed25519"]);
    await as("alice", "git push -q origin main");
    for (const name of ["bob", "carol"]) expect(await opens(name)).toBe(true);
  });
});

describe("several keys in one repository", () => {
  beforeAll(async () => void (world = await makeTeamWorld(VAULT, ["alice", "carol"])));
  afterAll(() => world.close());

  test("what somebody holds of others is told where they are taken out, and looked after by sync", async () => {
    await world.begin();
    await as("alice", "vault init --key-name prod prod/**");
    write("alice", "prod/password", "hunter4\n");
    await world.commit("alice", "prod");
    await as("alice", "vault grant carol");
    await as("alice", "vault grant --key-name prod carol");
    const left = await as("alice", "vault revoke carol");
    expect(left).toMatch(/github:carol holds no grant of the key default any more/);
    expect(left).toMatch(/github:carol still holds the key prod: `vault revoke --key-name prod github:carol`/);
    await whileKeysAre("carol", [], async () => {
      const check = await trying("alice", "vault sync --check");
      expect(check.status).toBe(7);
      expect(check.said).toMatch(/github:carol, key prod is left as they are: they have no key left/);
    });
    await as("alice", "vault sync --check");
  });

  test("a removal that a hook refuses can be left staged", async () => {
    await world.begin();
    await as("alice", "vault grant carol");
    writeFileSync(join(world.clone("alice"), ".git/hooks/pre-commit"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const refused = await trying("alice", "vault revoke --no-rotate carol");
    expect(refused.status).toBe(1);
    expect(refused.said).toMatch(/staged with --no-commit/);
    expect(await as("alice", "vault revoke --no-rotate --no-commit carol")).toMatch(/their removal is staged/);
    expect(await as("alice", "git status --porcelain")).toMatch(/^D {2}\.git-vault\/grants\/default\/github-carol/);
    expect((await trying("alice", "vault revoke --no-commit carol")).status).toBe(2);
  });
});
