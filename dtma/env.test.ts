import { expect, it } from 'vitest'
import { readEnv } from './env.ts'

const good = {
  DTMA_HOME: '/srv/dtma',
  CONTROL_PLANE_URL: 'https://control.example',
} as unknown as NodeJS.ProcessEnv

it('fills in what was left out', () => {
  expect(readEnv(good)).toMatchObject({
    DTMA_HOST: '127.0.0.1',
    DTMA_PORT: 7443,
    DTMA_ADVERTISED_URL: 'https://127.0.0.1:7443',
    ALLOW_UNISOLATED: false,
    DTMA_READY_TIMEOUT_SECONDS: 60,
  })
  expect(readEnv({ ...good, DTMA_PORT: '8000', ALLOW_UNISOLATED: '1' })).toMatchObject({
    DTMA_ADVERTISED_URL: 'https://127.0.0.1:8000',
    ALLOW_UNISOLATED: true,
  })
})

it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000', 'https://a.example:8443'])(
  'accepts %s',
  (url) => {
    expect(readEnv({ ...good, CONTROL_PLANE_URL: url }).CONTROL_PLANE_URL).toBe(url)
  },
)

it.each([
  ['CONTROL_PLANE_URL', 'http://a.example', 'must be https'],
  ['CONTROL_PLANE_URL', 'https://a.example/base', 'without a path'],
  ['CONTROL_PLANE_URL', 'control', 'http or https URL'],
  ['DTMA_PORT', '70000', 'DTMA_PORT'],
  ['DTMA_ADVERTISED_URL', 'http://a.example', 'must be an https URL'],
  ['ALLOW_UNISOLATED', 'yes', 'ALLOW_UNISOLATED'],
])('refuses %s=%s', (name, value, message) => {
  expect(() => readEnv({ ...good, [name]: value })).toThrow(message)
})

it('names every wrong variable on a line of its own', () => {
  const wrong = { DTMA_PORT: 'x' } as unknown as NodeJS.ProcessEnv
  expect(() => readEnv(wrong)).toThrow(/DTMA_HOME.*\n.*DTMA_PORT.*\n.*CONTROL_PLANE_URL/)
})
