import { describe, expect, it } from 'vitest'
import type { LogLevel } from '#contracts/dtma.ts'
import { createLevelReader, levelOf } from './log-level.ts'

const CASES: [text: string, level: LogLevel | null][] = [
  ['{"level":30,"time":1,"msg":"pino"}', 'info'],
  ['{"level":20,"msg":"pino"}', 'debug'],
  ['{"name":"bunyan","level":60,"msg":"x"}', 'error'],
  ['{"level":"warn","message":"winston"}', 'warn'],
  ['{"severity":"ERROR","message":"cloud"}', 'error'],
  ['{"log.level":"debug","message":"ecs"}', 'debug'],
  ['{"method":"notifications/message","params":{"level":"critical","data":"x"}}', 'error'],
  ['{"method":"notifications/message","params":{"level":"notice","data":"x"}}', 'info'],
  ['{"level":"strange","msg":"x"}', null],
  ['{"msg":"no level"}', null],
  ['{"broken": error', null],
  ['[ERROR] no route', 'error'],
  ['2026-11-23T03:21:07.123Z [warn] slow', 'warn'],
  ['[2026-11-23 03:21:07] [info] up', 'info'],
  ['time=2026-11-23T03:21:07Z level=error msg="no route"', 'error'],
  ['level=info msg=up', 'info'],
  ['ERROR:root:no route', 'error'],
  ['WARNING:urllib3.connectionpool:retrying', 'warn'],
  ['INFO:     Uvicorn running on http://127.0.0.1:8000', 'info'],
  ['2026-11-23 03:21:07,123 - mcp.server - WARNING - slow', 'warn'],
  ['2026-11-23 03:21:07,123 ERROR no route', 'error'],
  ['2026-11-23T03:21:07.123456Z  INFO server: listening', 'info'],
  ['03:21:07.123 DEBUG cache', 'debug'],
  ['\u001b[31mERROR\u001b[0m no route', 'error'],
  ['npm warn deprecated x@1', 'warn'],
  ['npm error code E404', 'error'],
  ['error: unknown option', 'error'],
  ['TypeError: x is not a function', 'error'],
  ['Error: connect ECONNREFUSED', 'error'],
  ['Traceback (most recent call last):', 'error'],
  ['panic: runtime error', 'error'],
  ['E0102 03:21:07.1 1 main.go:1] no', 'error'],
  ['Server listening on port 3000', null],
  ['0 errors found', null],
  ['Information about the errors is at /info', null],
  ['found (3) warnings', null],
  ['Fine weather', null],
  ['', null],
]

describe('the level of a line', () => {
  it.each(CASES)('%s is %s', (text, level) => expect(levelOf(text)).toBe(level))

  it('goes on over the lines of one message, stream by stream', () => {
    const levelIn = createLevelReader()
    const lines = [
      ['stderr', 'TypeError: no', 'error'],
      ['stdout', '  on its own', null],
      ['stderr', '    at main (server.js:1:1)', 'error'],
      ['stderr', '}', 'error'],
      ['stderr', 'listening', null],
      ['stderr', '    and more', null],
      ['agent', 'ERROR: what the toolbox says has no level', null],
    ] as const
    expect(lines.map(([stream, text]) => levelIn({ stream, text }))).toEqual(
      lines.map(([, , level]) => level),
    )
  })

  it('is found in a hostile line in no time', () => {
    for (const text of ['['.repeat(8000), '2026-'.repeat(2000), '[ '.repeat(4000), '{'.repeat(8000)]) {
      expect(levelOf(text)).toBeNull()
    }
  })
})
