export const REDACTED = '[redacted]'

/** Shorter values ("1", "on") are no secrets, and replacing them would garble every line. */
const SHORTEST_SECRET = 4

/** Tokens that are recognisable by their form alone; vendors' documented prefixes, JSON web tokens, keys, URL passwords. */
const OBVIOUS_TOKENS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, REDACTED],
  [
    /\b(?:gh[oprsu]_|github_pat_|glpat-|npm_|xox[abprs]-|sk-|rk_live_|sk_live_|dop_v1_|AKIA)[A-Za-z0-9_-]{12,}/g,
    REDACTED,
  ],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi, `$1${REDACTED}@`],
  [
    /(["']?\b(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token)\b["']?\s*[=:]\s*["']?)[^\s"',;&]{4,}/gi,
    `$1${REDACTED}`,
  ],
]

/** Keys of objects whose value is never shown, whatever it looks like. */
const SECRET_KEY = /pass(word|wd)|secret|token|api[_-]?key|authorization|cookie|private[_-]?key|credential/i

export type Redactor = {
  /** The same text with known values and obvious tokens replaced by `[redacted]`. */
  text(input: string): string
  /** A copy of a JSON-like value with strings redacted and values of secret-looking keys replaced. */
  value(input: unknown): unknown
}

/** Makes a redactor for the given secret values, also in the forms in which they get into logs: URL-encoded, base64, JSON-escaped. */
export function createRedactor(secretValues: Iterable<string>): Redactor {
  const forms = new Set<string>()
  for (const secret of secretValues) {
    for (const part of [secret, ...secret.split(/\r?\n/)]) {
      if (part.length < SHORTEST_SECRET) continue
      for (const form of [
        part,
        part.trim(),
        encodeURIComponent(part.toWellFormed()),
        JSON.stringify(part).slice(1, -1),
        Buffer.from(part).toString('base64').replace(/=+$/, ''),
        Buffer.from(part).toString('base64url'),
      ]) {
        if (form.length >= SHORTEST_SECRET) forms.add(form)
      }
    }
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length).map(escapeRegExp)
  const known = longestFirst.length > 0 ? new RegExp(longestFirst.join('|'), 'g') : null

  function text(input: string): string {
    let output = known === null ? input : input.replace(known, REDACTED)
    for (const [pattern, replacement] of OBVIOUS_TOKENS) output = output.replace(pattern, replacement)
    return output
  }

  function value(input: unknown, depth = 0): unknown {
    if (typeof input === 'string') return text(input)
    if (typeof input !== 'object' || input === null) return input
    if (depth > 20) return REDACTED
    if (Array.isArray(input)) return input.map((item) => value(item, depth + 1))
    return Object.fromEntries(
      Object.entries(input).map(([key, item]) => [
        key,
        SECRET_KEY.test(key) && typeof item === 'string' ? REDACTED : value(item, depth + 1),
      ]),
    )
  }

  return { text, value: (input) => value(input) }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
