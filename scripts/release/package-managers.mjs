// What package managers read, each made from the files of one release and their digests.
import { join } from "node:path";
import { manPages, REPOSITORY, sourceDate, VERSION } from "./common.mjs";

const SUMMARY = "Hand a repository's secrets to the right people, and deploy from them";

const archive = (target) => `git-vault-${VERSION}-${target}.${target.startsWith("win32") ? "zip" : "tar.gz"}`;
const address = (name) => `${REPOSITORY}/releases/download/v${VERSION}/${name}`;

/** A formula of Homebrew. */
export function formula(digests) {
  const block = (system, targets) => {
    const lines = Object.entries(targets).flatMap(([condition, target]) => {
      const digest = digests[archive(target)];
      if (digest === undefined) return [];
      return [
        `    ${condition} do`,
        `      url "${address(archive(target))}"`,
        `      sha256 "${digest}"`,
        "    end",
        "",
      ];
    });
    return lines.length === 0 ? [] : [`  ${system} do`, ...lines.slice(0, -1), "  end", ""];
  };
  return [
    "class GitVault < Formula",
    `  desc "${SUMMARY}"`,
    `  homepage "${REPOSITORY}"`,
    `  version "${VERSION}"`,
    '  license "MIT"',
    "",
    ...block("on_macos", { on_arm: "darwin-arm64", on_intel: "darwin-x64" }),
    ...block("on_linux", { on_arm: "linux-arm64", on_intel: "linux-x64" }),
    // The command of HashiCorp has the name, too; `git vault` is ours alone.
    '  conflicts_with "vault", because: "both install the program vault"',
    "",
    "  def install",
    '    bin.install "bin/vault"',
    '    bin.install_symlink bin/"vault" => "git-vault"',
    '    man1.install Dir["share/man/man1/*"]',
    '    bash_completion.install Dir["share/bash-completion/completions/*"]',
    '    zsh_completion.install Dir["share/zsh/site-functions/*"]',
    '    fish_completion.install Dir["share/fish/vendor_completions.d/*"]',
    '    doc.install Dir["share/doc/git-vault/*"]',
    "  end",
    "",
    "  test do",
    '    assert_match version.to_s, shell_output("#{bin}/git-vault --version")',
    "  end",
    "end",
    "",
  ].join("\n");
}

/** A manifest of Scoop, for Windows. */
export function manifest(digests) {
  const name = archive("win32-x64");
  const folder = `git-vault-${VERSION}-win32-x64`;
  const pattern = `${REPOSITORY}/releases/download/v$version/git-vault-$version-win32-x64.zip`;
  const fields = {
    version: VERSION,
    description: SUMMARY,
    homepage: REPOSITORY,
    license: "MIT",
    architecture: { "64bit": { url: address(name), hash: digests[name], extract_dir: folder } },
    bin: ["bin/vault.exe", "bin/git-vault.exe"],
    checkver: "github",
    autoupdate: {
      architecture: { "64bit": { url: pattern, extract_dir: folder.replace(VERSION, "$version") } },
      hash: { url: "$baseurl/SHA256SUMS" },
    },
  };
  return `${JSON.stringify(fields, null, 4)}\n`;
}

/**
 * A flake of Nix. It takes the package of npm, and Nix's own Node: the programs that hold a Node
 * would need to be patched to run there.
 */
export function flake(digests) {
  const name = `git-vault-${VERSION}.tgz`;
  return `{
  description = "${SUMMARY}";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      package =
        pkgs:
        pkgs.stdenvNoCC.mkDerivation {
          pname = "git-vault";
          version = "${VERSION}";
          src = pkgs.fetchurl {
            url = "${address(name)}";
            sha256 = "${digests[name]}";
          };
          nativeBuildInputs = [
            pkgs.installShellFiles
            pkgs.makeWrapper
          ];
          installPhase = ''
            runHook preInstall
            mkdir -p $out/lib/git-vault $out/bin
            cp -R . $out/lib/git-vault
            makeWrapper \${pkgs.nodejs}/bin/node $out/bin/git-vault --add-flags $out/lib/git-vault/dist/main.cjs
            ln -s git-vault $out/bin/vault
            installManPage man/*.1
            for shell in bash zsh fish; do $out/bin/vault completion $shell > vault.$shell; done
            for name in vault git-vault; do
              installShellCompletion --cmd $name --bash vault.bash --zsh vault.zsh --fish vault.fish
            done
            runHook postInstall
          '';
          meta = {
            description = "${SUMMARY}";
            homepage = "${REPOSITORY}";
            license = pkgs.lib.licenses.mit;
            mainProgram = "git-vault";
            platforms = systems;
          };
        };
    in
    {
      packages = nixpkgs.lib.genAttrs systems (system: {
        default = package nixpkgs.legacyPackages.\${system};
      });
    };
}
`;
}

/**
 * What nfpm makes Debian's and Fedora's package of a target from. `tree` holds its files.
 */
export function nfpm(target, tree) {
  const mtime = new Date(sourceDate() * 1000).toISOString();
  const file = (src, dst, extra = {}) => ({
    src: join(tree, src),
    dst: `/usr/${dst}`,
    file_info: { mode: 0o644, mtime },
    ...extra,
  });
  const doc = "share/doc/git-vault";
  // Only Fedora's packages tell documentation from other files.
  const documentation = (path) => [
    file(path, path, { packager: "deb" }),
    file(path, path, { packager: "rpm", type: "doc" }),
  ];
  const contents = [
    file("bin/vault", "bin/vault", { file_info: { mode: 0o755, mtime } }),
    { src: "vault", dst: "/usr/bin/git-vault", type: "symlink", file_info: { mtime } },
    ...manPages().flatMap((name) => documentation(`share/man/man1/${name}.gz`)),
    ...["vault", "git-vault"].flatMap((name) => [
      file(`share/bash-completion/completions/${name}`, `share/bash-completion/completions/${name}`),
      file(`share/zsh/site-functions/_${name}`, `share/zsh/vendor-completions/_${name}`, { packager: "deb" }),
      file(`share/zsh/site-functions/_${name}`, `share/zsh/site-functions/_${name}`, { packager: "rpm" }),
      file(`share/fish/vendor_completions.d/${name}.fish`, `share/fish/vendor_completions.d/${name}.fish`),
    ]),
    file(`${doc}/README.md`, `${doc}/README.md`, { packager: "rpm", type: "doc" }),
    file(`${doc}/LICENSE`, "share/licenses/git-vault/LICENSE", { packager: "rpm", type: "license" }),
    ...documentation(`${doc}/THIRD-PARTY-NOTICES.txt`),
    file(`${doc}/copyright`, `${doc}/copyright`, { packager: "deb" }),
    file(`${doc}/changelog.gz`, `${doc}/changelog.gz`, { packager: "deb" }),
    file("lintian", "share/lintian/overrides/git-vault", { packager: "deb" }),
  ];
  return JSON.stringify({
    name: "git-vault",
    arch: target === "linux-x64" ? "amd64" : "arm64",
    platform: "linux",
    version: VERSION,
    section: "vcs",
    priority: "optional",
    maintainer: `git-vault contributors <noreply@users.noreply.github.com>`,
    description: `${SUMMARY}\nIt seals a git-crypt key to the SSH keys of its recipients, unlocks\nrepositories without git-crypt, and deploys with Helm from encrypted values.`,
    homepage: REPOSITORY,
    license: "MIT",
    mtime,
    contents,
    overrides: {
      deb: { depends: ["git", "libatomic1", "libc6 (>= 2.28)", "libstdc++6"] },
      rpm: { depends: ["git-core", "glibc >= 2.28", "libatomic", "libstdc++"] },
    },
    rpm: { group: "Development/Tools", summary: SUMMARY, buildhost: "git-vault" },
  });
}
