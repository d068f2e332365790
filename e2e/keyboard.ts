import type { Page } from "playwright-core";

/** Presses Tab until what has the focus is called so, by its label or its text. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let i = 0; i < 120; i++) {
    const said = (await page.evaluate(
      "document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText",
    )) as string;
    if (name.test(said.trim())) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no Tab leads to ${name}`);
}
