/**
 * The house rules that a type checker can't see, checked by reading the files. Each failure names the file and says what to do instead.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

/** All that may lie at the top. Settings of tools live in package.json or beside what they govern. */
const TOP = [
  '.ci', '.git', '.gitignore', 'LICENSE', 'README.md', 'e2e', 'package-lock.json', 'package.json', 'public', 'relay', 'src', 'tsconfig.json', 'vite.config.ts',
]

const MAX_FILE_LINES = 500
const MAX_FUNCTION_LINES = 70

/** Started by a script, a browser or a tool: nobody imports them. */
const ENTRIES = [
  'src/main.ts', 'src/sw/sw.ts', 'src/node/main.ts', 'src/sim/main.ts', 'src/sim/share.ts', 'src/bench/main.ts', 'src/bench/alike.ts', 'relay/main.ts', 'vite.config.ts',
  'e2e/playwright.config.ts', 'e2e/draw-icons.ts', 'src/fixed-seed.ts',
]

/**
 * What each layer may import of the project. A layer may always import itself. `types:` takes only types.
 * `app`, `worker`, `node`, `sim` and `main` are in nobody's list but main's: imports point inward.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  wire: ['types:api'],
  api: ['types:wire'],
  ports: [],
  engine: ['wire', 'ports', 'api'],
  host: ['engine', 'wire', 'ports', 'api', 'aside'],
  aside: ['engine', 'ports'],
  adapters: ['wire', 'ports'],
  app: ['types:api', 'types:wire'],
  sw: [],
  worker: ['host', 'engine', 'adapters', 'wire', 'ports', 'api'],
  main: ['worker', 'app', 'sw', 'api'],
  node: ['host', 'engine', 'adapters', 'wire', 'ports', 'api'],
  sim: ['host', 'engine', 'adapters', 'wire', 'ports', 'api', 'relay'],
  bench: ['host', 'engine', 'adapters', 'wire', 'ports', 'api', 'relay', 'sim', 'e2e', 'worker'],
  relay: ['wire'],
  // It runs the worker's halves in pages of their own.
  e2e: ['types:api', 'wire', 'worker', 'bench'],
  settings: [],
  'fixed-seed': [],
}

/** A test runs its layer on real parts: a real ciphersuite under the engine, a real relay behind a mailbox adapter. */
const TESTS_MAY_ALSO = ['adapters', 'relay', 'wire', 'ports', 'api']

/** Packages of the inner layers. The outer ones are free to use what they need. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  wire: ['@noble/', 'fflate'],
  api: [],
  ports: ['ts-mls'],
  engine: ['ts-mls', '@noble/'],
  host: [],
  aside: [],
  app: ['svelte', 'bits-ui', 'virtua/svelte', '@lucide/svelte/', 'uqr', 'qr'],
}
const FOR_TESTS = ['vitest', 'fast-check', 'fake-indexeddb', 'cborg', 'node:']

/** What the engine may not name, and what it does instead. */
const NOT_IN_ENGINE: Readonly<Record<string, string>> = {
  Date: 'take `now`, which comes with every input',
  performance: 'take `now`, which comes with every input',
  setTimeout: 'return a Wake, which comes back as a timer input',
  setInterval: 'return a Wake, which comes back as a timer input',
  queueMicrotask: 'return a Wake, which comes back as a timer input',
  crypto: 'use the Ciphersuite and Random ports',
  fetch: 'return a Send',
  WebSocket: 'return a Send',
  indexedDB: 'return a Save, or a Read',
  localStorage: 'return a Save, or a Read',
  console: 'return a Tell, or assert',
  process: 'take it as an argument',
  navigator: 'take it as an argument',
  window: 'take it as an argument',
  globalThis: 'take it as an argument',
  Intl: 'compare bytes or numbers: every device must get the same order',
}

interface File {
  readonly path: string
  readonly text: string
  readonly source: ts.SourceFile
  /** A test, or what only tests import. */
  isTest: boolean
  readonly layer: string
  readonly imports: readonly Import[]
}
/** `starts`: named by address, new URL('./x.ts', import.meta.url), to run as a worker or a process of its own. */
interface Import { readonly to: string; readonly isLocal: boolean; readonly kind: 'code' | 'type' | 'starts' }

const files = ['src', 'relay', 'e2e'].flatMap(walk).concat('vite.config.ts').filter(path => /\.(ts|svelte)$/.test(path)).sort()
  .map(path => parse(path, readFileSync(join(ROOT, path), 'utf8')))
const byPath = new Map(files.map(file => [file.path, file]))
markSupport()

function walk(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
}

function parse(path: string, text: string): File {
  // Everything but a component's scripts is blanked, so that lines keep their numbers.
  const code = path.endsWith('.svelte') ? scriptsOf(text) : text
  const source = ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS)
  return { path, text, source, isTest: /\.(test|spec|contract)\.ts$/.test(path), layer: layerOf(path), imports: importsOf(path, source) }
}

function scriptsOf(component: string): string {
  const blank = (text: string): string => text.replace(/[^\n]/g, ' ')
  let code = '', at = 0
  for (const match of component.matchAll(/(<script[^>]*>)([\s\S]*?)<\/script>/g)) {
    const start = match.index + (match[1] ?? '').length
    const end = start + (match[2] ?? '').length
    code += blank(component.slice(at, start)) + component.slice(start, end)
    at = end
  }
  return code + blank(component.slice(at))
}

function layerOf(path: string): string {
  const [top = '', next = ''] = path.split('/')
  if (top === 'src') return next.endsWith('.ts') ? next.replace(/(\.test)?\.ts$/, '') : next
  return top.includes('.') ? 'settings' : top
}

function importsOf(path: string, source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: string, kind: Import['kind']): void => {
    const isLocal = specifier.startsWith('.')
    found.push({ to: isLocal ? join(dirname(path), specifier.replace(/\?.*$/, '')).replaceAll('\\', '/') : specifier, isLocal, kind })
  }
  visit(source, node => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const clause = node.importClause
      const names = clause?.namedBindings
      const onlyTypeNames = !clause?.name && !!names && ts.isNamedImports(names) && names.elements.length > 0 && names.elements.every(name => name.isTypeOnly)
      add(node.moduleSpecifier.text, clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || onlyTypeNames ? 'type' : 'code')
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.isTypeOnly ? 'type' : 'code')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      add(node.argument.literal.text, 'type')
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [first] = node.arguments
      if (first && ts.isStringLiteral(first)) add(first.text, 'code')
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'URL' && node.arguments?.[1]?.getText() === 'import.meta.url') {
      const first = node.arguments[0]
      if (first && ts.isStringLiteral(first) && /\.ts$/.test(first.text)) add(first.text, 'starts')
    }
  })
  return found
}

function importers(path: string): File[] { return files.filter(file => file.imports.some(used => used.to === path)) }

/** What several tests share (a cast of people, a faulty disk) is part of the tests, and benchmarks may use it. What only its own test imports is not: that is dead. */
function markSupport(): void {
  const isShared = (file: File): boolean => {
    const by = importers(file.path)
    return by.some(each => each.path !== ownTest(file.path)) && by.every(each => each.isTest || each.layer === 'bench')
  }
  for (let found = true; found;) {
    const support = files.filter(file => !file.isTest && !ENTRIES.includes(file.path) && isShared(file))
    for (const file of support) file.isTest = true
    found = support.length > 0
  }
}

function ownTest(path: string): string { return path.replace(/\.ts$/, '.test.ts') }

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, child => visit(child, see))
}

const at = (file: File, node: ts.Node): string => `${file.path}:${file.source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`

function expectNone(complaints: readonly string[]): void {
  if (complaints.length > 0) expect.fail('\n' + complaints.join('\n'))
}

test('the walk finds the project', () => {
  expect(byPath.has('src/tidy.test.ts')).toBe(true)
  expect(byPath.get('src/engine/input.ts')?.imports).toContainEqual({ to: 'src/ports.ts', isLocal: true, kind: 'type' })
})

describe('imports point inward', () => {
  test('every file belongs to a layer', () => {
    expectNone(files.filter(file => !(file.layer in MAY_IMPORT) && file.layer !== 'tidy').map(file => `${file.path}: no layer has this place; see MAY_IMPORT`))
  })

  test('an import outward would be found', () => {
    const planted = parse('src/engine/planted.ts', `import { host } from '../host.ts'\nimport type { Row } from '../ports.ts'\nimport 'idb'`)
    expect(planted.imports.filter(used => used.isLocal && !mayImport(planted, used)).map(used => used.to)).toEqual(['src/host.ts'])
    expect(planted.imports.filter(used => !used.isLocal && !mayUse(planted, used.to)).map(used => used.to)).toEqual(['idb'])
    const view = parse('src/app/Planted.svelte', `<p>hi</p>\n<script lang="ts">\nimport type { Update } from '../api.ts'\nimport { start } from '../worker/main.ts'\n</script>`)
    expect(view.imports.filter(used => used.isLocal && !mayImport(view, used)).map(used => used.to)).toEqual(['src/worker/main.ts'])
  })

  test('a layer imports only the layers below it', () => {
    expectNone(files.flatMap(file => file.imports.filter(used => used.isLocal && !mayImport(file, used))
      .map(used => `${file.path} imports ${used.to}: ${file.layer} may import only ${[file.layer, ...MAY_IMPORT[file.layer] ?? []].join(', ')}`)))
  })

  test('the inner layers use only their few packages', () => {
    expectNone(files.flatMap(file => file.imports.filter(used => !used.isLocal && !mayUse(file, used.to))
      .map(used => `${file.path} uses ${used.to}: ${file.layer} may use only ${MAY_USE[file.layer]?.join(', ') || 'no package'}; go through a port`)))
  })

  test('every import of a file finds it', () => {
    expectNone(files.flatMap(file => file.imports.filter(used => used.isLocal && !existsSync(join(ROOT, used.to)))
      .map(used => `${file.path} imports ${used.to}, which is not there`)))
  })
})

function mayImport(file: File, used: Import): boolean {
  const layer = layerOf(used.to)
  if (layer === file.layer || used.kind === 'starts') return true
  const allowed = MAY_IMPORT[file.layer] ?? []
  if (file.isTest && TESTS_MAY_ALSO.includes(layer)) return true
  return allowed.includes(layer) || (used.kind === 'type' && allowed.includes(`types:${layer}`))
}

function mayUse(file: File, name: string): boolean {
  const allowed = MAY_USE[file.layer]
  const matches = (entry: string): boolean => name === entry || name.startsWith(entry.endsWith('/') || entry.endsWith(':') ? entry : entry + '/')
  return allowed === undefined || allowed.some(matches) || (file.isTest && FOR_TESTS.some(matches))
}

describe('the engine has no clock, no chance and no I/O of its own', () => {
  test('in any of its files', () => {
    expectNone(files.filter(file => file.layer === 'engine' && !file.isTest).flatMap(worldNames))
  })

  test.each(Object.keys(NOT_IN_ENGINE))('%s would be found', name => {
    expect(worldNames(parse('src/engine/planted.ts', `export const planted = ${name}.now`))).toHaveLength(1)
  })

  test('comments, strings and properties of the same name are free', () => {
    const innocent = `// Date\nexport const fetch2 = 'fetch'\nexport const f = (op: { process: number }) => op.process + { crypto: 1 }.crypto`
    expect(worldNames(parse('src/engine/planted.ts', innocent))).toEqual([])
    expect(worldNames(parse('src/engine/planted.ts', 'export const p = { now: Date, r: Math.random }; ["b"].sort((a, b) => a.localeCompare(b))'))).toHaveLength(3)
  })
})

function worldNames(file: File): string[] {
  const found: string[] = []
  visit(file.source, node => {
    if (ts.isPropertyAccessExpression(node)) {
      if (node.getText() === 'Math.random') found.push(`${at(file, node)} names Math.random: use the Random port`)
      if (/^(localeCompare|toLocale\w+)$/.test(node.name.text)) found.push(`${at(file, node)} names ${node.name.text}: compare bytes or numbers`)
    }
    if (!ts.isIdentifier(node) || isPropertyName(node)) return
    const instead = Object.hasOwn(NOT_IN_ENGINE, node.text) ? NOT_IN_ENGINE[node.text] : undefined
    if (instead) found.push(`${at(file, node)} names ${node.text}: ${instead}`)
  })
  return found
}

/** `a.process`, `{ process: 1 }` and `process: string` in a type name a property, not the global. */
function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  return (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isMethodDeclaration(parent) ||
    ts.isPropertyDeclaration(parent)) && parent.name === node
}

test('no browser keeps what is typed: every form and every field says autocomplete', () => {
  // Chromium writes the fields of a page into its profile in clear, to open the tab again. For a text area only its form can forbid that.
  const says = (file: File): string[] => [...file.text.matchAll(/<(form|textarea|input)\b(?:[^>{]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*>/g)]
    .filter(([tag, name]) => !(name === 'form' ? / autocomplete="off"/ : /[ \n]autocomplete=|type="(checkbox|radio|file|range|number)"/).test(tag))
    .map(([tag]) => `${file.path} leaves what is typed to the browser: ${tag.slice(0, 80)}`)
  expectNone(files.filter(file => file.path.endsWith('.svelte')).flatMap(says))
  expect(says(parse('src/app/Planted.svelte', '<form onsubmit={() => { a() }}><textarea bind:value={b}></textarea><input type="checkbox" /></form>'))).toHaveLength(2)
})

test('every file is started or imported by another than its own test', () => {
  expectNone(files.filter(file => !file.isTest && !file.path.endsWith('.d.ts') && !ENTRIES.includes(file.path))
    .filter(file => !importers(file.path).some(by => by.path !== ownTest(file.path)))
    .map(file => `${file.path}: nobody imports it; use it or remove it`))
})

test('every rule of the engine has a test that starts with its id, and every such test a rule', () => {
  const rules = readFileSync(join(ROOT, 'src/engine/RULES.md'), 'utf8')
  const numbered = [...rules.matchAll(/^[-*#|\s]*\**([A-Z]{1,8}-?\d+)\b/gm)].map(match => match[1] ?? '')
  const ids = new Set(numbered)
  const tested = new Set<string>()
  for (const file of files.filter(file => file.isTest && file.path.startsWith('src/'))) {
    for (const match of file.text.matchAll(/\b(?:test|it)(?:\.\w+)?\(\s*['"`]((?:[A-Z]{1,8}-?\d+\b[,\s]*)+)/g)) {
      for (const id of (match[1] ?? '').match(/[A-Z]+-?\d+/g) ?? []) tested.add(id)
    }
  }
  expect(ids.size).toBeGreaterThan(0)
  expectNone([
    ...numbered.filter((id, i) => numbered.indexOf(id) !== i).map(id => `src/engine/RULES.md has two rules ${id}`),
    ...[...ids].filter(id => !tested.has(id)).map(id => `${id} of src/engine/RULES.md has no test whose name starts with it`),
    ...[...tested].filter(id => !ids.has(id)).map(id => `a test's name starts with ${id}, which src/engine/RULES.md doesn't have`),
  ])
})

describe('a file fits in the head', () => {
  test(`no file is longer than ${MAX_FILE_LINES} lines`, () => {
    expectNone(files.map(file => ({ file, lines: file.text.split('\n').length - 1 })).filter(({ lines }) => lines > MAX_FILE_LINES)
      .map(({ file, lines }) => `${file.path} has ${lines} lines: split it by what it decides`))
  })

  test(`no function is longer than ${MAX_FUNCTION_LINES} lines`, () => {
    const complaints: string[] = []
    for (const file of files.filter(file => !file.isTest)) {
      visit(file.source, node => {
        if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return
        const lines = node.getText().split('\n').length
        if (lines > MAX_FUNCTION_LINES) complaints.push(`${at(file, node)} has a function of ${lines} lines: give its parts names`)
      })
    }
    expectNone(complaints)
  })

  test('no folder or file is a drawer for odds and ends', () => {
    expectNone(files.filter(file => /(^|\/)(utils?|helpers?|common|misc|shared|lib)(\/|\.)/.test(file.path))
      .map(file => `${file.path}: put it into the file that uses it, or the lowest layer that both users may import`))
  })
})

/** In two halves, or this file would find itself. */
const SILENCER = new RegExp('@ts-' + '(ignore|nocheck|expect-error)|eslint-' + 'disable')

describe('nothing is switched off', () => {
  test('no test is skipped or alone', () => {
    expectNone(files.filter(file => file.isTest).flatMap(file => {
      const found: string[] = []
      visit(file.source, node => {
        if (ts.isPropertyAccessExpression(node) && /^(test|it|describe)(\.describe)?$/.test(node.expression.getText()) && /^(skip\w*|only|todo|fixme|fails?|runIf)$/.test(node.name.text)) {
          found.push(`${at(file, node)} says ${node.getText()}: mend the test, or remove it`)
        }
      })
      return found
    }))
  })

  test('no any, and no comment that silences the compiler', () => {
    expectNone(files.flatMap(file => {
      const found: string[] = []
      visit(file.source, node => {
        if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${at(file, node)} says any: say unknown, and decode`)
      })
      const silencer = SILENCER.exec(file.text)
      return silencer ? [...found, `${file.path} says ${silencer[0]}: mend the type`] : found
    }))
  })
})

test('statements end without semicolons', () => {
  const complaints: string[] = []
  for (const file of files) {
    visit(file.source, node => {
      const end = node.getEnd()
      const closes = ts.isStatement(node) && file.source.text[end - 1] === ';' && /^[ \t]*(\n|$)/.test(file.source.text.slice(end, end + 200))
      if (closes && !ts.isEmptyStatement(node)) complaints.push(`${at(file, node)} ends with a semicolon`)
    })
  }
  expectNone(complaints)
})

describe('the top of the tree', () => {
  test('holds what belongs there and nothing else', () => {
    const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n').map(line => line.replace(/\/$/, ''))
    const isIgnored = (name: string): boolean => ignored.some(line => line === name || (line.startsWith('*') && name.endsWith(line.slice(1))))
    expectNone(readdirSync(ROOT).filter(name => !TOP.includes(name) && !isIgnored(name)).map(name => `${name}: move it beside what it governs`))
  })

  test('the lock file names no registry and no React Native', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    expect(lock).not.toMatch(/"resolved": "http/)
    expect(lock).not.toMatch(/"node_modules\/(react-native|@react-native\/[^"]*)"/)
  })
})
