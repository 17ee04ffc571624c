import type { z } from 'zod'
import { type CatalogRelease, CreateCatalogEntry } from '#contracts/catalog.ts'
import type { ImportAnswers } from '#contracts/catalog-transfer.ts'
import { NAME_PATTERN } from '#contracts/names.ts'
import { checkRelease } from '#server/catalog/check-release.ts'
import { AppError } from '#server/errors.ts'

/** A server that was found in a configuration, before anybody looked whether the catalog has it. */
export interface ImportDraft {
  key: string
  entry: CreateCatalogEntry | null
  answers: ImportAnswers
  notes: string[]
  refusal: string | null
}

/** A server that cannot be run by Toolberth. The message says why, in words for its reader. */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** Said of a remote server that names nothing newer. */
export const OLDER_SSE =
  'It speaks the older SSE transport. Look whether it has a streamable HTTP endpoint, such as the same URL ending in /mcp.'

export type ReleaseInput = z.input<typeof CatalogRelease>
export type VariableInput = NonNullable<ReleaseInput['variables']>[number]
export type ArgumentInput = NonNullable<ReleaseInput['arguments']>[number]
export type HeaderInput = NonNullable<ReleaseInput['headers']>[number]

export function noAnswers(): ImportAnswers {
  return { env: {}, headers: {}, arguments: {} }
}

/** What reading one server comes to; anything that stands in its way refuses it, and no other. */
export function draft(
  key: string,
  read: (found: { answers: ImportAnswers; notes: string[] }) => z.input<typeof CreateCatalogEntry>,
): ImportDraft {
  const found = { answers: noAnswers(), notes: [] as string[] }
  try {
    const parsed = CreateCatalogEntry.safeParse(read(found))
    if (!parsed.success) throw new Refusal(wordsOf(parsed.error.issues))
    checkRelease(parsed.data.release)
    return { key, entry: parsed.data, ...found, refusal: null }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    return { key, entry: null, answers: noAnswers(), notes: [], refusal }
  }
}

function refusalOf(error: unknown): string | null {
  if (error instanceof Refusal) return error.message
  if (!(error instanceof AppError) || !error.fields) return null
  return Object.entries(error.fields)
    .map(([field, [text]]) => `${field.replace(/^release\./, '')}: ${text}`)
    .join(' ')
}

function wordsOf(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.').replace(/^release\./, '')}: ${message}`)
    .join(' ')
}

/** A slug that the catalog takes, close to a name that it may not take. */
export function slugOf(name: string): string {
  const bare = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  const long = bare.length < 3 ? `${bare || 'server'}-mcp` : bare
  return NAME_PATTERN.test(long) ? long : 'server'
}

/** "brave-search" as a person would write it. */
export function titleOf(name: string): string {
  return name
    .split(/[-_.\s/]+/)
    .filter(Boolean)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
    .slice(0, 80)
}
