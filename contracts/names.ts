import { z } from 'zod'

/** Display-and-address name of servers, toolboxes and agents' connections: lower case, digits, single dashes inside, 3-40 characters. */
export const NAME_PATTERN = /^[a-z0-9](-?[a-z0-9])*$/
export const Name = z
  .string()
  .min(3, 'Use at least 3 characters.')
  .max(40, 'Use at most 40 characters.')
  .regex(NAME_PATTERN, 'Use lower-case letters, digits and single dashes between them, such as "web-search".')

/** Text that a toolbox or a server made: what Postgres cannot keep (see `Text`) is replaced, since nobody could correct it. */
export const ForeignText = z.string().overwrite(storable)

/** Replaces null characters and halves of surrogate pairs by U+FFFD. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

/** In lower case, as Postgres answers it, so that ids can be compared as text. */
export const Id = z.uuid('This is not an id of ours (a UUID).').toLowerCase()

/** ISO 8601 in UTC. */
export const Timestamp = z.iso.datetime()

/** Free text. Postgres, arguments and variables cannot hold a null character, nor UTF-8 half of a surrogate pair. */
export const Text = z
  .string()
  .refine(
    (text) => !text.includes('\0') && text.isWellFormed(),
    'Leave out null characters and halves of characters.',
  )

/** POSIX environment variable name. */
export const EnvName = z
  .string()
  .max(128, 'Use at most 128 characters.')
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'Use letters, digits and underscores, not starting with a digit.')

/** npm package name, by the registry's own rule for new packages (lower case, at most 214 characters, optional scope); never a flag. */
export const NpmPackageName = z
  .string()
  .max(214, 'npm package names have at most 214 characters.')
  .regex(
    /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/,
    'This is not an npm package name, such as "@modelcontextprotocol/server-everything".',
  )

/** An exact version, a range without spaces, or a dist-tag; never a URL, a path or a flag. */
export const NpmVersion = z
  .string()
  .max(64, 'Use at most 64 characters.')
  .regex(
    /^[0-9A-Za-z^~][0-9A-Za-z.+_~^-]*$/,
    'This is not an npm version or tag, such as "1.2.3" or "latest".',
  )

export const Email = z.email('This is not an e-mail address.').max(254, 'Use at most 254 characters.')

/** 12 is the shortest that NIST SP 800-63B-4 lets stand beside a second factor; 256 bounds the hashing work. */
export const Password = Text.min(12, 'Use at least 12 characters.').max(256, 'Use at most 256 characters.')

/**
 * A container image: `[registry/]path[:tag][@sha256:digest]`, by the grammar of the distribution project
 * (github.com/distribution/reference); at most 255 characters of name.
 */
export const ImageReference = z
  .string()
  .max(512, 'Use at most 512 characters.')
  .refine(
    (text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text),
    'An image has a name, not a URL: ghcr.io/owner/name:tag.',
  )
  .regex(
    /^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/,
    'Name an image, such as ghcr.io/owner/name:tag.',
  )

/** A token of RFC 9110. */
export const HeaderName = z
  .string()
  .max(128, 'Use at most 128 characters.')
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'This is not the name of an HTTP header, such as X-Api-Key.')
