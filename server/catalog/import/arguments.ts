import type { ImportAnswers } from '#contracts/catalog-transfer.ts'
import type { ArgumentInput } from './draft.ts'
import { askedBy, type Inputs } from './reference.ts'
import { isPlaceholder, isSecret, looksSecret } from './secrets.ts'

interface Sorted {
  /** Always given. */
  fixed: string[]
  /** Asked for, in the order of the command line. */
  asked: ArgumentInput[]
}

/**
 * Sorts arguments into those that stay and those that a form asks for: `${…}`, and what looks like a secret, which goes into
 * `answers` alone. What follows one that is asked for is asked for as well, with what it was as its default: the order matters.
 */
export function sortArguments(
  args: readonly string[],
  { inputs, answers, notes }: { inputs: Inputs; answers: ImportAnswers; notes: string[] },
): Sorted {
  const fixed: string[] = []
  const asked: ArgumentInput[] = []
  const keyFor = (name: string) => uniqueKey(name, asked)
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const next = args[at + 1]
    const joined = /^(--?[A-Za-z][\w.-]*)=(.*)$/s.exec(arg)
    const flag =
      joined?.[1] ??
      (/^--?[A-Za-z]/.test(arg) && next !== undefined && !next.startsWith('-') ? arg : undefined)
    const value = joined ? (joined[2] ?? '') : flag ? (next ?? '') : arg
    const reference = askedBy(value, inputs, flag ?? '')
    const secret =
      reference === null && (flag ? isSecret(flag.replace(/^-+/, ''), value) : looksSecret(value))
    if (reference || secret) {
      const key = keyFor(flag ?? reference?.name ?? 'secret')
      asked.push({
        key,
        ...(flag && { flag }),
        ...(reference?.description && { description: reference.description }),
        ...(reference?.template && {
          description: `As a whole, such as ${reference.template}`.slice(0, 500),
        }),
        ...(reference?.default !== undefined && { default: reference.default }),
        ...(reference?.choices && { choices: reference.choices }),
        required: true,
      })
      if (secret && !isPlaceholder(value)) answers.arguments[key] = value
      if (secret || reference?.secret)
        notes.push(
          `The argument ${flag ?? key} looks like a secret: every admin can read arguments. Prefer a variable.`,
        )
      if (flag && !joined) at++
    } else if (asked.length === 0) fixed.push(arg)
    else {
      const pair = flag && !joined
      asked.push({
        key: keyFor(flag ?? arg),
        ...(pair && { flag }),
        default: pair ? value : arg,
        required: true,
      })
      if (pair) at++
    }
  }
  return { fixed, asked }
}

/** A key that the catalog takes and that none of the others has. */
export function uniqueKey(name: string, others: readonly { key: string }[]): string {
  const bare = name
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z]+|-+$/g, '')
    .slice(0, 60)
  const base = bare || 'value'
  for (let count = 1; ; count++) {
    const key = count === 1 ? base : `${base}-${count}`
    if (!others.some((one) => one.key === key)) return key
  }
}
