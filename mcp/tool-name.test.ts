import { expect, it } from 'vitest'
import { TOOL_NAME_PATTERN } from '#contracts/probe.ts'
import { exposedToolName } from './tool-name.ts'

const prefixed = { slug: 'a'.repeat(40), prefixTools: true }

it('stays within the limit, valid, its own and the same', () => {
  const one = exposedToolName(prefixed, `${'t'.repeat(127)}1`)
  expect(one).toHaveLength(128)
  expect(one).toMatch(TOOL_NAME_PATTERN)
  expect(one).not.toBe(exposedToolName(prefixed, `${'t'.repeat(127)}2`))
  expect(exposedToolName(prefixed, `${'t'.repeat(127)}1`)).toBe(one)
  expect(exposedToolName(prefixed, 't'.repeat(86))).toBe(`${prefixed.slug}__${'t'.repeat(86)}`)
})

it('is the tool’s own where there is no prefix', () => {
  expect(exposedToolName({ ...prefixed, prefixTools: false }, 't')).toBe('t')
})
