/**
 * Newest first. Versions that begin with numbers ("1.2.3", "v2", "2026.8.31") are compared number by number, a pre-release before
 * its release; others follow, the one that was added last first.
 */
export function newestFirst(
  a: { version: string; createdAt: Date },
  b: { version: string; createdAt: Date },
): number {
  const [left, right] = [parse(a.version), parse(b.version)]
  if (!left || !right) {
    if (left || right) return left ? -1 : 1
    return b.createdAt.getTime() - a.createdAt.getTime()
  }
  for (let at = 0; at < Math.max(left.numbers.length, right.numbers.length); at++) {
    const difference = (right.numbers[at] ?? 0) - (left.numbers[at] ?? 0)
    if (difference !== 0) return difference
  }
  if (left.rest === right.rest) return b.createdAt.getTime() - a.createdAt.getTime()
  if (left.rest === '' || right.rest === '') return left.rest === '' ? -1 : 1
  return right.rest.localeCompare(left.rest, 'en', { numeric: true })
}

function parse(version: string): { numbers: number[]; rest: string } | null {
  const match = /^v?(\d+(?:\.\d+)*)(?:[-.]?([A-Za-z][^+]*|-.*))?(?:\+.*)?$/.exec(version)
  return match ? { numbers: (match[1] ?? '').split('.').map(Number), rest: match[2] ?? '' } : null
}
