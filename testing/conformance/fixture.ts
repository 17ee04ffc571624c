import { ASKING_TOOLS } from './asking-tools.ts'
import { CONTENT_TOOLS } from './content-tools.ts'
import type { FixtureTool } from './fixture-call.ts'
import { type FixturePrompt, PROMPTS } from './fixture-prompts.ts'

export const SERVER_INFO = { name: 'toolberth-conformance-fixture', version: '1.0.0' }

/** Declared in both eras; the older one adds logging by level and subscriptions to single resources in its own words. */
export const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
}

export const TOOLS: FixtureTool[] = [...CONTENT_TOOLS, ...ASKING_TOOLS]

/** undefined: there is no such tool. */
export function findTool(name: string): FixtureTool | undefined {
  return TOOLS.find(({ definition }) => definition.name === name)
}

/** undefined: there is no such prompt. */
export function findPrompt(name: string): FixturePrompt | undefined {
  return PROMPTS.find(({ definition }) => definition.name === name)
}

/** Suggestions for an argument of a prompt or of a template: whatever begins with what was typed. */
export function complete(value: string): { values: string[]; total: number; hasMore: boolean } {
  const values = ['paris', 'park', 'party', 'test-1', 'test-2'].filter((word) => word.startsWith(value))
  return { values, total: values.length, hasMore: false }
}
