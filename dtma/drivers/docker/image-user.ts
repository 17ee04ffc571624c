/** Nobody's: no user of the machine and of no common image. */
export const FALLBACK_USER = { uid: 65_534, gid: 65_534 } as const
const HIGHEST_ID = 2 ** 31 - 1

export type ServerUser = {
  uid: number
  gid: number
  /** True when the image wanted root, or a user that it does not have. */
  replaced: boolean
}

/** True when `/etc/passwd` of the image is needed to tell who that is. */
export function needsPasswd(user: string): boolean {
  return !/^\d*(:\d+)?$/.test(user)
}

/**
 * Who a server runs as: the image's user when that is not root, else nobody. Names are looked up here and handed on as numbers,
 * so that a user called "app" with the id 0 does not become root.
 */
export function chooseUser(user: string, passwd: string, group: string): ServerUser {
  const [userPart = '', groupPart] = user.split(':')
  const entry = entries(passwd).find((fields) => fields[0] === userPart || fields[2] === userPart)
  const uid = readId(userPart) ?? readId(entry?.[2])
  if (uid === null || uid === 0) return { ...FALLBACK_USER, replaced: true }
  const named = entries(group).find((fields) => fields[0] === groupPart)
  const gid = groupPart === undefined ? readId(entry?.[3]) : (readId(groupPart) ?? readId(named?.[2]))
  return { uid, gid: gid ?? uid, replaced: false }
}

function readId(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return null
  const id = Number(text)
  return id > HIGHEST_ID ? null : id
}

const entries = (file: string): string[][] => file.split('\n').map((line) => line.split(':'))
