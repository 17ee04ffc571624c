import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { AgentFailure } from '#dtma/agent-failure.ts'
import { fingerprintOfKey, publicKeyFingerprint } from '#protocol/identity.ts'

export type Caller = 'worker' | 'gateway'
/** PEM certificates of the two client identities, as enrolment gave them; null before it. */
export type Clients = { worker: string; gateway: string } | null

/** Who is calling, told by the key that was proven in the TLS handshake. Throws AgentFailure UNAUTHORIZED or FORBIDDEN. */
export function identifyCaller(request: IncomingMessage, clients: Clients): Caller {
  const key = (request.socket as TLSSocket).getPeerX509Certificate()?.publicKey
  if (key === undefined) throw new AgentFailure('UNAUTHORIZED', 'A client certificate is needed.')
  const fingerprint = fingerprintOfKey(key)
  if (clients !== null) {
    if (fingerprint === publicKeyFingerprint(clients.worker)) return 'worker'
    if (fingerprint === publicKeyFingerprint(clients.gateway)) return 'gateway'
  }
  throw new AgentFailure('FORBIDDEN', 'This client is not one of the control plane of this toolbox.')
}
