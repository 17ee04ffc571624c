import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Agent, request } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { createIdentity, fingerprintOfKey, type Identity, publicKeyFingerprint } from './identity.ts'
import { createPinnedDispatcher } from './pinned-dispatcher.ts'

const open: (Server | Agent)[] = []
afterEach(async () => {
  for (const item of open.splice(0)) {
    if ('listen' in item) {
      item.closeAllConnections()
      item.close()
    } else await item.destroy()
  }
})

/** A TLS server that answers with the fingerprint of the client's key. */
async function listen(identity: Identity): Promise<{ url: string; hits: () => number }> {
  let hits = 0
  const server = createServer(
    { cert: identity.certificate, key: identity.privateKey, requestCert: true, rejectUnauthorized: false },
    (req, res) => {
      hits++
      const key = (req.socket as TLSSocket).getPeerX509Certificate()?.publicKey
      res.end(key === undefined ? 'none' : fingerprintOfKey(key))
    },
  )
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, hits: () => hits }
}

function dispatcher(serverCertificate: string, clientIdentity: Identity): Agent {
  const agent = createPinnedDispatcher({ serverCertificate, clientIdentity })
  open.push(agent)
  return agent
}

describe('createPinnedDispatcher', () => {
  it('reaches the pinned peer and proves its own key, also on later connections', async () => {
    const [server, client] = [await createIdentity('server'), await createIdentity('client')]
    const { url } = await listen(server)
    const agent = dispatcher(server.certificate, client)
    for (let i = 0; i < 3; i++) {
      const answer = await request(url, { dispatcher: agent, reset: true })
      expect(await answer.body.text()).toBe(publicKeyFingerprint(client.certificate))
    }
  })

  it('sends nothing to a peer with another key, even one of the same name', async () => {
    const [server, impostor, client] = [
      await createIdentity('server'),
      await createIdentity('server'),
      await createIdentity('client'),
    ]
    const { url, hits } = await listen(impostor)
    const agent = dispatcher(server.certificate, client)
    await expect(request(url, { dispatcher: agent })).rejects.toMatchObject({ code: 'PIN_MISMATCH' })
    expect(hits()).toBe(0)
  })

  it('refuses plain http', async () => {
    const [server, client] = [await createIdentity('server'), await createIdentity('client')]
    const agent = dispatcher(server.certificate, client)
    await expect(request('http://127.0.0.1:9/', { dispatcher: agent })).rejects.toThrow('https only')
  })
})
