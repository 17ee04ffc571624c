import type { Skew } from '#contracts/toolboxes.ts'
import packageJson from '#package.json' with { type: 'json' }
import type { AgentPackage } from './agent-package.ts'

/** Of this installation, and of the agent that it hands out. */
export const VERSION: string = packageJson.version

/** An agent beside this installation; null while it is unknown. */
export function skewOf(
  agent: { agentVersion: string | null; agentBuild: string | null },
  ours: AgentPackage | null,
): Skew | null {
  if (agent.agentVersion === null) return null
  const order = compareVersions(agent.agentVersion, VERSION)
  if (order !== 0) return order < 0 ? 'older' : 'newer'
  return agent.agentBuild !== null && ours !== null && agent.agentBuild !== ours.sha256
    ? 'other-build'
    : 'same'
}

/** Negative when `a` is older. Numbers of the dotted part count; a pre-release comes before its release. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)]
  for (let at = 0; at < 3; at++) {
    const difference = (left.numbers[at] ?? 0) - (right.numbers[at] ?? 0)
    if (difference !== 0) return difference
  }
  return Number(right.preRelease) - Number(left.preRelease)
}

function parse(version: string): { numbers: number[]; preRelease: boolean } {
  const [dotted = '', ...rest] = version.split('-')
  return {
    numbers: dotted.split('.').map((part) => Number.parseInt(part, 10) || 0),
    preRelease: rest.length > 0,
  }
}
