import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const FOLDERS = [
  'server',
  'workers',
  'gateway',
  'mcp',
  'dtma',
  'testing',
  'e2e',
  'scripts',
  'protocol',
  'contracts',
  'app',
]

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => `F${first + at}`)
/** Known ways in which systems of this kind fail their users: deploying, connections and the gateway, and the security of both. */
const MODES = [...range(1, 16), ...range(24, 32), ...range(34, 37), 'F40']

const tests = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:test|spec)\.ts$/.test(path) && !path.includes('node_modules'))
    .map((path) => readFileSync(join(root, folder, path), 'utf8')),
)
/** Names of tests that begin with a mode: `it('F9: …')`, also behind `.each(…)` and on a line of its own. */
const named = new Set(tests.flatMap((text) => [...text.matchAll(/['"`](F\d+): /g)].map((match) => match[1])))

it.each(MODES)('there is a test named after %s', (mode) => expect([...named]).toContain(mode))
