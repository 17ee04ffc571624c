import { describe, expect, it } from 'vitest'
import { mostRoom, whyNot } from '#app/components/servers/toolbox-fit.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

const asked = { runs: 'npm', memoryMb: 512, cpus: 1 }
const toolbox = (over: Partial<Pick<Toolbox, 'state' | 'driver' | 'room'>> = {}) => ({
  state: 'active' as const,
  driver: 'process',
  room: { memoryMb: 1024, cpus: 4 },
  ...over,
})

describe('the toolbox of a deployment', () => {
  it('says of each why it cannot take the server', () => {
    expect(whyNot(toolbox(), asked)).toBeNull()
    expect(whyNot(toolbox({ state: 'draining' }), asked)).toBe('It is draining.')
    expect(whyNot(toolbox(), { ...asked, runs: 'image' })).toContain('Docker')
    expect(whyNot(toolbox({ driver: 'docker' }), { ...asked, runs: 'image' })).toBeNull()
    expect(whyNot(toolbox({ room: null }), asked)).toContain('not said')
    expect(whyNot(toolbox({ room: { memoryMb: 100, cpus: 4 } }), asked)).toBe(
      '100 MiB of memory are left, 512 MiB are asked for.',
    )
    expect(whyNot(toolbox({ room: { memoryMb: 1024, cpus: 0.5 } }), asked)).toBe(
      '0.5 CPU are left, 1 are asked for.',
    )
  })

  it('is by itself the one that can take it and has the most memory left', () => {
    const small = toolbox()
    const large = toolbox({ room: { memoryMb: 8192, cpus: 4 } })
    const away = toolbox({ room: { memoryMb: 65_536, cpus: 64 }, state: 'unreachable' })
    expect(mostRoom([small, away, large], asked)).toBe(large)
    expect(mostRoom([away], asked)).toBeNull()
  })
})
