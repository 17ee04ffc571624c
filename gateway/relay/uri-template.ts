/** Longer templates are matched by nobody: they come from servers. */
const MAX_LENGTH = 2000

/** Whether a URI can have been made of a template (RFC 6570), closely enough to tell servers apart. */
export function matchesTemplate(template: string, uri: string): boolean {
  if (template.length > MAX_LENGTH || uri.length > MAX_LENGTH) return false
  // Literals have to stand in their order; what is between them is a value. No regular expression: servers would write it.
  const literals = template.split(/\{[^{}]*\}/)
  const first = literals[0] ?? ''
  const last = literals.length > 1 ? (literals.at(-1) ?? '') : ''
  if (literals.length === 1) return uri === first
  if (!uri.startsWith(first) || !uri.endsWith(last) || uri.length < first.length + last.length) return false
  let at = first.length
  for (const literal of literals.slice(1, -1)) {
    const found = uri.indexOf(literal, at)
    if (found === -1) return false
    at = found + literal.length
  }
  return at <= uri.length - last.length
}
