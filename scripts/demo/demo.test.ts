import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { StartError } from '#scripts/start-error.ts'
import { DemoError } from './demo-error.ts'
import { explain } from './explain.ts'
import { findInstallation } from './find-installation.ts'
import { readDemoOptions } from './options.ts'

const home = mkdtempSync(join(tmpdir(), 'toolberth-demo-test-'))
afterAll(() => rmSync(home, { recursive: true }))

const find = (env: Record<string, string>) => findInstallation({ NODE_ENV: 'test', ...env }, home)

describe('readDemoOptions', () => {
  it('reads what is asked for', () => {
    expect(readDemoOptions([])).toEqual({ ephemeral: false, keep: false, json: false })
    expect(readDemoOptions(['--ephemeral', '--json'])).toEqual({ ephemeral: true, keep: false, json: true })
    expect(readDemoOptions(['--json', '--help'])).toBe('help')
  })

  it.each([['--ephemerall'], ['everything'], ['--json=yes']])('refuses %s in one line', (argument) => {
    expect(() => readDemoOptions([argument])).toThrow(StartError)
    expect(() => readDemoOptions([argument])).toThrow(/^.+ "npm run demo -- --help" lists the options\.$/)
  })
})

describe('findInstallation', () => {
  it('needs a key, and says where from', () => {
    expect(() => find({ TOOLBERTH_HOME: home })).toThrow(DemoError)
    expect(() => find({ TOOLBERTH_HOME: home })).toThrow(join(home, 'admin-api-key'))
  })

  it('takes address and key from the environment, else from the home', () => {
    writeFileSync(join(home, 'admin-api-key'), 'key of the home\n')
    const given = { TOOLBERTH_HOME: home, TOOLBERTH_URL: 'https://example.com/', TOOLBERTH_API_KEY: 'mine' }
    expect(find(given)).toEqual({ url: 'https://example.com', apiKey: 'mine' })
    expect(find({ TOOLBERTH_HOME: home, PORT: '4000' })).toEqual({
      url: 'http://localhost:4000',
      apiKey: 'key of the home',
    })
    expect(find({ TOOLBERTH_HOME: home }).url).toBe('http://localhost:3000')
  })
})

describe('explain', () => {
  it.each([
    [new DemoError('It is so.', 'Do this.'), 'DEMO', 'Do this.'],
    [new StartError('Port 3000 is in use; choose another.'), 'NOT_STARTED', 'Port 3000'],
    [new Error('surprise'), 'UNEXPECTED', 'logs'],
    ['a string', 'UNEXPECTED', 'logs'],
  ])('has a code and a next action for %s', (error, code, action) => {
    expect(explain(error, null)).toMatchObject({ code, action: expect.stringContaining(action) })
  })
})
