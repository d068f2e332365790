export type ThemeChoice = "system" | "light" | "dark";

/** Dark, light or what the system says; kept in the browser. static/theme.js applies it before the first paint. */
class Theme {
  choice = $state<ThemeChoice>("system");
  /** What is shown now; charts redraw when it changes. */
  dark = $state(true);
  #media = typeof window === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    if (!this.#media) return;
    const kept = localStorage.getItem("theme");
    this.choice = kept === "light" || kept === "dark" ? kept : "system";
    this.#media.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  set(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
    this.#apply();
  }

  #apply(): void {
    this.dark = this.choice === "dark" || (this.choice === "system" && this.#media?.matches === true);
    document.documentElement.dataset["theme"] = this.dark ? "dark" : "light";
  }
}

export const theme = new Theme();
