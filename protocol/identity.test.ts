import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createIdentity, fingerprintOfKey, publicKeyFingerprint, publicKeyOf } from './identity.ts'

describe('createIdentity', () => {
  it('makes a self-signed Ed25519 certificate that does not expire', async () => {
    const identity = await createIdentity('toolbox.test-1')
    const certificate = new X509Certificate(identity.certificate)
    expect(certificate.subject).toBe('CN=toolbox.test-1')
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.asymmetricKeyType).toBe('ed25519')
    expect(new Date(certificate.validFrom).getUTCFullYear()).toBe(2000)
    expect(new Date(certificate.validTo).getUTCFullYear()).toBe(9999)
    expect(identity.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  })

  it('refuses names that would shape the certificate', async () => {
    await expect(createIdentity('a, O=b')).rejects.toThrow(TypeError)
  })
})

it('fingerprints the key and not the certificate', async () => {
  const { certificate } = await createIdentity('a')
  expect(publicKeyFingerprint(certificate)).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(fingerprintOfKey(publicKeyOf(certificate))).toBe(publicKeyFingerprint(certificate))
})

it('refuses what is no certificate', () => {
  expect(() => publicKeyOf('hello')).toThrow('not a PEM certificate')
})
