import { InvalidArgumentError } from 'commander'

export type Variables = Record<string, { value: string; secret?: boolean }>

export interface Asked {
  name: string
  description?: string
}

/** `NAME=VALUE`, added to those before. */
export function variable(text: string, before: Variables): Variables {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write NAME=VALUE.')
  return { ...before, [text.slice(0, at)]: { value: text.slice(at + 1) } }
}

/** The name of a variable of this process, whose value is given on as a secret: a command line is no place for one. */
export function secretVariable(name: string, before: Variables): Variables {
  const value = process.env[name]
  if (value === undefined) throw new InvalidArgumentError(`The variable ${name} is not set here.`)
  return { ...before, [name]: { value, secret: true } }
}

/** `NAME`, or `NAME=what it is and where to get it`: what each user of a server brings. */
export function asked(text: string, before: Asked[]): Asked[] {
  const at = text.indexOf('=')
  if (at === 0) throw new InvalidArgumentError('Write NAME or NAME=description.')
  return [...before, at < 0 ? { name: text } : { name: text.slice(0, at), description: text.slice(at + 1) }]
}

/** The name of a credential, whose value a variable of this process has: of the same name, or `NAME=VARIABLE`. */
export function credential(text: string, before: Record<string, string>): Record<string, string> {
  const [name = '', variable = name] = text.split('=', 2)
  const value = process.env[variable]
  if (name === '' || value === undefined)
    throw new InvalidArgumentError(`The variable ${variable} is not set here.`)
  return { ...before, [name]: value }
}

/** Any number of texts, in order. */
export function collect(text: string, before: string[]): string[] {
  return [...before, text]
}

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('Give a whole number from 1.')
  return value
}
