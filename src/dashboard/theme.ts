/** Colours that are told apart; further links begin anew. */
export const LINK_COLOURS = 8;

/** For styles. */
export const linkVariable = (slot: number): string => `var(--link-${slot % LINK_COLOURS})`;

/** For canvases, which know no variables. */
export const linkColour = (slot: number): string => themeColour(`--link-${slot % LINK_COLOURS}`);

const known = new Map<string, string>();

/** The value of a variable in the present theme. */
export const themeColour = (name: string): string => {
  const value = known.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  known.set(name, value);
  return value;
};

const forget = (): void => known.clear();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', forget);

export const isDark = (): boolean => {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
};

/** Keeps the choice in this browser. */
export const chooseTheme = (theme: 'light' | 'dark'): void => {
  document.documentElement.dataset.theme = theme;
  forget();
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // It holds until the page is loaded again.
  }
  dispatchEvent(new Event('themechange'));
};
