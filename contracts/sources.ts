import { z } from 'zod'
import { HeaderName, ImageReference, Name, NpmPackageName, NpmVersion, Text } from './names.ts'

/** Something as the latest revision has it: secrets are write-only, so they are kept without being read. */
export const Kept = z.strictObject({ keep: z.literal(true) })

const HeaderValue = z
  .string()
  .max(8192)
  .refine((value) => /^[\t -~\u0080-\u00ff]*$/.test(value), 'A header value has no line breaks.')

/** Values are kept as secrets. */
function headersOf<Value extends z.ZodType>(value: Value) {
  return z
    .record(HeaderName, value)
    .refine((headers) => Object.keys(headers).length <= 32, 'Use at most 32 headers.')
}

const Arguments = z.array(Text.max(4096, 'An argument has at most 4096 characters.')).max(64)

/** The sources there are, with what a header's value may be. */
function sourceOf<Value extends z.ZodType>(header: Value) {
  return z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('catalog'),
      slug: Name,
      /** Left out: the newest. */
      version: Text.min(1).max(64).optional(),
      /** Answers to the entry's arguments by key; several for one that may be repeated. */
      arguments: z
        .record(z.string().max(64), z.union([Text.max(4096), z.array(Text.max(4096)).max(32)]))
        .optional(),
      /** Answers to the headers that an entry of a remote server asks for. */
      headers: headersOf(header).optional(),
    }),
    z.strictObject({ type: z.literal('image'), image: ImageReference, args: Arguments.optional() }),
    z.strictObject({
      type: z.literal('npm'),
      package: NpmPackageName,
      version: NpmVersion.optional(),
      bin: z
        .string()
        .max(214)
        .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'Name one of the executables of the package.')
        .optional(),
      args: Arguments.optional(),
    }),
    /** A server that runs elsewhere; the toolbox passes calls on to it, with `headers`. */
    z.strictObject({
      type: z.literal('remote'),
      url: z.url({ protocol: /^https?$/, error: 'A URL that starts with https:// or http://.' }).max(2048),
      headers: headersOf(header).optional(),
    }),
  ])
}

/** The public union of sources. */
export const Source = sourceOf(HeaderValue)
export type Source = z.infer<typeof Source>

/**
 * The same for an update. Of a remote server `headers`, when given, are all of them; left out they stay, as long as the URL keeps
 * its origin: values are never sent to another one.
 */
export const SourceChange = sourceOf(z.union([HeaderValue, Kept]))
export type SourceChange = z.infer<typeof SourceChange>
