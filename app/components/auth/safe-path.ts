/** A path of this site with its query, else the start page: the value comes from the address and is not trusted. */
export function safePath(value: string | string[] | undefined): string {
  if (typeof value !== 'string') return '/'
  const base = 'http://self.invalid'
  const url = URL.canParse(value, base) ? new URL(value, base) : null
  // A path of two slashes would lead to another site.
  if (url?.origin !== base || url.pathname.startsWith('//')) return '/'
  return `${url.pathname}${url.search}`
}
