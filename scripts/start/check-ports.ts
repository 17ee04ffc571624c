import { lastingFreePort, portProblem } from '#scripts/services/ports.ts'
import { StartError } from '#scripts/start-error.ts'
import type { StartOptions } from './options.ts'

const NAMES = {
  web: { what: 'the web application', option: '--port (PORT)' },
  gateway: { what: 'the gateway', option: '--gateway-port (GATEWAY_PORT)' },
  dtma: { what: "the local toolbox's agent", option: '--dtma-port (DTMA_PORT)' },
} as const

/** Throws `StartError` naming the first port that cannot be had, and the option that changes it. */
export async function checkPorts({ ports, host }: StartOptions): Promise<void> {
  const taken = new Map<number, string>()
  for (const name of ['web', 'gateway', 'dtma'] as const) {
    const { what, option } = NAMES[name]
    const port = ports[name]
    const other = taken.get(port)
    if (other)
      throw new StartError(
        `Port ${port} is meant for ${other} and for ${what}; choose another with ${option}.`,
      )
    taken.set(port, what)
    const address = name === 'dtma' ? '127.0.0.1' : host
    const problem = await portProblem(port, address)
    if (problem) throw new StartError(explain(problem, { port, address, what, option }))
  }
}

function explain(
  problem: string,
  at: { port: number; address: string; what: string; option: string },
): string {
  if (problem === 'EADDRNOTAVAIL' || problem === 'ENOTFOUND') {
    return `"${at.address}" is no address of this machine; choose another with --host (HOST).`
  }
  const reason =
    problem === 'EADDRINUSE' ? 'is in use' : problem === 'EACCES' ? 'may be opened by root only' : problem
  return `Port ${at.port} for ${at.what} ${reason}; choose another with ${at.option}.`
}

/** Three ports that are free now, all different, for processes that listen only once the web application is built. */
export async function freePorts(): Promise<StartOptions['ports']> {
  const web = await lastingFreePort()
  const gateway = await lastingFreePort()
  const dtma = await lastingFreePort()
  return new Set([web, gateway, dtma]).size === 3 ? { web, gateway, dtma } : freePorts()
}
