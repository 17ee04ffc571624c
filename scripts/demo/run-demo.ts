import { randomBytes } from 'node:crypto'
import {
  createToolberthClient,
  type LiveDeployment,
  type ToolberthClient,
  waitForDeployment,
} from 'toolberth/client'
import type { ConnectionTest } from '#contracts/agents.ts'
import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import type { Progress } from '#scripts/start/progress.ts'
import { callTools } from './call-tools.ts'
import { cleanUp } from './clean-up.ts'
import { DemoError } from './demo-error.ts'
import type { Installation } from './find-installation.ts'
import type { DemoReport, Step } from './report.ts'

const PACKAGE = '@modelcontextprotocol/server-everything'

type Run = { step: Step; report: DemoReport; progress: Progress; signal: AbortSignal }

/**
 * The whole path once: deploy, wait, create an agent, test and connect, call. Fills the report as it goes, and with `remove` deletes
 * what it made, however it ended. Throws what a step threw.
 */
export async function runDemo(installation: Installation, run: Run & { remove: boolean }): Promise<void> {
  const { step, report, progress, remove } = run
  const toolberth = open(installation)
  const made: Parameters<typeof cleanUp>[1] = { agentId: null, server: null }
  const failures: unknown[] = []
  try {
    await walk(toolberth, made, run)
  } catch (error) {
    failures.push(error)
  }
  if (remove && (made.agentId !== null || made.server !== null)) {
    try {
      await step('Delete the agent and the server', () => cleanUp(toolberth, made))
      report.removed = true
    } catch (error) {
      failures.push(error)
      if (failures.length > 1) progress.problem(`Not removed: ${(error as Error).message}`)
    }
  }
  if (failures.length > 0) throw failures[0]
}

function open(installation: Installation): ToolberthClient {
  try {
    return createToolberthClient(installation)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new DemoError(error.message, 'Correct TOOLBERTH_URL or TOOLBERTH_API_KEY.', { cause: error })
  }
}

async function walk(
  toolberth: ToolberthClient,
  made: Parameters<typeof cleanUp>[1],
  run: Run,
): Promise<void> {
  const { step, report, progress, signal } = run
  const name = `demo-${randomBytes(4).toString('hex')}`
  signal.throwIfAborted()
  // What makes something is never aborted half way: its answer says what there is to remove.
  const deployed = await step(`Deploy ${PACKAGE} as ${name}`, () =>
    toolberth.servers.deploy.mutate({
      name,
      description: 'Made by npm run demo.',
      source: { type: 'npm', package: PACKAGE },
      transport: 'stdio',
    }),
  )
  made.server = { id: deployed.serverId, name }
  const live = await step(`Wait until ${name} is live`, () =>
    waitForDeployment(toolberth, { ...deployed, signal }),
  )
  noteDeployment(live, report, progress)

  signal.throwIfAborted()
  const agent = await step('Create an agent', () => toolberth.agents.create.mutate({ name }))
  made.agentId = agent.id
  report.agent = { id: agent.id, name: agent.name, url: agent.url }

  const ids = { agentId: agent.id, serverId: deployed.serverId }
  const test = await step('Test the connection with a real handshake', async () => {
    const test = await toolberth.connections.test.mutate(ids, { signal })
    if (test.state === 'passed') return test
    const { text, action } = ERROR_CATALOGUE[test.failure?.code ?? 'TEST_NOT_PASSED']
    throw new DemoError([text, test.failure?.detail].filter(Boolean).join(' '), action)
  })
  showTest(test, progress)
  const connection = await step('Connect the agent to the server', () =>
    toolberth.connections.create.mutate({ ...ids, testId: test.id }),
  )
  report.connection = {
    id: connection.id,
    slug: connection.slug,
    protocolVersion: test.result?.protocolVersion ?? 'unknown',
    attempts: test.attempts.map(({ number, stages }) => ({ number, stages })),
  }

  await callTools(agent, connection.slug, run)
  for (const { tool, answer } of report.calls) progress.line(`${tool} said: ${answer}`)
}

function noteDeployment(
  { deployment, server }: LiveDeployment,
  report: DemoReport,
  progress: Progress,
): void {
  const phases = deployment.phases.map(({ state, phase, startedAt, endedAt }) => ({
    state,
    phase,
    ms: endedAt === null ? null : Date.parse(endedAt) - Date.parse(startedAt),
  }))
  report.deployment = { id: deployment.id, phases }
  report.server = {
    id: server.id,
    name: server.name,
    package: PACKAGE,
    version: server.instance?.resolvedVersion ?? null,
    tools: server.tools.map((tool) => tool.name),
  }
  for (const { state, phase, ms } of phases)
    if (ms !== null && state !== 'live') progress.line(`${state}${phase ? `, ${phase}` : ''}: ${ms} ms`)
}

function showTest(test: ConnectionTest, progress: Progress): void {
  for (const { number, stages } of test.attempts) {
    const passed = stages.map(
      ({ name, state, ms }) => `${name} ${state}${ms === null ? '' : ` in ${Math.round(ms)} ms`}`,
    )
    progress.line(`attempt ${number}: ${passed.join(', ')}`)
  }
}
