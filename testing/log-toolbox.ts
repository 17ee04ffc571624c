import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import { readLogRequest, streamLogs } from '#dtma/http/stream-logs.ts'
import { createInstanceLog, type InstanceLog } from '#dtma/instances/instance-log.ts'
import { createRedactor } from '#protocol/redact.ts'
import { asSystem, seedToolbox } from '#testing/seeded.ts'
import { startToolboxStandIn, type ToolboxStandIn } from '#testing/toolbox-stand-in.ts'

export interface LogToolbox {
  id: string
  standIn: ToolboxStandIn
  /** The agent's own log of an instance, served as the agent serves it. */
  log: (instanceId: string, secrets?: string[]) => InstanceLog
  /** The same, read again from its files, as after a restart of the agent. */
  reopen: (instanceId: string) => InstanceLog
  /** Log requests that are being answered now. */
  reading: () => number
}

/** A toolbox whose logs are real and whose servers are not: lines are written by the test. Ends with the suite. */
export async function startLogToolbox(): Promise<LogToolbox> {
  const { certificate } = await asSystem((db) =>
    db.controlIdentity.findUniqueOrThrow({ where: { name: 'worker' }, select: { certificate: true } }),
  )
  const standIn = await startToolboxStandIn(certificate)
  afterAll(() => standIn.stop())
  const { id } = await seedToolbox({ url: standIn.url, certificate: standIn.certificate })
  const folder = mkdtempSync(join(inject('runFolder'), 'homes', 'logs-'))
  let reading = 0

  function serve(instanceId: string, secrets: string[]): InstanceLog {
    const log = createInstanceLog(join(folder, instanceId), createRedactor(secrets))
    standIn.logs.set(instanceId, (request, response) => {
      reading += 1
      response.once('close', () => {
        reading -= 1
      })
      const { searchParams } = new URL(request.url ?? '', standIn.url)
      void streamLogs(log, readLogRequest(searchParams), response)
    })
    return log
  }
  return {
    id,
    standIn,
    log: (instanceId, secrets = []) => serve(instanceId, secrets),
    reopen: (instanceId) => serve(instanceId, []),
    reading: () => reading,
  }
}
