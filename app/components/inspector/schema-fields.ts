/** One argument of a tool as a form asks for it. `json`: what has no plain control, typed as JSON. */
export interface ArgumentField {
  name: string
  kind: 'text' | 'number' | 'boolean' | 'choice' | 'json'
  required: boolean
  description: string | null
  /** Of `choice`. */
  choices: readonly (string | number)[]
  /** What the form begins with, as it is typed. */
  initial: string
  integer: boolean
}

type Schema = Record<string, unknown>
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The arguments at the top level of a tool's JSON Schema, in its order; empty where it says nothing of them. */
export function argumentFields(inputSchema: Schema): ArgumentField[] {
  if (!isSchema(inputSchema.properties)) return []
  const required = Array.isArray(inputSchema.required) ? inputSchema.required : []
  return Object.entries(inputSchema.properties).map(([name, value]) =>
    fieldOf(name, isSchema(value) ? value : {}, required.includes(name)),
  )
}

function fieldOf(name: string, schema: Schema, required: boolean): ArgumentField {
  const choices = choicesOf(schema)
  const kind = choices.length > 0 ? 'choice' : kindOf(schema)
  const { description } = schema
  return {
    name,
    kind,
    required,
    description: typeof description === 'string' ? description : null,
    choices,
    initial: typedOf(schema.default, kind),
    integer: typesOf(schema).includes('integer'),
  }
}

function choicesOf(schema: Schema): (string | number)[] {
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : []
  const plain = values.filter((value) => typeof value === 'string' || typeof value === 'number')
  return plain.length === values.length ? plain : []
}

const typesOf = ({ type }: Schema): unknown[] => [type].flat().filter((one) => one !== 'null')

function kindOf(schema: Schema): ArgumentField['kind'] {
  const [type, ...others] = typesOf(schema)
  if (others.length > 0) return 'json'
  if (type === 'string') return 'text'
  if (type === 'number' || type === 'integer') return 'number'
  return type === 'boolean' ? 'boolean' : 'json'
}

function typedOf(value: unknown, kind: ArgumentField['kind']): string {
  if (value === undefined) return kind === 'boolean' ? 'false' : ''
  return typeof value === 'string' && kind !== 'json' ? value : JSON.stringify(value, null, 2)
}

/** What is typed as arguments of a call. `errors`: by name, what is wrong with it. What is left empty is left out. */
export function readArguments(
  fields: readonly ArgumentField[],
  typed: Readonly<Record<string, string>>,
): { values: Record<string, unknown>; errors: Record<string, string> } {
  const values: Record<string, unknown> = {}
  const errors: Record<string, string> = {}
  for (const field of fields) {
    const text = typed[field.name] ?? field.initial
    // An empty text is a text; to leave one out, it must not be required.
    if (text === '' && !(field.kind === 'text' && field.required)) {
      if (field.required) errors[field.name] = 'The tool needs this.'
      continue
    }
    const read = readOne(field, text)
    if ('error' in read) errors[field.name] = read.error
    else values[field.name] = read.value
  }
  return { values, errors }
}

function readOne(field: ArgumentField, text: string): { value: unknown } | { error: string } {
  switch (field.kind) {
    case 'number': {
      const value = Number(text.trim())
      if (text.trim() === '' || !Number.isFinite(value)) return { error: 'This is not a number.' }
      return field.integer && !Number.isInteger(value) ? { error: 'Use a whole number.' } : { value }
    }
    case 'boolean':
      return { value: text === 'true' }
    case 'choice':
      return { value: field.choices.find((choice) => String(choice) === text) ?? text }
    case 'json':
      try {
        return { value: JSON.parse(text) }
      } catch {
        return { error: 'This is not JSON.' }
      }
    default:
      return { value: text }
  }
}

/** A JSON object as it is typed, or what is wrong with it. */
export function readRawArguments(text: string): { values: Record<string, unknown> } | { error: string } {
  if (text.trim() === '') return { values: {} }
  try {
    const value: unknown = JSON.parse(text)
    return isSchema(value) ? { values: value } : { error: 'Arguments are a JSON object, such as {}.' }
  } catch (error) {
    return { error: `This is not JSON: ${error instanceof Error ? error.message : ''}` }
  }
}
