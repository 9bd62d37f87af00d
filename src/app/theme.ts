/** Dark, light, or as the system says. A preference, not a secret: it may lie in the browser's own storage. */
export type Theme = 'system' | 'dark' | 'light'

const KEY = 'thicket-theme'
/** What the browser paints around the page: as in index.html, which says it for both systems. */
const AROUND = { dark: '#12171a', light: '#f6f8f5' } as const

export function readTheme(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'dark' || value === 'light' ? value : 'system'
  } catch { return 'system' }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']; else document.documentElement.dataset['theme'] = theme
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    meta.content = AROUND[theme === 'system' ? (meta.media.includes('dark') ? 'dark' : 'light') : theme]
  }
  try { if (theme === 'system') localStorage.removeItem(KEY); else localStorage.setItem(KEY, theme) } catch { /* Private windows forget it. */ }
}
