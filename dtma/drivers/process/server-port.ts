import type { InstanceSpec } from '#contracts/instances.ts'
import { freePort } from './listening-sockets.ts'

/** Null for a server over stdio. */
export async function choosePort(spec: InstanceSpec): Promise<number | null> {
  if (spec.transport === 'stdio') return null
  const told = spec.http?.port ?? { env: 'PORT' }
  return 'fixed' in told ? told.fixed : freePort()
}

export function portVariable(spec: InstanceSpec, port: number | null): { name: string; port: number } | null {
  const told = spec.http?.port ?? { env: 'PORT' }
  return port !== null && 'env' in told ? { name: told.env, port } : null
}

export function portArguments(spec: InstanceSpec, port: number | null): string[] {
  const told = spec.http?.port
  return port !== null && told !== undefined && 'arg' in told ? [told.arg, String(port)] : []
}
