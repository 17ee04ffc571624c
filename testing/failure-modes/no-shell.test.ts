import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const files = execFileSync('git', ['ls-files', '--', '*.ts', '*.tsx', '*.mjs'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((path) => !/^(?:testing|e2e|bench)\/|\.test\.ts$/.test(path))

/** Ways of Node to have a line of text run by a shell. */
const SHELLS = [
  /\bimport\s*\{[^}]*\b(?:exec|execSync)\b[^}]*\}\s*from 'node:child_process'/,
  /\bshell:\s*(?:true|['"`])/,
  /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*['"`](?:\/bin\/)?(?:sh|bash|cmd(?:\.exe)?)['"`]/,
]

it('F34: nothing that is shipped runs a command through a shell', () => {
  expect(files.length).toBeGreaterThan(200)
  const found = files.filter((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return SHELLS.some((pattern) => pattern.test(text))
  })
  expect(found).toEqual([])
})

it('F34: the search would find one', () => {
  const examples = [
    "import { exec } from 'node:child_process'",
    'spawn(command, { shell: true })',
    "spawn('sh', ['-c', text])",
  ]
  for (const text of examples) expect(SHELLS.some((pattern) => pattern.test(text))).toBe(true)
})
