import { expect, test } from 'vitest'
import { fit } from './popup.ts'

const BOX = { width: 200, height: 300 }
const WINDOW = { width: 1000, height: 800 }

test('what pops up opens below what it belongs to', () => { expect(fit({ x: 50, y: 100, top: 60 }, BOX, WINDOW)).toEqual({ left: 50, top: 100 }) })
test('where there is no room below, it opens above', () => { expect(fit({ x: 50, y: 700, top: 660 }, BOX, WINDOW)).toEqual({ left: 50, top: 360 }) })
test('it never leaves the window at the side', () => { expect(fit({ x: 950, y: 100, top: 60 }, BOX, WINDOW).left).toBe(792) })
test('in a window that is too small it begins at the top', () => { expect(fit({ x: 5, y: 150, top: 100 }, BOX, { width: 150, height: 200 })).toEqual({ left: 8, top: 8 }) })
