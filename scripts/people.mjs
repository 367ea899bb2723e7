// The people of the demo and of the pictures of terminals, each with a home folder of their own.
import { join } from "node:path";

/** What the programs of a person run with, whose home folder in `folder` is named like them. */
export function environmentOf(person, folder, github) {
  const home = join(folder, person);
  return {
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: person,
    GIT_AUTHOR_EMAIL: `${person}@example.org`,
    GIT_COMMITTER_NAME: person,
    GIT_COMMITTER_EMAIL: `${person}@example.org`,
    GITHUB_API_URL: github.url,
  };
}

/** The authorized_keys line of an Ed25519 key (RFC 8709), since ssh-keygen may not be here. */
export function sshPublicLine(key) {
  const point = Buffer.from(key.export({ format: "jwk" }).x, "base64url");
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from("ssh-ed25519")), field(point)]).toString("base64")}`;
}

/** An SSH string (RFC 4251 section 5) of fewer than 256 bytes. */
function field(bytes) {
  return Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
}
