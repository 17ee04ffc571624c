import { isSecret } from './secrets.ts'

/** What an editor asks its user for, named `${input:id}` in a configuration. */
export interface ConfigInput {
  description?: string | undefined
  password?: boolean | undefined
  default?: string | undefined
  options?: string[] | undefined
}

export type Inputs = ReadonlyMap<string, ConfigInput>

/** Something to be filled in at the place of `${…}`. */
export interface Asked {
  /** Name of the input or variable. */
  name: string
  description?: string
  secret: boolean
  default?: string
  choices?: string[]
  /** Set when the value is more than the reference, such as `Bearer ${input:token}`. */
  template?: string
}

const REFERENCE = /\$\{([^{}]+)\}/

/** What a value of a configuration refers to; null when it stands for itself. */
export function askedBy(value: string, inputs: Inputs, place: string): Asked | null {
  const match = REFERENCE.exec(value)
  if (!match?.[1]) return null
  const [, kind, rest] = /^(?:(input|env|config|command):)?(.*)$/s.exec(match[1]) ?? []
  const [, name = '', fallback] = /^(.*?)(?::-(.*))?$/s.exec(rest ?? '') ?? []
  const input = kind === 'input' ? inputs.get(name) : undefined
  const whole = match[0] === value
  const secret = input?.password ?? (isSecret(place) || isSecret(name))
  const initial = input?.default ?? fallback
  return {
    name,
    secret,
    ...(input?.description && { description: input.description.slice(0, 500) }),
    ...(whole && initial && !secret && { default: initial }),
    ...(whole && input?.options?.length && { choices: input.options }),
    ...(!whole && { template: value }),
  }
}
