import { z } from 'zod'
import { type ConnectionDetail, Slug } from '#contracts/agents.ts'
import { type ConnectionInput, ConnectionSettings, PinPolicy } from '#contracts/connection-settings.ts'

/** A whole number as it is typed. Empty is refused unless `empty` says otherwise. */
function typedNumber(within: z.ZodType<number>, empty: 'refused' | 'none') {
  return z.string().superRefine((text, context) => {
    const trimmed = text.trim()
    if (trimmed === '') {
      if (empty === 'refused') context.addIssue({ code: 'custom', message: 'Give a number.' })
      return
    }
    if (!/^\d+$/.test(trimmed)) {
      context.addIssue({ code: 'custom', message: 'Use digits only.' })
      return
    }
    const { error } = within.safeParse(Number(trimmed))
    if (error) context.addIssue({ code: 'custom', message: error.issues[0]?.message ?? 'Not allowed.' })
  })
}

const { timeoutMs, retries, callsPerMinute, maxConcurrent } = ConnectionSettings.shape

/** The form as it is typed in. */
export const SettingsForm = z.object({
  slug: Slug,
  prefixTools: z.boolean(),
  pinPolicy: PinPolicy,
  /** Seconds; the contract has milliseconds. */
  timeoutSeconds: typedNumber(
    z.number().refine((seconds) => timeoutMs.safeParse(seconds * 1000).success, 'Between 1 and 600.'),
    'refused',
  ),
  retries: typedNumber(retries, 'refused'),
  callsPerMinute: typedNumber(callsPerMinute.unwrap(), 'none'),
  maxConcurrent: typedNumber(maxConcurrent.unwrap(), 'none'),
  logArguments: z.boolean(),
})
export type SettingsValues = z.infer<typeof SettingsForm>

export function toSettingsValues({
  slug,
  prefixTools,
  settings,
}: Pick<ConnectionDetail, 'slug' | 'prefixTools' | 'settings'>): SettingsValues {
  return {
    slug,
    prefixTools,
    pinPolicy: settings.pinPolicy,
    timeoutSeconds: String(settings.timeoutMs / 1000),
    retries: String(settings.retries),
    callsPerMinute: settings.callsPerMinute === null ? '' : String(settings.callsPerMinute),
    maxConcurrent: settings.maxConcurrent === null ? '' : String(settings.maxConcurrent),
    logArguments: settings.logArguments,
  }
}

export function toSettingsInput(values: SettingsValues): ConnectionInput & { slug: string } {
  const orNull = (text: string) => (text.trim() === '' ? null : Number(text))
  return {
    slug: values.slug,
    prefixTools: values.prefixTools,
    pinPolicy: values.pinPolicy,
    timeoutMs: Number(values.timeoutSeconds) * 1000,
    retries: Number(values.retries),
    callsPerMinute: orNull(values.callsPerMinute),
    maxConcurrent: orNull(values.maxConcurrent),
    logArguments: values.logArguments,
  }
}
