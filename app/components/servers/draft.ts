import type { DeployValues } from '#app/components/servers/deploy-values.ts'

/** What was typed into a form, and what the form began with. */
interface Draft {
  before: DeployValues
  values: DeployValues
}

const PREFIX = 'toolberth-draft-'

/** Live as long as the page: secrets are kept here alone. */
const drafts = new Map<string, Draft>()

/** What is written for a reload: everything but secrets. */
function withoutSecrets(values: DeployValues): DeployValues {
  return {
    ...values,
    configText: '',
    env: values.env.map((row) => (row.secret ? { ...row, value: '' } : row)),
    headers: values.headers.map((row) => ({ ...row, value: '' })),
  }
}

/** Keeps what was typed, for the way back to the form from anywhere. */
export function keepDraft(key: string, draft: Draft): void {
  const { before, values } = structuredClone(draft)
  drafts.set(key, { before, values })
  try {
    const written: Draft = { before: withoutSecrets(before), values: withoutSecrets(values) }
    sessionStorage.setItem(PREFIX + key, JSON.stringify(written))
  } catch {
    // Storage that is full or forbidden: the draft then ends with the page.
  }
}

/** What was typed before, or null; `empty` fills in what a draft of an older page lacks. */
export function readDraft(key: string, empty: DeployValues): Draft | null {
  const kept = drafts.get(key) ?? readWritten(key)
  if (!kept) return null
  const { before, values } = structuredClone(kept)
  return { before: { ...empty, ...before }, values: { ...empty, ...values } }
}

function readWritten(key: string): Draft | null {
  try {
    const written = JSON.parse(sessionStorage.getItem(PREFIX + key) ?? 'null') as Partial<Draft> | null
    return written?.before && written.values ? { before: written.before, values: written.values } : null
  } catch {
    return null
  }
}

export function dropDraft(key: string): void {
  drafts.delete(key)
  try {
    sessionStorage.removeItem(PREFIX + key)
  } catch {
    // As above.
  }
}
