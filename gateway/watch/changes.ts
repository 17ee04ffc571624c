import type { ListKind } from '#gateway/lists/catalogue.ts'
import type { RpcNotification } from '#mcp/json-rpc.ts'

/** Told of what servers say, by instance. */
export type ChangeListener = (message: RpcNotification) => void

export interface Changes {
  on(instanceId: string, listener: ChangeListener): () => void
  emit(instanceId: string, message: RpcNotification): void
}

export function createChanges(): Changes {
  const listeners = new Map<string, Set<ChangeListener>>()
  return {
    on(instanceId, listener) {
      const set = listeners.get(instanceId) ?? new Set()
      listeners.set(instanceId, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0 && listeners.get(instanceId) === set) listeners.delete(instanceId)
      }
    },
    emit(instanceId, message) {
      for (const listener of listeners.get(instanceId) ?? []) listener(message)
    },
  }
}

export const TOOLS_CHANGED = 'notifications/tools/list_changed'
export const PROMPTS_CHANGED = 'notifications/prompts/list_changed'
export const RESOURCES_CHANGED = 'notifications/resources/list_changed'
export const RESOURCE_UPDATED = 'notifications/resources/updated'
export const LIST_CHANGES = [TOOLS_CHANGED, PROMPTS_CHANGED, RESOURCES_CHANGED] as const

/** The lists that a notification is about. */
export const LISTS_OF: Readonly<Record<string, readonly ListKind[]>> = {
  [TOOLS_CHANGED]: ['tools'],
  [PROMPTS_CHANGED]: ['prompts'],
  [RESOURCES_CHANGED]: ['resources', 'resourceTemplates'],
}
