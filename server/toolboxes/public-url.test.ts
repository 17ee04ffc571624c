import { describe, expect, it } from 'vitest'
import { requirePublicUrl } from './public-url.ts'

const given = (PUBLIC_URL: string, ALLOW_LOOPBACK_TOOLBOXES = false) => ({
  PUBLIC_URL,
  ALLOW_LOOPBACK_TOOLBOXES,
})

describe('the address that toolboxes on other machines are told', () => {
  it.each([
    ['http://localhost:3000', 'PUBLIC_URL_IS_LOOPBACK'],
    ['http://127.0.0.1:3000', 'PUBLIC_URL_IS_LOOPBACK'],
    ['http://127.1.2.3', 'PUBLIC_URL_IS_LOOPBACK'],
    ['http://[::1]:3000', 'PUBLIC_URL_IS_LOOPBACK'],
    ['https://localhost', 'PUBLIC_URL_IS_LOOPBACK'],
    ['http://192.0.2.7:3000', 'PUBLIC_URL_NOT_HTTPS'],
    ['http://toolberth.example.com', 'PUBLIC_URL_NOT_HTTPS'],
  ])('is refused in words when it is %s', (url, code) => {
    const refused = expect.objectContaining({ code, detail: `PUBLIC_URL is ${url}.` })
    expect(() => requirePublicUrl(given(url))).toThrow(refused)
  })

  it.each([['https://toolberth.example.com'], ['https://192.0.2.7:8443']])('may be %s', (url) => {
    expect(requirePublicUrl(given(url))).toBeUndefined()
  })

  it('may be loopback where that was said to be meant, and nothing else is let in by that', () => {
    expect(requirePublicUrl(given('http://localhost:3000', true))).toBeUndefined()
    expect(() => requirePublicUrl(given('http://192.0.2.7', true))).toThrow(
      expect.objectContaining({ code: 'PUBLIC_URL_NOT_HTTPS' }),
    )
  })
})
