import type { ReadResourceResult, Resource, ResourceTemplateType } from '@modelcontextprotocol/server'
import { PNG } from './media.ts'

export const RESOURCES: Resource[] = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    description: 'Text that never changes.',
    mimeType: 'text/plain',
  },
  {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'An image that never changes.',
    mimeType: 'image/png',
  },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'Can be watched; test_trigger_resource_update says that it changed.',
    mimeType: 'text/plain',
  },
]

export const TEMPLATES: ResourceTemplateType[] = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'Data by id.',
    mimeType: 'application/json',
  },
]

/** null: there is no such resource. */
export function readResource(uri: string): ReadResourceResult | null {
  if (uri === 'test://static-text') return textual(uri, 'This is the content of the static text resource.')
  if (uri === 'test://watched-resource') return textual(uri, 'Watch me.')
  if (uri === 'test://static-binary') {
    return { contents: [{ uri, mimeType: PNG.mimeType, blob: PNG.data }] }
  }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
  if (id === undefined) return null
  const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
  return { contents: [{ uri, mimeType: 'application/json', text: data }] }
}

function textual(uri: string, text: string): ReadResourceResult {
  return { contents: [{ uri, mimeType: 'text/plain', text }] }
}
