/** Draws public/icons/*.png from public/favicon.svg. Run by hand when the mark changes: `node e2e/draw-icons.ts`. */
import { readFileSync } from 'node:fs'
import { chromium } from '@playwright/test'
import { findBrowser, isRoot, noBrowserMessage } from './browser.ts'

const folder = new URL('../public/', import.meta.url)
const mark = readFileSync(new URL('favicon.svg', folder), 'utf8')
/** iOS and Android cut their own shape out of a full square; Android's may take all but the middle 80 %. */
const square = mark.replace('rx="112"', 'rx="0"')

const icons = [
  { name: '192', size: 192, svg: mark, scale: 1 },
  { name: '512', size: 512, svg: mark, scale: 1 },
  { name: 'maskable', size: 512, svg: square, scale: 0.8 },
  { name: 'apple-touch', size: 180, svg: square, scale: 0.92 },
]

const executablePath = findBrowser()
if (!executablePath) throw new Error(noBrowserMessage())
const browser = await chromium.launch({ executablePath, args: isRoot ? ['--no-sandbox'] : [] })
for (const { name, size, svg, scale } of icons) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  const drawing = `<div style="transform: scale(${scale}); width: ${size}px; height: ${size}px">${svg}</div>`
  await page.setContent(`<body style="margin: 0; background: ${svg === square ? '#12251c' : 'transparent'}">${drawing}</body>`)
  await page.screenshot({ path: new URL(`icons/${name}.png`, folder).pathname, omitBackground: true })
  await page.close()
}
await browser.close()
