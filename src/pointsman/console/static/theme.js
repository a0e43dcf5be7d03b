// Light, dark, or as the system has it. The server reads the cookie: no page flashes.
const order = { auto: "light", light: "dark", dark: "auto" };

export function startTheme() {
  const button = document.querySelector("[data-theme-switch]");
  const root = document.documentElement;
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = order[root.dataset.theme] ?? "light";
    root.dataset.theme = theme;
    button.title = `Theme: ${theme}`;
    document.querySelector("[data-spoken]").textContent = `Theme: ${theme}`;
    document.cookie = `pointsman_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  });
}
