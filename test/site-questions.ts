/**
 * What people type into the search of the site, in their own words, and the page that answers them.
 * It is to be among the first three pages that are found.
 */
export const QUESTIONS: readonly (readonly [question: string, page: string])[] = [
  ["install", "start/install"],
  ["share a key", "start/share-a-key"],
  ["encrypt a repository", "start/encrypt-a-repository"],
  ["add a colleague", "how-to/add-a-colleague"],
  ["someone left", "how-to/someone-left"],
  ["stolen laptop", "how-to/lost-laptop"],
  ["rotate key", "how-to/rotate"],
  ["who has the key", "how-to/who-has-the-key"],
  ["pull requests", "how-to/protected-main"],
  ["a second environment", "how-to/second-key"],
  ["open without vault", "how-to/open-without-vault"],
  ["repair a clone", "how-to/mend-a-clone"],
  ["add a secret", "how-to/change-a-secret"],
  ["GitHub Actions", "how-to/ci-github"],
  ["GitLab CI", "how-to/ci-gitlab"],
  ["Forgejo", "how-to/ci-forgejo"],
  ["git-crypt GPG", "how-to/from-git-crypt"],
  ["ssh-vault", "ssh-vault"],
  ["sops", "how-to/from-sops"],
  ["exit codes", "reference/exit-codes"],
  ["vault deploy plan", "reference/commands/deploy-plan"],
  ["threat model", "threat-model"],
  ["revoke access", "reference/commands/revoke"],
  ["encrypt secrets in git", "start/encrypt-a-repository"],
  ["decrypt one file", "reference/commands/decrypt"],
  ["helm secrets", "how-to/from-sops"],
  ["deploy.yaml", "reference/deploy-yaml"],
];
