/* Light or dark: as the machine says, until somebody chooses. The charts read their colours here. */

const NAMES = ["ground", "text", "muted", "grid", "axis", "cross", "gain", "loss", "line", "fill", "below", "volume", "accent",
  "warn", "stop", "limit", "one", "two", "three", "four", "five"]; // as the style sheet's --names
const themeListeners = [];
let read = null;

function theme() {
  if (!read) {
    const style = getComputedStyle(document.documentElement);
    read = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
  }
  return read;
}

function onThemeChange(listener) {
  themeListeners.push(listener);
}

function themeChanged() {
  read = null;
  for (const listener of themeListeners) listener();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function startTheme(button) {
  const show = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    button.textContent = isDark() ? "Light" : "Dark";
    themeChanged();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  matchMedia("print").addEventListener("change", themeChanged);
  show();
}
