import { readOpenPgpKeys } from "@git-vault/keys";
import { readMemberKey } from "@git-vault/members";
import { peer, startGnuPg, type GnuPg } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memberFindings, planSync, planSyncRotation, sync, type Person } from "../src/members/index.ts";
import { readOpenPgpCopies } from "../src/members/openpgp-copies.ts";
import { Pins } from "../src/index.ts";
import { grantTo, makeTeam, membersOf, opened, planBy, teamRepository, type Team } from "./team.ts";

const gpg = peer("gpg");

describe.skipIf(gpg.missing)(`a member who has but an OpenPGP key, and ${gpg.label}`, () => {
  let team: Team;
  let theirs: GnuPg;
  let ours: GnuPg;
  beforeAll(async () => {
    team = await makeTeam();
    [theirs, ours] = [startGnuPg(), startGnuPg()];
  });
  afterAll(async () => {
    await Promise.all([team.close(), theirs.end(), ours.end()]);
  });

  test("is not shut out unseen by a rotation whose maker lacks their public key", async () => {
    const fingerprint = await theirs.generate({ userId: "gina <gina@example.org>" });
    const publicKey = await theirs.exportPublic(fingerprint);
    const gina: Person = {
      label: "file:gina",
      account: null,
      keys: [readMemberKey(`openpgp ${fingerprint}`)],
      openPgp: await readOpenPgpKeys(publicKey),
    };
    const repository = await teamRepository(team);
    // gpg of who rotates.
    Object.assign(repository.env, ours.env);
    await grantTo(team, repository, [], { people: [gina] });
    const copies = (): string[] => readOpenPgpCopies(opened(repository)).map((copy) => copy.fingerprint);
    expect(copies()).toEqual([fingerprint]);

    const gpgOptions = { gpg: { env: ours.env } };
    const plan = await planBy(team, await membersOf(repository), gpgOptions);
    const marks = plan.recipients.find(({ name }) => name === "file:gina")?.marks.map(({ kind }) => kind);
    expect(marks).toContain("not-openable");
    await plan.apply(team.commands);
    expect(copies()).toEqual([]);
    const findings = await memberFindings(await membersOf(repository));
    expect(findings.map(({ id, subject }) => [id, subject])).toEqual([["no-copy", "file:gina"]]);

    const { directory } = team;
    const places = { directory, gpg: { env: ours.env } };
    const lost = await planSync({ members: await membersOf(repository), ...places });
    expect([lost.outOfDate, lost.unclear]).toEqual([
      [],
      [{ name: "file:gina", reason: "no-public-key", problem: null }],
    ]);

    await ours.gpg(["--import"], publicKey);
    const members = await membersOf(repository);
    const mended = await planSync({ members, ...places });
    expect(mended.outOfDate.map(({ name, lacks }) => [name, lacks])).toEqual([["file:gina", ["default"]]]);
    const request = { members, ...places, plan: mended, author: await team.author("alice"), pins: new Pins(null) };
    expect(await planSyncRotation(request)).toBeNull();
    await sync(request, null, team.commands);
    expect(copies()).toEqual([fingerprint]);
    expect(await memberFindings(await membersOf(repository))).toEqual([]);
    // And now she is reached.
    const again = await planBy(team, await membersOf(repository), gpgOptions);
    expect(again.recipients.flatMap((one) => one.marks.map(({ kind }) => kind))).not.toContain("not-openable");
    await again.apply(team.commands);
    expect(copies()).toEqual([fingerprint]);
  });
});
