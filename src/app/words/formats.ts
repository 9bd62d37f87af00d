/** How numbers, dates and lists are written: in the language of the words, the way the person's region does. */

/** The language of the words. */
const LANGUAGE = 'en'
const LOCALE = navigator.languages.find((tag) => tag === LANGUAGE || tag.startsWith(`${LANGUAGE}-`)) ?? LANGUAGE
/** Twelve hours or twenty-four is a habit of the region, not of the language. */
const { hourCycle = 'h23' } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions()

/** 09:05, but 9:05 AM. */
const HOUR = hourCycle === 'h12' || hourCycle === 'h11' ? 'numeric' : '2-digit'
// Making a format takes longer than using it, and every row has one.
const TIME = new Intl.DateTimeFormat(LOCALE, { hour: HOUR, minute: '2-digit', hourCycle })
const FULL_TIME = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: HOUR, minute: '2-digit', hourCycle })
const SHORT_DATE = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', hour: HOUR, minute: '2-digit', hourCycle })
const DAY = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long' })
const DAY_OF_YEAR = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'long', year: 'numeric' })
const DAYS_AGO = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' })
const LIST = new Intl.ListFormat(LOCALE, { type: 'conjunction' })
const NUMBER = new Intl.NumberFormat(LOCALE)
const PLURAL = new Intl.PluralRules(LOCALE)

/** What Ctrl is called on this keyboard. */
export const CTRL = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

export const number = (n: number): string => NUMBER.format(n)
export const counted = (n: number, one: string, other: string): string => `${number(n)} ${PLURAL.select(n) === 'one' ? one : other}`
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
/** 1.4 MB. */
export function bytes(n: number): string {
  const step = n < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(n) / 3))
  return new Intl.NumberFormat(LOCALE, { style: 'unit', unit: UNITS[step] ?? 'byte', maximumFractionDigits: step < 2 ? 0 : 1 }).format(n / 1000 ** step)
}
export const unit = (n: number, name: 'minute' | 'hour' | 'day'): string => new Intl.NumberFormat(LOCALE, { style: 'unit', unit: name, unitDisplay: 'long' }).format(n)

export const time = (at: number): string => TIME.format(at)
/** As short as it gets, for narrow places: what stands around it says which half of the day. */
export const shortTime = (at: number): string => TIME.formatToParts(at).filter((part) => part.type !== 'dayPeriod').map((part) => part.value).join('').trim()
export const fullTime = (at: number): string => FULL_TIME.format(at)

/** Alice, Bob and Carol. */
export const listed = (names: readonly string[]): string => LIST.format(names)
export const shortDate = (at: number): string => SHORT_DATE.format(at)

export function day(at: number, now: number): string {
  // From noon to noon: a day on which clocks change is not quite 24 hours long.
  const days = Math.round((new Date(now).setHours(12, 0, 0, 0) - new Date(at).setHours(12, 0, 0, 0)) / 86_400_000)
  if (days < 0 || days > 300) return DAY_OF_YEAR.format(at)
  if (days > 1) return DAY.format(at)
  const text = DAYS_AGO.format(-days, 'day')
  return text.charAt(0).toLocaleUpperCase(LOCALE) + text.slice(1)
}

