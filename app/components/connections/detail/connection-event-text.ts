import { z } from 'zod'
import type { Tone } from '#app/components/ui/badge.tsx'
import { plural } from '#app/components/ui/format.ts'
import { ERROR_CATALOGUE, ErrorCode } from '#contracts/errors.ts'
import type { StatusEvent } from '#contracts/events.ts'

export interface ConnectionEventText {
  label: string
  tone: Tone
  text: string
}

const Tools = z.object({ count: z.int(), names: z.array(z.string()) })
/** What events of a connection carry; what is none of this is left out, for a newer version may have written it. */
const Data = z.object({
  state: z.string().optional().catch(undefined),
  failure: z.object({ code: z.string(), detail: z.string().nullish() }).optional().catch(undefined),
  approved: z.int().optional().catch(undefined),
  changed: z
    .union([z.array(z.string()), Tools])
    .optional()
    .catch(undefined),
  added: Tools.optional().catch(undefined),
  removed: Tools.optional().catch(undefined),
})

const CHANGED: Readonly<Record<string, string>> = {
  settings: 'Settings changed',
  tools: 'Tools were switched or renamed',
  credentials: 'Credentials were given or removed',
}

/** An event of one connection in words of its owner. */
export function describeConnectionEvent({
  type,
  data,
}: Pick<StatusEvent, 'type' | 'data'>): ConnectionEventText {
  const { state, failure, approved, changed, added, removed } = Data.parse(data)
  const cause = failure ? causeOf(failure) : ''
  switch (type) {
    case 'connection.created':
      return { label: 'Connected', tone: 'ok', text: 'After a test that passed.' }
    case 'connection.failing':
      return { label: 'Failing', tone: 'bad', text: cause || 'Its test failed.' }
    case 'connection.recovered':
      return { label: 'Works again', tone: 'ok', text: 'A test passed.' }
    case 'connection.tools':
      return {
        label: 'Tools',
        tone: 'warn',
        text: [
          said(added, 'is new', 'are new'),
          said(Array.isArray(changed) ? undefined : changed, 'changed', 'changed'),
          said(removed, 'is gone', 'are gone'),
        ]
          .filter((part) => part !== null)
          .join(' '),
      }
    default:
  }
  if (state === 'disconnected')
    return { label: 'Disconnected', tone: 'neutral', text: 'Its tools are called no more.' }
  if (approved !== undefined)
    return {
      label: 'Approved',
      tone: 'info',
      text: `${plural(approved, 'tool')} as the server offers ${approved === 1 ? 'it' : 'them'} now.`,
    }
  if (cause) return { label: 'Failing', tone: 'bad', text: cause }
  const kinds = Array.isArray(changed) ? changed.flatMap((kind) => CHANGED[kind] ?? []) : []
  return {
    label: 'Changed',
    tone: 'neutral',
    text: kinds.length > 0 ? `${kinds.join('. ')}.` : 'The connection changed.',
  }
}

function causeOf({ code, detail }: { code: string; detail?: string | null | undefined }): string {
  const known = ErrorCode.safeParse(code)
  return [known.success ? ERROR_CATALOGUE[known.data].text : code, detail].filter(Boolean).join(' ')
}

function said(tools: z.infer<typeof Tools> | undefined, one: string, many: string): string | null {
  if (tools === undefined || tools.count === 0) return null
  const others = tools.count - tools.names.length
  const names = others > 0 ? [...tools.names, plural(others, 'other')] : tools.names
  return `${names.join(', ')} ${tools.count === 1 ? one : many}.`
}
