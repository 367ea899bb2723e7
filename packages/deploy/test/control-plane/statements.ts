import { isDeepStrictEqual } from "node:util";
import type { DeployEvent } from "../../src/releases/index.ts";
import type { Content, ReleaseState, Revision } from "./release-state.ts";

/** What a run told of a deployment. */
export interface Told {
  readonly events: readonly DeployEvent[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What was and is so, and what was to be. */
interface Truth {
  readonly before: ReleaseState;
  readonly after: ReleaseState;
  readonly wanted: Pick<Content, "image" | "greeting">;
  /** What was once found ready, though Helm may not have kept the revision. */
  readonly good: readonly Content[];
}

/** Which sentences of what was told are not so. */
export function falsehoodsIn(told: Told, truth: Truth): string[] {
  const { events, error } = told;
  const claims = [
    ...(error === null ? [isDone] : []),
    ...(events.some(({ event }) => event === "rolled-back") ? [isBack] : []),
    ...(error !== null && !hasBegun(told) ? [isAsBefore] : []),
    ...(error?.code === "ROLLBACK_FAILED" ? [isNotBack] : []),
    ...(error?.code === "INTERRUPTED" ? [isInTheStateThatIsTold] : []),
  ];
  return claims.flatMap((claim) => claim(told, truth));
}

type Claim = (told: Told, truth: Truth) => string[];

const hasBegun = ({ events }: Told): boolean => events.some(({ event }) => ["upgrading", "repaired"].includes(event));

const unless = (isSo: boolean, what: string): string[] => (isSo ? [] : [what]);

const isLive = ({ content }: Revision, { live }: ReleaseState): boolean => isDeepStrictEqual(content, live);

/** It says that all is deployed and ready. */
const isDone: Claim = ({ events }, { after, wanted: { image, greeting } }) => {
  const last = after.revisions.at(-1);
  if (last === undefined) return ["it is deployed: there is no revision"];
  const isRecorded = last.ready || events.some(({ event }) => event === "warning");
  return [
    ...unless(last.status === "deployed", "it is deployed"),
    ...unless(isRecorded, "it was found ready"),
    ...unless(isLive(last, after) && after.ready, "it is ready"),
    ...unless(after.live.image === image && after.live.greeting === greeting, "it is what was committed"),
  ];
};

/** It says that the release is back at a revision, and ready there unless it says otherwise. */
const isBack: Claim = ({ events, error }, { before, after, good }) => {
  const back = events.find((event) => event.event === "rolled-back");
  if (back === undefined) return [];
  if (back.to === null) return unless(after.revisions.length === 0, "it was removed");
  const last = after.revisions.at(-1);
  const known = [...before.revisions, ...after.revisions];
  const target = known.find(({ number }) => number === back.to);
  // What a rollback made of something good is as good.
  const wasGood = good.some((content) => isDeepStrictEqual(content, target?.content));
  const isDoubted = events.some(({ event }) => event === "warning") || error?.code === "INTERRUPTED";
  return [
    ...unless(last?.number === back.revision && last?.status === "deployed", `it is at revision ${back.revision}`),
    ...unless(last !== undefined && isLive(last, after), "what it went back to runs"),
    ...unless(isDeepStrictEqual(last?.content, target?.content), `it is what revision ${back.to} was`),
    ...unless(wasGood, `revision ${back.to} was good`),
    ...unless(after.ready || isDoubted, "it is ready again"),
  ];
};

/** Nothing had begun: all is as it was. */
const isAsBefore: Claim = (_, { before, after }) => [
  ...unless(isDeepStrictEqual(after.live, before.live), "nothing was changed"),
  ...unless(
    isDeepStrictEqual(
      after.revisions.map(({ number, status }) => [number, status]),
      before.revisions.map(({ number, status }) => [number, status]),
    ),
    "no revision was made",
  ),
];

/** It says that the undo failed. */
const isNotBack: Claim = (_, { before, after }) => {
  const last = after.revisions.at(-1);
  const good = before.revisions.findLast(({ ready }) => ready);
  const isThere = last?.status === "deployed" && good !== undefined && isDeepStrictEqual(last.content, good.content);
  return unless(!(isThere && isLive(last, after) && after.ready), "it was not rolled back");
};

/** What is told of a run that was interrupted. */
const isInTheStateThatIsTold: Claim = ({ events, error }, { before, after }) => {
  const message = error?.message ?? "";
  const last = after.revisions.at(-1);
  const number = (pattern: RegExp): number | null => {
    const found = pattern.exec(message)?.[1];
    return found === undefined ? null : Number(found);
  };
  const [asItWas, left, back] = [
    number(/is as it was, at revision (\d+)/),
    number(/is left as revision (\d+)/),
    number(/is back at revision \d+ \(as revision (\d+)\)/),
  ];
  const isBackAndReady = back !== null && message.endsWith(")");
  // Before it has begun, it need not say that nothing was changed.
  const isEarly = !events.some(({ event }) => event === "begin");
  return [
    ...(asItWas === null
      ? []
      : unless(last?.number === asItWas && isDeepStrictEqual(after.live, before.live), message)),
    ...(left === null ? [] : unless(last?.number === left, message)),
    ...(back === null ? [] : unless(last?.number === back && isLive(last, after), message)),
    ...(isBackAndReady ? unless(after.ready, message) : []),
    ...unless(
      isEarly ||
        asItWas !== null ||
        left !== null ||
        back !== null ||
        /nothing was changed|not installed/.test(message),
      `it tells a state: ${message}`,
    ),
  ];
};
