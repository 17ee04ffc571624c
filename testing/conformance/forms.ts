import { type ElicitRequestFormParams, inputRequired } from '@modelcontextprotocol/server'

type Fields = ElicitRequestFormParams['requestedSchema']['properties']

/** One field of each primitive type, each with a default (SEP-1034). */
export const VALUES_SCHEMA: Fields = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}

const OPTIONS = ['option1', 'option2', 'option3']

/** The five ways to offer a choice (SEP-1330). */
export const ENUMS_SCHEMA: Fields = {
  untitledSingle: { type: 'string', enum: OPTIONS },
  titledSingle: { type: 'string', oneOf: titled('Option') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
  titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
}

/** A question by form; every field is required unless `required` says less. */
export function elicit(message: string, properties: Fields, required = Object.keys(properties)) {
  return inputRequired.elicit({ message, requestedSchema: { type: 'object', properties, required } })
}

/** In words what a user did with a form. */
export function formOf(answer: unknown): string {
  const { action, content } = answer as { action?: unknown; content?: unknown }
  return `action=${String(action)}, content=${JSON.stringify(content ?? {})}`
}

function titled(noun: string): { const: string; title: string }[] {
  return ['First', 'Second', 'Third'].map((nth, at) => ({ const: `value${at + 1}`, title: `${nth} ${noun}` }))
}
