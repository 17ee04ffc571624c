/** `type/subtype` in lower case, without parameters. */
export function mediaType(header: string | undefined): string {
  return header?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** Whether an Accept header takes `wanted` (`type/subtype`). No header takes everything; quality 0 takes nothing. */
export function accepts(header: string | undefined, wanted: string): boolean {
  if (header === undefined) return true
  const family = `${wanted.split('/', 1)[0]}/*`
  return header.split(',').some((part) => {
    const range = mediaType(part)
    if (range !== wanted && range !== family && range !== '*/*') return false
    return !/;\s*q=0(?:\.0{0,3})?\s*(?:;|$)/i.test(part)
  })
}
