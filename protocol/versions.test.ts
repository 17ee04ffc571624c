import { expect, it } from 'vitest'
import { negotiateProtocol } from './versions.ts'

it('takes the highest common version', () => {
  expect(negotiateProtocol([1, 2, 3], [2, 3])).toEqual({ ok: true, version: 3 })
  expect(negotiateProtocol([2, 1], [3, 2])).toEqual({ ok: true, version: 2 })
})

it('says which side is too old', () => {
  expect(negotiateProtocol([1], [3, 2])).toEqual({
    ok: false,
    message: 'The agent speaks protocol 1, the control plane 3 and 2. Update the agent on the toolbox.',
  })
  expect(negotiateProtocol([4, 5], [3, 2])).toMatchObject({
    message: expect.stringContaining('Update the control plane.'),
  })
})
