import type { Severity } from "@git-vault/core";

/** What a check looks for. */
export interface Rule {
  /** The worst that a finding with this id is. */
  readonly severity: Severity;
  /** In one line, for lists of rules. */
  readonly title: string;
}

/** What the checks look for, by finding id. docs/checks.md has a section for each. */
export const RULES = {
  layers: { severity: "error", title: "every layer is there, says something and can be read" },
  "strict-yaml": { severity: "error", title: "values files mean what they look like" },
  encrypted: { severity: "error", title: "what should be ciphertext in git is ciphertext" },
  authentic: { severity: "error", title: "the key opens every encrypted file" },
  boundary: { severity: "error", title: "what runs or is connected to comes from holders of the key" },
  leaked: { severity: "error", title: "no secret stands where everybody can read it" },
  "looks-secret": { severity: "error", title: "nothing that looks like a secret lies about unencrypted" },
  "shared-secret": { severity: "error", title: "staging and production share no secret" },
  "weak-secret": { severity: "error", title: "secrets are neither placeholders nor easily guessed" },
  "unknown-key": { severity: "warning", title: "every value is one that the charts know" },
  redundant: { severity: "note", title: "no layer says again what holds anyway" },
  "type-change": { severity: "warning", title: "an override has the type of what it overrides" },
  schema: { severity: "error", title: "values are as the JSON Schemas say" },
  drift: { severity: "warning", title: "staging and production have the same shape" },
  dependencies: { severity: "error", title: "dependencies are pinned, locked, there, and what was locked" },
  render: { severity: "error", title: "the chart can be rendered" },
  "image-pinned": { severity: "warning", title: "container images are named by a version or digest" },
  "deprecated-api": { severity: "error", title: "no object uses an API that Kubernetes removed" },
  tls: { severity: "error", title: "every host has a certificate, and certificates share no secret's name" },
  "node-selector": { severity: "error", title: "pods are sent to node pools that exist" },
  expiry: { severity: "error", title: "certificates and tokens are valid for a while yet" },
  silence: { severity: "warning", title: "what is silenced is there" },
} as const;

/** The id of a finding of a check of this package. */
export type RuleId = keyof typeof RULES;
