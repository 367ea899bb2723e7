#!/bin/sh
# Installs git-vault @VERSION@, a program that needs nothing but git, below ~/.local or --prefix
# FOLDER. --remove takes it away again. Nothing is run before its SHA-256 is that of the release.
set -eu

version=@VERSION@
base=${GIT_VAULT_RELEASE:-https://github.com/git-vault/git-vault/releases/download/v$version}
prefix=${HOME:?}/.local
action=install

fail() {
  echo "install.sh: error: $1" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -gt 1 ] || fail "--prefix needs a folder"
      prefix=$2
      shift
      ;;
    --remove) action=remove ;;
    *) fail "expected --prefix FOLDER or --remove, got $1" ;;
  esac
  shift
done
case $prefix in
  /*) ;;
  *) fail "--prefix needs a whole path, got $prefix" ;;
esac

# What is installed, below the prefix.
files='bin/vault
bin/git-vault
@MAN_PAGES@
share/bash-completion/completions/vault
share/bash-completion/completions/git-vault
share/zsh/site-functions/_vault
share/zsh/site-functions/_git-vault
share/fish/vendor_completions.d/vault.fish
share/fish/vendor_completions.d/git-vault.fish
share/doc/git-vault/README.md
share/doc/git-vault/LICENSE
share/doc/git-vault/THIRD-PARTY-NOTICES.txt'

if [ "$action" = remove ]; then
  echo "$files" | while IFS= read -r file; do
    rm -f "$prefix/$file"
    # The folders that nobody else uses go as well.
    (cd "$prefix" 2>/dev/null && rmdir -p "$(dirname "$file")" 2>/dev/null) || true
  done
  rmdir "$prefix" 2>/dev/null || true
  rm -rf "${XDG_CACHE_HOME:-$HOME/.cache}/git-vault"
  rmdir "${XDG_CACHE_HOME:-$HOME/.cache}" 2>/dev/null || true
  echo "git-vault was removed from $prefix" >&2
  exit 0
fi

case $(uname -s) in
  Linux) system=linux ;;
  Darwin) system=darwin ;;
  *) fail "expected Linux or macOS, got $(uname -s); on Windows, use Scoop or npm" ;;
esac
case $(uname -m) in
  x86_64 | amd64) processor=x64 ;;
  aarch64 | arm64) processor=arm64 ;;
  *) fail "expected an x86-64 or ARM64 processor, got $(uname -m); use npm" ;;
esac
if [ "$system" = linux ] && ! [ -e /lib64/ld-linux-x86-64.so.2 ] && ! [ -e /lib/ld-linux-aarch64.so.1 ]; then
  [ -e "/lib/ld-musl-$(uname -m).so.1" ] || fail "this system has neither glibc nor musl; use npm: npm install --global git-vault"
  [ -e /usr/lib/libstdc++.so.6 ] || fail "libstdc++ is not installed; on Alpine: apk add libstdc++"
  processor=$processor-musl
fi
command -v git >/dev/null || fail "git is not installed"

name=git-vault-$version-$system-$processor
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

get() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --output "$folder/$1" "$base/$1"
  elif command -v wget >/dev/null; then
    wget --quiet --output-document="$folder/$1" "$base/$1"
  else
    fail "neither curl nor wget is installed"
  fi || fail "could not download $base/$1"
}

get SHA256SUMS
get "$name.tar.gz"
line=$(grep "  $name\.tar\.gz\$" "$folder/SHA256SUMS") || fail "the release has no $name.tar.gz"
if command -v sha256sum >/dev/null; then
  found=$(sha256sum <"$folder/$name.tar.gz")
else
  found=$(shasum -a 256 <"$folder/$name.tar.gz")
fi
[ "${found%% *}" = "${line%% *}" ] || fail "$name.tar.gz is not what the release has: its SHA-256 is ${found%% *}"

tar xzf "$folder/$name.tar.gz" -C "$folder"
echo "$files" | while IFS= read -r file; do
  mkdir -p "$prefix/$(dirname "$file")"
  # A program that runs is replaced, not written over.
  rm -f "$prefix/$file"
  mv "$folder/$name/$file" "$prefix/$file"
done
"$prefix/bin/git-vault" --version >/dev/null || fail "the program does not run here; where a library is missing, install it: Debian has libatomic1 and libstdc++6"
echo "git-vault $version is installed in $prefix" >&2

case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) echo "install.sh: add $prefix/bin to your PATH" >&2 ;;
esac
other=$(command -v vault || true)
if [ -n "$other" ] && [ "$other" != "$prefix/bin/vault" ]; then
  echo "install.sh: \`vault\` is another program here, $other; say \`git vault\` for this one" >&2
fi
