import { type Plan, type PlanLine, planLines } from "@git-vault/deploy/releases";
import { coloured, type Meaning } from "../../io/colour.ts";
import { printableText } from "../../io/streams.ts";
import { PLAN_WORDS } from "./deployment-summary.ts";

const COLOURS: Readonly<Record<Exclude<PlanLine["tells"], "context">, Meaning>> = {
  title: "title",
  added: "added",
  changed: "changed",
  removed: "removed",
  place: "place",
  warning: "warning",
};

/** The lines of a plan as a person sees them on a standard stream: those of a diff are coloured. */
export const shownPlan = (plan: Plan, fd: 1 | 2): string[] =>
  planLines(plan, PLAN_WORDS).map(({ text, tells }) =>
    tells === "context" ? printableText(text) : coloured(COLOURS[tells], text, fd),
  );
