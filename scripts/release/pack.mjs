// The files of a release, in a folder: packages of npm, standalone programs, packages of systems,
// what package managers read, the list of all that is in it, and the digests of all of that.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  FOLDERS,
  isInstalled,
  isMusl,
  manPages,
  muslPreparer,
  nodeFolder,
  REPOSITORY,
  root,
  run,
  sha256,
  sourceDate,
  VERSION,
} from "./common.mjs";
import { formula, manifest, flake, nfpm } from "./package-managers.mjs";
import { sbom } from "./sbom.mjs";
import { makeStandalone } from "./standalone.mjs";

const app = join(root, "apps/vault");
/** Each shell finds a script by the name of the program that it completes. */
const SHELLS = {
  bash: ["vault", "git-vault"].map((name) => `share/bash-completion/completions/${name}`),
  zsh: ["_vault", "_git-vault"].map((name) => `share/zsh/site-functions/${name}`),
  fish: ["vault.fish", "git-vault.fish"].map((name) => `share/fish/vendor_completions.d/${name}`),
};

/** Packs the packages of npm, built before, into `folder`. */
export function packPackages(folder) {
  for (const each of FOLDERS) run("pnpm", ["pack", "--pack-destination", folder], { cwd: join(root, each) });
}

/** Writes the whole release into `folder`, with standalone programs for `targets`. */
export function packRelease(folder, targets) {
  mkdirSync(folder, { recursive: true });
  packPackages(folder);
  writeFileSync(join(folder, `git-vault-${VERSION}.cdx.json`), `${JSON.stringify(sbom(), null, 2)}\n`);
  for (const target of targets) packStandalone(folder, target);
  const pages = manPages()
    .map((name) => `share/man/man1/${name}`)
    .join("\n");
  const installer = readFileSync(join(root, "packaging/install.sh"), "utf8");
  writeFileSync(join(folder, "install.sh"), installer.replaceAll("@VERSION@", VERSION).replace("@MAN_PAGES@", pages));
  const digests = digestsOf(folder);
  writeFileSync(join(folder, "git-vault.rb"), formula(digests));
  if (targets.includes("win32-x64")) writeFileSync(join(folder, "git-vault.json"), manifest(digests));
  writeFileSync(join(folder, "flake.nix"), flake(digests));
  const lines = Object.entries(digestsOf(folder)).map(([name, digest]) => `${digest}  ${name}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** The SHA-256 of each file in a folder, by name. */
function digestsOf(folder) {
  const names = readdirSync(folder).filter((name) => name !== "SHA256SUMS");
  return Object.fromEntries(names.toSorted().map((name) => [name, sha256(join(folder, name))]));
}

/** The archive of a target, and Debian's and Fedora's packages where it is one of Linux. */
function packStandalone(folder, target) {
  const work = mkdtempSync(join(tmpdir(), "git-vault-pack-"));
  try {
    const name = `git-vault-${VERSION}-${target}`;
    const tree = join(work, name);
    const isWindows = target.startsWith("win32");
    const program = join(tree, isWindows ? "bin/vault.exe" : "bin/vault");
    mkdirSync(join(tree, "bin"), { recursive: true });
    // Apple's are made and signed on a machine of theirs, and handed over.
    const given = join(root, "packaging/signed", target, "vault");
    if (existsSync(given)) cpSync(given, program);
    else makeStandalone(target, program);
    // `git vault` finds it by this name.
    if (isWindows) cpSync(program, join(tree, "bin/git-vault.exe"));
    else symlinkSync("vault", join(tree, "bin/git-vault"));
    writeTexts(tree, target);
    const date = sourceDate();
    for (const path of run("find", [work, "-mindepth", "1"]).trim().split("\n")) {
      if (path !== join(tree, "bin/git-vault")) utimesSync(path, date, date);
    }
    if (isWindows) {
      const files = run("find", [name, "-type", "f"], { cwd: work }).trim().split("\n").toSorted().join("\n");
      run("zip", ["-qX9", join(folder, `${name}.zip`), "-@"], { cwd: work, input: files, env: { TZ: "UTC" } });
      return;
    }
    const options = ["--sort=name", `--mtime=@${date}`, "--owner=0", "--group=0", "--numeric-owner"];
    run("tar", [...options, "--use-compress-program", "gzip -9n", "-cf", join(folder, `${name}.tar.gz`), name], {
      cwd: work,
    });
    if (target.startsWith("linux") && !isMusl(target) && isInstalled("nfpm")) {
      writeDebianTexts(tree);
      writeFileSync(join(work, "nfpm.yaml"), nfpm(target, tree));
      for (const packager of ["deb", "rpm"]) {
        run("nfpm", ["package", "--packager", packager, "--target", folder, "--config", join(work, "nfpm.yaml")], {
          env: { SOURCE_DATE_EPOCH: String(date) },
        });
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Man pages, completions and licences, where every system looks for them. */
function writeTexts(tree, target) {
  const write = (path, text) => {
    mkdirSync(join(tree, path, ".."), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  for (const name of manPages()) write(`share/man/man1/${name}`, readFileSync(join(app, "man", name)));
  for (const [shell, paths] of Object.entries(SHELLS)) {
    const script = run(process.execPath, [join(app, "dist/main.cjs"), "completion", shell]);
    for (const path of paths) write(path, script);
  }
  write("share/doc/git-vault/README.md", readFileSync(join(root, "README.md")));
  write("share/doc/git-vault/LICENSE", readFileSync(join(root, "LICENSE")));
  // Its licence is the same for each target of a version, and not in all of their packages.
  const { folder } = isMusl(target) ? muslPreparer() : nodeFolder("linux-x64");
  const node = readFileSync(join(folder, "LICENSE"), "utf8");
  const notices = readFileSync(join(app, "THIRD-PARTY-NOTICES.txt"), "utf8");
  const rule = "-".repeat(80);
  write("share/doc/git-vault/THIRD-PARTY-NOTICES.txt", `${notices}\n${rule}\nNode.js\n${rule}\n${node}`);
}

/** What packages of Debian must have, and what its linter is told of a program that holds Node. */
function writeDebianTexts(tree) {
  const doc = join(tree, "share/doc/git-vault");
  const license = readFileSync(join(root, "LICENSE"), "utf8").trim();
  const text = license.slice(license.indexOf("\n\n", license.indexOf("Copyright")) + 2);
  const indented = text.split("\n").map((line) => ` ${line === "" ? "." : line}`);
  writeFileSync(
    join(doc, "copyright"),
    [
      "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
      "Upstream-Name: git-vault",
      `Source: ${REPOSITORY}`,
      "Comment: The licences of what the program contains are in THIRD-PARTY-NOTICES.txt.",
      "",
      "Files: *",
      `Copyright: ${/^Copyright (?:\(c\) )?(.+)$/m.exec(license)[1]}`,
      "License: MIT",
      ...indented,
      "",
    ].join("\n"),
  );
  const date = new Date(sourceDate() * 1000).toUTCString().replace("GMT", "+0000");
  const entry = `git-vault (${VERSION}) unstable; urgency=medium\n\n  * See ${REPOSITORY}/releases/tag/v${VERSION}\n\n -- git-vault contributors <noreply@users.noreply.github.com>  ${date}\n`;
  writeFileSync(join(doc, "changelog.gz"), gzipSync(entry, { level: 9 }));
  for (const name of manPages()) {
    const page = join(tree, "share/man/man1", name);
    writeFileSync(`${page}.gz`, gzipSync(readFileSync(page), { level: 9 }));
  }
  // The program is Node's with our files behind it: neither may be taken apart.
  const tags = ["unstripped-binary-or-object [usr/bin/vault]", "hardening-no-pie [usr/bin/vault]", "embedded-library"];
  // nfpm writes it for Fedora, and into Debian's package as well.
  tags.push("unknown-field License");
  writeFileSync(join(tree, "lintian"), tags.map((tag) => `git-vault: ${tag}\n`).join(""));
}
