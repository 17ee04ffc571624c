import { expect, it } from 'vitest'
import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { EventType } from '#contracts/events.ts'
import { describeConnectionEvent } from './connection-event-text.ts'

const words = (type: EventType, data: Record<string, unknown> = {}) => {
  const { label, text } = describeConnectionEvent({ type, data })
  return `${label}: ${text}`
}

it('says what happened to a connection', () => {
  expect(words('connection.created')).toBe('Connected: After a test that passed.')
  expect(
    words('connection.failing', { failure: { code: 'SERVER_NOT_RUNNING', detail: 'It is stopped.' } }),
  ).toBe(`Failing: ${ERROR_CATALOGUE.SERVER_NOT_RUNNING.text} It is stopped.`)
  expect(words('connection.failing', { failure: { code: 'OF_A_NEWER_VERSION' } })).toBe(
    'Failing: OF_A_NEWER_VERSION',
  )
  expect(words('connection.updated', { state: 'disconnected' })).toMatch(/^Disconnected/)
  expect(words('connection.updated', { state: 'connected', approved: 2 })).toBe(
    'Approved: 2 tools as the server offers them now.',
  )
  expect(words('connection.updated', { state: 'connected', changed: ['settings', 'tools'] })).toBe(
    'Changed: Settings changed. Tools were switched or renamed.',
  )
  expect(words('connection.updated', { state: 7 })).toBe('Changed: The connection changed.')
})

it('names the tools that are others', () => {
  expect(
    words('connection.tools', {
      added: { count: 1, names: ['sum'] },
      changed: { count: 0, names: [] },
      removed: { count: 3, names: ['echo', 'wait'] },
    }),
  ).toBe('Tools: sum is new. echo, wait, 1 other are gone.')
})
