import { describe, expect, it } from 'vitest'
import type { LogLine } from '#contracts/dtma.ts'
import { diagnoseExit, missingVariable } from './diagnose-exit.ts'

const lines = (...texts: string[]): LogLine[] =>
  texts.map((text) => ({ at: '2026-01-01T00:00:00.000Z', stream: 'stderr', text }))
const exit = { exitCode: 1, signal: null, error: null }

describe('missingVariable', () => {
  it.each([
    ['Error: API_TOKEN environment variable is required', 'API_TOKEN'],
    ['Error: BRAVE_API_KEY environment variable is required', 'BRAVE_API_KEY'],
    ['SLACK_BOT_TOKEN and SLACK_TEAM_ID are not set', 'SLACK_TEAM_ID'],
    ['Please set SLACK_BOT_TOKEN and SLACK_TEAM_ID environment variables', 'SLACK_BOT_TOKEN'],
    ['Missing required environment variable: GITHUB_TOKEN', 'GITHUB_TOKEN'],
    ['Missing environment variables: OPENAI_API_KEY, ORG', 'OPENAI_API_KEY'],
    ['DATABASE_URL is not defined', 'DATABASE_URL'],
    ['Environment variable "NOTION_TOKEN" must be set', 'NOTION_TOKEN'],
    ['Error: env var `STRIPE_KEY` is missing', 'STRIPE_KEY'],
    ['API_KEY must be provided', 'API_KEY'],
    ['GOOGLE_MAPS_API_KEY (see the README) is required', 'GOOGLE_MAPS_API_KEY'],
    ['please provide GITLAB_TOKEN', 'GITLAB_TOKEN'],
    ['ValidationError: FOO_URL is required', 'FOO_URL'],
  ])('%s', (text, name) => {
    expect(missingVariable([text], {})).toBe(name)
  })

  it.each([
    'Error: Cannot find module "X"',
    'ERROR is set',
    'the argument PATH_TO_FILE was given',
    'Please provide the API key.',
    'listen EADDRINUSE: address already in use',
    'a directory is required',
    'url must be provided',
  ])('not: %s', (text) => {
    expect(missingVariable([text], {})).toBeNull()
  })

  it('is not one that was set', () => {
    const text = 'API_TOKEN environment variable is required'
    expect(missingVariable([text], { API_TOKEN: 'x' })).toBeNull()
    expect(missingVariable([text], { API_TOKEN: '' })).toBe('API_TOKEN')
  })
})

describe('diagnoseExit', () => {
  it('keeps the last lines as the detail', () => {
    const error = diagnoseExit(exit, lines('one', 'two'), {})
    expect(error).toEqual({ code: 'SERVER_EXITED', detail: 'The process ended with code 1.\none\ntwo' })
  })

  it('prefers what the driver knows', () => {
    const known = { code: 'SERVER_OUT_OF_MEMORY' as const, detail: 'x' }
    expect(diagnoseExit({ ...exit, error: known }, lines('A_B is required'), {})).toBe(known)
  })

  it("recognises V8's own end, and names signals", () => {
    const text = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'
    expect(diagnoseExit(exit, lines(text), {}).code).toBe('SERVER_OUT_OF_MEMORY')
    const killed = diagnoseExit({ exitCode: null, signal: 'SIGKILL', error: null }, [], {})
    expect(killed.detail).toBe('SIGKILL ended the process.')
  })

  it('names the variable', () => {
    expect(diagnoseExit(exit, lines('API_TOKEN is required'), {})).toMatchObject({
      code: 'SERVER_NEEDS_VARIABLE',
      variable: 'API_TOKEN',
    })
  })
})
