import { randomUUID } from 'node:crypto'
import type { Role } from '#contracts/users.ts'

/** On whose behalf something is done; the database's row-level security follows it. */
export type Actor =
  | {
      readonly kind: 'user' | 'admin'
      readonly userId: string
      readonly email: string
      /** The API key that they came with, when it was no session. */
      readonly keyId?: string
    }
  | { readonly kind: 'system'; readonly name: string }
  | { readonly kind: 'nobody' }

export type UserActor = Extract<Actor, { userId: string }>
export type SystemActor = Extract<Actor, { kind: 'system' }>

/** What every verb is given besides its input. */
export interface Ctx<A extends Actor = Actor> {
  readonly actor: A
  readonly requestId: string
}
export type UserCtx = Ctx<UserActor>
export type SystemCtx = Ctx<SystemActor>

export const NOBODY: Actor = { kind: 'nobody' }

export function userActor(user: { id: string; email: string; role: Role }): UserActor {
  return { kind: user.role === 'ADMIN' ? 'admin' : 'user', userId: user.id, email: user.email }
}

/** A context for what no person asked for: workers, the agents' ingress, set-up. */
export function systemCtx(name: string): SystemCtx {
  return { actor: { kind: 'system', name }, requestId: randomUUID() }
}

/** How the actor is named in the audit. */
export function actorName(actor: Actor): string {
  if (actor.kind === 'system') return `system:${actor.name}`
  return actor.kind === 'nobody' ? 'nobody' : `user:${actor.email}`
}
