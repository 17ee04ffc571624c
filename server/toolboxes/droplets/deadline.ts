/** From asked for to active: DigitalOcean boots within 2 minutes, system packages and Docker take 3 to 6 on its smallest size. */
const MINUTES = 20

export function dropletDeadline(now = Date.now()): Date {
  return new Date(now + MINUTES * 60_000)
}
