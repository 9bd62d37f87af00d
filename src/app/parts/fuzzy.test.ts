import { expect, test } from 'vitest'
import { fuzzy } from './fuzzy.ts'

const place = (label: string, under = '') => ({ key: under + label, label, under, go: () => undefined })
const PLACES = [place('Allotment'), place('#general', 'Allotment'), place('#seeds-and-bulbs', 'Allotment'), place('#café', 'Village'), place('#general', 'Village')]
const find = (query: string): string[] => fuzzy(PLACES, query).map((p) => `${p.under} ${p.label}`.trim())

test('nothing typed shows all, in their order', () => { expect(find(' ')).toHaveLength(PLACES.length) })
test('letters in order find a place', () => { expect(find('sdb')).toEqual(['Allotment #seeds-and-bulbs']) })
test('the beginning of a word counts more than its middle', () => { expect(fuzzy([place('#submarine'), place('#marina')], 'mar').map((p) => p.label)).toEqual(['#marina', '#submarine']) })
test('accents and capitals make no difference', () => { expect(find('CAFE')).toEqual(['Village #café']) })
test('a space and a channel together find the channel in that space', () => { expect(find('village general')).toEqual(['Village #general']) })
test('a letter that is missing finds nothing', () => { expect(find('generalz')).toEqual([]) })
