/** Dark, light, or as the system says. A preference, not a secret: it may lie in the browser's own storage. */
export type Theme = 'system' | 'dark' | 'light'
const KEY = 'thicket-theme'

export function readTheme(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'dark' || value === 'light' ? value : 'system'
  } catch { return 'system' }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']; else document.documentElement.dataset['theme'] = theme
  try { localStorage.setItem(KEY, theme) } catch { /* Private windows forget it. */ }
}
