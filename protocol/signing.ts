import { createHash, createPrivateKey, randomBytes, sign, verify } from 'node:crypto'
import { publicKeyOf } from './identity.ts'

export const TOOLBOX_HEADER = 'x-dtma-toolbox'
export const TIMESTAMP_HEADER = 'x-dtma-timestamp'
export const NONCE_HEADER = 'x-dtma-nonce'
export const SIGNATURE_HEADER = 'x-dtma-signature'

/** Headers as Node's http module or `Object.fromEntries(request.headers)` give them: lower-case names. */
export type HeaderBag = Record<string, string | string[] | undefined>

export type Verification =
  | { ok: true; nonce: string; toolboxId: string }
  | { ok: false; reason: 'signature' | 'time' | 'missing' }

/** What is signed. `path` is the request target with its query, as sent; the body enters as SHA-256, so an empty one counts too. */
function signedText(
  method: string,
  path: string,
  timestamp: string,
  nonce: string,
  body: Buffer | string,
): Buffer {
  const digest = createHash('sha256').update(body).digest('hex')
  return Buffer.from([method.toUpperCase(), path, timestamp, nonce, digest].join('\n'))
}

/** Headers that sign a request of an agent. `now` is the agent's idea of the control plane's time. */
export function signRequest(input: {
  privateKey: string
  toolboxId: string
  method: string
  path: string
  body: Buffer | string
  now: Date
}): Record<string, string> {
  const timestamp = input.now.toISOString()
  const nonce = randomBytes(16).toString('base64url')
  const text = signedText(input.method, input.path, timestamp, nonce, input.body)
  return {
    [TOOLBOX_HEADER]: input.toolboxId,
    [TIMESTAMP_HEADER]: timestamp,
    [NONCE_HEADER]: nonce,
    [SIGNATURE_HEADER]: sign(null, text, createPrivateKey(input.privateKey)).toString('base64'),
  }
}

/**
 * Checks a signed request. `body` must be the bytes as received. The signature is checked before the time, so `time` means "the
 * right agent with a wrong clock" and may be answered with the server's time. Seen nonces are the caller's to remember (per
 * toolbox, for twice the tolerance). Throws TypeError when `certificate` is none.
 */
export function verifyRequest(input: {
  certificate: string
  method: string
  path: string
  body: Buffer | string
  headers: HeaderBag
  now: Date
  toleranceSeconds: number
}): Verification {
  const timestamp = single(input.headers, TIMESTAMP_HEADER)
  const nonce = single(input.headers, NONCE_HEADER)
  const signature = single(input.headers, SIGNATURE_HEADER)
  const toolboxId = single(input.headers, TOOLBOX_HEADER)
  if (!timestamp || !nonce || !signature || !toolboxId) return { ok: false, reason: 'missing' }
  if (!/^[A-Za-z0-9_-]{16,64}$/.test(nonce)) return { ok: false, reason: 'missing' }
  const text = signedText(input.method, input.path, timestamp, nonce, input.body)
  if (!verify(null, text, publicKeyOf(input.certificate), Buffer.from(signature, 'base64'))) {
    return { ok: false, reason: 'signature' }
  }
  const offset = Math.abs(Date.parse(timestamp) - input.now.getTime())
  if (!(offset <= input.toleranceSeconds * 1000)) return { ok: false, reason: 'time' }
  return { ok: true, nonce, toolboxId }
}

function single(headers: HeaderBag, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value : null
}
