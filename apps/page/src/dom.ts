/*
 * The few things that the views do with elements. Texts from outside become text nodes alone.
 */

type Kind<T extends Element> = abstract new () => T;

/** The element of page.html with that id. */
export function element<T extends Element>(id: string, kind: Kind<T>): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${id}`);
  return found;
}

export const box = (id: string): HTMLElement => element(id, HTMLElement);
export const input = (id: string): HTMLInputElement => element(id, HTMLInputElement);
export const area = (id: string): HTMLTextAreaElement => element(id, HTMLTextAreaElement);

/** Shows an element with a text, or hides it without one. */
export function tell(id: string, text: string | null): void {
  const its = box(id);
  its.textContent = text;
  its.hidden = text === null;
}

/** Calls `run` when a person uses the element. */
export function on(id: string, event: "click" | "submit" | "change" | "input", run: () => unknown): void {
  box(id).addEventListener(event, (happened) => {
    if (event === "submit") happened.preventDefault();
    void run();
  });
}

/** Makes an element of a kind with children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  fields: Partial<HTMLElementTagNameMap[K]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

/** Copies a text, and says whether it could. */
export async function copy(text: string, statusId: string, said: { copied: string; notCopied: string }): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    box(statusId).textContent = said.copied;
  } catch {
    box(statusId).textContent = said.notCopied;
  }
}
