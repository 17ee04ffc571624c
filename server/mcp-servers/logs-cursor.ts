/** How far the log of each instance was read. */
export type LogPositions = Map<string, number>

export function parseLogCursor(cursor: string | null | undefined): LogPositions {
  return new Map(
    (cursor ?? '')
      .split('.')
      .filter((part) => part.includes(':'))
      .map((part) => {
        const [id = '', seq] = part.split(':')
        return [id, Number(seq)]
      }),
  )
}

export function formatLogCursor(positions: LogPositions): string {
  return [...positions].map(([id, seq]) => `${id}:${seq}`).join('.') || '0'
}
