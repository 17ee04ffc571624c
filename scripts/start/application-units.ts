import { join } from 'node:path'
import { type ChildSpec, startChild } from './child.ts'
import { addressesOf, agentEnv, dialable, serverEnv } from './environments.ts'
import { homePaths } from './home.ts'
import { hasMessage } from './log-file.ts'
import type { StartOptions } from './options.ts'
import type { ProcessRegister } from './process-register.ts'
import { agentAnswers, answersOk, databaseTime, isLocalToolboxUp } from './readiness.ts'
import type { UnitSpec } from './unit.ts'

/** Seconds that open streams, jobs and calls get to end; the agent first ends its servers, one after another's time-out. */
const STOP_MS = 15_000
const AGENT_STOP_MS = 30_000

/** Made anew for every start, so that it can remember what it saw. */
type Readiness = () => ChildSpec['isReady']

/** The four processes of Toolberth itself and how each is known to be ready. They may be started together. */
export function applicationUnits(context: {
  root: string
  options: StartOptions
  urls: { database: string; redis: string }
  register: ProcessRegister
}): UnitSpec[] {
  const { root, options, urls, register } = context
  const { ports, home } = options
  const host = dialable(options.host)
  const server = serverEnv(options, urls)
  const unit = (
    name: string,
    args: string[],
    env: NodeJS.ProcessEnv,
    ready: Readiness,
    stopMs = STOP_MS,
  ): UnitSpec => {
    const logFile = join(homePaths(home).logs, `${name}.log`)
    const start = (signal: AbortSignal) =>
      startChild(
        {
          name,
          args,
          cwd: root,
          env: { ...env, TOOLBERTH_PROCESS: name },
          logFile,
          isReady: ready(),
          stopMs,
          onSpawn: (pid) => register.add(name, pid),
          onEnd: (pid) => register.remove(name, pid),
        },
        signal,
      )
    return { name, logFile, start, force: 'SIGKILL' }
  }
  const web = [
    'node_modules/next/dist/bin/next',
    'start',
    '--hostname',
    options.host,
    '--port',
    String(ports.web),
  ]
  return [
    unit('web', web, server, () => () => answersOk(`http://${host}:${ports.web}/api/healthz`)),
    unit(
      'worker',
      ['workers/index.ts'],
      server,
      () => (lines) => lines.some((line) => hasMessage(line, 'worker ready')),
    ),
    unit(
      'gateway',
      ['gateway/index.ts'],
      server,
      () => () => answersOk(`http://${host}:${ports.gateway}/healthz`),
    ),
    unit(
      'dtma',
      ['dtma/index.ts'],
      agentEnv(options),
      () => isAgentInUse(options, urls.database),
      AGENT_STOP_MS,
    ),
  ]
}

/** Heard of since this start, by the database's own clock. */
function isAgentInUse(options: StartOptions, databaseUrl: string): ChildSpec['isReady'] {
  let since: Promise<Date> | undefined
  return async () => {
    since ??= databaseTime(databaseUrl)
    since.catch(() => {
      since = undefined
    })
    const startedAt = await since
    return (await agentAnswers(addressesOf(options).dtmaUrl)) && isLocalToolboxUp(databaseUrl, startedAt)
  }
}
