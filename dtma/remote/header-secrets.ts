/** Shorter words of a header are a scheme ("Bearer", "Basic") or no secret. */
const SHORTEST_WORD = 8

/** What is secret in the values of headers: each as a whole, and the words in it, as a server may repeat a token alone. */
export function headerSecrets(headers: Record<string, string>): string[] {
  return Object.values(headers).flatMap((value) => [
    value,
    ...value.split(/[\s,;=]+/).filter((word) => word.length >= SHORTEST_WORD),
  ])
}
