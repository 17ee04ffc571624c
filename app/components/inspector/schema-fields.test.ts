import { describe, expect, it } from 'vitest'
import { argumentFields, readArguments, readRawArguments } from './schema-fields.ts'

const schema = {
  type: 'object',
  properties: {
    message: { type: 'string', description: 'What to say' },
    count: { type: 'integer', default: 3 },
    ratio: { type: ['number', 'null'] },
    loud: { type: 'boolean' },
    level: { enum: ['low', 'high'], default: 'low' },
    size: { enum: [1, 2] },
    tags: { type: 'array', items: { type: 'string' } },
    either: { type: ['string', 'number'] },
    odd: 7,
  },
  required: ['message', 'tags'],
}
const fields = argumentFields(schema)

describe('the form of a tool', () => {
  it('has a control for each argument, JSON where there is no plain one', () => {
    expect(fields.map(({ name, kind, required, initial }) => [name, kind, required, initial])).toEqual([
      ['message', 'text', true, ''],
      ['count', 'number', false, '3'],
      ['ratio', 'number', false, ''],
      ['loud', 'boolean', false, 'false'],
      ['level', 'choice', false, 'low'],
      ['size', 'choice', false, ''],
      ['tags', 'json', true, ''],
      ['either', 'json', false, ''],
      ['odd', 'json', false, ''],
    ])
  })

  it('gives arguments of the right types, and leaves out what is empty', () => {
    const typed = { message: '', count: '4', ratio: '0.5', loud: 'true', size: '2', tags: '["a"]' }
    expect(readArguments(fields, typed)).toEqual({
      values: { message: '', count: 4, ratio: 0.5, loud: true, level: 'low', size: 2, tags: ['a'] },
      errors: {},
    })
  })

  it('says at each box what is wrong with it', () => {
    const { errors } = readArguments(fields, { count: '1.5', ratio: 'x', tags: '[', either: '' })
    expect(errors).toEqual({
      count: 'Use a whole number.',
      ratio: 'This is not a number.',
      tags: 'This is not JSON.',
    })
    expect(readArguments(fields, { tags: '' }).errors).toEqual({ tags: 'The tool needs this.' })
  })

  it('is empty for a schema that says nothing', () => {
    expect(argumentFields({ type: 'object' })).toEqual([])
    expect(argumentFields({ type: 'object', properties: [] })).toEqual([])
  })
})

it.each([
  ['', { values: {} }],
  ['{"a":1}', { values: { a: 1 } }],
  ['[1]', { error: expect.stringContaining('JSON object') }],
  ['{', { error: expect.stringContaining('not JSON') }],
])('raw arguments: %j', (text, expected) => {
  expect(readRawArguments(text)).toEqual(expected)
})
