import { randomUUID } from 'node:crypto'
import {
  type AgentStatus,
  type Heartbeat,
  HeartbeatResponse,
  InstanceAssignment,
  PROTOCOL_VERSIONS,
} from '#contracts/dtma.ts'
import { AgentFailure } from './agent-failure.ts'
import { type ControlPlane, ControlPlaneError, createControlPlane } from './control-plane/client.ts'
import { enroll, enrollOnce, hashToken, readToken } from './control-plane/enroll.ts'
import { type HeartbeatLoop, startHeartbeats } from './control-plane/heartbeat.ts'
import { createDriver } from './drivers/create-driver.ts'
import type { Driver } from './drivers/driver.ts'
import type { DtmaEnv } from './env.ts'
import { prepareHome } from './home.ts'
import { readHostMetrics } from './host-metrics.ts'
import { closeListener, listen } from './http/listen.ts'
import { createInstanceManager } from './instances/manager.ts'
import { lockHome } from './lock-home.ts'
import type { Logger } from './logger.ts'
import { type Enrollment, loadEnrollment, loadIdentity, saveEnrollment } from './state/identity-store.ts'
import { createInstanceStore } from './state/instance-store.ts'
import { openSeal } from './state/seal.ts'
import type { LauncherLink } from './upgrade/launcher-link.ts'
import { createUpgrader } from './upgrade/upgrader.ts'
import { AGENT_VERSION } from './version.ts'

/** A deleted toolbox does not come back; only a new token is worth looking for. */
const GONE_RETRY_MS = 60_000

/**
 * Starts the agent: servers of an earlier run come back first, then the listener opens, then the control plane is told. Rejects
 * with an Error in words when the home is in use or the port is taken. `stop` ends every server and resolves when nothing is left.
 */
export async function startAgent(
  env: DtmaEnv,
  logger: Logger,
  launcher: LauncherLink | null = null,
): Promise<{ stop(): Promise<void> }> {
  const home = await prepareHome(env.DTMA_HOME)
  const unlock = await lockHome(home.root)
  const seal = await openSeal(home.state)
  const identity = await loadIdentity(home.state, seal)
  const controlPlane: ControlPlane = createControlPlane({
    origin: env.CONTROL_PLANE_URL,
    privateKey: identity.privateKey,
  })
  const bootId = randomUUID()
  const stopping = new AbortController()
  let enrollment: Enrollment | null = await loadEnrollment(home.state)
  const driver: Driver = await createDriver({
    env,
    home,
    logger,
    certificate: identity.certificate,
    enrollment: () => enrollment,
  })
  let heartbeats: HeartbeatLoop | null = null
  let removedFrom: string | null = null
  const upgrader = createUpgrader({
    launcher,
    logger,
    download: () => controlPlane.download('/api/dtma/agent.tgz'),
    onChange: () => heartbeats?.changed(),
  })

  const manager = createInstanceManager({
    driver,
    store: createInstanceStore(home.records, seal),
    home,
    logger,
    readyTimeoutMs: env.DTMA_READY_TIMEOUT_SECONDS * 1000,
    remotes: {
      allowed: env.DTMA_ALLOW_PRIVATE_REMOTES,
      checkMs: env.DTMA_REMOTE_CHECK_SECONDS * 1000,
    },
    isolated: {
      sessions: env.DTMA_ISOLATED_SESSIONS,
      idleMs: env.DTMA_ISOLATED_IDLE_SECONDS * 1000,
    },
    onChange: () => heartbeats?.changed(),
  })
  await manager.start()

  function enrolled(): Enrollment {
    if (enrollment === null) throw new AgentFailure('INTERNAL', 'This agent is not enrolled yet.')
    return enrollment
  }
  async function common() {
    return {
      bootId,
      agentVersion: AGENT_VERSION,
      agentBuild: upgrader.build(),
      upgrade: upgrader.upgrade(),
      protocolVersion: enrollment?.protocolVersion ?? PROTOCOL_VERSIONS[0],
      host: await readHostMetrics(home.root),
      instances: manager.statuses(),
    }
  }
  async function status(): Promise<AgentStatus> {
    return {
      toolboxId: enrolled().toolboxId,
      driver: driver.name,
      isolation: driver.isolation,
      ...(await common()),
    }
  }
  async function describe() {
    return {
      certificate: identity.certificate,
      advertisedUrl: env.DTMA_ADVERTISED_URL,
      agentVersion: AGENT_VERSION,
      driver: driver.name,
      isolation: driver.isolation,
      host: await readHostMetrics(home.root),
    }
  }

  const server = await listen({
    host: env.DTMA_HOST,
    port: env.DTMA_PORT,
    identity,
    logger,
    context: {
      manager,
      status,
      clients: () => enrollment?.clients ?? null,
      upgrade: (wanted) => upgrader.put(wanted),
    },
  }).catch(async (error) => {
    await manager.shutdown()
    await unlock()
    throw error
  })
  logger.info(
    { port: env.DTMA_PORT, driver: driver.name, isolation: driver.isolation, enrolled: enrollment !== null },
    'listening',
  )

  async function adopt(next: Enrollment): Promise<void> {
    if (enrollment !== null && enrollment.toolboxId !== next.toolboxId) await manager.removeAll()
    await saveEnrollment(home.state, next)
    enrollment = next
    logger.info({ toolboxId: next.toolboxId, installationId: next.installationId }, 'enrolled')
  }

  /** A token that was not used yet is the permission to register again, at the same toolbox or at another. */
  async function useNewToken(): Promise<void> {
    const token = await readToken(env)
    if (token === null || hashToken(token) === enrollment?.tokenHash) return
    await enrollOnce({ env, controlPlane, describe }).then(adopt, (reason: Error) =>
      logger.warn({ reason: reason.message }, 'enrolling again failed'),
    )
  }

  async function onHeartbeatFailure(error: unknown): Promise<number | null> {
    if (!(error instanceof ControlPlaneError)) return null
    const gone = error.code === 'TOOLBOX_GONE'
    if (gone && enrollment?.toolboxId !== removedFrom) {
      // Nobody can reach these servers any more, and nobody would ever end them.
      logger.warn('the toolbox was deleted; its servers are removed')
      await manager.removeAll()
      removedFrom = enrollment?.toolboxId ?? null
    }
    // The control plane may have forgotten this toolbox.
    if (gone || (error.status === 401 && error.code !== 'CLOCK_SKEW')) await useNewToken()
    return gone ? GONE_RETRY_MS : null
  }

  async function connect(): Promise<void> {
    if (enrollment === null) {
      await adopt(await enroll({ env, controlPlane, describe, logger, signal: stopping.signal }))
    } else await useNewToken()
    if (stopping.signal.aborted) return
    heartbeats = startHeartbeats({
      intervalSeconds: enrolled().heartbeatSeconds,
      logger,
      stamp: () => manager.stamp(),
      compose: async (): Promise<Omit<Heartbeat, 'sequence'>> => ({
        toolboxId: enrolled().toolboxId,
        driver: driver.name,
        isolation: driver.isolation,
        ...(await common()),
      }),
      send: (body) =>
        controlPlane.callSigned(body.toolboxId, {
          method: 'POST',
          path: '/api/dtma/heartbeat',
          body,
          answer: HeartbeatResponse,
        }),
      onAnswer: (answer, stamp) => {
        upgrader.accepted()
        return manager.applyDesired(answer.instances, stamp, fetchAssignment)
      },
      onFailure: onHeartbeatFailure,
    })
  }
  function fetchAssignment(id: string): Promise<InstanceAssignment> {
    return controlPlane.callSigned(enrolled().toolboxId, {
      method: 'GET',
      path: `/api/dtma/instances/${id}`,
      answer: InstanceAssignment,
    })
  }

  const connected = connect().catch((error: unknown) => {
    if (!stopping.signal.aborted) logger.error({ err: error }, 'no heartbeats')
  })

  return {
    async stop() {
      stopping.abort(new Error('The agent is stopping.'))
      await connected
      await heartbeats?.stop()
      await closeListener(server)
      await manager.shutdown()
      await controlPlane.close()
      await unlock()
    },
  }
}
