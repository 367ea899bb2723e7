/* Settings for a repository that has none. */
export { draftSettings, type DraftedSettings } from "./draft-settings.ts";
