import { describe, expect, it } from 'vitest'
import { readPlaywright } from './playwright-report.ts'

const test = (title: string, line: number, result: object) => ({
  title,
  file: 'admin.spec.ts',
  line,
  tests: [{ expectedStatus: 'passed', results: [], ...result }],
})

describe('readPlaywright', () => {
  it('reads states, places, messages and times', () => {
    const failure = { duration: 1500, error: { message: '\u001B[31mError: no button\u001B[39m\n  at x' } }
    const report = readPlaywright(
      JSON.stringify({
        errors: [],
        suites: [
          {
            title: 'admin.spec.ts',
            specs: [
              test('signs in', 3, { status: 'expected', results: [{ duration: 500 }] }),
              test('signs out', 9, { status: 'unexpected', results: [failure] }),
              test('is not for here', 12, { status: 'skipped', expectedStatus: 'skipped' }),
            ],
            suites: [{ title: 'later', specs: [test('kept from running', 20, { status: 'skipped' })] }],
          },
        ],
      }),
    )
    const file = 'e2e/admin.spec.ts'
    expect(report).toEqual({
      errors: [],
      seconds: { [file]: 2 },
      outcomes: [
        { file, name: 'signs in', state: 'passed', message: '', target: `${file}:3` },
        { file, name: 'signs out', state: 'failed', message: 'Error: no button', target: `${file}:9` },
        { file, name: 'is not for here', state: 'skipped', message: '', target: `${file}:12` },
        { file, name: 'later › kept from running', state: 'missed', message: '', target: `${file}:20` },
      ],
    })
  })

  it('keeps an error of the global set-up, and refuses what is no report', () => {
    const failed = { errors: [{ message: 'no database' }], suites: [] }
    expect(readPlaywright(JSON.stringify(failed)).errors).toEqual(['no database'])
    expect(() => readPlaywright('{}')).toThrow('suites')
  })
})
