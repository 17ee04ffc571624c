import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Report } from './report.ts'
import { runSuite } from './suite.ts'

/** A project of its own, which a real Vitest runs. What it imports of this repository it imports by its path. */
const FILES = {
  'vitest.config.mjs': `
    import { VitestReporter } from ${JSON.stringify(join(import.meta.dirname, 'vitest-reporter.ts'))}
    const reporters = [new VitestReporter(process.env.VITEST_REPORT)]
    export default { test: { globals: true, include: ['*.case.ts'], reporters } }`,
  'good.case.ts': `
    it('passes', () => expect(1).toBe(1))
    it.skip('waits', () => {})`,
  'once.case.ts': `
    import { existsSync, writeFileSync } from 'node:fs'
    it('fails once', () => {
      const before = existsSync(import.meta.filename + '.ran')
      writeFileSync(import.meta.filename + '.ran', '')
      expect(before).toBe(true)
    })`,
  'unhandled.case.ts': `
    import { existsSync, writeFileSync } from 'node:fs'
    it('passes beside an error that reaches nobody', async () => {
      if (!existsSync(import.meta.filename + '.ran')) void Promise.reject(new Error('left alone'))
      writeFileSync(import.meta.filename + '.ran', '')
      await new Promise((resolve) => setTimeout(resolve, 20))
    })`,
  'hook.case.ts': `
    describe('a group', () => {
      beforeAll(() => { throw new Error('no set-up') })
      it('is kept from running', () => {})
    })`,
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolberth-suite-'))
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('runSuite', () => {
  it('runs what failed once more, counts the second result, and says what passed only then', async () => {
    const said: string[] = []
    const counts = await runSuite(
      {
        name: 'a suite',
        command: ['vitest', 'run', '--root', folder],
        secondTry: ['--maxWorkers=1'],
        reportVariable: 'VITEST_REPORT',
        read: (text) => Report.parse(JSON.parse(text)),
      },
      { reports: folder, signal: new AbortController().signal, say: (line) => said.push(line) },
    )
    expect(counts, said.join('\n')).toEqual({ passed: 3, failed: 1, skipped: 2 })
    expect(said.filter((line) => line.startsWith('!')).map((line) => line.replace(/\S*\//, ''))).toEqual(
      expect.arrayContaining([
        '! passed at the second try: once.case.ts › fails once, first failure: expected false to be true // Object.is equality',
        '! passed at the second try: unhandled.case.ts › outside of its tests, first failure: left alone',
      ]),
    )
    expect(said.join('\n')).not.toContain('second try: hook')
    // Vitest starts twice.
  }, 120_000)

  it('takes a run without a report for a failure', async () => {
    const counts = await runSuite(
      {
        name: 'nothing',
        command: ['node', '--version'],
        secondTry: [],
        reportVariable: 'NO_REPORT',
        read: (text) => Report.parse(JSON.parse(text)),
      },
      { reports: folder, signal: new AbortController().signal, say: () => undefined },
    )
    expect(counts).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })
})
