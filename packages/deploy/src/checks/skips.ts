import type { Release } from "../project/environment.ts";

/** What was passed over of one release or file. */
export interface SkippedPart {
  /** `prod`, `cert-manager in prod`, or a path. */
  readonly of: string;
  /** Makes the sentence, of one such name or of several. */
  readonly reason: (of: string) => string;
}

/** Is told what was passed over, and why; where that is of one thing of several, by parts, too. */
export type OnSkip = (reason: string, part?: SkippedPart) => void;

/** What could not be checked, each reason once. */
export class Skips {
  readonly #reasons = new Set<string>();
  readonly #onSkip: OnSkip;

  constructor(onSkip: OnSkip = () => {}) {
    this.#onSkip = onSkip;
  }

  get isEmpty(): boolean {
    return this.#reasons.size === 0;
  }

  add(reason: string, part?: SkippedPart): void {
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    this.#onSkip(reason, part);
  }

  addRelease(release: Release, reason: (of: string) => string): void {
    const of = titleOfRelease(release);
    this.add(reason(of), { of, reason });
  }
}

/** A release as people call it: by its environment, and by its name where there are several. */
const titleOfRelease = ({ key, name, environment }: Release): string =>
  environment.releases.length === 1 ? environment.name : `${key || name} in ${environment.name}`;
