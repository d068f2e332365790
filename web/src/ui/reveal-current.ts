import type { Attachment } from "svelte/attachments";

/**
 * For a row of tabs that scrolls sideways: brings the current one into sight.
 * @param _at what the current tab depends on, such as the address; looks again when it changes
 */
export const revealCurrent =
  (_at: string): Attachment<HTMLElement> =>
  (row) => {
    const frame = requestAnimationFrame(() => {
      const tab = row.querySelector<HTMLElement>("[aria-current]");
      if (tab === null) return;
      // Sideways alone: scrollIntoView would move the page too.
      const [around, own] = [row.getBoundingClientRect(), tab.getBoundingClientRect()];
      if (own.left < around.left) row.scrollLeft -= around.left - own.left;
      else if (own.right > around.right) row.scrollLeft += own.right - around.right;
    });
    return () => cancelAnimationFrame(frame);
  };
