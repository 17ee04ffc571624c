import { z } from 'zod'
import {
  SettingsForm,
  toSettingsInput,
  toSettingsValues,
} from '#app/components/connections/detail/settings-values.ts'
import type { AvailableServer, CreateConnection, TestConnection } from '#contracts/agents.ts'
import { DEFAULT_SETTINGS } from '#contracts/connection-settings.ts'
import { HeaderName } from '#contracts/names.ts'

const ASCII = /^[\t\x20-\x7e]*$/
const PRINTABLE = 'A header has printable ASCII only.'

const Shape = SettingsForm.extend({
  /** In the order in which the server asks for them. */
  credentials: z.array(z.object({ name: z.string(), value: z.string() })),
  headers: z.array(z.object({ name: z.string(), value: z.string() })),
  /** Names of tools that the agent shall not have. */
  off: z.array(z.string()),
})
export type ConnectValues = z.infer<typeof Shape>

type Asking = Pick<AvailableServer, 'name' | 'userCredentials'>

/** Checks what the wizard asks for at this server. */
export function connectForm({ userCredentials }: Pick<Asking, 'userCredentials'>) {
  return Shape.superRefine((values, context) => {
    const wrong = (message: string, ...path: (string | number)[]) =>
      context.addIssue({ code: 'custom', message, path })
    for (const [index, asked] of userCredentials.entries()) {
      const value = values.credentials[index]?.value ?? ''
      if (asked.required && value === '')
        wrong('The server does not answer you without this.', 'credentials', index, 'value')
      if (asked.kind === 'header' && !ASCII.test(value)) wrong(PRINTABLE, 'credentials', index, 'value')
    }
    const taken = new Set(userCredentials.map(({ name }) => name.toLowerCase()))
    for (const [index, { name, value }] of values.headers.entries()) {
      const trimmed = name.trim()
      if (!trimmed && !value) continue
      const parsed = HeaderName.safeParse(trimmed)
      if (!parsed.success)
        wrong(parsed.error.issues[0]?.message ?? 'Not a header name.', 'headers', index, 'name')
      else if (taken.has(trimmed.toLowerCase()))
        wrong('This header is there already.', 'headers', index, 'name')
      if (!value) wrong('Give it a value.', 'headers', index, 'value')
      else if (!ASCII.test(value)) wrong(PRINTABLE, 'headers', index, 'value')
      taken.add(trimmed.toLowerCase())
    }
  })
}

/** What the wizard begins with. */
export function connectDefaults({ name, userCredentials }: Asking): ConnectValues {
  return {
    ...toSettingsValues({ slug: name, prefixTools: true, settings: DEFAULT_SETTINGS }),
    credentials: userCredentials.map((asked) => ({ name: asked.name, value: '' })),
    headers: [],
    off: [],
  }
}

const given = (rows: { name: string; value: string }[]): Record<string, string> | undefined => {
  const filled = rows.filter(({ name, value }) => name.trim() && value)
  return filled.length === 0
    ? undefined
    : Object.fromEntries(filled.map(({ name, value }) => [name.trim(), value]))
}

/** What the test needs: the secrets, which are kept with it for the connection. */
export const toTestInput = ({
  credentials,
  headers,
}: ConnectValues): Pick<TestConnection, 'credentials' | 'headers'> => ({
  credentials: given(credentials),
  headers: given(headers),
})

/** What is said of the connection when it is made; its secrets are with the test. */
export const toCreateInput = (
  values: ConnectValues,
): Omit<CreateConnection, 'agentId' | 'serverId' | 'testId'> => ({
  ...toSettingsInput(values),
  ...(values.off.length > 0 && { tools: values.off.map((name) => ({ name, enabled: false })) }),
})

/** Kept in memory alone, secrets and all, so that a wizard that was closed goes on where it was. */
const drafts = new Map<string, ConnectValues>()
const key = (agentId: string, serverId: string) => `${agentId} ${serverId}`

export function readConnectDraft(agentId: string, serverId: string, asking: Asking): ConnectValues {
  const kept = drafts.get(key(agentId, serverId))
  const fresh = connectDefaults(asking)
  if (!kept) return fresh
  // The server may ask for other things by now.
  const valueOf = (name: string) => kept.credentials.find((one) => one.name === name)?.value ?? ''
  return {
    ...structuredClone(kept),
    credentials: fresh.credentials.map(({ name }) => ({ name, value: valueOf(name) })),
  }
}
export function keepConnectDraft(agentId: string, serverId: string, values: ConnectValues): void {
  drafts.set(key(agentId, serverId), structuredClone(values))
}
export function dropConnectDraft(agentId: string, serverId: string): void {
  drafts.delete(key(agentId, serverId))
}
