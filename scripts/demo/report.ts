import { performance } from 'node:perf_hooks'
import type { Explanation } from '#client/explain-error.ts'
import type { Progress } from '#scripts/start/progress.ts'

/** What the demo did, as `--json` prints it. Times are milliseconds. */
export type DemoReport = {
  ok: boolean
  url: string | null
  ephemeral: boolean
  startedAt: string
  ms: number
  steps: { name: string; ok: boolean; ms: number }[]
  server: { id: string; name: string; package: string; version: string | null; tools: string[] } | null
  deployment: { id: string; phases: { state: string; phase: string | null; ms: number | null }[] } | null
  agent: { id: string; name: string; url: string } | null
  connection: {
    id: string
    slug: string
    protocolVersion: string
    attempts: { number: number; stages: { name: string; state: string; ms: number | null }[] }[]
  } | null
  calls: { tool: string; arguments: Record<string, unknown>; answer: string; ms: number }[]
  /** Whether what the demo made is gone again. */
  removed: boolean
  error: (Explanation & { step: string | null }) | null
}

export function createReport(ephemeral: boolean): DemoReport {
  return {
    ok: false,
    url: null,
    ephemeral,
    startedAt: new Date().toISOString(),
    ms: 0,
    steps: [],
    server: null,
    deployment: null,
    agent: null,
    connection: null,
    calls: [],
    removed: false,
    error: null,
  }
}

export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Runs steps one after the other, shows them, and notes each with its time; the first one that throws is the last. */
export function createStep(report: DemoReport, progress: Progress): Step {
  return async (name, work) => {
    const startedAt = performance.now()
    const done = progress.step(name)
    const note = (ok: boolean) =>
      report.steps.push({ name, ok, ms: Math.round(performance.now() - startedAt) })
    try {
      const result = await work()
      note(true)
      done()
      return result
    } catch (error) {
      note(false)
      throw error
    }
  }
}
